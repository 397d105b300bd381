"""A report's groups and levers as CSV that a spreadsheet takes for data and never for formulas."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import TYPE_CHECKING

from costroute_nb.core.lever import Lever
from costroute_nb.core.money import pico_to_decimal
from costroute_nb.core.report import Group, average, averaged
from costroute_nb.core.totals import Totals

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from costroute_nb.core.report import Report

# With these a spreadsheet begins a formula; a tab or a line end may hide one.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

Cell = str | int | float | Decimal | None


def csv_text(report: Report) -> str:
    """Return a report's groups, one line each, with headings.

    Money is USD to the last digit, a cell is empty where a value is unknown, and
    text that a spreadsheet would run begins with an apostrophe.
    """
    headings = _cells(report, Group(None, Totals(), {}))
    return _text(headings, (_cells(report, group) for group in report.groups))


def levers_csv(report: Report) -> str:
    """Return a report's levers, one line each, with headings; cells as in `csv_text`."""
    headings = _lever_cells(report, _NO_LEVER)
    levers = report.levers.rows
    return _text(headings, (_lever_cells(report, lever) for lever in levers))


def _text(headings: Iterable[str], rows: Iterable[Mapping[str, Cell]]) -> str:
    out = io.StringIO()
    # A carriage return in a name is quoted only because lines end with one, too.
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(headings)
    for row in rows:
        writer.writerow([_safe(cell) for cell in row.values()])
    return out.getvalue()


_NO_LEVER = Lever("", "", "part", 0, None, None, None, 0, "", "")


def _lever_cells(report: Report, lever: Lever) -> dict[str, Cell]:
    return {
        "lever": lever.name,
        "of": lever.of,
        "counts": lever.counts,
        "attempts": lever.attempts,
        "tokens": lever.tokens,
        "saved_usd": _usd(lever.saved),
        "cost_usd": _usd(lever.cost),
        "unknown": lever.unknown,
        "baseline": lever.baseline,
        "finding": lever.finding,
        "baseline_model": report.baseline_model,
        "simulated": str(report.simulated).lower(),
    }


def _cells(report: Report, group: Group) -> dict[str, Cell]:
    totals = group.totals
    models = (f"{model} {count}" for model, count in group.attempts_per_model.items())
    return {
        report.by: None if group.name is None else str(group.name),
        "calls": totals.calls,
        "cost_usd": _usd(totals.known_cost),
        "avg_cost_usd": _usd(average(totals, report.by)),
        "average_per": averaged(report.by),
        "cache_hit_rate": totals.hit_rate,
        "models": "; ".join(models),
        "saved_usd": _usd(totals.known_saving),
        "baseline_usd": _usd(totals.baseline),
        "charged_usd": _usd(totals.charged),
        "estimated_share": totals.estimated_share,
        "attempts": totals.attempts,
        "unknown": totals.unknown,
        "baseline": report.baseline,
        "baseline_model": report.baseline_model,
        "simulated": str(report.simulated).lower(),
    }


def _usd(pico: int | None) -> Decimal | None:
    return None if pico is None else pico_to_decimal(pico)


def _safe(cell: Cell) -> str | int | float | None:
    if isinstance(cell, Decimal):
        return f"{cell:f}"  # an exponent would be text to some
    if isinstance(cell, str) and cell.startswith(_FORMULA):
        return f"'{cell}"
    return cell
