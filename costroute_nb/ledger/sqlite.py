"""Keep the ledger in one SQLite file that many processes share.

Every change is one `BEGIN IMMEDIATE` transaction, so that two processes never both
find room for the last cent. With `durable=False` no row is lost when a
process dies; a power cut may take the last few, which `durable=True` keeps. A
damaged file is never replaced or repaired: it is the history of money spent, so
every use raises and says how to go on.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from costroute_nb.core.budget import Balance, Refusal
from costroute_nb.core.totals import Totals
from costroute_nb.ledger import periods, rollup, schema
from costroute_nb.ledger import statements as sql
from costroute_nb.ledger.connection import SharedConnection
from costroute_nb.ledger.file import LedgerFile
from costroute_nb.ledger.rows import RowReading

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from costroute_nb.core.budget import Check
    from costroute_nb.core.prompt_cache import Gap
    from costroute_nb.core.record import Record

_PAGE = 2_000
"""Rows read under the lock at a time."""

_TYPICAL_OF, _TYPICAL_FROM = 50, 5
_COUNTED, _GAPS = 500, 200


class SqliteLedger(RowReading):
    """The LedgerStore in a file; threads share one connection per process.

    The file is opened at the first use, and again after `close` or a fork. What it
    creates is readable by the user alone.

    Parameters
    ----------
    path
        Where the file is or will be; its directory is created.
    durable
        Whether a row also survives a power cut, at some milliseconds a row.
    patience
        Seconds to wait for other processes before giving up.

    Raises
    ------
    ConfigurationError
        By every method, if the file cannot be used: damaged, of a newer version,
        locked for too long, not writable, on a full disk.
    """

    def __init__(
        self, path: Path, *, durable: bool = False, patience: float = 30.0
    ) -> None:
        file = LedgerFile(path, "FULL" if durable else "NORMAL", patience)
        self._shared = SharedConnection(file)

    def reserve(
        self, hold: Record, checks: Sequence[Check], lease_until: datetime
    ) -> Refusal | None:
        """Add a pending record if it fits in all limits, atomically, else refuse.

        Holds that have lapsed by `hold.at` expire first. Among several refusals the
        one of the least `rank` is returned.

        Raises
        ------
        ValueError
            If the record is not pending, or the attempt has a record already.
        """
        if hold.status != "pending":
            message = f"a hold is pending, not {hold.status!r}"
            raise ValueError(message)
        until = periods.to_micros(lease_until)

        def work(connection: sqlite3.Connection) -> Refusal | None:
            _expire(connection, hold.at)
            refusals = list(_refusals(connection, hold, checks))
            if refusals:
                return min(refusals, key=lambda refusal: refusal.rank)
            _insert(connection, hold, until)
            return None

        return self._shared.transact(work)

    def settle(self, record: Record) -> None:
        """Replace the record of (call_id, attempt), or add it; the last one wins.

        It stays in the period, the session and the pot in which it was reserved.
        """
        row = (*schema.to_row(record), None)
        self._shared.transact(lambda connection: connection.execute(sql.SETTLE, row))

    def release(self, call_id: str, attempt: int) -> None:
        """Remove a hold, also a lapsed one, of which nothing was sent."""
        self._shared.transact(
            lambda connection: connection.execute(sql.RELEASE, (call_id, attempt))
        )

    def add(self, record: Record) -> None:
        """Add a finished record that needed no hold.

        Raises
        ------
        ValueError
            If the attempt has a record already.
        """
        self._shared.transact(lambda connection: _insert(connection, record, None))

    def expire(self, now: datetime) -> int:
        """Turn every hold whose lease is over into `unknown`; return how many."""
        return self._shared.transact(lambda connection: _expire(connection, now))

    def balance(self, check: Check, *, simulated: bool) -> Balance:
        """Return what a limit's scope has spent and holds."""
        return self._shared.read(
            lambda connection: _balance(connection, check, simulated)
        )

    def windows(
        self, since: datetime, until: datetime, *, simulated: bool
    ) -> list[tuple[datetime, int]]:
        """Return what each ten minutes of a period have spent, in order."""
        first, last = (periods.to_micros(at) // periods.WINDOW for at in (since, until))
        rows = self._shared.fetch(sql.WINDOWS, (simulated, first, last))
        return [(periods.from_micros(at * periods.WINDOW), pico) for at, pico in rows]

    def latest(self) -> datetime | None:
        """Return the latest moment at which anything was reserved or added."""
        rows = self._shared.fetch("SELECT at FROM high_water")
        return periods.from_micros(rows[0][0]) if rows else None

    def typical_output(
        self, task: str, model: str, *, simulated: bool = False
    ) -> int | None:
        """Return the median output tokens of the last 50 answers, None below five."""
        rows = self._shared.fetch(sql.OUTPUTS, (task, model, simulated, _TYPICAL_OF))
        counts = sorted(count for (count,) in rows)
        return counts[len(counts) // 2] if len(counts) >= _TYPICAL_FROM else None

    def counted(self, *, simulated: bool) -> list[Record]:
        """Return the newest records of known estimate and usage, oldest first."""
        newest = self._shared.fetch(sql.NEWEST_COUNTED, (simulated, _COUNTED))
        return [schema.from_row(row) for row in reversed(newest)]

    def thread_gaps(self, now: datetime, *, simulated: bool) -> list[Gap]:
        """Return the times between the newest calls of threads, and since their last."""
        return periods.gaps(self._shared.fetch(sql.GAPS, (simulated, _GAPS)), now)

    def records(
        self, *, session_id: str | None = None, since: datetime | None = None
    ) -> Iterator[Record]:
        """Yield finished records in the order in which they were reserved.

        They are read in pages: what finishes meanwhile may or may not be among them.
        """
        position: tuple[Any, ...] = (
            periods.to_micros(since) if since else -(2**63),
            -1,
        )
        scope = () if session_id is None else (session_id,)
        query = sql.FINISHED.format(" AND session_id = ?" if scope else "")
        while rows := self._shared.fetch(query, (*position, *scope, _PAGE)):
            for row in rows:
                yield schema.from_row(row[2:])
            position = rows[-1][:2]

    def totals(
        self,
        by: Sequence[str],
        *,
        simulated: bool,
        session_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        every: int = 1,
    ) -> list[tuple[tuple[str | int | None, ...], Totals]]:
        """Return what each group of finished attempts of one pot comes to.

        With `every`, so many quarters from `since` on make a group, which bears the
        name of the first.

        Raises
        ------
        ValueError
            If there is no such group, or the period splits a quarter hour.
        """
        query = rollup.query(by, of_session=session_id is not None)
        bounds = periods.quarters(since, until)
        if bounds is None:
            message = "totals are of whole quarter hours"
            raise ValueError(message)

        def work(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
            first, last = bounds
            if session_id is not None:
                # Else every day of every session would be looked at.
                begun, ended = _quarters_of(connection, session_id)
                first, last = max(first, begun), min(last, ended)
            values = {
                "pot": simulated,
                "session": session_id,
                "origin": bounds[0],
                "every": every,
            }
            named = {**values, **periods.spans(first, max(first, last))}
            return connection.execute(query, named).fetchall()

        rows = self._shared.read(work)
        return [(row[: len(by)], Totals(*row[len(by) :])) for row in rows]

    def claim_alert(self, key: str, at: datetime, text: str) -> bool:
        """Keep an alert, and return whether this caller was the first with its key."""
        row = schema.storable(key), periods.to_micros(at), schema.storable(text)
        return self._shared.transact(
            lambda connection: connection.execute(sql.CLAIM, row).rowcount == 1
        )

    def alerts(
        self, since: datetime | None = None, limit: int | None = None
    ) -> list[tuple[datetime, str, str]]:
        """Return moment, key and text of all or the last claims, oldest first."""
        first = -(2**63) if since is None else periods.to_micros(since)
        rows = self._shared.fetch(sql.ALERTS, (-1 if limit is None else limit, first))
        return [(periods.from_micros(at), key, text) for at, key, text in rows]

    def version(self) -> object:
        """Return what differs from an earlier one if anything has changed since."""

        def work(connection: sqlite3.Connection) -> object:
            ((others,),) = connection.execute("PRAGMA data_version")
            # Either counts for one connection only: so the connection itself is in it.
            return connection, others, connection.total_changes

        return self._shared.read(work)

    def close(self) -> None:
        """Give back the connection; a later use opens the file again."""
        self._shared.close()


def _insert(connection: sqlite3.Connection, record: Record, until: int | None) -> None:
    try:
        connection.execute(sql.INSERT, (*schema.to_row(record), until))
    except sqlite3.IntegrityError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_CONSTRAINT_UNIQUE:
            raise
        message = f"attempt {record.attempt} of call {record.call_id} is in the ledger already"
        raise ValueError(message) from error


def _quarters_of(connection: sqlite3.Connection, session_id: str) -> tuple[int, int]:
    """Return the quarters between which all of a session's records lie."""
    values = {"session": session_id}
    first, last = connection.execute(sql.SESSION_ENDS, values).fetchone()
    return (0, 0) if first is None else periods.quarters_around(first, last)


def _expire(connection: sqlite3.Connection, now: datetime) -> int:
    return connection.execute(sql.EXPIRE, (sql.LAPSED, periods.to_micros(now))).rowcount


def _refusals(
    connection: sqlite3.Connection, hold: Record, checks: Sequence[Check]
) -> Iterator[Refusal]:
    needed = hold.charged or 0
    for check in checks:
        balance = _balance(connection, check, hold.simulated)
        if not check.takes(balance, needed):
            yield Refusal(check, balance, needed)


def _balance(connection: sqlite3.Connection, check: Check, simulated: bool) -> Balance:
    if check.call_id is not None:
        found = connection.execute(sql.OF_CALL, (simulated, check.call_id))
    elif check.session_id is not None:
        found = connection.execute(sql.OF_SESSION, (simulated, check.session_id))
    elif check.since is not None and check.until is not None:
        bounds = periods.quarters(check.since, check.until)
        if bounds is not None:
            named = {"pot": simulated, **periods.spans(*bounds)}
            found = connection.execute(sql.OF_PERIOD, named)
        else:
            # A zone of long ago, off the quarter hours: then the rows themselves.
            times = periods.to_micros(check.since), periods.to_micros(check.until)
            found = connection.execute(sql.OF_TIMES, (simulated, *times))
    else:
        message = f"the {check.name} check names no scope"
        raise ValueError(message)
    return Balance(*(found.fetchone() or (0, 0)))
