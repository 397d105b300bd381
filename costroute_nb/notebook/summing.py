"""`%route report` and `%route advise`: what the ledger comes to, and what cost too much."""

from typing import TYPE_CHECKING, Any

from costroute_nb.core.lever import lever_line
from costroute_nb.core.money import format_usd, usd_to_pico
from costroute_nb.core.report import cells, headings, percent
from costroute_nb.export.files import levers_file
from costroute_nb.notebook.options import ADVISE_OPTIONS, REPORT_OPTIONS
from costroute_nb.notebook.parsing import parse, values
from costroute_nb.notebook.usage import takes
from costroute_nb.notebook.views import Page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costroute_nb.core.lever import Levers
    from costroute_nb.notebook.face import Face

_NOTHING = "the ledger supports no advice on these"


def report(face: "Face", rest: str) -> Page:
    """Show what the ledger comes to, and write the files that are asked for."""
    asked = values(parse(rest, REPORT_OPTIONS, otherwise=takes("report")), {}, str)
    found = face.session().report(**asked)
    written = [asked[kind] for kind in ("html", "csv") if kind in asked]
    written += [levers_file(asked["csv"])] if "csv" in asked else []
    return Page(
        head=found.lines,
        columns=(found.by, *headings(found.by)),
        rows=tuple(
            (group.title, *cells(group.totals, found.by)) for group in found.groups
        ),
        foot=(*_levers(found.levers), *(f"written: {path}" for path in written)),
    )


def advise(face: "Face", rest: str) -> Page:
    """Show the work that cost most, and what would have cost less."""
    asked = values(parse(rest, ADVISE_OPTIONS, otherwise=takes("advise")), {}, str)
    frame = face.session().advise(**asked)
    notes = tuple(frame.attrs["notes"])
    simulated = frame.attrs["simulated"]
    pot = "simulated, no money was spent" if simulated else "real money"
    head = f"what cost most ({pot}; {frame.attrs['sessions']}; {frame.attrs['period']})"
    if frame.empty:
        unnamed = frame.attrs["unnamed_share"]
        nothing = "there is no known cost to save on" if unnamed is None else _NOTHING
        return Page((head, nothing), foot=notes)
    entries = frame.astype(object).where(frame.notna(), None).to_dict("records")
    rows, lines, seen = [], [], []
    for entry in entries:
        place = entry["workflow"], entry["step"]
        if place not in seen:
            seen.append(place)
            rows.append((str(len(seen)), *_place_cells(entry)))
        if entry["advice"] is not None:
            lines.append(f"{len(seen)}. {_advice_line(entry)}")
    return Page(
        head=(head,),
        columns=("", "workflow", "step", "calls", "cost", "of all", "cache hits"),
        rows=tuple(rows),
        foot=(*(lines or [_NOTHING]), *notes),
    )


def _levers(found: "Levers") -> tuple[str, ...]:
    """Return a line for each lever, the parts of the whole first, then what they are."""
    return (*map(lever_line, found.rows), *found.notes)


def _place_cells(entry: "Mapping[Any, Any]") -> tuple[str, ...]:
    return (
        entry["workflow"] or "(none)",
        entry["step"] or "(none)",
        f"{entry['calls']:,}",
        format_usd(usd_to_pico(entry["cost_usd"])),
        f"{entry['cost_share']:.0%}",
        percent(entry["cache_hit_rate"]),
    )


def _advice_line(entry: "Mapping[Any, Any]") -> str:
    saved = format_usd(usd_to_pico(entry["saved_usd"]))
    line = (
        f"{entry['advice']}: {entry['finding']}; {saved} less, if {entry['assumption']}"
    )
    return line if entry["option"] is None else f"{line} ({entry['option']})"
