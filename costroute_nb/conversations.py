"""The threads of a session, and what trimming left out of its calls: in memory only."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from costroute_nb.archive import Archive
from costroute_nb.core.call import as_blocks
from costroute_nb.core.prompt_cache import asked_as, begun_as
from costroute_nb.core.thread import Thread, warm_after
from costroute_nb.errors import ConfigurationError
from costroute_nb.forks import lock_across_forks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from costroute_nb.core.call import Call
    from costroute_nb.core.catalog import Model
    from costroute_nb.core.messages import Message
    from costroute_nb.core.result import Result

_WAIT = 0.2
"""Seconds of one wait for a turn."""


class Conversations:
    """Keeps threads by name, and lets one call at a time go on with each.

    Nothing is written to disk: a notebook that is run again rebuilds its threads, and
    the cache answers what was asked before.
    """

    def __init__(self) -> None:
        self._lock = lock_across_forks()
        self._found: dict[str, _Conversation] = {}
        self._archive = Archive()

    def names(self) -> tuple[str, ...]:
        """Return the names of the threads that have messages, in order of creation."""
        with self._lock:
            return tuple(n for n, one in self._found.items() if one.thread.messages)

    def thread(self, name: str) -> Thread:
        """Return a thread as far as it has come; a new one is empty."""
        with self._lock:
            found = self._found.get(name)
        return Thread(name) if found is None else found.thread

    def clear(self, name: str) -> int:
        """Forget a thread; return how many messages it had.

        A call that is under way ends as it began, and is forgotten too.
        """
        with self._lock:
            found = self._found.pop(name, None)
            if found is not None:
                self._found[name] = _Conversation(found.thread.cleared())
        return 0 if found is None else len(found.thread.messages)

    def joined(self, call: Call) -> Call:
        """Return a call with its thread as far as it has come."""
        if call.thread is None:
            return call
        return _going_on(call, self.thread(call.thread.name))

    def run(
        self,
        call: Call,
        route: Callable[[Call], Result],
        *,
        now: Callable[[], datetime],
        known: Callable[[str], Model | None],
        on_wait: Callable[[str], None],
        patience: float,
    ) -> Result:
        """Route a call, with its thread if it has one, and keep what came of it.

        A failed call leaves its thread as it was. Calls of one thread wait for each
        other: each goes on where the last one ended.

        Parameters
        ----------
        known
            Gives the model of an id as a response has it.
        on_wait
            Takes one line if the call has to wait for another one of its thread.
        patience
            Seconds after which a call that is waited for, and has not ended, is
            taken for one that waits for this one.

        Raises
        ------
        ConfigurationError
            If a call of the same thread is under way here, and this one is its check's;
            or if the one that it waits for does not end.
        """
        if call.thread is None:
            result = route(call)
            self._keep(result)
            return result
        with self._turn(call.thread.name, on_wait, patience) as conversation:
            before, began = conversation.thread, now()
            call = _going_on(call, before)
            result = route(call)
            said = (*call.added, {"role": "assistant", "content": result.text})
            model = known(result.model)
            answered_by = result.model if model is None else model.id
            limit = call.context_tokens or answered_by
            thread = before.after(said, result.dropped, limit)
            request = replace(call.request(1), thinking=result.thinking)
            asked = asked_as(result.provider, request, thread.left_out)
            alike = begun_as(result.provider, request)
            warm = warm_after(
                before.warm,
                result.usage,
                model=answered_by,
                asked=asked,
                at=began,
                sent=thread.sent[:-1],
            )
            served = 0
            if before.warm is not None:
                served = before.warm.serves(answered_by, asked, began, thread.sent[:-1])
            conversation.thread = thread.heard(result.usage, warm, alike, served)
            if thread.left_out == before.left_out:
                # The very same ones: a long thread would keep a list for each call.
                result = replace(result, dropped=conversation.dropped)
            conversation.dropped = result.dropped
            self._keep(result)
            return result

    def archive(self, call_id: str) -> list[Message] | None:
        """Return what trimming left out of a call's prompt, in chronological order.

        None if nothing is known of it: it failed, is too old, or never was.
        """
        return self._archive.of(call_id)

    def _keep(self, result: Result) -> None:
        self._archive.keep(result.call_id, result.dropped)

    @contextmanager
    def _turn(
        self, name: str, on_wait: Callable[[str], None], patience: float
    ) -> Iterator[_Conversation]:
        while True:
            with self._lock:
                found = self._found.setdefault(name, _Conversation(Thread(name)))
            if found.owner == threading.get_ident():
                message = (
                    f"a call of thread {name} is under way: its check cannot go on "
                    "with the same thread"
                )
                raise ConfigurationError(message)
            if found.turn.locked():
                on_wait(f"another call of thread {name} is under way: waiting for it")
            with found.taken(patience):
                # Cleared meanwhile: then it begins anew.
                if self._found.get(name) is found:
                    yield found
                    return


class _Conversation:
    """A thread as it goes on, and whose turn it is."""

    def __init__(self, thread: Thread) -> None:
        self.turn = threading.Lock()
        self.owner: int | None = None
        self.turns = 0
        self.thread = thread
        self.dropped: tuple[Message, ...] = ()

    @contextmanager
    def taken(self, patience: float) -> Iterator[None]:
        """Wait for one's turn and have it, unless one call holds it for too long.

        That may be a call whose check waits, in another of Python's threads, for the
        one that waits here: neither would ever end.
        """
        before, left = self.turns, patience
        # In short waits, between which Ctrl-C is heard wherever it came from.
        while not self.turn.acquire(timeout=min(left, _WAIT)):
            left -= _WAIT
            if self.turns != before:
                before, left = self.turns, patience
            elif left <= 0:
                message = (
                    f"a call of thread {self.thread.name} is still under way after "
                    f"{patience:g} s: if this one is a part of its check, give it "
                    "another thread, or none"
                )
                raise ConfigurationError(message)
        try:
            self.owner = threading.get_ident()
            self.turns += 1
            yield
        finally:
            self.owner = None
            self.turn.release()


def _going_on(call: Call, thread: Thread) -> Call:
    """Return a call as the next one of a thread.

    A context that the thread has already is not said again: a cell that names both
    would else send, and pay, one more copy of it each time.
    """
    if _has(thread.messages, call.context):
        return replace(call, thread=thread, context=())
    # Each call's messages are objects of its own: they are told apart by that.
    context = tuple(dict(message) for message in call.context)
    return replace(call, thread=thread, context=context)


def _has(messages: Sequence[Message], context: Sequence[Message]) -> bool:
    """Tell whether a context stands among messages, its last one perhaps continued."""
    wanted = [(message["role"], as_blocks(message["content"])) for message in context]
    had = [(message["role"], as_blocks(message["content"])) for message in messages]
    last = len(wanted) - 1

    def at(start: int) -> bool:
        role, blocks = had[start + last]
        ends = (
            role == wanted[last][0]
            and blocks[: len(wanted[last][1])] == wanted[last][1]
        )
        return ends and had[start : start + last] == wanted[:last]

    return bool(wanted) and any(map(at, range(len(had) - last)))
