"""The panel's controls and the limits follow each other, whoever moves, in any thread."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costroute_nb.core.budget import Limits
from costroute_nb.errors import BudgetExceededError
from costroute_nb.notebook.controls import snapped
from costroute_nb.notebook.panel import Panel
from costroute_nb.notebook.reading import Reader
from costroute_nb.session import Session
from tests.support.dashboards import EXTRACT, simulated_session, work

NAMES = ("call", "session", "day", "month")


@pytest.fixture
def session() -> Iterator[Session]:
    with simulated_session() as session:
        yield session


@pytest.fixture
def panel(session: Session) -> Iterator[Panel]:
    panel = Panel(session, lambda: None)
    yield panel
    panel.close()


def shown(panel: Panel) -> Limits:
    """Return the limits that the controls show."""
    amounts = {name: row.amount(row.on.value) for name, row in panel.rows.items()}
    return Limits(
        **amounts,
        alert_at=round(panel.alert_at.value, 6),
        on_limit=panel.on_limit.value,
    )


def at_once(*jobs: Callable[[], object]) -> None:
    """Run jobs in threads that start together and take turns all the time."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        run_together(*jobs)
    finally:
        sys.setswitchinterval(usual)


def run_together(*jobs: Callable[[], object]) -> None:
    barrier = threading.Barrier(len(jobs))
    failures: list[BaseException] = []

    def run(job: Callable[[], object]) -> None:
        barrier.wait()
        try:
            job()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert failures == []


def test_a_new_panel_shows_the_limits_in_force(panel: Panel, session: Session) -> None:
    assert shown(panel) == session.budget.limits == Limits()
    assert not panel.rows["day"].on.value
    assert panel.rows["day"].slider.disabled
    assert panel.rows["day"].box.disabled


@pytest.mark.parametrize("name", NAMES)
def test_moving_a_slider_changes_its_limit(
    panel: Panel, session: Session, name: str
) -> None:
    row = panel.rows[name]  # type: ignore[index]
    row.on.value = True
    row.slider.value = 0.02
    assert getattr(session.budget.limits, name) == 0.02
    assert row.box.value == 0.02
    row.on.value = False
    assert getattr(session.budget.limits, name) is None
    row.on.value = True
    assert getattr(session.budget.limits, name) == 0.02


@pytest.mark.parametrize("name", NAMES)
def test_typing_an_amount_changes_its_limit_and_moves_the_slider(
    panel: Panel, session: Session, name: str
) -> None:
    row = panel.rows[name]  # type: ignore[index]
    row.on.value = True
    row.box.value = 0.37
    assert getattr(session.budget.limits, name) == 0.37
    assert row.slider.value == pytest.approx(0.37)


def test_changing_the_limits_moves_the_controls(panel: Panel, session: Session) -> None:
    session.budget.update(session=2, day=5)
    assert panel.rows["session"].slider.value == pytest.approx(2)
    assert panel.rows["day"].on.value
    session.budget.limits = Limits(
        call=0.5, session=None, month=80, alert_at=0.5, on_limit="degrade"
    )
    assert shown(panel) == session.budget.limits


@pytest.mark.parametrize("usd", [0, 0.0000004, 250_000, 9_000_000])
def test_an_amount_beyond_the_slider_is_kept_as_it_is(
    panel: Panel, session: Session, usd: float
) -> None:
    session.budget.update(day=usd)
    assert session.budget.limits.day == usd
    assert panel.rows["day"].box.value == usd


def test_alert_level_and_degrading_are_steered(panel: Panel, session: Session) -> None:
    panel.alert_at.value = 0.65
    panel.on_limit.value = "degrade"
    assert session.budget.limits.alert_at == 0.65
    assert session.budget.limits.on_limit == "degrade"


def test_a_low_alert_level_is_kept_though_the_slider_cannot_show_it(
    panel: Panel, session: Session
) -> None:
    session.budget.update(alert_at=0.001)
    assert session.budget.limits.alert_at == 0.001


def test_an_amount_that_no_limit_takes_goes_back(
    panel: Panel, session: Session
) -> None:
    panel.rows["session"].box.value = float("nan")
    assert session.budget.limits.session == 10.0
    assert panel.rows["session"].box.value == 10.0


def test_a_limit_moved_below_what_is_spent_refuses_the_next_call_of_any_thread(
    panel: Panel, session: Session
) -> None:
    work(session, 1)
    panel.rows["day"].on.value = True
    panel.rows["day"].slider.value = 0.001
    refused: list[str] = []

    def call() -> None:
        with pytest.raises(BudgetExceededError) as caught:
            session.route("Describe the moon at length.")
        refused.append(caught.value.limit)

    at_once(call, call)
    assert refused == ["day", "day"]


def test_stopping_refuses_new_requests_but_not_cached_answers(
    panel: Panel, session: Session
) -> None:
    session.route(EXTRACT.format(1))
    panel.stop.value = True
    assert panel.stop.description == "Resume calls"
    with pytest.raises(BudgetExceededError, match="are stopped: resume them") as caught:
        session.route(EXTRACT.format(2))
    assert caught.value.limit == "stop"
    assert session.route(EXTRACT.format(1)).cache_hit
    panel.stop.value = False
    assert panel.stop.description == "Stop all calls"
    session.route(EXTRACT.format(2))


def test_stopping_from_python_shows_in_the_panel(
    panel: Panel, session: Session
) -> None:
    session.budget.stop()
    assert panel.stop.value
    session.budget.resume()
    assert not panel.stop.value


