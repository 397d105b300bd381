"""What plans and the `%route` subcommands show: small tables, plain and Markdown."""

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from costroute_nb.core.catalog import TIERS
from costroute_nb.core.money import format_usd, usd_to_pico
from costroute_nb.notebook.escaping import inline

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    import pandas as pd

    from costroute_nb.budget import Standing
    from costroute_nb.core.catalog import Catalog, Model
    from costroute_nb.core.plan import Plan
    from costroute_nb.ports import Prices

Row = tuple[str, ...]

_AMOUNT = re.compile(r"-?\$?\d[\d.,]*( / \$[\d.,]+| [kMG]B|%)?")
_AT_LIMIT = {
    "stop": "calls that no longer fit are refused",
    "degrade": "near it cheaper models answer, and what no longer fits is refused",
}
# Wide frames are cut in the middle where they are shown.
_FIRST = (
    "at",
    "model",
    "status",
    "reason",
    "cost_usd",
    "saved_usd",
    "cell",
    "workflow",
)
_NO_AMOUNTS = {"", "none", "no limit", "unknown"}


@dataclass(frozen=True, slots=True)
class Page:
    """Lines, a table, and lines below it; shows itself wherever it is displayed."""

    head: tuple[str, ...] = ()
    columns: Row = ()
    rows: tuple[Row, ...] = ()
    foot: tuple[str, ...] = ()

    def __str__(self) -> str:
        table = "\n".join(self._aligned()) if self.rows else ""
        parts = ("\n".join(self.head), table, "\n".join(self.foot))
        return "\n\n".join(part for part in parts if part)

    def bundle(self) -> dict[str, str]:
        """Return the page by MIME type."""
        parts = ["  \n".join(map(inline, self.head)), self._table()]
        parts.append("  \n".join(map(inline, self.foot)))
        shown = "\n\n".join(part for part in parts if part)
        return {"text/plain": str(self), "text/markdown": shown}

    def _table(self) -> str:
        if not self.rows:
            return ""
        header, *rows = (
            [inline(cell) for cell in row] for row in (self.columns, *self.rows)
        )
        sides = ["---:" if amounts else ":---" for amounts in self._amounts()]
        lines = (header, sides, *rows)
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def _aligned(self) -> "Iterable[str]":
        amounts = self._amounts()
        widths = [
            max(map(len, cells)) for cells in zip(self.columns, *self.rows, strict=True)
        ]
        for row in (self.columns, *self.rows):
            cells = (
                cell.rjust(width) if right else cell.ljust(width)
                for cell, width, right in zip(row, widths, amounts, strict=True)
            )
            yield "  ".join(cells).rstrip()

    def _amounts(self) -> list[bool]:
        """Return which columns hold nothing but numbers, which stand on the right."""
        return [
            any(map(_AMOUNT.fullmatch, cells))
            and all(_AMOUNT.fullmatch(cell) or cell in _NO_AMOUNTS for cell in cells)
            for cells in zip(*self.rows, strict=True)
        ]


def plan_page(plan: "Plan") -> Page:
    """Show a plan: class, reason, and what each candidate may cost."""
    found = plan.classification
    named = f"rule {found.rule}" if found.rule else "no rule matched"
    floor = ", a floor" if found.floor else ""
    candidates = plan.candidates
    worst = candidates[0].worst_usd
    return Page(
        head=(
            f"class: {found.tier} ({found.task}), {named}{floor}, "
            f"confidence {found.confidence:.0%}, about {found.input_tokens:,} tokens in",
            f"because: {found.reason}",
            f"starts with: {candidates[0].model} ({plan.reason})",
        ),
        columns=("candidate", "tier", "expected", "worst case", "cache"),
        rows=tuple(
            (
                candidate.model,
                candidate.tier,
                _usd(candidate.expected_usd),
                _usd(candidate.worst_usd),
                "hit" if candidate.cached else "miss",
            )
            for candidate in candidates
        ),
        foot=(
            *(f"not {excluded}" for excluded in plan.excluded),
            f"one attempt costs at most {_usd(worst)}, all of these together at most "
            f"{_usd(plan.worst_usd)}; nothing was sent",
        ),
    )


def budget_page(
    standings: "Mapping[Any, Standing]", *, alert_at: float, on_limit: str, pot: str
) -> Page:
    """Show every limit: spent, held and remaining."""
    return Page(
        head=(f"budget ({pot})",),
        columns=("limit", "amount", "spent", "held", "remaining"),
        rows=tuple(
            (
                name,
                "none" if standing.limit is None else format_usd(standing.limit),
                format_usd(standing.spent),
                format_usd(standing.held),
                "no limit"
                if standing.remaining is None
                else _left(standing.remaining, standing.limit, alert_at),
            )
            for name, standing in standings.items()
        ),
        foot=(
            f"Once {100 * alert_at:g}% of a limit is used you are warned; "
            f"{_AT_LIMIT[on_limit]}. Change a limit with %route budget --session 5.",
            "A call of unknown cost counts as spent at its worst case; held is the "
            "worst case of the calls under way.",
        ),
    )


def cache_page(stats: "Mapping[str, Any]") -> Page:
    """Show the size of the cache; where it is stays off the page."""
    shows = {
        "entries": ("answers", "{:,}".format),
        "size_bytes": ("size", size),
        "size_limit_bytes": ("size limit", size),
    }
    rows = [(label, show(stats[key])) for key, (label, show) in shows.items()]
    return Page(columns=("cache", ""), rows=tuple(rows))


def size(in_bytes: int) -> str:
    """Return a size as a reader wants it: `0 kB`, `12 kB`, `1.5 MB`, `1 GB`."""
    for unit, bytes_each in (("GB", 10**9), ("MB", 10**6)):
        if in_bytes >= bytes_each:
            return f"{in_bytes / bytes_each:,.1f}".removesuffix(".0") + f" {unit}"
    return f"{math.ceil(in_bytes / 1000)} kB"


def answers(count: int) -> str:
    """Return a number of answers in words."""
    return f"{count:,} answer{'' if count == 1 else 's'}"


def useful_first(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Return the ledger's rows with the columns that are looked for most in front."""
    return frame[[*_FIRST, *(name for name in frame if name not in _FIRST)]]


def models_page(catalog: "Catalog", prices: "Prices", at: "datetime") -> Page:
    """Show every model with its price per million tokens."""
    models = sorted(
        catalog.models, key=lambda m: (not m.routed, m.provider, TIERS.index(m.tier))
    )
    return Page(
        columns=("model", "line", "tier", "routed", "in / out per MTok", "context"),
        rows=tuple(
            (
                model.id,
                model.line,
                model.tier,
                "yes" if model.routed else "only by --model",
                _price(model, prices, at),
                f"{model.context_window:,}",
            )
            for model in models
        ),
    )


def _price(model: "Model", prices: "Prices", at: "datetime") -> str:
    price = prices.price(model.id, model.provider, at)
    if price is None:
        return "unknown"
    rates = price.base
    steps = "".join(f"; more above {above:,} tokens" for above, _ in price.steps[:1])
    per_mtok = (format_usd(rate * 10**6) for rate in (rates.input, rates.output))
    return " / ".join(per_mtok) + steps


def _left(remaining: int, limit: int | None, alert_at: float) -> str:
    """Return what is left, in words too once it is little."""
    left = format_usd(remaining)
    if limit is None:
        return left
    if remaining == 0:
        return f"{left}, spent"
    return f"{left}, nearly spent" if limit - remaining >= alert_at * limit else left


def _usd(amount: float | None) -> str:
    return format_usd(None if amount is None else usd_to_pico(amount))
