"""Dated price rows of a prices.toml, and how they change a price."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import cast

from costroute_nb.core.prices import Price, Rates, complete_rates
from costroute_nb.core.tables import (
    Path,
    Table,
    TableError,
    check_keys,
    get_int,
    get_str,
    get_table,
    get_tables,
)

RATE_KEYS = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")
_KEYS = (
    "model", "provider", "from", "until", *RATE_KEYS, "web_search", "above", "fast",
    "source",
)  # fmt: skip
_PICO_PER_USD_PER_MTOK = 10**6


@dataclass(frozen=True, slots=True)
class PriceOverride:
    """What a dated row says; None means that the row does not say it.

    Rates are in pico-USD per token, `web_search` in pico-USD each. The row holds on
    UTC days from `start` up to but not including `until`.
    """

    model: str
    provider: str
    start: date
    until: date | None
    source: str
    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    web_search: int | None = None
    steps: tuple[tuple[int, Rates], ...] | None = None
    fast: Rates | None = None

    @property
    def key(self) -> tuple[str, str, date]:
        """What names the row: a later table replaces the row with the same key."""
        return self.model, self.provider, self.start

    def holds_on(self, day: date) -> bool:
        """Tell whether the row applies on a UTC day."""
        return self.start <= day and (self.until is None or day < self.until)


def parse_overrides(table: Table) -> tuple[PriceOverride, ...]:
    """Return the rows of a parsed prices.toml.

    Amounts are USD per million tokens (`web_search`: USD per 1,000) and must be
    parsed as integers, texts or Decimals, never as floats.

    Raises
    ------
    TableError
        At the first entry that cannot be used.
    """
    check_keys(table, ("prices",))
    rows: dict[tuple[str, str, date], PriceOverride] = {}
    for index, entry in enumerate(get_tables(table, "prices")):
        path = ("prices", index)
        row = _override(entry, path)
        if row.key in rows:
            message = f"{row.model} has two rows from {row.start}; keep one"
            raise TableError(message, (*path, "from"))
        rows[row.key] = row
    return tuple(rows.values())


def apply_overrides(
    price: Price | None, rows: Iterable[PriceOverride], day: date
) -> Price | None:
    """Return a model's price with the rows that hold on a day on top.

    A row changes only what it says; of two rows that say the same thing the later
    `start` wins. Without a price below, the rows must at least give input and
    output, else the price stays unknown.
    """
    holding = sorted((r for r in rows if r.holds_on(day)), key=lambda r: r.start)
    for row in holding:
        base = _merged_base(price, row)
        if base is None:
            continue
        below = price or Price(row.model, base)
        price = replace(
            below,
            base=base,
            steps=below.steps if row.steps is None else row.steps,
            web_search=(below.web_search if row.web_search is None else row.web_search),
            fast=row.fast or below.fast,
            as_of=_joined(row, below.as_of),
        )
    return price


def _merged_base(price: Price | None, row: PriceOverride) -> Rates | None:
    given = {key: getattr(row, key) for key in RATE_KEYS}
    if price is not None:
        return replace(price.base, **{k: v for k, v in given.items() if v is not None})
    if row.input is None or row.output is None:
        return None
    return complete_rates(
        row.provider,
        row.input,
        row.output,
        cache_read=row.cache_read,
        cache_write_5m=row.cache_write_5m,
        cache_write_1h=row.cache_write_1h,
    )


def _joined(row: PriceOverride, below: str) -> str:
    """Name every table that a price comes from, the newest word first."""
    label = f"prices.toml {row.start}"
    rest = [part for part in below.split(", ") if not part.startswith("prices.toml")]
    return ", ".join(part for part in (label, *rest) if part)


def _override(entry: Table, path: Path) -> PriceOverride:
    check_keys(entry, _KEYS, path)
    start = _date(entry, "from", path)
    until = _date(entry, "until", path) if "until" in entry else None
    if until is not None and until <= start:
        message = f"'until' must be after 'from' ({start}); it is {until}"
        raise TableError(message, (*path, "until"))
    fast = get_table(entry, "fast", path, None)
    row = PriceOverride(
        model=get_str(entry, "model", path),
        provider=get_str(entry, "provider", path, "anthropic"),
        start=start,
        until=until,
        source=get_str(entry, "source", path),
        web_search=_amount(entry, "web_search", path, 1000 * _PICO_PER_USD_PER_MTOK),
        steps=_steps(entry, path) if "above" in entry else None,
        fast=None if fast is None else _all_rates(fast, (*path, "fast")),
        **{key: _amount(entry, key, path) for key in RATE_KEYS},
    )
    if not any(key in entry for key in (*RATE_KEYS, "web_search", "above", "fast")):
        message = f"the row changes no price; give one of {', '.join(RATE_KEYS)}"
        raise TableError(message, path)
    return row


def _steps(entry: Table, path: Path) -> tuple[tuple[int, Rates], ...]:
    steps: list[tuple[int, Rates]] = []
    for index, step in enumerate(get_tables(entry, "above", path)):
        here = (*path, "above", index)
        tokens = get_int(step, "tokens", here, minimum=1)
        if steps and tokens <= steps[-1][0]:
            message = f"steps must ascend: {tokens} follows {steps[-1][0]}"
            raise TableError(message, (*here, "tokens"))
        steps.append((tokens, _all_rates(step, here, also=("tokens",))))
    return tuple(steps)


def _all_rates(entry: Table, path: Path, also: tuple[str, ...] = ()) -> Rates:
    """Return five rates; a partial step would have nothing safe to inherit from."""
    check_keys(entry, (*RATE_KEYS, *also), path)
    amounts = {key: _amount(entry, key, path) for key in RATE_KEYS}
    missing = [key for key, amount in amounts.items() if amount is None]
    if missing:
        message = f"{', '.join(missing)} missing: all five rates are needed here"
        raise TableError(message, path)
    return Rates(**cast("dict[str, int]", amounts))


def _amount(
    entry: Table, key: str, path: Path, unit: int = _PICO_PER_USD_PER_MTOK
) -> int | None:
    """Return an amount in pico-USD per token (or per unit), None if not given."""
    if key not in entry:
        return None
    value = entry[key]
    try:
        usable = isinstance(value, int | str | Decimal) and not isinstance(value, bool)
        amount = Decimal(cast("str", value)) if usable else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        message = f"{key!r} must be an amount of USD, 0 or more; it is {value!r}"
        raise TableError(message, (*path, key))
    pico = amount * unit
    if pico % 1:
        message = f"{key!r} is finer than a pico-USD per token: {value}"
        raise TableError(message, (*path, key))
    return int(pico)


def _date(entry: Table, key: str, path: Path) -> date:
    value = entry.get(key)
    if not isinstance(value, date) or isinstance(value, datetime):
        found = "is missing" if value is None else f"is {value!r}"
        message = f"{key!r} must be a date such as 2026-10-07; it {found}"
        raise TableError(message, path if value is None else (*path, key))
    return value
