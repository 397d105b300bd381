"""The dashboard in a page: steered by keyboard and mouse, alive while cells run."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from costroute_nb.notebook.charts import palette
from tests.browser.conftest import notebook
from tests.support.anthropic_server import AnthropicServer, Text
from tests.support.jupyter import App, Jupyter
from tests.support.lab import Lab, Theme

READY = "() => document.querySelector('.costroute-live')?.dataset.ready === 'true'"
CURVE = (
    "document.querySelector('.costroute-plot path[aria-roledescription=\"line mark\"]')"
)
TEN = [
    f"%%route --no-cache --workflow news --step s{n % 3}\nExplain to a child why the sky "
    f"is blue on planet {n}."
    for n in range(10)
]
CELLS = {
    "open": "import costroute_nb\nsession = costroute_nb.default_session()\n"
    "session.dashboard()",
    **{f"call {n}": source for n, source in enumerate(TEN)},
    "limits": "session.budget.limits",
    "budget": "%route budget --session 2",
    "wait": "import asyncio\nfor _ in range(100):\n    await asyncio.sleep(0.1)\n"
    "    if session.budget.stopped:\n        break\nsession.budget.stopped",
    "watch": "seen = []\nfor _ in range(30):\n    await asyncio.sleep(0.1)\n"
    "    seen.append(session.budget.limits.session)\nsorted(set(seen))",
    "block": "import time\nfor _ in range(20):\n    time.sleep(0.1)",
    "reset": "session.budget.limits = costroute_nb.Limits(month=80)\nsession.budget.resume()",
}
AT = {name: place for place, name in enumerate(CELLS, start=1)}


@dataclass
class Desk:
    """A notebook with a live dashboard whose prompts go to a local server."""

    lab: Lab
    server: AnthropicServer
    app: App

    def run(self, name: str) -> str:
        """Run a cell by its name; return what it shows."""
        return self.lab.run_cell(AT[name])

    def limits(self) -> str:
        """Return the limits as the kernel has them."""
        return self.run("limits")

    def slider(self, name: str) -> Any:
        """Return the handle of a limit's slider."""
        return self.lab.page.get_by_role("slider", name=f"{name} limit slider, USD")

    def box(self, name: str) -> Any:
        """Return the box with a limit's amount."""
        return self.lab.page.get_by_role("spinbutton", name=f"{name} limit, USD")

    def switch(self, name: str) -> Any:
        """Return the box that turns a limit on."""
        return self.lab.page.get_by_role("checkbox", name=f"{name} limit")

    def wait_for_amount(self, name: str, amount: str) -> None:
        """Wait until the kernel has answered a move with the amount that now holds."""
        self.lab.wait_for(
            "([name, amount]) => { const at = (what) => document.querySelector("
            "`[aria-label='${name} limit slider, USD']`);"
            "return at().ariaValueText === `$${amount}` && at().closest('.costroute-row')"
            ".querySelector('input[type=number]').value === amount; }",
            [name, amount],
        )

    def wait_until_off(self, name: str, *, off: bool = True) -> None:
        """Wait until a limit's slider can, or cannot, be moved."""
        self.lab.wait_for(
            "([name, off]) => off === (document.querySelector("
            "`[aria-label='${name} limit slider, USD']`).closest('[disabled]') !== null)",
            [name, off],
        )

    def wait_for_calls(self, count: int) -> None:
        """Wait until the page shows so many calls."""
        self.lab.wait_for(
            "n => document.querySelectorAll('.costroute-tile .costroute-value')[1]"
            "?.textContent === n",
            str(count),
        )


@pytest.fixture(scope="module", params=["lab", "notebook"])
def _desk(
    request: pytest.FixtureRequest,
    jupyter: Jupyter,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Desk]:
    app: App = request.param
    path = notebook(tmp_path_factory.mktemp("dashboard"), *CELLS.values())
    with AnthropicServer() as server:
        env = server.env() | {"COSTROUTE_PROVIDER": "anthropic"}
        with jupyter.open(path, app, env=env) as lab:
            lab.run_cell(0)
            lab.run_cell(AT["open"])
            lab.wait_for(READY)
            yield Desk(lab, server, app)
            assert lab.page_errors == []
            assert lab.external_requests == []


@pytest.fixture
def desk(_desk: Desk) -> Desk:
    """Give a test the open dashboard with usual limits, and nothing scripted."""
    _desk.server.reset()
    _desk.run("reset")
    _desk.lab.wait_for("() => document.querySelector('.costroute-stopped') === null")
    return _desk


