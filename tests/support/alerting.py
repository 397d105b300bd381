"""A process that settles calls on eight threads and prints the alerts it was told.

Usage: python -m tests.support.alerting LEDGER NAME CALLS CENTS
"""

import sys
import threading
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from costroute_nb.alerts import Alerts
from costroute_nb.clock import SystemClock
from costroute_nb.core.budget import Limits
from costroute_nb.ledger.sqlite import SqliteLedger
from costroute_nb.ports import Clock, LedgerStore
from tests.support.records import ended, hold

CENT = 10**10
THREADS = 8
DAY = Limits(call=None, session=None, day=1.0)


def watch(ledger: LedgerStore, clock: Clock, limits: Limits, **more: Any) -> Alerts:
    """Return the alerts of a session called `session`, of real money, days in UTC."""
    options = {"session_id": "session", "simulated": False, **more}
    return Alerts(ledger, clock, lambda: limits, zone=ZoneInfo("UTC"), **options)


def main() -> None:
    """Say `ready`, begin at a line on stdin, and spend in every thread."""
    path, name, calls, cents = sys.argv[1:]
    ledger, clock = SqliteLedger(Path(path)), SystemClock()
    alerts = watch(ledger, clock, DAY)
    alerts.on_alert(lambda alert: sys.stdout.write(f"{alert.key}\n"))

    def spend(thread: int) -> None:
        for number in range(int(calls)):
            held = hold(f"{name} {thread} {number}", at=clock.now())
            record = ended(held, int(cents) * CENT)
            ledger.add(record)
            alerts.settled(record)

    threads = [threading.Thread(target=spend, args=(n,)) for n in range(THREADS)]
    ledger.latest()  # open
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger.close()


if __name__ == "__main__":
    main()
