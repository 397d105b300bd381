"""A ledger of a million rows: a call, a look at every sum, a summary, memory.

Run `python -m benchmarks.scale [rows]`. The rows are ninety days of pipelines: four
sessions at a time, each of 2,500 attempts of one workflow with four steps, on three
models and with six outcomes.
"""

from __future__ import annotations

import resource
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from benchmarks.report import Line, table
from costroute_nb.budget import Budget
from costroute_nb.clock import SystemClock
from costroute_nb.core.budget import Limits, day_period, month_period
from costroute_nb.core.messages import Usage
from costroute_nb.core.record import Record
from costroute_nb.ledger import schema
from costroute_nb.ledger.sqlite import SqliteLedger
from costroute_nb.notebook.reading import SCOPES, Reader
from costroute_nb.reports import Scope, grouped
from costroute_nb.session import Session

if TYPE_CHECKING:
    from benchmarks.place import Place

DAYS = 90
PER_SESSION = 2_500
AT_ONCE = 4
CALLS = 500
LIMITS = Limits(call=1.0, session=1e5, day=1e5, month=1e6)
ZONE = ZoneInfo("America/New_York")

_STEPS = (
    ("fetch", "mechanical"), ("label", "classify"), ("draft", "write"), ("judge", "review"),
)  # fmt: skip
_MODELS = (
    ("claude-haiku-5-5", "small"),
    ("claude-sonnet-5-5", "medium"),
    ("claude-opus-5-5", "large"),
)
_STATUSES = ("ok", "cached", "escalated", "truncated", "failed", "unknown")


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as directory:
        print(table(list(lines(Path(directory), rows))))


def measure(place: Place) -> Iterator[Line]:
    """Yield the lines of this subject."""
    with tempfile.TemporaryDirectory() as directory:
        yield from lines(Path(directory), place.times(1_000_000, 20_000))


def lines(directory: Path, rows: int) -> Iterator[Line]:
    path = directory / "ledger.sqlite3"
    started = perf_counter()
    fill(path, rows)
    size = path.stat().st_size / 1e6
    note = f"{rows:,} rows, {size:,.0f} MB, filled in {perf_counter() - started:.0f} s"
    yield Line(f"ledger of {rows:,} rows", note=note)
    ledger = SqliteLedger(path)
    reserves, settles = calls(ledger)
    yield Line("  reserve", median(reserves), most_seconds=0.001)
    yield Line("  settle", median(settles), most_seconds=0.001)
    for name, work in looks(ledger).items():
        yield Line(f"  {name}", median(times(work, 5)), most_seconds=0.1)
    yield from readings(path)
    yield from summaries(ledger)
    ledger.close()


def calls(ledger: SqliteLedger) -> tuple[list[float], list[float]]:
    """Return the seconds of reserves and of settles."""
    budget = Budget(ledger, SystemClock(), LIMITS, ZONE, "own", False)
    reserves, settles, chance = [], [], Random(1)  # noqa: S311 -- the same in each run
    for number in range(CALLS):
        hold = _record(chance, 0, budget.now(), f"call {number}", "own")
        hold = replace(hold, status="pending", charged=10**9)
        reserves += times(partial(budget.reserve, hold), 1)
        done = replace(hold, status="ok", cost=10**9, usage=Usage(300, 80))
        settles += times(partial(ledger.settle, done), 1)
    return reserves, settles


def looks(ledger: SqliteLedger) -> dict[str, Callable[[], object]]:
    """Return what a dashboard asks for, by name."""
    now = SystemClock().now()
    today, month = day_period(now, ZONE), month_period(now, ZONE)

    def look(*by: str, **scope: Any) -> Callable[[], object]:
        return partial(ledger.totals, by, simulated=False, **scope)

    scopes: dict[str, dict[str, Any]] = {
        "this session": {"session_id": "own"},
        "today": {"since": today[0], "until": today[1]},
        "this month": {"since": month[0], "until": month[1]},
    }
    return {
        f"totals by {' and '.join(by)}, {name}": look(*by, **scope)
        for name, scope in scopes.items()
        for by in (("quarter",), ("model", "tier"), ("workflow", "step"))
    }


