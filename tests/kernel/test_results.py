"""An answer is shown once, kept in _, and saved as text that stands by itself."""

import json

import pytest

from tests.kernel.conftest import Served
from tests.support.kernel import Kernel, Ran
from tests.support.messages_api.replies import Text


def _data(ran: Ran) -> dict[str, str]:
    (output,) = ran.outputs
    return dict(output["data"])


def test_a_streamed_answer_is_one_output_and_the_last_value(served: Served) -> None:
    served.server.script(Text("The answer is 42.", deltas=8, delta_delay=0.03))
    ran = served.kernel.run("%%route --no-cache\nwhat is it?")
    data = _data(ran)
    assert ran.outputs[0]["output_type"] == "display_data"
    assert data["text/plain"].startswith("The answer is 42.\n\n")
    assert data["text/markdown"].startswith("The answer is 42.\n\n---\n\n<small>")
    assert served.kernel.value("str(_)") == "'The answer is 42.'"
    last = "max(Out)"
    assert served.kernel.value(f"Out[{last}] is _") == "True"


def test_the_value_shows_itself_later(served: Served) -> None:
    served.server.script(Text("Once."))
    first = served.kernel.run("%%route --no-cache\nsay it once")
    again = served.kernel.run("_")
    assert again.outputs[0]["output_type"] == "execute_result"
    assert again.outputs[0]["data"] == first.outputs[0]["data"]
    assert again.outputs[0]["metadata"] == first.outputs[0]["metadata"]


def test_no_stream_and_cached_answers_are_execute_results(served: Served) -> None:
    served.server.script(Text("Whole."))
    for _ in range(2):
        ran = served.kernel.run("%%route --no-stream\nall at once")
        assert [o["output_type"] for o in ran.outputs] == ["execute_result"]
        assert len([m for m in ran.messages if "display" in m["msg_type"]]) == 0
    assert "cache hit, " in _data(ran)["text/plain"]
    assert served.server.messages_requests == 1


def test_a_result_has_its_fields(served: Served) -> None:
    served.server.script(Text("Yes.", input_tokens=312, output_tokens=88))
    assert served.kernel.run("%%route --tier small --no-cache\nfields").ok
    names = "(_.text, _.model, _.tier, _.cache_hit, _.attempts, _.stop_reason)"
    assert served.kernel.value(names) == (
        "('Yes.', 'claude-haiku-5-5', 'small', False, 1, 'end_turn')"
    )
    assert float(served.kernel.value("_.cost_usd")) == pytest.approx(0.0000752)
    served.kernel.run("import json, pickle\nkept = _")
    assert served.kernel.value("pickle.loads(pickle.dumps(kept)) == kept") == "True"
    assert "Yes." in served.kernel.value("json.dumps(kept.to_dict())")


def test_the_receipt_says_who_what_and_how_much(served: Served) -> None:
    served.server.script(Text("Yes.", input_tokens=312, output_tokens=88))
    ran = served.kernel.run("%%route --tier small --no-cache\nthe receipt")
    data = _data(ran)
    receipt = data["text/plain"].splitlines()[-1]
    parts = receipt.split(" · ")
    assert parts[:5] == [
        "haiku",
        "claude-haiku-5-5",
        "312 in / 88 out",
        "$0.000075",
        "cache miss",
    ]
    assert parts[5].startswith("session $")
    assert parts[5].endswith(" of $10.00")
    assert parts[6].startswith("saved $0.0029 vs claude-opus-5-5")
    assert parts[7] == "tier: asked for"
    last = data["text/markdown"].splitlines()[-1]
    assert "$" not in last
    assert "<span>&#36;</span>0.000075" in last


def test_metadata_has_numbers_and_no_text(served: Served) -> None:
    served.server.script(Text("canary answer"))
    ran = served.kernel.run("%%route --no-cache\ncanary prompt")
    found = ran.outputs[0]["metadata"]["costroute"]
    assert found["version"] == 1
    assert found["model"] == "claude-sonnet-5-5"
    assert found["cost_usd"] > 0
    assert found["cache_hit"] is False
    assert "canary" not in json.dumps(found)


