"""The subcommands of `%route`: each returns what is shown, or shows it."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from costroute_nb.clock import SystemClock
from costroute_nb.core.budget import day_period, month_period
from costroute_nb.core.money import format_usd
from costroute_nb.core.policy import baseline_model
from costroute_nb.core.totals import Totals
from costroute_nb.notebook.escaping import code_block
from costroute_nb.notebook.options import BUDGET_OPTIONS, LOG_OPTIONS
from costroute_nb.notebook.parsing import (
    HELP_OPTIONS,
    hint,
    leading_options,
    option_in,
    parse,
    split_quoted,
    values,
)
from costroute_nb.notebook.planned import planned
from costroute_nb.notebook.prompt import ask
from costroute_nb.notebook.receipt import standing
from costroute_nb.notebook.summing import advise, report
from costroute_nb.notebook.threads import thread
from costroute_nb.notebook.usage import CACHE_ACTIONS, takes, usage
from costroute_nb.notebook.views import (
    STOPPED,
    Page,
    answers,
    budget_page,
    cache_page,
    models_page,
    size,
    useful_first,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from costroute_nb.notebook.face import Face
    from costroute_nb.session import Session


def run(face: "Face", line: str) -> Any:
    """Run one subcommand; without one it is `status`.

    Raises
    ------
    UsageError
        For an unknown subcommand or option.
    CostRouteError
        Whatever the session raises.
    """
    name, _, rest = line.strip().partition(" ")
    name = name or "status"
    if {name, rest.strip()} & HELP_OPTIONS:
        return _help(face, "")
    if name not in _RUNS:
        message = f"there is no subcommand {name!r}{hint(name, _RUNS)}; try %route help"
        raise UsageError(message)
    return _RUNS[name](face, rest.strip())


def _status(face: "Face", rest: str) -> Page:
    _nothing_more("status", rest)
    session = face.session()
    limits, cache = session.budget.limits, session.cache.stats()
    pot = (
        "simulated, nothing is sent" if session.simulated else session.settings.provider
    )
    spent = [
        f"{name}: {standing(found.spent, found.limit).removeprefix('session ')} spent"
        for name, found in session.budget.status().items()
        if name != "call" and (name == "session" or found.limit is not None)
    ]
    threads = session.threads()
    call = (
        "no limit"
        if limits.call is None
        else f"{format_usd(limits.pico('call'))} at most"
    )
    return Page(
        (
            *([STOPPED] if session.budget.stopped else []),
            f"provider: {pot}",
            f"call: {call}",
            *spent,
            f"cache: {answers(cache['entries'])}, {size(cache['size_bytes'])}",
            *([f"threads: {', '.join(threads)}"] if threads else []),
            "see also %route log, budget, plan, models, help",
        )
    )


def _plan(face: "Face", rest: str) -> Any:
    before, text = leading_options(rest)
    prompt, after = split_quoted(text)
    if not prompt.strip():
        message = '%route plan needs a prompt: %route plan "Summarize {{text}}"'
        raise UsageError(message)
    option = None if after else option_in(prompt)
    if option is not None and not text.startswith(("'", '"')):
        message = f"put the prompt in quotes, {option} stands behind it"
        raise UsageError(message)
    asked = ask(face, f"{before} {after}", prompt)
    return planned(asked)


def _log(face: "Face", rest: str) -> Any:
    given = parse(rest, LOG_OPTIONS, otherwise=takes("log"))
    if len(given) > 1:
        message = "choose one of --today, --month, --all and --since"
        raise UsageError(message)
    asked = values(given, {}, str)
    session = face.session()
    if not asked:
        return useful_first(session.ledger)
    return useful_first(session.history(since=_beginning(session, **asked)))


def _beginning(
    session: "Session",
    *,
    since: float | str | None = None,
    today: bool = False,
    month: bool = False,
    all: bool = False,
) -> "datetime | float | str | None":
    """Return from when on a log is asked for; seconds are so far back, text a day."""
    if not (today or month):
        return since
    period = day_period if today else month_period
    return period(SystemClock().now(), session.settings.zone)[0]


def _budget(face: "Face", rest: str) -> Page:
    given = parse(rest, BUDGET_OPTIONS, otherwise=takes("budget"))
    changes = values(given, {}, str)
    stop, resume = changes.pop("stop", False), changes.pop("resume", False)
    if stop and resume:
        message = "--stop and --resume contradict each other: choose one"
        raise UsageError(message)
    session = face.session()
    budget = session.budget
    try:
        if changes:
            budget.update(**changes)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if stop:
        budget.stop()
    elif resume:
        budget.resume()
    pot = "simulated" if session.simulated else "real money"
    return budget_page(budget.status(), budget.limits, stopped=budget.stopped, pot=pot)


def _cache(face: "Face", rest: str) -> Page:
    action = rest or "stats"
    if action not in CACHE_ACTIONS:
        message = (
            f"cache {action!r}{hint(action, CACHE_ACTIONS)}: stats, clear or prune"
        )
        raise UsageError(message)
    session = face.session()
    cache = session.cache
    if action == "stats":
        pot = ", simulated" if session.simulated else ""
        scopes = {
            f"this session{pot}": _of_cache(session, session.session_id),
            f"this ledger{pot}": _of_cache(session),
        }
        return cache_page(
            cache.stats(), scopes, baseline=baseline_model(session.catalog).id
        )
    removed = cache.clear() if action == "clear" else cache.prune()
    return Page((f"{answers(removed)} removed",))


def _of_cache(session: "Session", session_id: str | None = None) -> Totals:
    """Return how many calls there were, and what the cached ones come to."""
    groups = dict(
        session.store.totals(
            ("status",), simulated=session.simulated, session_id=session_id
        )
    )
    cached = groups.get(("cached",), Totals())
    return replace(cached, calls=sum(group.calls for group in groups.values()))


def _dashboard(face: "Face", rest: str) -> Any:
    _nothing_more("dashboard", rest)
    return face.session().dashboard()


def _models(face: "Face", rest: str) -> Page:
    _nothing_more("models", rest)
    session = face.session()
    parts = session.parts
    errors = {
        tokenizer: parts.counter.errors(tokenizer, simulated=parts.simulated)
        for tokenizer in dict.fromkeys(m.tokenizer for m in parts.catalog.models)
    }
    return models_page(parts.catalog, parts.prices, SystemClock().now(), errors)


def _help(face: "Face", rest: str) -> None:
    text = usage()
    data = {"text/plain": text, "text/markdown": code_block(text, "text")}
    face.shell.display_pub.publish(data=data, metadata={})


def _nothing_more(name: str, rest: str) -> None:
    if rest:
        message = f"%route {name} takes nothing more: what is {rest!r}?"
        raise UsageError(message)


_RUNS: "dict[str, Callable[[Face, str], Any]]" = {
    "status": _status,
    "plan": _plan,
    "log": _log,
    "budget": _budget,
    "report": report,
    "advise": advise,
    "cache": _cache,
    "thread": thread,
    "dashboard": _dashboard,
    "models": _models,
    "help": _help,
}
