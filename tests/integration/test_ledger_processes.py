"""Many processes on one ledger: no limit is overspent, no row is lost."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from costroute_nb.core.budget import Balance, Check
from costroute_nb.core.money import PICO_PER_USD
from costroute_nb.ledger.sqlite import SqliteLedger
from tests.support.ledger_workers import (
    CENT,
    FOUR,
    add_one,
    hold_until_killed,
    processes,
    spend_until_refused,
)

DOLLAR = PICO_PER_USD


@pytest.fixture(scope="module", autouse=True)
def _quick_processes() -> None:
    processes.set_forkserver_preload(["tests.support.ledger_workers"])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite3"


def these_days() -> Check:
    """Return a period around today, lest midnight falls into a test."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    day = timedelta(days=1)
    return Check("day", DOLLAR, since=midnight - day, until=midnight + 2 * day)


def differences(path: Path) -> list[tuple[object, ...]]:
    """Return where the sums are not those of the rows, and any damage of the file."""
    spent = "CASE WHEN status = 'pending' THEN 0 ELSE coalesce(charged, 0) END"
    held = "CASE WHEN status = 'pending' THEN coalesce(charged, 0) ELSE 0 END"
    found: list[tuple[object, ...]] = []
    with closing(sqlite3.connect(path)) as connection:
        for table, key in (
            ("window_sums", "at / 600000000"),
            ("quarter_sums", "at / 900000000"),
            ("day_sums", "at / 86400000000"),
            ("session_sums", "session_id"),
        ):
            rows = (
                f"SELECT simulated, {key}, sum({spent}), sum({held})"
                " FROM records GROUP BY 1, 2"
            )
            sums = f"SELECT * FROM {table}"
            found += connection.execute(f"{rows} EXCEPT {sums}").fetchall()
            found += connection.execute(f"{sums} EXCEPT {rows}").fetchall()
        for table, time, key in (
            ("quarter_totals", "quarter", "session_id, status"),
            ("quarter_models", "quarter", "model, tier"),
            ("day_totals", "day", "session_id, status"),
        ):
            length = {"quarter": 900_000_000, "day": 86_400_000_000}[time]
            rows = (
                f"SELECT simulated, at / {length}, {key}, count(*), total(cost),"
                " total(charged) FROM records WHERE status <> 'pending'"
                " GROUP BY 1, 2, 3, 4"
            )
            sums = (
                f"SELECT simulated, {time}, {key}, sum(attempts), total(cost),"
                f" total(charged) FROM {table} GROUP BY 1, 2, 3, 4"
                " HAVING sum(attempts)"
            )
            found += connection.execute(f"{rows} EXCEPT {sums}").fetchall()
            found += connection.execute(f"{sums} EXCEPT {rows}").fetchall()
        damage = connection.execute("PRAGMA integrity_check").fetchall()
    return found + [row for row in damage if row != ("ok",)]


def test_four_processes_of_eight_threads_spend_a_dollar_and_never_more(
    path: Path,
) -> None:
    start = processes.Barrier(len(FOUR) + 1)
    workers = [
        processes.Process(target=spend_until_refused, args=(path, name, start))
        for name in FOUR
    ]
    for worker in workers:
        worker.start()
    ledger = SqliteLedger(path)
    start.wait()
    seen = []
    while any(worker.is_alive() for worker in workers):
        balance = ledger.balance(these_days(), simulated=False)
        seen.append(balance.spent + balance.held)
        time.sleep(0.005)
    assert [worker.exitcode for worker in workers] == [0] * len(FOUR)
    assert max(seen) <= DOLLAR
    records = list(ledger.records())
    assert {record.call_id[:3] for record in records} == set(FOUR)
    final = ledger.balance(these_days(), simulated=False)
    assert final.held == 0
    assert 95 * CENT <= final.spent <= DOLLAR
    assert sum(record.charged or 0 for record in records) == final.spent
    ledger.close()
    assert differences(path) == []


# The signal is what is tested, and Windows has none; CI runs where it is.
@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9")
def test_processes_killed_in_mid_hold_lose_no_row_and_their_holds_expire(
    path: Path,
) -> None:
    told = set()
    chance = random.Random(5)
    for victim in range(20):
        out, theirs = processes.Pipe(duplex=False)
        worker = processes.Process(
            target=hold_until_killed, args=(path, f"{victim}", theirs)
        )
        worker.start()
        theirs.close()
        told.add(out.recv())
        time.sleep(chance.uniform(0, 0.02))
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()
        try:
            while True:
                told.add(out.recv())
        except (EOFError, OSError):
            out.close()
        assert differences(path) == []

    ledger = SqliteLedger(path)
    before = ledger.balance(these_days(), simulated=False)
    lapsed = ledger.expire(datetime.now(UTC) + timedelta(minutes=2))
    records = list(ledger.records())
    assert told <= {record.call_id for record in records}
    unknown = [record for record in records if record.status == "unknown"]
    assert len(unknown) == lapsed
    assert before.held == lapsed * CENT > 20 * CENT
    assert {(record.cost, record.charged) for record in unknown} == {(None, CENT)}
    after = ledger.balance(these_days(), simulated=False)
    assert after == Balance(spent=before.spent + before.held, held=0)
    ledger.close()
    assert differences(path) == []


@pytest.mark.parametrize("attempt", range(3))
def test_processes_that_open_a_fresh_ledger_at_once_all_find_it_ready(
    path: Path, attempt: int
) -> None:
    start = processes.Barrier(len(FOUR))
    workers = [
        processes.Process(target=add_one, args=(path, name, start)) for name in FOUR
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * len(FOUR)
    ledger = SqliteLedger(path)
    assert {record.call_id for record in ledger.records()} == set(FOUR)
    assert ledger._shared.fetch("PRAGMA journal_mode") == [("wal",)]
    ledger.close()
    assert differences(path) == []