def test_an_arrow_keeps_the_result_and_shows_the_receipt(served: Served) -> None:
    served.server.script(Text("Kept."), Text("Shown."))
    ran = served.kernel.run("%%route --no-cache res <<\nkeep")
    data = _data(ran)
    assert "Kept." not in json.dumps(ran.outputs)
    assert "claude-sonnet-5-5" in data["text/plain"]
    assert "\n" not in data["text/plain"]
    assert served.kernel.value("str(res)") == "'Kept.'"
    ran = served.kernel.run("%%route --no-cache res = <<\nkeep and show")
    assert _data(ran)["text/plain"].startswith("Shown.\n")
    assert served.kernel.value("str(res)") == "'Shown.'"


@pytest.mark.parametrize("name", ["class", "a.b", "1a", "a-b", ""])
def test_an_arrow_needs_a_name(served: Served, name: str) -> None:
    ran = served.kernel.run(f"%%route {name} <<\nhello")
    assert not ran.ok
    assert "before << is no variable name" in ran.stderr
    assert served.server.requests == []


def test_the_old_value_stays_when_the_call_fails(served: Served) -> None:
    served.kernel.run("res = 'old'")
    ran = served.kernel.run("%%route --max-cost 0.000001 res <<\ntoo dear")
    assert not ran.ok
    assert served.kernel.value("res") == "'old'"


def test_quiet_shows_nothing_and_keeps_the_result(served: Served) -> None:
    served.server.script(Text("Silence."))
    ran = served.kernel.run("%%route --quiet --no-cache\nhush")
    assert ran.ok
    assert ran.outputs == []
    assert served.kernel.value("str(_)") == "'Silence.'"


def test_quiet_shows_nothing_but_the_error_when_the_call_fails(served: Served) -> None:
    served.server.always(Text("not what was asked"))
    ran = served.kernel.run("%%route --quiet --no-cache --check False\nhush")
    assert ran.error["ename"] == "InvalidAnswerError"
    assert len(ran.outputs) == 1


def test_capture_takes_one_output(served: Served) -> None:
    served.server.script(Text("one two three four five", deltas=5, delta_delay=0.05))
    ran = served.kernel.run("%%capture c\n%%route --no-cache\ncount")
    assert ran.ok
    assert ran.outputs == []
    assert served.kernel.value("len(c.outputs)") == "1"
    assert "one two three" in served.kernel.value("c.outputs[0].data['text/plain']")
    assert served.kernel.value("c.stdout") == "''"


def test_time_keeps_the_value(served: Served) -> None:
    served.server.script(Text("In time."))
    ran = served.kernel.run("%%time\n%%route --no-cache\nquick")
    assert [o["output_type"] for o in ran.outputs] == ["display_data", "stream"]
    assert served.kernel.value("str(_)") == "'In time.'"


def test_json_is_indented(served: Served) -> None:
    served.server.script(Text('```json\n{"a": [1, "<b>"]}\n```'))
    data = _data(served.kernel.run("%%route --format json --no-cache\nas json"))
    pretty = '{\n  "a": [\n    1,\n    "<b>"\n  ]\n}'
    assert data["text/plain"].startswith(f"{pretty}\n\n")
    assert data["text/markdown"].startswith(f"```json\n{pretty}\n```\n\n---\n\n<small>")


def test_code_is_shown_and_offered_as_the_next_cell(served: Served) -> None:
    served.server.script(Text("Try:\n\n```python\nx = 1\n```\nDone."))
    ran = served.kernel.run("%%route --format code --no-cache res = <<\nwrite code")
    data = _data(ran)
    assert data["text/markdown"].startswith("```python\nx = 1\n```\n\n---\n\n<small>")
    (payload,) = ran.reply["payload"]
    assert (payload["source"], payload["text"]) == ("set_next_input", "x = 1")
    assert "Done." in served.kernel.value("res.text")


def test_text_is_shown_verbatim(served: Served) -> None:
    served.server.script(Text("**not bold** <b>"))
    data = _data(served.kernel.run("%%route --format text --no-cache\nplainly"))
    assert list(data) == ["text/plain"]
    assert data["text/plain"].startswith("**not bold** <b>\n\n")


def test_scripts_stay_text(served: Served) -> None:
    served.server.script(Text("<script>alert(1)</script> <img src=x onerror=alert(1)>"))
    data = _data(served.kernel.run("%%route --no-cache\nattack"))
    assert "text/html" not in data
    assert "<script" not in data["text/markdown"]
    assert "<img" not in data["text/markdown"]
    assert served.kernel.value("_.text[:8]") == "'<script>'"


def test_a_truncated_answer_says_so(served: Served) -> None:
    served.server.script(Text("word " * 50))
    ran = served.kernel.run("%%route --tier small --max-tokens 5 --no-cache\nlong")
    assert ran.ok
    assert "cut at its token cap" in ran.plain
    assert served.kernel.value("_.stop_reason") == "'max_tokens'"


