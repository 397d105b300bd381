"""The prompt cache of the local Messages API: which prefixes it keeps, until when."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from tests.support.messages_api.prefixes import (
    Lifetime,
    digests,
    head,
    markers,
    parts,
)
from tests.support.messages_api.replies import Body

LOOKBACK = 20
"""How many blocks back from a marker, with the marked one, a prefix is looked for."""
_SECONDS: dict[Lifetime, float] = {"5m": 300.0, "1h": 3600.0}

Key = tuple[str, str, str]  # the account, the model, the digest of the prefix


@dataclass(frozen=True)
class Cached:
    """Tokens that one request reads and writes, and the prefixes it writes."""

    read: int = 0
    write_5m: int = 0
    write_1h: int = 0
    written: tuple[tuple[Key, Lifetime], ...] = ()


class PromptCache:
    """Prefixes of prompts, by account and model.

    Parameters
    ----------
    least
        Prefixes of fewer tokens are not kept, and nothing says so.
    clock
        Tells the seconds by which prefixes expire.
    """

    def __init__(self, least: int, clock: Callable[[], float]) -> None:
        self._least = least
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[Key, tuple[float, Lifetime]] = {}

    def look(
        self, account: str, body: Body, count: Callable[[Body], int], whole: int
    ) -> Cached:
        """Find what a request reads, which keeps it longer, and what it writes.

        `count` gives the tokens of a prompt, `whole` those of this one.
        """
        prompt = parts(body)
        marked = markers(body, prompt)
        if not marked:
            return Cached()
        keys = [(account, body["model"], digest) for digest in digests(body, prompt)]

        def tokens(at: int) -> int:
            return min(count(head(body, prompt[: at + 1])), whole)

        with self._lock:
            hits = [hit for at in marked if (hit := self._hit(keys, at)) is not None]
        last = max(hits, default=-1)
        read = tokens(last) if hits else 0
        ends = {at: tokens(at) for at in marked if at > last}
        written = [at for at in ends if ends[at] >= self._least]
        long = max((ends[at] for at in written if marked[at] == "1h"), default=read)
        end = max((ends[at] for at in written), default=read)
        return Cached(
            read,
            write_5m=max(0, end - max(read, long)),
            write_1h=max(0, long - read),
            written=tuple((keys[at], marked[at]) for at in written),
        )

    def keep(self, cached: Cached) -> None:
        """Keep what a request wrote: other requests find it from now on."""
        with self._lock:
            for key, lifetime in cached.written:
                self._kept[key] = (self._clock() + _SECONDS[lifetime], lifetime)

    def clear(self) -> None:
        """Keep nothing."""
        with self._lock:
            self._kept.clear()

    def _hit(self, keys: list[Key], marked: int) -> int | None:
        """Find the longest kept prefix near a marker, and keep it as long again."""
        now = self._clock()
        for at in range(marked, max(-1, marked - LOOKBACK), -1):
            until, lifetime = self._kept.get(keys[at], (now, "5m"))
            if now < until:
                self._kept[keys[at]] = (now + _SECONDS[lifetime], lifetime)
                return at
        return None
