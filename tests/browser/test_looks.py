"""Everything else that is shown, in both themes: pages, tables, marks and errors."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.browser.conftest import notebook
from tests.support.jupyter import App, Jupyter
from tests.support.lab import Lab, Theme

SCHEMA = "{'type': 'object', 'properties': {'city': {'type': 'string'}}}"
CELLS = (
    "%%route\nSummarize in 10 words: The ferry leaves at nine, and the museum at the "
    "harbour opens at ten.",
    "%%route --dry-run\nReview the login of this shop for vulnerabilities.",
    "%route",
    "%route models",
    "%route budget --session 2 --day 5",
    "%route cache",
    "%route log",
    "%route help",
    f"schema = {SCHEMA}",
    "%%route --schema schema --format json\nExtract the city: We live in Oslo.",
    "%%route --check False\nSummarize in 10 words: It rains in Oslo.",
    "%%route --tierr small\nhello",
    "%%route --tier tiny\nhello",
    "%%route\nhello {{nobody}}",
    "%%route --max-cost 0.0000001\nhello there",
)


@dataclass(frozen=True)
class Sampler:
    """A notebook with one of everything, run."""

    lab: Lab
    app: App


@pytest.fixture(scope="module", params=["lab", "notebook"])
def sampler(
    request: pytest.FixtureRequest,
    jupyter: Jupyter,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Sampler]:
    """Run every cell by itself, since some of them fail."""
    app: App = request.param
    path = notebook(tmp_path_factory.mktemp("looks"), *CELLS)
    with jupyter.open(path, app) as lab:
        for cell in lab.code_cells():
            lab.run_cell(cell)
        yield Sampler(lab, app)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_has_enough_contrast(sampler: Sampler, theme: Theme) -> None:
    sampler.lab.choose_theme(theme)
    texts = [one for i in sampler.lab.code_cells() for one in sampler.lab.contrasts(i)]
    assert len(texts) > 100
    assert [one for one in texts if one["ratio"] < 4.5] == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_picture_of_it_can_be_looked_at(
    sampler: Sampler, theme: Theme, shots: Path
) -> None:
    sampler.lab.choose_theme(theme)
    path = shots / f"looks-{sampler.app}-{theme}.png"
    sampler.lab.screenshot(path, full=True)
    assert path.stat().st_size > 50_000


def test_no_price_is_typeset_as_mathematics(sampler: Sampler) -> None:
    assert sampler.lab.formulas() == []


def test_nothing_is_wider_than_the_page(sampler: Sampler) -> None:
    for cell in sampler.lab.code_cells():
        if sampler.lab.source(cell) != "%route log":  # 29 columns scroll
            assert not sampler.lab.overflows(cell), sampler.lab.source(cell)


def test_every_failure_is_one_line(sampler: Sampler) -> None:
    for source in CELLS[-5:]:
        cell = CELLS.index(source) + 1
        text = "\n".join(
            output.get("text") or "\n".join(output.get("traceback", ()))
            for output in sampler.lab.outputs(cell)
            if output["output_type"] in ("error", "stream")
        )
        assert len(text.strip().split("\n")) == 1, text
        assert "Error: " in text


def test_the_page_has_no_errors_and_asks_no_other_machine(sampler: Sampler) -> None:
    assert sampler.lab.page_errors == []
    assert sampler.lab.external_requests == []
