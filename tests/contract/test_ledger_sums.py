"""Whatever happens in whatever order, every LedgerStore's sums are those of its rows."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from costroute_nb.core.budget import Balance, Check
from costroute_nb.core.record import Record, Status
from tests.support.ledgers import DAY, LEDGERS, MIDNIGHT, of_call, of_session
from tests.support.records import NOON, ended, hold

LEASE = timedelta(minutes=15)
AMOUNTS = st.integers(0, 400)
CALLS = st.sampled_from(["a", "b", "c"])
STATUSES: st.SearchStrategy[Status] = st.sampled_from(
    ["ok", "failed", "unknown", "cached"]
)


class LedgerAndModel(RuleBasedStateMachine):
    """The same steps in a ledger and in a dictionary."""

    implementation = "sqlite"

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.ledger = LEDGERS[self.implementation](self.directory)
        self.now = NOON
        self.rows: dict[tuple[str, int], Record] = {}
        self.leases: dict[tuple[str, int], datetime] = {}

    def teardown(self) -> None:
        self.ledger.close()
        shutil.rmtree(self.directory)

    def expected(self, check: Check, simulated: bool) -> Balance:
        spent = held = 0
        for row in self.rows.values():
            inside = (
                row.call_id == check.call_id
                or row.session_id == check.session_id
                or (check.since and check.until and check.since <= row.at < check.until)
            )
            if inside and row.simulated == simulated:
                spent += 0 if row.status == "pending" else row.charged or 0
                held += row.charged or 0 if row.status == "pending" else 0
        return Balance(spent, held)

    def lapse(self) -> None:
        for key, until in self.leases.items():
            row = self.rows[key]
            if row.status == "pending" and until <= self.now:
                self.rows[key] = replace(row, status="unknown")

    @rule(minutes=st.sampled_from([1, 14, 15, 16, 500, 900]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(
        call_id=CALLS,
        charged=AMOUNTS | st.none(),
        limits=st.tuples(AMOUNTS, AMOUNTS, AMOUNTS),
        simulated=st.booleans(),
    )
    def reserve(
        self,
        call_id: str,
        charged: int | None,
        limits: tuple[int, int, int],
        simulated: bool,
    ) -> None:
        attempt = sum(1 for key in self.rows if key[0] == call_id) + 1
        while (call_id, attempt) in self.rows:
            attempt += 1
        record = hold(
            call_id,
            charged,
            attempt=attempt,
            at=self.now,
            session_id=f"session {attempt % 2}",
            simulated=simulated,
        )
        midnight = self.now.replace(hour=0, minute=0)
        checks = [
            of_call(limits[0], call_id),
            of_session(limits[1], record.session_id),
            Check("day", limits[2], since=midnight, until=midnight + DAY),
        ]
        refusal = self.ledger.reserve(record, checks, self.now + LEASE)
        self.lapse()
        balances = {check: self.expected(check, simulated) for check in checks}
        full = [
            check
            for check, balance in balances.items()
            if balance.spent + balance.held + (charged or 0) > check.limit
        ]
        if refusal is None:
            assert full == []
            self.rows[record.call_id, attempt] = record
            self.leases[record.call_id, attempt] = self.now + LEASE
        else:
            assert refusal.check in full
            assert refusal.balance == balances[refusal.check]

    @rule(
        call_id=CALLS,
        attempt=st.integers(1, 4),
        charged=AMOUNTS | st.none(),
        status=STATUSES,
    )
    def settle(
        self, call_id: str, attempt: int, charged: int | None, status: Status
    ) -> None:
        key = call_id, attempt
        record = hold(call_id, attempt=attempt, at=self.now)
        kept = self.rows.get(key, record)
        self.ledger.settle(ended(record, charged, status))
        self.rows[key] = ended(kept, charged, status)
        self.leases.pop(key, None)

    @rule(call_id=CALLS, attempt=st.integers(1, 4))
    def release(self, call_id: str, attempt: int) -> None:
        self.ledger.release(call_id, attempt)
        if self.leases.pop((call_id, attempt), None):
            del self.rows[call_id, attempt]

    @invariant()
    def sums_are_those_of_the_rows(self) -> None:
        checks = [
            *(of_call(0, call_id) for call_id in "abc"),
            *(of_session(0, name) for name in ("session", "session 0", "session 1")),
            Check("month", 0, since=MIDNIGHT, until=MIDNIGHT + 90 * DAY),
            Check("day", 0, since=NOON - DAY / 3, until=NOON + 2 * DAY / 3),
        ]
        for check in checks:
            for simulated in (False, True):
                found = self.ledger.balance(check, simulated=simulated)
                assert found == self.expected(check, simulated)


@pytest.mark.parametrize("implementation", LEDGERS)
def test_sums_are_those_of_the_rows_after_any_steps(implementation: str) -> None:
    machine = type("Machine", (LedgerAndModel,), {"implementation": implementation})
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=40, stateful_step_count=25, deadline=None),
    )
