"""Validated answers on disk: JSON only, private, shared by all kernels of a user."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from costroute_nb.cache.claims import (
    LONGEST_CLAIM,
    end_claim,
    is_live,
    token_of,
    write_claim,
)
from costroute_nb.cache.entry import is_fresh, read_entry, write_entry
from costroute_nb.cache.memory import MemoryCache
from costroute_nb.cache.store import Store
from costroute_nb.shown import shown_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costroute_nb.ports import Clock

_CLAIMS_SIZE = 2**24
_LARGEST = 2**26  # what is larger would not be read


class DiskCache:
    """The ResponseCache that lasts.

    Opens nothing before its first use. No trouble with the disk fails a call: what
    cannot be read is a miss, what cannot be written is not kept, a damaged store is
    set aside and begun anew, and where nothing helps answers are kept in memory.

    Parameters
    ----------
    directory
        Its own directory; it is made private to the user (0700).
    size_limit
        Bytes on disk; past them the least recently used answers go.
    """

    def __init__(
        self, directory: Path, clock: Clock, *, size_limit: int = 2**30
    ) -> None:
        directory = Path(directory).absolute()
        self.directory = directory
        self._clock = clock
        self._limit = size_limit
        self._answers = Store(
            directory,
            clock,
            size_limit=size_limit,
            eviction_policy="least-recently-used",
        )
        # Apart, so that no answer pushes a claim out, and clearing leaves claims alone.
        self._claims = Store(
            directory / "claims",
            clock,
            size_limit=_CLAIMS_SIZE,
            eviction_policy="none",
        )
        self._memory = MemoryCache(clock)

    def get(self, key: str, max_age: float | None = None) -> dict[str, Any] | None:
        """Return an entry not expired and not older than `max_age` seconds.

        It holds what was put, and `stored_at` and `expires_at` in seconds since the
        epoch.
        """
        text = self._answers.read(key)
        if text is None:
            return self._memory.get(key, max_age) if self._answers.lost else None
        entry = read_entry(text)
        if entry is None:
            self._answers.remove(key)
            return None
        return entry if is_fresh(entry, self._now(), max_age) else None

    def put(self, key: str, entry: Mapping[str, Any], ttl: float) -> None:
        """Keep an entry for `ttl` seconds, replacing an older one."""
        now = self._now()
        text = write_entry(entry, now, ttl, min(_LARGEST, self._limit // 2))
        if text is None:
            return
        if not self._answers.write(key, text, seconds=ttl, expires_at=now + ttl):
            self._memory.put(key, entry, ttl)

    def claim(self, key: str, seconds: float) -> str | None:
        """Become the one caller who fetches a key; None if another one is.

        `seconds` counts up to an hour.
        """
        now = self._now()
        held = self._claims.read(key)
        if held is not None and is_live(held, now):
            return None
        token = secrets.token_hex(8)
        mine = write_claim(token, now + min(seconds, LONGEST_CLAIM))

        def decide(held: str | None) -> str:
            return held if held is not None and is_live(held, now) else mine

        try:
            possible, holder = self._claims.change(key, decide, seconds=seconds)
        except BaseException:
            self.unclaim(key, token)  # an interrupt may have come after the change
            raise
        if not possible:
            end_claim(token)
            return self._memory.claim(key, seconds)
        if holder == mine:
            return token
        end_claim(token)
        return None

    def unclaim(self, key: str, token: str) -> None:
        """End a claim; harmless if it has passed to another."""

        def decide(held: str | None) -> str | None:
            return None if held is None or token_of(held) == token else held

        # First: should what follows be interrupted, this process at least sees it.
        end_claim(token)
        self._claims.change(key, decide, seconds=LONGEST_CLAIM)
        self._memory.unclaim(key, token)

    def stats(self) -> Mapping[str, Any]:
        """Return entries, size in bytes, size limit and where it is.

        Expired answers count until they are removed. A home directory is written `~`.
        """
        entries, size = self._answers.measure()
        if self._answers.lost:
            return self._memory.stats()
        return {
            "entries": entries,
            "size_bytes": size,
            "size_limit_bytes": self._limit,
            "where": shown_path(self.directory),
        }

    def clear(self) -> int:
        """Remove every answer, but no claim; return how many."""
        return self._answers.clear() + self._memory.clear()

    def prune(self) -> int:
        """Remove the expired answers; return how many."""
        return self._answers.prune(self._now()) + self._memory.prune()

    def close(self) -> None:
        """Give back the files; the next use opens them again."""
        self._answers.close()
        self._claims.close()

    def _now(self) -> float:
        return self._clock.now().timestamp()
