"""What is typed arrives as typed, through a real kernel and over the wire."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.kernel.conftest import Served
from tests.support.messages_api.replies import Text

AS_TYPED = [
    "hello",
    '{"a": 1} {x} $x {{ }} {{1}} % %% !ls \\n \\',
    "say \"\"\"triple\"\"\" and '''these'''",
    "emoji 🎉 and \u00e9 and \u2028 and \x0b",
    ">>> f(1)\n1\n>>> g(2)",
    "In [1]: x\n   ...: y",
    "    indented\n\ttabbed\n  trailing  ",
    "what is up?",
    "?what\n!what\n%what\n%%what",
    "hello;",
    "two\n\n\nlines",
    "\n\nleading blank lines",
    "ends with newlines\n\n",
    "windows\r\nlines\r\n",
    "# comment\ndef f(): pass",
    "%%route\nnested",
    "get_ipython().run_cell_magic('route', '', 'x')\n",
]


@pytest.mark.parametrize("prompt", AS_TYPED)
def test_a_prompt_arrives_as_typed(served: Served, prompt: str) -> None:
    ran = served.kernel.run(f"%%route\n{prompt}")
    assert ran.ok, ran.plain
    assert served.prompts() == [prompt]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(
            [">>> ", "... ", "In [1]: ", "  ", "\t", "\n", "\r\n", "{a}", "{{", "}}", "$x",
             "%%", "%time ", "?", "!", ";", "'", '"""', "\\", "🎉", "word", "\x0c", "\u2029"]
        ),
        min_size=1,
    ).map("".join).filter(str.strip)
)  # fmt: skip
def test_any_prompt_arrives_as_typed(served: Served, prompt: str) -> None:
    assert served.kernel.run(f"%%route --raw --no-cache\n{prompt}").ok
    assert served.prompts() == [prompt]


@pytest.mark.parametrize("prompt", AS_TYPED[:5])
def test_a_prompt_arrives_as_typed_without_history(served: Served, prompt: str) -> None:
    assert served.kernel.run(f"%%route --no-cache\n{prompt}", store_history=False).ok
    assert served.prompts() == [prompt]


@pytest.mark.parametrize("above", ["%%time", "%%capture out", "%%time\n%%capture out"])
@pytest.mark.parametrize("prompt", [">>> f(1)", "hello;", "  indented"])
def test_a_prompt_below_another_magic_arrives_as_typed(
    served: Served, above: str, prompt: str
) -> None:
    ran = served.kernel.run(f"{above}\n%%route --no-cache\n{prompt}")
    assert ran.ok, ran.plain
    assert served.prompts() == [prompt]


def test_a_cell_run_from_code_is_taken_as_it_came(served: Served) -> None:
    code = "get_ipython().run_cell('%%route --no-cache\\n{\"a\": 1}  ')"
    assert served.kernel.run(code).ok
    assert served.prompts() == ['{"a": 1}  ']


def test_a_megabyte_arrives_as_typed(served: Served) -> None:
    prompt = "A line with {braces} and 'quotes' 🎉\n>>> too\n" * 23_000
    assert len(prompt.encode()) > 1_000_000
    assert served.kernel.run("%route budget --call none --session none").ok
    ran = served.kernel.run(f"%%route --max-tokens 20\n{prompt}", timeout=120)
    assert ran.ok, ran.plain[-500:]
    assert served.prompts() == [prompt]
    assert served.kernel.run("%route budget --call 1 --session 10").ok


def test_placeholders_are_filled_once(served: Served) -> None:
    served.kernel.run("name = 'A {{SECRET}} $x {x}'\nSECRET = 'hunter2'\nn = 3")
    assert served.kernel.run("%%route\n{{ name }}, {{n}}, {{{{name}}}}, {{{n}}}").ok
    assert served.prompts() == ["A {{SECRET}} $x {x}, 3, {{name}}, {3}"]


def test_raw_fills_nothing(served: Served) -> None:
    assert served.kernel.run("%%route --raw\n{{name}} {{{{name}}}}").ok
    assert served.prompts() == ["{{name}} {{{{name}}}}"]


def test_a_frame_is_sent_as_csv(served: Served) -> None:
    served.kernel.run(
        "import pandas as pd\ndf = pd.DataFrame({'city': ['Ulm'], 'pop': [126]})"
    )
    assert served.kernel.run("%%route\nSummarize:\n{{df}}").ok
    assert served.prompts() == ["Summarize:\ncity,pop\nUlm,126\n"]


def test_an_undefined_name_sends_nothing(served: Served) -> None:
    served.kernel.run("review = 'x'")
    ran = served.kernel.run("%%route\n{{reviw}}")
    assert not ran.ok
    (line,) = ran.error["traceback"]
    assert line.startswith("TemplateError: {{reviw}}")
    assert "review" in line
    assert served.server.requests == []


def test_options_reach_the_request(served: Served) -> None:
    served.kernel.run("ctx = 'the context'\nwho = 'a poet'\nstyle = 'Be brief.'")
    assert served.kernel.run(
        '%%route --tier opus --context ctx --system "You are {{who}}." --max-tokens 9000'
        "\nhello"
    ).ok
    body = served.server.messages[-1].body
    assert body["model"] == "claude-opus-5-5"
    assert body["max_tokens"] >= 9000
    assert body["system"] == "You are a poet."
    (content,) = served.prompts()
    assert [block["text"] for block in content] == ["the context", "hello"]
    assert served.kernel.run("%%route --system style\nhello again").ok
    assert served.server.messages[-1].body["system"] == "Be brief."


def test_a_schema_gives_data(served: Served) -> None:
    served.server.always(Text('{"total": 12.5}'))
    served.kernel.run(
        "Invoice = {'type': 'object', 'properties': {'total': {'type': 'number'}},"
        " 'required': ['total'], 'additionalProperties': False}"
    )
    ran = served.kernel.run("%%route --schema Invoice inv = <<\nExtract: 12.5")
    assert ran.ok, ran.plain
    assert served.kernel.value("inv.data") == "{'total': 12.5}"
    assert served.server.messages[-1].body["output_config"]["format"]["schema"]


def test_a_check_sees_the_users_names(served: Served) -> None:
    served.server.script(Text("no"), Text("a good answer"))
    served.kernel.run("wanted = 'good'")
    ran = served.kernel.run(
        "%%route --tier small --check wanted in text and len(text) < 100 res <<\nhello!"
    )
    assert ran.ok, ran.plain
    assert served.kernel.value("(res.text, res.attempts)") == "('a good answer', 2)"
    assert "escalated" in ran.plain


def test_the_ledger_names_the_notebook_and_the_cell(served: Served) -> None:
    served.kernel.run("import os, costroute_nb as cr")
    served.kernel.run(
        "os.environ['JPY_SESSION_NAME'] = '/home/me/secret/My book.ipynb'"
    )
    assert served.kernel.run("%%route --workflow w --step s\nname me").ok
    assert served.kernel.run("del os.environ['JPY_SESSION_NAME']").ok
    row = "cr.default_session().ledger.iloc[-1]"
    found = served.kernel.value(f"[*{row}[['notebook', 'workflow', 'step']]]")
    assert found == "['My book.ipynb', 'w', 's']"
    assert served.kernel.value(f"{row}.cell").strip("'").isdigit()
