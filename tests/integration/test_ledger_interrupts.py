"""The SQLite ledger stays whole through interrupts and forks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from costroute_nb.core.budget import Balance, Check
from costroute_nb.ledger.sqlite import SqliteLedger
from tests.support.ledgers import DAY, LEASE, of_day
from tests.support.records import ended, hold

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions, forks")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "costroute" / "ledger.sqlite3"


@pytest.fixture
def ledger(path: Path) -> Iterator[SqliteLedger]:
    store = SqliteLedger(path)
    yield store
    store.close()


class Interrupting(list[Check]):
    """Checks that an interrupt hits when the first has been looked at."""

    def __iter__(self) -> Iterator[Check]:
        yield of_day()
        raise KeyboardInterrupt


def test_interrupt_within_a_transaction_undoes_all_of_it(ledger: SqliteLedger) -> None:
    ledger.reserve(hold("lapsed"), [], LEASE)
    with pytest.raises(KeyboardInterrupt):
        ledger.reserve(hold(at=LEASE), Interrupting(), LEASE + DAY)
    # The reservation had turned the lapsed hold into spend.
    assert ledger.balance(of_day(), simulated=False) == Balance(spent=0, held=100)
    assert ledger.reserve(hold(at=LEASE), [of_day()], LEASE + DAY) is None
    assert ledger.balance(of_day(), simulated=False) == Balance(spent=100, held=100)


def run(trial: str, path: Path) -> None:
    """Run a trial in a process of its own, which is not measured."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("COVERAGE")
    }
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    script = (
        "import pathlib, sys; from tests.support import ledger_trials; "
        f"ledger_trials.{trial}(pathlib.Path(sys.argv[1]))"
    )
    subprocess.run(
        [sys.executable, "-c", script, str(path)],
        env=environment,
        check=True,
        timeout=60,
    )


@posix
def test_interrupts_at_any_moment_leave_whole_rows_and_a_usable_ledger(
    path: Path, ledger: SqliteLedger
) -> None:
    run("interrupt_at_any_moment", path)
    settled = len(list(ledger.records()))
    assert 0 < settled < 400
    assert ledger.balance(of_day(), simulated=False) == Balance(40 * settled, 0)


def test_transaction_that_a_second_interrupt_left_open_is_undone(
    ledger: SqliteLedger,
) -> None:
    ledger.add(ended(hold("first")))
    connection = ledger._shared._connected()
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("DELETE FROM records")
    ledger.add(ended(hold("second")))
    assert [found.call_id for found in ledger.records()] == ["first", "second"]


@posix
def test_fork_gives_both_processes_a_connection_of_their_own(
    path: Path, ledger: SqliteLedger
) -> None:
    run("fork_and_close_first", path)
    assert ledger.balance(of_day(), simulated=False) == Balance(spent=40, held=200)
    assert ledger._shared.fetch("PRAGMA integrity_check") == [("ok",)]


@posix
def test_fork_waits_for_the_transaction_of_another_thread(
    path: Path, ledger: SqliteLedger
) -> None:
    run("fork_while_a_thread_writes", path)
    children = [
        found.call_id for found in ledger.records() if found.call_id.startswith("child")
    ]
    assert sorted(children) == [f"child {number}" for number in range(10)]