def test_charts_change_while_ten_cells_run(desk: Desk) -> None:
    answer = " ".join(f"word{n}" for n in range(40))
    desk.server.always(Text(answer, deltas=20, delta_delay=0.02))
    page = desk.lab.page
    for n in range(10):
        desk.lab.start_cell(AT[f"call {n}"])
    curves, numbers = set(), set()
    while not desk.lab.has_ended(AT["call 9"]):
        curves.add(page.evaluate(f"{CURVE}?.getAttribute('d')"))
        numbers.add(
            page.evaluate("document.querySelector('.costroute-live').dataset.number")
        )
        time.sleep(0.05)
    assert len(desk.server.messages) == 10
    assert len(curves) >= 4
    assert len(numbers) >= 4
    desk.wait_for_calls(10)
    assert "news / s0" in desk.lab.text(AT["open"])


def test_the_day_slider_by_keyboard_refuses_the_next_call(desk: Desk) -> None:
    switch, slider = desk.switch("day"), desk.slider("day")
    switch.focus()
    desk.lab.page.keyboard.press("Space")
    desk.wait_until_off("day", off=False)
    slider.focus()
    desk.lab.page.keyboard.press("Home")
    desk.wait_for_amount("day", "0.001")
    assert "day=0.001," in desk.limits()
    shown = desk.run("call 1")
    assert "the day limit of $0.0010 has no room" in shown or "day limit" in shown
    assert desk.server.messages == []
    slider.focus()
    for _ in range(3):
        desk.lab.page.keyboard.press("ArrowRight")
    desk.wait_for_amount("day", "0.002")
    assert "day=0.002," in desk.limits()


def test_the_day_slider_by_mouse_refuses_the_next_call(desk: Desk) -> None:
    desk.switch("day").click()
    desk.wait_until_off("day", off=False)
    handle = desk.slider("day")
    handle.scroll_into_view_if_needed()
    place = handle.bounding_box()
    mouse = desk.lab.page.mouse
    mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    mouse.down()
    mouse.move(place["x"] - 40, place["y"] + 3, steps=4)
    mouse.move(place["x"] - 400, place["y"] + 3, steps=8)
    mouse.up()
    desk.wait_for_amount("day", "0.001")
    assert "day=0.001," in desk.limits()
    assert "day limit" in desk.run("call 2")
    assert desk.server.messages == []
    desk.switch("day").click()
    desk.wait_until_off("day")
    assert "day=None" in desk.limits()
    desk.server.always(Text("fine"))
    assert "fine" in desk.run("call 2")


def test_an_amount_typed_is_the_limit(desk: Desk) -> None:
    box = desk.box("session")
    box.fill("3.37")
    box.press("Enter")
    desk.wait_for_amount("session", "3.37")
    assert "session=3.37" in desk.limits()


def test_a_command_moves_the_slider(desk: Desk) -> None:
    def left() -> float:
        return float(desk.slider("session").bounding_box()["x"])

    before = left()
    desk.run("budget")
    desk.wait_for_amount("session", "2")
    assert left() < before - 5


def test_stopping_beside_an_awaited_cell_acts_at_once(desk: Desk) -> None:
    started = time.monotonic()
    desk.lab.start_cell(AT["wait"])
    time.sleep(0.5)
    desk.lab.page.get_by_role("button", name="Stop all calls").click()
    desk.lab.wait_until_ended(AT["wait"])
    assert time.monotonic() - started < 8
    assert "True" in desk.lab.text(AT["wait"])
    assert "Stopped: every new request" in desk.lab.text(AT["open"])
    assert "all calls of this session are stopped" in desk.run("call 3")
    assert desk.server.messages == []
    desk.lab.page.get_by_role("button", name="Resume calls").click()
    desk.lab.wait_for("() => document.querySelector('.costroute-stopped') === null")
    desk.server.always(Text("again"))
    assert "again" in desk.run("call 3")


def test_a_slider_beside_an_awaited_cell_acts_at_once_each_time(desk: Desk) -> None:
    desk.lab.start_cell(AT["watch"])
    desk.slider("session").focus()
    for key in ("Home", "ArrowRight", "ArrowRight"):
        desk.lab.page.keyboard.press(key)
        time.sleep(0.4)
    desk.lab.wait_until_ended(AT["watch"])
    seen = desk.lab.text(AT["watch"])
    assert [f"{usd}" in seen for usd in (0.001, 0.00125, 0.0016)] == [True] * 3


def test_a_slider_beside_a_blocking_cell_acts_when_it_ends_at_the_latest(
    desk: Desk,
) -> None:
    desk.lab.start_cell(AT["block"])
    desk.slider("session").focus()
    for key in ("Home", "ArrowRight", "ArrowRight", "ArrowRight"):
        desk.lab.page.keyboard.press(key)
        time.sleep(0.1)
    desk.lab.wait_until_ended(AT["block"])
    desk.wait_for_amount("session", "0.002")
    assert "session=0.002," in desk.limits()


