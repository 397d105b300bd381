"""One caller fetches, the others wait for its answer."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from costroute_nb.ports import Clock, ResponseCache

T = TypeVar("T")

FIRST_WAIT = 0.01  # seconds between two looks, growing to
LONGEST_WAIT = 0.1
WAITING = "another call is already fetching this answer: waiting for it"


class SingleFlight:
    """Identical calls at the same time, in any thread or process, are made once."""

    def __init__(self, cache: ResponseCache, clock: Clock) -> None:
        self._cache = cache
        self._clock = clock

    @contextmanager
    def leader(
        self,
        key: str,
        lease: float,
        found: Callable[[], T | None],
        on_wait: Callable[[str], None] | None = None,
    ) -> Iterator[T | None]:
        """Give None to the one caller who must fetch, an answer to those who waited.

        If the one who fetches leaves without an answer, by an error or an interrupt,
        exactly one of those who wait fetches next.

        Parameters
        ----------
        key
            What is fetched.
        lease
            Seconds after which others no longer wait for a fetch.
        found
            Looks for the answer; None while there is none.
        on_wait
            Takes one line once a wait begins; nothing if there is none.
        """
        wait = FIRST_WAIT
        while (token := self._cache.claim(key, lease)) is None:
            if on_wait is not None:
                on_wait(WAITING)
                on_wait = None
            self._clock.sleep(wait)
            wait = min(wait * 1.5, LONGEST_WAIT)
            answer = found()
            if answer is not None:
                yield answer
                return
        try:
            # The answer may have come between the caller's own look and the claim.
            answer = found()
            if answer is None:
                yield None
                return
        finally:
            try:
                self._cache.unclaim(key, token)
            except BaseException:
                # An interrupt: others would wait until the lease is over.
                self._cache.unclaim(key, token)
                raise
        yield answer
