"""The one object users hold: what they ask, what they may spend, what they spent."""

from __future__ import annotations

import dataclasses
import threading
import uuid
from typing import TYPE_CHECKING, Any

import costroute_nb
from costroute_nb.asking import build_call
from costroute_nb.callbacks import Callbacks
from costroute_nb.clock import SystemClock
from costroute_nb.conversations import Conversations
from costroute_nb.conversing import Conversing
from costroute_nb.core.registered import Delegations
from costroute_nb.delegating import Delegating
from costroute_nb.reporting import Reporting
from costroute_nb.sources import resolve
from costroute_nb.wiring import wire

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from costroute_nb.budget import Budget
    from costroute_nb.core.alerts import Alert
    from costroute_nb.core.call import Call
    from costroute_nb.core.catalog import Catalog
    from costroute_nb.core.plan import Plan
    from costroute_nb.core.result import Result
    from costroute_nb.notebook.dashboard import Dashboard
    from costroute_nb.ports import Clock, LedgerStore, Prices, ResponseCache
    from costroute_nb.settings import Settings
    from costroute_nb.wiring import Parts

# Settings that the faces read at each call; no part is built from them.
_FACE = {"format", "stream", "workflow", "step"}
# Settings that are fields of `Limits`, and which.
_LIMITS = {
    "call_limit": "call",
    "session_limit": "session",
    "day_limit": "day",
    "month_limit": "month",
    "alert_at": "alert_at",
    "on_limit": "on_limit",
}


