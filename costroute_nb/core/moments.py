"""Read the day or the moment that a user names."""

from __future__ import annotations

from datetime import date, datetime, time


def moment_of(value: object) -> datetime | None:
    """Return the moment of a datetime, a date or ISO text; None if it is neither.

    Of a day it is the first one. It is naive where nothing names a zone.
    """
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    # Digits alone are a number of seconds.
    if isinstance(value, str) and "-" in value:
        try:
            return datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    return None
