"""The dashboard in kernels: live for a person, a picture and a table for a program."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

from tests.support.kernel import Kernel

VIEW = "application/vnd.jupyter.widget-view+json"
PNG = b"\x89PNG\r\n\x1a\n"
CALLS = """
session = costroute_nb.default_session()
for n in range(4):
    session.route(f"Extract the city names as a list: Oslo and Lima, leg {n // 2}.")
session.route("Review this login handler for vulnerabilities.", workflow="review")
"""


def headless(place: Path, *sources: str, **options: Any) -> Any:
    """Run a notebook as programs do, and return it as it would be saved."""
    made = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    )
    first = "import costroute_nb\n%load_ext costroute_nb"
    for source in (first, *sources):
        made.cells.append(nbformat.v4.new_code_cell(source))
    quiet = ["--IPKernelApp.log_level=40"]
    NotebookClient(made, timeout=120, extra_arguments=quiet, **options).execute()
    return made


@pytest.fixture(scope="module")
def saved(
    tmp_path_factory: pytest.TempPathFactory, _session_environment: None
) -> Iterator[Any]:
    """Give a notebook that showed its dashboard before it made calls."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COSTROUTE_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("COSTROUTE_PROVIDER", "simulated")
        yield headless(
            tmp_path_factory.mktemp("saved"), "%route dashboard", CALLS, "1 + 1"
        )


def test_a_program_gets_the_picture_and_the_table_alone(saved: Any) -> None:
    (output,) = saved.cells[1].outputs
    assert set(output.data) == {"image/png", "text/html", "text/plain"}
    assert base64.b64decode(output.data["image/png"]).startswith(PNG)
    assert "widgets" not in saved.metadata


def test_the_last_state_is_what_was_saved(saved: Any) -> None:
    (output,) = saved.cells[1].outputs
    assert re.search(r"Calls +5 +", output.data["text/plain"])
    assert "40%" in output.data["text/plain"]
    assert "5 calls: small 80%" in output.metadata["image/png"]["alt"]


def test_a_cell_that_makes_no_call_shows_nothing_of_it(saved: Any) -> None:
    assert [output.output_type for output in saved.cells[3].outputs] == [
        "execute_result"
    ]


def test_a_page_made_of_it_has_both_and_needs_no_network(saved: Any) -> None:
    page, _ = HTMLExporter(embed_images=True).from_notebook_node(saved)
    shown = page[page.index("<body") :]
    assert 'src="data:image/png;base64,' in shown
    assert re.search(r'alt="Charts of spend and calls\. [^"]*5 calls: small 80%', shown)
    assert '<th scope="row"' in shown
    assert not re.search(r"<(?:script|iframe|link)[^>]*http", shown)


def test_the_last_state_is_saved_where_the_session_is_closed_with_the_last_cell(
    tmp_path: Path,
) -> None:
    made = headless(
        tmp_path,
        "%config CostRoute.provider = 'simulated'\n"
        "session = costroute_nb.default_session()\n"
        "session.route('Extract the city names as a list: Oslo.')",
        "%route dashboard",
        f"{CALLS}\nsession.close()",
    )
    (output,) = made.cells[2].outputs
    assert re.search(r"Calls +6 +", output.data["text/plain"])
    assert "6 calls: small 83%" in output.metadata["image/png"]["alt"]
    assert base64.b64decode(output.data["image/png"]).startswith(PNG)
    assert "older than the numbers" not in output.data["text/plain"]


def test_limits_set_by_a_program_show_in_its_dashboard(tmp_path: Path) -> None:
    made = headless(
        tmp_path,
        "%config CostRoute.provider = 'simulated'",
        "%route dashboard",
        "%route budget --day 5 --session 2",
        store_widget_state=True,
    )
    (output,) = made.cells[2].outputs
    assert "$5.00" in output.data["text/plain"]
    assert "$0 of $2.00 spent" in output.data["text/plain"]


def test_widgets_of_the_dashboard_do_not_break_a_program_s_run(tmp_path: Path) -> None:
    made = headless(
        tmp_path,
        "%config CostRoute.provider = 'simulated'",
        "dashboard = costroute_nb.default_session().dashboard()\ndashboard.widget",
        "dashboard.panel.rows['day'].slider.value = 0.5\n"
        "dashboard.panel.rows['day'].on.value = True\n"
        "costroute_nb.default_session().budget.limits.day",
        store_widget_state=True,
    )
    assert made.cells[3].outputs[0].data["text/plain"] == "0.5"
    assert VIEW in made.cells[2].outputs[0].data
    assert "widgets" in made.metadata


def test_a_person_gets_live_parts_and_what_stays_of_them(bare_kernel: Kernel) -> None:
    bare_kernel.run("%load_ext costroute_nb\n%config CostRoute.provider = 'simulated'")
    shown = bare_kernel.run("%route dashboard")
    assert shown.ok
    live, stays = shown.outputs
    assert VIEW in live["data"]
    assert "run this cell again" in live["data"]["text/plain"]
    assert {"image/png", "text/html", "text/plain"} == set(stays["data"])


def test_a_session_that_was_closed_has_a_live_dashboard_again(
    bare_kernel: Kernel,
) -> None:
    bare_kernel.run("%load_ext costroute_nb\n%config CostRoute.provider = 'simulated'")
    bare_kernel.run("import costroute_nb\nsession = costroute_nb.default_session()")
    first = bare_kernel.run("%route dashboard")
    ended = bare_kernel.run("session.route('hello there')\nsession.close()")
    assert ended.ok
    again = bare_kernel.run("%route dashboard")
    assert again.ok
    views = [shown.outputs[0]["data"][VIEW]["model_id"] for shown in (first, again)]
    assert views[0] != views[1]
    assert len(again.outputs) == 2


def test_a_second_word_is_a_usage_error(bare_kernel: Kernel) -> None:
    bare_kernel.run("%load_ext costroute_nb\n%config CostRoute.provider = 'simulated'")
    shown = bare_kernel.run("%route dashboard --day")
    assert not shown.ok
    assert "UsageError: %route dashboard takes nothing more" in shown.stderr