class Session(Reporting, Conversing, Delegating):
    """Everything a user does goes through a session; its methods are thread-safe.

    Parameters
    ----------
    **settings
        Any setting by name (see `costroute_nb.settings.Settings`); they win over
        files and environment.
    clock
        Time and chance; None is the system's.

    Raises
    ------
    ConfigurationError
        If a setting or a table cannot be used.
    """

    def __init__(self, *, clock: Clock | None = None, **settings: Any) -> None:
        self._lock = threading.RLock()
        self.session_id = uuid.uuid4().hex
        self._clock = clock or SystemClock()
        self._settled: Callbacks[Call] = Callbacks("Session.on_settled")
        self._dashboard: Dashboard | None = None
        self._conversations = Conversations()
        self._delegations = Delegations()
        self._parts = wire(resolve(session=settings), self.session_id, self._clock)

    def route(self, prompt: str, **options: Any) -> Result:
        """Send a prompt to the cheapest capable model and return its checked answer.

        Parameters
        ----------
        prompt
            Sent as it is; placeholders are filled by the magic only.
        tier, floor, ceiling
            `small`, `medium`, `large`, or a model line such as `haiku`.
        model, provider
            An exact model id; `anthropic` or `simulated`.
        system, context
            A system prompt; text or `{role, content}` messages before the prompt.
        thread
            A name: the call goes on with that conversation, which lives in this
            session's memory.
        context_tokens
            Most tokens of the whole prompt: older steps are left out to fit.
        effort
            How hard the model shall think, `low`, `medium` or `high`, instead of what
            the plan chooses.
        max_tokens
            Cap on answer tokens. An answer it cuts is returned as it is.
        schema
            A JSON schema or a pydantic model class; `Result.data` is the object.
        check
            A callable of the result, or an expression over `text`, `data` and
            `result`; falsy or raising rejects the answer.
        max_cost
            USD for all attempts together.
        cache, fresh, ttl
            `cache=False` neither reads nor writes; `fresh=True` overwrites; `ttl` is
            in seconds or text such as `1h`.
        escalate
            False stops at the first candidate.
        workflow, step
            What the ledger books the call under.
        task
            A delegated task such as `summarize:200`; the prompt is the text for it.

        Raises
        ------
        CostRouteError
            See `costroute_nb.errors`. Every attempt is in the ledger by then.
        """
        return self.run(self.call(prompt, **options))

    def plan(self, prompt: str, **options: Any) -> Plan:
        """Return how a prompt would be served; the options are those of `route`.

        Nothing is sent or spent.
        """
        return self.plan_call(self.call(prompt, **options))

    def call(
        self,
        prompt: str,
        *,
        typed: str | None = None,
        values: Sequence[str] = (),
        notebook: str | None = None,
        cell: str | None = None,
        check_namespace: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Call:
        """Return the checked call that a face asks `run` or `plan_call` to serve."""
        parts = self._parts
        origin: dict[str, Any] = {"notebook": notebook, "cell": cell}
        origin["check_namespace"] = check_namespace
        if options.get("task") is not None:  # the prompt is the text to work on
            return self._named(options.pop("task"), prompt, options, **origin)
        options.pop("task", None)
        return build_call(
            prompt,
            options,
            catalog=parts.catalog,
            settings=parts.settings,
            typed=typed,
            values=values,
            **origin,
        )

    def on_settled(self, callback: Callable[[Call], object]) -> Callable[[], None]:
        """Call back after each call, however it ended; the function returned ends it."""
        return self._settled.add(callback)

    def dashboard(self) -> Dashboard:
        """Return the session's budget panel and live charts, to be displayed."""
        from costroute_nb.notebook.dashboard import Dashboard

        with self._lock:
            if self._dashboard is None or self._dashboard.closed:
                self._dashboard = Dashboard(self)
            return self._dashboard

    @property
    def parts(self) -> Parts:
        """All that the session works with now, and its settings, at one moment.

        Whoever needs two of them takes both from here: settings may change between
        two looks at a session.
        """
        return self._parts

    @property
    def budget(self) -> Budget:
        """The limits, what is left of them, and the way to change them."""
        return self._parts.budget

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """The alerts of the last 7 days, oldest first, whichever process told them.

        They are of the session's pot and all that shares the ledger, other sessions'
        calls included; only other sessions' session limits are left out.
        """
        return self._parts.alerts.recent()

    def on_alert(self, callback: Callable[[Alert], object]) -> Callable[[], None]:
        """Call back with each alert that a call of this session is first to make due.

        It runs in the thread of the call, before the answer is returned; what it
        raises is logged. The function returned ends it.
        """
        return self._parts.alerts.on_alert(callback)

    @property
    def cache(self) -> ResponseCache:
        """Where answers are kept."""
        return self._parts.cache

    @property
    def catalog(self) -> Catalog:
        """The models that are known."""
        return self._parts.catalog

    @property
    def prices(self) -> Prices:
        """What the models charge."""
        return self._parts.prices

    @property
    def store(self) -> LedgerStore:
        """Where the ledger is kept, for faces that sum it."""
        return self._parts.ledger

    @property
    def simulated(self) -> bool:
        """Whether the session's calls are simulated unless they say otherwise."""
        return self._parts.simulated

    def configure(self, settings: Settings) -> None:
        """Apply changed settings from the next call on; calls in flight go on as they are.

        A limit set by hand (`budget.limits`) stays until a setting of it changes.

        Raises
        ------
        ConfigurationError
            If a part cannot be built; nothing has changed then.
        """
        with self._lock:
            before = self._parts
            changed = {
                name for name in settings.__slots__
                if getattr(before.settings, name) != getattr(settings, name)
            }  # fmt: skip
            if changed - _FACE - set(_LIMITS):
                parts = wire(settings, self.session_id, self._clock, before)
                parts.alerts.continue_from(before.alerts)
                parts.budget.continue_from(before.budget)
            else:
                parts = dataclasses.replace(before, settings=settings)
            self._parts = parts  # in one step: nobody sees half of a change
            limits = {_LIMITS[n]: getattr(settings, n) for n in changed & set(_LIMITS)}
            if limits:
                parts.budget.update(**limits)

    def close(self) -> None:
        """Give back files and connections; the dashboard shows a last state."""
        with self._lock:
            dashboard, self._dashboard = self._dashboard, None
        if dashboard is not None:
            dashboard.close()  # while the parts that it reads are open
        with self._lock:
            self._parts.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Session {self.session_id[:8]}, {self.settings.provider}>"


_default: Session | None = None
_default_lock = threading.Lock()


def default_session() -> Session:
    """Return the process's own session, the one the magics use."""
    global _default
    with _default_lock:
        if _default is None:
            _default = Session()
        session = _default
    if costroute_nb._adopt is not None:  # a notebook's settings hold here, too
        costroute_nb._adopt(session)
    return session
