"""What recorded attempts would have cost under other choices; nothing is called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Literal

from costroute_nb.core.billed import Billed, BilledCosting
from costroute_nb.core.catalog import Catalog, Model
from costroute_nb.core.costing import PriceOf
from costroute_nb.core.overrides import apply_overrides, parse_overrides
from costroute_nb.core.policy import baseline_model
from costroute_nb.core.prices import Price
from costroute_nb.core.record import Record


class Instead(Enum):
    """What else may become of an attempt than that another model makes it."""

    KEPT = "as it was"
    LEFT_OUT = "not made"


Choice = Callable[[Billed], Model | Instead]
"""What becomes of an attempt under other choices."""

ByTier = Callable[[str], Model | Instead]
"""What becomes of the attempts of a tier."""

Policy = Literal["all-large", "all-small"] | Callable[[Record], str | None]
Repricing = Mapping[str, Mapping[str, Any]] | date


@dataclass(frozen=True, slots=True)
class Replay:
    """Says what attempts would have cost under other choices.

    An attempt that the choices do not concern keeps its recorded cost, exactly; a
    cached answer, and an attempt that used no tokens, stay as they are.

    Attributes
    ----------
    repriced
        Whether a model, by its id, has another price than the recorded one.
    """

    billing: BilledCosting
    repriced: Callable[[str], bool]

    def cost(
        self, attempt: Billed, chosen: Model | Instead
    ) -> tuple[int | None, str, bool]:
        """Return an attempt's cost in pico-USD, who makes it, and what is changed.

        The cost is None where either one is unknown. Who makes it is empty where
        nobody does, and the last is whether a choice concerned the attempt.
        """
        if not attempt.asked:
            return attempt.cost, attempt.model, False
        if chosen is Instead.LEFT_OUT:
            return 0, "", True
        if not self.concerns(attempt.model, chosen):
            return attempt.cost, attempt.model, False
        if isinstance(chosen, Model) and chosen.id != self.billing.served(
            attempt.model
        ):
            return self.billing.cost(attempt, chosen), chosen.id, True
        return self.billing.cost(attempt), attempt.model, True

    def concerns(self, model: str, chosen: Model | Instead) -> bool:
        """Whether a choice may change what the attempts of a model cost."""
        own = self.billing.served(model)
        moved = isinstance(chosen, Model) and chosen.id != own
        return moved or chosen is Instead.LEFT_OUT or self.repriced(own)


def with_tiers(tiers: Mapping[str, str], catalog: Catalog) -> ByTier:
    """Return the choice that puts other models, by id, into tiers.

    Raises
    ------
    ValueError
        If there is no such tier.
    UnknownModelError
        If there is no such model.
    """
    models: dict[str, Model] = {
        catalog.tier_named(name): catalog.find(model) for name, model in tiers.items()
    }
    return lambda tier: models.get(tier, Instead.KEPT)


def with_policy(
    policy: Literal["all-large", "all-small"],
    catalog: Catalog,
    attempts: Iterable[Billed],
) -> Choice:
    """Return the choice of asking one tier's model at once, and once for each call.

    The last attempt of a call that used tokens for a known cost stands for the call,
    whatever became of it, and those before are not made.

    Parameters
    ----------
    attempts
        What will be replayed, at least all that are not the first of their calls.

    Raises
    ------
    ValueError
        If there is no such policy.
    """
    if policy not in ("all-large", "all-small"):
        message = f"no policy {policy!r}: all-large, all-small or a function"
        raise ValueError(message)
    model = baseline_model(catalog)
    if policy == "all-small":
        model = next(iter(catalog.in_tier("small", model.provider)), model)
    last: dict[str, int] = {}
    for later in attempts:
        if later.attempt > 1 and later.asked:
            last[later.call_id] = max(later.attempt, last.get(later.call_id, 1))

    def choose(attempt: Billed) -> Model | Instead:
        stands = attempt.attempt == last.get(attempt.call_id, 1)
        return model if stands else Instead.LEFT_OUT

    return choose


def with_function(
    policy: Callable[[Record], str | None], catalog: Catalog
) -> Callable[[Record], Model | Instead]:
    """Return the choice of a function that names a model for a record.

    None is for an attempt that would not be made.
    """

    def choose(record: Record) -> Model | Instead:
        model_id = policy(record)
        if model_id is None:
            return Instead.LEFT_OUT
        # It may name whatever made the attempt, also what no table knows any more.
        return Instead.KEPT if model_id == record.model else catalog.find(model_id)

    return choose


def with_prices(
    prices: Repricing, catalog: Catalog, price: PriceOf
) -> tuple[PriceOf, Callable[[str], bool]]:
    """Return other prices, and which models they concern.

    Parameters
    ----------
    prices
        A day, whose prices hold for everything; or by model id what a row of
        prices.toml says, in USD per million tokens. Steps stay unless it names some.

    Raises
    ------
    UnknownModelError
        If there is no such model.
    ValueError
        If a price cannot be used.
    """
    if isinstance(prices, date):
        day = datetime(prices.year, prices.month, prices.day, tzinfo=UTC)
        return lambda model, provider, at: price(
            model, provider, day
        ), lambda model: True
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

    return priced, rows.__contains__


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
