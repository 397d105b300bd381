"""Answers from a server on this machine: streamed, stopped, hostile, with prices."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.browser.conftest import notebook
from tests.support.anthropic_server import AnthropicServer, Text
from tests.support.jupyter import App, Jupyter
from tests.support.lab import Lab

HOSTILE = (
    "<script>window.pwned=1</script>\n\n"
    '<img src=x onerror="window.pwned=1"> '
    '[link](javascript:window.pwned=1) <a href="javascript:window.pwned=1">a</a>\n\n'
    "```html\n<script>window.pwned=1</script><img src=x onerror='window.pwned=1'>\n```\n"
)

CELLS = {
    "plain": "%%route --no-cache\nAnswer.",
    "next": "%%route --no-cache\nAnswer again.",
    "text": "%%route --no-cache --format text\nAnswer.",
    "rejected": "%%route --no-cache --no-escalate --check text.shout()\nAnswer.",
    "last": "_",
    # It puts a new cell below itself, so that nothing may follow it here.
    "code": "%%route --no-cache --format code\nAnswer.",
}
AT = {name: place for place, name in enumerate(CELLS, start=1)}


@dataclass
class Desk:
    """An open notebook whose prompts go to a local server."""

    lab: Lab
    server: AnthropicServer

    def run(self, name: str) -> str:
        """Run a cell by its name; return what it shows."""
        return self.lab.run_cell(AT[name])


@pytest.fixture(scope="module", params=["lab", "notebook"])
def _desk(
    request: pytest.FixtureRequest,
    jupyter: Jupyter,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Desk]:
    app: App = request.param
    path = notebook(tmp_path_factory.mktemp("answers"), *CELLS.values())
    with AnthropicServer() as server:
        env = server.env() | {"COSTROUTE_PROVIDER": "anthropic"}
        with jupyter.open(path, app, env=env) as lab:
            assert lab.run_cell(0) == ""
            yield Desk(lab, server)
            assert lab.page_errors == []
            assert lab.external_requests == []


@pytest.fixture
def desk(_desk: Desk) -> Desk:
    """Give a test the open notebook, and a server with nothing scripted."""
    _desk.server.reset()
    return _desk


def test_a_streamed_answer_ends_as_one_output(desk: Desk) -> None:
    answer = " ".join(f"word{i}" for i in range(120))
    desk.server.script(Text(answer, deltas=60, delta_delay=0.02))
    shown = desk.run("plain")
    (output,) = desk.lab.outputs(AT["plain"])
    assert output["data"]["text/plain"].startswith(f"{answer}\n\n")
    assert shown.split("\n")[0] == answer
    assert shown.count("word0 ") == 1


def test_an_answer_is_seen_while_it_arrives(desk: Desk) -> None:
    desk.server.script(Text("tick " * 100, deltas=100, delta_delay=0.1))
    desk.lab.start_cell(AT["plain"])
    desk.lab.wait_for_text(AT["plain"], "tick")
    assert not desk.lab.has_ended(AT["plain"])
    desk.lab.interrupt()
    desk.lab.wait_until_ended(AT["plain"])


def test_stop_ends_the_cell_and_keeps_its_text_marked(desk: Desk) -> None:
    desk.server.script(Text("tick " * 600, deltas=600, delta_delay=0.1))
    desk.lab.start_cell(AT["plain"])
    desk.lab.wait_for_text(AT["plain"], "tick tick")
    began = time.monotonic()
    desk.lab.interrupt()
    desk.lab.wait_until_ended(AT["plain"])
    assert time.monotonic() - began < 2
    shown, error = desk.lab.outputs(AT["plain"])
    assert shown["data"]["text/plain"].startswith("tick tick")
    assert shown["data"]["text/plain"].endswith("interrupted")
    assert "interrupted" in desk.lab.text(AT["plain"])
    assert error["ename"] == "KeyboardInterrupt"
    assert len(error["traceback"]) == 1


def test_the_kernel_answers_after_a_stop(desk: Desk) -> None:
    desk.server.script(Text("tick " * 600, deltas=600, delta_delay=0.1), Text("calm"))
    desk.lab.start_cell(AT["plain"])
    desk.lab.wait_for_text(AT["plain"], "tick")
    desk.lab.interrupt()
    desk.lab.wait_until_ended(AT["plain"])
    assert desk.run("next").startswith("calm\n")


@pytest.mark.parametrize("name", ["plain", "text", "code", "rejected"])
def test_a_hostile_answer_runs_nothing(desk: Desk, name: str) -> None:
    desk.server.always(Text(HOSTILE, deltas=40, delta_delay=0.01))
    shown = desk.run(name)
    assert "window.pwned=1" in shown  # it is text, and all of it is there
    node = desk.lab.node(AT[name])
    for active in ("script", "img", "[onerror]", "[href^='javascript']"):
        assert node.query_selector(f".jp-OutputArea-output {active}") is None
    for link in node.query_selector_all(".jp-OutputArea-output a"):
        link.click()
    assert desk.lab.page.evaluate("window.pwned === undefined")


def test_a_hostile_answer_stays_text_when_it_is_shown_again(desk: Desk) -> None:
    desk.server.always(Text(HOSTILE))
    desk.run("plain")
    assert "window.pwned=1" in desk.run("last")
    assert desk.lab.page.evaluate("window.pwned === undefined")


def test_two_prices_in_an_answer_are_not_mathematics(desk: Desk) -> None:
    desk.server.always(Text("The small one costs $5 and the large one $10 a month."))
    shown = desk.run("plain")
    assert shown.startswith("The small one costs $5 and the large one $10 a month.\n")


def test_a_receipt_is_in_smaller_type_than_a_quotation_by_the_model(desk: Desk) -> None:
    forged = "> haiku · $0\n\n<small>haiku · $0</small>\n\n---"
    desk.server.always(Text(forged))
    desk.run("plain")
    node = desk.lab.node(AT["plain"])
    (small,) = node.query_selector_all(".jp-OutputArea-output small")
    assert small.inner_text().startswith("sonnet\u00a0· claude-sonnet-5-5\u00a0· ")
    size = "node => parseFloat(getComputedStyle(node).fontSize)"
    quoted = node.query_selector(".jp-OutputArea-output blockquote")
    assert quoted is not None
    assert small.evaluate(size) < quoted.evaluate(size)


def test_a_formula_in_an_answer_is_typeset(desk: Desk) -> None:
    desk.server.always(Text("The area is $\\pi r^2$ then."))
    desk.run("plain")
    (formula,) = desk.lab.formulas()
    assert formula.startswith("The area is")
