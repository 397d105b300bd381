"""Make a request ready for one model: what it leaves out, what it caches, its price."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from costroute_nb.core import prices
from costroute_nb.core.messages import Usage
from costroute_nb.core.plan import Draft, Quote, Trim
from costroute_nb.core.prompt_cache import (
    asked_as,
    begun_as,
    expected_reads,
    expected_usage,
    worth,
)
from costroute_nb.core.shaping import doubled
from costroute_nb.core.tokens import DEFAULT_TOKENIZER, token_bound
from costroute_nb.shortening import Shortening

if TYPE_CHECKING:
    from costroute_nb.core.call import Call
    from costroute_nb.core.catalog import Model
    from costroute_nb.core.classification import Task
    from costroute_nb.core.messages import Message, PromptCache, Request
    from costroute_nb.core.prices import Price
    from costroute_nb.core.prompt_cache import Gap
    from costroute_nb.core.tokens import Estimate
    from costroute_nb.counting import TokenCounter
    from costroute_nb.ports import Clock, LedgerStore, Prices, Provider

_COMPLAINT = 1200
"""More bytes than a complaint about an answer and its frame have."""
_BYTES = 4
"""Bytes that a token of an answer has at most, in ordinary text."""
_MOST_DOUBT = 0.7
"""By how much an estimate is too low at most where nothing is known yet."""


@dataclass(frozen=True, slots=True)
class Drafter:
    """Drafts requests; looks at prices and the ledger, sends nothing."""

    prices: Prices
    ledger: LedgerStore
    counter: TokenCounter
    clock: Clock

    def of(
        self, call: Call, task: Task, provider: Provider, said: Estimate | None = None
    ) -> Drafting:
        """Return what drafts the requests of one call.

        `said` is the estimate of its messages by the default tokenizer, if it is known.
        """
        gaps: tuple[Gap, ...] = ()
        if call.thread is not None:
            now = self.clock.now()
            gaps = tuple(self.ledger.thread_gaps(now, simulated=provider.simulated))
        shortening = Shortening(self.counter, call, provider.simulated)
        estimates = {}
        if said is not None:
            asked = self.counter.of_schema(call.schema, DEFAULT_TOKENIZER)
            estimates[DEFAULT_TOKENIZER] = said + asked
        return Drafting(
            self, call, task, provider, call.messages, gaps, shortening, estimates
        )


@dataclass(frozen=True, slots=True)
class Drafting:
    """Drafts the requests of one call; what models share is computed once.

    `messages` are the whole conversation, `estimates` of it by tokenizer.
    """

    drafter: Drafter
    call: Call
    task: Task
    provider: Provider
    messages: tuple[Message, ...]
    gaps: tuple[Gap, ...]
    shortening: Shortening
    estimates: dict[str, Estimate]

    def draft(self, model: Model, request: Request) -> Draft:
        """Return a request as it would be sent to a model, and what it would cost.

        Raises
        ------
        ConfigurationError
            If the prompt cannot be trimmed to the tokens that were asked for.
        """
        price = self.drafter.prices.price(
            model.id, model.provider, self.drafter.clock.now()
        )
        request = replace(request, messages=self.messages)
        tokens = self._tokens(request, model)
        shorter = self.shortening.shorter(model, request, price, tokens)
        if shorter is None:
            return self._finished(model, request, price)
        draft = self._finished(model, shorter.request, price, shorter.dropped)
        if not shorter.needed:
            whole = self._finished(model, request, price)
            # A prompt cache may have made all of it cheap.
            if not _cheaper(draft.quote.expected, whole.quote.expected):
                return whole
        kept = draft.quote.prompt_tokens
        trim = Trim(
            dropped=shorter.dropped,
            tokens=tokens - kept,
            saved=_saved(tokens, kept, price),
            reason=shorter.reason,
            whole=self.messages,
        )
        return replace(draft, trim=trim)

    def uncertain(self, model: Model, request: Request, limit: int) -> bool:
        """Tell whether a request may have more tokens than a limit, for all one knows."""
        estimate = self._estimate(request, model)
        simulated = self.provider.simulated
        doubt = self.drafter.counter.doubt(
            estimate, model.tokenizer, simulated=simulated
        )
        tokens = self.shortening.corrected(estimate, model)
        return doubt is None and tokens * (1 + _MOST_DOUBT) > limit

    def _finished(
        self,
        model: Model,
        request: Request,
        price: Price | None,
        dropped: tuple[Message, ...] = (),
    ) -> Draft:
        """Return a request with its prompt cache and its quote."""
        thread = self.call.thread
        if thread is None or price is None:
            return Draft(request, self.quote(model, request, price))
        served = 0
        tokens = self._tokens(request, model)
        if thread.warm is not None:
            out = thread.places(dropped)
            asked = asked_as(self.provider.name, request, out)
            now = self.drafter.clock.now()
            served = thread.warm.serves(model.id, asked, now, request.messages)
        grown = tokens + self._growth(model, request)
        alike = self.shortening.stays(model, request, price, grown)
        served = min(served, tokens)
        pays = thread.pays(begun_as(self.provider.name, request))
        kept = self._kept(price, tokens, served, alike) if pays else None
        request = replace(request, prompt_cache=kept)
        quote = self.quote(model, request, price, served if kept else 0)
        ahead = self._ahead(model, request, price, tokens, grown)
        if quote.expected is not None and ahead is not None:
            quote = replace(quote, ahead=quote.expected + ahead)
        return Draft(request, quote)

    def _ahead(
        self, model: Model, request: Request, price: Price, tokens: int, grown: int
    ) -> int | None:
        """Return what the next calls are expected to cost, in pico-USD, if any are.

        They are those that would come before what is kept now expires; each is taken
        for the next one, which reads this prompt if that is kept.
        """
        warm = self.call.thread.warm if self.call.thread else None
        if warm is None:
            return None
        kept = request.prompt_cache
        usage = expected_usage(
            grown,
            self._output(model, request),
            served=tokens if kept else 0,
            kept=kept,
        )
        each = prices.cost(usage, price)
        calls = expected_reads(self.gaps, warm.kept)
        return None if each is None else int(calls * each)

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
        usage = expected_usage(
            tokens,
            self._output(model, request),
            served=served,
            kept=request.prompt_cache,
        )

        def worst(cap: int, prompt: int = bound) -> int:
            return prices.worst_case(prompt, cap, price, writes_cache=writes)

        longer = doubled(self.call, model, request)
        again = worst(longer.max_tokens) if longer else 0
        if self.call.repairable and self.call.escalate:
            # What is mended may be the longer try's answer, by a request like that.
            cap = longer.max_tokens if longer else request.max_tokens
            again += worst(cap, bound + _BYTES * cap + _COMPLAINT)
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

    def _output(self, model: Model, request: Request) -> int:
        """Return how many tokens the answer is expected to have."""
        output = self._typical(model.id)
        warm = self.call.thread.warm if self.call.thread else None
        if output is None and warm is not None:
            # Else the model that answered so far would seem to say less than others.
            output = self._typical(warm.model)
        if output is None:
            output = self.task.expected_output_tokens
        return min(output, request.max_tokens)

    def _typical(self, model: str) -> int | None:
        return self.drafter.ledger.typical_output(
            self.task.name, model, simulated=self.provider.simulated
        )

    def _growth(self, model: Model, request: Request) -> int:
        """Return how many tokens more a next call like this one is likely to send."""
        added = replace(request, messages=self.call.added)
        return self._tokens(added, model) + self._output(model, request)

    def _estimate(self, request: Request, model: Model) -> Estimate:
        counter, tokenizer = self.drafter.counter, model.tokenizer
        if request.messages is not self.messages:
            return counter.estimate(request, tokenizer)
        if tokenizer not in self.estimates:
            self.estimates[tokenizer] = counter.estimate(request, tokenizer)
        return self.estimates[tokenizer]

    def _tokens(self, request: Request, model: Model) -> int:
        return self.shortening.corrected(self._estimate(request, model), model)

    def _kept(
        self, price: Price, tokens: int, served: int, alike: bool
    ) -> PromptCache | None:
        """Return for how long the prompt is to be kept: as it pays, or pays already.

        `alike` tells whether the next call would begin with it: else nobody reads it.
        """
        rates = price.rates(tokens)
        kept = worth(self.gaps, rates) if alike else None
        warm = self.call.thread.warm if self.call.thread else None
        if kept is not None or warm is None:
            return kept
        # Reading needs the marker, which also writes what is new.
        short = warm.kept == "5m"
        written = rates.cache_write_5m if short else rates.cache_write_1h
        more = (tokens - served) * (written - rates.input)
        return warm.kept if served * (rates.input - rates.cache_read) > more else None


def _cheaper(one: int | None, other: int | None) -> bool:
    return one is not None and (other is None or one < other)


def _saved(whole: int, tokens: int, price: Price | None) -> int | None:
    """Return what fewer prompt tokens save as plain input, in pico-USD."""
    if price is None:
        return None
    untrimmed, paid = (prices.cost(Usage(n), price) for n in (whole, tokens))
    return None if untrimmed is None or paid is None else untrimmed - paid
