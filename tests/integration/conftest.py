"""A server with a session, and the built distributions, for the tests that want them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from costroute_nb.session import Session
from tests.support.anthropic_server import AnthropicServer
from tests.support.sessions import serving


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


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AnthropicServer]:
    """Return a server that this test's calls go to."""
    with serving(monkeypatch) as running:
        yield running


@pytest.fixture
def session(server: AnthropicServer) -> Iterator[Session]:
    """Return a session of the defaults, whose calls go to the server."""
    with Session() as one:
        yield one
