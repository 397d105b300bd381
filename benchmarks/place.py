"""A home of its own for one run: no settings, keys or data of the user take part."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

from benchmarks.server import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

# Without bytecode a fresh process would time the compiler, which users do not wait for.
_FOREIGN = (
    "ANTHROPIC_", "COSTROUTE_", "COVERAGE_", "OPENAI_", "PYTHONDONTWRITEBYTECODE",
)  # fmt: skip
_PROXIES = {"http_proxy", "https_proxy", "all_proxy"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run works: its own directory, the server, and how often it measures.

    `quick` asks for few repetitions.
    """

    directory: Path
    url: str
    quick: bool = False

    def times(self, usual: int, quick: int) -> int:
        """Return how many repetitions to make."""
        return quick if self.quick else usual

    def home(self, name: str) -> Path:
        """Return a directory for the data of one session."""
        return self.directory / "homes" / name


@contextmanager
def own_place(url: str, *, quick: bool) -> Iterator[Place]:
    """Point this process and its children at a directory that is gone afterwards."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_FOREIGN) and name.lower() not in _PROXIES
    }
    with tempfile.TemporaryDirectory(prefix="costroute-bench-") as name:
        directory = Path(name).resolve()
        ours = {
            "HOME": name,
            "XDG_CONFIG_HOME": str(directory / ".config"),
            "XDG_DATA_HOME": str(directory / ".local" / "share"),
            "IPYTHONDIR": str(directory / ".ipython"),
            "JUPYTER_RUNTIME_DIR": str(directory / ".run"),
            "ANTHROPIC_API_KEY": KEY,
            "ANTHROPIC_BASE_URL": url,
            "COSTROUTE_HOME": str(directory / "homes" / "default"),
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        }
        with patch.dict(os.environ, {**kept, **ours}, clear=True):
            yield Place(directory, url, quick)
