"""Threads, delegated cells, effort and trimming, in a real kernel."""

import pytest

from tests.kernel.conftest import Served
from tests.support.kernel import Kernel, Ran
from tests.support.messages_api.replies import Text

THREE_CELLS = (
    "%%route --thread trip\nMy name is Ada and I fly to Lima.",
    "%%route --thread trip\nHow far is that?",
    "%%route --thread trip\nAnd what was my name?",
)


def _shown(ran: Ran) -> str:
    assert ran.ok, ran.plain
    (output,) = ran.outputs
    return str(output["data"]["text/plain"])


@pytest.fixture
def clear(served: Served) -> Served:
    """Give the test the served kernel without threads."""
    assert served.kernel.run("%route thread clear --all").ok
    return served


def test_a_thread_goes_on_from_cell_to_cell(clear: Served) -> None:
    for cell in THREE_CELLS:
        assert clear.kernel.run(cell).ok
    roles = [m["role"] for m in clear.server.messages[-1].body["messages"]]
    assert roles == ["user", "assistant"] * 2 + ["user"]
    assert clear.prompts()[0] == "My name is Ada and I fly to Lima."
    assert clear.prompts()[-1] == "And what was my name?"


def test_cells_without_the_thread_know_nothing_of_it(clear: Served) -> None:
    assert clear.kernel.run(THREE_CELLS[0]).ok
    assert clear.kernel.run("%%route --no-cache\nAlone").ok
    assert clear.prompts() == ["Alone"]


def test_a_thread_that_is_run_again_costs_nothing(clear: Served) -> None:
    for cell in THREE_CELLS[:2]:
        assert clear.kernel.run(cell).ok
    assert clear.kernel.run("%route thread clear trip").ok
    sent = len(clear.server.messages)
    for cell in THREE_CELLS[:2]:
        assert "cache hit" in clear.kernel.run(cell).plain
    assert len(clear.server.messages) == sent


def test_threads_are_listed_shown_and_cleared(clear: Served) -> None:
    clear.server.always(Text("Nice <b>trip</b>, `Ada`."))
    assert clear.kernel.run("%%route --thread other --no-cache\nHi").ok
    assert "other" in _shown(clear.kernel.run("%route thread"))
    ran = clear.kernel.run("%route thread show other")
    assert _shown(ran) == (
        "thread other: 2 messages\n\n[1 user]\nHi\n\n[2 assistant]\n"
        "Nice <b>trip</b>, `Ada`."
    )
    markdown = ran.outputs[0]["data"]["text/markdown"]
    assert "```text\nHi\n```" in markdown
    assert "<b>trip" not in markdown
    assert "threads: other" in _shown(clear.kernel.run("%route"))
    cleared = clear.kernel.run("%route thread clear other")
    assert _shown(cleared) == "thread other: 2 messages forgotten"
    assert "no threads yet" in _shown(clear.kernel.run("%route thread list"))


def test_a_failed_cell_leaves_its_thread_as_it_was(clear: Served) -> None:
    assert clear.kernel.run(THREE_CELLS[0]).ok
    assert not clear.kernel.run("%%route --thread trip --max-cost 0.0000001\nMore").ok
    assert _shown(clear.kernel.run("%route thread show trip")).count("[") == 2


def test_what_is_left_out_is_said_under_the_answer(clear: Served) -> None:
    clear.server.always(Text("word " * 300))
    said = []
    for number in range(8):
        more = f"Tell {number} {'more ' * 300}"
        line = "%%route --thread long --tier small --context-tokens 5000"
        said.append(_shown(clear.kernel.run(f"{line}\n{more}")))
    assert "left out" not in said[1]
    assert any("less than all of them" in shown for shown in said)
    assert "left out" in said[-1].splitlines()[-1]
    assert len(clear.prompts()) < 15
    assert clear.kernel.value("len(_.dropped) > 0") == "True"


def test_an_effort_is_sent_and_told(served: Served) -> None:
    served.server.script(Text("Done.", thinking="Hm.", thinking_tokens=40))
    ran = served.kernel.run("%%route --tier opus --effort low --no-cache\nThink.")
    assert "effort low" in _shown(ran)
    assert "(40 thinking)" in _shown(ran)
    assert served.server.messages[-1].body["output_config"]["effort"] == "low"


