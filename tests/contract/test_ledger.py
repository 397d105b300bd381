"""Holds and limits, as every LedgerStore keeps them."""

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


@EVERY_SCOPE
def test_new_ledger_has_spent_nothing(ledger: LedgerStore, check: Check) -> None:
    assert ledger.balance(check, simulated=False) == Balance(0, 0)


@EVERY_SCOPE
def test_hold_counts_as_held_until_it_is_settled(
    ledger: LedgerStore, check: Check
) -> None:
    assert ledger.reserve(hold(), [check], LEASE) is None
    assert ledger.balance(check, simulated=False) == Balance(spent=0, held=100)
    ledger.settle(ended(hold(), 40))
    assert ledger.balance(check, simulated=False) == Balance(spent=40, held=0)


@EVERY_SCOPE
def test_hold_fits_up_to_the_last_pico_and_not_one_more(
    ledger: LedgerStore, check: Check
) -> None:
    ledger.add(ended(hold(attempt=1), 850))
    ledger.reserve(hold(attempt=2, charged=100), [check], LEASE)
    refusal = ledger.reserve(hold(attempt=3, charged=51), [check], LEASE)
    assert refusal is not None
    assert refusal.check == check
    assert refusal.balance == Balance(spent=850, held=100)
    assert (refusal.needed, refusal.room) == (51, 50)
    assert ledger.reserve(hold(attempt=3, charged=50), [check], LEASE) is None


def test_hold_that_one_of_several_limits_refuses_is_in_none(
    ledger: LedgerStore,
) -> None:
    checks = [of_call(), of_session(), of_day(limit=99)]
    refusal = ledger.reserve(hold(), checks, LEASE)
    assert refusal is not None
    assert refusal.check.name == "day"
    for check in checks:
        assert ledger.balance(check, simulated=False) == Balance(0, 0)
    assert ledger.latest() is None


def test_refusal_that_waiting_cannot_clear_is_the_one_returned(
    ledger: LedgerStore,
) -> None:
    ledger.reserve(hold("other"), [], LEASE)
    refusal = ledger.reserve(hold(), [of_session(150), of_day(50)], LEASE)
    assert refusal is not None
    assert refusal.check.name == "day"


def test_hold_without_a_price_counts_as_nothing(ledger: LedgerStore) -> None:
    assert ledger.reserve(hold(charged=None), [of_day(0)], LEASE) is None
    assert ledger.balance(of_day(), simulated=False) == Balance(0, 0)


def test_call_limit_counts_every_attempt_of_that_call_only(ledger: LedgerStore) -> None:
    ledger.add(ended(hold("call", attempt=1), 5))
    ledger.add(ended(hold("call", attempt=2), 7))
    ledger.add(ended(hold("other"), 11))
    assert ledger.balance(of_call(), simulated=False).spent == 12


def test_session_limit_counts_that_session_only(ledger: LedgerStore) -> None:
    ledger.add(ended(hold("a"), 5))
    ledger.add(ended(hold("b", session_id="another"), 7))
    assert ledger.balance(of_session(), simulated=False).spent == 5


def test_day_counts_all_sessions_from_midnight_to_midnight(ledger: LedgerStore) -> None:
    instant = timedelta(microseconds=1)
    moments = [MIDNIGHT - instant, MIDNIGHT, MIDNIGHT + DAY - instant, MIDNIGHT + DAY]
    for number, at in enumerate(moments):
        record = hold(str(number), session_id=str(number), at=at)
        ledger.add(ended(record, 10**number))
    assert ledger.balance(of_day(), simulated=False).spent == 110


@pytest.mark.parametrize(
    ("start", "length"),
    [(0, 2), (5, 90), (40, 56), (90, 10), (97, 300), (96, 96), (-3, 400)],
)
def test_period_of_any_quarters_counts_exactly_what_lies_in_it(
    ledger: LedgerStore, start: int, length: int
) -> None:
    quarter = timedelta(minutes=15)
    for number in range(0, 400, 3):
        ledger.add(ended(hold(str(number), at=MIDNIGHT + number * quarter), number + 1))
    since, until = MIDNIGHT + start * quarter, MIDNIGHT + (start + length) * quarter
    check = Check("month", 0, since=since, until=until)
    expected = sum(n + 1 for n in range(0, 400, 3) if start <= n < start + length)
    assert ledger.balance(check, simulated=False).spent == expected


def test_period_off_the_quarter_hours_is_exact_too(ledger: LedgerStore) -> None:
    ledger.add(ended(hold("a", at=NOON), 5))
    ledger.add(ended(hold("b", at=NOON + 60 * SECOND), 7))
    ledger.reserve(hold("c", at=NOON + 60 * SECOND), [], LEASE)
    since = NOON + SECOND
    check = Check("day", 0, since=since, until=since + 100 * SECOND)
    assert ledger.balance(check, simulated=False) == Balance(spent=7, held=100)


def test_check_without_a_scope_is_refused(ledger: LedgerStore) -> None:
    with pytest.raises(ValueError, match="no scope"):
        ledger.balance(Check("day", 5), simulated=False)


def test_amounts_that_floats_cannot_add_are_exact(ledger: LedgerStore) -> None:
    for number in range(100):
        ledger.add(ended(hold(str(number)), 1_100_000))
    assert ledger.balance(of_session(), simulated=False).spent == 110_000_000


@EVERY_SCOPE
def test_simulated_and_real_money_never_mix(ledger: LedgerStore, check: Check) -> None:
    ledger.add(ended(hold(attempt=1), 900))
    ledger.add(ended(hold(attempt=2, simulated=True), 5))
    ledger.reserve(hold(attempt=3, simulated=True), [check], LEASE)
    assert ledger.balance(check, simulated=False) == Balance(spent=900, held=0)
    assert ledger.balance(check, simulated=True) == Balance(spent=5, held=100)


@EVERY_SCOPE
def test_simulated_hold_is_checked_against_its_own_pot(
    ledger: LedgerStore, check: Check
) -> None:
    ledger.add(ended(hold(attempt=1), 1_000))
    simulated = hold(attempt=2, simulated=True)
    assert ledger.reserve(simulated, [check], LEASE) is None
