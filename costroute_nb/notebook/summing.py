"""`%route report` and `%route advise`: what the ledger comes to, and what cost too much."""

from typing import TYPE_CHECKING, Any

from costroute_nb.core.money import format_usd, usd_to_pico
from costroute_nb.core.report import cells, headings, left_out, mean, percent
from costroute_nb.notebook.options import ADVISE_OPTIONS, REPORT_OPTIONS
from costroute_nb.notebook.parsing import parse, values
from costroute_nb.notebook.usage import takes
from costroute_nb.notebook.views import Page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costroute_nb.core.report import Report
    from costroute_nb.notebook.face import Face


def report(face: "Face", rest: str) -> Page:
    """Show what the ledger comes to, and write the files that are asked for."""
    asked = values(parse(rest, REPORT_OPTIONS, otherwise=takes("report")), {}, str)
    found = face.session().report(**asked)
    written = [asked[kind] for kind in ("html", "csv") if kind in asked]
    said = (*_sums(found), *_models(found)) if found.groups else ("no attempts yet",)
    return Page(
        head=(_title(found), found.scope, *said),
        columns=(found.by, *headings(found.by)),
        rows=tuple(
            (group.title, *cells(group.totals, found.by)) for group in found.groups
        ),
        foot=tuple(f"written: {path}" for path in written),
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
        return Page((head, "there is no known cost to save on"), foot=notes)
    entries = frame.astype(object).where(frame.notna(), None).to_dict("records")
    rows, lines, seen = [], [], []
    for entry in entries:
        place = entry["workflow"], entry["step"]
        if place not in seen:
            seen.append(place)
            rows.append((str(len(seen)), *_place_cells(entry)))
        if entry["advice"] is not None:
            lines.append(f"{len(seen)}. {_advice_line(entry)}")
    nothing = "the ledger supports no advice on these"
    return Page(
        head=(head,),
        columns=("", "workflow", "step", "calls", "cost", "of all", "cache hits"),
        rows=tuple(rows),
        foot=(*(lines or [nothing]), *notes),
    )


def _title(found: "Report") -> str:
    return f"report by {found.by}"


def _sums(found: "Report") -> tuple[str, ...]:
    totals = found.totals
    lines = [
        f"{totals.calls:,} calls, {format_usd(totals.known_cost)}, on average "
        f"{mean(totals.cost_per_call)} per call; {percent(totals.hit_rate)} from the "
        "cache",
        f"saved {format_usd(totals.known_saving)} against {found.baseline_model}; "
        f"{percent(totals.estimated_share)} of {totals.attempts:,} attempts estimated",
    ]
    if totals.unknown:
        lines.append(
            f"{left_out(totals).removeprefix('; ')}; at their worst all attempts cost "
            f"{format_usd(totals.charged)}"
        )
    return tuple(lines)


def _models(found: "Report") -> tuple[str, ...]:
    if found.by == "model":
        return ()
    attempts = found.totals.attempts
    shares = (
        f"{model} {totals.attempts / attempts:.0%}, {format_usd(totals.known_cost)}"
        for model, totals in found.models.items()
    )
    return (f"models by attempts and cost: {'; '.join(shares)}",)


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
    return (
        f"{entry['advice']}: {entry['finding']}; {saved} less, if {entry['assumption']}"
    )
