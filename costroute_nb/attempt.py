"""One attempt: hold the money, make the request, book what happened, give back the rest."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from costroute_nb.core.costing import Costing
from costroute_nb.core.messages import Completion
from costroute_nb.core.prices import completion_cost, largest_max_tokens, worst_case
from costroute_nb.core.record import Record
from costroute_nb.core.shaping import cap_to_ask
from costroute_nb.errors import (
    BudgetExceededError,
    ConfigurationError,
    Interrupted,
    ProviderError,
    UnknownPriceError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from costroute_nb.budget import Budget
    from costroute_nb.core.call import Call
    from costroute_nb.core.catalog import Catalog, Model
    from costroute_nb.core.plan import Candidate
    from costroute_nb.core.record import Status
    from costroute_nb.counting import TokenCounter
    from costroute_nb.ports import (
        Clock,
        LedgerStore,
        Listener,
        Prices,
        Provider,
        Watcher,
    )

logger = logging.getLogger(__name__)

_SLOW = 20.0
"""Tokens a second that even a slow answer brings, for how long a hold is kept."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that ended, as it stands in the ledger: its answer or its error."""

    record: Record
    outcome: Completion | ProviderError


class Booking:
    """Take the hold of an attempt, and settle it into a record, in one place."""

    def __init__(
        self,
        *,
        ledger: LedgerStore,
        budget: Budget,
        prices: Prices,
        catalog: Catalog,
        clock: Clock,
        baseline: Model,
        lease: timedelta,
        watcher: Watcher,
        counter: TokenCounter,
    ) -> None:
        self.ledger = ledger
        self.budget = budget
        self.costing = Costing(catalog, prices.price)
        self.clock = clock
        self.baseline = baseline
        self.lease = lease
        self.watcher = watcher
        self.counter = counter

    def now(self) -> datetime:
        """Return the moment that a new record is stamped with."""
        return self.budget.now()

    def attempt(
        self,
        call: Call,
        candidate: Candidate,
        opened: Record,
        *,
        provider: Provider,
        listener: Listener,
    ) -> Attempt:
        """Make one HTTP attempt and book it; it is settled however it ends.

        `opened` is the record to hold under; the one returned has status `ok`, and
        the baseline of a delivered answer, until it is judged. A provider's failure is
        returned as the outcome.

        Raises
        ------
        BudgetExceededError, UnknownPriceError
            Before anything is sent.
        Interrupted
            After the interrupted attempt was settled.
        """
        started = self.clock.monotonic()
        held, completion = opened, None

        def settle(
            partial: Completion | None, status: Status, reason: str, *, billed: bool
        ) -> Record:
            latency = self.clock.monotonic() - started
            record = replace(held, status=status, latency_s=latency)
            record = self._priced(record, partial, billed=billed)
            record = replace(record, reason=_joined(record.reason, reason))
            if status == "ok":
                # With the cost: nobody shall see it spent before it saved anything.
                record = self._saving(record)
            _surely(lambda: self.ledger.settle(record))
            self.counter.learn(record)
            self.watcher.settled(record)
            return record

        def release() -> None:
            _surely(lambda: self.ledger.release(opened.call_id, opened.attempt))

        try:
            held = self._hold(call, candidate, opened, provider, listener)
            completion = provider.complete(
                candidate.spec, candidate.request, listener.text
            )
            return Attempt(settle(completion, "ok", "", billed=True), completion)
        except BudgetExceededError as refusal:
            self._tell(opened, refusal)
            raise
        except ProviderError as error:
            status, billed = _failed(error), error.maybe_billed
            record = settle(error.partial, status, _why(error), billed=billed)
            return Attempt(record, error)
        except Interrupted as stop:
            settle(stop.partial, "interrupted", "stopped by the user", billed=True)
            raise
        except (ConfigurationError, KeyboardInterrupt) as stop:
            # By the port's word nothing was sent, unless the answer was here already:
            # the interrupt of a call that was under way is an Interrupted.
            if completion is None:
                release()
            else:
                settle(completion, *_stopped(stop), billed=True)
            raise
        except BaseException as error:
            reason = f"{type(error).__name__} in mid-call; possibly billed"
            settle(completion, "unknown", reason, billed=True)
            raise

    def _tell(self, opened: Record, refusal: BudgetExceededError) -> None:
        """Tell the watcher of a refusal, unless a lower tier has room."""
        if not refusal.by_tier:
            # A wait may have moved it into another day.
            late = replace(opened, at=max(opened.at, self.now()))
            self.watcher.refused(late, refusal.limit)

    def restate(
        self, attempt: Attempt, status: Status, reason: str, *, delivered: bool = False
    ) -> Attempt:
        """Book what became of an answer; one that is not delivered saves nothing."""
        reason = _joined(attempt.record.reason, reason)
        record = replace(attempt.record, status=status, reason=reason, baseline=0)
        if delivered:
            record = self._saving(record)
        _surely(lambda: self.ledger.settle(record))
        return replace(attempt, record=record)

    def _saving(self, record: Record) -> Record:
        """Return the record of a delivered answer: it has what savings are against."""
        return replace(record, baseline=self.costing.baseline(record, self.baseline))

    def _hold(
        self,
        call: Call,
        candidate: Candidate,
        opened: Record,
        provider: Provider,
        listener: Listener,
    ) -> Record:
        """Reserve the worst case; if only the byte bound is too much, count exactly."""
        quote, cap = candidate.quote, candidate.request.max_tokens
        lease = self.lease + timedelta(seconds=cap / _SLOW)
        price = quote.price
        if price is None:
            if self.budget.limits.bounded or call.max_cost is not None:
                message = (
                    f"no price is known for {candidate.model}, so no limit could hold: "
                    "add it to prices.toml, or remove every limit"
                )
                raise UnknownPriceError(message, model=candidate.model)
            return self.budget.reserve(replace(opened, charged=None), lease=lease)

        def worst(tokens: int) -> int:
            return worst_case(tokens, cap, price, writes_cache=quote.writes_cache)

        bound = quote.prompt_bound
        held = replace(opened, charged=worst(bound), price_as_of=price.as_of)
        refusal = self.budget.try_reserve(held, max_cost=call.max_cost, lease=lease)
        if refusal is None:
            return held
        room = refusal.check.limit - refusal.balance.spent
        if worst(quote.prompt_tokens) <= room and not refusal.by_tier:
            bound = self._counted(candidate, provider)
            held = replace(held, charged=worst(bound))

        def largest(room: int) -> int | None:
            fits = largest_max_tokens(
                room, bound, price, writes_cache=quote.writes_cache
            )
            return None if fits is None else cap_to_ask(call, candidate.spec, fits)

        return self.budget.reserve(
            held,
            max_cost=call.max_cost,
            lease=lease,
            on_wait=listener.notice,
            largest=largest,
        )

    def _counted(self, candidate: Candidate, provider: Provider) -> int:
        """Return the provider's count of the prompt, if it is one to believe."""
        quote = candidate.quote
        try:
            counted = provider.count_tokens(candidate.spec, candidate.request)
        except ProviderError as error:
            logger.info("tokens could not be counted: %s", error)
            return quote.prompt_bound
        # The estimate is never off by half; a proxy that cannot count may answer 0.
        believed = counted >= quote.prompt_tokens // 2
        return min(quote.prompt_bound, counted) if believed else quote.prompt_bound

    def _priced(
        self, record: Record, completion: Completion | None, *, billed: bool
    ) -> Record:
        """Return the record with usage, cost and charge as far as they are known."""
        if completion is None:
            if billed:
                return replace(record, cost=None)
            return replace(record, cost=0, charged=0)
        at = record.at
        cost = completion_cost(
            completion, lambda model: self.costing.price(model, record.provider, at)
        )
        charged = cost
        if completion.usage_bound is not None:
            bounded = replace(completion, usage=completion.usage_bound, parts=())
            bound = completion_cost(
                bounded, lambda model: self.costing.price(model, record.provider, at)
            )
            charged = bound if cost is None or bound is None else max(cost, bound)
        return replace(
            record,
            model=completion.model or record.model,
            usage=completion.usage,
            cost=cost,
            charged=record.charged if charged is None else charged,
            estimated=completion.estimated,
            reason=_joined(record.reason, completion.note),
        )


def _surely(work: Callable[[], object]) -> None:
    """Do what must be done even if an interrupt comes in between; then pass it on."""
    try:
        work()
    except KeyboardInterrupt:
        work()
        raise


def _failed(error: ProviderError) -> Status:
    """Return `unknown` only where nobody knows what was billed."""
    return "unknown" if error.partial is None and error.maybe_billed else "failed"


def _stopped(error: BaseException) -> tuple[Status, str]:
    """Return what to book of an answer that was here when an error came in between."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", "stopped by the user"
    return "failed", "could not be booked at first"


def _why(error: ProviderError) -> str:
    label = f"{error.status} {error.kind}".strip() if error.status else error.kind
    possibly = "; possibly billed" if error.maybe_billed and not error.partial else ""
    return f"{label or type(error).__name__}{possibly}"


def _joined(*reasons: str) -> str:
    return "; ".join(reason for reason in reasons if reason)
