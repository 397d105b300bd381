"""A lock that a fork waits for, so that no child inherits it held by nobody."""

from __future__ import annotations

import os
import threading
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


def lock_across_forks() -> AbstractContextManager[Any]:
    """Return a lock for work that a child must find either undone or done.

    An import is such work: a child forked in the middle of it could never end it, as
    the thread that makes it does not exist there. A thread may take it again while it
    holds it.
    """
    lock = threading.RLock()
    _all.add(lock)
    return lock


_all: weakref.WeakSet[Any] = weakref.WeakSet()
_held: list[Any] = []
_forking = threading.RLock()


def _before_fork() -> None:
    _forking.acquire()
    for lock in list(_all):
        lock.acquire()
        _held.append(lock)


def _after_fork() -> None:
    while _held:
        _held.pop().release()
    _forking.release()


if hasattr(os, "register_at_fork"):  # Windows cannot fork
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork,
        after_in_child=_after_fork,
    )
