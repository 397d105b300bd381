"""What one shell's face holds: its settings, its session, and what it has shown."""

import sys
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from traitlets import TraitError

from costroute_nb.errors import ConfigurationError, CostRouteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from IPython.core.interactiveshell import InteractiveShell

    from costroute_nb.core.alerts import Alert
    from costroute_nb.core.catalog import Catalog
    from costroute_nb.core.result import Result
    from costroute_nb.notebook.display import Results
    from costroute_nb.notebook.live import Live
    from costroute_nb.session import Session


class Face:
    """The state of the magics in one shell; it outlives a reload of the extension."""

    def __init__(self, shell: "InteractiveShell") -> None:
        self.shell = shell
        self.live: Live | None = None
        """What shows the answer that is arriving."""
        self._session: Session | None = None
        self._unsubscribe: Callable[[], None] | None = None
        self._just_shown: Result | None = None

    @cached_property
    def config(self) -> Any:
        """The settings as `%config CostRoute` knows them.

        Raises
        ------
        ConfigurationError
            If `ipython_config.py` has a value that a setting does not take.
        """
        from costroute_nb.notebook.config import CostRoute

        try:
            config = CostRoute(self.shell)
        except TraitError as error:
            message = f"ipython_config.py: {error}"
            raise ConfigurationError(message) from None
        config.on_change(self._apply)
        return config

    @cached_property
    def results(self) -> "Results":
        """What renders results."""
        from costroute_nb.notebook.display import Results

        return Results()

    def session(self) -> "Session":
        """Return the process's session with the settings of this shell applied.

        Raises
        ------
        ConfigurationError
            If a setting or a table cannot be used.
        """
        from costroute_nb.session import default_session

        session = default_session()
        self.adopt(session)
        return session

    def adopt(self, session: "Session") -> None:
        """Apply this shell's settings to the process's session, and show its alerts.

        Raises
        ------
        ConfigurationError
            If a setting cannot be used.
        """
        if self.config.changed:
            try:
                session.configure(self.config.settings())
            except CostRouteError:
                self.config.changed = True  # the next call says so again
                raise
            session.budget.update(**self.config.limits_set())
        if session is not self._session or self._unsubscribe is None:
            self.forget_alerts()
            self._unsubscribe = session.on_alert(self.show_alert)
        self._session = session

    def show_alert(self, alert: "Alert") -> None:
        """Show an alert as a line of its own in the running cell's output."""
        from costroute_nb.notebook.escaping import inline, plain
        from costroute_nb.notebook.live import Terminal

        line = f"alert: {alert.text}"
        if isinstance(self.live, Terminal):  # in the middle of a line, perhaps
            self.live.notice(line)
        else:
            shown = f"**alert:** {inline(alert.text)}"
            data = {"text/plain": plain(line), "text/markdown": shown}
            self.shell.display_pub.publish(data=data, metadata={})

    def forget_alerts(self) -> None:
        """Show no more alerts until the session is asked for again."""
        if self._unsubscribe is not None:
            self._unsubscribe()
        self._unsubscribe = None

    def remember(self, result: "Result", format: str) -> None:
        """Keep how a result just made is to be shown, now and whenever it is."""
        from costroute_nb.notebook.display import View
        from costroute_nb.notebook.receipt import standing

        session = self.session()
        lines = {model.id: model.line for model in session.catalog.models}
        stands = ""
        if result.simulated == session.simulated:  # never one pot's sum for the other
            limit = session.budget.limits.pico("session")
            stands = standing(session.budget.spent("session"), limit)
        line = lines.get(result.model, result.tier)
        self.results.remember(result, View(format, line, stands))

    def skip_display(self, result: "Result", instead: str = "") -> None:
        """Let the value of the running cell be kept but not shown a second time.

        `instead` is written where a terminal shows the value.
        """
        self.forget_shown()
        self._just_shown = result  # while it lives, no other object has its id
        cell = self.shell.execution_count

        def once(shown: "Result") -> None:
            self.forget_shown()
            if self.shell.execution_count != cell:  # a later cell displays it
                data, metadata = self.results.bundle(shown)
                self.shell.display_pub.publish(data=data, metadata=metadata)
            elif instead:
                sys.stdout.write(f"{instead}\n")

        self._printers()[id(result)] = once

    def forget_shown(self) -> None:
        """Show every value from now on."""
        if self._just_shown is not None:
            self._printers().pop(id(self._just_shown), None)
        self._just_shown = None

    def _printers(self) -> dict[int, Any]:
        """Return IPython's printers of single objects, by id."""
        formatter: Any = self.shell.display_formatter
        return formatter.ipython_display_formatter.singleton_printers

    def words(self, kind: str) -> "Iterable[str]":
        """Return what a completion offers for a kind of value."""
        if kind == "variable":
            hidden = self.shell.user_ns_hidden
            names = self.shell.user_ns
            return [n for n in names if not n.startswith("_") and n not in hidden]
        if kind == "provider":
            from costroute_nb.settings import PROVIDERS

            return PROVIDERS
        if kind == "model":
            return [model.id for model in self._catalog().models]
        if kind in ("thread", "task"):
            return self._session_words(kind)
        return self._catalog().tier_names() if kind == "tier" else ()

    def _session_words(self, kind: str) -> "Iterable[str]":
        """Return the threads or the tasks there are by now, written as options are."""
        session = self._session
        if kind == "thread":
            from costroute_nb.notebook.parsing import written

            return map(written, session.threads()) if session is not None else ()
        from costroute_nb.core.registered import Delegations

        return session.tasks if session is not None else Delegations().names

    def _catalog(self) -> "Catalog":
        """Return the models; from the tables while there is no session yet."""
        if self._session is not None:
            return self._session.catalog
        from costroute_nb.sources import config_dir
        from costroute_nb.tables import load_tables

        return load_tables(config_dir()).catalog

    def _apply(self) -> None:
        """Hand a changed setting to the session, if one is in use already."""
        if self._session is not None:
            with suppress(CostRouteError):  # the next call says so
                self.session()
