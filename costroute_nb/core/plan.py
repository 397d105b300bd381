"""How a call would be served: candidates, each with its request and its quote."""

from dataclasses import dataclass, field

from costroute_nb.core.catalog import Model, Tier, tier_rank
from costroute_nb.core.classification import Classification
from costroute_nb.core.messages import Message, Request
from costroute_nb.core.money import format_usd, pico_to_usd
from costroute_nb.core.prices import Price
from costroute_nb.core.thread import Thread
from costroute_nb.core.tokens import Estimate


@dataclass(frozen=True, slots=True)
class Quote:
    """What a request to one model may cost, in pico-USD; None where unpriced.

    `prompt_bound` is the upper bound of its prompt tokens behind `worst`, and
    `prompt_tokens` their estimate, corrected by what was billed before; `estimate` is
    the same uncorrected. `worst_again` is what a second try can cost on top, longer or
    after a complaint; 0 where there is none. `writes_cache` tells whether the request
    writes the provider's prompt cache, at that rate; `served_tokens` is how much of
    the prompt that cache is expected to serve. `ahead` is what it is expected to cost
    together with the next calls of its thread, None where none are expected.
    """

    price: Price | None
    prompt_bound: int
    prompt_tokens: int
    expected: int | None
    worst: int | None
    worst_again: int | None = 0
    writes_cache: bool = False
    served_tokens: int = 0
    estimate: Estimate = field(default=Estimate())
    ahead: int | None = None


def to_fit(context_tokens: int) -> str:
    """Return why messages are left out where a user has set a limit."""
    return f"to fit {context_tokens:,} tokens"


@dataclass(frozen=True, slots=True)
class Trim:
    """What was left out of a request: its messages, and about what that saves.

    `tokens` is their estimate, `saved` what they would cost at the same model, in
    pico-USD and as plain input, None where unpriced; `reason` says why, and `whole`
    is the conversation with them.
    """

    dropped: tuple[Message, ...]
    tokens: int
    saved: int | None
    reason: str
    whole: tuple[Message, ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        count = len(self.dropped)
        return f"{count} message{'s' if count > 1 else ''} left out {self.reason}"


@dataclass(frozen=True, slots=True)
class Draft:
    """A request made ready for one model, with its quote and what it leaves out."""

    request: Request
    quote: Quote
    trim: Trim | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One model that may serve the call, asked in its own way.

    `expected_usd` is the estimate for one attempt, `worst_usd` the most one
    attempt can cost; None where no price is known. `cached` tells whether its
    answer is in the cache.
    """

    model: str
    provider: str
    tier: Tier
    spec: Model
    request: Request
    quote: Quote
    trim: Trim | None = None
    cached: bool = False

    @property
    def expected_usd(self) -> float | None:
        """USD one attempt is expected to cost."""
        return pico_to_usd(self.quote.expected)

    @property
    def worst_usd(self) -> float | None:
        """USD one attempt can cost at most."""
        return pico_to_usd(self.quote.worst)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a call would be served; making one spends nothing.

    `candidates` are in the order in which they would be tried, `excluded` says
    why other models are not among them, and `reason` why this tier comes first.
    `thread` is the conversation that the call goes on with, if it does; `refusal` says
    what the budget had against the call when a face looked, or nothing. `spared` are
    models that are left out for being no good buy: an answer that one of them has given
    is served all the same.
    """

    classification: Classification
    candidates: tuple[Candidate, ...]
    reason: str
    excluded: tuple[str, ...] = ()
    thread: Thread | None = None
    refusal: str = ""
    spared: tuple[Candidate, ...] = ()

    def __str__(self) -> str:
        first, *others = self.candidates
        expected, worst = first.quote.expected, first.quote.worst
        then = f"; then {', '.join(one.model for one in others)}" if others else ""
        return (
            f"{first.tier} ({self.reason}): {first.model}, about "
            f"{format_usd(expected)}, at most {format_usd(worst)}{then}"
            f"{self._in_thread()}{f'; {self.refusal}' if self.refusal else ''}"
        )

    def _in_thread(self) -> str:
        if self.thread is None:
            return ""
        count, first = len(self.thread.messages), self.candidates[0]
        said = f"{count} message{'' if count == 1 else 's'}"
        trimmed = f"; {first.trim}" if first.trim else ""
        return (
            f"; thread {self.thread.name}: {said} before this one, about "
            f"{first.quote.prompt_tokens:,} tokens to send{trimmed}"
        )

    @property
    def looked_up(self) -> tuple[Candidate, ...]:
        """Those whose answers are looked up in the cache, the lowest tier first."""
        if not self.spared:
            return self.candidates
        every = (*self.candidates, *self.spared)
        return tuple(sorted(every, key=lambda one: tier_rank(one.tier)))

    @property
    def tier(self) -> Tier:
        """The tier that is tried first."""
        return self.candidates[0].tier

    @property
    def worst_usd(self) -> float | None:
        """USD the call can cost if every candidate is tried, and tried longer.

        Repeats after a failure of the provider may add to it, within the limits.
        """
        quotes = [candidate.quote for candidate in self.candidates]
        amounts = [x for quote in quotes for x in (quote.worst, quote.worst_again)]
        known = [amount for amount in amounts if amount is not None]
        return pico_to_usd(sum(known)) if len(known) == len(amounts) else None
