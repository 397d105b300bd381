"""The named values of attempts are those of their records, of whichever are wanted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from costroute_nb.core.billed import Billed
from costroute_nb.core.messages import Usage
from costroute_nb.ledger.sqlite import SqliteLedger
from tests.support.attempt_rows import rows_of
from tests.support.records import NOON, ended, hold

NAMES = (*Billed._fields, "workflow", "step", "reason")


@pytest.fixture
def ledger(tmp_path: Any) -> SqliteLedger:
    ledger = SqliteLedger(tmp_path / "ledger.sqlite3")
    for number in range(2_010):  # more than a page
        record = hold(
            str(number // 2),
            attempt=1 + number % 2,
            at=NOON - timedelta(seconds=number % 7),
            workflow=(None, "a", "b")[number % 3],
            step=(None, "x")[number % 2],
            session_id=f"session {number % 2}",
            simulated=number % 5 == 0,
            usage=Usage(number, 1, 2, 3, number, 5, 1, "batch", "fast", "us"),
        )
        ledger.add(ended(record, (None, 0, number)[number % 3]))
    return ledger


@pytest.mark.parametrize(
    "some",
    [
        {},
        {"later": True},
        {"spent": True},
        {"among": {"workflow": {"a", None}}},
        {"among": {"workflow": ["b"], "step": {None}}, "spent": True},
        {"among": {"workflow": []}},
    ],
)
@pytest.mark.parametrize("session_id", [None, "session 1"])
@pytest.mark.parametrize("since", [None, NOON - timedelta(seconds=3)])
def test_rows_are_the_values_of_the_records(
    ledger: SqliteLedger, some: dict[str, Any], session_id: str | None, since: Any
) -> None:
    records = ledger.records(session_id=session_id, since=since)
    real = [record for record in records if not record.simulated]
    found = ledger.rows(
        NAMES, simulated=False, session_id=session_id, since=since, **some
    )
    assert list(found) == list(rows_of(real, NAMES, **some))


def test_holds_are_no_rows_and_unknown_columns_are_refused(
    ledger: SqliteLedger,
) -> None:
    before = len(list(ledger.rows(NAMES, simulated=False)))
    ledger.reserve(hold("held"), [], NOON + timedelta(hours=1))
    assert len(list(ledger.rows(NAMES, simulated=False))) == before
    with pytest.raises(ValueError, match="no column"):
        list(ledger.rows(["at; DROP"], simulated=False))
    with pytest.raises(ValueError, match="no column"):
        list(ledger.rows(NAMES, simulated=False, among={"at; DROP": ["x"]}))
