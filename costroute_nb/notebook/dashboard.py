"""The dashboard: panel and live charts where they can be, and what stays of them."""

import logging
import threading
import weakref
from functools import cached_property
from typing import TYPE_CHECKING, Any

from costroute_nb.clock import SystemClock
from costroute_nb.errors import ConfigurationError
from costroute_nb.notebook import twin, words
from costroute_nb.notebook.announcing import Announcer
from costroute_nb.notebook.figures import figures
from costroute_nb.notebook.outputs import Outputs
from costroute_nb.notebook.reading import Reader
from costroute_nb.notebook.ticker import Ticker
from costroute_nb.painter import Painter

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.interactiveshell import InteractiveShell

    from costroute_nb.notebook.reading import Reading, Scope
    from costroute_nb.session import Session

logger = logging.getLogger(__name__)

_REFRESH_PAUSE = 0.3  # seconds: some three times a second
_LOOK = 1.0  # seconds after which other kernels' calls are looked for
_TWIN_DELAY, _TWIN_PAUSE = 1.5, 8.0
_LAST_PATIENCE = 10.0  # seconds that whoever closes a dashboard waits for its picture

_FALLBACK = (
    "The live panel and charts need their kernel: run this cell again. Their last state "
    "follows."
)


class Dashboard:
    """One session's limits and charts; shown where it is displayed.

    In a notebook the panel and the charts are live, and a picture and a table of
    their last state stay in the saved file. Without a front end that could show
    widgets, and once it is closed, there is that alone.

    Parameters
    ----------
    session
        What it shows and steers.
    """

    def __init__(self, session: "Session") -> None:
        reader = Reader(session)
        # Until it is closed.
        self._source: tuple[Session, Reader] | None = session, reader
        self._scope: Scope = "session"
        self._lock = threading.Lock()
        self._closing = threading.RLock()
        # Held from a reading to its display: an older one never comes last.
        self._refreshing = threading.Lock()
        self._painter = Painter()
        self._reading = self._shown = reader.latest(self._scope)
        self._outputs = Outputs(lambda: (self._latest(), self._dark), self._painter)
        self._number = 0
        self._announcer = Announcer(words.status(self._reading), SystemClock())
        self._endings: list[Callable[[], object]] = []
        self._refreshes: Ticker | None = None
        self._twins: Ticker | None = None
        self._shell: InteractiveShell | None = None

    def __repr__(self) -> str:
        reading = self._latest()
        return str(twin.page(reading, figures(reading)))

    def _ipython_display_(self) -> None:
        from IPython import get_ipython

        shell = get_ipython()
        if shell is None or getattr(shell, "kernel", None) is None:
            import sys

            sys.stdout.write(f"{self!r}\n")
            return
        with self._closing:
            if self.closed:
                self._outputs.add(shell)
                self._painter.close()
                return
            self._attend(shell)
            if _takes_widgets(shell):
                self._publish_live(shell)
            self._outputs.add(shell)

    @property
    def closed(self) -> bool:
        """Whether it has let go of its session and shows a last state only."""
        return self._source is None

    @cached_property
    def panel(self) -> Any:
        """The controls; making them imports ipywidgets."""
        from costroute_nb.notebook.panel import Panel

        panel = Panel(self._session, self._choose_scope)
        panel.show(self._reading)
        return panel

    @cached_property
    def view(self) -> Any:
        """The live charts; making them imports Altair, and bundles Vega."""
        from costroute_nb.notebook.chart_view import ChartView

        controls = [control.model_id for control in self.panel.controls]
        return ChartView(self._state(self._reading, self._announcer.said), controls)

    @cached_property
    def widget(self) -> Any:
        """Panel and charts together, as one widget that is refreshed from now on."""
        import ipywidgets as widgets

        session = self._session
        both = widgets.VBox([self.panel.widget, self.view])
        both.add_class("costroute-dashboard")
        self._refreshes = Ticker(self.refresh, pause=_REFRESH_PAUSE, idle=_LOOK)
        self._twins = Ticker(
            self._update_twins, pause=_TWIN_PAUSE, idle=60.0, delay=_TWIN_DELAY
        )
        self.view.observe(lambda _, ask=self._twins.ask: ask(), "dark")
        ask = self._refreshes.ask
        self._endings += [
            session.on_settled(lambda _: ask()),
            session.budget.observe(lambda _: ask()),
        ]
        return both

    def refresh(self) -> None:
        """Bring panel and charts up to date, if anything has changed."""
        with self._refreshing:
            if self.closed:
                return
            reading = self._latest()
            changed = reading is not self._shown
            said = self._announcer.due(words.status(reading))
            if not changed and said == self._announcer.said:
                return
            self.panel.show(reading)
            self._show(reading, said)
        if changed and self._twins is not None:
            self._twins.ask()

    def close(self) -> None:
        """Show the last state, then let go of session, widgets, threads and process.

        The live parts leave the page, where the picture and the table stay.
        """
        with self._closing:
            if self.closed:
                return
            for end in self._endings:
                end()
            self._endings.clear()
            for ticker in (self._refreshes, self._twins):
                if ticker is not None:
                    ticker.close()
            self._painter.patience = min(self._painter.patience, _LAST_PATIENCE)
            try:
                self._show_last()
            finally:
                self._let_go()

    @property
    def _session(self) -> "Session":
        """The session, for what can no more be made once it is closed."""
        if self._source is None:
            message = "this dashboard is closed: session.dashboard() gives another one"
            raise ConfigurationError(message)
        return self._source[0]

    def _show_last(self) -> None:
        """Have page and file end with the state that there is now."""
        for show in (self._refresh_last, self._update_twins):
            try:
                show()
            except Exception as error:  # closing goes on, whatever fails
                logger.warning("the dashboard's last state is not shown: %s", error)

    def _refresh_last(self) -> None:
        with self._refreshing:
            reading = self._latest()
            last = words.status(reading)
            shown = reading is self._shown and last == self._announcer.said
            if "view" in self.__dict__ and not shown:
                self.panel.show(reading)
                self._show(reading, last)

    def _let_go(self) -> None:
        self._painter.close()  # where waiting for a picture was interrupted
        self._outputs.end()
        self._painter.close()
        with self._refreshing, self._lock:
            self._source = None
        made = [self.__dict__.pop(name, None) for name in ("widget", "view", "panel")]
        both, view, panel = made
        if panel is None:
            return
        from costroute_nb.notebook.panel import close_whole

        panel.close()
        for widget in (both, view):
            if widget is not None:
                close_whole(widget)

    def _latest(self) -> "Reading":
        with self._lock:
            if self._source is not None:
                self._reading = self._source[1].latest(self._scope)
            return self._reading

    def _choose_scope(self) -> None:
        self._scope = self.panel.scope.value
        if self._refreshes is not None:
            self._refreshes.ask()

    def _show(self, reading: "Reading", said: str) -> None:
        """Have the charts' widget show a reading; what fails is shown again next time."""
        self.view.state = self._state(reading, said)
        self._shown = reading
        self._announcer.say(said)

    def _state(self, reading: "Reading", said: str) -> dict[str, Any]:
        """Return what the charts' widget is to show."""
        from costroute_nb.notebook.chart_view import state

        self._number += 1
        return state(self._number, reading, said)

    def _attend(self, shell: "InteractiveShell") -> None:
        """Bring the twins up to date whenever a cell has ended."""
        if self._shell is shell:
            return
        self._shell = shell
        me = weakref.ref(self)

        def ended(*_: object) -> None:
            if (dashboard := me()) is not None:
                dashboard._cell_ended()

        shell.events.register("post_run_cell", ended)
        self._endings.append(lambda: shell.events.unregister("post_run_cell", ended))

    def _cell_ended(self) -> None:
        if self._twins is not None:
            self._twins.hurry()
        else:  # nobody is waiting for this cell, and nothing runs after the last one
            self._update_twins()

    def _publish_live(self, shell: "InteractiveShell") -> None:
        live = {
            "model_id": self.widget.model_id,
            "version_major": 2,
            "version_minor": 0,
        }
        data = {
            "application/vnd.jupyter.widget-view+json": live,
            "text/html": f"<p>{_FALLBACK}</p>",
            "text/plain": _FALLBACK,
        }
        shell.display_pub.publish(data=data, metadata={})

    def _update_twins(self) -> None:
        """Replace what stays, wherever it is, unless that is up to date."""
        if self._shell is not None:
            self._outputs.update(self._shell)

    @property
    def _dark(self) -> bool:
        return "view" in self.__dict__ and bool(self.view.dark)


def _takes_widgets(shell: "InteractiveShell") -> bool:
    """Whether a person is at the other end: programs that run notebooks allow no input."""
    return bool(getattr(shell.kernel, "_allow_stdin", True))  # type: ignore[attr-defined]
