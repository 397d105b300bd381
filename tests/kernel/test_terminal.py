"""In terminal IPython: plain text as it comes, each word once, the receipt below."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.anthropic_server import AnthropicServer
from tests.support.messages_api.replies import Cut, Text


def terminal(*cells: str) -> str:
    """Return what a terminal session shows; a cell of several lines ends with two blank ones."""
    typed = "".join(f"{cell}\n\n\n" if "\n" in cell else f"{cell}\n" for cell in cells)
    command = [sys.executable, "-m", "IPython", "--simple-prompt", "--no-banner"]
    ran = subprocess.run(
        command, input=typed, capture_output=True, text=True, timeout=120, check=True
    )
    return ran.stdout + ran.stderr


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[AnthropicServer]:
    with AnthropicServer() as server:
        for name, value in server.env().items():
            monkeypatch.setenv(name, value)
        yield server


def test_a_streamed_answer_appears_once_with_its_receipt(
    server: AnthropicServer,
) -> None:
    server.script(Text("alpha beta gamma delta", deltas=4, delta_delay=0.05))
    shown = terminal(
        "%load_ext costroute_nb", "%%route\nname four", "print(str(_)[:5])"
    )
    assert shown.count("alpha beta gamma delta") == 1
    assert shown.count(" · cache miss · ") == 1
    assert "alpha beta gamma delta\nOut[2]: sonnet · claude-sonnet-5-5" in shown
    assert "In [3]: alpha" in shown
    assert "Traceback" not in shown


def test_a_later_display_shows_all_of_it(server: AnthropicServer) -> None:
    server.script(Text("alpha beta", deltas=2))
    shown = terminal("%load_ext costroute_nb", "%%route\nname two", "_")
    assert shown.count("alpha beta") == 2
    assert shown.count(" · cache miss · ") == 2


def test_a_cached_answer_and_no_stream_appear_once(server: AnthropicServer) -> None:
    server.script(Text("alpha beta", deltas=2))
    shown = terminal("%load_ext costroute_nb", "%%route --no-stream\nname two")
    assert shown.count("alpha beta") == 1
    shown = terminal("%load_ext costroute_nb", "%%route\nname two")
    assert shown.count("alpha beta") == 1
    assert shown.count("cache hit, ") == 1


def test_an_arrow_shows_the_receipt_only(server: AnthropicServer) -> None:
    server.script(Text("alpha beta"))
    shown = terminal("%load_ext costroute_nb", "%%route x <<\nname two", "len(str(x))")
    assert "alpha" not in shown
    assert shown.count(" · cache miss · ") == 1
    assert "Out[3]: 10" in shown


def test_a_prompt_arrives_as_typed(server: AnthropicServer) -> None:
    terminal("%load_ext costroute_nb", "%%route\n>>> f(1)\n{x} $y 🎉")
    assert server.messages[-1].body["messages"][-1]["content"] == ">>> f(1)\n{x} $y 🎉"


def test_an_escalation_begins_a_new_line(server: AnthropicServer) -> None:
    server.script(Text("one two"), Text("three four"))
    cell = "%%route --tier small --check 'three' in text\ncount"
    shown = terminal("%load_ext costroute_nb", cell)
    assert "one two\ncheck failed: 'three' in text: escalated to" in shown
    assert "claude-sonnet-5-5\nthree four\n" in shown


def test_an_error_is_one_line_and_the_text_is_marked(server: AnthropicServer) -> None:
    server.always(Cut(text="half an answer " * 9, deltas=9, after_deltas=6))
    shown = terminal(
        "%load_ext costroute_nb",
        "%config CostRoute.attempts = 1",
        "%%route --no-escalate\nbreak",
    )
    assert "[incomplete]\n" in shown
    assert "StreamCutError: " in shown
    assert "Traceback" not in shown


def test_escape_sequences_do_not_reach_the_terminal(server: AnthropicServer) -> None:
    server.script(Text("a\x1b]0;owned\x07b"))
    shown = terminal("%load_ext costroute_nb", "%%route\nhi")
    assert "\x1b]0;owned" not in shown
    assert "a]0;ownedb" in shown


def test_subcommands_are_plain_text() -> None:
    shown = terminal(
        "%load_ext costroute_nb",
        "%config CostRoute.provider = 'simulated'",
        "%route",
        "%route budget",
        "%%route --dry-run\nDesign a payment webhook",
    )
    assert "provider: simulated" in shown
    assert "remaining" in shown
    assert "claude-opus-5-5" in shown
    assert "&#" not in shown
