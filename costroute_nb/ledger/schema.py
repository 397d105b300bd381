"""The ledger's tables, and how a record becomes a row and a row a record.

Money is whole pico-USD, time whole microseconds since 1970 in UTC. The tables of
sums are kept by triggers, in the transaction of the row itself, so that they cannot
differ from the rows and a limit is checked without reading a million of them. A
period is a sum of UTC days and, at both ends, of quarter hours: every zone of today
is a multiple of 15 minutes away from UTC, so no civil day begins within a quarter.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from costroute_nb.core.messages import Usage
from costroute_nb.core.record import Record
from costroute_nb.core.tokens import Estimate
from costroute_nb.ledger import rollup, uses
from costroute_nb.ledger.periods import DAY, QUARTER, WINDOW, from_micros, to_micros

VERSION = 3
"""Kept in the file as `PRAGMA user_version`."""

_FIELDS = tuple(field.name for field in dataclasses.fields(Record))
_USAGE_AT = _FIELDS.index("usage")
# The estimate is the last field: a record without one has none.
_RECORD = (*_FIELDS[:_USAGE_AT], *_FIELDS[_USAGE_AT + 1 : -1])
_USAGE = tuple(f.name for f in dataclasses.fields(Usage))
_ESTIMATE = tuple(f.name for f in dataclasses.fields(Estimate))
_AT = _RECORD.index("at")
_FLAGS = ("simulated", "cache_hit", "estimated", "structured")
_BOOLEANS = tuple(map(_RECORD.index, _FLAGS))
_ACCEPTED_AT, _P_FAILS_AT = _RECORD.index("accepted"), _RECORD.index("p_fails")
_ESTIMATE_AT = len(_RECORD) + len(_USAGE)

STORED = (*_RECORD, *_USAGE, *(f"estimated_{name}" for name in _ESTIMATE))
"""The columns of a record, in the order in which `to_row` and `from_row` have them."""

KEPT = ("call_id", "attempt", "at", "session_id", "simulated")
"""What settling never changes: a record stays in the sums in which it was reserved."""

SPENT = "CASE WHEN {0}status = 'pending' THEN 0 ELSE coalesce({0}charged, 0) END"
HELD = "CASE WHEN {0}status = 'pending' THEN coalesce({0}charged, 0) ELSE 0 END"
ANSWERED = "status IN ('ok', 'truncated', 'escalated')"
COUNTED = "estimated_prose IS NOT NULL AND NOT estimated AND status <> 'pending'"
IN_THREADS = "thread IS NOT NULL AND attempt = 1 AND NOT cache_hit"
JUDGED = "p_fails IS NOT NULL AND accepted IS NOT NULL"

# What version 1 did not have, at the end what version 2 did not; a row of then gets
# the default.
_ADDED_COLUMNS = {
    "effort": "TEXT",
    "structured": "INTEGER NOT NULL DEFAULT 0",
    "thread": "TEXT",
    "trimmed_tokens": "INTEGER NOT NULL DEFAULT 0",
    "trimmed": "INTEGER DEFAULT 0",
    "estimated_prose": "INTEGER",
    "estimated_code": "INTEGER",
    "estimated_wide": "INTEGER",
    "estimated_overhead": "INTEGER",
    "p_fails": "REAL",
    "accepted": "INTEGER",
    "estimator": "TEXT",
}

# A row with `lease_until` was never settled: it is pending, or it has lapsed.
_RECORDS = f"""
CREATE TABLE records (
    id                    INTEGER PRIMARY KEY,
    call_id               TEXT    NOT NULL,
    attempt               INTEGER NOT NULL,
    at                    INTEGER NOT NULL,
    session_id            TEXT    NOT NULL,
    provider              TEXT    NOT NULL,
    model                 TEXT    NOT NULL,
    tier                  TEXT    NOT NULL,
    task                  TEXT    NOT NULL,
    status                TEXT    NOT NULL,
    simulated             INTEGER NOT NULL,
    reason                TEXT    NOT NULL,
    notebook              TEXT,
    cell                  TEXT,
    workflow              TEXT,
    step                  TEXT,
    input_tokens          INTEGER NOT NULL,
    cache_read_tokens     INTEGER NOT NULL,
    cache_write_5m_tokens INTEGER NOT NULL,
    cache_write_1h_tokens INTEGER NOT NULL,
    output_tokens         INTEGER NOT NULL,
    thinking_tokens       INTEGER NOT NULL,
    web_searches          INTEGER NOT NULL,
    service_tier          TEXT    NOT NULL,
    speed                 TEXT    NOT NULL,
    geo                   TEXT    NOT NULL,
    cost                  INTEGER,
    charged               INTEGER,
    baseline              INTEGER,
    cache_hit             INTEGER NOT NULL,
    estimated             INTEGER NOT NULL,
    latency_s             REAL    NOT NULL,
    price_as_of           TEXT    NOT NULL,
    {", ".join(f"{name} {kind}" for name, kind in _ADDED_COLUMNS.items())},
    lease_until           INTEGER,
    UNIQUE (call_id, attempt),
    CHECK (status <> 'pending' OR lease_until IS NOT NULL)
)
"""

# SQLite turns an integer sum that overflows into a float: refuse to store one.
_SUMS = """
CREATE TABLE {table} (
    simulated INTEGER NOT NULL,
    {key}     {kind} NOT NULL,
    spent     INTEGER NOT NULL CHECK (typeof(spent) = 'integer'),
    held      INTEGER NOT NULL CHECK (typeof(held) = 'integer'),
    PRIMARY KEY (simulated, {key})
) WITHOUT ROWID
"""

_ALERTS = """
CREATE TABLE alerts (
    id   INTEGER PRIMARY KEY,
    key  TEXT    NOT NULL UNIQUE,
    at   INTEGER NOT NULL,
    text TEXT    NOT NULL
)
"""


def _move(row: str, spent: str, held: str) -> str:
    """Return the SQL that adds amounts to the sums that a trigger's row belongs to."""
    return "".join(
        f"INSERT INTO {table} VALUES ({row}.simulated, {value}, {spent}, {held}) "  # noqa: S608 -- our own names
        f"ON CONFLICT (simulated, {key}) DO UPDATE SET "
        "spent = spent + excluded.spent, held = held + excluded.held; "
        for table, key, value in (
            ("window_sums", "window", f"{row}.at / {WINDOW}"),
            ("quarter_sums", "quarter", f"{row}.at / {QUARTER}"),
            ("day_sums", "day", f"{row}.at / {DAY}"),
            ("session_sums", "session_id", f"{row}.session_id"),
        )
    )


