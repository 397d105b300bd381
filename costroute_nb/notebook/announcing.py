"""When a screen reader is told the state: not too often, and the last one always."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from costroute_nb.ports import Clock

_PAUSE = 5.0  # seconds between sentences while the state keeps changing
_QUIET = 1.5  # seconds without a change after which the last state is told


class Announcer:
    """Chooses the sentence to show; from one thread at a time.

    Parameters
    ----------
    sentence
        What is shown at first.
    clock
        Measures the pauses.
    """

    def __init__(self, sentence: str, clock: "Clock") -> None:
        self._clock = clock
        self._said = self._newest = sentence
        self._said_at = self._changed_at = clock.monotonic()

    @property
    def said(self) -> str:
        """The sentence shown last."""
        return self._said

    def due(self, sentence: str) -> str:
        """Return what to show of this newest sentence: that, or still the last one."""
        now = self._clock.monotonic()
        if sentence != self._newest:
            self._newest, self._changed_at = sentence, now
        waited = now - self._said_at >= _PAUSE
        quiet = now - self._changed_at >= _QUIET
        return sentence if waited or quiet else self._said

    def say(self, sentence: str) -> None:
        """Take note that a sentence is shown."""
        if sentence != self._said:
            self._said, self._said_at = sentence, self._clock.monotonic()
