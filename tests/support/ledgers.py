"""Every implementation of the LedgerStore, and limits to ask it about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from costroute_nb.core.budget import Check
from costroute_nb.ledger.sqlite import SqliteLedger
from costroute_nb.ports import LedgerStore
from tests.support.records import NOON

LEDGERS: dict[str, Callable[[Path], LedgerStore]] = {
    "sqlite": lambda directory: SqliteLedger(directory / "ledger.sqlite3"),
}

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
MIDNIGHT = NOON.replace(hour=0)
LEASE = NOON + timedelta(minutes=15)
"""The moment at which the leases of most holds end."""


def of_call(limit: int = 1_000, call_id: str = "call") -> Check:
    """Return the limit of one call, in pico-USD."""
    return Check("call", limit, call_id=call_id)


def of_session(limit: int = 1_000, session_id: str = "session") -> Check:
    """Return the limit of one session, in pico-USD."""
    return Check("session", limit, session_id=session_id)


def of_day(limit: int = 1_000, midnight: datetime = MIDNIGHT) -> Check:
    """Return the limit of one day of UTC, in pico-USD."""
    return Check("day", limit, since=midnight, until=midnight + DAY)
