"""One connection to the ledger's file for all threads of a process, across forks."""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from costroute_nb.ledger.file import LedgerFile

_T = TypeVar("_T")
_Values: TypeAlias = "tuple[object, ...] | Mapping[str, object]"


class SharedConnection:
    """What runs a process's reads and transactions, one at a time.

    The file is opened at the first use, and again after `close` or a fork. All
    methods raise `ConfigurationError`, as the file explains, for what SQLite raises.
    """

    def __init__(self, file: LedgerFile) -> None:
        self._file = file
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        _all.add(self)

    def close(self) -> None:
        """Give back the connection; a later use opens the file again."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def fetch(self, query: str, values: _Values = ()) -> list[tuple[Any, ...]]:
        """Return the rows that a query finds."""
        return self.read(
            lambda connection: connection.execute(query, values).fetchall()
        )

    def read(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Return what work returns that only looks."""
        with self._lock:
            try:
                connection = self._connected()
                return self._file.patiently(lambda: work(connection))
            except sqlite3.Error as error:
                raise self._file.explain(error) from error

    def transact(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
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

    def before_fork(self) -> None:
        """Close, and let no thread open the file until `after_fork`."""
        self._lock.acquire()
        self.close()

    def after_fork(self) -> None:
        """Let threads open the file again, in this process and the new one."""
        self._lock.release()


_all: weakref.WeakSet[SharedConnection] = weakref.WeakSet()
_held: list[SharedConnection] = []
_forking = threading.RLock()


def _all_before_fork() -> None:
    # SQLite's locks do not survive a fork: neither may a connection. Both processes
    # open the file again when they next need it.
    _forking.acquire()
    _held.extend(_all)
    for shared in _held:
        shared.before_fork()


def _all_after_fork() -> None:
    for shared in _held:
        shared.after_fork()
    _held.clear()
    _forking.release()


if hasattr(os, "register_at_fork"):  # Windows cannot fork
    os.register_at_fork(
        before=_all_before_fork,
        after_in_parent=_all_after_fork,
        after_in_child=_all_after_fork,
    )