def test_the_panel_follows_when_settings_rebuild_the_session(
    panel: Panel, session: Session
) -> None:
    from dataclasses import replace

    budget = session.budget
    session.budget.update(day=3)
    session.configure(replace(session.settings, budget_wait=1.0))
    assert session.budget is not budget
    assert session.budget.limits.day == 3
    session.budget.update(day=4)
    assert panel.rows["day"].box.value == 4
    panel.rows["day"].slider.value = 5
    assert session.budget.limits.day == 5


def test_a_closed_panel_leaves_the_limits_alone_and_is_left_alone(
    panel: Panel, session: Session
) -> None:
    panel.close()
    session.budget.update(session=3)
    assert panel.rows["session"].box.value == 10


def test_bars_say_in_words_how_the_limits_stand(panel: Panel, session: Session) -> None:
    work(session, 2)
    spent = session.budget.status()["session"].spent / 1e12
    session.budget.update(session=spent / 0.9, day=spent / 2)
    panel.show(Reader(session).read("session"))
    assert "90%, near the limit" in panel.rows["session"].bar.value
    assert "200%, spent: calls stop" in panel.rows["day"].bar.value
    assert "no limit" in panel.rows["month"].bar.value
    session.budget.update(on_limit="degrade")
    panel.show(Reader(session).read("session"))
    assert "at most the medium tier" in panel.rows["session"].bar.value


@pytest.mark.parametrize(
    ("slid", "meant"),
    [(10**0.3, 2.0), (10**-2.5, 0.0032), (10**1.1, 12.5), (4.2, 4.2), (0.0, 0.0)],
)
def test_a_step_of_a_slider_is_a_round_amount(slid: float, meant: float) -> None:
    assert snapped(slid) == meant


amounts = st.one_of(st.none(), st.integers(1, 10**6).map(lambda n: n / 1000))
moves = st.lists(
    st.tuples(st.sampled_from(("limits", "box", "slider", "page")), st.sampled_from(NAMES), amounts),
    min_size=1, max_size=6,
)  # fmt: skip


def move(panel: Panel, session: Session, how: str, name: str, usd: Any) -> None:
    """Move one limit as a program, a person's page, or a widget in Python would."""
    row = panel.rows[name]  # type: ignore[index]
    if how == "limits" or usd is None:
        session.budget.update(**{name: usd})
    elif how == "page":
        row.box.set_state({"value": usd})
    elif how == "box":
        row.box.value = usd
    else:
        row.slider.value = usd


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(moves, min_size=2, max_size=4))
def test_both_sides_agree_after_any_interleaving(
    panel: Panel, session: Session, threads: list[list[tuple[str, str, Any]]]
) -> None:
    def runner(own: list[tuple[str, str, Any]]) -> Callable[[], None]:
        def run() -> None:
            for how, name, usd in own:
                move(panel, session, how, name, usd)

        return run

    at_once(*(runner(own) for own in threads))
    assert shown(panel) == session.budget.limits


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(NAMES), st.lists(st.integers(1, 999), min_size=4, max_size=4))
def test_no_thread_s_last_value_is_lost(
    panel: Panel, session: Session, names: list[str], values: list[int]
) -> None:
    """Each thread moves its own limit, each in its own way, many times."""
    session.budget.limits = Limits(call=1, session=1, day=1, month=1)
    ways = ("limits", "box", "slider", "page")

    def runner(how: str, name: str, last: float) -> Callable[[], None]:
        def run() -> None:
            for step in range(5):
                move(panel, session, how, name, 9.5 - step)
            move(panel, session, how, name, last)

        return run

    wanted = dict(zip(names, (n / 128 for n in values), strict=True))
    at_once(*(runner(how, *one) for how, one in zip(ways, wanted.items(), strict=True)))
    limits = session.budget.limits
    assert {name: getattr(limits, name) for name in NAMES} == wanted
    assert shown(panel) == limits


def test_the_last_of_many_values_of_a_page_wins_while_a_program_moves_others(
    panel: Panel, session: Session
) -> None:
    session.budget.limits = Limits(day=1)

    def page() -> None:
        for n in range(1, 301):
            panel.rows["day"].slider.set_state({"value": n / 10})

    def program() -> None:
        for n in range(1, 301):
            session.budget.update(session=float(n), month=n / 100)

    at_once(page, program)
    assert session.budget.limits == Limits(session=300.0, day=30.0, month=3.0)
    assert shown(panel) == session.budget.limits


def test_a_value_that_was_overtaken_is_dropped(panel: Panel, session: Session) -> None:
    slider = panel.rows["session"].slider
    slider.set_state({"value": 4.2, "stamp": ["page", 7]})
    slider.set_state({"value": 3.1, "stamp": ["page", 6]})
    assert session.budget.limits.session == 4.2
    slider.set_state({"value": 2.7, "stamp": ["page", 8]})
    assert session.budget.limits.session == 2.7
    slider.set_state({"value": 1.3, "stamp": ["another page", 1]})
    assert session.budget.limits.session == 1.3


def test_observers_do_no_input_or_output(
    panel: Panel, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("an observer read the ledger")

    for name in ("balance", "totals", "records", "latest", "reserve"):
        monkeypatch.setattr(session.store, name, refuse)
    panel.rows["day"].on.value = True
    panel.rows["day"].slider.value = 0.5
    session.budget.update(month=3)
    panel.stop.value = True
    assert session.budget.limits.day == 0.5
