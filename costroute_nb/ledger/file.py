"""Open the ledger's file: who may read it, how it is journalled, what version it is."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from typing import TYPE_CHECKING, TypeVar

from costroute_nb.errors import ConfigurationError
from costroute_nb.ledger import schema
from costroute_nb.ledger.drives import is_network_drive
from costroute_nb.shown import shown_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_TURN = 0.25
"""Seconds that SQLite waits for a lock at a time; an interrupt is seen in between."""

_ELSEWHERE = "COSTROUTE_LEDGER_URL can name another file"


class LedgerFile:
    """A path, and how to connect to the ledger that is or will be there.

    Parameters
    ----------
    path
        The file; its directory is created.
    synchronous
        SQLite's own word: `NORMAL` or `FULL`.
    patience
        Seconds to wait for other processes before giving up.
    """

    def __init__(self, path: Path, synchronous: str, patience: float) -> None:
        self._path = path
        self._shown = shown_path(path)
        self._synchronous = synchronous
        self._turns = max(1, round(patience / _TURN))

    def open(self) -> sqlite3.Connection:
        """Return a connection that begins no transaction of its own.

        Raises
        ------
        ConfigurationError
            If the file cannot be created, is of a newer version or is no ledger.
        sqlite3.Error
            As SQLite finds it; `explain` says it in words.
        """
        self._create()
        connection = self._connect()
        try:
            version = self._version(connection)
            if version == 0 and not is_network_drive(self._path):
                self._start_wal()
            if version < schema.VERSION:
                self._create_tables(connection)
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            (journal,) = connection.execute("PRAGMA journal_mode").fetchone()
        except BaseException:
            connection.close()
            raise
        if journal != "wal":
            _log.warning(
                "the drive of the ledger %s has no shared memory: it works, but slower;"
                " %s, on a local drive",
                self._shown,
                _ELSEWHERE,
            )
        return connection

    def patiently(self, attempt: Callable[[], _T]) -> _T:
        """Return what an attempt returns that other processes may hold up for a while."""
        for _ in range(self._turns - 1):
            try:
                return attempt()
            except sqlite3.OperationalError as error:
                if _code(error) != sqlite3.SQLITE_BUSY:
                    raise
        return attempt()

    def explain(self, error: sqlite3.Error) -> ConfigurationError:
        """Return what is wrong with the file and what to do about it."""
        code = _code(error)
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            message = (
                f"the ledger {self._shown} is damaged ({error}). It holds what was spent,"
                " so nothing replaces it by itself: put back a copy, recover it with the"
                " sqlite3 shell's .recover, or move it away to begin anew"
            )
        elif code == sqlite3.SQLITE_BUSY:
            message = (
                f"another process has kept the ledger {self._shown} locked for"
                f" {self._turns * _TURN:g} s: end that process and run this again"
            )
        else:
            message = f"cannot use the ledger {self._shown} ({error}): {_ELSEWHERE}"
        return ConfigurationError(message)

    def _create(self) -> None:
        """Create the file for the user alone; -wal and -shm take its permissions."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except OSError as error:
            message = f"cannot create the ledger {self._shown} ({error.strerror}): {_ELSEWHERE}"
            raise ConfigurationError(message) from error

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(
            self._path, timeout=_TURN, isolation_level=None, check_same_thread=False
        )

    def _connection(self) -> contextlib.closing[sqlite3.Connection]:
        return contextlib.closing(self._connect())

    def _version(self, connection: sqlite3.Connection) -> int:
        """Return the schema's version, 0 for an empty file; refuse any other file."""
        query = "SELECT count(*), total(name = 'records') FROM sqlite_master"
        tables, records = self.patiently(lambda: connection.execute(query).fetchone())
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > schema.VERSION:
            message = (
                f"the ledger {self._shown} was written by a newer version (schema "
                f"{version}, this one knows {schema.VERSION}): upgrade costroute-nb, or "
                f"{_ELSEWHERE}"
            )
            raise ConfigurationError(message)
        if tables and not (version and records):
            message = f"{self._shown} is a database but no ledger: {_ELSEWHERE}"
            raise ConfigurationError(message)
        return int(version)

    def _create_tables(self, connection: sqlite3.Connection) -> None:
        """Make an empty file a ledger, or an older ledger one of this version."""
        self.patiently(lambda: connection.execute("BEGIN IMMEDIATE"))
        # Another process may have been first.
        version = self._version(connection)
        statements: Sequence[str] = schema.STATEMENTS if version == 0 else ()
        if 0 < version < schema.VERSION:
            statements = schema.upgraded(version, _columns(connection))
        for statement in statements:
            connection.execute(statement)
        self.patiently(connection.commit)

    def _start_wal(self) -> None:
        """Give an empty file a write-ahead log, unless its drive cannot have one."""
        try:
            with self._connection() as connection:
                self.patiently(lambda: _switch_to_wal(connection))
                # Only the first lock shows whether the shared memory can be had.
                self.patiently(lambda: connection.execute("BEGIN IMMEDIATE"))
                connection.rollback()
        except sqlite3.OperationalError as error:
            if _code(error) == sqlite3.SQLITE_BUSY:
                raise
            self._leave_wal()

    def _leave_wal(self) -> None:
        """Undo the switch, over a connection that wants no shared memory."""
        with self._connection() as connection:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            self.patiently(lambda: connection.execute("PRAGMA journal_mode = DELETE"))


def _columns(connection: sqlite3.Connection) -> list[str]:
    """Return the names of the columns of a ledger's records."""
    found = connection.execute("SELECT name FROM pragma_table_info('records')")
    return [name for (name,) in found]


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError:
        # The pragma waits for no other process; a lock does, until the next turn.
        with contextlib.suppress(sqlite3.OperationalError):
            connection.execute("BEGIN EXCLUSIVE")
        connection.rollback()
        raise


def _code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code, 0 for an error of the module itself."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
