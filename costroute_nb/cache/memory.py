"""Answers kept in this process only: for tests, and when the disk cannot be used."""

from __future__ import annotations

import os
import secrets
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from costroute_nb.cache.claims import LONGEST_CLAIM
from costroute_nb.cache.entry import is_fresh, read_entry, write_entry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costroute_nb.ports import Clock


class MemoryCache:
    """A ResponseCache that forgets everything with its process.

    Parameters
    ----------
    size_limit
        Bytes of JSON text; past them the least recently used answers go.
    """

    def __init__(self, clock: Clock, *, size_limit: int = 2**26) -> None:
        self._clock = clock
        self._limit = size_limit
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._size = 0
        self._claims: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def get(self, key: str, max_age: float | None = None) -> dict[str, Any] | None:
        """Return an entry not expired and not older than `max_age` seconds."""
        with self._locked():
            text = self._texts.get(key)
            if text is None:
                return None
            self._texts.move_to_end(key)
        entry = read_entry(text)
        if entry is None or not is_fresh(entry, self._now(), max_age):
            return None
        return entry

    def put(self, key: str, entry: Mapping[str, Any], ttl: float) -> None:
        """Keep an entry for `ttl` seconds, replacing an older one."""
        text = write_entry(entry, self._now(), ttl, self._limit // 2)
        if text is None:
            return
        with self._locked():
            self._remove(key)
            self._texts[key] = text
            self._size += len(text)
            while self._size > self._limit:
                self._remove(next(iter(self._texts)))

    def claim(self, key: str, seconds: float) -> str | None:
        """Become the one caller who fetches a key; None if another one is."""
        now = self._now()
        token = secrets.token_hex(8)
        try:
            with self._locked():
                if key in self._claims and now < self._claims[key][1]:
                    return None
                self._claims[key] = (token, now + min(seconds, LONGEST_CLAIM))
        except BaseException:
            self.unclaim(key, token)  # an interrupt may have come after the claim
            raise
        return token

    def unclaim(self, key: str, token: str) -> None:
        """End a claim; harmless if it has passed to another."""
        with self._locked():
            if key in self._claims and self._claims[key][0] == token:
                del self._claims[key]

    def stats(self) -> Mapping[str, Any]:
        """Return entries, size in bytes, size limit and where it is."""
        with self._locked():
            return {
                "entries": len(self._texts),
                "size_bytes": self._size,
                "size_limit_bytes": self._limit,
                "where": "memory",
            }

    def clear(self) -> int:
        """Remove every answer; return how many."""
        with self._locked():
            count = len(self._texts)
            self._texts.clear()
            self._size = 0
        return count

    def prune(self) -> int:
        """Remove the expired answers; return how many."""
        now = self._now()
        with self._locked():
            entries = {key: read_entry(text) for key, text in self._texts.items()}
            expired = [
                key
                for key, entry in entries.items()
                if entry is None or not is_fresh(entry, now, None)
            ]
            for key in expired:
                self._remove(key)
        return len(expired)

    def close(self) -> None:
        """Nothing is held open."""

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _remove(self, key: str) -> None:
        self._size -= len(self._texts.pop(key, ""))

    def _locked(self) -> threading.Lock:
        if self._pid != os.getpid():
            # After a fork the lock may be held, and keys claimed, by threads that
            # exist only in the parent.
            self._lock = threading.Lock()
            self._claims.clear()
            self._pid = os.getpid()
        return self._lock
