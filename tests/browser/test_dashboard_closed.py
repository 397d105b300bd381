"""A session that is closed takes its controls from the page; its last state stays."""

from pathlib import Path

import pytest

from tests.browser.conftest import notebook
from tests.support.jupyter import App, Jupyter

READY = "() => document.querySelector('.costroute-live')?.dataset.ready === 'true'"
GONE = "() => document.querySelector('.costroute-live') === null"
CELLS = (
    "import costroute_nb\nsession = costroute_nb.default_session()\n"
    "session.dashboard()",
    "session.route('hello there')\nsession.close()",
    "with costroute_nb.Session(provider='simulated') as other:\n"
    "    display(other.dashboard())\n"
    "    other.route('hello again')",
)


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_a_closed_dashboard_is_the_picture_and_table_of_its_last_state(
    jupyter: Jupyter, tmp_path: Path, app: App, shots: Path
) -> None:
    env = {"COSTROUTE_PROVIDER": "simulated"}
    with jupyter.open(notebook(tmp_path, *CELLS), app, env=env) as lab:
        lab.run_cell(0)
        lab.run_cell(1)
        lab.wait_for(READY)
        for cell in (2, 3):  # there is nothing left of widgets to wait for
            lab.start_cell(cell)
            lab.wait_until_ended(cell)
            lab.wait_for(GONE)
        twins = lab.page.locator(".costroute-twin")
        assert twins.count() == 2
        for twin in (twins.nth(0), twins.nth(1)):
            assert twin.is_visible()
            assert "Calls\t1\t" in twin.inner_text()
        assert lab.page.locator(".costroute-panel").count() == 0
        assert not lab.page.get_by_text("Error displaying widget").is_visible()
        lab.screenshot(shots / f"dashboard-{app}-closed.png", full=True)
        assert lab.page_errors == []
