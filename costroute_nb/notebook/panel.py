"""The budget panel: controls bound to the limits both ways, from any thread."""

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from costroute_nb.core.budget import LIMIT_NAMES
from costroute_nb.notebook.controls import LimitRow, guarded, snapped
from costroute_nb.notebook.mailbox import Mailbox
from costroute_nb.notebook.reading import SCOPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from costroute_nb.budget import Budget
    from costroute_nb.notebook.reading import Reading
    from costroute_nb.session import Session

_LEAST_ALERT = 0.05
_DESCRIPTION = {"description_width": "84px"}

WHEN = (
    "Controls act before the next request, in every thread; requests in flight end and "
    "are booked, and cached answers are always served. While a cell blocks the kernel, "
    "buttons act when it ends and sliders at the latest then; beside an awaited cell "
    "they act at once. <em>Interrupt</em> stops a running cell at any time."
)


class Panel:
    """Controls over one session's limits.

    Whoever moves a control, in whatever thread, changes the limits, and whoever
    changes the limits moves the controls. Where both happen at once the last one wins,
    on both sides.

    Parameters
    ----------
    session
        Whose budget it steers.
    on_scope
        Called after another scope was chosen for the charts.
    """

    def __init__(self, session: "Session", on_scope: "Callable[[], object]") -> None:
        self._session: Session | None = session
        self._mailbox = Mailbox()
        # Held while traits are set together: a front end's and the limits' changes
        # would otherwise end up in one round of notifications.
        self._lock = threading.RLock()
        self._setter: tuple[int, bool, list[Callable[[], object]]] | None = None
        self.rows = {name: LimitRow(name) for name in LIMIT_NAMES}
        self.alert_at = guarded(widgets.FloatSlider)(
            min=_LEAST_ALERT, max=1.0, step=0.05, readout_format=".0%",
            description="warn at", continuous_update=False,
            style=_DESCRIPTION, layout={"width": "300px"},
        )  # fmt: skip
        self.on_limit = guarded(widgets.Dropdown)(
            options=[("stop", "stop"), ("degrade, then stop", "degrade")],
            description="near a limit", style=_DESCRIPTION, layout={"width": "250px"},
        )  # fmt: skip
        self.stop = guarded(widgets.ToggleButton)(layout={"width": "150px"})
        self.scope = widgets.Dropdown(
            options=[(text, name) for name, text in SCOPES.items()],
            description="charts show", style=_DESCRIPTION, layout={"width": "250px"},
        )  # fmt: skip
        self._stopped = widgets.HTML()
        self.widget = self._laid_out()
        self._bind(session, on_scope)
        self._show_limits()

    @property
    def controls(self) -> "list[Any]":
        """Every widget that a person may move."""
        rows = [control for row in self.rows.values() for control in row.controls]
        return [*rows, self.alert_at, self.on_limit, self.stop, self.scope]

    def show(self, reading: "Reading") -> None:
        """Show how the limits stand."""
        for name, row in self.rows.items():
            row.show(reading.standings[name], reading.limits)

    def close(self) -> None:
        """Let go of limits and session, and take the controls from the page."""
        self._unsubscribe()
        self._session = None
        close_whole(self.widget)

    @property
    def _budget(self) -> "Budget | None":
        """What is steered, until the panel is closed; settings may replace it."""
        session = self._session
        return None if session is None else session.budget

    def _laid_out(self) -> Any:
        wrap = {"flex_flow": "row wrap", "align_items": "center"}
        panel = widgets.VBox(
            [
                *(row.widget for row in self.rows.values()),
                widgets.HBox(
                    [self.stop, self.alert_at, self.on_limit, self.scope], layout=wrap
                ),
                self._stopped,
                widgets.HTML(f'<p class="costroute-when">{WHEN}</p>'),
            ]
        )
        panel.add_class("costroute-panel")
        return panel

    def _bind(self, session: "Session", on_scope: "Callable[[], object]") -> None:
        for row in self.rows.values():
            self._bind_row(row)
        self._ask(self.alert_at, lambda share: {"alert_at": round(share, 6)})
        self._ask(self.on_limit, lambda what: {"on_limit": what})
        self._on_move(self.stop, self._switch)
        self.scope.observe(lambda _: on_scope(), "value")
        self._unsubscribe = session.budget.observe(
            lambda _: self._mailbox.post(self._show_limits)
        )

    def _bind_row(self, row: LimitRow) -> None:
        self._ask(row.on, lambda on: {row.name: row.amount(on)})
        self._ask(row.slider, lambda usd: {row.name: snapped(usd)})
        self._ask(row.box, lambda usd: {row.name: usd})

    def _ask(self, control: Any, changes: "Callable[[Any], dict[str, Any]]") -> None:
        """Have a control's value change the limits."""

        def change(value: Any) -> None:
            budget = self._budget
            try:
                if budget is not None:
                    budget.update(**changes(value))
            except ValueError:  # no such limit: the control goes back
                self._show_limits()

        self._on_move(control, change)

    def _on_move(self, control: Any, act: "Callable[[Any], None]") -> None:
        """Act, in order, on each value a control is moved to by anyone but us."""

        def moved(change: Any) -> None:
            def job() -> None:
                act(change["new"])

            mine = self._setter
            if mine is None or mine[0] != threading.get_ident():
                self._mailbox.post(job)
                return
            _, ours, later = mine
            if not ours:
                later.append(job)

        control.guard = self._guard
        control.observe(moved, "value")

    @contextmanager
    def _guard(self, *, ours: bool = False) -> "Iterator[None]":
        """Set traits alone; what front ends ask for is done when that is over."""
        later: list[Callable[[], object]] = []
        with self._lock:
            before, self._setter = self._setter, (threading.get_ident(), ours, later)
            try:
                yield
            finally:
                self._setter = before
        for job in later:
            self._mailbox.post(job)

    def _switch(self, stopped: bool) -> None:
        budget = self._budget
        if budget is None:
            return
        if stopped:
            budget.stop()
        else:
            budget.resume()

    def _show_limits(self) -> None:
        """Move the controls to the limits in force."""
        budget = self._budget
        if budget is None:
            return
        limits, stopped = budget.limits, budget.stopped
        with self._guard(ours=True):
            for name, row in self.rows.items():
                row.take(getattr(limits, name))
            if round(self.alert_at.value, 6) != limits.alert_at:
                self.alert_at.value = max(limits.alert_at, _LEAST_ALERT)
            self.on_limit.value = limits.on_limit
            self.stop.value = stopped
            self.stop.description = "Resume calls" if stopped else "Stop all calls"
            self.stop.icon = "play" if stopped else "stop"
            self._stopped.value = _STOPPED if stopped else ""


def close_whole(widget: Any) -> None:
    """Close a widget and all that it is made of.

    Closed alone it would leave its parts in the registry of open widgets, which holds
    on to them, and to whatever listens to them, for as long as the process lives.
    """
    widget.close()
    for name in widget.keys:
        value = getattr(widget, name)
        for part in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(part, widgets.Widget):
                close_whole(part)


_STOPPED = (
    '<p class="costroute-stopped" role="alert">Stopped: every new request of this '
    "session is refused, in every thread, until you resume.</p>"
)
