"""What every LedgerStore gives back of what it was told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from costroute_nb.core.messages import Usage
from costroute_nb.core.record import Status
from costroute_nb.ports import LedgerStore
from tests.support.ledgers import (
    DAY,
    LEASE,
    LEDGERS,
    SECOND,
    of_day,
)
from tests.support.records import NOON, ended, hold


@pytest.fixture(params=LEDGERS)
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LedgerStore]:
    store = LEDGERS[request.param](tmp_path)
    yield store
    store.close()


def test_new_ledger_is_empty(ledger: LedgerStore) -> None:
    assert list(ledger.records()) == []
    assert ledger.latest() is None


def test_record_comes_back_as_it_was_added(ledger: LedgerStore) -> None:
    record = ended(
        hold(),
        attempt=3,
        at=NOON + timedelta(microseconds=1),
        notebook="analysis.ipynb",
        cell="4f1c",
        workflow="triage",
        step="label",
        usage=Usage(1, 2, 3, 4, 5, 6, 7, "batch", "fast", "us"),
        baseline=900,
        cache_hit=True,
        estimated=True,
        simulated=True,
        latency_s=0.125,
        price_as_of="2026-11-01",
        p_fails=0.1 + 0.2,
        accepted=False,
    )
    ledger.add(record)
    assert list(ledger.records()) == [record]


def test_unknown_cost_comes_back_as_none_and_not_as_zero(ledger: LedgerStore) -> None:
    record = ended(hold(), None, "unknown", baseline=None)
    ledger.add(record)
    (found,) = ledger.records()
    assert (found.cost, found.charged, found.baseline) == (None, None, None)


def test_text_that_utf8_cannot_hold_does_not_lose_the_record(
    ledger: LedgerStore,
) -> None:
    ledger.settle(ended(hold(), reason="answer began with \ud83d, é"))
    assert [found.reason for found in ledger.records()] == ["answer began with ?, é"]


def test_latest_never_goes_back(ledger: LedgerStore) -> None:
    ledger.reserve(hold("late", at=NOON + DAY), [], LEASE + DAY)
    ledger.add(ended(hold("early", at=NOON)))
    assert ledger.latest() == NOON + DAY
    ledger.release("late", 1)
    assert ledger.latest() == NOON + DAY


def test_records_are_in_the_order_of_reservation_without_pending_ones(
    ledger: LedgerStore,
) -> None:
    for number in range(4):
        ledger.reserve(hold(str(number), at=NOON + number * SECOND), [], LEASE)
    for number in (3, 0, 1):
        ledger.settle(ended(hold(str(number))))
    assert [found.call_id for found in ledger.records()] == ["0", "1", "3"]


def test_records_of_a_session_or_since_a_moment(ledger: LedgerStore) -> None:
    for number in range(4):
        session_id = "even" if number % 2 == 0 else "odd"
        record = hold(str(number), at=NOON + number * SECOND, session_id=session_id)
        ledger.add(ended(record))
    since = NOON + SECOND
    assert [found.call_id for found in ledger.records(since=since)] == ["1", "2", "3"]
    odd = ledger.records(session_id="odd")
    assert [found.call_id for found in odd] == ["1", "3"]
    even = ledger.records(session_id="even", since=since)
    assert [found.call_id for found in even] == ["2"]


def test_thousands_of_records_come_back_once_each_though_of_one_moment(
    ledger: LedgerStore,
) -> None:
    for number in range(2_100):
        ledger.add(ended(hold(str(number))))
    found = [record.call_id for record in ledger.records()]
    assert found == [str(number) for number in range(2_100)]


def test_ledger_can_be_written_while_its_records_are_read(ledger: LedgerStore) -> None:
    ledger.add(ended(hold("first")))
    ledger.add(ended(hold("second")))
    reading = iter(ledger.records())
    next(reading)
    assert ledger.reserve(hold("third"), [of_day()], LEASE) is None
    assert next(reading).call_id == "second"


def add_outputs(ledger: LedgerStore, *counts: int, **changes: object) -> None:
    for count in counts:
        number = sum(1 for _ in ledger.records())
        record = hold(str(number), usage=Usage(output_tokens=count))
        ledger.add(replace(ended(record), **changes))  # type: ignore[arg-type]


def test_typical_output_is_the_median_of_recent_answers(ledger: LedgerStore) -> None:
    add_outputs(ledger, 10, 2_000, 30, 20, 40)
    assert ledger.typical_output("mechanical", "claude-haiku-5-5") == 30


def test_typical_output_forgets_what_is_older_than_fifty_answers(
    ledger: LedgerStore,
) -> None:
    add_outputs(ledger, *[1] * 40, *[9] * 50)
    assert ledger.typical_output("mechanical", "claude-haiku-5-5") == 9


def test_typical_output_is_none_below_five_answers(ledger: LedgerStore) -> None:
    add_outputs(ledger, 10, 20, 30, 40)
    assert ledger.typical_output("mechanical", "claude-haiku-5-5") is None


@pytest.mark.parametrize("status", ["ok", "truncated", "escalated"])
def test_whole_answers_are_typical(ledger: LedgerStore, status: Status) -> None:
    add_outputs(ledger, 7, 7, 7, 7, 7, status=status)
    assert ledger.typical_output("mechanical", "claude-haiku-5-5") == 7


@pytest.mark.parametrize(
    "change",
    [
        {"status": "failed"},
        {"status": "refused"},
        {"status": "cached"},
        {"status": "interrupted"},
        {"simulated": True},
        {"task": "code"},
        {"model": "claude-opus-5-5"},
    ],
    ids=str,
)
def test_other_outputs_are_not_typical(
    ledger: LedgerStore, change: dict[str, object]
) -> None:
    add_outputs(ledger, 7, 7, 7, 7, 7, **change)
    assert ledger.typical_output("mechanical", "claude-haiku-5-5") is None
