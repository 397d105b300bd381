"""A saved notebook, opened again and not run."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.browser.conftest import notebook
from tests.support.jupyter import Jupyter
from tests.support.lab import Lab

CELLS = (
    "%%route\nSummarize in 10 words: The ferry leaves at nine, and the museum at the "
    "harbour opens at ten.",
    "%%route kept <<\nTranslate into German: The ferry leaves at nine.",
    "%route budget",
    "%%route --max-cost 0.0000001\nhello there",
)


@dataclass(frozen=True)
class Saved:
    """A notebook saved and opened again with a fresh kernel, and what it showed."""

    lab: Lab
    shown: list[str]


def _texts(lab: Lab) -> list[str]:
    return [lab.text(cell) for cell in lab.code_cells()]


@pytest.fixture(scope="module")
def saved(
    jupyter: Jupyter, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Saved]:
    """Run a notebook in JupyterLab, save it, close it and open it."""
    path = notebook(tmp_path_factory.mktemp("reopened"), *CELLS)
    with jupyter.open(path) as lab:
        for cell in lab.code_cells():
            lab.run_cell(cell)
        shown = _texts(lab)
        assert sum("cache\u00a0miss" in text for text in shown) == 2
        lab.save()
        lab.reopen()
        yield Saved(lab, shown)


def test_answers_and_receipts_are_there_before_anything_runs(saved: Saved) -> None:
    assert _texts(saved.lab) == saved.shown
    assert saved.lab.formulas() == []
    assert saved.lab.page_errors == []
    assert saved.lab.external_requests == []


def test_a_stranger_sees_answers_and_receipts_too(
    jupyter: Jupyter, saved: Saved
) -> None:
    # The other application's server has not signed the file, so it is not trusted there.
    with jupyter.open(saved.lab.file, "notebook") as lab:
        assert _texts(lab) == saved.shown
        assert lab.formulas() == []
        assert lab.page_errors == []
        assert lab.external_requests == []


def test_a_fresh_kernel_finds_the_answer_in_the_cache(saved: Saved) -> None:
    assert saved.lab.run_cell(0) == ""
    assert "cache\u00a0hit" in saved.lab.run_cell(1)
