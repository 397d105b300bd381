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

    from costroute_nb.notebook.painter import Painter
    from costroute_nb.notebook.reading import Reading

_MOST = 8  # that are kept up to date; a cell run again leaves dead ones


class Outputs:
    """The outputs that have a twin; any thread may add one or update them all.

    Parameters
    ----------
    state
        Returns what a twin is to show now, and whether on a dark page.
    painter
        Draws its picture.
    """

    def __init__(
        self, state: "Callable[[], tuple[Reading, bool]]", painter: "Painter"
    ) -> None:
        self._state = state
        self._painter = painter
        # Held while a state is drawn and published: an older one never comes last.
        self._lock = threading.Lock()
        self._shown: dict[str, tuple[Reading, bool]] = {}
        self._publisher: DisplayPublisher | None = None

    def add(self, shell: "InteractiveShell") -> None:
        """Show a twin in the running cell."""
        with self._lock:
            self._remember(shell)
            name, state = uuid4().hex, self._state()
            _publish(shell.display_pub, self._drawn(*state), name)
            self._shown[name] = state
            while len(self._shown) > _MOST:
                del self._shown[next(iter(self._shown))]

    def update(self, shell: "InteractiveShell") -> None:
        """Replace the twins that show another state than the present one.

        They are the kernel's to replace: whatever the running cell captures is its
        own outputs only.
        """
        with self._lock:
            if self._publisher is None:
                self._remember(shell)
            publisher, state = self._publisher, self._state()
            behind = [name for name, shown in self._shown.items() if shown != state]
            if publisher is None or not behind:
                return
            drawn = self._drawn(*state)
            for name in behind:
                _publish(publisher, drawn, name, update=True)
                self._shown[name] = state

    def _remember(self, shell: "InteractiveShell") -> None:
        """Keep what publishes to the front end, unless a cell's capture is in its place."""
        publisher = shell.display_pub
        if not isinstance(publisher, CapturingDisplayPublisher):
            self._publisher = publisher

    def _drawn(self, reading: "Reading", dark: bool) -> twin.Twin:
        return twin.twin(reading, self._painter, dark=dark)


def _publish(
    publisher: "DisplayPublisher", drawn: twin.Twin, name: str, *, update: bool = False
) -> None:
    data, metadata = drawn.bundle()
    publisher.publish(
        data=data, metadata=metadata, transient={"display_id": name}, update=update
    )
