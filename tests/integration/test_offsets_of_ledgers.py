"""What is learned from a ledger: each estimator's own offsets, and beside forks."""

import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from costroute_nb.clock import SystemClock
from costroute_nb.core.offsets import ENOUGH, PRIOR
from costroute_nb.core.tokens import Estimate
from costroute_nb.counting import TokenCounter
from costroute_nb.ledger.sqlite import SqliteLedger
from costroute_nb.shifting import FRESH, LedgerOffsets
from costroute_nb.tables import load_tables
from tests.support.clock import FakeClock
from tests.support.records import ended, hold
from tests.support.stores import ON_POSIX

SECONDS = 10


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    store = SqliteLedger(tmp_path / "ledger.sqlite3")
    yield store
    store.close()


def reject(ledger: SqliteLedger, estimator: str, number: int = ENOUGH) -> None:
    begun = len(ledger.judged(estimator))
    for n in range(begun, begun + number):
        record = hold(f"{estimator} {n}")
        ledger.add(ended(record, p_fails=0.3, accepted=False, estimator=estimator))


def test_answers_that_one_estimator_spoke_of_shift_no_other(
    ledger: SqliteLedger,
) -> None:
    reject(ledger, "shipped")
    offsets = LedgerOffsets(ledger, FakeClock(), PRIOR)
    assert offsets("shipped").small > PRIOR.small + 1
    assert offsets("installed") == PRIOR


def test_each_estimators_offsets_are_fresh_for_a_while_of_their_own(
    ledger: SqliteLedger,
) -> None:
    clock = FakeClock()
    offsets = LedgerOffsets(ledger, clock, PRIOR)
    offsets("first")
    clock.sleep(FRESH / 2)
    offsets("second")
    for name in ("first", "second"):
        reject(ledger, name)
    clock.sleep(FRESH / 2)
    assert offsets("first").judged_small == ENOUGH
    assert offsets("second").judged_small == 0
    clock.sleep(FRESH / 2)
    assert offsets("second").judged_small == ENOUGH


def child(work: Callable[[], object]) -> int:
    """Return the signal that ended a child, 0 if it did its work in time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(SECONDS)
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def offsets_of(ledger: SqliteLedger) -> Callable[[], object]:
    offsets = LedgerOffsets(ledger, SystemClock(), PRIOR)

    def ask() -> None:
        assert offsets("shipped").judged_small == ENOUGH

    return ask


def estimates_of(ledger: SqliteLedger) -> Callable[[], object]:
    counter = TokenCounter(ledger, load_tables().catalog)
    return lambda: counter.corrected(Estimate(prose=9), "claude-2026", simulated=False)


@ON_POSIX
@pytest.mark.parametrize(
    ("method", "asking"), [("judged", offsets_of), ("counted", estimates_of)]
)
def test_a_process_forks_while_its_threads_read_the_ledger(
    ledger: SqliteLedger,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    asking: Callable[[SqliteLedger], Callable[[], object]],
) -> None:
    reject(ledger, "shipped")
    begun, read = threading.Event(), getattr(SqliteLedger, method)

    def slowly(store: SqliteLedger, *which: str, **pot: bool) -> object:
        if not begun.is_set():
            begun.set()
            threading.Event().wait(0.3)
        return read(store, *which, **pot)

    def fork_beside_threads() -> None:
        ask = asking(ledger)
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        begun.wait()
        assert child(ask) == 0
        for thread in threads:
            thread.join()
        ask()

    monkeypatch.setattr(SqliteLedger, method, slowly)
    # In a child of its own: a process that hangs while it forks cannot say so.
    assert child(fork_beside_threads) == 0


def test_what_has_not_changed_is_not_fitted_again(ledger: SqliteLedger) -> None:
    clock = FakeClock()
    offsets = LedgerOffsets(ledger, clock, PRIOR)
    reject(ledger, "shipped")
    found = offsets("shipped")
    clock.sleep(2 * FRESH)
    assert offsets("shipped") is found
