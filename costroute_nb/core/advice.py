"""What the dearest work could have cost less, as far as the ledger supports it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from costroute_nb.core.billed import Billed, BilledCosting
from costroute_nb.core.catalog import Model
from costroute_nb.core.classification import RuleSet
from costroute_nb.core.costing import Costing
from costroute_nb.core.messages import Usage
from costroute_nb.core.places import Place
from costroute_nb.core.prices import Price, cost
from costroute_nb.core.record import Record

Row: TypeAlias = "tuple[Any, ...]"

READ = ("workflow", "step", "reason", *Billed._fields)
"""The values of an attempt that advice depends on."""

LEAST = 0.01
"""The share of its place's cost that an advice must save to be given."""

UNCOUNTED = (
    "repeats that ran with the cache off cannot be counted: the ledger keeps no prompts",
    "savings of one place overlap: they do not add up",
)
"""What every reader of advice must know."""

_PREFIX_KEPT = timedelta(minutes=5)
# The greatest minimum that is published for any model: a tenth of the shortest prompt
# that counts reaches it, so that the assumed prefix can be cached on each.
_PREFIX_TOKENS = 4_096
_PREFIX_PROMPT = 10 * _PREFIX_TOKENS


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing that would have cost less, with the condition under which it holds.

    `saved` is in pico-USD over the recorded period; `option` says what would do it.
    """

    kind: str
    finding: str
    saved: int
    assumption: str
    option: str | None = None


@dataclass(slots=True)
class _Sum:
    """Attempts that an advice concerns, and what it would have saved on them."""

    attempts: int = 0
    saved: int = 0

    def add(self, saved: int) -> None:
        self.attempts += 1
        self.saved += saved


@dataclass(slots=True)
class _Place:
    """What is counted of one workflow and step while its records are read."""

    large: _Sum = field(default_factory=_Sum)
    rules: Counter[str] = field(default_factory=Counter)
    above: _Sum = field(default_factory=_Sum)
    steps: set[int] = field(default_factory=set)
    longest: int = 0
    prefix: _Sum = field(default_factory=_Sum)
    asked: dict[str, datetime] = field(default_factory=dict)
    thinking: _Sum = field(default_factory=_Sum)
    thought: int = 0
    written: int = 0


class Adviser:
    """Reads attempts in the order of time and says what would have cost less.

    Parameters
    ----------
    places
        Which workflows and steps to look at.
    costing
        What tokens cost.
    medium
        The model that would have answered in place of the large tier's.
    rules
        The rules in force, to know which are floors.
    """

    def __init__(
        self, places: Sequence[Place], costing: Costing, medium: Model, rules: RuleSet
    ) -> None:
        self._places = {place: _Place() for place in places}
        self._costing = costing
        self._billing = BilledCosting(costing)
        self._medium = medium
        # A rule that is no longer in the tables may have been a floor.
        self._open = {rule.name for rule in rules.rules if not rule.floor}
        self._open |= {rules.size.task} if rules.size else set()

    def read(self, rows: Iterable[Row]) -> None:
        """Take attempts, oldest first, as the values that `READ` names."""
        for row in rows:
            place = self._places.get(row[:2])
            if place is None:
                continue
            attempt = Billed._make(row[3:])
            if not attempt.cost:
                continue
            price = self._billing.price(attempt)
            if price is not None:
                place.written += attempt.output_tokens
                place.thought += attempt.thinking_tokens
            first = attempt.tier == "large" and attempt.attempt == 1
            prompt = attempt.prompt_tokens
            # Most say nothing: objects are made of the others only.
            if first or attempt.thinking_tokens or prompt > _shortest(price):
                self._take(place, attempt.record(row[2]), price)

    def _take(self, place: _Place, record: Record, price: Price | None) -> None:
        self._large(place, record)
        if price is not None:
            _above_step(place, record, price)
            _prefix(place, record, price)
            self._thinking(place, record, price)

    def advice(self, place: Place, spent: int) -> list[Advice]:
        """Return what there is to say of a place that spent so many pico-USD."""
        found = self._places[place]
        every = (
            _large_advice(found, self._medium),
            _above_advice(found),
            _prefix_advice(found),
            _thinking_advice(found),
        )
        given = [advice for advice in every if advice.saved > LEAST * spent]
        return sorted(given, key=lambda advice: -advice.saved)

    def _large(self, place: _Place, record: Record) -> None:
        """Count a call that began on the large tier though no floor rule said so.

        Where it would not even have fitted into the other model, that is no choice.
        """
        head = record.reason.split("; ")[0]
        rule = head.removeprefix("rule: ")
        unbound = head != rule and rule in self._open
        if record.tier != "large" or record.attempt > 1 or not unbound:
            return
        usage = self._costing.usage_on(record, self._medium)
        tokens = usage.prompt_tokens + usage.output_tokens
        if tokens > self._medium.context_window:
            return
        instead = self._costing.cost_on(record, self._medium)
        if record.cost is not None and instead is not None and instead < record.cost:
            place.large.add(record.cost - instead)
            place.rules[rule] += 1

    def _thinking(self, place: _Place, record: Record, price: Price) -> None:
        """Count thinking that could have been turned off."""
        model = self._costing.model(record.model)
        usage = record.usage
        if (
            model is None
            or model.thinking_off != "disabled"
            or not usage.thinking_tokens
        ):
            return
        quiet = replace(
            usage,
            output_tokens=usage.output_tokens - usage.thinking_tokens,
            thinking_tokens=0,
        )
        place.thinking.add(_saved(usage, quiet, price))


def _shortest(price: Price | None) -> int:
    """Return the length that a prompt must exceed for its length to matter."""
    least = _PREFIX_PROMPT - 1
    return min(least, price.steps[0][0]) if price and price.steps else least


def _above_step(place: _Place, record: Record, price: Price) -> None:
    """Count a prompt beyond a step of its model's price."""
    usage = record.usage
    crossed = [above for above, _ in price.steps if usage.prompt_tokens > above]
    if crossed:
        place.above.add(_saved(usage, _trimmed(usage, crossed[-1]), price))
        place.steps.add(crossed[-1])
        place.longest = max(place.longest, usage.prompt_tokens)


