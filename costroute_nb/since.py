"""When a period begins: on a day, at a moment, or so long ago."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from costroute_nb.core.moments import moment_of
from costroute_nb.settings import seconds

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

Since = date | datetime | timedelta | str | float | None
"""A day or moment, seconds or text such as `30d` ago, or None for everything."""


def beginning(since: Since, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the aware moment at which a period begins, None for everything.

    A day, and a moment without a zone, are of `zone`.

    Raises
    ------
    ValueError
        If it is neither a day or moment nor a time.
    """
    if since is None:
        return None
    moment = moment_of(since)
    if moment is None:
        return now - _ago(since)
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _ago(since: Any) -> timedelta:
    try:
        return timedelta(seconds=seconds(since))
    except (ValueError, OverflowError):
        message = (
            f"{since!r} is neither a day or moment such as 2026-11-01 or "
            "2026-11-01T09:30, nor a time ago such as 90s, 30m, 1h or 30d"
        )
        raise ValueError(message) from None
