"""One attempt: hold the money, make the request, book what happened, give back the rest."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from costroute_nb.core import prices
from costroute_nb.core.messages import Completion, Usage
from costroute_nb.core.policy import cap_to_ask
from costroute_nb.core.record import Record
from costroute_nb.core.tokens import RATIOS
from costroute_nb.errors import (
    ConfigurationError,
    Interrupted,
    ProviderError,
    UnknownPriceError,
)

if TYPE_CHECKING:
    from datetime import datetime

    from costroute_nb.budget import Budget
    from costroute_nb.core.call import Call
    from costroute_nb.core.catalog import Catalog, Model
    from costroute_nb.core.policy import Candidate
    from costroute_nb.core.record import Status
    from costroute_nb.ports import Clock, LedgerStore, Listener, Prices, Provider

logger = logging.getLogger(__name__)

_DATED = re.compile(r"-\d{8}$")


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
    ) -> None:
        self.ledger = ledger
        self.budget = budget
        self.prices = prices
        self.catalog = catalog
        self.clock = clock
        self.baseline = baseline
        self.lease = lease

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

        `opened` is the record to hold under; the one returned has status `ok`
        until the answer is judged. A provider's failure is returned as `error`.

        Raises
        ------
        BudgetExceededError, UnknownPriceError
            Before anything is sent.
        Interrupted
            After the interrupted attempt was settled.
        """
        try:
            held = self._hold(call, candidate, opened, provider, listener)
        except KeyboardInterrupt:
            self.ledger.release(opened.call_id, opened.attempt)
            raise
        started = self.clock.monotonic()

        def settle(
            completion: Completion | None, status: Status, reason: str, *, billed: bool
        ) -> Record:
            latency = self.clock.monotonic() - started
            record = replace(held, status=status, latency_s=latency)
            record = self._priced(record, completion, billed=billed)
            record = replace(record, reason=_joined(record.reason, reason))
            self.ledger.settle(record)
            return record

        try:
            completion = provider.complete(
                candidate.spec, candidate.request, listener.text
            )
        except ProviderError as error:
            status, billed = _failed(error), error.maybe_billed
            record = settle(error.partial, status, _why(error), billed=billed)
            return Attempt(record, error)
        except Interrupted as stop:
            settle(stop.partial, "interrupted", "stopped by the user", billed=True)
            raise
        except (ConfigurationError, KeyboardInterrupt):
            # By the port's word nothing was sent: the interrupt of a call that was
            # under way is an Interrupted.
            self.ledger.release(held.call_id, held.attempt)
            raise
        except BaseException as error:
            reason = f"{type(error).__name__} in mid-call; possibly billed"
            settle(None, "unknown", reason, billed=True)
            raise
        return Attempt(settle(completion, "ok", "", billed=True), completion)

    def restate(self, attempt: Attempt, status: Status, reason: str) -> Attempt:
        """Book the verdict on an answer that is not delivered."""
        reason = _joined(attempt.record.reason, reason)
        return self._rebook(
            attempt, replace(attempt.record, status=status, reason=reason)
        )

    def deliver(self, attempt: Attempt) -> Attempt:
        """Book an answer as delivered: it carries the baseline that savings need."""
        baseline = self._baseline(attempt.record)
        return self._rebook(attempt, replace(attempt.record, baseline=baseline))

    def _rebook(self, attempt: Attempt, record: Record) -> Attempt:
        self.ledger.settle(record)
        return replace(attempt, record=record)

    def _hold(
        self,
        call: Call,
        candidate: Candidate,
        opened: Record,
        provider: Provider,
        listener: Listener,
    ) -> Record:
        """Reserve the worst case; if only the byte bound is too much, count exactly."""
        quote = candidate.quote
        if quote.price is None:
            if self.budget.limits.bounded or call.max_cost is not None:
                message = (
                    f"no price is known for {candidate.model}, so no limit could hold: "
                    "add it to prices.toml, or remove every limit"
                )
                raise UnknownPriceError(message, model=candidate.model)
            unpriced = replace(opened, charged=None)
            return self.budget.reserve(unpriced, lease=self.lease)
        price = quote.price
        bound, cap = quote.prompt_bound, candidate.request.max_tokens
        worst = prices.worst_case(bound, cap, price)
        held = replace(opened, charged=worst, price_as_of=price.as_of)
        refusal = self.budget.try_reserve(
            held, max_cost=call.max_cost, lease=self.lease
        )
        if refusal is None:
            return held
        likely = quote.likely_worst
        if likely is not None and likely <= refusal.check.limit - refusal.balance.spent:
            bound = self._counted(candidate, provider, bound)
            worst = prices.worst_case(bound, cap, price)
            held = replace(held, charged=worst)

        def largest(room: int) -> int | None:
            fits = prices.largest_max_tokens(room, bound, price)
            return None if fits is None else cap_to_ask(candidate.spec, fits)

        return self.budget.reserve(
            held,
            max_cost=call.max_cost,
            lease=self.lease,
            on_wait=listener.notice,
            largest=largest,
        )

    def _counted(self, candidate: Candidate, provider: Provider, bound: int) -> int:
        try:
            counted = provider.count_tokens(candidate.spec, candidate.request)
            return min(bound, counted)
        except ProviderError as error:
            logger.info("tokens could not be counted: %s", error)
            return bound

    def _priced(
        self, record: Record, completion: Completion | None, *, billed: bool
    ) -> Record:
        """Return the record with usage, cost and charge as far as they are known."""
        if completion is None:
            if billed:
                return replace(record, cost=None)
            return replace(record, cost=0, charged=0)
        at = record.at
        cost = prices.completion_cost(
            completion, lambda model: self._price(model, record.provider, at)
        )
        charged = cost
        if completion.usage_bound is not None:
            bounded = replace(completion, usage=completion.usage_bound, parts=())
            bound = prices.completion_cost(
                bounded, lambda model: self._price(model, record.provider, at)
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

    def _price(self, model: str, provider: str, at: datetime) -> prices.Price | None:
        """Return the price of the id in a response, also of a dated or simulated one."""
        known = self.catalog.get(model) or self.catalog.get(_DATED.sub("", model))
        if known is not None:
            model, provider = known.id, known.provider
        return self.prices.price(model, provider, at)

    def _baseline(self, record: Record) -> int | None:
        """Return what the baseline model would have cost for the same text.

        Tokens are corrected by the ratio of the two tokenizers on prose.
        """
        price = self._price(self.baseline.id, record.provider, record.at)
        if price is None:
            return None
        model = self.catalog.get(record.model)
        factor = 1.0
        if model is not None and model.tokenizer != self.baseline.tokenizer:
            factor = RATIOS[model.tokenizer][0] / RATIOS[self.baseline.tokenizer][0]
        return prices.cost(_scaled(record.usage, factor), price)


def _scaled(usage: Usage, factor: float) -> Usage:
    """Return the same text's usage under another tokenizer, at standard conditions."""
    return Usage(
        input_tokens=round(usage.input_tokens * factor),
        cache_read_tokens=round(usage.cache_read_tokens * factor),
        cache_write_5m_tokens=round(usage.cache_write_5m_tokens * factor),
        cache_write_1h_tokens=round(usage.cache_write_1h_tokens * factor),
        output_tokens=round(usage.output_tokens * factor),
    )


def _failed(error: ProviderError) -> Status:
    """Return `unknown` only where nobody knows what was billed."""
    return "unknown" if error.partial is None and error.maybe_billed else "failed"


def _why(error: ProviderError) -> str:
    label = f"{error.status} {error.kind}".strip() if error.status else error.kind
    possibly = "; possibly billed" if error.maybe_billed and not error.partial else ""
    return f"{label or type(error).__name__}{possibly}"


def _joined(*reasons: str) -> str:
    return "; ".join(reason for reason in reasons if reason)
