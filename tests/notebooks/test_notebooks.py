"""The notebooks run from top to bottom, say what they promise, and cost nothing twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter

from tests.support.anthropic_server import AnthropicServer

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
QUICKSTART = FOLDER / "01_quickstart.ipynb"
FIVE = ("summary", "translation", "explanation", "security", "architecture")

pytestmark = pytest.mark.kernel


class Run:
    """An executed notebook."""

    def __init__(self, notebook: Any) -> None:
        self.notebook = notebook
        self.cells = {cell.id: cell for cell in notebook.cells}

    def shown(self, cell: str) -> str:
        """Return the plain text that a cell shows."""
        parts = []
        for output in self.cells[cell].outputs:
            plain = output.get("data", {}).get("text/plain", "")
            parts += [output.get("text", ""), plain, output.get("evalue", "")]
        return "\n".join(part for part in parts if part)

    def result(self, cell: str) -> dict[str, Any]:
        """Return what the cell's answer left in its metadata."""
        (output,) = self.cells[cell].outputs
        return dict(output.metadata["costroute"])

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The session's ledger when the notebook had ended."""
        outputs = self.cells["probe"].outputs  # a busy kernel sends them in pieces
        printed = (one["text"] for one in outputs if one.get("name") == "stdout")
        return list(json.loads("".join(printed)))


PROBE = """
import json
import costroute_nb
frame = costroute_nb.default_session().ledger
print(frame[["status", "tier", "cost_usd", "attempt"]].to_json(orient="records"))
"""


def execute(path: Path) -> Run:
    """Run a notebook in a fresh kernel, and look at the ledger in the end."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(PROBE, id="probe"))
    quiet = ["--IPKernelApp.log_level=40"]  # it warns of plain TCP on every start
    NotebookClient(
        notebook,
        timeout=120,
        extra_arguments=quiet,
        resources={"metadata": {"path": str(FOLDER)}},
    ).execute()
    return Run(notebook)


@pytest.fixture(scope="module")
def runs(
    tmp_path_factory: pytest.TempPathFactory, _session_environment: None
) -> Iterator[tuple[Run, Run]]:
    """Give the quickstart run twice on one home, simulated."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COSTROUTE_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("COSTROUTE_PROVIDER", "simulated")
        patch.delenv("COSTROUTE_CLASSIFIER")  # as users have it
        yield execute(QUICKSTART), execute(QUICKSTART)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)


def test_five_prompts_land_on_three_tiers_and_say_why(runs: tuple[Run, Run]) -> None:
    first, _ = runs
    tiers = [first.result(cell)["tier"] for cell in FIVE]
    assert tiers == ["small", "small", "medium", "large", "large"]
    unknown = "default: outside what the classifier knows"
    whys = ["rule: short_summary", "rule: translation", unknown, "rule: security",
            "rule: architecture"]  # fmt: skip
    for cell, why in zip(FIVE, whys, strict=True):
        assert f" · {why}" in first.shown(cell)


def test_the_repeat_costs_nothing(runs: tuple[Run, Run]) -> None:
    repeat = runs[0].result("repeat")
    assert (repeat["cache_hit"], repeat["cost_usd"]) == (True, 0.0)
    assert " · $0 · cache hit, " in runs[0].shown("repeat")


def test_the_plan_sends_nothing(runs: tuple[Run, Run]) -> None:
    assert "nothing was sent" in runs[0].shown("dry-run")


def test_the_frame_reaches_the_model(runs: tuple[Run, Run]) -> None:
    assert "4 rows with hotel, nights, price, text" in runs[0].shown("frame")


def test_the_schema_gives_an_object(runs: tuple[Run, Run]) -> None:
    assert runs[0].shown("schema-data").startswith("Review(topic=")


def test_the_failing_check_escalates(runs: tuple[Run, Run]) -> None:
    first, _ = runs
    checked = first.result("checked")
    assert (checked["tier"], checked["attempts"]) == ("medium", 2)
    assert "escalated to claude-sonnet-5-5" in first.shown("checked")
    assert "escalated" in {row["status"] for row in first.rows}


def test_the_budget_stops_its_cell(runs: tuple[Run, Run]) -> None:
    for run in runs:
        (error,) = run.cells["stopped"].outputs
        assert error.ename == "BudgetExceededError"
        assert len(error.traceback) == 1


def test_the_second_run_makes_no_attempt_and_adds_nothing(
    runs: tuple[Run, Run],
) -> None:
    first, second = runs
    assert sum(row["cost_usd"] for row in first.rows) > 0
    assert {row["status"] for row in second.rows} == {"cached"}
    assert sum(row["cost_usd"] for row in second.rows) == 0


def test_every_output_stands_as_text_and_fetches_nothing(runs: tuple[Run, Run]) -> None:
    for cell in runs[0].notebook.cells:
        for output in cell.get("outputs", []):
            if "data" in output:
                assert output.data["text/plain"]
                assert "<IPython" not in output.data["text/plain"]
                assert "object at 0x" not in output.data["text/plain"]
            assert "http" not in json.dumps(output)


def test_an_answer_is_one_output(runs: tuple[Run, Run]) -> None:
    for cell in runs[0].notebook.cells:
        if cell.source.startswith("%%route"):
            assert len(cell.outputs) == 1


def test_the_quickstart_becomes_a_page(runs: tuple[Run, Run]) -> None:
    page, _ = HTMLExporter().from_notebook_node(runs[0].notebook)
    assert "cache hit" in page
    assert "<script>alert" not in page


def test_the_quickstart_runs_against_a_server(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    with AnthropicServer() as server:
        for name, value in server.env().items():
            monkeypatch.setenv(name, value)
        first = execute(QUICKSTART)
        attempts = server.messages_requests
        made = [row for row in first.rows if row["status"] != "cached"]
        assert attempts == len(made) > 5
        second = execute(QUICKSTART)
        assert server.messages_requests == attempts
        assert sum(row["cost_usd"] for row in second.rows) == 0


def test_a_failing_cell_ends_a_headless_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COSTROUTE_PROVIDER", "simulated")
    for cell, said in {
        "%%route --tier huge\nx": "UsageError",
        "%%route --max-cost 0.0000001\nhello": "BudgetExceededError",
        "%%route\n{{nothing}}": "TemplateError",
    }.items():
        notebook = nbformat.v4.new_notebook(
            cells=[
                nbformat.v4.new_code_cell("%load_ext costroute_nb"),
                nbformat.v4.new_code_cell(cell),
                nbformat.v4.new_code_cell("ran = True"),
            ]
        )
        quiet = ["--IPKernelApp.log_level=40"]
        with pytest.raises(CellExecutionError, match=said):
            NotebookClient(notebook, timeout=60, extra_arguments=quiet).execute()
