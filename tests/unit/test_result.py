import json
import math
import pickle
from dataclasses import dataclass, replace

import pydantic
import pytest

from tests.support.results import ANSWER

RESULT = replace(ANSWER, cost_usd=0.5, stop_reason=None, notes=("a note",))


class City(pydantic.BaseModel):
    name: str


@dataclass
class Point:
    x: int


def test_a_result_reads_as_its_text() -> None:
    assert str(RESULT) == "forty-two"


def test_a_result_is_json_with_unknown_as_null() -> None:
    found = json.loads(json.dumps(RESULT.to_dict()))
    assert found["usage"]["input_tokens"] == 3
    assert (found["saved_usd"], found["notes"]) == (None, ["a note"])


def test_typed_data_is_json_too() -> None:
    assert replace(RESULT, data=City(name="Oslo")).to_dict()["data"] == {"name": "Oslo"}
    assert replace(RESULT, data=Point(3)).to_dict()["data"] == {"x": 3}
    assert replace(RESULT, data=[1, None]).to_dict()["data"] == [1, None]


@pytest.mark.parametrize("number", [math.nan, math.inf, [math.nan], {"a": -math.inf}])
def test_numbers_that_json_does_not_have_are_null(number: object) -> None:
    found = replace(RESULT, data=number).to_dict()
    assert "null" in json.dumps(found["data"], allow_nan=False)


def test_values_of_unknown_types_are_their_text() -> None:
    assert replace(RESULT, data=[range(2)]).to_dict()["data"] == ["range(0, 2)"]


def test_a_result_survives_pickling() -> None:
    assert pickle.loads(pickle.dumps(RESULT)) == RESULT
