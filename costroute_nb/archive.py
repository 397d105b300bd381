"""What trimming left out of the newest calls of a session: in memory, each once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from costroute_nb.forks import lock_across_forks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costroute_nb.core.messages import Message

KEPT_CALLS = 1_000
"""Of how many calls what they left out is kept, the newest ones."""

_Key = tuple[str, str, bool]


class Archive:
    """Keeps what calls left out; messages alike are kept once, whoever left them out.

    A loop that gives each call its whole history leaves out nearly the same messages
    every time, in copies: only the first copy stays.
    """

    def __init__(self) -> None:
        self._lock = lock_across_forks()
        self._calls: dict[str, tuple[_Kept, ...]] = {}
        self._kept: dict[_Key, _Kept] = {}

    def keep(self, call_id: str, dropped: Sequence[Message]) -> None:
        """Keep what a call left out; the oldest call makes room for it."""
        with self._lock:
            self._calls[call_id] = tuple(map(self._once, dropped))
            while len(self._calls) > KEPT_CALLS:
                self._forget(next(iter(self._calls)))

    def of(self, call_id: str) -> list[Message] | None:
        """Return what a call left out, as messages of its own; None if unknown."""
        with self._lock:
            found = self._calls.get(call_id)
            return None if found is None else [dict(one.message) for one in found]

    def messages(self) -> list[Message]:
        """Return all that is kept, whichever calls left it out."""
        with self._lock:
            return [one.message for one in self._kept.values()]

    def _once(self, message: Message) -> _Kept:
        content = message["content"]
        plain = isinstance(content, str)
        text = content if plain else json.dumps(content, sort_keys=True, default=repr)
        key = (str(message["role"]), text, plain)
        kept = self._kept.setdefault(key, _Kept(key, message))
        kept.calls += 1
        return kept

    def _forget(self, call_id: str) -> None:
        for one in self._calls.pop(call_id):
            one.calls -= 1
            if not one.calls:
                del self._kept[one.key]


class _Kept:
    """A message, and how often calls have left it out."""

    __slots__ = ("calls", "key", "message")

    def __init__(self, key: _Key, message: Message) -> None:
        self.key, self.message, self.calls = key, message, 0
