"""Placeholders are filled once and strictly; all other text passes untouched."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from costroute_nb.core.templates import Filled, fill, names, value_text
from costroute_nb.errors import TemplateError

IDENTIFIERS = st.from_regex(r"[A-Za-z_][A-Za-z_0-9]{0,8}", fullmatch=True)


def test_a_name_is_replaced_by_its_value() -> None:
    assert fill("Sum {{ a }} and {{b}}.", {"a": "1", "b": "two"}).text == (
        "Sum 1 and two."
    )


def test_values_are_given_once_each_in_order() -> None:
    filled = fill("{{b}} {{a}} {{b}}", {"a": "1", "b": "2"})
    assert filled == Filled("2 1 2", ("2", "1"))


def test_a_function_may_look_names_up() -> None:
    assert fill("{{a}}{{b}}", str.upper).text == "AB"


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{{",
        "{{}}",
        "{{ }}",
        "{{1a}}",
        "{{a b}}",
        "{{a.b}}",
        "{{a",
        "{a}",
        "$a",
        "%a",
        '{"a": {"b": {}}}',
        "{{a\n}}",
        "{% if a %}",
        "{{#each}}",
        "\\begin{{frac}{2}}",
    ],
)
def test_any_other_brace_is_text(text: str) -> None:
    assert fill(text, {}).text == text
    assert names(text) == ()


def test_four_braces_send_two() -> None:
    assert fill("{{{{name}}}} {{{{ x }}}}", {}).text == "{{name}} {{ x }}"
    assert names("{{{{name}}}}") == ()


def test_three_braces_are_a_brace_around_a_value() -> None:
    assert fill("{{{a}}}", {"a": "1"}).text == "{1}"


def test_what_a_value_holds_is_never_expanded() -> None:
    secret = {"a": "{{SECRET}} {{{{a}}}} \\1 \\g<0>", "SECRET": "hunter2"}
    assert fill("<{{a}}>", secret).text == f"<{secret['a']}>"


def test_an_unknown_name_is_an_error_with_close_ones() -> None:
    with pytest.raises(TemplateError, match=r"\{\{reviw\}\}.*did you mean review") as e:
        fill("Read {{reviw}}", {"review": "", "df": ""})
    assert (e.value.name, e.value.close) == ("reviw", ("review",))


def test_an_unknown_name_for_a_function_is_an_error_too() -> None:
    with pytest.raises(TemplateError, match="not defined"):
        fill("{{a}}", dict[str, str]().__getitem__)


def test_the_error_is_one_readable_line() -> None:
    with pytest.raises(TemplateError) as caught:
        fill("{{a}}", {})
    (line,) = caught.value._render_traceback_()
    assert line.startswith("TemplateError: {{a}} in the prompt is not defined")


@given(st.text())
@example('{"a": 1} {x} $x {{ % \\ """ \r\n 🎉')
def test_text_without_a_placeholder_is_unchanged(text: str) -> None:
    if not names(text) and "{{{{" not in text:
        assert fill(text, {}).text == text


@given(st.text(), IDENTIFIERS, st.text(), st.text())
def test_a_value_arrives_byte_for_byte(
    before: str, name: str, value: str, after: str
) -> None:
    before, after = before.replace("{", ""), after.replace("}", "")
    if "{{" in after:
        after = after.replace("{", "")
    filled = fill(f"{before}{{{{{name}}}}}{after}", {name: value})
    assert filled.text == before + value + after
    assert filled.values == (value,)


@pytest.mark.parametrize("part", ["{{a ", "{{", "{{{{a}}", "{{ " + " " * 50])
def test_a_megabyte_of_braces_takes_no_time(part: str) -> None:
    text = part * (1_000_000 // len(part))
    began = time.perf_counter()
    fill(text, {"a": ""})
    assert time.perf_counter() - began < 2.0


def test_a_frame_that_writes_no_csv_is_sent_as_it_reads() -> None:
    class DataFrame:
        def __str__(self) -> str:
            return "two rows"

    assert value_text(DataFrame()) == "two rows"
