"""What alerts need of every LedgerStore: claims that one caller wins, spend rates."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from costroute_nb.ports import LedgerStore
from tests.support.ledger_workers import FOUR, claims, processes
from tests.support.ledgers import DAY, LEDGERS
from tests.support.records import NOON, ended, hold


@pytest.fixture(params=LEDGERS)
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LedgerStore]:
    store = LEDGERS[request.param](tmp_path)
    yield store
    store.close()


def test_first_claim_of_a_key_wins_and_its_words_are_kept(ledger: LedgerStore) -> None:
    assert ledger.claim_alert("day", NOON, "80 % of the day")
    assert not ledger.claim_alert("day", NOON + DAY, "other words")
    assert ledger.alerts() == [(NOON, "day", "80 % of the day")]


def test_claim_outlives_the_ledger_that_made_it(ledger: LedgerStore) -> None:
    assert ledger.claim_alert("day", NOON, "")
    ledger.close()
    assert not ledger.claim_alert("day", NOON, "")


def test_alerts_come_in_order_of_time_from_a_moment_on(ledger: LedgerStore) -> None:
    for key, at in (("late", NOON + DAY), ("first", NOON), ("second", NOON)):
        ledger.claim_alert(key, at, "")
    assert [key for _, key, _ in ledger.alerts()] == ["first", "second", "late"]
    assert [key for _, key, _ in ledger.alerts(since=NOON + DAY)] == ["late"]


def test_only_the_alerts_claimed_last_come_if_so_many_are_asked_for(
    ledger: LedgerStore,
) -> None:
    for key in ("first", "second", "third"):
        ledger.claim_alert(key, NOON, "")
    ledger.claim_alert("late", NOON + DAY, "")
    assert [key for _, key, _ in ledger.alerts(limit=3)] == ["second", "third", "late"]
    later = ledger.alerts(since=NOON + DAY, limit=3)
    assert [key for _, key, _ in later] == ["late"]


def test_windows_have_what_ten_minutes_spent_in_each_pot(ledger: LedgerStore) -> None:
    def at(minutes: float) -> datetime:
        return NOON + timedelta(minutes=minutes)

    for name, minutes, pico in (
        ("a", 0, 1),
        ("b", 9.99, 2),
        ("c", 10, 4),
        ("d", 30, 8),
    ):
        ledger.add(ended(hold(name, at=at(minutes)), pico))
    ledger.add(ended(hold("toy", at=at(1), simulated=True), 16))
    ledger.reserve(hold("held", at=at(11)), (), at(20))
    windows = ledger.windows(NOON, at(30), simulated=False)
    assert windows == [(at(0), 3), (at(10), 4)]
    assert ledger.windows(NOON, at(30), simulated=True) == [(at(0), 16)]
    ledger.settle(ended(hold("held", at=at(40)), 32))
    windows = ledger.windows(at(10), at(40), simulated=False)
    assert windows == [(at(10), 36), (at(30), 8)]


def test_text_that_utf8_cannot_hold_is_claimed_once(ledger: LedgerStore) -> None:
    assert ledger.claim_alert("\ud83d", NOON, "\ud83d")
    assert not ledger.claim_alert("\ud83d", NOON, "")


def test_one_of_many_threads_wins_each_claim(ledger: LedgerStore) -> None:
    start = threading.Barrier(8)
    won: list[str] = []

    def claim_all() -> None:
        start.wait()
        for number in range(50):
            if ledger.claim_alert(str(number), NOON, ""):
                won.append(str(number))

    threads = [threading.Thread(target=claim_all) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won, key=int) == [str(number) for number in range(50)]


@pytest.mark.parametrize("implementation", LEDGERS)
def test_one_of_many_processes_wins_each_claim(
    implementation: str, tmp_path: Path
) -> None:
    start = processes.Barrier(len(FOUR))
    out, theirs = processes.Pipe(duplex=False)
    workers = [
        processes.Process(target=claims, args=(implementation, tmp_path, start, theirs))
        for _ in FOUR
    ]
    for worker in workers:
        worker.start()
    theirs.close()
    won = [key for _ in FOUR for key in out.recv()]
    for worker in workers:
        worker.join()
    assert sorted(won, key=int) == [str(number) for number in range(50)]
