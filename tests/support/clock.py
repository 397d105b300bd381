"""A clock that moves only when it is told to."""

import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class FakeClock:
    """Time and chance under a test's control, safe to share between threads.

    Parameters
    ----------
    start
        The first wall-clock time; it must be aware.
    seed
        Where the sequence of random numbers begins.

    Attributes
    ----------
    slept
        The seconds of every sleep, in order.
    """

    def __init__(
        self, start: datetime = datetime(2026, 11, 22, 12, tzinfo=UTC), seed: int = 0
    ) -> None:
        self._lock = threading.Lock()
        self._now = _in_utc(start)
        self._monotonic = 0.0
        self._random = random.Random(seed)
        self.slept: list[float] = []

    def now(self) -> datetime:
        """The wall-clock time, aware and in UTC."""
        with self._lock:
            return self._now

    def monotonic(self) -> float:
        """Seconds since the clock was made; setting the wall clock leaves it alone."""
        with self._lock:
            return self._monotonic

    def sleep(self, seconds: float) -> None:
        """Return at once, so many seconds later."""
        with self._lock:
            self._move(seconds)
            self.slept.append(seconds)

    def random(self) -> float:
        """The next number in [0, 1), the same in every run."""
        with self._lock:
            return self._random.random()

    def advance(self, seconds: float) -> None:
        """Let time pass without anybody sleeping."""
        with self._lock:
            self._move(seconds)

    def set(self, moment: datetime) -> None:
        """Set the wall clock, forwards or backwards, as an administrator would."""
        with self._lock:
            self._now = _in_utc(moment)

    def _move(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("time does not run backwards")
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds


class BusyClock(FakeClock):
    """A clock during whose sleeps other calls go on."""

    during_sleep: Callable[[], object] = staticmethod(lambda: None)

    def sleep(self, seconds: float) -> None:
        """Return at once, so many seconds later, after what happened meanwhile."""
        super().sleep(seconds)
        self.during_sleep()


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("an aware datetime is needed")
    return moment.astimezone(UTC)
