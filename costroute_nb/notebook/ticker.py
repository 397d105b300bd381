"""Do something in the background soon after it is asked for, but not too often."""

import logging
import threading
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)


class Ticker:
    """Runs a method of an object in a thread of its own.

    Asking returns at once. What was asked for is done by a run that begins later, so
    that nothing is left out; between two runs there is a pause. Unasked, it runs now
    and then. The thread ends with the object.

    Parameters
    ----------
    run
        A bound method.
    pause
        Least seconds from the end of a run to the next.
    idle
        Seconds after which it runs unasked.
    delay
        Seconds from being asked to a run, in which more may be asked for.
    """

    def __init__(
        self,
        run: "Callable[[], object]",
        *,
        pause: float,
        idle: float,
        delay: float = 0.0,
    ) -> None:
        self._run = weakref.WeakMethod(run)
        self._pause, self._idle, self._delay = pause, idle, delay
        self._asked = threading.Event()
        self._hurried = threading.Event()
        self._ended = threading.Event()
        threading.Thread(
            target=self._loop, name="costroute-dashboard", daemon=True
        ).start()

    def ask(self) -> None:
        """Have it run soon."""
        self._asked.set()

    def hurry(self) -> None:
        """Have it run now: delay and pause are over."""
        self._hurried.set()
        self._asked.set()

    def close(self) -> None:
        """Run no more; a run under way ends."""
        self._ended.set()
        self.hurry()

    def _loop(self) -> None:
        while True:
            if self._asked.wait(self._idle):
                self._hurried.wait(self._delay)
            self._asked.clear()
            self._hurried.clear()
            run = self._run()
            if run is None or self._ended.is_set():
                return
            try:
                run()
            except Exception as error:  # the next run may do better
                logger.warning("the dashboard could not be refreshed: %s", error)
            del run
            self._hurried.wait(self._pause)
