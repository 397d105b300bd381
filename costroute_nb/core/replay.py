"""What recorded attempts would have cost under other choices; nothing is called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Literal

from costroute_nb.core.catalog import Catalog, Model
from costroute_nb.core.costing import Costing, PriceOf
from costroute_nb.core.overrides import apply_overrides, parse_overrides
from costroute_nb.core.policy import baseline_model
from costroute_nb.core.prices import Price
from costroute_nb.core.record import Record


class Instead(Enum):
    """What else may become of an attempt than that another model makes it."""

    KEPT = "as it was"
    LEFT_OUT = "not made"


Choice = Callable[[Record], Model | Instead]
"""What becomes of an attempt under other choices."""

Policy = Literal["all-large", "all-small"] | Callable[[Record], str | None]
Repricing = Mapping[str, Mapping[str, Any]] | date


@dataclass(frozen=True, slots=True)
class Replayed:
    """One attempt with its cost under other choices, in pico-USD.

    `cost` is None where either cost is unknown. `changed` tells whether a choice
    concerned the attempt, and `model` who makes it, empty where nobody does.
    """

    record: Record
    cost: int | None
    model: str
    changed: bool = False


def replay(
    records: Iterable[Record],
    costing: Costing,
    choose: Choice,
    repriced: Callable[[str], bool],
) -> Iterator[Replayed]:
    """Yield each attempt with what it would have cost.

    An attempt that the choices do not concern keeps its recorded cost, exactly; a
    cached answer, and an attempt that used no tokens, stay as they are.

    Parameters
    ----------
    choose
        Who makes an attempt.
    repriced
        Whether a model, by its id, has another price than the recorded one.
    """
    for record in records:
        used = record.usage.prompt_tokens or record.usage.output_tokens
        if record.cost is None or not used:
            yield Replayed(record, record.cost, record.model)
        else:
            yield _replayed(record, costing, choose(record), repriced)


def _replayed(
    record: Record,
    costing: Costing,
    chosen: Model | Instead,
    repriced: Callable[[str], bool],
) -> Replayed:
    if chosen is Instead.LEFT_OUT:
        return Replayed(record, 0, "", changed=True)
    served = costing.model(record.model)
    own = record.model if served is None else served.id
    if isinstance(chosen, Model) and chosen.id != own:
        return Replayed(record, costing.cost_on(record, chosen), chosen.id, True)
    if repriced(own):
        return Replayed(record, costing.cost(record), record.model, True)
    return Replayed(record, record.cost, record.model)


def keep(record: Record) -> Model | Instead:
    """Choose what was chosen."""
    return Instead.KEPT


def with_tiers(tiers: Mapping[str, str], catalog: Catalog) -> Choice:
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
    return lambda record: models.get(record.tier, Instead.KEPT)


def with_policy(policy: Policy, catalog: Catalog) -> Choice:
    """Return the choice that a policy makes.

    `all-large` and `all-small` ask that tier's model at once: what was asked again
    because its answer was rejected is asked once. A function returns a model's id
    for a record, or None for an attempt that would not be made.

    Raises
    ------
    ValueError
        If there is no such policy.
    """
    if callable(policy):
        return _with_function(policy, catalog)
    if policy not in ("all-large", "all-small"):
        message = f"no policy {policy!r}: all-large, all-small or a function"
        raise ValueError(message)
    model = baseline_model(catalog)
    if policy == "all-small":
        model = next(iter(catalog.in_tier("small", model.provider)), model)

    def choose(record: Record) -> Model | Instead:
        return Instead.LEFT_OUT if record.status == "escalated" else model

    return choose


def _with_function(policy: Callable[[Record], str | None], catalog: Catalog) -> Choice:
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