def test_the_prompt_cache_is_told_with_what_it_saved(served: Served) -> None:
    reply = Text("Done.", input_tokens=100, cache_read=1_200, cache_write_5m=300)
    served.server.script(reply)
    shown = _shown(served.kernel.run("%%route --no-cache\nSummarize: this."))
    assert "1,600 in / " in shown
    assert "prompt cache 1,200 read, 300 written, $" in shown
    assert "less than plain input" in shown


def test_a_cell_is_delegated_as_material(served: Served) -> None:
    served.server.script(Text("Two words."))
    served.kernel.run("text = 'Review this login handler. {{not}} filled'")
    ran = served.kernel.run(
        "%%route --task summarize:5 --no-cache short = <<\n{{text}}"
    )
    assert _shown(ran).startswith("Two words.\n\nhaiku · ")
    assert "delegated: short_summary" in ran.plain
    (prompt,) = served.prompts()
    assert "at most 5 words" in prompt
    assert "Review this login handler. {{not}} filled" in prompt
    assert served.kernel.value("str(short)") == "'Two words.'"


def test_a_broken_promise_is_mended_once(served: Served) -> None:
    served.server.script(Text("far too many words for this"), Text("Short enough."))
    ran = served.kernel.run("%%route --task summarize:3 --no-cache\nSome text.")
    assert _shown(ran).startswith("Short enough.\n\n")
    assert "asked to repair it" in ran.plain
    assert "2 attempts" in ran.plain


def test_an_extract_takes_its_schema_from_the_option(served: Served) -> None:
    served.kernel.run(
        "from dataclasses import dataclass\n"
        "@dataclass\nclass City:\n    name: str\n    people: int\n"
        "cities = list[City]"
    )
    served.server.script(Text('{"items": [{"name": "Oslo", "people": 7}]}'))
    ran = served.kernel.run(
        "%%route --task extract_json --schema cities --no-cache\nOslo has 7 people."
    )
    assert _shown(ran).startswith("name  people\nOslo       7\n\nhaiku · ")
    assert served.kernel.value("_.data[0].name, len(_.frame)") == "('Oslo', 1)"


def test_an_own_task_is_delegated_by_name(served: Served) -> None:
    served.kernel.run(
        "import costroute_nb as cr\n"
        "cr.default_session().register('shout', 'Shout: {{text}}', max_words=4)"
    )
    served.server.script(Text("HELLO"))
    ran = served.kernel.run("%%route --task shout --no-cache\nhello")
    assert _shown(ran).startswith("HELLO\n\n")
    assert served.kernel.complete("%%route --task sh") == ["shout"]


def test_a_plan_tells_effort_and_further_tries(served: Served) -> None:
    ran = served.kernel.run("%route plan --effort high 'Summarize: this'")
    shown = _shown(ran)
    assert "effort" in shown
    assert "high" in shown
    assert shown.count("with further tries") == 1
    assert served.server.requests == []


def test_the_models_say_how_good_estimates_are(served: Served) -> None:
    assert served.kernel.run("%%route --no-cache\nSummarize: one more.").ok
    shown = _shown(served.kernel.run("%route models"))
    assert "token estimates, claude-2026: over the last " in shown
    assert "claude-2024: none compared with billed tokens yet" in shown


def test_the_cache_says_what_it_answered(served: Served) -> None:
    for _ in range(2):
        assert served.kernel.run("%%route\nSummarize: a repeated cell.").ok
    shown = _shown(served.kernel.run("%route cache stats"))
    assert "this session" in shown
    assert "this ledger" in shown
    assert "from claude-opus-5-5" in shown


def test_a_thread_costs_nothing_to_try_out(simulated: Kernel) -> None:
    for cell in THREE_CELLS:
        ran = simulated.run(cell)
        assert ran.ok, ran.plain
        assert "simulated" in ran.plain
    assert "6 messages" in simulated.run("%route thread show trip").plain
    ran = simulated.run("%%route --task rewrite:20\nA very long title about the city")
    assert ran.ok, ran.plain
    assert len(simulated.value("str(_)")) <= 22
