"""What is read is of one moment, and whatever shows is read again once it changes."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from costroute_nb.errors import BudgetExceededError
from costroute_nb.notebook.reading import Reader, Scope
from costroute_nb.session import Session
from tests.support.dashboards import EXPLAIN, EXTRACT, simulated_session, work
from tests.support.records import ended, hold

REAL, SIMULATED = 7 * 10**9, 11 * 10**6
ROUNDS = 100


@pytest.fixture
def session() -> Iterator[Session]:
    with simulated_session() as session:
        yield session


@pytest.fixture
def other(session: Session) -> Iterator[Session]:
    """Give another session on the same ledger, with a connection of its own."""
    with simulated_session() as other:
        assert other.store is not session.store
        yield other


def spend(session: Session, charged: int, **fields: Any) -> None:
    """Book one attempt of the session's."""
    held = hold(
        f"call-{charged}",
        at=session.budget.now(),
        session_id=session.session_id,
        **fields,
    )
    session.store.add(ended(held, charged))


def test_nothing_is_read_again_while_nothing_changes(session: Session) -> None:
    work(session, 1)
    reader = Reader(session)
    first = reader.latest("session")
    assert reader.latest("session") is first
    with pytest.MonkeyPatch.context() as patch:
        for name in ("totals", "balance", "alerts", "records"):
            patch.setattr(type(session.store), name, None)
        assert reader.latest("session") is first


@pytest.mark.parametrize("scope", ["session", "day", "month"])
def test_what_the_other_pot_spends_changes_no_reading(
    session: Session, scope: Scope
) -> None:
    work(session, 1)
    reader = Reader(session)
    first = reader.latest(scope)
    spend(session, REAL, simulated=False)
    assert reader.latest(scope) is first


def test_an_alert_of_a_refused_call_elsewhere_is_seen(
    session: Session, other: Session
) -> None:
    work(other, 1)
    reader = Reader(session)
    assert reader.latest("session").alerts == ()
    before = other.history()
    day = other.budget.status()["day"].spent / 1e12
    other.budget.update(day=day / 0.97, alert_at=1.0)
    assert reader.latest("session").alerts == ()
    with pytest.raises(BudgetExceededError):
        other.route(EXPLAIN.format(77))
    assert len(other.history()) == len(before)  # a refusal leaves no row
    (alert,) = reader.latest("session").alerts
    assert "The day limit stops calls" in alert


@pytest.mark.parametrize("scope", ["day", "month"])
def test_a_free_cached_call_elsewhere_is_seen(
    session: Session, other: Session, scope: Scope
) -> None:
    other.route(EXTRACT.format(1))
    reader = Reader(session)
    first = reader.latest(scope)
    assert other.route(EXTRACT.format(1)).cache_hit
    second = reader.latest(scope)
    assert (first.sums.cache_hits, second.sums.cache_hits) == (0, 1)
    assert first.sums.charged == second.sums.charged


def test_what_another_connection_holds_and_settles_is_seen(
    session: Session, other: Session
) -> None:
    reader = Reader(session)
    assert reader.latest("session").standings["day"].held == 0
    held = replace(hold("there", at=other.budget.now(), simulated=True), charged=500)
    assert other.budget.try_reserve(held) is None
    assert reader.latest("session").standings["day"].held == 500
    other.store.settle(ended(held, 300))
    standing = reader.latest("session").standings["day"]
    assert (standing.spent, standing.held) == (300, 0)


def test_a_ledger_that_was_closed_and_opened_again_is_read_again(
    session: Session, other: Session
) -> None:
    reader = Reader(session)
    reader.latest("day")
    session.store.close()
    other.route(EXTRACT.format(1))
    assert reader.latest("day").sums.calls == 1


def test_another_ledger_s_course_is_its_own(session: Session, tmp_path: Any) -> None:
    work(session, 2)
    reader = Reader(session)
    assert reader.latest("session").course[-1].sums.calls == 6
    elsewhere = replace(session.settings, ledger_url=str(tmp_path / "l.sqlite3"))
    session.configure(elsewhere)
    assert [point.sums.calls for point in reader.latest("session").course] == [0]
    work(session, 1)
    assert reader.latest("session").course[-1].sums.calls == 3


def test_the_month_s_course_is_that_of_its_quarters(session: Session) -> None:
    """Summed in steps by the ledger, as they would be one by one."""
    now = session.budget.now()
    for number in range(40):
        held = hold(
            f"call-{number}",
            at=now - number * timedelta(hours=7, minutes=13),
            simulated=True,
        )
        session.store.add(ended(held, 3**number))
    reading = Reader(session).read("month")
    assert reading.course[-1].sums == reading.sums
    assert reading.course[-1].sums.charged == reading.standings["month"].spent
    for point in reading.course[1:-1]:
        past = session.store.totals(
            (), simulated=True, since=reading.course[0].at, until=point.at
        )
        assert point.sums == sum((sums for _, sums in past), reading.course[0].sums)


def test_no_reading_mixes_pots_or_zones_while_settings_change(session: Session) -> None:
    spend(session, REAL, simulated=False)
    spend(session, SIMULATED, simulated=True)
    simulated = session.settings
    real = replace(simulated, provider="anthropic", timezone="Asia/Tokyo")
    expected = {
        True: (SIMULATED, "UTC"),
        False: (REAL, "Asia/Tokyo"),
    }
    reader = Reader(session)
    reads: set[bool] = set()
    with changing(session, real, simulated):
        for _ in range(ROUNDS):
            for scope in ("session", "day"):
                reading = reader.read(scope)
                amount, zone = expected[reading.simulated]
                assert reading.zone.key == zone
                assert reading.sums.charged == amount
                assert reading.standings["session"].spent == amount
                assert reading.course[-1].sums.charged == amount
                for points in reading.curves.values():
                    assert points[-1].sums.charged == amount
                reads.add(reading.simulated)
    assert reads == {True, False}


def test_no_summary_mixes_pots_while_settings_change(session: Session) -> None:
    spend(session, REAL, simulated=False)
    spend(session, SIMULATED, simulated=True)
    simulated = session.settings
    real = replace(simulated, provider="anthropic")
    told: set[bool] = set()
    with changing(session, real, simulated):
        for _ in range(ROUNDS):
            frame = session.summary()
            pot = bool(frame.attrs["simulated"])
            assert frame["cost_usd"].sum() == (SIMULATED if pot else REAL) / 1e12
            told.add(pot)
    assert told == {True, False}


def test_settings_and_what_is_made_of_them_change_in_one_step(
    session: Session,
) -> None:
    simulated = session.settings
    limited = replace(simulated, provider="anthropic", budget_wait=1.0)
    with changing(session, limited, simulated):
        for _ in range(ROUNDS):
            parts = session.parts
            assert parts.budget._simulated is parts.simulated
            assert parts.budget._wait == parts.settings.budget_wait


@contextmanager
def changing(session: Session, *settings: Any) -> Iterator[None]:
    """Change a session's settings round and round, in a thread of its own."""
    failures: list[BaseException] = []
    done = threading.Event()

    def change() -> None:
        try:
            while not done.is_set():
                for one in settings:
                    session.configure(one)
        except BaseException as error:
            failures.append(error)

    usual = sys.getswitchinterval()
    thread = threading.Thread(target=change)
    sys.setswitchinterval(1e-4)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(60)
        sys.setswitchinterval(usual)
    assert failures == []
