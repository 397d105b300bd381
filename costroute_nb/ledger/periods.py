"""Moments as whole microseconds, and periods as whole days and quarter hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from costroute_nb.core.prompt_cache import LIFETIMES, Gap

if TYPE_CHECKING:
    from collections.abc import Iterable

QUARTER = 15 * 60 * 1_000_000
"""Microseconds in a quarter hour."""

WINDOW = 10 * 60 * 1_000_000
"""Microseconds in the ten minutes over which a spend rate is taken."""

QUARTERS = 96
"""Quarter hours in a day of UTC."""

DAY = QUARTER * QUARTERS
"""Microseconds in a day of UTC."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EVER = 1_000_000 * QUARTERS


def to_micros(at: datetime) -> int:
    """Return an aware moment as whole microseconds since 1970 in UTC."""
    return (at - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the moment, aware, in UTC."""
    return _EPOCH + timedelta(microseconds=micros)


def quarters(since: datetime | None, until: datetime | None) -> tuple[int, int] | None:
    """Return a period as quarters since 1970, None where it splits a quarter.

    A bound of None is before, or after, every record.
    """
    first = -_EVER * QUARTER if since is None else to_micros(since)
    last = _EVER * QUARTER if until is None else to_micros(until)
    if first % QUARTER or last % QUARTER:
        return None
    return first // QUARTER, last // QUARTER


def quarters_around(first: int, last: int) -> tuple[int, int]:
    """Return the period of whole quarters in which two moments in microseconds lie."""
    return first // QUARTER, last // QUARTER + 1


def spans(since: int, until: int) -> dict[str, int]:
    """Return a period of quarters as whole days of UTC and what is left at its ends."""
    first_day, last_day = -(-since // QUARTERS), until // QUARTERS
    head = min(first_day * QUARTERS, until)
    return {
        "since": since,
        "head": head,
        "first_day": first_day,
        "last_day": last_day,
        "tail": max(last_day * QUARTERS, head),
        "until": until,
    }


def gaps(
    rows: Iterable[tuple[str, str, str, int, int, int, int]], now: datetime
) -> list[Gap]:
    """Return the times between moments of the same three names, the newest first.

    After the names and the moment a row has what was read of the prompt cache, and
    written for 5 minutes and for an hour. The time since the last moment of each is
    among them, as one that has not ended.
    """
    later: dict[tuple[str, ...], tuple[int, bool]] = {}
    found = []
    for *names, at, read, short, long in rows:
        key = tuple(names)
        after, in_vain = later.get(key, (to_micros(now), False))
        length = timedelta(microseconds=after - at)
        kept = LIFETIMES["1h" if long else "5m"] if read or short or long else None
        unread = in_vain and kept is not None and length < kept
        found.append(Gap(length, key in later, unread))
        later[key] = at, not read and bool(short or long)
    return found
