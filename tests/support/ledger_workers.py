"""What the processes do that share one ledger in a test."""

from __future__ import annotations

import multiprocessing
import random
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path
from zoneinfo import ZoneInfo

from costroute_nb.budget import Budget
from costroute_nb.clock import SystemClock
from costroute_nb.core.budget import Limits
from costroute_nb.core.money import PICO_PER_USD
from costroute_nb.errors import BudgetExceededError
from costroute_nb.ledger.sqlite import SqliteLedger
from tests.support.ledgers import LEDGERS
from tests.support.records import NOON, ended, hold

CENT = PICO_PER_USD // 100
THREADS = 8
FOUR = ("ada", "bea", "cyd", "dov")

# A plain fork would copy the threads' locks of the test run; Windows knows neither.
if sys.platform == "win32":
    processes = multiprocessing.get_context("spawn")
else:
    processes = multiprocessing.get_context("forkserver")


def spend_until_refused(path: Path, name: str, start: Barrier) -> None:
    """Make calls of at most two cents on eight threads until a dollar a day is spent.

    The first is made before the start: each process has a share, however it is scheduled.
    """
    ledger = SqliteLedger(path)
    limits = Limits(call=None, session=None, day=1.0)
    budget = Budget(ledger, SystemClock(), limits, ZoneInfo("UTC"), name, False)

    def calls(thread: int) -> None:
        chance = random.Random(f"{name} {thread}")
        for number in range(10_000):
            worst = chance.randint(CENT // 10, 2 * CENT)
            held = hold(f"{name} {thread} {number}", worst, at=budget.now())
            try:
                held = budget.reserve(held)
            except BudgetExceededError:
                return
            time.sleep(chance.uniform(0, 0.01))
            ledger.settle(ended(held, chance.randint(0, worst)))

    threads = [threading.Thread(target=calls, args=(n,)) for n in range(THREADS)]
    first = budget.reserve(hold(f"{name} first", 2 * CENT, at=budget.now()))
    start.wait()
    ledger.settle(ended(first, CENT))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger.close()


def hold_until_killed(path: Path, name: str, out: Connection) -> None:
    """Reserve without end, telling each hold once it is taken; settle every other."""
    ledger = SqliteLedger(path)
    for number in range(1_000_000):
        held = hold(f"{name} {number}", CENT, at=datetime.now(UTC))
        ledger.reserve(held, [], held.at + timedelta(minutes=1))
        out.send(held.call_id)
        if number % 2:
            ledger.settle(ended(held, CENT // 4))


def add_one(path: Path, name: str, start: Barrier) -> None:
    """Open the ledger at the same moment as others, and add one record."""
    ledger = SqliteLedger(path)
    start.wait()
    ledger.add(ended(hold(name)))
    ledger.close()


def claims(
    implementation: str, directory: Path, start: Barrier, out: Connection
) -> None:
    """Try to claim fifty alerts at the same time as others; tell which were won."""
    ledger = LEDGERS[implementation](directory)
    start.wait()
    out.send([f"{n}" for n in range(50) if ledger.claim_alert(f"{n}", NOON, "")])
    ledger.close()
