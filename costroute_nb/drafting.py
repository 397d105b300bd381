"""Make a request ready for one model: what it leaves out, what it caches, its price."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from costroute_nb.core import prices
from costroute_nb.core.messages import Usage
from costroute_nb.core.plan import Draft, Quote, Trim
from costroute_nb.core.prompt_cache import expected_usage, worth
from costroute_nb.core.shaping import doubled
from costroute_nb.core.tokens import Estimate, split_messages, token_bound
from costroute_nb.core.trimming import Trimmed, trim
from costroute_nb.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import timedelta

    from costroute_nb.core.call import Call
    from costroute_nb.core.catalog import Model
    from costroute_nb.core.classification import Task
    from costroute_nb.core.messages import Message, PromptCache, Request
    from costroute_nb.core.prices import Price
    from costroute_nb.counting import TokenCounter
    from costroute_nb.ports import Clock, LedgerStore, Prices, Provider

_UNSURE = 0.15
"""By how much an estimate may be too low as long as nothing is known of its errors."""
_SURE = 20
"""How many predictions make their errors known."""
_ROOM = 0.75
"""A thread is trimmed to this share of its budget, to begin alike for some calls."""
_COMPLAINT = 600
"""More bytes than a complaint about an answer and its frame have."""
_BYTES = 4
"""Bytes that a token of an answer has at most, in ordinary text."""


@dataclass(frozen=True, slots=True)
class Drafter:
    """Drafts requests; looks at prices and the ledger, sends nothing."""

    prices: Prices
    ledger: LedgerStore
    counter: TokenCounter
    clock: Clock

    def of(self, call: Call, task: Task, provider: Provider) -> Drafting:
        """Return what drafts the requests of one call."""
        gaps: Iterable[timedelta] = ()
        if call.thread is not None:
            gaps = self.ledger.thread_gaps(simulated=provider.simulated)
        return Drafting(self, call, task, provider, call.messages, tuple(gaps), {})


@dataclass(frozen=True, slots=True)
class Drafting:
    """Drafts the requests of one call; what models share is computed once.

    `messages` are all that the call would send, `estimates` of them by tokenizer.
    """

    drafter: Drafter
    call: Call
    task: Task
    provider: Provider
    messages: tuple[Message, ...]
    gaps: tuple[timedelta, ...]
    estimates: dict[str, Estimate]

    def draft(self, model: Model, request: Request) -> Draft:
        """Return a request as it would be sent to a model, and what it would cost.

        Raises
        ------
        ConfigurationError
            If the prompt cannot be trimmed to the tokens that were asked for.
        """
        now = self.drafter.clock.now()
        price = self.drafter.prices.price(model.id, model.provider, now)
        whole = replace(request, messages=self.messages)
        request, trimmed = self._fitted(model, whole, price)
        tokens = self._tokens(request, model)
        thread = self.call.thread
        served = 0
        if thread is not None and price is not None:
            if thread.warm is not None and trimmed is None:
                served = min(thread.warm.serves(model.id, now), tokens)
            kept = self._kept(price, tokens, served)
            request = replace(request, prompt_cache=kept)
        quote = self.quote(model, request, price, served)
        if trimmed is None:
            return Draft(request, quote)
        untrimmed = self._tokens(whole, model)
        trimmed = replace(
            trimmed, tokens=untrimmed - tokens, saved=_saved(untrimmed, tokens, price)
        )
        return Draft(request, quote, trimmed)

    def quote(
        self, model: Model, request: Request, price: Price | None, served: int = 0
    ) -> Quote:
        """Return what a request to a model may cost.

        `served` is how many of its tokens the model's prompt cache is expected to
        serve.
        """
        body = json.dumps(dict(self.provider.body(model, request)), ensure_ascii=False)
        bound = token_bound(body)
        estimate = self._estimate(request, model)
        tokens = self._tokens(request, model)
        if price is None:
            return Quote(None, bound, tokens, None, None, None, estimate=estimate)
        # Inside a text the quotation marks would stand behind backslashes.
        writes = '"cache_control":' in body
        output = self.drafter.ledger.typical_output(
            self.task.name, model.id, simulated=self.provider.simulated
        )
        if output is None:
            output = self.task.expected_output_tokens
        usage = expected_usage(
            tokens,
            min(output, request.max_tokens),
            served=served,
            kept=request.prompt_cache,
        )

        def worst(cap: int, prompt: int = bound) -> int:
            return prices.worst_case(prompt, cap, price, writes_cache=writes)

        longer = doubled(self.call, model, request)
        again = worst(longer.max_tokens) if longer else 0
        if self.call.repairable:
            said = bound + _BYTES * request.max_tokens + _COMPLAINT
            again += worst(request.max_tokens, said)
        return Quote(
            price=price,
            prompt_bound=bound,
            prompt_tokens=tokens,
            expected=prices.cost(usage, price),
            worst=worst(request.max_tokens),
            worst_again=again,
            writes_cache=writes,
            served_tokens=served,
            estimate=estimate,
        )

    def _estimate(self, request: Request, model: Model) -> Estimate:
        counter, tokenizer = self.drafter.counter, model.tokenizer
        if request.messages is not self.messages:
            return counter.estimate(request, tokenizer)
        if tokenizer not in self.estimates:
            self.estimates[tokenizer] = counter.estimate(request, tokenizer)
        return self.estimates[tokenizer]

    def _tokens(self, request: Request, model: Model) -> int:
        return self._corrected(model)(self._estimate(request, model))

    def _corrected(self, model: Model) -> Callable[[Estimate], int]:
        counter, simulated = self.drafter.counter, self.provider.simulated
        return lambda estimate: counter.corrected(
            estimate, model.tokenizer, simulated=simulated
        )

    def _fitted(
        self, model: Model, request: Request, price: Price | None
    ) -> tuple[Request, Trim | None]:
        """Return the request trimmed to what was asked for, or to what pays."""
        tokens = self._tokens(request, model)
        given = self.call.context_tokens
        if given is not None:
            budget = int(given / (1 + self._doubt(model)))
            if tokens <= budget:
                return request, None
            try:
                kept = self._trimmed(model, request, budget)
            except ConfigurationError as error:
                parts = str(error).rpartition("; ")[0]
                message = f"{parts}; raise context_tokens (now {given:,})"
                raise ConfigurationError(message) from None
            return self._without(request, kept, f"to fit {given:,} tokens")
        for budget, reason in self._chosen(model, request, price, tokens):
            try:
                kept = self._trimmed(model, request, budget)
            except ConfigurationError:
                continue  # what always stays does not fit: then it is paid for
            return self._without(request, kept, reason)
        return request, None

    def _chosen(
        self, model: Model, request: Request, price: Price | None, tokens: int
    ) -> Iterator[tuple[int, str]]:
        """Yield the budgets at which trimming pays, or without which nothing goes."""
        sure = 1 + self._doubt(model)
        for above, _ in price.steps if price is not None else ():
            if tokens > above:
                yield (
                    int(above / sure),
                    f"to stay below {model.id}'s price step at {above:,} tokens",
                )
        window = model.context_window - request.max_tokens
        if tokens > window > 0:
            yield int(window / sure), f"to fit {model.id}'s context window"

    def _doubt(self, model: Model) -> float:
        """Return the share by which nine of ten estimates are too low at most."""
        errors = self.drafter.counter.errors(
            model.tokenizer, simulated=self.provider.simulated
        )
        return errors.p90 if errors is not None and errors.count >= _SURE else _UNSURE

    def _trimmed(self, model: Model, request: Request, budget: int) -> Trimmed:
        corrected = self._corrected(model)
        # What the schema takes is no message.
        empty = replace(request, messages=(), system=None)
        room = budget - corrected(self.drafter.counter.estimate(empty, model.tokenizer))

        def count(messages: Sequence[Message], system: str | None) -> int:
            return corrected(split_messages(messages, system, model.tokenizer))

        def to(tokens: int) -> Trimmed:
            return trim(
                request.messages,
                budget_tokens=max(tokens, 1),
                system=request.system,
                count=count,
            )

        if self.call.thread is not None:
            with suppress(ConfigurationError):  # else with less room to grow
                return to(int(_ROOM * room))
        return to(room)

    def _without(
        self, request: Request, kept: Trimmed, reason: str
    ) -> tuple[Request, Trim | None]:
        if not kept.dropped:
            return request, None
        left = replace(request, messages=tuple(kept))
        return left, Trim(kept.dropped, 0, None, reason)

    def _kept(self, price: Price, tokens: int, served: int) -> PromptCache | None:
        """Return for how long the prompt is to be kept: as it pays, or pays already."""
        rates = price.rates(tokens)
        kept = worth(self.gaps, rates)
        warm = self.call.thread.warm if self.call.thread else None
        if kept is None and warm is not None and served:
            # Reading needs the marker, which also writes what is new.
            short = warm.kept == "5m"
            written = rates.cache_write_5m if short else rates.cache_write_1h
            more = (tokens - served) * (written - rates.input)
            kept = (
                warm.kept if served * (rates.input - rates.cache_read) > more else None
            )
        return kept


def _saved(whole: int, tokens: int, price: Price | None) -> int | None:
    """Return what fewer prompt tokens save as plain input, in pico-USD."""
    if price is None:
        return None
    untrimmed, paid = (prices.cost(Usage(n), price) for n in (whole, tokens))
    return None if untrimmed is None or paid is None else untrimmed - paid
