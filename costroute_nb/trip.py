"""What one call has been through, and the records and results that come of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from costroute_nb.core.answers import CachedAnswer
from costroute_nb.core.messages import Usage
from costroute_nb.core.money import format_usd, pico_to_usd
from costroute_nb.core.offsets import p_fails
from costroute_nb.core.record import Record
from costroute_nb.core.result import Result
from costroute_nb.core.validation import COMPLETE
from costroute_nb.errors import InvalidAnswerError, RefusedError

if TYPE_CHECKING:
    from datetime import datetime

    from costroute_nb.attempt import Attempt
    from costroute_nb.core.call import Call
    from costroute_nb.core.messages import Completion
    from costroute_nb.core.plan import Candidate, Plan, Trim
    from costroute_nb.core.validation import Verdict
    from costroute_nb.errors import CostRouteError
    from costroute_nb.ports import Listener, Provider


@dataclass(slots=True)
class Trip:
    """One call on its way; `started` is on the clock's monotonic scale."""

    call: Call
    plan: Plan
    provider: Provider
    listener: Listener
    call_id: str
    session_id: str
    baseline_model: str
    started: float
    attempts: list[Attempt] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    rejected: list[CachedAnswer] = field(default_factory=list)
    unrepaired: str = ""
    retries: int = 0
    waited: float = 0.0

    @property
    def cost(self) -> int | None:
        """pico-USD of all attempts, or None if any is unknown."""
        known = [a.record.cost for a in self.attempts if a.record.cost is not None]
        return sum(known) if len(known) == len(self.attempts) else None

    def note(self, message: str) -> None:
        """Keep a line for the result and show it now."""
        self.notes.append(message)
        self.listener.notice(message)

    def opened(self, candidate: Candidate, at: datetime) -> Record:
        """Return the record of the attempt that is about to be made."""
        trim = candidate.trim
        return Record(
            call_id=self.call_id,
            attempt=len(self.attempts) + 1,
            at=at,
            session_id=self.session_id,
            provider=candidate.provider,
            model=candidate.model,
            tier=candidate.tier,
            task=self.call.task or self.plan.classification.task,
            status="pending",
            simulated=self.provider.simulated,
            reason=self.plan.reason,
            notebook=self.call.notebook,
            cell=self.call.cell,
            workflow=self.call.workflow,
            step=self.call.step,
            effort=candidate.request.effort,
            structured=candidate.request.schema is not None,
            thread=self.call.thread.name if self.call.thread else None,
            trimmed_tokens=trim.tokens if trim else 0,
            trimmed=trim.saved if trim else 0,
            estimate=candidate.quote.estimate,
        )

    def mark_judged(self, index: int, verdict: Verdict, *, mended: bool) -> bool:
        """Note on an attempt's record whether its answer passed what could reject it.

        Return False where nothing could, or there was no complete answer to reject.
        A mended answer has a verdict of its own, but it is not the one to the prompt
        that the classifier had spoken of. A check that broke has none to give.
        """
        if self.call.schema is None and self.call.check is None:
            return False
        if verdict.check_raised or verdict.result.stop_reason not in COMPLETE:
            return False
        attempt = self.attempts[index]
        small_failed = any(
            earlier.record.tier == "small" and earlier.record.accepted is False
            for earlier in self.attempts[:index]
        )
        estimate = None if mended else self.plan.classification.estimate
        said = p_fails(estimate, attempt.record.tier, small_failed=small_failed)
        record = replace(
            attempt.record,
            accepted=verdict.outcome == "accepted",
            p_fails=said,
            estimator=None if estimate is None or said is None else estimate.source,
        )
        self.attempts[index] = replace(attempt, record=record)
        return True

    def hit(self, candidate: Candidate, at: datetime, result: Result) -> Record:
        """Return the record of a delivered cached answer: free, and what it saved."""
        opened = self.opened(candidate, at)
        return replace(
            opened,
            status="cached",
            model=result.model,
            trimmed_tokens=0,
            trimmed=0,
            estimate=None,
            reason=f"{opened.reason}; {result.notes[0]}",
            cost=0,
            charged=0,
            cache_hit=True,
            latency_s=result.latency_s,
        )

    def fresh_result(self, candidate: Candidate, completion: Completion) -> Result:
        """Return the last attempt's answer as its check sees it."""
        record = self.attempts[-1].record
        return replace(
            self._result(candidate, completion.text, record.model),
            usage=completion.usage,
            cost_usd=pico_to_usd(self.cost),
            attempts=len(self.attempts),
            stop_reason=completion.stop_reason,
            latency_s=record.latency_s,
            estimated=completion.estimated,
            trimmed_tokens=record.trimmed_tokens,
            trimmed_usd=pico_to_usd(record.trimmed),
        )

    def cached_result(
        self, candidate: Candidate, answer: CachedAnswer, *, now: float, elapsed: float
    ) -> Result:
        """Return a cached answer as its check sees it; `now` is in epoch seconds.

        The candidate's trim is what the answer was made without.
        """
        age = max(0.0, now - answer.stored_at)
        notes = [f"answer of call {answer.call_id}, {age:.0f} s old"]
        if candidate.trim is not None:
            notes.append(str(candidate.trim))
        return replace(
            self._result(candidate, answer.text, answer.model),
            saved_usd=pico_to_usd(answer.baseline),
            baseline_model=answer.baseline_model,
            cache_hit=True,
            stop_reason=answer.stop_reason,
            latency_s=elapsed,
            age_s=age,
            notes=tuple(notes),
        )

    def delivered_result(
        self,
        result: Result,
        record: Record,
        elapsed: float,
        prompt_cache_saved: int | None,
    ) -> Result:
        """Return an accepted answer with the sums over all attempts.

        `prompt_cache_saved` is in pico-USD.
        """
        cost = self.cost
        known = cost is not None and record.baseline is not None
        saved = (record.baseline or 0) - (cost or 0) if known else None
        return replace(
            result,
            cost_usd=pico_to_usd(cost),
            saved_usd=pico_to_usd(saved),
            attempts=len(self.attempts),
            latency_s=elapsed,
            estimated=any(a.record.estimated for a in self.attempts),
            prompt_cache_usd=pico_to_usd(prompt_cache_saved),
            notes=tuple(self.notes),
        )

    def answer_to_keep(
        self, candidate: Candidate, result: Result, record: Record
    ) -> CachedAnswer:
        """Return what the cache keeps of an accepted answer."""
        return CachedAnswer(
            text=result.text,
            model=result.model,
            stop_reason=result.stop_reason or "",
            call_id=self.call_id,
            baseline=record.baseline,
            baseline_model=self.baseline_model,
            left_out=_left_out(candidate.trim),
        )

    def rejection(self, verdict: Verdict) -> CostRouteError:
        """Return the error that says what became of the answer, and what it cost."""
        result, count = verdict.result, len(self.attempts)
        tries = f"{count} attempt{'s' if count > 1 else ''}, {format_usd(self.cost)}"
        cost = pico_to_usd(self.cost)
        if verdict.outcome == "refused":
            message = (
                f"{result.model} refused to answer ({tries}): rephrase the prompt, "
                "or name another model with --model"
            )
            return RefusedError(
                message, text=result.text, cost_usd=cost, call_id=self.call_id
            )
        cut = verdict.outcome == "truncated"
        if cut:
            cure = "raise --max-tokens"
        elif self.call.task is not None:
            cure = "ask for less of it, or begin with a higher --tier"
        else:
            cure = "change the prompt or the check"
        if not self.call.escalate:
            cure += ", or drop --no-escalate so that the next tier may try"
        if self.unrepaired:
            cure += f"; {self.unrepaired}"
        message = f"no answer passed: {verdict.reason} ({tries}): {cure}"
        return InvalidAnswerError(
            message,
            text=result.text,
            reason=verdict.reason,
            cost_usd=cost,
            call_id=self.call_id,
        )

    def _result(self, candidate: Candidate, text: str, model: str) -> Result:
        return Result(
            text=text,
            model=model,
            tier=candidate.tier,
            provider=candidate.provider,
            reason=self.plan.reason,
            usage=Usage(),
            cost_usd=0.0,
            saved_usd=None,
            baseline_model=self.baseline_model,
            call_id=self.call_id,
            attempts=0,
            rule=self.plan.classification.rule,
            simulated=self.provider.simulated,
            effort=candidate.request.effort,
            thinking=candidate.request.thinking,
            dropped=candidate.trim.dropped if candidate.trim else (),
        )


def _left_out(trim: Trim | None) -> tuple[int, ...]:
    """Return the positions of the messages left out, the very same objects."""
    if trim is None:
        return ()
    out = {id(message) for message in trim.dropped}
    return tuple(at for at, message in enumerate(trim.whole) if id(message) in out)
