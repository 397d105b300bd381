"""Hold money for a call before it is sent: wait for room, or say what is missing."""

from __future__ import annotations

import dataclasses
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from costroute_nb.core.budget import LIMIT_NAMES, Fullest, Refusal, checks, scope
from costroute_nb.core.money import format_usd, pico_to_usd
from costroute_nb.core.refusal import refused, waiting
from costroute_nb.errors import BudgetExceededError
from costroute_nb.steering import Steering

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from costroute_nb.core.budget import Balance, Check, LimitName, Limits
    from costroute_nb.core.record import Record
    from costroute_nb.ports import Clock, LedgerStore

LEASE = timedelta(minutes=15)
"""After this a hold counts as a crashed call, unless the caller knows better."""

STOPPED = (
    "all calls of this session are stopped: resume them with `%route budget "
    "--resume`, in the dashboard, or with the session's `.budget.resume()`; cached "
    "answers are still served"
)

logger = logging.getLogger("costroute_nb")

_MOST_AHEAD = timedelta(days=2)
_FIRST_PAUSE, _LONGEST_PAUSE, _SLOWER = 0.05, 0.25, 1.5


@dataclass(frozen=True, slots=True)
class Standing:
    """How a limit stands now, in pico-USD; `limit` is None where there is none."""

    spent: int
    held: int
    limit: int | None

    @property
    def remaining(self) -> int | None:
        """What can still be reserved, or None without a limit."""
        if self.limit is None:
            return None
        return max(0, self.limit - self.spent - self.held)


