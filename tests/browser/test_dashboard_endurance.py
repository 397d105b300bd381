"""Half an hour of updates, as fast as the page takes them, leaves nothing behind."""

import ast
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import CDPSession

from costroute_nb.notebook.charts import palette
from tests.browser.conftest import notebook
from tests.support.jupyter import Jupyter
from tests.support.lab import Lab

UPDATES = 7_200
# Every sixth update is of a call just settled. Past 480 points a course drops every
# second one, and is as long again 240 calls later: rounds end with equal amounts of data.
FRESH, COURSE = 6, 240
ROUND = FRESH * COURSE
LONGEST = 400.0  # seconds for a round, where many share the machine
SETUP = """
import gc
import sys
import time

import costroute_nb
from costroute_nb.core.record import Record

session = costroute_nb.default_session()
session.budget.limits = costroute_nb.Limits(session=0.05, day=5.0)
dashboard = session.dashboard()
sent, calls, states = 0, 0, []

def settle(number):
    global calls
    calls += 1
    session.store.add(Record(
        call_id=f"call-{number}", attempt=1, at=session.budget.now(),
        session_id=session.session_id, provider="simulated", model=f"model-{number % 4}",
        tier=("small", "medium", "large")[number % 3], task="other", status="ok",
        simulated=True, workflow=f"flow {number % 5}", step=f"step {number % 7}",
        cost=10**7, charged=10**7, baseline=2 * 10**7,
    ))
"""
# What is not fresh is what the dashboard said before, which is as much for the page to do.
UPDATE = f"""
dashboard._refreshes.close()  # from here on each update is one of these
for sent in range(sent + 1, sent + {ROUND} + 1):
    if sent % {FRESH} == 0 or not states:
        settle(sent)
        dashboard.refresh()
        states = [*states[-6:], dashboard.view.state]
    else:
        dashboard.view.state = states[sent % len(states)] | {{"number": -sent}}
gc.collect()
(sent, dashboard.view.state["number"], calls, sys.getallocatedblocks())
"""
# Slowly enough for the page to show most of them.
CALLS = """
dashboard._refreshes.close()
for sent in range(sent + 1, sent + 41):
    settle(sent)
    dashboard.refresh()
    time.sleep(0.05)
dashboard.view.state["number"]
"""
CELLS = {"setup": SETUP, "open": "dashboard", "update": UPDATE, "calls": CALLS}
AT = {name: place for place, name in enumerate(CELLS, start=1)}
READY = "() => document.querySelector('.costroute-live')?.dataset.ready === 'true'"
# States are skipped while another one is drawn: only what changed in the page counts.
COUNT = """() => {
  window.drawn = { states: 0, shapes: 0 };
  const count = (what, node, options) =>
    new MutationObserver((changes) => { window.drawn[what] += changes.length; })
      .observe(document.querySelector(node), options);
  count("states", ".costroute-live", { attributeFilter: ["data-number"] });
  count("shapes", ".costroute-grid", { subtree: true, attributeFilter: ["d"] });
}"""

# At once and within the milliseconds that a chart takes to be drawn.
SWITCH = """async () => {
  for (let n = 0; n < 60; n += 1) {
    document.body.dataset.jpThemeLight = String(n % 2 === 1);
    await new Promise((done) => (n % 3 ? setTimeout(done, n % 16) : done()));
  }
}"""
ALL_DRAWN = """ink => [...document.querySelectorAll('.costroute-plot')].every((plot) =>
  plot.querySelectorAll('svg').length === 1
  && plot.querySelector('.role-axis-label text')?.getAttribute('fill') === ink
  && plot.querySelector('.mark-area path[d], .mark-rect path[d]'))"""


@pytest.fixture
def lab(jupyter: Jupyter, tmp_path: Path) -> Iterator[Lab]:
    """Give a page with an open dashboard."""
    with jupyter.open(notebook(tmp_path, *CELLS.values())) as lab:
        lab.run_cell(0)
        lab.run_cell(AT["setup"])
        lab.run_cell(AT["open"])
        lab.wait_for(READY)
        yield lab
        assert lab.page_errors == []
        assert lab.external_requests == []


@pytest.fixture
def devtools(lab: Lab) -> CDPSession:
    """Give what the browser tells about the page."""
    return lab.page.context.new_cdp_session(lab.page)


def held(devtools: CDPSession) -> dict[str, int]:
    """Return what the page holds after its garbage was collected."""
    devtools.send("Performance.enable")
    for _ in range(3):
        devtools.send("HeapProfiler.collectGarbage")
        time.sleep(0.2)
    metrics = devtools.send("Performance.getMetrics")["metrics"]
    devtools.send("Performance.disable")
    return {metric["name"]: int(metric["value"]) for metric in metrics}


def test_page_and_kernel_stay_as_they_are_over_7200_updates(
    lab: Lab, devtools: CDPSession
) -> None:
    lab.page.evaluate(COUNT)
    page, blocks = [], []
    for count in range(ROUND, UPDATES + 1, ROUND):
        shown = lab.run_cell(AT["update"], LONGEST).split("\n", 1)[1]
        sent, number, calls, allocated = ast.literal_eval(shown)
        assert sent == count
        lab.wait_for(
            "n => document.querySelector('.costroute-live').dataset.number === n",
            str(number),
            LONGEST,
        )
        tiles = lab.page.locator(".costroute-tile .costroute-value")
        assert tiles.nth(1).inner_text() == f"{calls:,}"
        blocks.append(allocated)
        page.append(held(devtools))
    drawn = lab.page.evaluate("window.drawn")
    assert drawn["states"] > 500
    assert drawn["shapes"] > 10 * drawn["states"]
    # From the second round on the course has its full length. These are a few hundred
    # bytes and a few objects for each update; rows that were kept came to 20 MB.
    first, last = page[1], page[-1]
    assert last["Nodes"] - first["Nodes"] < 300
    assert last["JSEventListeners"] - first["JSEventListeners"] < 50
    assert last["JSHeapUsedSize"] - first["JSHeapUsedSize"] < 3_000_000
    assert blocks[-1] - blocks[1] < 30_000


def listeners(devtools: CDPSession) -> int:
    """Return how many wait for the window to change its size, as each chart does."""
    window = devtools.send("Runtime.evaluate", {"expression": "window"})["result"]
    asked = {"objectId": window["objectId"]}
    found = devtools.send("DOMDebugger.getEventListeners", asked)["listeners"]
    return sum(one["type"] == "resize" for one in found)


def test_themes_that_change_while_charts_are_drawn_leave_no_chart_behind(
    lab: Lab, devtools: CDPSession
) -> None:
    lab.run_cell(AT["calls"])
    ink = {c["name"]: c["value"] for c in palette(dark=False)}["ink"]
    lab.wait_for(ALL_DRAWN, ink)
    before = listeners(devtools)
    assert before >= 8
    lab.start_cell(AT["calls"])
    while not lab.has_ended(AT["calls"]):
        lab.page.evaluate(SWITCH)
    number = lab.text(AT["calls"]).split("\n", 1)[1]
    lab.wait_for(
        "n => document.querySelector('.costroute-live').dataset.number === n", number
    )
    lab.wait_for(ALL_DRAWN, ink)
    assert listeners(devtools) == before
