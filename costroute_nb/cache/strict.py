"""A diskcache that keeps text only, so that nothing found in it can run as code.

diskcache loads pickles, from values and from keys, wherever a row says that there is
one; whoever can write the directory could run code with it. Here a row that is not
plain text under a text key is refused, whatever it says.

One connection serves all threads of a process, which take turns: their turns are
shorter than SQLite's own waits between threads, and it can be closed for certain.

Importing this module imports diskcache, so it is imported on first use.
"""

from __future__ import annotations

import functools
import os
import sqlite3
import time
from pathlib import Path
from typing import Any

import diskcache
from diskcache.core import MODE_RAW, MODE_TEXT

from costroute_nb.cache.files import DATABASE, is_value_file, read_value, write_value
from costroute_nb.cache.trouble import RefusedRowError

LOCK_SECONDS = 5.0
"""How long another process's writing is waited for."""
LARGEST_VALUE = 2**26
"""Bytes of the largest value that is read."""

_PRAGMAS = (
    "auto_vacuum = 1",  # the first one: it holds only for a database without tables
    "journal_mode = wal",
    "synchronous = 1",
    "mmap_size = 0",  # a mapped file that is cut short ends the process
    "trusted_schema = 0",
)

# The second column says whether the row has not been used for a minute. Were each use
# written down, as diskcache does it, reading would take a write and its lock.
_LOOK = (
    "SELECT rowid, access_time < (julianday('now') - 2440587.5) * 86400 - 60,"
    " mode, filename, value FROM Cache WHERE key = ? AND raw = 1"
)
_TOUCH = (
    "UPDATE Cache SET access_time = (julianday('now') - 2440587.5) * 86400"
    " WHERE rowid = ?"
)


def open_strict(
    directory: Path, *, size_limit: int, eviction_policy: str
) -> StrictCache:
    """Open a prepared directory as a diskcache that keeps text only.

    Raises
    ------
    OSError, sqlite3.Error
        If it cannot be used, or is damaged.
    """
    if os.path.expandvars(directory) != str(directory):
        message = "diskcache would replace the dollar sign in the directory's name"
        raise OSError(message)
    return StrictCache(
        str(directory),
        timeout=LOCK_SECONDS,
        disk=TextDisk,
        # These are kept in the database, where others may have changed them.
        size_limit=size_limit,
        eviction_policy=eviction_policy,
        cull_limit=10,
        statistics=0,
        tag_index=0,
        disk_min_file_size=2**15,
        sqlite_mmap_size=0,
    )


class TextDisk(diskcache.Disk):
    """Writes and reads text, under keys that are text."""

    def put(self, key: Any) -> tuple[str, bool]:
        """Return a key as it is stored."""
        if type(key) is not str:
            raise RefusedRowError
        return key, True

    def get(self, key: Any, raw: Any) -> str:
        """Return a stored key."""
        if type(key) is not str or not raw:
            raise RefusedRowError
        return key

    def store(
        self, value: Any, read: bool, key: Any = None
    ) -> tuple[int, int, str | None, str | None]:
        """Return the columns of a text, whose file is written if it is long."""
        if type(value) is not str or read:
            raise RefusedRowError
        if len(value) < self.min_file_size:
            return 0, MODE_RAW, None, value
        data = value.encode()
        filename, _ = self.filename()
        write_value(Path(self._directory), filename, data)
        return len(data), MODE_TEXT, filename, None

    def fetch(self, mode: Any, filename: Any, value: Any, read: bool) -> str:
        """Return the text of a row's columns."""
        if not read and mode == MODE_RAW and filename is None and type(value) is str:
            return value
        if not read and mode == MODE_TEXT and value is None and is_value_file(filename):
            try:
                data = read_value(Path(self._directory), filename, LARGEST_VALUE)
                return data.decode()
            except ValueError as error:
                raise RefusedRowError from error
        raise RefusedRowError

    def remove(self, file_path: Any) -> None:
        """Remove a value's file; a planted row may name any file of the user's."""
        if is_value_file(file_path):
            super().remove(file_path)


class StrictCache(diskcache.Cache):
    """One connection, which waits for other processes but not for ever."""

    def __init__(self, directory: str, **settings: Any) -> None:
        self._connection: sqlite3.Connection | None = None
        try:
            super().__init__(directory, **settings)
        except BaseException:
            self.close()
            raise

    @property
    def _con(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = sqlite3.connect(
                Path(self.directory) / DATABASE,
                timeout=LOCK_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
            for pragma in _PRAGMAS:
                self._sql_retry(f"PRAGMA {pragma}").fetchall()
        return self._connection

    @property
    def _sql_retry(self) -> Any:
        return functools.partial(_execute, self._con)

    def close(self) -> None:
        """Close the connection; the next use opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def text(self, key: str) -> str | None:
        """Return a text, whether expired or not; a row that is none is removed."""
        filename = None
        try:
            row = self._con.execute(_LOOK, (key,)).fetchone()
            if row is None:
                return None
            rowid, idle, mode, filename, value = row
            text: str = self._disk.fetch(mode, filename, value, read=False)
        except FileNotFoundError:
            return None
        except (RefusedRowError, sqlite3.OperationalError) as error:
            # What Python says of bytes that are no text has no code from SQLite.
            if hasattr(error, "sqlite_errorcode"):
                raise
            self._remove(key, filename)
            return None
        if idle:
            self._con.execute(_TOUCH, (rowid,))
        return text

    def _remove(self, key: str, filename: object) -> None:
        """Remove a row without looking at what it says."""
        with self._transact() as (sql, remove_file):
            sql("DELETE FROM Cache WHERE key = ? AND raw = 1", (key,))
            remove_file(filename)

    def prune(self, now: float) -> int:
        """Remove what expired by its tag, and every row that would be refused."""
        select = (
            "SELECT rowid, filename FROM Cache WHERE rowid > ?"
            " AND (tag <= ? OR typeof(tag) <> 'real' OR typeof(key) <> 'text'"
            " OR raw <> 1 OR mode NOT IN (1, 3)) ORDER BY rowid LIMIT ?"
        )
        count: int = self._select_delete(select, [0, now, 100])
        return count


def _execute(con: sqlite3.Connection, statement: str, *values: Any) -> sqlite3.Cursor:
    """Execute, also where SQLite reports a lock at once instead of waiting for it."""
    end = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            return con.execute(statement, *values)
        except sqlite3.OperationalError as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            locked = code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
            if not locked or time.monotonic() > end:
                raise
            time.sleep(0.005)
