"""One directory of texts that repairs itself and never fails its caller."""

from __future__ import annotations

import logging
import os
import threading
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from costroute_nb.cache import files
from costroute_nb.cache.trouble import diagnose, reason

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from costroute_nb.ports import Clock

T = TypeVar("T")

logger = logging.getLogger("costroute_nb")

MOST_REPAIRS = 3


class Store:
    """Texts by key in a directory, shared by threads and processes.

    Nothing is opened before the first use. Trouble is logged, and reading finds
    nothing then.

    Attributes
    ----------
    lost
        True once the directory turned out to be of no use to this process.
    """

    def __init__(
        self, directory: Path, clock: Clock, *, size_limit: int, eviction_policy: str
    ) -> None:
        self.directory = directory
        self.lost = False
        self._said = ""
        self._clock = clock
        self._settings: dict[str, Any] = {
            "size_limit": size_limit,
            "eviction_policy": eviction_policy,
        }
        self._lock = threading.Lock()
        self._cache: Any = None
        self._identity: files.Identity | None = None
        self._repairs = 0
        _watch(self)

    def read(self, key: str) -> str | None:
        """Return the text under a key, or None."""
        return self._run(lambda cache: cache.text(key), None)

    def write(self, key: str, text: str, *, seconds: float, expires_at: float) -> bool:
        """Keep a text for so many seconds; `expires_at` is what `prune` goes by.

        Returns False if this store is lost.
        """
        self._run(
            lambda cache: cache.set(key, text, expire=seconds, tag=expires_at), None
        )
        return not self.lost

    def remove(self, key: str) -> None:
        """Forget a key."""
        self._run(lambda cache: cache.delete(key), None)

    def change(
        self, key: str, decide: Callable[[str | None], str | None], *, seconds: float
    ) -> tuple[bool, str | None]:
        """Replace a text by what `decide` makes of it, as one step for all processes.

        None removes it. Returns whether that was possible, and the new text.
        """

        def work(cache: Any) -> tuple[bool, str | None]:
            with cache.transact():
                old = cache.text(key)
                new = decide(old)
                if new is None:
                    cache.delete(key)
                elif new != old:
                    cache.set(key, new, expire=seconds)
            return True, new

        impossible: tuple[bool, str | None] = (False, None)
        return self._run(work, impossible)

    def measure(self) -> tuple[int, int]:
        """Return how many texts there are, and the bytes of all files together."""
        return self._run(lambda cache: (len(cache), int(cache.volume())), (0, 0))

    def clear(self) -> int:
        """Remove every text, also what was set aside; return how many were in use."""
        with suppress(OSError):
            files.remove_aside(self.directory)
        return self._run(lambda cache: int(cache.clear()), 0)

    def prune(self, now: float) -> int:
        """Remove what has expired; return how many texts that was."""
        return self._run(lambda cache: int(cache.prune(now)), 0)

    def close(self) -> None:
        """Give back the files; the next use opens them again."""
        with self._lock:
            self._drop()

    def _run(self, work: Callable[[Any], T], otherwise: T) -> T:
        with self._lock:
            for _ in range(2):
                cache = self._opened()
                if cache is None:
                    break
                try:
                    return work(cache)
                except Exception as error:
                    if not self._recover(error):
                        break
                except BaseException:
                    # An interrupt may have left a transaction half done.
                    self._drop()
                    raise
        return otherwise

    def _opened(self) -> Any:
        if self._cache is not None and self._identity != files.identity(self.directory):
            self._drop()  # removed, or set aside by another process
        for _ in range(2):
            if self._cache is not None or self.lost:
                break
            try:
                from costroute_nb.cache.strict import open_strict

                files.prepare(self.directory)
                self._identity = files.identity(self.directory)
                self._cache = open_strict(self.directory, **self._settings)
            except Exception as error:
                if diagnose(error) != "damaged" or not self._repair():
                    self._give_up(error)
        else:
            if self._cache is None:
                self._give_up(None)
        return self._cache

    def _recover(self, error: Exception) -> bool:
        """Do what can be done about an error; True if another try is worth it."""
        trouble = diagnose(error)
        if trouble == "passing":
            self._say(f"the response cache was passed over ({reason(error)})")
            return False
        self._drop()
        return trouble == "unusable" or self._repair()

    def _repair(self) -> bool:
        self._repairs += 1
        if self._repairs > MOST_REPAIRS or self._identity is None:
            self._give_up(None)
            return False
        stamp = f"{self._clock.now():%Y%m%dT%H%M%SZ}"
        try:
            place = files.set_aside(self.directory, self._identity, stamp)
        except OSError as error:
            self._give_up(error)
            return False
        if place is not None:
            self._say(
                f"the response cache was damaged: it was set aside as {place}"
                " and a new one was begun"
            )
        return True

    def _give_up(self, error: Exception | None) -> None:
        if self.lost:
            return
        self.lost = True
        why = "it is damaged again and again" if error is None else reason(error)
        self._say(
            "the response cache on disk cannot be used, answers are kept in memory"
            f" only ({why})"
        )

    def _say(self, message: str) -> None:
        if message != self._said:
            self._said = message
            logger.warning(message)

    def _drop(self) -> None:
        cache, self._cache = self._cache, None
        if cache is not None:
            with suppress(Exception):
                cache.close()


# A fork waits until no store is at work, and the child opens files of its own: SQLite's
# locks belong to the process that took them, while its memory of them is copied.
_stores: weakref.WeakSet[Store] = weakref.WeakSet()
_stores_lock = threading.Lock()
_waiting: list[Store] = []


def _watch(store: Store) -> None:
    with _stores_lock:
        _stores.add(store)


def _before_fork() -> None:
    _stores_lock.acquire()
    _waiting.extend(_stores)
    for store in _waiting:
        store._lock.acquire()


def _after_fork() -> None:
    for store in _waiting:
        store._lock.release()
    _waiting.clear()
    _stores_lock.release()


def _after_fork_in_child() -> None:
    for store in _waiting:
        store._drop()
    _after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork,
        after_in_child=_after_fork_in_child,
    )
