"""A list of objects is shown as a table, anything else as it came."""

from dataclasses import replace
from typing import Any

import pydantic
import pytest

from costroute_nb.core.result import Result
from costroute_nb.notebook.display import Results, View
from costroute_nb.notebook.listed import list_page
from costroute_nb.typed import answer_schema
from tests.support.results import ANSWER

RESULT = replace(ANSWER, text='{"items": []}')


def of(data: Any, *columns: str) -> Result:
    """Return a result with this data."""
    return replace(RESULT, data=data, columns=columns)


@pytest.mark.parametrize("data", [None, {}, {"a": 1}, [], [1, 2], [{}], [{"a": 1}, 2]])
def test_what_is_no_list_of_objects_is_no_table(data: Any) -> None:
    assert list_page(of(data)) is None


def test_columns_are_the_schemas_and_then_the_others() -> None:
    page = list_page(of([{"b": 1, "c": [2, "é"]}, {"a": None}], "a", "b"))
    assert page is not None
    assert page.columns == ("a", "b", "c")
    assert page.rows == (("", "1", '[2, "é"]'), ("", "", ""))
    assert page.foot == ()


def test_long_lists_and_cells_are_cut_and_say_so() -> None:
    page = list_page(of([{"a": "x y\n" * 100}] * 60))
    assert page is not None
    assert len(page.rows) == 50
    assert page.rows[0][0].endswith("…")
    assert len(page.rows[0][0]) == 200
    assert page.foot == ("10 more rows are in the result's frame",)


def test_a_list_answer_is_shown_as_a_table_above_its_receipt() -> None:
    data, _ = Results().bundle(of([{"name": "<b>|*x*", "n": 3}], "name", "n"))
    table, rule, foot = data["text/markdown"].split("\n\n")
    assert table.startswith("| name | n |\n| :--- | ---: |\n| ")
    assert "<b>" not in table
    assert table.splitlines()[2].count("|") == 3
    assert rule == "---"
    assert foot.startswith("<small>")
    assert data["text/plain"].startswith("name     n\n<b>|*x*  3\n\nsmall · m")


@pytest.mark.parametrize("format", ["text", "json", "code"])
def test_a_format_that_was_asked_for_shows_the_text(format: str) -> None:
    results = Results()
    result = of([{"a": 1}])
    results.remember(result, View(format))
    data, _ = results.bundle(result)
    assert "items" in data["text/plain"]


class Named(pydantic.BaseModel):
    first: str = pydantic.Field(alias="firstName")


def test_a_field_with_an_alias_is_one_column_under_its_own_name() -> None:
    wanted = answer_schema(list[Named])
    page = list_page(of([Named(firstName="Ann")], *wanted.columns))
    assert page is not None
    assert (page.columns, page.rows) == (("first",), (("Ann",),))
