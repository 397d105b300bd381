"""Advice on a ledger, and replays of it: how long a reader waits for each.

Run `python -m benchmarks.replays [rows]`.
"""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.report import Line, table
from benchmarks.scale import fill, times
from costroute_nb.advice import advise
from costroute_nb.ledger.sqlite import SqliteLedger
from costroute_nb.pricing.book import PriceBook
from costroute_nb.reports import Scope, records_in
from costroute_nb.tables import load_tables
from costroute_nb.what_if import what_if

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.place import Place

ROWS = 335_000
_LARGE = "claude-opus-5-5"
_CHOICES: dict[str, dict[str, Any]] = {
    "nothing changed": {},
    "another model in a tier": {"tiers": {"large": "claude-sonnet-5-5"}},
    "other prices of a model": {"repricing": {_LARGE: {"input": 3, "output": 15}}},
    "all-large": {"policy": "all-large"},
    "a function of records": {"policy": lambda record: record.model},
}


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with tempfile.TemporaryDirectory() as directory:
        print(table(list(lines(Path(directory), rows))))


def measure(place: Place) -> Iterator[Line]:
    """Yield the lines of this subject."""
    with tempfile.TemporaryDirectory() as directory:
        yield from lines(Path(directory), place.times(ROWS, 5_000))


def lines(directory: Path, rows: int) -> Iterator[Line]:
    path = directory / "ledger.sqlite3"
    fill(path, rows)
    ledger, scope, tables = SqliteLedger(path), Scope(simulated=False), load_tables()
    prices = PriceBook(tables.overrides)
    known: dict[str, Any] = {"catalog": tables.catalog, "prices": prices}
    work = partial(advise, ledger, scope, rules=tables.rules, **known)
    yield Line(f"advice on {rows:,} rows", median(times(work, 3)))
    for name, choice in _CHOICES.items():
        work = partial(what_if, records_in(ledger, scope), **known, **choice)
        yield Line(f"replay, {name}", median(times(work, 3)))
    ledger.close()


if __name__ == "__main__":
    main()
