"""A report's groups as CSV that a spreadsheet takes for data and never for formulas."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import TYPE_CHECKING

from costroute_nb.core.money import pico_to_decimal
from costroute_nb.core.report import Group, average, averaged
from costroute_nb.core.totals import Totals

if TYPE_CHECKING:
    from costroute_nb.core.report import Report

# With these a spreadsheet begins a formula; a tab or a line end may hide one.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

Cell = str | int | float | Decimal | None


def csv_text(report: Report) -> str:
    """Return a report's groups, one line each, with headings.

    Money is USD to the last digit, a cell is empty where a value is unknown, and
    text that a spreadsheet would run begins with an apostrophe.
    """
    headings = list(_cells(report, Group(None, Totals(), {})))
    out = io.StringIO()
    # A carriage return in a name is quoted only because lines end with one, too.
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(headings)
    for group in report.groups:
        writer.writerow([_safe(cell) for cell in _cells(report, group).values()])
    return out.getvalue()


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
