"""Find and keep answers in the cache, each under its candidate's own key."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from costroute_nb.core.answers import CachedAnswer
from costroute_nb.core.fingerprint import fingerprint
from costroute_nb.core.plan import Plan, Trim, to_fit
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

    def answers(
        self, call: Call, candidate: Candidate, provider: Provider
    ) -> Iterator[tuple[Candidate, CachedAnswer]]:
        """Yield the candidate's answers that are young enough for the call.

        Each comes with the candidate as it was asked then, and what it left out then.
        That changes as estimates are corrected: one that would be trimmed now takes the
        answer to any part that was to fit the same limit, or to the whole. One that
        would be sent as a whole takes no answer to a part, but within a thread:
        another answer would make another prompt of every later one, to be paid again.
        """
        age = self.ttl if call.ttl is None else call.ttl

        def found(key: str) -> CachedAnswer | None:
            entry = self.cache.get(key, age)
            return CachedAnswer.from_entry(entry) if entry else None

        for asked in _as_asked(call, candidate):
            answer = found(self.key(asked, provider))
            if answer is not None:
                yield asked, answer
            limit, whole = _limit(call, asked), _whole(asked)
            if limit is not None:
                answer = found(self.key(asked, provider, limit))
                trim = _trimmed_then(whole, limit, answer)
                if answer is not None and trim is not None:
                    yield replace(asked, trim=trim), answer
            if asked.trim is not None:
                answer = found(self.key(whole, provider))
                if answer is not None:
                    yield whole, answer

    def _keys(self, call: Call, candidate: Candidate, provider: Provider) -> list[str]:
        """Return the keys of all answers that may be found for a candidate.

        Also where it is sent as a whole: it may be trimmed the next time.
        """
        keys = [self.key(candidate, provider)]
        if candidate.trim is not None:
            keys.append(self.key(candidate, provider, candidate.trim.reason))
            keys.append(self.key(_whole(candidate), provider))
        elif call.context_tokens is not None:
            keys.append(self.key(candidate, provider, to_fit(call.context_tokens)))
        return keys

    def marked(self, plan: Plan, call: Call, provider: Provider) -> Plan:
        """Return the plan with each candidate told whether its answer is here."""
        if not call.cache or call.fresh:
            return plan

        def marked(candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
            return tuple(
                replace(c, cached=any(True for _ in self.answers(call, c, provider)))
                for c in candidates
            )

        return replace(
            plan, candidates=marked(plan.candidates), spared=marked(plan.spared)
        )

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
            for other in plan.looked_up:
                for asked in _as_asked(call, other):
                    for key in self._keys(call, asked, provider):
                        if key not in kept and self.cache.get(key) is not None:
                            self.cache.put(key, {}, 0.0)
        for key in kept:
            self.cache.put(key, answer.to_entry(), ttl)


def _whole(candidate: Candidate) -> Candidate:
    """Return a trimmed candidate that is asked with all messages."""
    whole = candidate.trim.whole if candidate.trim else candidate.request.messages
    request = replace(candidate.request, messages=whole)
    return replace(candidate, request=request, trim=None)


def _limit(call: Call, candidate: Candidate) -> str | None:
    """Return what answers to a part of the conversation had to fit, if one will do."""
    if candidate.trim is not None:
        return candidate.trim.reason
    if call.thread is None or call.context_tokens is None:
        return None
    return to_fit(call.context_tokens)


def _trimmed_then(
    whole: Candidate, limit: str, answer: CachedAnswer | None
) -> Trim | None:
    """Return what an answer to some part of the conversation was made without.

    None where it does not say so: nobody could tell what it knew.
    """
    messages = whole.request.messages
    out = answer.left_out if answer is not None else None
    if not out or out[-1] >= len(messages):
        return None
    dropped = tuple(messages[at] for at in out)
    return Trim(dropped, tokens=0, saved=0, reason=limit, whole=messages)


def _as_asked(call: Call, candidate: Candidate) -> Iterator[Candidate]:
    """Yield the candidate, then as a truncated answer makes it ask a second time."""
    yield candidate
    again = doubled(call, candidate.spec, candidate.request)
    if again is not None:
        yield replace(candidate, request=again)
