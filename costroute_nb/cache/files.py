"""The files of a store: private to their owner, and moved aside when damaged."""

from __future__ import annotations

import os
import re
import shutil
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DATABASE = "cache.db"
_DATABASE_FILES = ("cache.db-wal", "cache.db-shm", DATABASE)
_VALUE_FILE = re.compile(r"[0-9a-f]{2}[/\\][0-9a-f]{2}[/\\][0-9a-f]{28}\.val")
_VALUE_DIRECTORY = re.compile(r"[0-9a-f]{2}")
_ASIDE = "cache.damaged-"

Identity = tuple[int, int]


def prepare(directory: Path) -> None:
    """Make a directory (0700) and an empty database (0600), or make them so.

    Raises
    ------
    OSError
        If it cannot be written, or belongs to somebody else.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    _make_private(directory, 0o700)
    # SQLite gives its other files the mode of the database, so that comes first.
    # An existing one is not opened: closing it would drop SQLite's locks on it.
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
    with suppress(FileExistsError):
        os.close(os.open(directory / DATABASE, flags, 0o600))
    for name in _DATABASE_FILES:
        with suppress(FileNotFoundError):
            _make_private(directory / name, 0o600)


def _make_private(path: Path, mode: int) -> None:
    found = path.stat()
    if stat.S_IMODE(found.st_mode) == mode:
        return
    try:
        path.chmod(mode)
    except OSError:
        # Some file systems know no modes; somebody else's files are another matter.
        if hasattr(os, "geteuid") and found.st_uid != os.geteuid():
            raise


def is_value_file(filename: object) -> bool:
    """Whether a name is one that the store gives, inside its own directory."""
    return isinstance(filename, str) and bool(_VALUE_FILE.fullmatch(filename))


def write_value(directory: Path, filename: str, data: bytes) -> None:
    """Write a new file (0600), with its directories (0700)."""
    path = directory / filename
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
    for attempt in range(10):
        try:
            path.parent.parent.mkdir(mode=0o700, exist_ok=True)
            path.parent.mkdir(mode=0o700, exist_ok=True)
            handle = os.open(path, flags, 0o600)
            break
        except FileNotFoundError:  # removed by another process, as they were empty
            if attempt == 9:
                raise
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
    except OSError:
        path.unlink(missing_ok=True)
        raise


def read_value(directory: Path, filename: str, largest: int) -> bytes:
    """Return a plain file's bytes.

    Raises
    ------
    FileNotFoundError
        If it has been removed.
    ValueError
        If it is something else than a file of at most `largest` bytes.
    """
    # A planted link or pipe is neither followed nor waited for.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    message = "not a value file"
    try:
        handle = os.open(directory / filename, flags | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise
    except OSError:
        raise ValueError(message) from None
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_size > largest:
            raise ValueError(message)
        return file.read(largest)


def identity(directory: Path) -> Identity | None:
    """Return which file the database is at present, or None if there is none."""
    try:
        found = (directory / DATABASE).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def set_aside(directory: Path, damaged: Identity, stamp: str) -> str | None:
    """Move a damaged database and its values to a directory, and return its name.

    None if another process has done so already. One that was set aside earlier is
    removed, so that trouble that returns does not fill the disk.
    """
    if identity(directory) != damaged:
        return None
    remove_aside(directory)
    place = directory / f"{_ASIDE}{stamp}-{os.getpid()}"
    place.mkdir(mode=0o700)
    names = [
        path.name
        for path in directory.iterdir()
        if _VALUE_DIRECTORY.fullmatch(path.name) and path.is_dir()
    ]
    for name in (*names, *_DATABASE_FILES):
        # Whoever moves the database first begins a new one, which must stay.
        if identity(directory) != damaged:
            break
        with suppress(FileNotFoundError):
            (directory / name).replace(place / name)
    return place.name


def remove_aside(directory: Path) -> None:
    """Remove what was set aside."""
    for path in directory.glob(f"{_ASIDE}*"):
        shutil.rmtree(path, ignore_errors=True)
