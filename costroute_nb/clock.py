"""The system's time and chance: the only place they enter the package."""

import random
import time
from datetime import UTC, datetime


class SystemClock:
    """The Clock of real life."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait; an interrupt ends the wait at once."""
        time.sleep(seconds)

    def random(self) -> float:
        """Return a number from 0 up to 1, for jitter only."""
        return random.random()  # noqa: S311 -- jitter needs no secrecy
