"""Who fetches a key at present, and whether that process still lives."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

LONGEST_CLAIM = 3600.0
"""Seconds; a claim that ends later than this is wrong, not patient."""
_CLOCK_ERROR = 60.0  # seconds between two processes' readings of the time


_ours: set[str] = set()
"""The tokens of claims that this process has and has not ended."""


def write_claim(token: str, until: float) -> str:
    """Return this process's claim until a moment, in seconds since the epoch.

    It counts as held until `end_claim`.
    """
    pid = os.getpid()
    _ours.add(token)
    claim = {
        "token": token,
        "until": until,
        "host": _host(),
        "pid": pid,
        "started": _started(pid),
    }
    return json.dumps(claim)


def end_claim(token: str) -> None:
    """Let this process's claim count as free, even if its text stays behind."""
    _ours.discard(token)


def token_of(text: str) -> str | None:
    """Return the token of a claim, or None if the text is none."""
    token = _read(text).get("token")
    return token if isinstance(token, str) else None


def is_live(text: str, now: float) -> bool:
    """Whether a claim still holds: in time, and nobody knows better.

    What is known better is that its process is dead or, if it is this one, that it
    has ended the claim.
    """
    claim = _read(text)
    until, pid = claim.get("until"), claim.get("pid")
    if not isinstance(until, int | float) or not isinstance(pid, int):
        return False
    if not now < until <= now + LONGEST_CLAIM + _CLOCK_ERROR:
        return False
    if claim.get("host") != _host():
        return True
    alive = _is_alive(pid, claim.get("started"))
    return alive and (pid != os.getpid() or claim.get("token") in _ours)


def _read(text: str) -> dict[str, Any]:
    try:
        claim = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return claim if isinstance(claim, dict) else {}


def _is_alive(pid: int, started: object) -> bool:
    if sys.platform == "win32":
        return True  # there os.kill(pid, 0) sends Ctrl-C; the claim's end must do
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # somebody else's, but alive
    # The number may have passed to another process, which started later.
    now_started = _started(pid)
    return now_started is None or started is None or now_started == started


def _started(pid: int) -> str | None:
    """Return a process's start in kernel ticks; None where the kernel does not say.

    A process that ended and waits to be collected has the start `ended`.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # The name in parentheses may hold anything; the numbered fields follow it.
    fields = stat.rpartition(b")")[2].split()
    return "ended" if fields[0] in {b"Z", b"X"} else fields[19].decode()


@functools.cache
def _host() -> str:
    """Return a digest that two processes share if they see each other's numbers."""
    parts = [platform.node().encode()]
    for name in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        path = Path(name)
        try:
            parts.append(
                bytes(path.readlink()) if path.is_symlink() else path.read_bytes()
            )
        except OSError:
            parts.append(b"")
    return hashlib.sha256(b"\n".join(parts)).hexdigest()[:16]
