"""Call back whoever asked to be, from any thread, unharmed by what they raise."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

logger = logging.getLogger(__name__)


class Callbacks(Generic[T]):
    """A list of callbacks that threads may change while others call them.

    Parameters
    ----------
    what
        Whose callbacks they are, for the log.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._callbacks: tuple[Callable[[T], object], ...] = ()
        self._lock = threading.Lock()

    def add(self, callback: Callable[[T], object]) -> Callable[[], None]:
        """Call this one, too, until the function returned is called."""

        def told(value: T) -> object:  # one of its own for each subscription
            return callback(value)

        with self._lock:
            self._callbacks = (*self._callbacks, told)

        def end() -> None:
            with self._lock:
                self._callbacks = tuple(c for c in self._callbacks if c is not told)

        return end

    def tell(self, value: T) -> None:
        """Call them all, in the order in which they were added."""
        for callback in self._callbacks:
            try:
                callback(value)
            except Exception as error:
                # Its message may hold a webhook's address, its traceback the user's
                # home: both only for who asks for details.
                kind = type(error).__name__
                logger.warning("a callback of %s raised %s", self._what, kind)
                logger.debug("it was raised here", exc_info=True)
