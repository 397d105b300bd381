"""TAB in a cell of JupyterLab."""

from collections.abc import Iterator

import pytest

from tests.browser.conftest import notebook
from tests.support.jupyter import Jupyter
from tests.support.lab import Lab


@pytest.fixture(scope="module")
def lab(jupyter: Jupyter, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Open a notebook with an empty second cell."""
    path = notebook(tmp_path_factory.mktemp("completion"), "")
    with jupyter.open(path) as lab:
        lab.run_cell(0)
        yield lab


def test_tab_after_two_dashes_offers_the_options_only(lab: Lab) -> None:
    offered = lab.type_and_complete(1, "%%route --")
    assert {"--tier", "--max-cost", "--dry-run", "--no-cache"} <= set(offered)
    assert all(word.startswith("--") for word in offered)
    assert not any(word.startswith("--abs") for word in offered)


def test_tab_after_tier_offers_tiers_and_lines(lab: Lab) -> None:
    offered = lab.type_and_complete(1, "%%route --tier ")
    assert {"small", "medium", "large", "haiku", "sonnet", "opus"} <= set(offered)
    assert "abs" not in offered


def test_tab_in_the_line_magic_offers_subcommands(lab: Lab) -> None:
    offered = lab.type_and_complete(1, "%route ")
    assert {"plan", "log", "budget", "cache", "models", "help"} <= set(offered)
