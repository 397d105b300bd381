"""Stores of the cache on disk, their databases, and other processes that use them."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from costroute_nb.cache.disk import DiskCache

KEY = "a" * 64
ENTRY = {"text": "Rayleigh scattering."}
LARGE = {"text": "x" * 100_000}
ON_POSIX = pytest.mark.skipif(os.name != "posix", reason="files have no modes here")


def text_of(cache: DiskCache, key: str = KEY) -> str | None:
    """Return the text of an entry, or None on a miss."""
    entry = cache.get(key)
    return None if entry is None else entry["text"]


def run_sql(directory: Path, statement: str, *values: Any) -> list[Any]:
    """Work on a store's database behind its back."""
    connection = sqlite3.connect(directory / "cache.db", timeout=10)
    try:
        with connection:
            return connection.execute(statement, values).fetchall()
    finally:
        connection.close()


def start_python(script: str, *arguments: str) -> subprocess.Popen[str]:
    """Run a script in another process that sees the same packages."""
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for a process that must succeed and return what it printed."""
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out


COLUMNS = (
    "key, raw, store_time, expire_time, access_time, access_count, tag, size, mode,"
    " filename, value"
)


def plant(
    directory: Path,
    *,
    key: Any = KEY,
    raw: int = 1,
    mode: int = 1,
    filename: str | None = None,
    value: Any = None,
) -> None:
    """Write a row into a store's database, in place of one with the same key."""
    run_sql(directory, "DELETE FROM Cache WHERE key = ? AND raw = ?", key, raw)
    run_sql(
        directory,
        f"INSERT INTO Cache ({COLUMNS}) VALUES (?, ?, 1, NULL, 1, 0, NULL, 9, ?, ?, ?)",
        *(key, raw, mode, filename, value),
    )
