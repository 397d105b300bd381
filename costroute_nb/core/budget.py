"""The limits, the periods they hold for, and what a refusal says."""

from bisect import bisect_left
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from costroute_nb.core.catalog import TIERS, Tier, tier_rank
from costroute_nb.core.money import usd_to_pico

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

LimitName = Literal["call", "session", "day", "month"]
OnLimit = Literal["stop", "degrade"]

LIMIT_NAMES: tuple[LimitName, ...] = ("call", "session", "day", "month")
"""From the narrowest scope to the widest."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be spent, in USD; None means no limit.

    `call` caps all attempts of one call together and `session` one session; `day`
    and `month` hold for everything that shares the ledger. `alert_at` is the
    fraction of a limit at which a warning is due.

    Raises
    ------
    ValueError
        For a negative or non-finite amount, a fraction outside 0 to 1, or another
        `on_limit` than `stop` and `degrade`.
    """

    call: float | None = 1.0
    session: float | None = 10.0
    day: float | None = None
    month: float | None = None
    alert_at: float = 0.8
    on_limit: OnLimit = "stop"

    def __post_init__(self) -> None:
        for name in LIMIT_NAMES:
            if (self.pico(name) or 0) < 0:
                message = f"the {name} limit cannot be negative: {getattr(self, name)}"
                raise ValueError(message)
        if not 0 < self.alert_at <= 1:
            message = f"alert_at is a fraction above 0 up to 1, not {self.alert_at}"
            raise ValueError(message)
        if self.on_limit not in ("stop", "degrade"):
            message = f"on_limit is 'stop' or 'degrade', not {self.on_limit!r}"
            raise ValueError(message)

    @property
    def bounded(self) -> bool:
        """Whether any limit holds."""
        return any(getattr(self, name) is not None for name in LIMIT_NAMES)

    def pico(self, name: LimitName) -> int | None:
        """Return a limit's amount in pico-USD, or None if it does not hold."""
        usd = getattr(self, name)
        return None if usd is None else usd_to_pico(usd)


@dataclass(frozen=True, slots=True)
class Check:
    """One limit that a hold must fit in: the scope to sum and the amount, in pico-USD.

    Exactly one of `call_id`, `session_id` and (`since`, `until`) names the scope;
    the period is half-open, in UTC. Once `closed_at` is spent or held, nothing more of
    the hold's tier is served, also where it would fit.
    """

    name: LimitName
    limit: int
    call_id: str | None = None
    session_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    closed_at: int | None = None

    def takes(self, balance: "Balance", needed: int) -> bool:
        """Tell whether a hold of so many pico-USD fits beside what is used already."""
        used = balance.spent + balance.held
        closed = self.closed_at is not None and used >= self.closed_at
        return not closed and used + needed <= self.limit


@dataclass(frozen=True, slots=True)
class Balance:
    """What a scope has spent and what is held for calls in flight, in pico-USD."""

    spent: int = 0
    held: int = 0


@dataclass(frozen=True, slots=True)
class Fullest:
    """The limit of which the largest share is used; amounts in pico-USD."""

    name: LimitName
    limit: int
    spent: int
    held: int

    @property
    def share(self) -> Fraction:
        """Spent and held over the limit, exactly; a limit of zero is full."""
        used = self.spent + self.held
        return Fraction(used, self.limit) if self.limit else Fraction(1)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The first limit that a hold did not fit in; amounts in pico-USD."""

    check: Check
    balance: Balance
    needed: int

    @property
    def room(self) -> int:
        """What the limit has left now."""
        return max(0, self.check.limit - self.balance.spent - self.balance.held)

    @property
    def rank(self) -> tuple[bool, bool, int]:
        """The order in which refusals matter: what waiting cannot clear, least room."""
        left = self.check.limit - self.balance.spent - self.balance.held
        return self.may_clear, self.by_tier, left

    @property
    def by_tier(self) -> bool:
        """Whether there is room, but no more for the hold's tier."""
        used = self.balance.spent + self.balance.held
        return used + self.needed <= self.check.limit

    @property
    def may_clear(self) -> bool:
        """Whether the hold would fit if the calls in flight cost nothing.

        A tier that is closed is not waited for: a lower one serves the call now.
        """
        alone = Balance(self.balance.spent, 0)
        fits = self.check.takes(alone, self.needed)
        return self.balance.held > 0 and fits and not self.by_tier


