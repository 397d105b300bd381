"""Find and keep answers in the cache, each under its candidate's own key."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from costroute_nb.core.answers import CachedAnswer
from costroute_nb.core.fingerprint import fingerprint
from costroute_nb.core.plan import Plan
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

    def key(self, candidate: Candidate, provider: Provider) -> str:
        """Return the fingerprint of what would be sent, and where it would go.

        Whether the provider shall keep the prompt changes the price, never the answer:
        it is not part of the key.
        """
        request = replace(candidate.request, prompt_cache=None)
        return fingerprint(provider.body(candidate.spec, request), provider.scope())

    def answers(
        self, call: Call, candidate: Candidate, provider: Provider
    ) -> Iterator[CachedAnswer]:
        """Yield the candidate's answers that are young enough for the call."""
        age = self.ttl if call.ttl is None else call.ttl
        for asked in _as_asked(call, candidate):
            entry = self.cache.get(self.key(asked, provider), age)
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
        kept = self.key(candidate, provider)
        if call.fresh:
            for other in plan.candidates:
                for asked in _as_asked(call, other):
                    key = self.key(asked, provider)
                    if key != kept and self.cache.get(key) is not None:
                        self.cache.put(key, {}, 0.0)
        self.cache.put(kept, answer.to_entry(), ttl)


def _as_asked(call: Call, candidate: Candidate) -> Iterator[Candidate]:
    """Yield the candidate, then as a truncated answer makes it ask a second time."""
    yield candidate
    again = doubled(call, candidate.spec, candidate.request)
    if again is not None:
        yield replace(candidate, request=again)
