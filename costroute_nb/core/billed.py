"""Attempts as plain values, priced without an object for each: there may be a million."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from operator import attrgetter
from typing import Any, Final, NamedTuple, TypeAlias

from costroute_nb.core.catalog import Model
from costroute_nb.core.costing import Costing
from costroute_nb.core.messages import Usage
from costroute_nb.core.prices import Price, Rates
from costroute_nb.core.record import Record

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY = timedelta(days=1) // _MICROSECOND

# What an attempt's searches, service tier, speed and region are where its cost is its
# tokens times the rates and nothing else.
_PLAIN = frozenset(
    product((0,), ("standard",), ("standard",), ("", "global", "not_available"))
)

Among: TypeAlias = "Mapping[str, Collection[str | None]]"
"""Values that a column of a record may have."""

_Rates: TypeAlias = "tuple[int, int, int, int, int]"
_Steps: TypeAlias = "tuple[tuple[int, _Rates], ...]"


# Where the usage begins in the fields of `Billed`, its output, its thinking, and what
# is no count of tokens.
_USAGE: Final = 7
_OUTPUT: Final = 11
_THINKING: Final = 12
_ODD: Final = 13


class Billed(NamedTuple):
    """What the price of an attempt depends on, and what it cost, in pico-USD.

    `at` is in whole microseconds since 1970 in UTC. The fields are those of a record,
    and from `input_tokens` on those of its usage, in order.
    """

    call_id: str
    attempt: int
    at: int
    provider: str
    model: str
    tier: str
    cost: int | None
    input_tokens: int
    cache_read_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int
    thinking_tokens: int
    web_searches: int
    service_tier: str
    speed: str
    geo: str

    @property
    def asked(self) -> bool:
        """Whether the attempt used tokens for a cost that is known."""
        return self.cost is not None and (
            self.output_tokens > 0 or any(self[_USAGE:_OUTPUT])
        )

    @property
    def prompt_tokens(self) -> int:
        """The whole prompt: uncached, read and written tokens together."""
        return sum(self[_USAGE:_OUTPUT])

    @property
    def moment(self) -> datetime:
        """The moment of the attempt, aware, in UTC."""
        return _EPOCH + timedelta(microseconds=self.at)

    def record(self, reason: str = "") -> Record:
        """Return a record that says as much."""
        return Record(
            call_id=self.call_id,
            attempt=self.attempt,
            at=self.moment,
            session_id="",
            provider=self.provider,
            model=self.model,
            tier=self.tier,
            task="",
            status="ok",
            simulated=False,
            reason=reason,
            usage=Usage(*self[_USAGE:]),
            cost=self.cost,
        )


def values_of(names: Sequence[str]) -> Callable[[Record], tuple[Any, ...]]:
    """Return what takes two or more named values of a record, as `Billed` has them."""
    of_usage = frozenset(Billed._fields[_USAGE:])
    paths = (f"usage.{name}" if name in of_usage else name for name in names)
    values = attrgetter(*paths)
    if "at" not in names:
        return values
    at = names.index("at")

    def taken(record: Record) -> tuple[Any, ...]:
        found = values(record)
        micros = (record.at - _EPOCH) // _MICROSECOND
        return (*found[:at], micros, *found[at + 1 :])

    return taken


class BilledCosting:
    """Prices attempts as `Costing` does, to the pico, many at a time.

    Parameters
    ----------
    costing
        What tokens cost; a price is taken to hold for a whole day of UTC.
    """

    def __init__(self, costing: Costing) -> None:
        self._costing = costing
        self._prices: dict[tuple[str, str, int], Price | None] = {}
        self._steps: dict[tuple[str, str, int, str], _Steps] = {}
        self._served: dict[str, str] = {}

    def served(self, model_id: str) -> str:
        """Return the id that the catalog has for a model, its own where it has none."""
        found = self._served.get(model_id)
        if found is None:
            known = self._costing.model(model_id)
            found = self._served[model_id] = model_id if known is None else known.id
        return found

    def price(self, billed: Billed) -> Price | None:
        """Return the price of the attempt's own model, None where none is known."""
        key = (billed.model, billed.provider, billed.at // _DAY)
        if key not in self._prices:
            self._prices[key] = self._costing.price(
                billed.model, billed.provider, billed.moment
            )
        return self._prices[key]

    def cost(self, billed: Billed, on: Model | None = None) -> int | None:
        """Return what an attempt would have cost, on its own model or another one.

        In pico-USD; None where no price is known for that.
        """
        target = "" if on is None else on.id
        key = (billed.model, billed.provider, billed.at // _DAY, target)
        steps = self._steps.get(key)
        if steps is None:
            steps = self._steps[key] = self._plain_steps(billed, on)
        if not steps or billed[_ODD:] not in _PLAIN:
            record = billed.record()
            if on is None:
                return self._costing.cost(record)
            return self._costing.cost_on(record, on)
        plain, read, short, long, output = billed[_USAGE:_THINKING]
        prompt = plain + read + short + long
        for above, rates in steps:
            if prompt > above:
                by_plain, by_read, by_short, by_long, by_output = rates
        return (
            plain * by_plain
            + read * by_read
            + short * by_short
            + long * by_long
            + output * by_output
        )

    def _plain_steps(self, billed: Billed, on: Model | None) -> _Steps:
        """Return the rates above so many tokens; none where tokens are not what counts.

        Tokens are what counts if there is a price and the tokenizer stays.
        """
        model = billed.model if on is None else on.id
        wrote = self._costing.model(billed.model)
        price = self._costing.price(model, billed.provider, billed.moment)
        corrected = on is not None and wrote and wrote.tokenizer != on.tokenizer
        if price is None or corrected:
            return ()
        return tuple(
            (above, _in_order(rates))
            for above, rates in ((-1, price.base), *price.steps)
        )


def _in_order(rates: Rates) -> _Rates:
    """Return rates in the order of the counts of a usage."""
    return (
        rates.input,
        rates.cache_read,
        rates.cache_write_5m,
        rates.cache_write_1h,
        rates.output,
    )
