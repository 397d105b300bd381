"""Read genai-prices' own table once, by exact id, into whole pico-USD.

Its lookup matches ids loosely (`claude-haiku-4-5-20990101` finds a price) and its
import is slow; what this returns is plain JSON, so that it can be kept in a file.
"""

from __future__ import annotations

from dataclasses import astuple
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from costroute_nb.core.prices import complete_rates

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FORMAT = 1
"""Raise it when `Row` changes: files that hold another format are rebuilt."""

_PICO_PER_MTOK = 10**6
_PICO_PER_THOUSAND = 10**9
# A text request would also be billed for these, and a `Usage` does not count them.
_UNCOUNTED = ("requests_kcount", "output_reasoning_mtok", "output_citation_mtok")


class Row(NamedTuple):
    """A model's price from one day on; rates in the order of `Rates`."""

    start: str
    """The first UTC day in ISO form; empty means always."""
    base: list[int] | None
    """None: from that day on the price cannot be told in five rates."""
    steps: list[tuple[int, list[int]]]
    web_search: int | None
    fast: list[int] | None


Models = dict[str, list[Row]]
"""Each exact id's rows, by ascending `start`."""


def read_published(provider: str) -> Models:
    """Return a provider's whole table; empty for an unknown provider.

    Always the table that is shipped with the package, never a downloaded one.
    """
    from genai_prices.data import providers  # slow: 0.2 s where pydantic is not loaded

    found: Models = {}
    for entry in providers:
        if entry.id == provider:
            for model in entry.models:
                rows = list(_rows(model, provider))
                for name in _exact_ids(model.match):
                    found.setdefault(name, rows)
                found[model.id] = rows
    return found


def _exact_ids(match: Any) -> Iterator[str]:
    """Yield the ids a model is listed under literally, not by a pattern."""
    if name := getattr(match, "equals", None):
        yield name
    for clause in getattr(match, "or_", ()):
        yield from _exact_ids(clause)


def _rows(model: Any, provider: str) -> Iterator[Row]:
    """Yield a row for each day on which something changes; none if within a day."""
    starts = _start_days(model)
    if starts is None:
        return
    for start in (None, *starts):
        moment = datetime.combine(start or date(1970, 1, 1), time(12), UTC)
        prices = vars(model.get_prices(moment))
        fast = vars(model.get_prices(moment, {"speed": "fast"}))
        yield _row(start, prices, None if fast == prices else fast, provider)


def _start_days(model: Any) -> list[date] | None:
    """Return the days on which prices change, None if they change within a day."""
    dated = model.prices if isinstance(model.prices, list) else []
    limits = [x.constraint for x in (*dated, *(model.price_variants or ()))]
    days = {getattr(limit, "start_date", None) for limit in limits if limit is not None}
    return None if None in days else sorted(day for day in days if day is not None)


def _row(
    start: date | None,
    prices: Mapping[str, Any],
    fast: Mapping[str, Any] | None,
    provider: str,
) -> Row:
    countable = all(prices.get(key) is None for key in _UNCOUNTED)
    steps = []
    for above in _thresholds(prices):
        rates = _rates(prices, provider, above + 1)
        countable = countable and rates is not None
        steps.append((above, rates or []))
    searches = prices.get("web_searches_kcount")
    return Row(
        start="" if start is None else start.isoformat(),
        base=_rates(prices, provider, 0) if countable else None,
        steps=steps,
        web_search=None if searches is None else _pico(searches, _PICO_PER_THOUSAND),
        # A fast mode with steps would need steps of its own: none is published.
        fast=None if fast is None or _thresholds(fast) else _rates(fast, provider, 0),
    )


def _thresholds(prices: Mapping[str, Any]) -> list[int]:
    tiers = (getattr(price, "tiers", ()) for price in prices.values())
    return sorted({tier.start for found in tiers for tier in found})


def _rates(
    prices: Mapping[str, Any], provider: str, prompt_tokens: int
) -> list[int] | None:
    """Return the five rates for a prompt's size, None without input and output."""

    def rate(key: str, otherwise: int | None = None) -> int | None:
        price = prices.get(key)
        for tier in getattr(price, "tiers", ()):
            if prompt_tokens > tier.start:
                price = tier.price
        price = getattr(price, "base", price)
        return otherwise if price is None else _pico(price, _PICO_PER_MTOK)

    plain, output = rate("input_mtok"), rate("output_mtok")
    if plain is None or output is None:
        return None
    rates = complete_rates(
        provider,
        plain,
        output,
        cache_read=rate("cache_read_mtok"),
        cache_write_5m=rate("cache_write_5m_mtok", rate("cache_write_mtok")),
        cache_write_1h=rate("cache_write_1h_mtok"),
    )
    return list(astuple(rates))


def _pico(usd: Decimal, pico_per_unit: int) -> int:
    # A few resellers' prices carry the noise of a conversion past the last digit.
    return int((usd * pico_per_unit).to_integral_value(ROUND_HALF_EVEN))