_OLD = SPENT.format("OLD."), HELD.format("OLD.")
_NEW = SPENT.format("NEW."), HELD.format("NEW.")
_ADDED = _move("NEW", *_NEW)
_CHANGED = _move(
    "NEW", *(f"{new} - {old}" for new, old in zip(_NEW, _OLD, strict=True))
)
_REMOVED = _move("OLD", *(f"-({old})" for old in _OLD))
_MARK = (
    "INSERT INTO high_water VALUES (1, NEW.at) "
    "ON CONFLICT (id) DO UPDATE SET at = max(at, excluded.at); "
)

_WINDOW_SUMS = _SUMS.format(table="window_sums", key="window", kind="INTEGER")
_INDEXES_SINCE_2 = {
    "records_counted": "CREATE INDEX records_counted ON records (simulated, id)"
    f" WHERE {COUNTED}",
    "records_in_threads": "CREATE INDEX records_in_threads ON records (simulated, id)"
    f" WHERE {IN_THREADS}",
    "records_special": uses.INDEX,
}
_INDEXES_SINCE_3 = {
    # With all that is asked for: no row itself is looked at.
    "records_judged": "CREATE INDEX records_judged ON records"
    f" (simulated, estimator, tier, id, p_fails, accepted) WHERE {JUDGED}",
}
_SUM_TRIGGERS = {
    "added": f"CREATE TRIGGER added AFTER INSERT ON records BEGIN {_ADDED}{_MARK}END",
    "changed": "CREATE TRIGGER changed AFTER UPDATE OF status, charged ON records"
    f" BEGIN {_CHANGED}END",
    "removed": f"CREATE TRIGGER removed AFTER DELETE ON records BEGIN {_REMOVED}END",
}

