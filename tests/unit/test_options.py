"""Options are read as written, and what is wrong is said in one line."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.error import UsageError

from costroute_nb.asking import OPTIONS as CALL_OPTIONS
from costroute_nb.notebook.cells import Target, split_target
from costroute_nb.notebook.options import (
    ADVISE_OPTIONS,
    FACE_KEYS,
    FORMATS,
    LOG_OPTIONS,
    OPTIONS,
    REPORT_OPTIONS,
    Option,
)
from costroute_nb.notebook.parsing import parse, split_quoted, values, written
from costroute_nb.notebook.usage import FOLLOWING, usage


def read(line: str, **namespace: Any) -> dict[str, Any]:
    """Return what a line sets."""
    visible = [name for name in namespace if not name.startswith("_")]
    return values(parse(line), namespace, str, visible=visible)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("", {}),
        ("--tier small", {"tier": "small"}),
        ("--tier=small --no-cache", {"tier": "small", "cache": False}),
        ("--max-cost $0.05", {"max_cost": 0.05}),
        ("--max-cost 0.05", {"max_cost": 0.05}),
        ("--max-cost=$.5", {"max_cost": 0.5}),
        ("--ttl 1h", {"ttl": 3600.0}),
        ("--ttl 30m", {"ttl": 1800.0}),
        ("--ttl 90s", {"ttl": 90.0}),
        ("--ttl 2d", {"ttl": 172_800.0}),
        ("--max-tokens 100", {"max_tokens": 100}),
        ("--no-escalate --fresh", {"escalate": False, "fresh": True}),
        ("--no-stream --quiet --raw", {"stream": False, "quiet": True, "raw": True}),
        ("--format json", {"format": "json"}),
        ('--workflow "nightly run" --step 2', {"workflow": "nightly run", "step": "2"}),
        ("--workflow it's", {"workflow": "it's"}),
        ('--check "len(text) < 100"', {"check": "len(text) < 100"}),
        ("--check len(text) < 100", {"check": "len(text) < 100"}),
        (
            "--check len(text) < 100 --tier small",
            {"check": "len(text) < 100", "tier": "small"},
        ),
        ("--check \"a\" in text", {"check": '"a" in text'}),
        ("--check 'x --y' in text --raw", {"check": "'x --y' in text", "raw": True}),
        ('--check "\\"a\\" in text"', {"check": '"a" in text'}),
        ("--check x - -1 > 0", {"check": "x - -1 > 0"}),
        ("--thread review --effort low", {"thread": "review", "effort": "low"}),
        ('--thread "the review"', {"thread": "the review"}),
        ("--context-tokens 4000", {"context_tokens": 4000}),
        ("--task summarize:200", {"task": "summarize:200"}),
        ("--task=rewrite:60", {"task": "rewrite:60"}),
        ('--system "Be brief --ok"', {"system": "Be brief --ok"}),
        ("--system Be very brief", {"system": "Be very brief"}),
        ("--system 'It''s'", {"system": "'It''s'"}),
    ],
)  # fmt: skip
def test_a_line_is_read_as_written(line: str, found: dict[str, Any]) -> None:
    assert read(line) == found


def test_variables_are_looked_up_by_name() -> None:
    context = [{"role": "user", "content": "x"}]
    found = read("--context c --system style", c=context, style="Be brief.")
    assert found == {"context": context, "system": "Be brief."}


def test_values_may_hold_placeholders_but_expressions_do_not() -> None:
    given = parse("--workflow {{w}} --check {{w}} == {{w}}")
    assert values(given, {}, lambda text: text.replace("{{w}}", "x")) == {
        "workflow": "x",
        "check": "{{w}} == {{w}}",
    }


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("--teir small", "did you mean --tier?"),
        ("-t small", "there is no option -t"),
        ("small", "'small' is no option"),
        ("--tier", "--tier needs a value: --tier T"),
        ("--tier --raw", "--tier needs a value"),
        ("--raw=yes", "--raw takes no value"),
        ("--raw --raw", "--raw is given twice"),
        ("--format html", "--format takes one of markdown, text, json, code"),
        ("--format jsn", r"\(did you mean json\?\)"),
        ("--effort highest", "--effort takes one of low, medium, high, not 'highest'"),
        ("--effort hihg", r"\(did you mean high\?\)"),
        ("--context-tokens many", "--context-tokens takes a whole number"),
        ("--max-cost free", "--max-cost takes an amount of USD"),
        ("--max-tokens 1.5", "--max-tokens takes a whole number"),
        ("--ttl 1y", "--ttl takes a time such as 90s"),
        ("--workflow 'open", "a quote is not closed"),
        ("--context contxt", r"no variable 'contxt' \(did you mean context\?\)"),
        ("--system Terse", "put text in quotes"),
        ("--no-cache --fresh", "contradict each other"),
        ("--no-cache --ttl 1h", "contradict each other"),
        ("--model m --tier small", "contradict each other"),
        ("--model m --floor small", "contradict each other"),
        ("--task summarize --system 'x'", "contradict each other"),
        ("--task summarize --context context", "contradict each other"),
        ("--task summarize --context-tokens 9", "contradict each other"),
        ("--task summarize --thread t", "contradict each other"),
    ],
)
def test_what_is_wrong_is_said(line: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint) as error:
        read(line, context="x", _contxt="hidden")
    assert "\n" not in str(error.value)


class City:
    pass


@pytest.mark.parametrize("line", ["--schema list[City]", "--schema 'list[City]'"])
def test_a_schema_may_be_a_list_of_a_type_in_a_variable(line: str) -> None:
    assert read(line, City=City) == {"schema": list[City]}


def test_a_schema_may_be_a_list_of_a_built_in_type() -> None:
    assert read("--schema list[int]") == {"schema": list[int]}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("--schema list[Cty]", r"no variable 'Cty' \(did you mean City\?\)"),
        ("--schema list[size]", "list.* takes a type, and size is none"),
        (
            "--schema dict[str,City]",
            r"write Wanted = dict\[str,City\] above and --schema Wanted",
        ),
        ("--context list[City]", r"no variable 'list\[City\]'"),
    ],
)
def test_a_schema_that_no_variable_holds_says_what_to_write(
    line: str, says: str
) -> None:
    with pytest.raises(UsageError, match=says) as error:
        read(line, City=City, size=3)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("options", [LOG_OPTIONS, REPORT_OPTIONS, ADVISE_OPTIONS])
@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("30d", 2_592_000.0),
        ("2026-11-01", "2026-11-01"),
        ("2026-11-01T09:30+01:00", "2026-11-01T09:30+01:00"),
        ('"2026-11-01 09:30"', "2026-11-01 09:30"),
    ],
)
def test_a_period_begins_so_long_ago_or_on_a_day(
    options: Sequence[Option], text: str, since: Any
) -> None:
    assert values(parse(f"--since {text}", options), {}, str) == {"since": since}


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01"])
def test_a_period_that_begins_nowhere_is_refused(text: str) -> None:
    says = r"--since takes a day or moment such as 2026-11-01, or a time such as"
    with pytest.raises(UsageError, match=says):
        values(parse(f"--since {text}", REPORT_OPTIONS), {}, str)


def test_an_answer_is_not_kept_until_a_day() -> None:
    with pytest.raises(UsageError, match="--ttl takes a time such as 90s"):
        read("--ttl 2026-11-01")


@pytest.mark.parametrize("reserved", ["--map", "--into", "--workers", "--batch"])
def test_what_is_not_built_is_unknown(reserved: str) -> None:
    with pytest.raises(UsageError, match=f"no option {reserved}"):
        parse(f"{reserved} x")


def test_every_option_sets_something_that_exists() -> None:
    known = FACE_KEYS | {"task", *CALL_OPTIONS}  # a session takes the task itself
    assert {option.key for option in OPTIONS} <= known
    assert set(CALL_OPTIONS) <= {option.key for option in OPTIONS}


def test_the_help_names_every_option() -> None:
    text = usage()
    for option in (
        *OPTIONS,
        *(option for more in FOLLOWING.values() for option in more),
    ):
        assert option.usage in text
        assert option.help in text
    assert FORMATS == ("markdown", "text", "json", "code")


@given(st.text())
def test_any_line_is_read_or_refused(line: str) -> None:
    with suppress(UsageError):
        assert isinstance(read(line), dict)


@given(st.text(st.characters(exclude_characters="\\\n\r"), min_size=1))
def test_quoted_text_is_taken_as_it_is(text: str) -> None:
    quoted = text.replace('"', '\\"')
    assert read(f'--system "{quoted}" --raw') == {"system": text, "raw": True}


@given(st.text(st.characters(exclude_characters="\\\n\r"), min_size=1))
def test_a_name_is_written_so_that_it_is_read_again(name: str) -> None:
    assert read(f"--thread {written(name)} --raw") == {"thread": name, "raw": True}


@pytest.mark.parametrize(
    ("name", "shown"),
    [("review", "review"), ("the review", '"the review"'), ("--all", '"--all"')],
)
def test_only_names_that_need_quotes_are_written_in_them(name: str, shown: str) -> None:
    assert written(name) == shown


@pytest.mark.parametrize(
    ("line", "options", "target"),
    [
        ("", "", None),
        ("--tier small", "--tier small", None),
        ("res <<", "", Target("res", shows=False)),
        ("res<<", "", Target("res", shows=False)),
        ("res = <<", "", Target("res", shows=True)),
        ("res =<<  ", "", Target("res", shows=True)),
        ("res=<<", "", Target("res", shows=True)),
        ("--tier small res <<", "--tier small", Target("res", shows=False)),
        ("--check len(text) < 9 r = <<", "--check len(text) < 9", Target("r", True)),
        ("--check x << 2", "--check x << 2", None),
    ],
)
def test_the_target_ends_the_line(
    line: str, options: str, target: Target | None
) -> None:
    assert split_target(line) == (options, target)


@pytest.mark.parametrize("name", ["class", "1a", "a.b", "a[0]", "-", ""])
def test_a_target_is_a_name(name: str) -> None:
    with pytest.raises(UsageError, match="no variable name"):
        split_target(f"{name} <<")


@pytest.mark.parametrize(
    ("line", "split"),
    [
        ('"a b" --tier small', ("a b", " --tier small")),
        ("a b --tier small", ("a b --tier small", "")),
        ('"open', ('"open', "")),
        ("'it\\'s'", ("it's", "")),
    ],
)
def test_a_prompt_on_a_line_ends_at_its_quote(
    line: str, split: tuple[str, str]
) -> None:
    assert split_quoted(line) == split
