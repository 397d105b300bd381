"""The built distributions, for the tests that look at what is shipped."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with one sdist and one wheel."""
    if built := os.environ.get("COSTROUTE_TEST_DIST"):
        return Path(built)
    place = tmp_path_factory.mktemp("dist")
    root = Path(__file__).resolve().parents[2]
    command = ["-m", "build", "--no-isolation", "--outdir", str(place), str(root)]
    subprocess.run([sys.executable, *command], check=True, capture_output=True)
    return place


@pytest.fixture(scope="session")
def sdist(distributions: Path) -> Path:
    (found,) = distributions.glob("*.tar.gz")
    return found


@pytest.fixture(scope="session")
def wheel(distributions: Path) -> Path:
    (found,) = distributions.glob("*.whl")
    return found
