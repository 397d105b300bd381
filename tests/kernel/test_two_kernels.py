"""Two notebooks on one ledger: what one of them does, both dashboards show."""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.kernel import Kernel, Ran, running_kernel

SOON = 60.0
# With so long a prompt and so few tokens a call costs about what was held for it.
START = """
%load_ext costroute_nb
import costroute_nb as cr
%config CostRoute.provider = 'simulated'
%config CostRoute.timezone = 'UTC'
%config CostRoute.max_tokens = 50
session = cr.default_session()
dashboard = session.dashboard()

def call(number):
    try:
        prompt = f"Explain planet {number}. " + "blue sky " * 5_000
        session.route(prompt, tier="small", cache=False)
    except cr.BudgetExceededError as error:
        print("refused by the limit:", error.limit)
"""
LIVE = """
assert dashboard.widget
dashboard.panel.scope.value = "day"
"""
STATE = """{
    "tiles": [(t["label"], t["value"]) for t in dashboard.view.state["tiles"]],
    "alerts": dashboard.view.state["alerts"],
    "groups": {
        name: dashboard.view.state["figures"][name]["data"]
        for name in ("cost", "calls", "pareto")
    },
    "spent": [
        dashboard.view.state["figures"][name]["data"]["rows"][-1]["usd"]
        for name in ("day", "month")
    ],
    "limit": dashboard.view.state["figures"]["day"]["data"]["limit"],
    "limits": session.budget.limits.day,
    "left": session.budget.remaining()["day"],
    "bar": dashboard.panel.rows["day"].bar.value,
}"""


@pytest.fixture
def pair(home: object) -> Iterator[tuple[Kernel, Kernel]]:
    """Give two kernels with a dashboard of the day each."""
    with running_kernel() as one, running_kernel() as two:
        for kernel in (one, two):
            assert kernel.run(START).ok
            assert kernel.run(LIVE, timeout=120).ok
        yield one, two


def alerts(ran: Ran) -> list[str]:
    """Return the lines in which a cell told an alert."""
    shown = (o["data"]["text/plain"] for o in ran.outputs if "data" in o)
    return [text for text in shown if text.startswith("alert: ")]


def state(kernel: Kernel) -> Any:
    return ast.literal_eval(kernel.value(STATE))


def until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SOON
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(0.3)
    return met


def test_limits_alerts_and_charts_agree_and_an_alert_crosses_once(
    pair: tuple[Kernel, Kernel],
) -> None:
    one, two = pair
    assert one.run("call(0)").ok
    spent = float(one.value("session.budget.status()['day'].spent / 1e12"))
    assert float(two.value("session.budget.status()['day'].spent / 1e12")) == spent > 0
    for kernel in pair:
        assert kernel.run(f"%route budget --day {spent * 20:.6f}").ok
    told: list[str] = []
    refused, number = 0, 0
    while refused < 4 and number < 60:  # by turns, and on after the first refusal
        number += 1
        ran = pair[number % 2].run(f"call({number})")
        assert ran.ok, ran.plain
        told += alerts(ran)
        refused += "refused by the limit: day" in ran.plain
    assert refused == 4
    calls = number - refused + 1
    assert len(told) == 2, told
    assert "% of the day limit is used" in told[0]
    assert "The day limit stops calls" in told[1]

    def shows_all(kernel: Kernel) -> bool:
        shown = state(kernel)
        return ("Calls", str(calls)) in shown["tiles"] and len(shown["alerts"]) == 2

    assert until(lambda: shows_all(one))
    assert until(lambda: shows_all(two))
    assert state(one) == state(two)
    listed = state(one)["alerts"]
    assert [f"alert: {text}" for text in listed] == told


def test_a_cached_answer_elsewhere_shows_though_it_is_free(
    pair: tuple[Kernel, Kernel],
) -> None:
    one, two = pair
    ask = "session.route('Rename the column a to b.').cache_hit"
    assert one.value(ask) == "False"
    assert until(lambda: ("Calls", "1") in state(two)["tiles"])
    assert one.value(ask) == "True"
    assert until(lambda: ("From the cache", "50%") in state(two)["tiles"])


CAPTURED = """%%capture captured
import time
for number in range(4):
    call(number)
deadline = time.monotonic() + 60
while not twin_shows(4) and time.monotonic() < deadline:
    time.sleep(0.1)
"""


def test_a_cell_that_captures_its_outputs_gets_no_update_and_the_twin_does(
    bare_kernel: Kernel,
) -> None:
    kernel = bare_kernel
    assert kernel.run(START).ok
    _, stays = kernel.run("%route dashboard", timeout=120).outputs
    name = stays["transient"]["display_id"]
    kernel.run(
        "def twin_shows(calls):\n"
        "    shown = dashboard._outputs._shown.values()\n"
        "    return any(state[0].sums.calls == calls for state, _ in shown)\n"
    )
    ran = kernel.run(CAPTURED, timeout=120)
    assert ran.ok, ran.plain
    assert kernel.value("[output.transient for output in captured.outputs]") == "[]"
    assert kernel.value("captured.stdout") == "''"
    updates = [
        message["content"]
        for message in ran.messages
        if message["msg_type"] == "update_display_data"
    ]
    assert {update["transient"]["display_id"] for update in updates} == {name}
    assert re.search(r"Calls +4 ", updates[-1]["data"]["text/plain"])
    assert "image/png" in updates[-1]["data"]
    assert not [m for m in ran.messages if m["msg_type"] == "display_data"]


def test_a_program_s_cell_that_captures_updates_what_was_saved(
    bare_kernel: Kernel,
) -> None:
    """Without live parts the end of a cell updates, and that of a captured one, too."""
    kernel = bare_kernel
    assert kernel.run(START).ok
    kernel.run("get_ipython().kernel._allow_stdin = False")
    (stays,) = kernel.run(
        "get_ipython().kernel._allow_stdin = False\n%route dashboard", timeout=120
    ).outputs
    ran = kernel.run("%%capture captured\ncall(1)", timeout=120)
    assert kernel.value("len(captured.outputs)") == "0"
    (update,) = (m for m in ran.messages if m["msg_type"] == "update_display_data")
    named = update["content"]["transient"]["display_id"]
    assert named == stays["transient"]["display_id"]
    assert re.search(r"Calls +1 ", update["content"]["data"]["text/plain"])
