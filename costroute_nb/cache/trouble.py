"""What went wrong with a store: does it pass, can it be mended, and in which words."""

from __future__ import annotations

import os
import sqlite3
from typing import Literal

Trouble = Literal["passing", "unusable", "damaged"]

_PASSING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_TOOBIG,
}
_UNUSABLE = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}


class RefusedRowError(ValueError):
    """A row that this package did not write."""


def diagnose(error: BaseException) -> Trouble:
    """Tell trouble that passes, or that opening anew may end, from damage."""
    code = _code(error)
    if code in _PASSING:
        return "passing"
    # A Timeout for another reason than a lock: a transaction was left half done.
    if code in _UNUSABLE or type(error).__name__ == "Timeout":
        return "unusable"
    if code:
        return "damaged"
    if isinstance(error, ImportError):
        return "unusable"
    return "passing" if isinstance(error, OSError | MemoryError) else "damaged"


def _code(error: BaseException) -> int:
    """Return SQLite's primary result code; diskcache's Timeout hides it."""
    for cause in (error, error.__context__):
        code = getattr(cause, "sqlite_errorcode", None)
        if code is not None:
            return int(code) & 0xFF
    return 0


def reason(error: BaseException) -> str:
    """Return what happened in words that name no path and no content."""
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    for cause in (error, error.__context__):
        if cause is not None and hasattr(cause, "sqlite_errorcode"):
            return str(cause)
    return type(error).__name__
