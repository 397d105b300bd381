"""Other prices for recorded attempts: those of a day, or a user's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from costroute_nb.core.catalog import Catalog, Model
from costroute_nb.core.costing import PriceOf
from costroute_nb.core.moments import moment_of
from costroute_nb.core.overrides import apply_overrides, parse_overrides
from costroute_nb.core.prices import Price
from costroute_nb.errors import ConfigurationError

Repricing = Mapping[str, Mapping[str, Any]] | date | str

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_OR_RATES = (
    "prices are a day such as '2026-10-01', or USD per million tokens by model id, such "
    "as {'claude-opus-5-5': {'input': 3, 'output': 15}}"
)


@dataclass(frozen=True, slots=True)
class Repriced:
    """Other prices, and which models they concern.

    `early` fills up while prices are asked for: the models whose price of a day is only
    the earliest one that is known, so that it may not have held yet.
    """

    price: PriceOf
    concerns: Callable[[str], bool]
    early: set[str] = field(default_factory=set)
    day: date | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of these prices must know."""
        if not self.early:
            return ()
        named = ", ".join(sorted(self.early))
        return (
            f"no price from before the earliest known one is kept: that one stands for "
            f"{self.day} for {named}, and may not have held then",
        )


def with_prices(prices: Repricing, catalog: Catalog, price: PriceOf) -> Repriced:
    """Return other prices, and which models they concern.

    Parameters
    ----------
    prices
        A day, whose prices hold for everything: a date, a moment (without a zone: of
        UTC) or ISO text; or by model id what a row of prices.toml says, in USD per
        million tokens. Steps stay unless it names some.

    Raises
    ------
    ConfigurationError
        If it is neither.
    UnknownModelError
        If there is no such model.
    ValueError
        If a price cannot be used.
    """
    moment = moment_of(prices)
    if moment is not None:
        return _on_day(moment if moment.tzinfo else moment.replace(tzinfo=UTC), price)
    if not isinstance(prices, Mapping) or not all(
        isinstance(given, Mapping) for given in prices.values()
    ):
        message = f"{_DAY_OR_RATES}; not {prices!r}"
        raise ConfigurationError(message)
    rows = {
        row.model: row
        for row in parse_overrides(
            {
                "prices": [
                    _row(catalog.find(name), given) for name, given in prices.items()
                ]
            }
        )
    }

    def priced(model: str, provider: str, at: datetime) -> Price | None:
        found = price(model, provider, at)
        return (
            apply_overrides(found, [rows[model]], at.date()) if model in rows else found
        )

    return Repriced(priced, rows.__contains__)


def _on_day(moment: datetime, price: PriceOf) -> Repriced:
    day = moment.astimezone(UTC).date()
    early: set[str] = set()

    def priced(model: str, provider: str, at: datetime) -> Price | None:
        found = price(model, provider, moment)
        # What holds on a later day than the attempt's has held at least since then.
        if found and day < at.astimezone(UTC).date():
            earliest = price(model, provider, _EARLIEST)
            early.update({model} if found == earliest else ())
        return found

    return Repriced(priced, lambda model: True, early, day)


def _row(model: Model, given: Mapping[str, Any]) -> dict[str, Any]:
    row = {key: _exact(value) for key, value in given.items()}
    named = {"model": model.id, "provider": model.provider, "source": "what if"}
    return {**row, **named, "from": date.min}


def _exact(value: Any) -> Any:
    """Return an amount as its digits say, however deep it stands."""
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, Mapping):
        return {key: _exact(part) for key, part in value.items()}
    return [_exact(part) for part in value] if isinstance(value, list) else value