class Budget(Steering):
    """The limits of one session and of the ledger that it shares.

    Parameters
    ----------
    store
        Where holds and spend are kept.
    clock
        Time, and the waiting for room.
    limits
        What may be spent.
    zone
        Where days and months begin at midnight.
    session_id
        Whose session limit this is.
    simulated
        Which pot `remaining`, `status` and `spent` look at; a hold names its own.
    wait
        Seconds to wait for other calls to settle before refusing.
    """

    def __init__(
        self,
        store: LedgerStore,
        clock: Clock,
        limits: Limits,
        zone: ZoneInfo,
        session_id: str,
        simulated: bool,
        wait: float = 30.0,
    ) -> None:
        super().__init__(limits)
        self._store = store
        self._clock = clock
        self._zone = zone
        self._session_id = session_id
        self._simulated = simulated
        self._wait = wait

    def now(self) -> datetime:
        """Return the moment to reserve at: never before what the ledger has seen.

        A clock set back thus reopens no day or month that is over.
        """
        now, latest = self._clock.now(), self._store.latest()
        if latest is None or latest <= now:
            return now
        if latest - now > _MOST_AHEAD:
            # Some clock was plainly wrong; its day must not last until it comes.
            logger.warning("the ledger has records of the future, from %s", latest)
            return now
        return latest

    def try_reserve(
        self, hold: Record, max_cost: int | None = None, lease: timedelta = LEASE
    ) -> Refusal | None:
        """Reserve `hold.charged` (pico-USD) at `hold.at`, or return what refuses it.

        Parameters
        ----------
        hold
            A pending record.
        max_cost
            Tightens the call limit for this call, in pico-USD.
        lease
            After this the hold counts as a crashed call.

        Raises
        ------
        BudgetExceededError
            While all calls are stopped.
        """
        if self.stopped:
            raise BudgetExceededError(STOPPED, limit="stop")
        return self._store.reserve(hold, self._checks(hold, max_cost), hold.at + lease)

    def reserve(
        self,
        hold: Record,
        *,
        max_cost: int | None = None,
        lease: timedelta = LEASE,
        on_wait: Callable[[str], None] | None = None,
        largest: Callable[[int], int | None] | None = None,
    ) -> Record:
        """Reserve as `try_reserve` does, waiting while calls in flight may free room.

        Parameters
        ----------
        on_wait
            Told once, in one line, that the call waits.
        largest
            Returns the largest `max_tokens` whose worst case costs at most so many
            pico-USD, or None if none does; the error names it.

        Returns
        -------
        Record
            The hold as it was reserved: `at` is later than given after a wait.

        Raises
        ------
        BudgetExceededError
            If a limit has no room and waiting does not help, or helped too late, or
            while all calls are stopped.
        """
        started = self._clock.monotonic()
        pause = _FIRST_PAUSE
        while refusal := self.try_reserve(hold, max_cost, lease):
            waited = self._clock.monotonic() - started
            if not refusal.may_clear or waited >= self._wait:
                room = self._room(hold, refusal, max_cost)
                max_tokens = largest(room) if largest is not None else None
                raise _exceeded(refusal, max_cost, waited, max_tokens or None)
            if on_wait is not None:
                on_wait(waiting(refusal))
                on_wait = None
            self._clock.sleep(min(pause, self._wait - waited))
            pause = min(pause * _SLOWER, _LONGEST_PAUSE)
            hold = dataclasses.replace(hold, at=max(hold.at, self.now()))
        return hold

    def status(self) -> dict[LimitName, Standing]:
        """Return spent, held and limit per scope; no call is in flight in `call`."""
        limits, at = self.limits, self.now()
        standings: dict[LimitName, Standing] = {}
        for name in LIMIT_NAMES:
            balance = self._balance(self._scope(name, at))
            standings[name] = Standing(balance.spent, balance.held, limits.pico(name))
        return standings

    def fullest(self, *, simulated: bool) -> Fullest | None:
        """Return the limit of which the largest share is spent or held.

        None if neither session nor day nor month is limited.
        """
        limits, at = self.limits, self.now()
        found: list[Fullest] = []
        for name in LIMIT_NAMES:
            limit = limits.pico(name)
            if name == "call" or limit is None:
                continue
            check = self._scope(name, at)
            balance = self._store.balance(check, simulated=simulated)
            found.append(Fullest(name, limit, balance.spent, balance.held))
        return max(found, key=lambda limit: limit.share, default=None)

    def would_refuse(
        self, needed: int, *, tier: str, simulated: bool, max_cost: int | None = None
    ) -> Refusal | None:
        """Return what would refuse a new call's hold now; nothing is reserved.

        Parameters
        ----------
        needed
            The call's worst case, in pico-USD.
        tier
            That of its model, which a limit that degrades may have closed.
        simulated
            Whose pot it is.
        max_cost
            Tightens the call limit, in pico-USD.
        """
        found: list[Refusal] = []
        for check in checks(
            self.limits, call_id="", session_id=self._session_id, at=self.now(),
            zone=self._zone, max_cost=max_cost, tier=tier,
        ):  # fmt: skip
            balance = self._store.balance(check, simulated=simulated)
            if not check.takes(balance, needed):
                found.append(Refusal(check, balance, needed))
        return min(found, key=lambda refusal: refusal.rank, default=None)

    def remaining(self) -> dict[str, float | None]:
        """Return what each limit has left in USD, None where there is no limit."""
        return {
            name: pico_to_usd(standing.remaining)
            for name, standing in self.status().items()
        }

    def spent(self, name: LimitName) -> int:
        """Return what one scope has spent, in pico-USD, holds not included."""
        return self._balance(self._scope(name, self.now())).spent

    def __repr__(self) -> str:
        limits = self.limits
        call = "no limit" if limits.call is None else format_usd(limits.pico("call"))
        stands = [f"call {call}"]
        for name in LIMIT_NAMES[1:]:
            limit = limits.pico(name)
            if limit is not None:
                of = f"{format_usd(self.spent(name))} of {format_usd(limit)}"
                stands.append(f"{name} {of} spent")
        stopped = "stopped, " if self.stopped else ""
        pot = ", simulated" if self._simulated else ""
        return (
            f"<Budget {stopped}{', '.join(stands)}, on_limit={limits.on_limit!r}{pot}>"
        )

    def _scope(self, name: LimitName, at: datetime) -> Check:
        # No call has the empty id: outside a call nothing of its limit is used.
        return scope(
            name, 0, call_id="", session_id=self._session_id, at=at, zone=self._zone
        )

    def _balance(self, check: Check) -> Balance:
        return self._store.balance(check, simulated=self._simulated)

    def _checks(self, hold: Record, max_cost: int | None) -> tuple[Check, ...]:
        return checks(
            self.limits,
            call_id=hold.call_id,
            session_id=hold.session_id,
            at=hold.at,
            zone=self._zone,
            max_cost=max_cost,
            tier=hold.tier,
        )

    def _room(self, hold: Record, refusal: Refusal, max_cost: int | None) -> int:
        """Return what all the limits together have left, in pico-USD."""
        room = refusal.room
        for check in self._checks(hold, max_cost):
            balance = self._store.balance(check, simulated=hold.simulated)
            room = min(room, Refusal(check, balance, refusal.needed).room)
        return room


def _exceeded(
    refusal: Refusal, max_cost: int | None, waited: float, max_tokens: int | None
) -> BudgetExceededError:
    check, balance = refusal.check, refusal.balance
    by_max_cost = check.name == "call" and check.limit == max_cost
    return BudgetExceededError(
        refused(refusal, by_max_cost=by_max_cost, waited=waited, max_tokens=max_tokens),
        limit=check.name,
        by_tier=refusal.by_tier,
        limit_usd=pico_to_usd(check.limit),
        spent_usd=pico_to_usd(balance.spent),
        held_usd=pico_to_usd(balance.held),
        needed_usd=pico_to_usd(refusal.needed),
        max_tokens=max_tokens,
    )