def readings(path: Path) -> Iterator[Line]:
    """Yield how long everything takes that a dashboard reads after a change."""
    with Session(
        provider="anthropic", ledger_url=str(path), timezone=ZONE.key
    ) as session:
        reader = Reader(session)
        for scope, name in SCOPES.items():
            found = times(partial(reader.read, scope), 9)
            yield Line(f"  dashboard, {name}", median(found), most_seconds=0.1)
        reader.latest("month")
        found = times(partial(reader.latest, "month"), 9)
        yield Line("  dashboard, nothing changed", median(found), most_seconds=0.001)


def summaries(ledger: SqliteLedger) -> Iterator[Line]:
    """Yield how long summaries take, and what reading everything adds to memory."""
    scopes = {"ever": Scope(simulated=False)}
    scopes["30 days"] = Scope(False, since=SystemClock().now() - timedelta(days=30))
    before = memory()
    for name, scope in scopes.items():
        for by in ("workflow", "model", "day"):
            found = times(lambda: grouped(ledger, by, scope, ZONE), 3)  # noqa: B023 -- called at once
            yield Line(f"  summary by {by}, {name}", median(found), most_seconds=2.0)
    started = perf_counter()
    counted = sum(1 for _ in ledger.records())
    seconds = perf_counter() - started
    note = f"{counted:,} records; all of these added {memory() - before:.0f} MB"
    yield Line("  every record once", seconds, note=note)


def times(work: Callable[[], object], rounds: int) -> list[float]:
    found = []
    for _ in range(rounds):
        started = perf_counter()
        work()
        found.append(perf_counter() - started)
    return found


def memory() -> float:
    """Return the most MB that this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fill(path: Path, rows: int) -> None:
    """Write finished rows of the last days into a new ledger."""
    SqliteLedger(path).latest()
    names = ", ".join(schema.STORED)
    places = ", ".join("?" * len(schema.STORED))
    connection = sqlite3.connect(path)
    connection.executemany(
        f"INSERT INTO records ({names}) VALUES ({places})",  # noqa: S608 -- our own names
        map(schema.to_row, _records(rows)),
    )
    connection.commit()
    connection.close()


def _records(rows: int) -> Iterator[Record]:
    chance = Random(5)  # noqa: S311 -- the same in each run
    now = datetime.now(UTC)
    length = timedelta(days=DAYS) / rows
    for number in range(rows):
        at = now - (rows - number) * length
        session = number // (PER_SESSION * AT_ONCE) * AT_ONCE + number % AT_ONCE
        yield _record(chance, session, at, f"{number:x}", f"session {session}")


def _record(
    chance: Random, session: int, at: datetime, call_id: str, session_id: str
) -> Record:
    step, task = chance.choice(_STEPS)
    model, tier = chance.choices(_MODELS, (7, 2, 1))[0]
    status = chance.choices(_STATUSES, (80, 12, 5, 1, 1, 1))[0]
    hit, unknown = status == "cached", status == "unknown"
    cost = 0 if hit else chance.randrange(10**8, 10**10)
    usage = (
        Usage() if hit or unknown else Usage(300, output_tokens=chance.randrange(400))
    )
    return Record(
        call_id=call_id,
        attempt=1,
        at=at,
        session_id=session_id,
        provider="anthropic",
        model=model,
        tier=tier,
        task=task,
        status=status,  # type: ignore[arg-type]
        simulated=False,
        reason=f"rule: {task}",
        notebook=f"pipeline {session % 7}.ipynb",
        cell="4f1c",
        workflow=f"workflow {session % 25}",
        step=step,
        usage=usage,
        cost=None if unknown else cost,
        charged=cost,
        baseline=0 if status == "escalated" else 2 * 10**9,
        cache_hit=hit,
        latency_s=1.0,
        price_as_of="genai-prices 0.2.3",
    )


if __name__ == "__main__":
    main()
