"""Leave older messages out of a request: to fit what was asked for, or where it pays."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from costroute_nb.core.plan import to_fit
from costroute_nb.core.tokens import split_messages
from costroute_nb.core.trimming import trim
from costroute_nb.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from costroute_nb.core.call import Call
    from costroute_nb.core.catalog import Model
    from costroute_nb.core.messages import Message, Request
    from costroute_nb.core.prices import Price
    from costroute_nb.core.thread import Limit
    from costroute_nb.core.tokens import Estimate
    from costroute_nb.core.trimming import Trimmed
    from costroute_nb.counting import TokenCounter

_UNSURE = 0.15
"""By how much an estimate may be too low as long as too little is known of it."""
_ANY = 10**15
"""More tokens than any prompt has: a limit above is none, however large."""
_ROOM = 0.75
"""A thread is trimmed to this share of its budget, to begin alike for some calls."""


@dataclass(frozen=True, slots=True)
class Shorter:
    """A request with messages left out, why, and whether the whole is no choice."""

    request: Request
    dropped: tuple[Message, ...]
    reason: str
    needed: bool


@dataclass(frozen=True, slots=True)
class Shortening:
    """Shortens the requests of one call to one pot, simulated or real."""

    counter: TokenCounter
    call: Call
    simulated: bool

    def shorter(
        self, model: Model, whole: Request, price: Price | None, tokens: int
    ) -> Shorter | None:
        """Return what is to be sent instead of the whole, of so many tokens.

        None where nothing is to be left out, or nothing more can be.

        Raises
        ------
        ConfigurationError
            If the prompt cannot be trimmed to the tokens that were asked for.
        """
        given = self.call.context_tokens
        if given is not None:
            kept = self._to_given(model, whole, given)
            return self._without(whole, kept, to_fit(given), True)
        for limit, reason, needed in self._chosen(model, whole, price, tokens):
            # What always stays may not fit: then it is paid for.
            with suppress(ConfigurationError):
                kept = self._to(model, whole, limit, self._doubt(model, whole))
                return self._without(whole, kept, reason, needed)
        return None

    def stays(
        self, model: Model, request: Request, price: Price | None, tokens: int
    ) -> bool:
        """Tell whether as many tokens would be sent without leaving out any more."""
        given = self.call.context_tokens
        if given is not None:
            return tokens <= _surely(given, self._doubt(model, request))
        limits = (limit for limit, *_ in self._chosen(model, request, price, tokens))
        return next(limits, None) is None

    def corrected(self, estimate: Estimate, model: Model) -> int:
        """Return an estimate for a model in tokens."""
        return self.counter.corrected(
            estimate, model.tokenizer, simulated=self.simulated
        )

    def _chosen(
        self, model: Model, whole: Request, price: Price | None, tokens: int
    ) -> Iterator[tuple[int, str, bool]]:
        """Yield the limits below which a request may cost less, or can go at all."""
        window = model.context_window - whole.max_tokens
        if tokens > window > 0:
            yield window, f"to fit {model.id}'s context window", True
        for above, _ in price.steps if price is not None else ():
            if tokens > above:
                step = f"to stay below {model.id}'s price step at {above:,} tokens"
                yield above, step, False

    def _to_given(
        self, model: Model, whole: Request, given: int
    ) -> tuple[Message, ...]:
        """Return the messages that fit what was asked for, with or without a margin."""
        with suppress(ConfigurationError):
            return self._to(model, whole, given, self._doubt(model, whole))
        try:
            return self._to(model, whole, given, 0.0)
        except ConfigurationError as error:
            fields = {**vars(error), "budget_tokens": given}
            parts = ", ".join(f"{part} ({n:,})" for part, n in fields["parts"].items())
            message = (
                f"about {fields['needed_tokens']:,} tokens do not fit context_tokens "
                f"{given:,}: {parts}; raise context_tokens or shorten the prompt"
            )
            raise ConfigurationError(message, **fields) from None

    def _to(
        self, model: Model, whole: Request, limit: int, doubt: float
    ) -> tuple[Message, ...]:
        """Return the messages that fit a limit even if they are more by the doubt."""
        # What the schema takes is no message.
        bare = replace(whole, messages=(), system=None)
        taken = self.corrected(self.counter.estimate(bare, model.tokenizer), model)
        taken -= self.corrected(split_messages((), None, model.tokenizer), model)
        room = _surely(limit, doubt) - taken
        begun = self._begun(model, whole)

        def to(tokens: int) -> Trimmed:
            def count(messages: Sequence[Message], system: str | None) -> int:
                split = split_messages(messages, system, model.tokenizer)
                return self.corrected(split, model)

            return trim(
                begun, budget_tokens=max(tokens, 1), system=whole.system, count=count
            )

        kept = to(room)
        if kept.dropped and self.call.thread is not None:
            with suppress(ConfigurationError):  # else with less room to grow
                kept = to(int(_ROOM * room))
        return tuple(kept)

    def _begun(self, model: Model, whole: Request) -> tuple[Message, ...]:
        """Return the messages without those that the thread leaves out already."""
        thread = self.call.thread
        limit = limit_of(self.call, model)
        out = {id(m) for m in thread.dropped_for(limit)} if thread else set()
        return tuple(m for m in whole.messages if id(m) not in out)

    def _doubt(self, model: Model, whole: Request) -> float:
        estimate = self.counter.estimate(whole, model.tokenizer)
        doubt = self.counter.doubt(estimate, model.tokenizer, simulated=self.simulated)
        return _UNSURE if doubt is None else doubt

    def _without(
        self, whole: Request, kept: tuple[Message, ...], reason: str, needed: bool
    ) -> Shorter | None:
        ids = {id(message) for message in kept}
        dropped = tuple(m for m in whole.messages if id(m) not in ids)
        if not dropped:
            return None
        return Shorter(replace(whole, messages=kept), dropped, reason, needed)


def _surely(limit: int, doubt: float) -> int:
    """Return the estimate that is within a limit even if it is too low by a doubt."""
    return int(min(limit, _ANY) / (1 + doubt))


def limit_of(call: Call, model: Model) -> Limit:
    """Return what the prompts of a call have to fit at a model."""
    return model.id if call.context_tokens is None else call.context_tokens
