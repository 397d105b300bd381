"""Where the twins of a dashboard stand, and how each one is brought up to date."""

import threading
from typing import TYPE_CHECKING
from uuid import uuid4

from IPython.core.displaypub import CapturingDisplayPublisher

from costroute_nb.notebook import twin

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell

    from costroute_nb.notebook.reading import Reading
    from costroute_nb.painter import Painter

    State = tuple[Reading, bool]

_MOST = 8  # that are kept up to date; a cell run again leaves dead ones
_TRIES = 3  # at one state's picture: each may take as long as the painter's patience


class Outputs:
    """The outputs that have a twin; any thread may add one or update them all.

    Parameters
    ----------
    state
        Returns what a twin is to show now, and whether on a dark page.
    painter
        Draws its picture.
    """

    def __init__(self, state: "Callable[[], State]", painter: "Painter") -> None:
        self._state = state
        self._painter = painter
        # Held while a state is drawn and published: an older one never comes last.
        self._lock = threading.Lock()
        # What each output shows, and whether with its own picture.
        self._shown: dict[str, tuple[State, bool]] = {}
        self._last: tuple[State, twin.Twin] | None = None
        self._tries = 0
        self._ended = False
        self._publisher: DisplayPublisher | None = None

    def add(self, shell: "InteractiveShell") -> None:
        """Show a twin in the running cell."""
        with self._lock:
            self._remember(shell)
            name, state = uuid4().hex, self._state()
            made = self._made(state)
            _publish(shell.display_pub, made, name)
            self._shown[name] = state, made.drawn
            while len(self._shown) > _MOST:
                del self._shown[next(iter(self._shown))]

    def update(self, shell: "InteractiveShell") -> None:
        """Replace the twins that show another state than the present one, or no picture.

        They are the kernel's to replace: whatever the running cell captures is its
        own outputs only.
        """
        with self._lock:
            if not self._ended:
                self._update(shell)

    def end(self) -> None:
        """Update no more; an update under way ends first."""
        with self._lock:
            self._ended = True

    def _update(self, shell: "InteractiveShell") -> None:
        if self._publisher is None:
            self._remember(shell)
        publisher, state = self._publisher, self._state()
        whole = state, True
        behind = [name for name, shown in self._shown.items() if shown != whole]
        if publisher is None or not behind:
            return
        made = self._made(state)
        now = state, made.drawn
        for name in behind:
            if self._shown[name] != now:
                _publish(publisher, made, name, update=True)
                self._shown[name] = now

    def _remember(self, shell: "InteractiveShell") -> None:
        """Keep what publishes to the front end, unless a cell's capture is in its place."""
        publisher = shell.display_pub
        if not isinstance(publisher, CapturingDisplayPublisher):
            self._publisher = publisher

    def _made(self, state: "State") -> twin.Twin:
        """Return the twin of a state, drawn once; a failure is tried again, not for ever."""
        last, before = self._last or (None, None)
        if state != last:
            self._tries = 0
        elif before is not None and (before.drawn or self._tries >= _TRIES):
            return before
        self._tries += 1
        reading, dark = state
        made = twin.twin(reading, self._painter, dark=dark, before=before)
        self._last = state, made
        return made


def _publish(
    publisher: "DisplayPublisher", drawn: twin.Twin, name: str, *, update: bool = False
) -> None:
    data, metadata = drawn.bundle()
    publisher.publish(
        data=data, metadata=metadata, transient={"display_id": name}, update=update
    )