def day_period(at: datetime, zone: "ZoneInfo") -> tuple[datetime, datetime]:
    """Return the calendar day of a moment in a zone, as a half-open UTC interval."""
    day = _day(at, zone)
    return _start(day, zone), _start(day + _DAY, zone)


def month_period(at: datetime, zone: "ZoneInfo") -> tuple[datetime, datetime]:
    """Return the calendar month of a moment in a zone, as a half-open UTC interval."""
    first = _day(at, zone).replace(day=1)
    after = (first + 31 * _DAY).replace(day=1)
    return _start(first, zone), _start(after, zone)


def _day(at: datetime, zone: "ZoneInfo") -> date:
    """Return the civil day of a moment.

    Where clocks go back from just after midnight to the day before, the new day has
    begun already and goes on.
    """
    day = at.astimezone(zone).date()
    return day + _DAY if _start(day + _DAY, zone) <= at else day


@lru_cache(maxsize=64)
def _start(day: date, zone: "ZoneInfo") -> datetime:
    """Return the first moment of a civil day, in UTC.

    That is midnight, the first one if clocks show it twice; where they skip it, the
    jump. A day that a zone skips as a whole is empty: it starts with the next one.
    """
    midnights = (datetime.combine(day, time(fold=fold), zone) for fold in (0, 1))
    early, late = sorted(midnight.astimezone(UTC) for midnight in midnights)

    def day_after(seconds: int) -> date:
        return (early + timedelta(seconds=seconds)).astimezone(zone).date()

    if day_after(0) >= day:
        return early
    # Reading a skipped midnight by the offset after and before the jump gives
    # moments before and after it.
    between = range(int((late - early).total_seconds()) + 1)
    return early + timedelta(seconds=bisect_left(between, day, key=day_after))


def scope(
    name: LimitName,
    limit: int,
    *,
    call_id: str,
    session_id: str,
    at: datetime,
    zone: "ZoneInfo",
) -> Check:
    """Return one limit of an amount in pico-USD, with what it sums at a moment."""
    if name == "call":
        return Check(name, limit, call_id=call_id)
    if name == "session":
        return Check(name, limit, session_id=session_id)
    period = day_period if name == "day" else month_period
    since, until = period(at, zone)
    return Check(name, limit, since=since, until=until)


def checks(
    limits: Limits,
    *,
    call_id: str,
    session_id: str,
    at: datetime,
    zone: "ZoneInfo",
    max_cost: int | None = None,
    tier: str = TIERS[0],
) -> tuple[Check, ...]:
    """Return every limit a hold taken at a moment must fit in, together.

    `max_cost` (pico-USD) tightens the call limit for this one call; `tier` is that of
    the hold, for which a limit that degrades may be closed earlier.
    """
    amounts = {name: limits.pico(name) for name in LIMIT_NAMES}
    if max_cost is not None:
        call = amounts["call"]
        amounts["call"] = max_cost if call is None else min(call, max_cost)
    found = (
        scope(name, limit, call_id=call_id, session_id=session_id, at=at, zone=zone)
        for name, limit in amounts.items()
        if limit is not None
    )
    share = closing_share(tier)
    if limits.on_limit != "degrade" or share is None:
        return tuple(found)
    return tuple(
        replace(check, closed_at=part(check.limit, share))
        if check.name != "call" and check.limit
        else check
        for check in found
    )


# From these shares of the fullest limit on, `on_limit="degrade"` allows no more than
# this tier; highest share first.
_DEGRADED: tuple[tuple[Fraction, Tier], ...] = (
    (Fraction(95, 100), "small"),
    (Fraction(80, 100), "medium"),
)


def ceiling_at(share: float | Fraction) -> Tier | None:
    """Return the highest tier that a used share of a limit leaves, degrading."""
    for least, tier in _DEGRADED:
        # A rounded share is compared with the rounded step, else 95% were below 95%.
        if share >= (least if isinstance(share, Fraction) else float(least)):
            return tier
    return None


def closing_share(tier: str) -> Fraction | None:
    """Return the used share of a limit from which on a tier is not served, degrading."""
    rank = TIERS.index(tier) if tier in TIERS else 0
    closing = [least for least, left in _DEGRADED if rank > tier_rank(left)]
    return min(closing, default=None)


def part(limit: int, share: Fraction) -> int:
    """Return the least amount that is at least this share of a limit, in pico-USD."""
    return -int(-limit * share // 1)


def percent(share: float | Fraction) -> str:
    """Return a share in whole per cent, rounded down: 95% is said from 95% on."""
    return f"{int(share * 100)}%"
