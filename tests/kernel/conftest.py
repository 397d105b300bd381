"""Kernels for the tests: a fresh one each, or one per file before a local server."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.anthropic_server import AnthropicServer
from tests.support.kernel import Kernel, running_kernel


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test here as one that starts a kernel."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.kernel)


@pytest.fixture
def bare_kernel(home: object) -> Iterator[Kernel]:
    """Give the test a kernel of its own, with nothing loaded."""
    with running_kernel() as kernel:
        yield kernel


@pytest.fixture(scope="module")
def simulated(_session_environment: None) -> Iterator[Kernel]:
    """Give a file's tests one loaded kernel whose provider is simulated."""
    with running_kernel() as kernel:
        ran = kernel.run(
            "%load_ext costroute_nb\n%config CostRoute.provider = 'simulated'"
        )
        assert ran.ok
        assert ran.outputs == []
        yield kernel


@dataclass
class Served:
    """A loaded kernel and the local Messages API that it talks to."""

    kernel: Kernel
    server: AnthropicServer

    def prompts(self) -> list[Any]:
        """Return what the last request for a message said, content by content."""
        return [m["content"] for m in self.server.messages[-1].body["messages"]]


@pytest.fixture(scope="module")
def _served(_session_environment: None) -> Iterator[Served]:
    with AnthropicServer() as server, pytest.MonkeyPatch.context() as patch:
        for name, value in server.env().items():
            patch.setenv(name, value)
        with running_kernel() as kernel:
            ran = kernel.run("%load_ext costroute_nb")
            assert ran.ok
            assert ran.outputs == []
            yield Served(kernel, server)


@pytest.fixture
def served(_served: Served) -> Served:
    """Give a file's tests one loaded kernel and server, with nothing scripted."""
    _served.server.reset()
    return _served
