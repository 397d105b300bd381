"""One browser and one server per application, for all tests of this package."""

import os
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from tests.support.jupyter import Jupyter


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test here as one that drives a browser."""
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.browser)


# Not for the whole session: while Playwright lives, its event loop is this thread's, and
# later tests could run none of their own.
@pytest.fixture(scope="package")
def jupyter(
    _session_environment: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Jupyter]:
    """Give the package the applications, ready to open notebooks."""
    place = tmp_path_factory.mktemp("jupyter")
    jupyter = Jupyter(place, os.environ["COSTROUTE_TEST_BROWSER"])
    try:
        yield jupyter
    finally:
        jupyter.close()


@pytest.fixture(scope="package")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Name where pictures go; those in `COSTROUTE_TEST_SHOTS` are kept."""
    chosen = os.environ.get("COSTROUTE_TEST_SHOTS")
    place = Path(chosen) if chosen else tmp_path_factory.mktemp("shots")
    place.mkdir(parents=True, exist_ok=True)
    return place


def notebook(place: Path, *sources: str) -> Path:
    """Write a notebook of code cells after one that loads the extension."""
    made = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    )
    for source in ("%load_ext costroute_nb", *sources):
        made.cells.append(nbformat.v4.new_code_cell(source))
    path = place / "notebook.ipynb"
    nbformat.write(made, path)
    return path
