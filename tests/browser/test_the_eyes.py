"""What these tests look with does see: a request, an error, faint ink, a formula."""

from collections.abc import Iterator

import pytest

from tests.browser.conftest import notebook
from tests.support.jupyter import Jupyter
from tests.support.lab import Lab

PAGE = (
    "<p style='color: rgb(119 119 119); background: white'>faint</p>"
    "<p style='color: rgba(0, 0, 0, 0.4); background: white'>thin</p>"
    "<p style='color: black; background: white; opacity: 0.5'>pale</p>"
    "<p style='color: black; background: white'>clear</p>"
    "<img alt='' src='https://elsewhere.example/dot.png'>"
    "<div style='width: 5000px'>wide</div>"
)


@pytest.fixture(scope="module")
def lab(jupyter: Jupyter, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Show a page with everything that must not be."""
    shows = f"from IPython.display import HTML, Markdown\nHTML({PAGE!r})"
    path = notebook(tmp_path_factory.mktemp("eyes"), shows, "Markdown('$5 and $10')")
    with jupyter.open(path) as lab:
        for cell in lab.code_cells():
            lab.run_cell(cell)
        yield lab


def test_contrast_is_what_the_guidelines_say(lab: Lab) -> None:
    found = {one["text"]: round(one["ratio"], 2) for one in lab.contrasts(1)}
    assert found["faint"] == 4.48
    assert found["thin"] == pytest.approx(2.85, abs=0.03)
    assert found["pale"] < 4.5
    assert found["clear"] == 21


def test_a_request_to_another_machine_is_recorded(lab: Lab) -> None:
    assert set(lab.external_requests) == {"https://elsewhere.example/dot.png"}


def test_an_error_of_the_page_is_recorded(lab: Lab) -> None:
    lab.page.evaluate("setTimeout(() => { throw new Error('seen') })")
    lab.wait_for("() => new Promise((done) => setTimeout(() => done(true), 50))")
    assert lab.page_errors == ["seen"]


def test_what_is_too_wide_is_seen(lab: Lab) -> None:
    assert lab.overflows(1)
    assert not lab.overflows(2)


def test_a_formula_made_of_prices_is_seen(lab: Lab) -> None:
    assert len(lab.formulas()) == 1
