"""The quickstart in both applications and both themes, run as a reader runs it."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

from tests.support.jupyter import App, Jupyter
from tests.support.lab import Lab, Theme

QUICKSTART = Path(__file__).parents[2] / "notebooks" / "01_quickstart.ipynb"
LOOKS = [(app, theme) for app in ("lab", "notebook") for theme in ("light", "dark")]
RECEIPT = re.compile(
    r"(haiku|sonnet|opus) · claude-\S+ · [\d,]+ in / [\d,]+ out( · effort \w+)? · \$[\d.]+ · "
    r"cache (miss|hit, \d+ \w+ old) · session \$[\d.]+ of \$[\d.]+ · .*simulated"
)


@dataclass(frozen=True)
class Reading:
    """The quickstart after Run All Cells, in one application and theme."""

    lab: Lab
    app: App
    theme: Theme
    cells: list[nbformat.NotebookNode]

    def fails(self, cell: int) -> bool:
        """Whether the notebook says that this cell is to fail."""
        return "raises-exception" in self.cells[cell].metadata.get("tags", [])

    def routed(self) -> list[int]:
        """Return the prompts that are to be answered."""
        return [
            i
            for i in self.lab.code_cells()
            if self.lab.source(i).startswith("%%route") and not self.fails(i)
        ]


@pytest.fixture(scope="module", params=LOOKS, ids="-".join)
def reading(request: pytest.FixtureRequest, jupyter: Jupyter) -> Iterator[Reading]:
    """Open the quickstart and run all its cells."""
    app, theme = request.param
    with jupyter.open(QUICKSTART, app, theme) as lab:
        lab.run_all()
        yield Reading(lab, app, theme, nbformat.read(QUICKSTART, as_version=4).cells)


def _shows(source: str) -> bool:
    """Whether a cell has something to show: a routed prompt or a last expression."""
    if source.startswith("%"):
        return "route" in source.split()[0]
    return isinstance(ast.parse(source).body[-1], ast.Expr)


def test_every_cell_runs_and_shows_what_it_should(reading: Reading) -> None:
    lab = reading.lab
    for cell in lab.code_cells():
        source = lab.source(cell)
        kinds = {output["output_type"] for output in lab.outputs(cell)}
        assert ("error" in kinds) == reading.fails(cell), lab.text(cell)
        assert bool(kinds) == _shows(source), source
        assert (lab.text(cell).strip() != "") == _shows(source), source


def test_every_answer_has_one_receipt(reading: Reading) -> None:
    assert len(reading.routed()) >= 5
    for cell in reading.routed():
        text = " ".join(reading.lab.text(cell).split())
        assert len(RECEIPT.findall(text)) == 1, text
        assert len(reading.lab.outputs(cell)) == 1


def test_a_failure_is_one_line_without_traceback(reading: Reading) -> None:
    failing = [i for i in reading.lab.code_cells() if reading.fails(i)]
    assert failing
    for cell in failing:
        (error,) = reading.lab.outputs(cell)
        (line,) = error["traceback"]
        assert "\n" not in line
        assert error["ename"] in reading.lab.text(cell)
        assert "Traceback" not in reading.lab.text(cell)


def test_prices_are_not_typeset_as_mathematics(reading: Reading) -> None:
    assert reading.lab.formulas() == []


def test_no_markup_or_object_is_shown_raw(reading: Reading) -> None:
    for cell, source in enumerate(reading.cells):
        text = reading.lab.text(cell)
        for raw in ("&#", "<IPython", " object at 0x", "<span", "**", "| ---"):
            assert raw not in text, source


def test_tables_are_drawn_as_tables(reading: Reading) -> None:
    for cell in reading.lab.code_cells():
        if re.match(r"%route (plan|budget)", reading.lab.source(cell)):
            node = reading.lab.node(cell)
            assert node.query_selector_all("table th"), reading.lab.source(cell)


def test_nothing_is_wider_than_the_page(reading: Reading) -> None:
    for cell in reading.lab.code_cells():
        assert not reading.lab.overflows(cell), reading.lab.source(cell)


def test_every_text_has_enough_contrast(reading: Reading) -> None:
    for cell in reading.lab.code_cells():
        poor = [one for one in reading.lab.contrasts(cell) if one["ratio"] < 4.5]
        assert poor == []


def test_the_page_has_no_errors_and_asks_no_other_machine(reading: Reading) -> None:
    assert reading.lab.page_errors == []
    assert reading.lab.external_requests == []


def test_a_picture_of_it_can_be_looked_at(reading: Reading, shots: Path) -> None:
    path = shots / f"quickstart-{reading.app}-{reading.theme}.png"
    reading.lab.screenshot(path, full=True)
    assert path.stat().st_size > 50_000
