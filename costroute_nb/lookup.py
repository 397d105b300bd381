"""Find and keep answers in the cache, each under its candidate's own key."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from costroute_nb.core.answers import CachedAnswer
from costroute_nb.core.fingerprint import fingerprint
from costroute_nb.core.plan import Plan, to_fit
from costroute_nb.core.shaping import doubled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from costroute_nb.core.call import Call
    from costroute_nb.core.plan import Candidate
    from costroute_nb.ports import Provider, ResponseCache


class Lookup:
    """Reads and writes the cache for the router. `ttl` is in seconds."""

    def __init__(self, cache: ResponseCache, ttl: float) -> None:
        self.cache = cache
        self.ttl = ttl

    def key(
        self, candidate: Candidate, provider: Provider, limit: str | None = None
    ) -> str:
        """Return the fingerprint of what would be sent, and where it would go.

        Whether the provider shall keep the prompt changes the price, never the answer:
        it is not part of the key. With a `limit` it is that of the whole conversation,
        of which as much was sent as fits the limit.
        """
        request, scope = candidate.request, dict(provider.scope())
        if limit is not None:
            scope["limit"] = limit
            if candidate.trim is not None:
                request = replace(request, messages=candidate.trim.whole)
        request = replace(request, prompt_cache=None)
        return fingerprint(provider.body(candidate.spec, request), scope)

    def _keys(self, call: Call, candidate: Candidate, provider: Provider) -> list[str]:
        """Return the keys of all answers to what a candidate is asked.

        What is left out changes as estimates are corrected. Cells that are run again
        shall find their answers none the less: by the whole and by the limit.
        """
        keys = [self.key(candidate, provider)]
        if candidate.trim is not None:
            keys.append(self.key(candidate, provider, candidate.trim.reason))
            whole = replace(candidate.request, messages=candidate.trim.whole)
            keys.append(self.key(replace(candidate, request=whole), provider))
        elif call.context_tokens is not None:
            keys.append(self.key(candidate, provider, to_fit(call.context_tokens)))
        return keys

    def answers(
        self, call: Call, candidate: Candidate, provider: Provider
    ) -> Iterator[CachedAnswer]:
        """Yield the candidate's answers that are young enough for the call."""
        age = self.ttl if call.ttl is None else call.ttl
        for asked in _as_asked(call, candidate):
            for key in self._keys(call, asked, provider):
                entry = self.cache.get(key, age)
                answer = CachedAnswer.from_entry(entry) if entry else None
                if answer is not None:
                    yield answer

    def marked(self, plan: Plan, call: Call, provider: Provider) -> Plan:
        """Return the plan with each candidate told whether its answer is here."""
        if not call.cache or call.fresh:
            return plan
        candidates = tuple(
            replace(c, cached=any(True for _ in self.answers(call, c, provider)))
            for c in plan.candidates
        )
        return replace(plan, candidates=candidates)

    def keep(
        self,
        call: Call,
        plan: Plan,
        candidate: Candidate,
        provider: Provider,
        answer: CachedAnswer,
    ) -> None:
        """Store an accepted answer, unless the call keeps out of the cache.

        A fresh answer replaces what any candidate of the plan had to say before:
        else an older one of an earlier candidate would be found first.
        """
        if not call.cache:
            return
        ttl = self.ttl if call.ttl is None else call.ttl
        kept = [self.key(candidate, provider)]
        if candidate.trim is not None:
            kept.append(self.key(candidate, provider, candidate.trim.reason))
        if call.fresh:
            for other in plan.candidates:
                for asked in _as_asked(call, other):
                    for key in self._keys(call, asked, provider):
                        if key not in kept and self.cache.get(key) is not None:
                            self.cache.put(key, {}, 0.0)
        for key in kept:
            self.cache.put(key, answer.to_entry(), ttl)


def _as_asked(call: Call, candidate: Candidate) -> Iterator[Candidate]:
    """Yield the candidate, then as a truncated answer makes it ask a second time."""
    yield candidate
    again = doubled(call, candidate.spec, candidate.request)
    if again is not None:
        yield replace(candidate, request=again)