def test_a_plan_sends_nothing(served: Served) -> None:
    for code in (
        "%%route --dry-run\nDesign a payment webhook",
        '%route plan "Design a payment webhook"',
        "%route plan Design a payment webhook",
    ):
        ran = served.kernel.run(code)
        assert ran.ok, ran.plain
        data = _data(ran)
        assert "claude-opus-5-5" in data["text/plain"]
        assert "rule payment, a floor" in data["text/plain"]
        assert "worst case" in data["text/plain"]
        assert "| candidate |" in data["text/markdown"]
        assert "$" not in data["text/markdown"]
    assert served.server.requests == []


@pytest.mark.parametrize(
    "line", ['--tier opus "hi"', '--tier=opus --max-tokens 9 "hi"', '"hi" --tier opus',
             "--tier opus hi", '--tier opus "hi" --max-tokens 9', "'hi' --model claude-opus-5-5"]
)  # fmt: skip
def test_a_plan_takes_options_on_either_side(served: Served, line: str) -> None:
    ran = served.kernel.run(f"%route plan {line}")
    assert ran.ok, ran.plain
    assert "starts with: claude-opus-5-5" in ran.plain
    assert served.server.requests == []


def test_a_dry_run_keeps_its_plan(served: Served) -> None:
    ran = served.kernel.run("%%route --dry-run kept = <<\nhello")
    assert "starts with: claude-sonnet-5-5" in ran.plain
    assert served.kernel.value("type(kept).__name__") == "'Plan'"
    ran = served.kernel.run("%%route --dry-run --tier small quietly <<\nhello")
    assert _data(ran)["text/plain"].startswith("small (tier: asked for): claude-haiku")
    assert "\n" not in _data(ran)["text/plain"]
    assert served.kernel.value("quietly.tier") == "'small'"
    assert served.server.requests == []


def test_a_plan_takes_options_and_placeholders(served: Served) -> None:
    served.kernel.run("topic = 'cats'")
    ran = served.kernel.run('%route plan "Write about {{topic}}" --tier small')
    assert "claude-haiku-5-5" in ran.plain
    assert not served.kernel.run('%route plan "Write about {{topik}}"').ok


def test_subcommands_show_themselves(simulated: Kernel) -> None:
    simulated.run("%%route\nSummarize: something to count.")
    shown = {
        "%route": "provider: simulated",
        "%route status": "session: $",
        "%route budget": "remaining",
        "%route budget --session 5 --alert-at 0.5": "$5.00",
        "%route budget --session none": "no limit",
        "%route models": "claude-haiku-5-5",
        "%route cache": "answered by the cache",
        "%route thread": "no threads yet",
        "%route cache prune": "0 answers removed",
        "%route cache clear": " answers removed",
        "%route help": "--no-escalate",
        "%route --help": "--no-escalate",
        "%route budget -h": "--no-escalate",
        "%%route --help\nx": "--no-escalate",
    }
    for code, text in shown.items():
        ran = simulated.run(code)
        assert ran.ok, ran.plain
        assert text in _data(ran)["text/plain"], code
        assert text.replace("$", "<span>&#36;</span>") in _data(ran)["text/markdown"], (
            code
        )


@pytest.mark.parametrize("which", ["", "--today", "--month", "--all"])
def test_the_log_is_a_frame(simulated: Kernel, which: str) -> None:
    simulated.run("%%route\nSummarize: something for the log.")
    ran = simulated.run(f"%route log {which}")
    assert ran.outputs[0]["output_type"] == "execute_result"
    assert simulated.value("type(_).__name__, len(_) > 0") == "('DataFrame', True)"


def test_a_limit_holds_from_the_next_call_on(simulated: Kernel) -> None:
    assert simulated.run("%route budget --call $0.000001").ok
    ran = simulated.run("%%route\nSummarize: too dear now.")
    assert ran.error["ename"] == "BudgetExceededError"
    assert simulated.run("%route budget --call 1").ok
    assert simulated.run("%%route\nSummarize: too dear now.").ok


def test_nothing_shows_a_bare_object(simulated: Kernel) -> None:
    for code in ("%%route\nSummarize: a.", "_", "%route", "%route plan x y"):
        assert "object at" not in simulated.run(code).plain
        assert "<IPython" not in simulated.run(code).plain
