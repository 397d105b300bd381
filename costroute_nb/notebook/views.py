"""What the `%route` subcommands show: small tables, plain and Markdown."""

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from costroute_nb.core.catalog import TIERS
from costroute_nb.core.money import format_usd
from costroute_nb.core.report import percent
from costroute_nb.notebook.escaping import inline
from costroute_nb.notebook.options import AT_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    import pandas as pd

    from costroute_nb.budget import Standing
    from costroute_nb.core.budget import Limits
    from costroute_nb.core.calibration import ErrorDistribution
    from costroute_nb.core.catalog import Catalog, Model
    from costroute_nb.core.totals import Totals
    from costroute_nb.ports import Prices

Row = tuple[str, ...]

_AMOUNT = re.compile(r"-?\$?\d[\d.,]*( / \$[\d.,]+| [kMG]B|%)?")
STOPPED = (
    "stopped: every new request of this session is refused until "
    "%route budget --resume; cached answers are still served"
)
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


def budget_page(
    standings: "Mapping[Any, Standing]", limits: "Limits", *, stopped: bool, pot: str
) -> Page:
    """Show every limit: spent, held and remaining; first of all that calls are stopped."""
    alert_at = limits.alert_at
    return Page(
        head=(*([STOPPED] if stopped else []), f"budget ({pot})"),
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
            f"{AT_LIMIT[limits.on_limit]}. Change a limit with %route budget "
            "--session 5.",
            "A call of unknown cost counts as spent at its worst case; held is the "
            "worst case of the calls under way.",
        ),
    )


def cache_page(
    stats: "Mapping[str, Any]", scopes: "Mapping[str, Totals]", *, baseline: str
) -> Page:
    """Show the size of the cache, and what it answered; where it is stays off the page.

    Parameters
    ----------
    scopes
        What all calls come to, by what they are the calls of.
    baseline
        The model that the savings are measured against.
    """
    holds, limit = size(stats["size_bytes"]), size(stats["size_limit_bytes"])
    return Page(
        head=(f"cache: {answers(stats['entries'])}, {holds} of {limit}",),
        columns=("calls of", "calls", "answered by the cache", "share", "saved"),
        rows=tuple(
            (
                scope,
                f"{totals.calls:,}",
                f"{totals.cache_hits:,}",
                percent(totals.hit_rate),
                format_usd(totals.saved),
            )
            for scope, totals in scopes.items()
        ),
        foot=(
            f"Saved is what the answers would have cost anew from {baseline}.",
            "Cache-eligible is a call that repeats an earlier one. The ledger keeps no "
            "prompts: it knows of those that the cache answered, and not of repeats "
            "with the cache off or after an answer had expired.",
        ),
    )


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


def models_page(
    catalog: "Catalog",
    prices: "Prices",
    at: "datetime",
    errors: "Mapping[str, ErrorDistribution | None]",
) -> Page:
    """Show every model with its price per million tokens, and how good estimates are.

    `errors` are those of token estimates by tokenizer.
    """
    models = sorted(
        catalog.models, key=lambda m: (not m.routed, m.provider, TIERS.index(m.tier))
    )
    return Page(
        columns=(
            "model",
            "line",
            "tier",
            "routed",
            "in / out per MTok",
            "context",
            "tokenizer",
        ),
        rows=tuple(
            (
                model.id,
                model.line,
                model.tier,
                "yes" if model.routed else "only by --model",
                _price(model, prices, at),
                f"{model.context_window:,}",
                model.tokenizer,
            )
            for model in models
        ),
        foot=tuple(
            f"token estimates, {tokenizer}: {_errors(found)}"
            for tokenizer, found in errors.items()
        ),
    )


def _errors(found: "ErrorDistribution | None") -> str:
    if found is None:
        return "none compared with billed tokens yet"
    requests = "1 request" if found.count == 1 else f"the last {found.count:,} requests"
    bias = f"{abs(found.bias):.1%} too {'high' if found.bias > 0 else 'low'}"
    return (
        f"over {requests}, half within {found.median:.1%} of what was billed, nine "
        f"tenths within {found.p90:.1%}; bias {'none' if bias.startswith('0.0%') else bias}"
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
