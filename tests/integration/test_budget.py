"""Limits stop, wait and explain, over a real ledger."""

from __future__ import annotations

import pickle  # what is pickled here was made here: errors must survive it
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from costroute_nb.budget import Budget
from costroute_nb.core.budget import Limits
from costroute_nb.core.money import PICO_PER_USD
from costroute_nb.core.record import Record
from costroute_nb.errors import BudgetExceededError
from costroute_nb.ledger.sqlite import SqliteLedger
from tests.support.clock import BusyClock
from tests.support.records import ended, hold

CENT = PICO_PER_USD // 100
NONE = Limits(call=None, session=None)
NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture
def clock() -> BusyClock:
    return BusyClock()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    store = SqliteLedger(tmp_path / "ledger.sqlite3")
    yield store
    store.close()


@pytest.fixture
def budget(ledger: SqliteLedger, clock: BusyClock) -> Budget:
    limits = Limits(call=1.0, session=1.0)
    return Budget(ledger, clock, limits, NEW_YORK, "session", simulated=False, wait=5)


def take(budget: Budget, call_id: str, cents: int, **changes: object) -> Record:
    record = hold(call_id, cents * CENT, at=budget.now())
    return budget.reserve(record, **changes)  # type: ignore[arg-type]


def spend(budget: Budget, ledger: SqliteLedger, call_id: str, cents: int) -> None:
    held = take(budget, call_id, cents)
    ledger.settle(ended(held, cents * CENT))


def cents_that_fit(room: int) -> int | None:
    return room // CENT or None


def test_calls_are_held_and_settled_within_the_limit(
    budget: Budget, ledger: SqliteLedger
) -> None:
    held = take(budget, "a", 60)
    assert budget.status()["session"].held == 60 * CENT
    ledger.settle(ended(held, 10 * CENT))
    assert budget.spent("session") == 10 * CENT
    take(budget, "b", 90)


def test_call_that_can_never_fit_is_refused_at_once(
    budget: Budget, ledger: SqliteLedger, clock: BusyClock
) -> None:
    spend(budget, ledger, "a", 60)
    take(budget, "b", 10)
    with pytest.raises(BudgetExceededError):
        take(budget, "c", 41)
    assert clock.slept == []


def test_refusal_carries_its_numbers_in_usd_through_pickle(
    budget: Budget, ledger: SqliteLedger
) -> None:
    spend(budget, ledger, "a", 60)
    take(budget, "b", 10)
    with pytest.raises(BudgetExceededError) as caught:
        take(budget, "c", 50, largest=cents_that_fit)
    error = pickle.loads(pickle.dumps(caught.value))
    assert (error.limit, error.limit_usd) == ("session", 1.0)
    assert (error.spent_usd, error.held_usd, error.needed_usd) == (0.6, 0.1, 0.5)
    assert error.max_tokens == 30


def test_refusal_says_in_one_line_what_to_do(
    budget: Budget, ledger: SqliteLedger
) -> None:
    spend(budget, ledger, "a", 60)
    with pytest.raises(BudgetExceededError) as caught:
        take(budget, "c", 50, largest=cents_that_fit)
    (line,) = caught.value._render_traceback_()
    assert line == (
        "BudgetExceededError: this call may cost up to $0.50, and the session limit of "
        "$1.00 has $0.40 left ($0.60 spent); `--max-tokens 40` (in Python max_tokens=40) "
        "would fit; raise it with `%route budget --session 2` or the session's "
        "`.budget.update(session=2)`; cached answers are still served"
    )


def test_refusal_says_when_no_size_would_fit(
    budget: Budget, ledger: SqliteLedger
) -> None:
    spend(budget, ledger, "a", 100)
    with pytest.raises(
        BudgetExceededError, match="no `--max-tokens` would fit"
    ) as caught:
        take(budget, "b", 1, largest=cents_that_fit)
    assert caught.value.max_tokens is None


def test_largest_max_tokens_fits_in_all_limits_together(
    budget: Budget, ledger: SqliteLedger
) -> None:
    budget.update(call=0.2, day=0.7)
    spend(budget, ledger, "a", 20)
    spend(budget, ledger, "b", 20)
    spend(budget, ledger, "c", 20)
    with pytest.raises(BudgetExceededError) as caught:
        take(budget, "d", 30, largest=cents_that_fit)
    assert caught.value.limit == "day"  # which has the least room
    assert caught.value.max_tokens == 10


def test_call_waits_for_calls_in_flight_to_free_room(
    budget: Budget, ledger: SqliteLedger, clock: BusyClock
) -> None:
    first = take(budget, "a", 90)
    told: list[str] = []

    def settle_after_a_while() -> None:
        if clock.monotonic() > 1:
            ledger.settle(ended(first, 20 * CENT))

    clock.during_sleep = settle_after_a_while
    second = take(budget, "b", 80, on_wait=told.append)
    assert second.at > first.at
    assert [record.at for record in ledger.records()] == [first.at]
    assert len(told) == 1
    assert "session limit has $0.10 left" in told[0]


def test_waiting_polls_ever_more_slowly_and_ends_on_time(
    budget: Budget, clock: BusyClock
) -> None:
    take(budget, "a", 90)
    with pytest.raises(
        BudgetExceededError, match="held for calls in flight after wait"
    ):
        take(budget, "b", 80)
    assert clock.slept[0] == 0.05
    assert max(clock.slept) == 0.25
    assert sum(clock.slept) == pytest.approx(5)


def test_room_that_others_take_while_a_call_waits_ends_the_waiting(
    budget: Budget, ledger: SqliteLedger, clock: BusyClock
) -> None:
    first = take(budget, "a", 90)
    clock.during_sleep = lambda: ledger.settle(ended(first, 90 * CENT))
    with pytest.raises(BudgetExceededError):
        take(budget, "b", 80)
    assert len(clock.slept) == 1


def test_limit_raised_while_a_call_waits_lets_it_through(
    budget: Budget, clock: BusyClock
) -> None:
    take(budget, "a", 90)
    clock.during_sleep = lambda: budget.update(session=2.0)
    take(budget, "b", 80)
    assert len(clock.slept) == 1


def test_cost_cap_of_one_call_names_its_own_option(budget: Budget) -> None:
    with pytest.raises(BudgetExceededError, match=r"raise it with `--max-cost 0\.1`"):
        take(budget, "a", 10, max_cost=5 * CENT)


def test_interrupt_ends_the_waiting_and_leaves_no_hold(
    budget: Budget, ledger: SqliteLedger, clock: BusyClock
) -> None:
    take(budget, "a", 90)

    def interrupt() -> None:
        raise KeyboardInterrupt

    clock.during_sleep = interrupt
    with pytest.raises(KeyboardInterrupt):
        take(budget, "b", 80)
    assert budget.status()["session"].held == 90 * CENT