STATEMENTS = (
    _RECORDS,
    _WINDOW_SUMS,
    _SUMS.format(table="quarter_sums", key="quarter", kind="INTEGER"),
    _SUMS.format(table="day_sums", key="day", kind="INTEGER"),
    _SUMS.format(table="session_sums", key="session_id", kind="TEXT"),
    *rollup.TABLES,
    _ALERTS,
    "CREATE TABLE high_water (id INTEGER PRIMARY KEY, at INTEGER NOT NULL)",
    "CREATE INDEX records_by_time ON records (at)",
    "CREATE INDEX records_by_session ON records (session_id, at)",
    "CREATE INDEX records_held ON records (lease_until) WHERE status = 'pending'",
    "CREATE INDEX records_answered ON records (task, model, simulated, id)"
    f" WHERE {ANSWERED}",
    *_INDEXES_SINCE_2.values(),
    *_INDEXES_SINCE_3.values(),
    *_SUM_TRIGGERS.values(),
    f"CREATE TRIGGER kept BEFORE UPDATE OF {', '.join(KEPT)} ON records"
    " BEGIN SELECT RAISE(ABORT, 'a record stays where it was reserved'); END",
    *rollup.TRIGGERS,
    f"PRAGMA user_version = {VERSION}",
)
"""What makes an empty file a ledger, in one transaction."""


def upgraded(version: int, columns: Collection[str]) -> tuple[str, ...]:
    """Return the statements that make a ledger of an earlier version one of this.

    `columns` are those of its records. Everything stays where it is and only what is
    new is added, so that it takes little time, and nothing of the user's own in the
    file is touched. All of it belongs into one transaction.
    """
    return (
        *(
            f"ALTER TABLE main.records ADD COLUMN {name} {kind}"
            for name, kind in _ADDED_COLUMNS.items()
            if name not in columns
        ),
        *(_SINCE_2 if version < 2 else ()),
        *_anew("INDEX", _INDEXES_SINCE_3),
        f"PRAGMA user_version = {VERSION}",
    )


def _anew(kind: str, statements: Mapping[str, str]) -> tuple[str, ...]:
    """Return what makes things of these names, also where there are such already."""
    dropped = (f"DROP {kind} IF EXISTS main.{name}" for name in statements)
    return (*dropped, *statements.values())


_SINCE_2 = (
    *_anew("TABLE", {"window_sums": _WINDOW_SUMS}),
    f"INSERT INTO window_sums SELECT simulated, at / {WINDOW},"  # noqa: S608 -- our own names
    f" sum({SPENT.format('')}), sum({HELD.format('')}) FROM records GROUP BY 1, 2",
    *_anew("INDEX", _INDEXES_SINCE_2),
    *_anew("TRIGGER", _SUM_TRIGGERS),
)


def to_row(record: Record) -> tuple[Any, ...]:
    """Return a record's values in the order of `STORED`."""
    values = [getattr(record, name) for name in _RECORD]
    if record.p_fails is not None:
        # An estimator may count by numpy, whose numbers SQLite takes for bytes.
        values[_P_FAILS_AT] = float(record.p_fails)
    values += [getattr(record.usage, name) for name in _USAGE]
    values += [getattr(record.estimate, name, None) for name in _ESTIMATE]
    return tuple(_stored(value) for value in values)


def from_row(row: tuple[Any, ...]) -> Record:
    """Return the record of a row in the order of `STORED`."""
    values = list(row[: len(_RECORD)])
    values[_AT] = from_micros(values[_AT])
    for position in _BOOLEANS:
        values[position] = bool(values[position])
    if values[_ACCEPTED_AT] is not None:
        values[_ACCEPTED_AT] = bool(values[_ACCEPTED_AT])
    # By position: a report reads a million of them.
    values.insert(_USAGE_AT, Usage(*row[len(_RECORD) : _ESTIMATE_AT]))
    counts = row[_ESTIMATE_AT:]
    values.append(None if counts[0] is None else Estimate(*counts))
    return Record(*values)


def _stored(value: Any) -> Any:
    if isinstance(value, datetime):
        return to_micros(value)
    return storable(value) if isinstance(value, str) else value


def storable(text: str) -> str:
    """Return text as UTF-8 can hold it."""
    # Text of a model may hold half a surrogate pair, which UTF-8 cannot: a row must
    # not be lost for it.
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode("utf-8")
