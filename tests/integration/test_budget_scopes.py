"""What a limit counts: calls, sessions, days, months, real money and simulated."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from costroute_nb.budget import Budget
from costroute_nb.core.budget import Limits
from costroute_nb.core.money import PICO_PER_USD
from costroute_nb.core.record import Record
from costroute_nb.errors import BudgetExceededError
from costroute_nb.ledger.sqlite import SqliteLedger
from tests.support.clock import FakeClock
from tests.support.records import ended, hold

CENT = PICO_PER_USD // 100
NONE = Limits(call=None, session=None)
NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    store = SqliteLedger(tmp_path / "ledger.sqlite3")
    yield store
    store.close()


@pytest.fixture
def budget(ledger: SqliteLedger, clock: FakeClock) -> Budget:
    limits = Limits(call=1.0, session=1.0)
    return Budget(ledger, clock, limits, NEW_YORK, "session", simulated=False, wait=5)


def take(budget: Budget, call_id: str, cents: int, **changes: object) -> Record:
    record = hold(call_id, cents * CENT, at=budget.now())
    return budget.reserve(record, **changes)  # type: ignore[arg-type]


def spend(budget: Budget, ledger: SqliteLedger, call_id: str, cents: int) -> None:
    held = take(budget, call_id, cents)
    ledger.settle(ended(held, cents * CENT))


def test_limit_below_what_is_spent_blocks_and_corrupts_nothing(
    budget: Budget, ledger: SqliteLedger
) -> None:
    held = take(budget, "a", 60)
    budget.limits = Limits(call=1.0, session=0.5)
    with pytest.raises(BudgetExceededError):
        take(budget, "b", 1)
    ledger.settle(ended(held, 60 * CENT))
    assert budget.remaining()["session"] == 0.0
    assert budget.spent("session") == 60 * CENT
    budget.update(session=1.0)
    take(budget, "c", 40)


def test_all_attempts_of_a_call_share_its_limit(
    budget: Budget, ledger: SqliteLedger
) -> None:
    budget.update(call=0.5, session=None)
    spend(budget, ledger, "a", 40)
    second = hold("a", 11 * CENT, attempt=2, at=budget.now())
    refusal = budget.try_reserve(second)
    assert refusal is not None
    assert refusal.check.name == "call"
    assert budget.try_reserve(hold("b", 50 * CENT, at=budget.now())) is None


def test_simulated_calls_spend_a_pot_of_their_own(
    budget: Budget, ledger: SqliteLedger, clock: FakeClock
) -> None:
    spend(budget, ledger, "a", 100)
    toy = Budget(ledger, clock, budget.limits, NEW_YORK, "session", simulated=True)
    held = toy.reserve(hold("b", 70 * CENT, at=toy.now(), simulated=True))
    ledger.settle(ended(held, 70 * CENT))
    assert toy.remaining()["session"] == 0.3
    assert budget.remaining()["session"] == 0.0


def test_session_limit_is_its_own_and_day_limit_is_shared(
    budget: Budget, ledger: SqliteLedger, clock: FakeClock
) -> None:
    budget.limits = Limits(call=None, session=1.0, day=1.5)
    other = Budget(ledger, clock, budget.limits, NEW_YORK, "other", simulated=False)
    spend(budget, ledger, "a", 100)
    assert other.remaining() == {
        "call": None,
        "session": 1.0,
        "day": 0.5,
        "month": None,
    }
    refusal = other.try_reserve(hold("b", 60 * CENT, session_id="other"))
    assert refusal is not None
    assert refusal.check.name == "day"


def test_status_shows_spend_also_where_no_limit_holds(
    budget: Budget, ledger: SqliteLedger
) -> None:
    budget.limits = NONE
    spend(budget, ledger, "a", 25)
    day = budget.status()["day"]
    assert (day.spent, day.held, day.limit, day.remaining) == (25 * CENT, 0, None, None)


def test_new_day_begins_at_midnight_of_the_zone(
    budget: Budget, ledger: SqliteLedger, clock: FakeClock
) -> None:
    budget.limits = Limits(call=None, session=None, day=1.0, month=1.5)
    clock.set(datetime.fromisoformat("2026-11-22T23:59:59-05:00"))
    spend(budget, ledger, "a", 100)
    assert budget.remaining()["day"] == 0.0
    clock.advance(1)
    assert budget.remaining()["day"] == 1.0
    assert budget.remaining()["month"] == 0.5


def test_call_that_waits_over_midnight_is_in_the_new_day(
    budget: Budget, ledger: SqliteLedger, clock: FakeClock
) -> None:
    budget.limits = Limits(call=None, session=None, day=1.0)
    clock.set(datetime.fromisoformat("2026-11-22T23:59:59-05:00"))
    take(budget, "a", 100)
    held = take(budget, "b", 100)
    assert held.at.astimezone(NEW_YORK).day == 23


def test_clock_set_back_does_not_reopen_a_day_that_is_over(
    budget: Budget, ledger: SqliteLedger, clock: FakeClock
) -> None:
    budget.limits = Limits(call=None, session=None, day=1.0)
    clock.set(datetime.fromisoformat("2026-11-23T00:00:01-05:00"))
    spend(budget, ledger, "a", 100)
    clock.set(datetime.fromisoformat("2026-11-22T12:00:00-05:00"))
    assert budget.now() == datetime.fromisoformat("2026-11-23T00:00:01-05:00")
    with pytest.raises(BudgetExceededError):
        take(budget, "b", 1)


def test_hold_of_a_process_that_died_stays_spent_after_its_lease(
    budget: Budget, clock: FakeClock
) -> None:
    take(budget, "died", 70, lease=timedelta(minutes=1))
    clock.advance(61)
    take(budget, "next", 30)
    session = budget.status()["session"]
    assert (session.spent, session.held) == (70 * CENT, 30 * CENT)


def test_only_limits_are_limits(budget: Budget) -> None:
    with pytest.raises(TypeError, match="Limits"):
        budget.limits = {"session": 5}  # type: ignore[assignment]
    assert budget.limits == Limits(call=1.0, session=1.0)


def test_wrong_change_leaves_the_limits_as_they_were(budget: Budget) -> None:
    with pytest.raises(ValueError, match="negative"):
        budget.update(session=-1)
    with pytest.raises(TypeError, match="weekly"):
        budget.update(weekly=5)
    assert budget.limits == Limits(call=1.0, session=1.0)
