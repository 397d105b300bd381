"""How a hold ends in every LedgerStore: settled, released or lapsed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from costroute_nb.core.budget import Balance, Check
from costroute_nb.ports import LedgerStore
from tests.support.ledgers import (
    DAY,
    LEASE,
    LEDGERS,
    MIDNIGHT,
    SECOND,
    of_call,
    of_day,
    of_session,
)
from tests.support.records import NOON, ended, hold

EVERY_SCOPE = pytest.mark.parametrize(
    "check", [of_call(), of_session(), of_day()], ids=lambda check: check.name
)


@pytest.fixture(params=LEDGERS)
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LedgerStore]:
    store = LEDGERS[request.param](tmp_path)
    yield store
    store.close()


def test_settling_for_more_than_was_held_is_kept(ledger: LedgerStore) -> None:
    ledger.reserve(hold(), [of_day(100)], LEASE)
    ledger.settle(ended(hold(), 130))
    assert ledger.balance(of_day(), simulated=False) == Balance(spent=130, held=0)


def test_last_of_two_settlements_wins(ledger: LedgerStore) -> None:
    ledger.reserve(hold(), [], LEASE)
    ledger.settle(ended(hold(), 100, "unknown"))
    ledger.settle(ended(hold(), 30, "ok"))
    assert [found.status for found in ledger.records()] == ["ok"]
    for check in (of_call(), of_session(), of_day()):
        assert ledger.balance(check, simulated=False) == Balance(spent=30, held=0)


def test_settling_what_was_never_reserved_adds_it(ledger: LedgerStore) -> None:
    record = ended(hold(), 30)
    ledger.settle(record)
    assert list(ledger.records()) == [record]
    assert ledger.balance(of_session(), simulated=False).spent == 30
    assert ledger.latest() == NOON


def test_call_belongs_to_the_period_in_which_it_was_reserved(
    ledger: LedgerStore,
) -> None:
    evening = MIDNIGHT + DAY - SECOND
    ledger.reserve(hold(at=evening), [], evening + DAY)
    ledger.settle(ended(hold(at=MIDNIGHT + DAY + SECOND), 40))
    assert ledger.balance(of_day(), simulated=False) == Balance(spent=40, held=0)
    next_day = of_day(midnight=MIDNIGHT + DAY)
    assert ledger.balance(next_day, simulated=False) == Balance(0, 0)
    assert [found.at for found in ledger.records()] == [evening]


def test_settling_without_a_price_counts_as_nothing(ledger: LedgerStore) -> None:
    ledger.reserve(hold(), [], LEASE)
    ledger.settle(ended(hold(), None))
    assert ledger.balance(of_day(), simulated=False) == Balance(0, 0)


@EVERY_SCOPE
def test_released_hold_leaves_no_trace(ledger: LedgerStore, check: Check) -> None:
    ledger.reserve(hold(), [check], LEASE)
    ledger.release("call", 1)
    assert ledger.balance(check, simulated=False) == Balance(0, 0)
    assert ledger.reserve(hold(), [check], LEASE) is None


def test_releasing_what_is_not_held_is_harmless(ledger: LedgerStore) -> None:
    ledger.add(ended(hold(), 40))
    ledger.release("call", 1)
    ledger.release("another", 1)
    assert ledger.balance(of_call(), simulated=False).spent == 40


def test_lapsed_hold_counts_in_full_and_reads_as_possibly_billed(
    ledger: LedgerStore,
) -> None:
    ledger.reserve(hold("crashed", charged=70), [], LEASE)
    ledger.reserve(hold("next", at=LEASE), [], LEASE + DAY)
    assert ledger.balance(of_call(0, "crashed"), simulated=False) == Balance(70, 0)
    assert ledger.balance(of_day(), simulated=False) == Balance(spent=70, held=100)
    (found,) = ledger.records()
    assert (found.status, found.cost, found.charged) == ("unknown", None, 70)
    assert found.estimated
    assert "possibly billed" in found.reason


def test_hold_is_alive_until_its_lease_is_over(ledger: LedgerStore) -> None:
    ledger.reserve(hold("slow"), [], LEASE)
    just_before = LEASE - timedelta(microseconds=1)
    ledger.reserve(hold("next", at=just_before), [], LEASE + DAY)
    assert list(ledger.records()) == []


def test_lapsed_holds_are_not_room_for_others(ledger: LedgerStore) -> None:
    ledger.reserve(hold("crashed"), [of_day(100)], LEASE)
    refusal = ledger.reserve(hold("next", 1, at=LEASE), [of_day(100)], LEASE + DAY)
    assert refusal is not None
    assert refusal.balance == Balance(spent=100, held=0)
    assert not refusal.may_clear


def test_late_answer_corrects_a_lapsed_hold(ledger: LedgerStore) -> None:
    ledger.reserve(hold("slow"), [], LEASE)
    ledger.reserve(hold("next", at=LEASE), [], LEASE + DAY)
    ledger.settle(ended(hold("slow"), 12))
    assert ledger.balance(of_call(0, "slow"), simulated=False) == Balance(12, 0)
    assert ledger.balance(of_day(), simulated=False) == Balance(spent=12, held=100)
    assert [found.status for found in ledger.records()] == ["ok"]


def test_lapsed_hold_of_which_nothing_was_sent_can_be_released(
    ledger: LedgerStore,
) -> None:
    ledger.reserve(hold("slow"), [], LEASE)
    ledger.reserve(hold("next", at=LEASE), [], LEASE + DAY)
    ledger.release("slow", 1)
    assert ledger.balance(of_day(), simulated=False) == Balance(spent=0, held=100)


def test_timeout_that_was_settled_as_unknown_cannot_be_released(
    ledger: LedgerStore,
) -> None:
    ledger.reserve(hold(), [], LEASE)
    ledger.settle(ended(hold(), 100, "unknown"))
    ledger.release("call", 1)
    assert ledger.balance(of_day(), simulated=False).spent == 100


def test_same_attempt_is_neither_reserved_nor_added_twice(ledger: LedgerStore) -> None:
    ledger.reserve(hold(), [], LEASE)
    with pytest.raises(ValueError, match="attempt 1 of call call"):
        ledger.reserve(hold(), [], LEASE)
    with pytest.raises(ValueError, match="attempt 1 of call call"):
        ledger.add(ended(hold()))
    assert ledger.balance(of_day(), simulated=False) == Balance(spent=0, held=100)


def test_only_a_pending_record_is_a_hold(ledger: LedgerStore) -> None:
    with pytest.raises(ValueError, match="'ok'"):
        ledger.reserve(ended(hold()), [], LEASE)
