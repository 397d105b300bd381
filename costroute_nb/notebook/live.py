"""An answer while it arrives: an updated output, a terminal's lines, or nothing yet."""

import sys
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

from IPython.core.displaypub import CapturingDisplayPublisher

from costroute_nb.clock import SystemClock
from costroute_nb.notebook.display import answer, said_once
from costroute_nb.notebook.escaping import plain

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from costroute_nb.notebook.display import Bundle
    from costroute_nb.ports import Clock

# Front ends render the whole text at each update: 10 a second are smooth up to some
# 10 kB, beyond that only 5 are.
_PAUSE, _LONG_PAUSE, _LONG = 0.1, 0.2, 10_000


class Live(Protocol):
    """A listener that shows what it hears, and ends in one of two ways."""

    def text(self, delta: str) -> None:
        """Take the next piece of the answer."""

    def restart(self, reason: str) -> None:
        """Forget the text so far."""

    def notice(self, message: str) -> None:
        """Take one line on what is happening."""

    def finish(self, data: "Bundle", metadata: "Bundle") -> bool:
        """Show the accepted answer; False if it is still to be shown."""

    def stop(self, mark: str, text: str = "") -> None:
        """Keep what was shown, marked as no answer; `text` if nothing was."""


def watch(shell: "InteractiveShell", format: str, *, streams: bool) -> Live:
    """Return what shows an answer in this shell as it is now."""
    if isinstance(shell.display_pub, CapturingDisplayPublisher):
        return Captured(shell, format)
    if getattr(shell, "kernel", None) is None:
        return Terminal(shell, format, streams=streams)
    return Output(shell, format, streams=streams)


class Captured:
    """Shows nothing while it runs: what is captured should be one output."""

    def __init__(self, shell: "InteractiveShell", format: str) -> None:
        self._shell = shell
        self._format = format
        self._text = ""

    def text(self, delta: str) -> None:
        """Keep it, in case the call fails."""
        self._text += delta

    def restart(self, reason: str) -> None:
        """Forget the text so far."""
        self._text = ""

    def notice(self, message: str) -> None:
        """Ignore it: the result's notes have it."""

    def finish(self, data: "Bundle", metadata: "Bundle") -> bool:
        """Leave the answer to whoever displays the result."""
        return False

    def stop(self, mark: str, text: str = "") -> None:
        """Show the partial answer once."""
        if self._text or text:
            bundle = answer(self._text or text, (mark,), self._format)
            self._shell.display_pub.publish(data=bundle, metadata={})


class Silent(Captured):
    """Shows nothing at all, whether the call ends well or not."""

    def stop(self, mark: str, text: str = "") -> None:
        """Leave it to the error."""


class Terminal:
    """Writes each piece as it comes: a terminal cannot update what it has shown."""

    def __init__(
        self, shell: "InteractiveShell", format: str, *, streams: bool
    ) -> None:
        self._shell = shell
        self._format = format
        # The other formats are known only once the answer is whole.
        self._streams = streams and format in ("markdown", "text")
        self._text = ""
        self._at_line_start = True

    def text(self, delta: str) -> None:
        """Write it, or keep it where it cannot be shown in part."""
        self._text += delta
        if self._streams:
            self._write(plain(delta))

    def restart(self, reason: str) -> None:
        """Begin a new line; the notice before has said why."""
        self._text = ""
        self._end_line()

    def notice(self, message: str) -> None:
        """Write it on a line of its own."""
        self._end_line()
        self._write(f"{plain(message)}\n")

    def finish(self, data: "Bundle", metadata: "Bundle") -> bool:
        """End the line; what was not streamed is still to be shown."""
        self._end_line()
        return self._streams and self._text != ""

    def stop(self, mark: str, text: str = "") -> None:
        """Mark what was written."""
        self._end_line()
        written = self._streams and self._text
        rest = "" if written else answer(self._text or text)["text/plain"]
        self._write(f"{rest}\n[{mark}]\n" if rest else f"[{mark}]\n" if written else "")

    def _end_line(self) -> None:
        if not self._at_line_start:
            self._write("\n")

    def _write(self, text: str) -> None:
        if text:
            sys.stdout.write(text)
            sys.stdout.flush()
            self._at_line_start = text.endswith("\n")


class Output:
    """One output of a notebook's cell, updated at most ten times a second.

    Parameters
    ----------
    streams
        Whether pieces of the answer are shown; notices always are.
    clock
        Measures the pauses between updates.
    """

    def __init__(
        self,
        shell: "InteractiveShell",
        format: str,
        *,
        streams: bool,
        clock: "Clock | None" = None,
    ) -> None:
        self._shell = shell
        self._format = format
        self._streams = streams
        self._clock = clock or SystemClock()
        self._pieces: list[str] = []
        self._size = 0
        self._notices: list[str] = []
        self._display_id = uuid4().hex
        self._shown = False
        self._next = 0.0

    def text(self, delta: str) -> None:
        """Add it, and show the text if it is time."""
        self._pieces.append(delta)
        self._size += len(delta)
        if self._streams:
            self._update()

    def restart(self, reason: str) -> None:
        """Clear the text; the notice before has said why."""
        self._pieces.clear()
        self._size = 0

    def notice(self, message: str) -> None:
        """Show it under the text at once."""
        self._notices.append(message)
        self._publish(self._partial())

    def finish(self, data: "Bundle", metadata: "Bundle") -> bool:
        """Replace what was shown by answer and receipt."""
        if self._shown:
            self._publish(data, metadata)
        return self._shown

    def stop(self, mark: str, text: str = "") -> None:
        """Leave the text so far, marked."""
        if not self._pieces and text:
            self._pieces.append(text)
        if self._pieces or self._shown:
            self._publish(self._partial(mark))

    def _update(self) -> None:
        now = self._clock.monotonic()
        if now >= self._next:
            self._publish(self._partial())
            pause = _LONG_PAUSE if self._size > _LONG else _PAUSE
            self._next = self._clock.monotonic() + pause

    def _partial(self, *marks: str) -> "Bundle":
        # Half an answer is no JSON and has no last block of code yet.
        format = "text" if self._format == "text" else "markdown"
        foot = (*said_once(self._notices), *marks)
        return answer("".join(self._pieces), foot, format)

    def _publish(self, data: "Bundle", metadata: "Bundle | None" = None) -> None:
        self._shell.display_pub.publish(
            data=data,
            metadata=metadata or {},
            transient={"display_id": self._display_id},
            update=self._shown,
        )
        self._shown = True
