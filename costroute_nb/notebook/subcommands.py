"""The subcommands of `%route`: each returns what is shown, or shows it."""

from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from costroute_nb.clock import SystemClock
from costroute_nb.core.budget import day_period, month_period
from costroute_nb.core.money import format_usd
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
from costroute_nb.notebook.prompt import ask
from costroute_nb.notebook.receipt import standing
from costroute_nb.notebook.summing import advise, report
from costroute_nb.notebook.usage import CACHE_ACTIONS, takes, usage
from costroute_nb.notebook.views import (
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

    from costroute_nb.notebook.face import Face


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
    call = (
        "no limit"
        if limits.call is None
        else f"{format_usd(limits.pico('call'))} at most"
    )
    return Page(
        (
            f"provider: {pot}",
            f"call: {call}",
            *spent,
            f"cache: {answers(cache['entries'])}, {size(cache['size_bytes'])}",
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
    return asked.session.plan_call(asked.call)


def _log(face: "Face", rest: str) -> Any:
    given = parse(rest, LOG_OPTIONS, otherwise=takes("log"))
    if len(given) > 1:
        message = "choose one of --today, --month and --all"
        raise UsageError(message)
    session = face.session()
    if not given:
        return useful_first(session.ledger)
    if given[0].option.key == "all":
        return useful_first(session.history())
    period = day_period if given[0].option.key == "today" else month_period
    since, _ = period(SystemClock().now(), session.settings.zone)
    return useful_first(session.history(since=since))


def _budget(face: "Face", rest: str) -> Page:
    given = parse(rest, BUDGET_OPTIONS, otherwise=takes("budget"))
    changes = values(given, {}, str)
    budget = face.session().budget
    try:
        budget.update(**changes)
    except ValueError as error:
        raise UsageError(str(error)) from None
    pot = "simulated" if face.session().simulated else "real money"
    limits = budget.limits
    return budget_page(
        budget.status(), alert_at=limits.alert_at, on_limit=limits.on_limit, pot=pot
    )


def _cache(face: "Face", rest: str) -> Page:
    action = rest or "stats"
    if action not in CACHE_ACTIONS:
        message = (
            f"cache {action!r}{hint(action, CACHE_ACTIONS)}: stats, clear or prune"
        )
        raise UsageError(message)
    cache = face.session().cache
    if action == "stats":
        return cache_page(cache.stats())
    removed = cache.clear() if action == "clear" else cache.prune()
    return Page((f"{answers(removed)} removed",))


def _dashboard(face: "Face", rest: str) -> Any:
    _nothing_more("dashboard", rest)
    return face.session().dashboard()


def _models(face: "Face", rest: str) -> Page:
    _nothing_more("models", rest)
    session = face.session()
    return models_page(session.catalog, session.prices, SystemClock().now())


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
    "dashboard": _dashboard,
    "models": _models,
    "help": _help,
}
