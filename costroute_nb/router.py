"""The one path every call takes: plan, look up, attempt, judge, deliver."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from costroute_nb.core.policy import ceiling_at, degrade, doubled
from costroute_nb.core.refusal import not_degraded
from costroute_nb.core.validation import judge
from costroute_nb.errors import (
    BudgetExceededError,
    ConfigurationError,
    ProviderError,
)
from costroute_nb.trip import Trip

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costroute_nb.attempt import Booking
    from costroute_nb.cache.flight import SingleFlight
    from costroute_nb.core.call import Call
    from costroute_nb.core.messages import Completion
    from costroute_nb.core.policy import Candidate, Plan
    from costroute_nb.core.record import Status
    from costroute_nb.core.result import Result
    from costroute_nb.core.retry import RetryPolicy
    from costroute_nb.core.validation import Outcome, Verdict
    from costroute_nb.lookup import Lookup
    from costroute_nb.planner import Planner
    from costroute_nb.ports import Clock, Listener, Provider

_STATUS: Mapping[Outcome, Status] = {
    "truncated": "truncated",
    "refused": "refused",
    "rejected": "failed",
}


@dataclass(frozen=True, slots=True)
class _Answer:
    """The verdict on an answer, and which of the trip's attempts brought it."""

    index: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Router:
    """Routes calls; everything it needs from the world is given to it.

    `lease` is how long, in seconds, others wait for a call in flight before one of
    them takes its place.
    """

    session_id: str
    planner: Planner
    lookup: Lookup
    flight: SingleFlight
    booking: Booking
    retry: RetryPolicy
    providers: Mapping[str, Provider]
    clock: Clock
    baseline_model: str
    lease: float

    def plan(self, call: Call) -> Plan:
        """Return how a call would be served; nothing is sent or spent."""
        provider = self._provider(call)
        plan = self.planner.plan(call, provider)
        with suppress(BudgetExceededError):  # the plan of a call that will be refused
            plan = self._degrade(call, plan, provider)
        return self.lookup.marked(plan, call, provider)

    def route(self, call: Call, listener: Listener) -> Result:
        """Serve a call: from the cache if it can be, else by the cheapest candidate.

        Raises
        ------
        CostRouteError
            Whatever ended the call; every attempt is in the ledger by then.
        KeyboardInterrupt
            On Ctrl-C; as `Interrupted`, with the partial answer, during an attempt.
        """
        provider = self._provider(call)
        trip = Trip(
            call=call,
            plan=self.planner.plan(call, provider),
            provider=provider,
            listener=listener,
            call_id=uuid.uuid4().hex,
            session_id=self.session_id,
            baseline_model=self.baseline_model,
            started=self.clock.monotonic(),
        )
        if not call.cache or call.fresh:
            provider.check_credentials()
            self._degrade_trip(trip)
            return self._attempt_candidates(trip)
        found = self._look_up(trip)
        if found is not None:
            return found
        provider.check_credentials()
        self._degrade_trip(trip)
        key = self.lookup.key(trip.plan.candidates[0], provider)
        with self.flight.leader(
            key, self.lease, lambda: self._look_up(trip), listener.notice
        ) as found:
            return found or self._attempt_candidates(trip)

    def _provider(self, call: Call) -> Provider:
        try:
            return self.providers[call.provider]
        except KeyError:
            known = ", ".join(self.providers)
            message = f"unknown provider {call.provider!r}: use one of {known}"
            raise ConfigurationError(message) from None

    def _look_up(self, trip: Trip) -> Result | None:
        """Return the first cached answer that passes like a fresh one, booked."""
        for candidate in trip.plan.candidates:
            for answer in self.lookup.answers(trip.call, candidate, trip.provider):
                if answer in trip.rejected:
                    continue
                now = self.clock.now().timestamp()
                elapsed = self.clock.monotonic() - trip.started
                result = trip.cached_result(candidate, answer, now=now, elapsed=elapsed)
                verdict = judge(trip.call, result)
                if verdict.outcome == "accepted":
                    hit = trip.hit(candidate, self.booking.now(), verdict.result)
                    self.booking.ledger.add(replace(hit, baseline=answer.baseline))
                    return verdict.result
                trip.rejected.append(answer)
        return None

    def _degrade_trip(self, trip: Trip) -> None:
        """Replace the plan by the degraded one, telling the listener of a lower tier."""
        before = trip.plan
        trip.plan = self._degrade(trip.call, before, trip.provider)
        if trip.plan.tier != before.tier:
            trip.note(trip.plan.reason)

    def _degrade(self, call: Call, plan: Plan, provider: Provider) -> Plan:
        """Return the plan below a ceiling once a limit is nearly spent, if it says so.

        Raises
        ------
        BudgetExceededError
            If the call must not be degraded.
        """
        budget = self.booking.budget
        if budget.limits.on_limit != "degrade":
            return plan
        fullest = budget.fullest(simulated=provider.simulated)
        ceiling = ceiling_at(fullest.share) if fullest else None
        if fullest is None or ceiling is None or fullest.share >= 1:
            return plan  # room for every tier, or for none: reserving tells
        lower = degrade(call, plan, ceiling)
        if lower is None:
            raise not_degraded(fullest, ceiling, plan)
        used = f"{fullest.share:.0%} of the {fullest.name} limit is used"
        reason = f"{plan.reason}; degraded to {ceiling}: {used}"
        return replace(self.planner.plan(lower, provider), reason=reason)

    def _attempt_candidates(self, trip: Trip) -> Result:
        """Try candidate after candidate until an answer may be delivered."""
        first, *others = trip.plan.candidates
        answer = self._try_candidate(trip, first)
        for candidate in others:
            if answer.verdict.outcome == "accepted" or _stops_here(trip.call, answer):
                break
            trip.note(f"{answer.verdict.reason}: escalated to {candidate.model}")
            trip.listener.restart(answer.verdict.reason)
            try:
                following = self._try_candidate(trip, candidate)
            except BudgetExceededError as refusal:
                if answer.verdict.outcome != "truncated":
                    raise
                trip.note(f"this is the cut answer: {refusal}")
                break
            finally:
                self._mark_escalated(trip, answer)
            answer = following
        return self._conclude(trip, answer)

    def _try_candidate(self, trip: Trip, candidate: Candidate) -> _Answer:
        """Return a candidate's judged answer; a cut one gets one longer try."""
        answer = self._judged(trip, candidate)
        again = doubled(trip.call, candidate.spec, candidate.request)
        cut = answer.verdict.result.stop_reason == "max_tokens"
        if not cut or again is None:
            return answer
        trip.note(f"the answer was cut: trying again with {again.max_tokens:,} tokens")
        trip.listener.restart("the answer was cut")
        try:
            return self._judged(trip, replace(candidate, request=again))
        except BudgetExceededError as refusal:
            trip.note(f"no longer try: {refusal}")
            return answer

    def _judged(self, trip: Trip, candidate: Candidate) -> _Answer:
        """Get an answer and judge it; the verdict is booked, a good answer kept."""
        completion = self._answered(trip, candidate)
        index = len(trip.attempts) - 1
        try:
            verdict = judge(trip.call, trip.fresh_result(candidate, completion))
            if verdict.outcome != "accepted":
                self._restate(trip, index, _STATUS[verdict.outcome], verdict.fact)
                return _Answer(index, verdict)
            trip.attempts[index] = self.booking.deliver(trip.attempts[index])
            kept = trip.answer_to_keep(verdict.result, trip.attempts[index].record)
            self.lookup.keep(trip.call, trip.plan, candidate, trip.provider, kept)
        except KeyboardInterrupt:
            self._restate(trip, index, "interrupted", "stopped after the answer")
            raise
        return _Answer(index, verdict)

    def _answered(self, trip: Trip, candidate: Candidate) -> Completion:
        """Return the next answer there is, after waits and retries if need be."""
        while True:
            attempt = self.booking.attempt(
                trip.call,
                candidate,
                trip.opened(candidate, self.booking.now()),
                provider=trip.provider,
                listener=trip.listener,
            )
            trip.attempts.append(attempt)
            if not isinstance(attempt.outcome, ProviderError):
                return attempt.outcome
            self._wait_for_retry(trip, attempt.outcome)

    def _wait_for_retry(self, trip: Trip, error: ProviderError) -> None:
        """Wait before another try, or raise the error if there shall be none."""
        tries, chance = trip.retries + 1, self.clock.random()
        delay = self.retry.delay(error, tries, trip.waited, chance)
        if delay is None:
            raise self.retry.gave_up(error, tries, trip.waited) from error
        trip.retries += 1
        trip.waited += delay
        trip.note(
            f"{error}; waiting {delay:.1f} s before try {tries + 1} "
            f"of {self.retry.attempts}"
        )
        trip.listener.restart("another try")
        self.clock.sleep(delay)

    def _mark_escalated(self, trip: Trip, answer: _Answer) -> None:
        """Once another candidate was really tried, the rejected one is `escalated`."""
        tried = len(trip.attempts) > answer.index + 1
        if answer.verdict.outcome == "rejected" and tried:
            self._restate(trip, answer.index, "escalated", "")

    def _conclude(self, trip: Trip, answer: _Answer) -> Result:
        """Deliver the last answer, or raise what became of the call."""
        verdict = answer.verdict
        if verdict.outcome == "truncated" and verdict.result.text.strip():
            trip.attempts[answer.index] = self.booking.deliver(
                trip.attempts[answer.index]
            )
        elif verdict.outcome != "accepted":
            raise trip.rejection(verdict)
        record = trip.attempts[answer.index].record
        elapsed = self.clock.monotonic() - trip.started
        return trip.delivered_result(verdict.result, record, elapsed)

    def _restate(self, trip: Trip, index: int, status: Status, reason: str) -> None:
        trip.attempts[index] = self.booking.restate(
            trip.attempts[index], status, reason
        )


def _stops_here(call: Call, answer: _Answer) -> bool:
    """Whether a cut answer is delivered as it is: its cap was the user's own."""
    kept = call.max_tokens is not None or not call.escalate
    return answer.verdict.outcome == "truncated" and kept