def _prefix(place: _Place, record: Record, price: Price) -> None:
    """Count a long prompt of which nothing was in the provider's prompt cache."""
    usage = record.usage
    cached = usage.cache_read_tokens or usage.cache_write_tokens
    if cached or usage.input_tokens < _PREFIX_PROMPT:
        return
    before = place.asked.get(record.model)
    place.asked[record.model] = record.at
    tenth = usage.input_tokens // 10
    rest = usage.input_tokens - tenth
    if before is not None and record.at - before <= _PREFIX_KEPT:
        changed = replace(usage, input_tokens=rest, cache_read_tokens=tenth)
    else:
        changed = replace(usage, input_tokens=rest, cache_write_5m_tokens=tenth)
    place.prefix.add(_saved(usage, changed, price))


def _trimmed(usage: Usage, most: int) -> Usage:
    """Return the usage with the prompt cut to so many tokens, plain input first."""
    rest = usage.prompt_tokens - most
    counts: dict[str, int] = {}
    for name in (
        "input_tokens", "cache_read_tokens", "cache_write_5m_tokens",
        "cache_write_1h_tokens",
    ):  # fmt: skip
        cut = min(rest, getattr(usage, name))
        counts[name] = getattr(usage, name) - cut
        rest -= cut
    return replace(usage, **counts)  # type: ignore[arg-type] # four of its counts


def _saved(usage: Usage, changed: Usage, price: Price) -> int:
    """Return what a usage costs more than another one; 0 where it has no price."""
    spent, instead = cost(usage, price), cost(changed, price)
    return 0 if spent is None or instead is None else spent - instead


def _large_advice(place: _Place, medium: Model) -> Advice:
    named = ", ".join(f"{rule} {count}" for rule, count in place.rules.most_common(3))
    return Advice(
        "large tier",
        f"{_calls(place.large)} on the large tier, which no floor rule demanded "
        f"(by rule: {named})",
        place.large.saved,
        f"{medium.id} would have answered as well, at the first attempt and in as "
        "much text",
    )


def _above_advice(place: _Place) -> Advice:
    steps = " and ".join(f"{step:,}" for step in sorted(place.steps))
    return Advice(
        "long prompts",
        f"{_calls(place.above)} above a price step ({steps} tokens); the longest "
        f"prompt had {place.longest:,}",
        place.above.saved,
        "the prompts trimmed down to the step would have been answered as well by the "
        "same model",
        f"--context-tokens {min(place.steps, default=0)} leaves the oldest steps of a "
        "context out",
    )


def _prefix_advice(place: _Place) -> Advice:
    return Advice(
        "prompt caching",
        f"{_calls(place.prefix)} with {_PREFIX_PROMPT:,} prompt tokens or more, none "
        "of them from the provider's prompt cache",
        place.prefix.saved,
        "10 % of each prompt, so at least the "
        f"{_PREFIX_TOKENS:,} tokens that any model caches, were part of a prefix that "
        "all of them share, kept for 5 minutes; each further 10 % would save as much "
        "again",
        "--thread NAME keeps what the calls of a conversation share in that cache, as "
        "soon as it pays",
    )


def _thinking_advice(place: _Place) -> Advice:
    part = place.thought / place.written if place.written else 0.0
    return Advice(
        "thinking",
        f"{_calls(place.thinking)} thought where it can be turned off; of all output "
        f"tokens {part:.0%} are thinking",
        place.thinking.saved,
        "the answers would have been as good, and as long, without thinking",
    )


def _calls(counted: _Sum) -> str:
    return f"{counted.attempts:,} attempt{'' if counted.attempts == 1 else 's'}"
