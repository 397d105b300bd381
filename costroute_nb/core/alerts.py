"""Which alerts are due: limits nearly spent, dear single calls, unusual spend rates.

An alert's key names everything that makes it one of a kind: the pot, the limit, its
period, the threshold and the limit's amount. Claiming the key in the ledger is what
sends it once; raising a limit changes its keys and so arms it again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Literal

from costroute_nb.core.alert_lines import call_line, in_pot, limit_line, rate_line
from costroute_nb.core.budget import Check, OnLimit
from costroute_nb.core.money import pico_to_decimal
from costroute_nb.core.record import Record

Kind = Literal["limit", "call", "rate"]

WINDOW = timedelta(minutes=10)
"""The span over which a spend rate is taken."""

HISTORY = timedelta(days=7)
"""How far back other such spans say what is usual."""

UNUSUAL = 5
"""How many times the usual rate is unusual."""

LEAST_RATE = 10**12 // 2
"""pico-USD within a window below which no rate is unusual."""

EXHAUSTED = Fraction(9, 10)
"""The spent share from which a refusal means that a limit is exhausted.

A refusal before that says that a call was large: what is left still serves others.
"""

# Claiming four slots of twenty minutes keeps the next alert an hour away at least.
_SLOT, _SLOTS = 20 * 60, 4
_WHOLE = 10**6


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to be told, once; it holds no prompt, no answer and no secret.

    `limit` is the limit's name for the kinds `limit` and `call` (there `call`), and
    empty for `rate`. `threshold` is a share of the limit, for a `call` its amount in
    USD, for a `rate` the multiple of what is usual. `period` names the session or the
    call, or in UTC the beginning of the day, the month, or the last twenty minutes in
    which no other alert on the rate is due.
    """

    key: str
    kind: Kind
    limit: str
    threshold: float
    period: str
    text: str
    at: datetime
    simulated: bool


@dataclass(frozen=True, slots=True)
class Due:
    """An alert to claim, and the keys to claim before it, which are never told.

    With `only_if_free` a key that another has claimed means that there is nothing to
    tell; otherwise such keys are lower thresholds, jumped over or told already.
    """

    alert: Alert
    before: tuple[str, ...] = ()
    only_if_free: bool = False


def limit_due(
    check: Check,
    spent: int,
    *,
    alert_at: float,
    on_limit: OnLimit,
    at: datetime,
    simulated: bool,
    refused: bool = False,
) -> Due | None:
    """Return the highest threshold of a limit that is reached, if one is.

    Parameters
    ----------
    check
        The limit and its period.
    spent
        pico-USD spent in it; holds do not count.
    alert_at
        The share at which to warn; the other threshold is the whole limit.
    on_limit
        What the limit does, for the text.
    refused
        Whether the limit has just refused a call. Near the limit it is exhausted
        then, though what is spent may never reach it to the last cent.
    """
    if not check.limit:
        return None  # a limit of zero is a decision, not news
    exhausted = refused and spent >= EXHAUSTED * check.limit
    # A millionth apart is apart: then their keys are, too.
    thresholds = sorted({max(round(alert_at, 6), 1e-6), 1.0})
    keys = [
        _key("limit", simulated, check.name, _period(check), f"{share:g}", check.limit)
        for share in thresholds
    ]
    reached = [
        share
        for share in thresholds
        if spent * _WHOLE >= round(share * _WHOLE) * check.limit or exhausted
    ]
    if not reached:
        return None
    share, last = reached[-1], len(reached) - 1
    line = limit_line(check, spent, share, on_limit, stopped=exhausted)
    alert = Alert(
        keys[last],
        "limit",
        check.name,
        share,
        _period(check),
        in_pot(line, simulated=simulated),
        at,
        simulated,
    )
    return Due(alert, tuple(keys[:last]))


def call_due(record: Record, spent: int, above: int | None, at: datetime) -> Due | None:
    """Return the alert of a single call that cost more than an amount, if it did.

    Parameters
    ----------
    record
        The call's last attempt.
    spent, above
        pico-USD of all its attempts, and how much a call may cost untold; None tells
        of no call.
    """
    if above is None or spent <= above:
        return None
    usd = pico_to_decimal(above).normalize()
    key = _key("call", record.simulated, "call", record.call_id, f"{usd:f}", above)
    alert = Alert(
        key,
        "call",
        "call",
        float(usd),
        record.call_id,
        in_pot(call_line(record, spent, above), simulated=record.simulated),
        at,
        record.simulated,
    )
    return Due(alert)


def usual_rate(windows: Sequence[int]) -> int | None:
    """Return the median of the windows in which anything was spent, in pico-USD.

    None if there was none: without a past nothing is unusual.
    """
    spent = sorted(amount for amount in windows if amount > 0)
    if not spent:
        return None
    middle = len(spent) // 2
    return (spent[middle] + spent[-1 - middle]) // 2


def unusual(recent: int, usual: int | None) -> bool:
    """Whether so many pico-USD in the last window are out of the ordinary."""
    return usual is not None and recent >= LEAST_RATE and recent > UNUSUAL * usual


def rate_due(recent: int, usual: int, at: datetime, *, simulated: bool) -> Due:
    """Return the alert of an unusual rate, which holds back others for an hour.

    Parameters
    ----------
    recent, usual
        pico-USD spent in the last window, and in a usual one.
    """
    text = in_pot(rate_line(recent, usual), simulated=simulated)
    slots = rate_slots(at, simulated=simulated)
    period = slots[-1].split("/")[3]
    alert = Alert(slots[-1], "rate", "", UNUSUAL, period, text, at, simulated)
    return Due(alert, slots[:-1], only_if_free=True)


def rate_slots(at: datetime, *, simulated: bool) -> tuple[str, ...]:
    """Return the keys that an alert on the rate claims, the present slot's first.

    They cover the hour to come, so that whoever else finds the rate unusual within
    it, in whatever process, meets a key that is taken.
    """
    first = int(at.timestamp()) // _SLOT
    return tuple(
        _key("rate", simulated, "", _moment(_slot(first + i)), f"{UNUSUAL}", 0)
        for i in range(_SLOTS)
    )


def read(at: datetime, key: str, text: str) -> Alert | None:
    """Return the alert that a claim of the ledger stands for; None if never told."""
    parts = key.split("/")
    if not text or len(parts) != len(("kind", "pot", "limit", "period", "at", "usd")):
        return None
    kind, pot, limit, period, threshold, _ = parts
    try:
        share = float(threshold)
    except ValueError:
        return None
    if kind not in ("limit", "call", "rate"):
        return None
    return Alert(key, kind, limit, share, period, text, at, pot == "simulated")  # type: ignore[arg-type] # one of the three


def _key(
    kind: Kind, simulated: bool, limit: str, period: str, threshold: str, amount: int
) -> str:
    pot = "simulated" if simulated else "real"
    return "/".join((kind, pot, limit, period, threshold, str(amount)))


def _period(check: Check) -> str:
    if check.since is not None:
        return _moment(check.since)
    return check.session_id or check.call_id or ""


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


def _slot(number: int) -> datetime:
    return datetime.fromtimestamp(number * _SLOT, UTC)
