"""The frame of an answer's data: a row for each object, columns as in the schema."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
import pydantic
import pytest

from costroute_nb.frames import data_frame


@dataclass
class City:
    name: str
    people: int = 0


class Town(pydantic.BaseModel):
    name: str
    mayor: City | None = None


class Towns(pydantic.RootModel[list[Town]]):
    pass


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [dict(zip(frame.columns, row, strict=True)) for row in frame.values.tolist()]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ([City("Oslo", 7)], [{"name": "Oslo", "people": 7}]),
        ([Town(name="Å")], [{"name": "Å", "mayor": None}]),
        (Town(name="Å", mayor=City("B")), [{"name": "Å", "mayor": {"name": "B", "people": 0}}]),
        (Towns([Town(name="Å")]), [{"name": "Å", "mayor": None}]),
        (City("Oslo"), [{"name": "Oslo", "people": 0}]),
        ({"a": 1}, [{"a": 1}]),
        ([1, 2], [{"value": 1}, {"value": 2}]),
        ("x", [{"value": "x"}]),
        ([[1], [2]], [{"value": [1]}, {"value": [2]}]),
        (({"a": 1},), [{"a": 1}]),
    ],
)  # fmt: skip
def test_each_object_is_a_row(data: Any, expected: list[dict[str, Any]]) -> None:
    assert rows(data_frame(data)) == expected


def test_columns_stand_in_the_schemas_order() -> None:
    frame = data_frame([{"b": 1, "more": 0}, {"a": 2, "b": 3}], ("a", "b"))
    assert list(frame.columns) == ["a", "b", "more"]


def test_no_rows_have_the_columns_all_the_same() -> None:
    frame = data_frame([], ("a", "b"))
    assert (len(frame), list(frame.columns)) == (0, ["a", "b"])


def test_typed_objects_bring_their_own_columns() -> None:
    assert list(data_frame([City("Oslo")], ("Name",)).columns) == ["name", "people"]


def test_numbers_stay_numbers() -> None:
    assert str(data_frame([City("Oslo", 7)]).dtypes["people"]) == "int64"
