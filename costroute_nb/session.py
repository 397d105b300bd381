"""Wire the parts together; the one object users hold."""

from __future__ import annotations

import threading
import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from costroute_nb.asking import build_call
from costroute_nb.clock import SystemClock
from costroute_nb.core.policy import baseline_model
from costroute_nb.core.tokens import estimate_messages, estimate_tokens
from costroute_nb.frames import records_frame
from costroute_nb.settings import Settings, seconds
from costroute_nb.sources import config_dir, resolve
from costroute_nb.tables import load_tables
from costroute_nb.wiring import classifier_of, wire

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import Self

    import pandas as pd

    from costroute_nb.budget import Budget
    from costroute_nb.core.call import Call
    from costroute_nb.core.catalog import Catalog
    from costroute_nb.core.classification import Classification
    from costroute_nb.core.messages import Message
    from costroute_nb.core.policy import Plan
    from costroute_nb.core.result import Result
    from costroute_nb.ports import Clock, Listener, Prices, ResponseCache

# Settings that the faces read at each call; no part is built from them.
_FACE = {"format", "stream", "workflow", "step"}
_LIMITS = {
    "call_limit", "session_limit", "day_limit", "month_limit", "alert_at", "on_limit",
}  # fmt: skip


class Session:
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
        self.settings = resolve(session=settings)
        self._clock = clock or SystemClock()
        self._wire()

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
        return build_call(
            prompt,
            options,
            catalog=self.catalog,
            settings=self.settings,
            typed=typed,
            values=values,
            notebook=notebook,
            cell=cell,
            check_namespace=check_namespace,
        )

    def run(self, call: Call, listener: Listener | None = None) -> Result:
        """Serve a call, telling a listener how it goes."""
        return self._parts.router.route(call, listener or _NOBODY)

    def plan_call(self, call: Call) -> Plan:
        """Return how a call would be served."""
        return self._parts.router.plan(call)

    @property
    def budget(self) -> Budget:
        """The limits, what is left of them, and the way to change them."""
        return self._parts.budget

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
    def ledger(self) -> pd.DataFrame:
        """The session's attempts, one row each, in the columns of the ledger."""
        return self._frame(session_id=self.session_id)

    def history(self, since: datetime | str | float | None = None) -> pd.DataFrame:
        """Return the attempts of all sessions on this ledger.

        Parameters
        ----------
        since
            A moment (naive: in the budget's zone), or how far back: seconds, or text
            such as `30d`. None is everything.
        """
        if since is None or isinstance(since, datetime):
            start = since
        else:
            start = self._clock.now() - timedelta(seconds=seconds(since))
        if start is not None and start.tzinfo is None:
            start = start.replace(tzinfo=self.settings.zone)
        return self._frame(since=start)

    @property
    def simulated(self) -> bool:
        """Whether the session's calls are simulated unless they say otherwise."""
        return self.settings.provider == "simulated"

    def configure(self, settings: Settings) -> None:
        """Apply changed settings from the next call on.

        A limit set by hand (`budget.limits`) stays until a setting of it changes.
        """
        with self._lock:
            old, self.settings = self.settings, settings
            changed = {
                name for name in settings.__slots__
                if getattr(old, name) != getattr(settings, name)
            }  # fmt: skip
            limits = self.budget.limits
            if changed - _FACE - _LIMITS:
                self._parts.close()
                self._wire()
                self.budget.limits = limits
            if changed & _LIMITS:
                self.budget.limits = settings.limits

    def close(self) -> None:
        """Give back files and connections."""
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

    def _frame(self, **scope: Any) -> pd.DataFrame:
        # What a dead process held is a fact as soon as its lease is over.
        ledger = self._parts.ledger
        ledger.expire(self._clock.now())
        return records_frame(ledger.records(**scope))

    def _wire(self) -> None:
        self._parts = wire(self.settings, self.session_id, self._clock)


class _Nobody:
    """A listener that watches nothing."""

    def text(self, delta: str) -> None:
        """Ignore it."""

    def restart(self, reason: str) -> None:
        """Ignore it."""

    def notice(self, message: str) -> None:
        """Ignore it."""


_NOBODY = _Nobody()
_default: Session | None = None
_default_lock = threading.Lock()


def default_session() -> Session:
    """Return the process's own session, the one the magics use."""
    global _default
    with _default_lock:
        if _default is None:
            _default = Session()
        return _default


def classify(prompt: str) -> Classification:
    """Return which tier a prompt needs, and why; nothing is sent."""
    classifier = classifier_of(load_tables(config_dir()))
    return classifier.classify(prompt, input_tokens=estimate_tokens(prompt))


def count_tokens(
    text_or_messages: str | Sequence[Message], model: str | None = None
) -> int:
    """Estimate the prompt tokens of a text or of messages, offline.

    Parameters
    ----------
    text_or_messages
        Text, or `{role, content}` messages; messages include their overhead.
    model
        Whose tokenizer to assume; None takes the newest family's.
    """
    catalog = load_tables(config_dir()).catalog
    tokenizer = (catalog.find(model) if model else baseline_model(catalog)).tokenizer
    if isinstance(text_or_messages, str):
        return estimate_tokens(text_or_messages, tokenizer)
    return estimate_messages(text_or_messages, tokenizer=tokenizer)
