"""What a ledger is put through in a process of its own.

A tool that measures the tests takes locks in every line: an interrupt or a fork that
hits one would hang the run for a reason that is not the ledger's.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import warnings
from pathlib import Path
from types import FrameType

from costroute_nb.ledger.sqlite import SqliteLedger
from tests.support.ledgers import LEASE, of_day
from tests.support.records import ended, hold


def interrupt_at_any_moment(path: Path) -> None:
    """Make 400 calls that a timer interrupts somewhere; release what is left of them."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGALRM, interrupt)
    ledger, other = SqliteLedger(path), SqliteLedger(path, patience=0.25)
    chance = random.Random(7)
    for number in range(400):
        call_id = f"{number}"
        if number % 4 == 0:
            ledger.close()  # an interrupt may hit the opening, too
        try:
            signal.setitimer(signal.ITIMER_REAL, chance.uniform(1e-6, 3e-3))
            ledger.reserve(hold(call_id), [of_day(10**9)], LEASE)
            ledger.settle(ended(hold(call_id)))
            signal.setitimer(signal.ITIMER_REAL, 0)
        except KeyboardInterrupt:
            # That it can: neither a lock nor a transaction is left behind.
            other.release(call_id, 1)


def fork_and_close_first(path: Path) -> None:
    """Let a child reserve before and after its parent closes the ledger."""
    ledger = SqliteLedger(path)
    ledger.reserve(hold("parent"), [], LEASE)
    to_parent, to_child = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        ledger.reserve(hold("early"), [], LEASE)
        os.write(to_parent[1], b".")
        os.read(to_child[0], 1)
        ledger.reserve(hold("late"), [], LEASE)
        os._exit(0)
    os.read(to_parent[0], 1)
    # The last connection to close removes the log: it must know of the child's.
    ledger.close()
    os.write(to_child[1], b".")
    assert os.waitpid(child, 0)[1] == 0
    ledger.settle(ended(hold("parent")))


def fork_while_a_thread_writes(path: Path) -> None:
    """Fork ten times, in the middle of another thread's transactions or near it."""
    ledger = SqliteLedger(path)
    done = threading.Event()

    def keep_busy() -> None:
        number = 0
        while not done.is_set():
            ledger.add(ended(hold(f"thread {number}")))
            number += 1

    thread = threading.Thread(target=keep_busy)
    thread.start()
    try:
        for number in range(10):
            with warnings.catch_warnings():
                # Newer Pythons warn of forks beside threads.
                warnings.simplefilter("ignore", DeprecationWarning)
                child = os.fork()
            if child == 0:
                signal.alarm(5)  # a lock that stayed locked ends the child
                ledger.add(ended(hold(f"child {number}")))
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        done.set()
        thread.join()
