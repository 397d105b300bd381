"""Keep the ledger in one SQLite file that many processes share.

Every change is one `BEGIN IMMEDIATE` transaction, so that two processes never both
find room for the last cent. With `durable=False` no row is lost when a
process dies; a power cut may take the last few, which `durable=True` keeps. A
damaged file is never replaced or repaired: it is the history of money spent, so
every use raises and says how to go on.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from typing import TYPE_CHECKING, Any, TypeVar

from costroute_nb.core.budget import Balance, Refusal
from costroute_nb.ledger import schema
from costroute_nb.ledger import statements as sql
from costroute_nb.ledger.file import LedgerFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from costroute_nb.core.budget import Check
    from costroute_nb.core.record import Record

_T = TypeVar("_T")

_PAGE = 2_000
"""Rows read under the lock at a time."""

_TYPICAL_OF, _TYPICAL_FROM = 50, 5


class SqliteLedger:
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
        self,
        path: Path,
        *,
        durable: bool = False,
        patience: float = 30.0,
    ) -> None:
        self._file = LedgerFile(path, "FULL" if durable else "NORMAL", patience)
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        _ledgers.add(self)

    def reserve(
        self, hold: Record, checks: Sequence[Check], lease_until: datetime
    ) -> Refusal | None:
        """Add a pending record if it fits in all limits, atomically, else refuse.

        Holds that have lapsed by `hold.at` expire first. Among several refusals the
        one that waiting cannot clear is returned.

        Raises
        ------
        ValueError
            If the record is not pending, or the attempt has a record already.
        """
        if hold.status != "pending":
            message = f"a hold is pending, not {hold.status!r}"
            raise ValueError(message)
        until = schema.to_micros(lease_until)

        def work(connection: sqlite3.Connection) -> Refusal | None:
            _expire(connection, hold.at)
            refusals = list(_refusals(connection, hold, checks))
            if refusals:
                return min(refusals, key=lambda refusal: refusal.may_clear)
            _insert(connection, hold, until)
            return None

        return self._transact(work)

    def settle(self, record: Record) -> None:
        """Replace the record of (call_id, attempt), or add it; the last one wins.

        It stays in the period, the session and the pot in which it was reserved.
        """
        row = (*schema.to_row(record), None)
        self._transact(lambda connection: connection.execute(sql.SETTLE, row))

    def release(self, call_id: str, attempt: int) -> None:
        """Remove a hold, also a lapsed one, of which nothing was sent."""
        self._transact(
            lambda connection: connection.execute(sql.RELEASE, (call_id, attempt))
        )

    def add(self, record: Record) -> None:
        """Add a finished record that needed no hold.

        Raises
        ------
        ValueError
            If the attempt has a record already.
        """
        self._transact(lambda connection: _insert(connection, record, None))

    def expire(self, now: datetime) -> int:
        """Turn every hold whose lease is over into `unknown`; return how many."""
        return self._transact(lambda connection: _expire(connection, now))

    def balance(self, check: Check, *, simulated: bool) -> Balance:
        """Return what a limit's scope has spent and holds."""
        return self._read(lambda connection: _balance(connection, check, simulated))

    def latest(self) -> datetime | None:
        """Return the latest moment at which anything was reserved or added."""
        rows = self._fetch("SELECT at FROM high_water")
        return schema.from_micros(rows[0][0]) if rows else None

    def typical_output(
        self, task: str, model: str, *, simulated: bool = False
    ) -> int | None:
        """Return the median output tokens of the last 50 answers, None below five."""
        rows = self._fetch(sql.OUTPUTS, task, model, simulated, _TYPICAL_OF)
        counts = sorted(count for (count,) in rows)
        return counts[len(counts) // 2] if len(counts) >= _TYPICAL_FROM else None

    def records(
        self, *, session_id: str | None = None, since: datetime | None = None
    ) -> Iterator[Record]:
        """Yield finished records in the order in which they were reserved.

        They are read in pages: what finishes meanwhile may or may not be among them.
        """
        position: tuple[Any, ...] = (
            schema.to_micros(since) if since else -(2**63),
            -1,
        )
        scope = () if session_id is None else (session_id,)
        query = sql.FINISHED.format(" AND session_id = ?" if scope else "")
        while rows := self._fetch(query, *position, *scope, _PAGE):
            for row in rows:
                yield schema.from_row(row[2:])
            position = rows[-1][:2]

    def close(self) -> None:
        """Give back the connection; a later use opens the file again."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def _fetch(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self._read(
            lambda connection: connection.execute(query, values).fetchall()
        )

    def _read(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        with self._lock:
            try:
                connection = self._connected()
                return self._file.patiently(lambda: work(connection))
            except sqlite3.Error as error:
                raise self._file.explain(error) from error

    def _transact(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Run work in one transaction: all of it, or after any exception nothing."""
        with self._lock:
            try:
                connection = self._connected()
                # An interrupt may have hit the very rollback of another interrupt.
                connection.rollback()
                self._file.patiently(lambda: connection.execute("BEGIN IMMEDIATE"))
                result = work(connection)
                self._file.patiently(connection.commit)
            except BaseException as error:
                if self._connection is not None:
                    self._connection.rollback()
                if isinstance(error, sqlite3.Error):
                    raise self._file.explain(error) from error
                raise
            return result

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._file.open()
        return self._connection

    def _before_fork(self) -> None:
        self._lock.acquire()
        self.close()

    def _after_fork(self) -> None:
        self._lock.release()


def _insert(connection: sqlite3.Connection, record: Record, until: int | None) -> None:
    try:
        connection.execute(sql.INSERT, (*schema.to_row(record), until))
    except sqlite3.IntegrityError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_CONSTRAINT_UNIQUE:
            raise
        message = f"attempt {record.attempt} of call {record.call_id} is in the ledger already"
        raise ValueError(message) from error


def _expire(connection: sqlite3.Connection, now: datetime) -> int:
    return connection.execute(sql.EXPIRE, (sql.LAPSED, schema.to_micros(now))).rowcount


def _refusals(
    connection: sqlite3.Connection, hold: Record, checks: Sequence[Check]
) -> Iterator[Refusal]:
    needed = hold.charged or 0
    for check in checks:
        balance = _balance(connection, check, hold.simulated)
        if balance.spent + balance.held + needed > check.limit:
            yield Refusal(check, balance, needed)


def _balance(connection: sqlite3.Connection, check: Check, simulated: bool) -> Balance:
    if check.call_id is not None:
        found = connection.execute(sql.OF_CALL, (simulated, check.call_id))
    elif check.session_id is not None:
        found = connection.execute(sql.OF_SESSION, (simulated, check.session_id))
    elif check.since is not None and check.until is not None:
        since, until = schema.to_micros(check.since), schema.to_micros(check.until)
        if since % schema.QUARTER == until % schema.QUARTER == 0:
            bounds = schema.spans(since // schema.QUARTER, until // schema.QUARTER)
            found = connection.execute(sql.OF_PERIOD, {"pot": simulated, **bounds})
        else:
            # A zone of long ago, off the quarter hours: then the rows themselves.
            found = connection.execute(sql.OF_TIMES, (simulated, since, until))
    else:
        message = f"the {check.name} check names no scope"
        raise ValueError(message)
    return Balance(*(found.fetchone() or (0, 0)))


_ledgers: weakref.WeakSet[SqliteLedger] = weakref.WeakSet()
_held: list[SqliteLedger] = []
_forking = threading.RLock()


def _all_before_fork() -> None:
    # SQLite's locks do not survive a fork: neither may a connection. Both processes
    # open the file again when they next need it.
    _forking.acquire()
    _held.extend(_ledgers)
    for ledger in _held:
        ledger._before_fork()


def _all_after_fork() -> None:
    for ledger in _held:
        ledger._after_fork()
    _held.clear()
    _forking.release()


if hasattr(os, "register_at_fork"):  # Windows cannot fork
    os.register_at_fork(
        before=_all_before_fork,
        after_in_parent=_all_after_fork,
        after_in_child=_all_after_fork,
    )
