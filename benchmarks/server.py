"""The local Messages API in a process of its own, so that its work is not ours.

Every caller is let in, whatever key header and API version it sends: peers send older
ones than the SDK does.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from tests.support.anthropic_server import AnthropicServer, Text
from tests.support.messages_api import rules

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
KEY = "sk-ant-local-benchmark"
LONG = "Answer in twenty pieces"
"""A prompt that begins so is answered in 20 deltas, any other one in six."""

_DELTAS = 20
_ANSWER = "Nobody knows how many words an answer needs until it is there. " * 8


@contextmanager
def local_server() -> Iterator[str]:
    """Serve in another process meanwhile; the value is the base URL."""
    command = [sys.executable, "-m", "benchmarks.server"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            process.wait(timeout=10)


def _answer(body: dict[str, Any]) -> Text:
    if str(body["messages"][-1]["content"]).startswith(LONG):
        return Text(_ANSWER, deltas=_DELTAS)
    return Text()


def main() -> None:
    """Say the base URL, then serve until the other side closes our input."""
    with (
        patch.object(rules, "caller_objection", lambda headers, keys: None),
        AnthropicServer() as server,
    ):
        server.always(_answer)
        print(server.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
