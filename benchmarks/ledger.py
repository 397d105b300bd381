"""What one call costs in the ledger: reserve and settle, empty and with a million rows.

Run `python -m benchmarks.ledger [rows]`. The ratio is to one bare insert of the same
row into a SQLite file with the same journal, measured in the same run.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from zoneinfo import ZoneInfo

from costroute_nb.budget import Budget
from costroute_nb.clock import SystemClock
from costroute_nb.core.budget import Limits
from costroute_nb.core.messages import Usage
from costroute_nb.core.record import Record
from costroute_nb.ledger import schema
from costroute_nb.ledger.periods import to_micros
from costroute_nb.ledger.sqlite import SqliteLedger

CALLS = 2_000
LIMITS = Limits(call=1.0, session=1e5, day=1e5, month=1e6)

HOLD = Record(
    call_id="",
    attempt=1,
    at=datetime.now(UTC),
    session_id="session",
    provider="anthropic",
    model="claude-haiku-5-5",
    tier="small",
    task="mechanical",
    status="pending",
    simulated=False,
    reason="rule: mechanical",
    charged=2_000_000_000,
)


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as directory:
        bare = _bare_insert(Path(directory) / "bare.sqlite3")
        print(f"bare insert            p50 {bare * 1e6:7.0f} us")
        path = Path(directory) / "ledger.sqlite3"
        _report("empty ledger", path, bare)
        started = perf_counter()
        _fill(path, rows)
        print(f"{rows:,} rows written in {perf_counter() - started:.0f} s")
        _report(f"{rows:,} rows", path, bare)


def _report(title: str, path: Path, bare: float) -> None:
    ledger = SqliteLedger(path)
    budget = Budget(ledger, SystemClock(), LIMITS, ZoneInfo("UTC"), "session", False)
    reserves, settles = [], []
    for number in range(CALLS):
        hold = replace(HOLD, call_id=f"{title} {number:x}", at=budget.now())
        reserves.append(_seconds(partial(budget.reserve, hold)))
        done = replace(
            hold, status="ok", cost=10**9, charged=10**9, usage=Usage(300, 80)
        )
        settles.append(_seconds(partial(ledger.settle, done)))
    assert ledger.balance(budget._scope("session", HOLD.at), simulated=False).held == 0
    both = median(reserves) + median(settles)
    print(
        f"{title:<16} reserve p50 {median(reserves) * 1e6:7.0f} us, "
        f"settle p50 {median(settles) * 1e6:7.0f} us, both {both / bare:.1f}x bare"
    )
    ledger.close()


def _seconds(work: Callable[[], object]) -> float:
    started = perf_counter()
    work()
    return perf_counter() - started


def _bare_insert(path: Path) -> float:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"CREATE TABLE records ({', '.join(schema.STORED)})")
    insert = f"INSERT INTO records VALUES ({', '.join('?' * len(schema.STORED))})"  # noqa: S608 -- our own names
    row = schema.to_row(HOLD)
    times = [_seconds(lambda: connection.execute(insert, row)) for _ in range(CALLS)]
    connection.close()
    return median(times)


def _fill(path: Path, rows: int) -> None:
    """Add finished rows over the last ninety days, 200 sessions of them."""
    values = dict(zip(schema.STORED, schema.to_row(HOLD), strict=True))
    values |= {"status": "ok", "cost": 10**9, "charged": 10**9, "output_tokens": 80}
    names = [name for name in values if name not in ("call_id", "at", "session_id")]
    start = to_micros(HOLD.at - timedelta(days=90))
    step = to_micros(HOLD.at) - start
    connection = sqlite3.connect(path)
    connection.execute(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ? - 1)"  # noqa: S608 -- our own names
        f"INSERT INTO records (call_id, at, session_id, {', '.join(names)}) "
        f"SELECT hex(randomblob(16)), ? + i * ? / ?, 's' || (i % 200),"
        f" {', '.join('?' * len(names))} FROM n",
        (rows, start, step, rows, *(values[name] for name in names)),
    )
    connection.commit()
    connection.close()


if __name__ == "__main__":
    main()
