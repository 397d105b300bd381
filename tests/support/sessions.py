"""A local Messages API that the environment leads to, and sessions that end with a test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from costroute_nb.session import Session
from tests.support.anthropic_server import AnthropicServer

Make = Callable[..., Session]
"""Makes a session of some settings, which is closed when the test is over."""


@contextmanager
def serving(patch: pytest.MonkeyPatch, **options: Any) -> Iterator[AnthropicServer]:
    """Run a server made with these options, to which every session's calls go."""
    with AnthropicServer(**options) as server:
        for name, value in server.env().items():
            patch.setenv(name, value)
        yield server


@contextmanager
def opening(**always: Any) -> Iterator[Make]:
    """Give what makes sessions of these settings and of those it is told."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(Session(**{**always, **settings}))
