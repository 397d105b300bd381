"""Stopped calls and full limits are told where a user looks, with ways out that work."""

import re
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from IPython.core.error import UsageError

from costroute_nb.core.budget import Limits
from costroute_nb.errors import BudgetExceededError
from costroute_nb.notebook.planned import plan_page, planned
from costroute_nb.notebook.subcommands import run as run_subcommand
from costroute_nb.notebook.views import Page
from costroute_nb.session import Session
from tests.support.records import ended, hold

SMALL = "Translate this to French: the tide is high."
MEDIUM = "Explain why the median resists outliers better than the mean does."
RESUME = "%route budget --resume"


@pytest.fixture
def session(home: object) -> Iterator[Session]:
    """Give the test a session whose answers are simulated, and its notebook's part."""
    with Session(provider="simulated") as session:
        yield session


def route(session: Session, line: str) -> Any:
    """Return what a line of `%route` shows."""
    face: Any = SimpleNamespace(session=lambda: session)
    return run_subcommand(face, line)


def plan(session: Session, prompt: str, **options: Any) -> Page:
    """Return the page of a plan, as a notebook shows it."""
    asked: Any = SimpleNamespace(session=session, call=session.call(prompt, **options))
    return plan_page(planned(asked))


def spend(session: Session, usd: float, *, held: float = 0.0) -> None:
    """Let calls before have spent and hold so much of the session's pot."""
    now = session.budget.now()
    mine: dict[str, Any] = {
        "at": now,
        "session_id": session.session_id,
        "simulated": True,
    }
    session.store.add(ended(hold("before", **mine), round(usd * 10**12)))
    if held:
        under_way = hold("under way", round(held * 10**12), **mine)
        session.store.reserve(under_way, (), now + timedelta(hours=1))


@pytest.mark.parametrize("line", ["", "status", "budget"])
def test_stopped_calls_are_the_first_thing_a_page_says(
    session: Session, line: str
) -> None:
    assert "stopped" not in str(route(session, line))
    session.budget.stop()
    first, *_ = str(route(session, line)).splitlines()
    assert first.startswith("stopped: ")
    assert RESUME in first


def test_stopped_calls_are_the_first_thing_a_plan_says(session: Session) -> None:
    assert "stopped" not in str(plan(session, MEDIUM))
    session.budget.stop()
    first, *_ = str(plan(session, MEDIUM)).splitlines()
    assert first.startswith("stopped: ")


def test_a_line_stops_all_calls_and_another_resumes_them(session: Session) -> None:
    assert str(route(session, "budget --stop")).startswith("stopped: ")
    with pytest.raises(BudgetExceededError, match=f"`{RESUME}`"):
        session.route(SMALL)
    assert "stopped" not in str(route(session, "budget --resume"))
    assert session.route(SMALL).text


def test_limits_may_be_changed_by_the_line_that_resumes(session: Session) -> None:
    route(session, "budget --stop")
    route(session, "budget --session 3 --resume")
    assert session.budget.limits.session == 3.0
    assert not session.budget.stopped


@pytest.mark.parametrize("line", ["--stop --resume", "--session -1 --stop"])
def test_a_line_that_is_wrong_stops_nothing(session: Session, line: str) -> None:
    with pytest.raises(UsageError):
        route(session, f"budget {line}")
    assert not session.budget.stopped


@pytest.mark.parametrize(
    ("on_limit", "words"),
    [
        ("stop", "at the limit calls stop"),
        ("degrade", "near a limit smaller models answer, at the limit calls stop"),
    ],
)
def test_the_budget_says_what_a_limit_does(
    session: Session, on_limit: str, words: str
) -> None:
    page = route(session, f"budget --on-limit {on_limit}")
    assert f"you are warned; {words}." in str(page)


def test_a_log_goes_back_so_far(session: Session) -> None:
    session.route(SMALL)
    assert len(route(session, "log --since 5m")) == 1
    with pytest.raises(UsageError, match="choose one of --today"):
        route(session, "log --since 5m --all")
    with pytest.raises(UsageError, match="a time such as"):
        route(session, "log --since yesterday")


def test_a_log_of_a_day_or_month_begins_at_midnight(session: Session) -> None:
    session.route(SMALL)
    assert [len(route(session, f"log --{name}")) for name in ("today", "month")] == [
        1,
        1,
    ]


def test_a_plan_says_that_the_budget_would_refuse_it_now(session: Session) -> None:
    session.budget.limits = Limits(session=0.01)
    first, *_ = plan(session, MEDIUM).head
    assert first.startswith(
        "the budget would refuse this now: this call may cost up to"
    )
    assert "has $0.01 left ($0 spent); raise it with `%route budget --session" in first
    with pytest.raises(BudgetExceededError):
        session.route(MEDIUM)


