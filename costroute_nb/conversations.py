"""The threads of a session, and what trimming left out of its calls: in memory only."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from costroute_nb.core.thread import Thread, warm_after
from costroute_nb.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from costroute_nb.core.call import Call
    from costroute_nb.core.messages import Message
    from costroute_nb.core.result import Result


class Conversations:
    """Keeps threads by name, and lets one call at a time go on with each.

    Nothing is written to disk: a notebook that is run again rebuilds its threads, and
    the cache answers what was asked before.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._threads: dict[str, Thread] = {}
        self._turns: dict[str, threading.Lock] = {}
        self._archive: dict[str, tuple[Message, ...]] = {}

    def names(self) -> tuple[str, ...]:
        """Return the names of the threads that have messages, in order of creation."""
        with self._lock:
            return tuple(self._threads)

    def thread(self, name: str) -> Thread:
        """Return a thread as far as it has come; a new one is empty."""
        with self._lock:
            return self._threads.get(name, Thread(name))

    def clear(self, name: str) -> int:
        """Forget a thread; return how many messages it had."""
        with self._lock:
            found = self._threads.pop(name, None)
        return 0 if found is None else len(found.messages)

    def joined(self, call: Call) -> Call:
        """Return a call with its thread as far as it has come."""
        if call.thread is None:
            return call
        return replace(call, thread=self.thread(call.thread.name))

    def run(
        self, call: Call, route: Callable[[Call], Result], now: Callable[[], datetime]
    ) -> Result:
        """Route a call, with its thread if it has one, and keep what came of it.

        A failed call leaves its thread as it was. Calls of one thread wait for each
        other: each goes on where the last one ended.
        """
        if call.thread is None:
            result = route(call)
            self._keep(result.call_id, result.dropped)
            return result
        with self._turn(call.thread.name):
            call = self.joined(call)
            before = call.thread or Thread("")
            result = route(call)
            thread = before.without(result.dropped)
            warm = warm_after(before.warm, result.usage, result.model, now())
            said = (*call.added, {"role": "assistant", "content": result.text})
            with self._lock:
                self._threads[before.name] = thread.after(said, warm)
            result = replace(
                result, dropped=(*thread.dropped, *_others(result, before))
            )
            self._keep(result.call_id, result.dropped)
            return result

    def archive(self, call_id: str) -> list[Message]:
        """Return what trimming left out of a call's prompt, in chronological order.

        Raises
        ------
        ConfigurationError
            If this session made no such call.
        """
        with self._lock:
            if call_id not in self._archive:
                message = f"no call {call_id!r} was answered in this session"
                raise ConfigurationError(message)
            return list(self._archive[call_id])

    def _keep(self, call_id: str, dropped: tuple[Message, ...]) -> None:
        with self._lock:
            self._archive[call_id] = dropped

    @contextmanager
    def _turn(self, name: str) -> Iterator[None]:
        with self._lock:
            turn = self._turns.setdefault(name, threading.Lock())
        with turn:
            yield


def _others(result: Result, thread: Thread) -> tuple[Message, ...]:
    """Return what was left out that is no message of the thread, but of the context."""
    own = {id(message) for message in thread.messages}
    return tuple(message for message in result.dropped if id(message) not in own)
