"""A report as one HTML page that asks nothing of any network."""

from __future__ import annotations

from contextlib import closing
from html import escape
from typing import TYPE_CHECKING

from costroute_nb.core.lever import HEADINGS, lever_cells
from costroute_nb.core.money import format_usd
from costroute_nb.core.report import Group, cells, headings, left_out, mean, percent
from costroute_nb.export.pictures import Pictures, bars, per_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from costroute_nb.core.lever import Levers
    from costroute_nb.core.report import Report
    from costroute_nb.core.totals import Totals

_STYLE = """\
:root { color-scheme: light dark; --ink: #1f2933; --quiet: #52606d; --line: #d9dee4;
  --paper: #ffffff; --card: #f4f6f8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --quiet: #a7b0ba;
  --line: #3a424b; --paper: #16191d; --card: #20252b; } }
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: var(--ink);
  background: var(--paper); font: 16px/1.5 system-ui, sans-serif; }
h1 { margin-bottom: 0; } h2 { margin-top: 2.5rem; }
p.scope, figcaption, p.notes { color: var(--quiet); }
dl { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); }
dl div { padding: .75rem 1rem; border-radius: .5rem; background: var(--card); }
dt { color: var(--quiet); } dd { margin: 0; font-size: 1.3rem; }
figure { margin: 1rem 0; overflow-x: auto; }
svg { max-width: 100%; height: auto; overflow: visible; color: var(--ink); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .6rem; border-bottom: 1px solid var(--line); text-align: right; }
td { white-space: nowrap; }
th:first-child, td:first-child { text-align: left; white-space: normal;
  overflow-wrap: anywhere; min-width: 9rem; }
.words th:nth-child(n+6), .words td:nth-child(n+6) { text-align: left;
  white-space: normal; min-width: 12rem; }
"""

_OPEN_DAYS = 31


def html_text(report: Report) -> str:
    """Return a report as a page with its own style and pictures."""
    title = f"costroute report, by {report.by}"
    body = "<p>No attempts yet.</p>"
    if report.groups:
        with closing(Pictures()) as pictures:
            body = "\n".join(_body(report, pictures))
    # Nothing on the page may run or load, whatever a name in the ledger says.
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>\n"
        f'<h1>{escape(title)}</h1>\n<p class="scope">{escape(report.scope)}</p>\n'
        f"{body}\n</body>\n</html>\n"
    )


def _body(report: Report, pictures: Pictures) -> Iterable[str]:
    totals = report.totals
    yield _cards(report, totals)
    days = report.days
    counted = f"{len(days)} day{'s' * (len(days) != 1)}"
    yield "<h2>By day</h2>"
    caption = f"Cost per day: {format_usd(totals.known_cost)} on {counted}"
    yield _figure(pictures.svg(per_day(days)), f"{caption}{left_out(totals)}.")
    for heading, groups in (
        (report.by, report.groups if report.by != "day" else ()),
        ("model", _by_model(report) if report.by != "model" else ()),
    ):
        if groups:
            yield f"<h2>By {heading}</h2>"
            first = f"{groups[0].title} with {format_usd(groups[0].totals.known_cost)}"
            caption = f"Cost by {heading}: most for {first}{left_out(totals)}."
            yield _figure(pictures.svg(bars(groups)), caption)
            yield _table(heading, groups)
    yield from _levers(report.levers)
    yield "<h2>Every day</h2>"
    opened = " open" if len(days) <= _OPEN_DAYS else ""
    table = _table("day", days)
    yield f"<details{opened}><summary>{counted}</summary>\n{table}\n</details>"


def _levers(levers: Levers) -> Iterable[str]:
    yield "<h2>What spent less</h2>"
    yield _rows(HEADINGS, map(lever_cells, levers.rows), kind="words")
    yield from (f'<p class="notes">{escape(note)}.</p>' for note in levers.notes)


def _by_model(report: Report) -> tuple[Group, ...]:
    return tuple(Group(name, totals, {}) for name, totals in report.models.items())


def _cards(report: Report, totals: Totals) -> str:
    cards = {
        "calls": f"{totals.calls:,}",
        "cost": format_usd(totals.known_cost),
        "average per call": mean(totals.cost_per_call),
        "cache-hit rate": percent(totals.hit_rate),
        f"saved against {report.baseline}": format_usd(totals.known_saving),
        "estimated attempts": percent(totals.estimated_share),
        "attempts of unknown cost": f"{totals.unknown:,}",
    }
    items = (
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in cards.items()
    )
    return f"<dl>\n{chr(10).join(items)}\n</dl>"


def _figure(svg: str | None, caption: str) -> str:
    words = escape(caption)
    if svg is None:
        return f"<p>{words}</p>"
    # The picture is said in one sentence; the table below has every number.
    picture = svg.replace("<svg ", f'<svg role="img" aria-label="{words}" ', 1)
    return f"<figure>\n{picture}\n<figcaption>{words}</figcaption>\n</figure>"


def _table(heading: str, groups: Sequence[Group]) -> str:
    return _rows(
        (heading, *headings(heading)),
        ((group.title, *cells(group.totals, heading)) for group in groups),
    )


def _rows(names: Iterable[str], rows: Iterable[Iterable[str]], kind: str = "") -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    body = "\n".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>"
        for row in rows
    )
    return (
        f'<div class="wide {kind}"><table>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table></div>"
    )
