"""The one path every call takes: plan, look up, attempt, judge, deliver."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from costroute_nb.core.validation import judge
from costroute_nb.errors import BudgetExceededError, ConfigurationError
from costroute_nb.trip import Trip

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costroute_nb.answering import Answer, Answering
    from costroute_nb.attempt import Booking
    from costroute_nb.cache.flight import SingleFlight
    from costroute_nb.core.call import Call
    from costroute_nb.core.plan import Plan
    from costroute_nb.core.result import Result
    from costroute_nb.lookup import Lookup
    from costroute_nb.planner import Planner
    from costroute_nb.ports import Clock, Listener, Provider


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
    answering: Answering
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
        for candidate in trip.plan.looked_up:
            found = self.lookup.answers(trip.call, candidate, trip.provider)
            for answered, answer in found:
                if answer in trip.rejected:
                    continue
                now = self.clock.now().timestamp()
                elapsed = self.clock.monotonic() - trip.started
                result = trip.cached_result(answered, answer, now=now, elapsed=elapsed)
                verdict = judge(trip.call, result)
                if verdict.outcome == "accepted":
                    hit = trip.hit(answered, self.booking.now(), verdict.result)
                    self.booking.ledger.add(replace(hit, baseline=answer.baseline))
                    return verdict.result
                trip.rejected.append(answer)
        return None

    def _degrade_trip(self, trip: Trip) -> None:
        """Replace the plan by the degraded one, telling the listener of a lower tier."""
        before = trip.plan
        try:
            trip.plan = self._degrade(trip.call, before, trip.provider)
        except BudgetExceededError as refusal:
            first = before.candidates[0]
            hold = replace(
                trip.opened(first, self.booking.now()), charged=first.quote.worst
            )
            self.booking.watcher.refused(hold, refusal.limit)
            raise
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
        return self.planner.degraded(call, plan, provider, fullest) if fullest else plan

    def _attempt_candidates(self, trip: Trip) -> Result:
        """Try candidate after candidate until an answer may be delivered."""
        answer = self._first_answer(trip)
        for candidate in trip.plan.candidates[1:]:
            if answer.verdict.outcome == "accepted" or answer.ends_here(trip.call):
                break
            trip.note(f"{answer.verdict.reason}: escalated to {candidate.model}")
            trip.listener.restart(answer.verdict.reason)
            try:
                following = self.answering.answer(trip, candidate)
            except BudgetExceededError as refusal:
                cut = answer.verdict.outcome == "truncated" and not trip.call.task
                if not cut and not refusal.by_tier:
                    raise
                trip.note(f"{'this is the cut answer: ' if cut else ''}{refusal}")
                break
            finally:
                self._mark_escalated(trip, answer)
            answer = following
        return self._conclude(trip, answer)

    def _first_answer(self, trip: Trip) -> Answer:
        """Return the first candidate's answer, of a lower tier if that is closed."""
        while True:
            first = trip.plan.candidates[0]
            try:
                return self.answering.answer(trip, first)
            except BudgetExceededError as refusal:
                # Other calls have filled the limit since the plan was made.
                if refusal.by_tier:
                    self._degrade_trip(trip)
                if trip.plan.candidates[0].tier == first.tier:
                    raise

    def _mark_escalated(self, trip: Trip, answer: Answer) -> None:
        """Once another candidate was really tried, the rejected one is `escalated`."""
        tried = len(trip.attempts) > answer.index + 1
        if answer.verdict.outcome == "rejected" and tried:
            self.answering.restate(trip, answer.index, "escalated", "")

    def _conclude(self, trip: Trip, answer: Answer) -> Result:
        """Deliver the last answer, or raise what became of the call."""
        verdict = answer.verdict
        if verdict.outcome == "truncated" and answer.has_text and not trip.call.task:
            if not answer.ends_here(trip.call):  # else it is booked as delivered
                self.answering.restate(
                    trip, answer.index, "truncated", "", delivered=True
                )
        elif verdict.outcome != "accepted":
            raise trip.rejection(verdict)
        record = trip.attempts[answer.index].record
        elapsed = self.clock.monotonic() - trip.started
        cached = self.booking.costing.prompt_cache_saved(record)
        return trip.delivered_result(verdict.result, record, elapsed, cached)
