"""Why Apprise could not send a message, which it tells its log only.

Its results say that a message was not accepted, not why, nor whether it may have
arrived. What a service logs says more: its words hold an HTTP status, and at the moment
of a line about an exception that exception is being handled.
"""

from __future__ import annotations

import logging
import re
import sys
from dataclasses import dataclass
from traceback import walk_tb
from typing import Literal

_STATUS = re.compile(r"\berror=([1-5]\d\d)\b")
_OVERRUN = 429

# Nothing of a message is sent before these have returned, be it HTTP, mail or another.
_BEFOREHAND = frozenset(("connect", "create_connection", "starttls", "login"))


@dataclass(frozen=True, slots=True)
class Failure:
    """What became of a message that was not accepted.

    `kind` is `unreached` where it did not arrive and may the next time, `declined`
    where it never will, and `unclear` where it may have arrived. `why` is an HTTP
    status or the name of an exception; neither holds anything of a URL.
    """

    kind: Literal["unreached", "declined", "unclear"]
    why: str


class Ear(logging.Logger):
    """The log of one Apprise service; it shows nothing, and keeps no words.

    A logger of our own hears the same whatever level the user logs at.
    """

    def __init__(self) -> None:
        super().__init__("apprise", logging.INFO)
        self._heard: list[Failure] = []
        self._sent = False

    def forget(self) -> None:
        """Begin anew: the next lines are about another try."""
        self._heard, self._sent = [], False

    def handle(self, record: logging.LogRecord) -> None:
        """Take what a line tells."""
        if record.levelno < logging.WARNING:
            # A service with several targets says so of each that has it.
            self._sent = self._sent or str(record.msg).lstrip().startswith("Sent")
            return
        error = sys.exception()
        if error is not None:
            self._heard.append(failure_by(error))
        elif status := _STATUS.search(record.getMessage()):
            self._heard.append(_failure_with(int(status.group(1))))

    def verdict(self) -> Failure:
        """Return what became of a message that was not accepted."""
        if self._sent:
            return Failure("unclear", "of several targets some have it")
        for kind in ("unclear", "unreached", "declined"):
            for failure in self._heard:
                if failure.kind == kind:
                    return failure
        return Failure("unclear", "it was not accepted")


def failure_by(error: BaseException) -> Failure:
    """Return what became of a message whose sending ended with an exception."""
    cause: BaseException | None = error
    while cause is not None:
        names = {frame.f_code.co_name for frame, _ in walk_tb(cause.__traceback__)}
        if names & _BEFOREHAND:
            return Failure("unreached", type(error).__name__)
        cause = cause.__cause__ or cause.__context__
    return Failure("unclear", type(error).__name__)


def _failure_with(status: int) -> Failure:
    later = status == _OVERRUN or status >= 500
    return Failure("unreached" if later else "declined", f"HTTP {status}")