def test_a_plan_that_fits_says_nothing_of_the_budget(session: Session) -> None:
    assert plan(session, MEDIUM).head[0].startswith("class: ")


def test_a_plan_whose_answer_is_cached_is_served_by_any_budget(
    session: Session,
) -> None:
    session.route(MEDIUM)
    session.budget.limits = Limits(session=0.0)
    assert plan(session, MEDIUM).head[0].startswith("class: ")
    assert session.route(MEDIUM).cache_hit


def test_a_plan_names_the_calls_own_cap(session: Session) -> None:
    first, *_ = plan(session, MEDIUM, max_cost=0.001).head
    assert "raise it with `--max-cost " in first


def test_a_plan_says_that_the_call_would_wait(session: Session) -> None:
    session.budget.limits = Limits(session=0.10)
    spend(session, 0.0, held=0.09)
    first, *_ = plan(session, MEDIUM).head
    assert first.startswith("now: waiting for calls in flight")


def test_a_plan_says_that_only_a_count_can_make_it_fit(session: Session) -> None:
    prompt = f"{MEDIUM} {'word ' * 4_000}"
    quote = session.plan(prompt).candidates[0].quote
    assert quote.worst is not None
    session.budget.limits = Limits(session=quote.worst * 0.9e-12)
    first, *_ = plan(session, prompt).head
    assert first.startswith("the provider's count of the prompt decides now: ")
    assert session.route(prompt).text


def test_looking_at_a_plan_holds_nothing(session: Session) -> None:
    plan(session, MEDIUM)
    assert session.budget.status()["session"].held == 0


def raised(error: BudgetExceededError) -> str:
    """Return the `%route budget` line that an error suggests first."""
    found = re.search(r"`%route (budget --\w+ [\d.]+)`", str(error))
    assert found is not None
    return found.group(1)


@pytest.mark.parametrize("spent", [0.0, 0.0099, 0.01, 0.5])
def test_the_suggested_limit_lets_the_call_through(
    session: Session, spent: float
) -> None:
    session.budget.limits = Limits(session=0.01)
    spend(session, spent)
    with pytest.raises(BudgetExceededError) as caught:
        session.route(MEDIUM)
    route(session, raised(caught.value))
    assert session.route(MEDIUM).text


@pytest.mark.parametrize("share", [0.8, 0.9, 0.99])
@pytest.mark.parametrize("limit", [0.02, 10.0])
def test_the_suggested_limit_lets_a_call_through_that_may_not_go_lower(
    session: Session, limit: float, share: float
) -> None:
    session.budget.limits = Limits(session=limit, on_limit="degrade")
    spend(session, limit * share)
    with pytest.raises(BudgetExceededError, match="may not go lower") as caught:
        session.route(MEDIUM, tier="large")
    route(session, raised(caught.value))
    assert session.route(MEDIUM, tier="large").tier == "large"


def test_stopping_is_suggested_where_it_lets_the_call_through(
    session: Session,
) -> None:
    session.budget.limits = Limits(session=10.0, on_limit="degrade")
    spend(session, 8.5)
    way = "`%route budget --on-limit stop`"
    with pytest.raises(BudgetExceededError, match=way):
        session.route(MEDIUM, tier="large")
    route(session, way.strip("`").removeprefix("%route "))
    assert session.route(MEDIUM, tier="large").text


def test_stopping_is_not_suggested_where_it_refuses_the_call_too(
    session: Session,
) -> None:
    session.budget.limits = Limits(session=0.02, on_limit="degrade")
    spend(session, 0.017)
    with pytest.raises(BudgetExceededError, match="may not go lower") as caught:
        session.route(MEDIUM, tier="large")
    assert "--on-limit" not in str(caught.value)


def test_a_budget_shows_its_limits_and_what_is_spent(session: Session) -> None:
    spend(session, 0.42)
    session.budget.update(day=5)
    assert repr(session.budget) == (
        "<Budget call $1.00, session $0.42 of $10.00 spent, day $0.42 of $5.00 spent, "
        "on_limit='stop', simulated>"
    )


def test_a_budget_without_limits_that_is_stopped_says_so(session: Session) -> None:
    session.budget.limits = Limits(call=None, session=None)
    session.budget.stop()
    assert repr(session.budget) == (
        "<Budget stopped, call no limit, on_limit='stop', simulated>"
    )


def test_a_budget_shows_itself_after_its_session_was_closed(session: Session) -> None:
    session.close()
    assert repr(session.budget).startswith("<Budget ")
