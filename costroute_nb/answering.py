"""Ask one candidate: retries, one longer try, one repair; every answer is judged."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from costroute_nb.core.shaping import doubled
from costroute_nb.core.validation import judge, repair_messages
from costroute_nb.errors import BudgetExceededError, ProviderError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costroute_nb.attempt import Booking
    from costroute_nb.core.call import Call
    from costroute_nb.core.messages import Completion
    from costroute_nb.core.plan import Candidate
    from costroute_nb.core.record import Status
    from costroute_nb.core.retry import RetryPolicy
    from costroute_nb.core.validation import Outcome, Verdict
    from costroute_nb.lookup import Lookup
    from costroute_nb.planner import Planner
    from costroute_nb.ports import Clock
    from costroute_nb.trip import Trip

logger = logging.getLogger(__name__)

_STATUS: Mapping[Outcome, Status] = {
    "truncated": "truncated",
    "refused": "refused",
    "rejected": "failed",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """The verdict on an answer, and which of the trip's attempts brought it."""

    index: int
    verdict: Verdict

    @property
    def has_text(self) -> bool:
        """Whether it says anything."""
        return bool(self.verdict.result.text.strip())

    def ends_here(self, call: Call) -> bool:
        """Whether a cut answer is delivered as it is: its cap was the user's own.

        Delegated work is whole or nothing.
        """
        cut = self.verdict.outcome == "truncated"
        return cut and call.cap_is_final and call.task is None


@dataclass(frozen=True, slots=True)
class Answering:
    """Gets answers from candidates; everything it needs is given to it."""

    planner: Planner
    lookup: Lookup
    booking: Booking
    retry: RetryPolicy
    clock: Clock

    def answer(self, trip: Trip, candidate: Candidate) -> Answer:
        """Return a candidate's judged answer; a cut one gets one longer try."""
        candidate = self.planner.counted(trip.call, trip.plan, candidate, trip.provider)
        if candidate.trim is not None:
            trip.note(str(candidate.trim))
        answer = self._judged(trip, candidate)
        again = doubled(trip.call, candidate.spec, candidate.request)
        cut = answer.verdict.result.stop_reason == "max_tokens"
        if not cut or again is None:
            return self._repaired(trip, candidate, answer)
        trip.note(f"the answer was cut: trying again with {again.max_tokens:,} tokens")
        trip.listener.restart("the answer was cut")
        longer = replace(candidate, request=again)
        try:
            answer = self._judged(trip, longer)
        except BudgetExceededError as refusal:
            trip.note(f"no longer try: {refusal}")
            return answer
        return self._repaired(trip, longer, answer)

    def _repaired(self, trip: Trip, candidate: Candidate, answer: Answer) -> Answer:
        """Return the answer, mended once by its own model if it can be."""
        verdict = answer.verdict
        if not verdict.repairable or not trip.call.escalate:
            return answer
        messages = repair_messages(
            candidate.request.messages, verdict.result.text, verdict.told
        )
        trip.note(f"{verdict.reason}: {candidate.model} is asked to repair it")
        trip.listener.restart(verdict.reason)
        again = self.planner.redrafted(
            trip.call, trip.plan, candidate, trip.provider, messages
        )
        try:
            return self._judged(trip, again, keep_as=candidate)
        except BudgetExceededError as refusal:
            trip.unrepaired = f"no repair: {refusal}"
            trip.note(trip.unrepaired)
            return answer

    def _judged(
        self, trip: Trip, candidate: Candidate, keep_as: Candidate | None = None
    ) -> Answer:
        """Get an answer and judge it; the verdict is booked, a good answer kept.

        A repaired answer is kept as that to the request it was first asked by.
        """
        completion = self._answered(trip, candidate)
        index = len(trip.attempts) - 1
        try:
            verdict = judge(trip.call, trip.fresh_result(candidate, completion))
            judged = trip.mark_judged(index, verdict, mended=keep_as is not None)
            if verdict.outcome != "accepted":
                answer = Answer(index, verdict)
                status = _STATUS[verdict.outcome]
                last = answer.ends_here(trip.call) and answer.has_text
                self.restate(trip, index, status, verdict.fact, delivered=last)
                return answer
            asked = keep_as or candidate
            record = trip.attempts[index].record
            kept = trip.answer_to_keep(asked, verdict.result, record)
            self.lookup.keep(trip.call, trip.plan, asked, trip.provider, kept)
            if judged:
                self._note_accepted(trip, index)
        except BaseException:
            self.restate(trip, index, "interrupted", "stopped after the answer")
            raise
        return Answer(index, verdict)

    def _note_accepted(self, trip: Trip, index: int) -> None:
        """Book that an answer passed, if that can be: it is delivered anyway."""
        try:
            self.restate(trip, index, "ok", "", delivered=True)
        except Exception as error:
            # What it cost is booked already, and what was paid for shall not be lost.
            logger.warning("that an answer was accepted is not booked: %s", error)

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

    def restate(
        self, trip: Trip, index: int, status: Status, why: str, delivered: bool = False
    ) -> None:
        """Book what became of an attempt's answer, once that is known."""
        attempt = trip.attempts[index]
        trip.attempts[index] = self.booking.restate(
            attempt, status, why, delivered=delivered
        )
