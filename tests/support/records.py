"""Records to put into a ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from costroute_nb.core.record import Record, Status

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def hold(call_id: str = "call", charged: int | None = 100, **changes: Any) -> Record:
    """Return a pending record of the first attempt, by default of 100 pico-USD."""
    record = Record(
        call_id=call_id,
        attempt=1,
        at=NOON,
        session_id="session",
        provider="anthropic",
        model="claude-haiku-5-5",
        tier="small",
        task="mechanical",
        status="pending",
        simulated=False,
        reason="rule: mechanical",
        charged=charged,
    )
    return replace(record, **changes)


def ended(
    held: Record, charged: int | None = 40, status: Status = "ok", **changes: Any
) -> Record:
    """Return the record as it is settled, by default for 40 pico-USD."""
    done = replace(held, status=status, cost=charged, charged=charged)
    return replace(done, **changes)