def test_every_control_and_chart_has_a_name(desk: Desk) -> None:
    page = desk.lab.page
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('.costroute-dashboard :is(input, select)')]
        .filter((e) => !e.labels?.length || !e.labels[0].textContent.trim())
        .map((e) => e.outerHTML)"""
    )
    assert nameless == []
    handles = page.locator(".costroute-panel .noUi-handle")
    for n in range(handles.count()):
        assert handles.nth(n).get_attribute("aria-label")
        assert handles.nth(n).get_attribute("aria-valuetext")
    plots = page.locator(".costroute-plot[role=img]")
    assert plots.count() == 8
    for n in range(8):
        assert len(plots.nth(n).get_attribute("aria-label") or "") > 20
    status = page.locator(".costroute-live [role=status][aria-live=polite]")
    assert "This session: " in status.inner_text()


def test_the_keyboard_reaches_every_control_that_is_on(desk: Desk) -> None:
    page = desk.lab.page
    desk.switch("call").focus()
    seen = []
    for _ in range(20):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate(
                "document.activeElement.ariaLabel ?? document.activeElement.labels?.[0]"
                "?.textContent ?? document.activeElement.textContent"
            )
        )
    wanted = [
        *("call limit slider, USD", "call limit, USD", "session limit"),
        *("session limit slider, USD", "session limit, USD", "day limit"),
        *("month limit", "month limit slider, USD", "month limit, USD"),
        *("Stop all calls", "warn at", "near a limit", "charts show"),
    ]
    places = [next(i for i, text in enumerate(seen) if name in text) for name in wanted]
    assert places == sorted(places)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everything_can_be_read_in_both_themes(
    desk: Desk, theme: Theme, shots: Path
) -> None:
    lab = desk.lab
    lab.choose_theme(theme)
    ink = {c["name"]: c["value"] for c in palette(dark=theme == "dark")}["ink"]
    lab.wait_for(
        "ink => document.querySelector('.costroute-plot .role-axis-label text')"
        "?.getAttribute('fill') === ink",
        ink,
    )
    # Labels for which an axis has no room are there, unseen.
    texts = [one for one in lab.contrasts(AT["open"]) if one["ratio"] != 1]
    assert len(texts) > 60
    assert [one for one in texts if one["ratio"] < 4.5] == []
    fills = lab.page.evaluate(
        "() => [...new Set([...document.querySelectorAll('.costroute-plot text')]"
        ".map((t) => t.getAttribute('fill')))]"
    )
    colours = {colour["value"] for colour in palette(dark=theme == "dark")}
    assert set(fills) - {None} <= colours
    white = lab.page.evaluate(
        """() => [...document.querySelectorAll('.costroute-live *')].filter((e) =>
        ['rgb(255, 255, 255)'].includes(getComputedStyle(e).backgroundColor) ||
        e.getAttribute('fill') === '#ffffff').length"""
    )
    assert white == 0
    assert not lab.overflows(AT["open"])
    path = shots / f"dashboard-{desk.app}-{theme}.png"
    lab.screenshot(path, full=True)
    assert path.stat().st_size > 50_000


def test_what_stays_is_hidden_while_the_dashboard_is_alive(desk: Desk) -> None:
    twin = desk.lab.page.locator(".costroute-twin")
    assert twin.count() == 1
    assert not twin.is_visible()


def test_saved_and_opened_again_the_last_state_is_there(
    desk: Desk, jupyter: Jupyter, shots: Path
) -> None:
    """Runs last: it ends the kernel."""
    lab = desk.lab
    desk.run("limits")
    lab.wait_for(
        "() => document.querySelector('.costroute-twin').textContent.includes('80.00')"
    )
    calls = lab.page.locator(".costroute-tile .costroute-value").nth(1).inner_text()
    lab.save()
    lab.reopen()
    shown = lab.text(AT["open"])
    assert f"Calls\t{calls}" in shown
    assert "Error displaying widget" not in shown
    assert lab.formulas() == []
    picture = lab.page.locator(".costroute-twin img")
    assert f"{calls} call" in (picture.get_attribute("alt") or "")
    assert picture.evaluate("e => e.complete && e.naturalWidth > 1000")
    lab.screenshot(shots / f"dashboard-{desk.app}-reopened.png", full=True)
    other: App = "notebook" if desk.app == "lab" else "lab"
    with jupyter.open(lab.file, other) as stranger:  # it has not signed the file
        shown = stranger.text(AT["open"])
        assert f"Calls\t{calls}" in shown
        assert "Error displaying widget" not in shown
        picture = stranger.page.locator(".costroute-twin img")
        assert picture.evaluate("e => e.complete && e.naturalWidth > 1000")
        assert stranger.external_requests == []
