"""The dashboard keeps up with the ledger, at its own pace, and lets go of everything."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from ipywidgets.widgets import widget as registry

from costroute_nb.core.budget import Limits
from costroute_nb.errors import BudgetExceededError, ConfigurationError
from costroute_nb.notebook.dashboard import Dashboard
from costroute_nb.session import Session
from tests.support.dashboards import EXPLAIN, EXTRACT, simulated_session, work
from tests.support.records import ended, hold

SOON = 10.0


@pytest.fixture
def session() -> Iterator[Session]:
    with simulated_session() as session:
        yield session


@pytest.fixture
def dashboard(session: Session) -> Dashboard:
    """Give a dashboard whose live parts run."""
    dashboard = session.dashboard()
    assert dashboard.widget
    return dashboard


def until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SOON
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def tile(dashboard: Dashboard, label: str) -> str:
    (value,) = (
        t["value"] for t in dashboard.view.state["tiles"] if t["label"] == label
    )
    return str(value)


def test_a_session_has_one_dashboard(session: Session) -> None:
    assert session.dashboard() is session.dashboard()


def test_a_session_that_shows_no_dashboard_imports_none() -> None:
    script = (
        "import sys; from costroute_nb.session import Session; "
        "s = Session(provider='simulated'); s.route('hello'); s.close(); "
        "names = {'ipywidgets', 'altair', 'anywidget', 'vl_convert', 'pandas'}; "
        "assert not names & set(sys.modules), names & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("can_start", [True, False])
def test_the_page_s_code_is_bundled_beside_the_kernel_where_it_can_be(
    can_start: bool,
) -> None:
    # Bundling holds the interpreter's lock, too: calls in flight would wait.
    script = (
        f"import sys; sys.executable = sys.executable if {can_start} else '/nowhere'; "
        "from costroute_nb.session import Session; "
        "s = Session(provider='simulated'); view = s.dashboard().view; s.close(); "
        "assert len(view._esm) > 500_000; "
        f"assert ('vl_convert' in sys.modules) != {can_start}"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_calls_show_soon_after_they_end(dashboard: Dashboard, session: Session) -> None:
    work(session, 2)
    assert until(lambda: tile(dashboard, "Calls") == "6")
    shown = dashboard.view.state["figures"]
    assert len(shown["cost"]["data"]["rows"]) == 3
    assert shown["pareto"]["data"]["rows"][0]["name"] == "review / security"
    assert shown["session"]["data"]["rows"][-1]["usd"] > 0
    spent = session.budget.status()["session"].spent
    assert shown["session"]["data"]["rows"][-1]["usd"] == spent / 1e12
    assert "of $10.00 spent" in dashboard.panel.rows["session"].bar.value


def test_a_burst_of_calls_is_a_few_refreshes_and_the_last_one_has_all(
    dashboard: Dashboard, session: Session
) -> None:
    assert until(lambda: dashboard.view.state["number"] >= 1)
    before, started = dashboard.view.state["number"], time.monotonic()
    for n in range(60):
        session.route(EXTRACT.format(n))
    assert until(lambda: tile(dashboard, "Calls") == "60")
    seconds = time.monotonic() - started
    assert dashboard.view.state["number"] - before <= 4 * seconds + 2


def test_nothing_is_refreshed_while_nothing_changes(
    dashboard: Dashboard, session: Session
) -> None:
    session.route(EXPLAIN.format(1))
    assert until(lambda: tile(dashboard, "Calls") == "1")
    time.sleep(1.5)
    number = dashboard.view.state["number"]
    seconds = 0.0
    while seconds < 2:
        dashboard.refresh()
        time.sleep(0.1)
        seconds += 0.1
    # The sentence for screen readers may follow once, a few seconds later.
    assert dashboard.view.state["number"] <= number + 1


def test_another_session_s_calls_on_the_same_ledger_count_for_the_day(
    dashboard: Dashboard,
) -> None:
    with simulated_session() as other:
        other.route(EXPLAIN.format(7))
        spent = other.budget.status()["day"].spent
    day = "figures", "day", "data", "rows"

    def shown() -> float:
        found: Any = dashboard.view.state
        for key in day:
            found = found[key]
        return float(found[-1]["usd"])

    assert until(lambda: shown() == spent / 1e12)
    assert tile(dashboard, "Calls") == "0"


def test_the_charts_show_the_scope_that_is_chosen(
    dashboard: Dashboard, session: Session
) -> None:
    with simulated_session() as other:
        work(other, 1)
    session.route(EXTRACT.format(99))
    dashboard.panel.scope.value = "day"
    assert until(lambda: tile(dashboard, "Calls") == "4")
    assert dashboard.view.state["status"]
    dashboard.panel.scope.value = "month"
    assert until(
        lambda: dashboard.view.state["figures"]["calls"]["caption"].startswith(
            "4 calls"
        )
    )
    assert not dashboard.view.state["figures"]["hits"]["empty"]
    dashboard.panel.scope.value = "session"
    assert until(lambda: tile(dashboard, "Calls") == "1")


def test_a_dashboard_opened_late_knows_the_session_s_course(session: Session) -> None:
    work(session, 3)
    rows = session.dashboard()._reading.course
    assert len(rows) >= 8
    assert rows[0].sums.calls == 0
    assert rows[-1].sums.calls == 9


def test_a_long_session_s_course_starts_with_quarters(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("costroute_nb.notebook.reading._LONGEST_START", 2)
    monkeypatch.setattr(session.store, "records", None)  # too many to be read
    work(session, 1)
    points = session.dashboard()._reading.course
    assert points[0].sums.calls == 0
    assert points[-1].sums.calls == 3


def test_real_and_simulated_money_are_never_added(
    dashboard: Dashboard, session: Session
) -> None:
    work(session, 1)
    assert until(lambda: tile(dashboard, "Calls") == "3")
    session.configure(replace(session.settings, provider="anthropic"))
    assert until(lambda: tile(dashboard, "Calls") == "0")
    assert tile(dashboard, "Spent") == "$0"
    session.configure(replace(session.settings, provider="simulated"))
    assert until(lambda: tile(dashboard, "Calls") == "3")


def test_alerts_are_listed(dashboard: Dashboard, session: Session) -> None:
    session.route(EXPLAIN.format(1))
    spent = session.budget.status()["session"].spent / 1e12
    session.budget.update(session=round(spent * 1.1 + 0.0201, 6), alert_at=0.01)
    session.route(EXTRACT.format(5))
    assert until(lambda: len(dashboard.view.state["alerts"]) == 1)


def test_the_announced_sentence_follows_within_seconds(
    dashboard: Dashboard, session: Session
) -> None:
    session.route(EXPLAIN.format(1))
    assert until(lambda: "1 call," in dashboard.view.state["status"])


def test_the_last_state_is_announced_after_a_burst(
    dashboard: Dashboard, session: Session
) -> None:
    session.route(EXPLAIN.format(1))
    assert until(lambda: "1 call," in dashboard.view.state["status"])
    for n in range(30):
        session.route(EXTRACT.format(n))
    assert until(lambda: "31 calls," in dashboard.view.state["status"])
    assert tile(dashboard, "Calls") == "31"


def test_a_dashboard_that_is_closed_announces_what_it_shows(
    dashboard: Dashboard, session: Session
) -> None:
    session.route(EXPLAIN.format(1))
    assert until(lambda: "1 call," in dashboard.view.state["status"])
    session.route(EXTRACT.format(1))
    view = dashboard.view
    dashboard.close()
    assert "2 calls," in view.state["status"]
    number = view.state["number"]
    dashboard.close()
    assert view.state["number"] == number


def test_what_could_not_be_shown_is_shown_the_next_time(
    dashboard: Dashboard, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert dashboard._refreshes is not None
    dashboard._refreshes.close()  # from here on only this thread refreshes

    def fails(_: object) -> None:
        raise OSError("the page is away")

    session.route(EXTRACT.format(1))
    with monkeypatch.context() as patch:
        patch.setattr(dashboard.panel, "show", fails)
        with pytest.raises(OSError, match="the page is away"):
            dashboard.refresh()
    dashboard.refresh()
    assert tile(dashboard, "Calls") == "1"


def test_an_alert_of_another_session_s_refused_call_is_listed(
    dashboard: Dashboard,
) -> None:
    with simulated_session() as other:
        work(other, 1)
        assert until(lambda: tile(dashboard, "Calls") == "0")
        spent = other.budget.status()["day"].spent / 1e12
        other.budget.update(day=spent / 0.97, alert_at=1.0)
        time.sleep(1.2)  # everything else about it is shown by now
        assert dashboard.view.state["alerts"] == []
        with pytest.raises(BudgetExceededError):
            other.route(EXPLAIN.format(77))
    assert until(lambda: len(dashboard.view.state["alerts"]) == 1)


def test_as_text_it_is_its_numbers(session: Session) -> None:
    work(session, 1)
    said = repr(session.dashboard())
    assert "dashboard (simulated, nothing is sent)" in said
    assert "3 calls" in said
    assert "view" not in session.dashboard().__dict__


def test_closing_ends_its_threads_and_leaves_calls_alone() -> None:
    before = threading.active_count()
    with simulated_session() as session:
        dashboard = session.dashboard()
        assert dashboard.widget
        assert threading.active_count() > before
        dashboard.close()
        assert until(lambda: threading.active_count() == before)
        session.route(EXTRACT.format(1))
        session.budget.update(day=3)


def test_a_closed_dashboard_says_its_last_state_and_has_no_live_parts() -> None:
    with simulated_session() as session:
        dashboard = session.dashboard()
        assert dashboard.widget
        work(session, 1)
    work(session, 1)
    assert dashboard.closed
    assert "3 calls" in repr(dashboard)
    dashboard.refresh()
    assert "3 calls" in repr(dashboard)
    for part in ("panel", "view", "widget"):
        with pytest.raises(ConfigurationError, match="gives another one"):
            getattr(dashboard, part)


def test_a_session_that_was_closed_gives_a_new_dashboard() -> None:
    session = Session(provider="simulated", timezone="UTC")
    first = session.dashboard()
    assert first.widget
    session.close()
    second = session.dashboard()
    assert second is not first
    assert second.widget
    work(session, 1)
    assert until(lambda: tile(second, "Calls") == "3")
    session.close()


def test_of_a_closed_session_nothing_stays_in_memory() -> None:
    open_before = set(registry._instances)
    session = Session(provider="simulated", timezone="UTC")
    dashboard = session.dashboard()
    shown = dashboard.widget
    work(session, 1)
    held = weakref.ref(session)
    parts = [weakref.ref(part) for part in (dashboard.panel, dashboard.view)]
    session.close()
    assert set(registry._instances) == open_before
    del session
    assert until(lambda: gc.collect() >= 0 and held() is None)
    # A cell's output may hold on to both: they hold on to nothing.
    assert dashboard.closed
    assert shown.comm is None
    del shown, dashboard
    assert until(lambda: gc.collect() >= 0 and not [p for p in parts if p()])


def test_what_fails_at_the_end_does_not_keep_a_dashboard_open(
    dashboard: Dashboard,
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError("the disk is away")

    monkeypatch.setattr(type(session.store), "version", fails)
    dashboard.close()
    assert dashboard.closed
    assert "last state is not shown: the disk is away" in caplog.text


def test_a_ledger_that_fails_is_logged_and_forgotten_when_it_works_again(
    dashboard: Dashboard,
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError("the disk is away")

    with monkeypatch.context() as patch:
        patch.setattr(type(session.store), "totals", fails)
        session.route(EXTRACT.format(1))
        assert until(lambda: "the disk is away" in caplog.text)
    assert until(lambda: tile(dashboard, "Calls") == "1")


def test_memory_is_flat_over_many_refreshes(session: Session) -> None:
    dashboard = session.dashboard()
    assert dashboard.widget
    session.budget.limits = Limits(session=1.0, day=5.0)
    assert dashboard._refreshes is not None
    dashboard._refreshes.close()  # from here on only this thread refreshes

    def refresh(first: int, last: int) -> int:
        """Return how many blocks of memory Python has afterwards."""
        for n in range(first, last):
            held = hold(
                f"call-{n}",
                at=session.budget.now(),
                session_id=session.session_id,
                simulated=True,
                workflow=f"flow {n % 5}",
                step=f"step {n % 12}",
            )
            session.store.add(ended(held, charged=10**6))
            dashboard.refresh()
        gc.collect()
        return sys.getallocatedblocks()

    # A course grows to 480 points, then drops every second one: 240 make a round.
    first = refresh(0, 961)
    second = refresh(961, 961 + 480)
    assert abs(second - first) < 2_000
    assert dashboard.view.state["number"] >= 1_400
