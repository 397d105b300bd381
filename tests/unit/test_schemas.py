"""Schemas in the provider's subset, compared with what its own SDK would send."""

from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal

import anthropic
import pytest
from pydantic import BaseModel, Field, RootModel

from costroute_nb.core.enforceable import refuse_unsupported
from costroute_nb.core.schemas import strict_schema
from costroute_nb.errors import ConfigurationError


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Point(BaseModel):
    """A place."""

    x: Annotated[float, Field(ge=0, lt=10)]
    y: float = Field(multiple_of=0.5, description="Upwards.")


class Person(BaseModel):
    name: Annotated[str, Field(min_length=1, max_length=20, pattern="^[A-Z]")]
    born: date
    mail: str = Field(json_schema_extra={"format": "email"})
    odd: str = Field(json_schema_extra={"format": "isbn"})
    nickname: str | None = None
    colour: Colour = Colour.RED
    kind: Literal["a", 1, True, None] = "a"
    fixed: Literal["only"] = "only"


class Team(BaseModel):
    members: Annotated[list[Person], Field(min_length=1, max_length=5)]
    home: Point
    places: Annotated[list[Point], Field(min_length=2)]
    spare: list[int] = []
    either: Point | Person | int


class Points(RootModel[list[Point]]):
    pass


class Home(RootModel[Point]):
    pass


MODELS = [Point, Person, Team, Points, Home]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_pydantic_schema_becomes_what_the_sdk_would_send(
    model: type[BaseModel],
) -> None:
    schema = model.model_json_schema()
    refuse_unsupported(schema)
    assert strict_schema(schema) == anthropic.transform_schema(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {"type": "null"}}, "required": ["a"]},
        {"oneOf": [{"type": "string"}, {"type": "integer", "minimum": 3}]},
        {"allOf": [{"type": "string", "maxLength": 3}], "description": "Short."},
        {"type": "string", "enum": ["a", "b"], "default": "a", "title": "Letter"},
        {"const": 3, "description": "Three."},
        {"type": "array", "items": {"type": "boolean"}, "minItems": 0},
        {"type": "array", "items": {"type": "boolean"}, "minItems": 7},
        {"type": "string", "format": "uri", "examples": ["x"]},
    ],
)
def test_plain_schema_becomes_what_the_sdk_would_send(schema: dict[str, Any]) -> None:
    refuse_unsupported(schema)
    assert strict_schema(schema) == anthropic.transform_schema(schema)


def test_original_is_left_alone() -> None:
    schema = Team.model_json_schema()
    strict_schema(schema)
    assert schema == Team.model_json_schema()


def test_list_of_types_becomes_alternatives_with_their_own_keywords() -> None:
    schema = {"type": ["string", "null"], "maxLength": 3, "description": "Short."}
    refuse_unsupported(schema)
    assert strict_schema(schema) == {
        "anyOf": [
            {"type": "string", "description": "{maxLength: 3}"},
            {"type": "null"},
        ],
        "description": "Short.",
    }


def test_a_list_of_types_with_all_they_hold_is_accepted() -> None:
    refuse_unsupported(
        {"type": ["object", "null"], "properties": {"a": {"type": "integer"}}}
    )
    refuse_unsupported({"type": ["array", "null"], "items": {"type": "integer"}})


def test_older_definitions_are_renamed() -> None:
    schema = {
        "type": "object",
        "properties": {"p": {"$ref": "#/definitions/P"}},
        "definitions": {"P": {"type": "integer"}},
    }
    refuse_unsupported(schema)
    assert strict_schema(schema) == {
        "type": "object",
        "properties": {"p": {"$ref": "#/$defs/P"}},
        "additionalProperties": False,
        "$defs": {"P": {"type": "integer"}},
    }


class Scores(BaseModel):
    scores: dict[str, int]


class Loose(BaseModel, extra="allow"):
    x: int


class Empty(BaseModel):
    pass


class Anything(BaseModel):
    value: Any


class Tree(BaseModel):
    children: list["Tree"]


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (Scores, "the schema's scores is a dictionary with open keys"),
        (Loose, "the schema is a dictionary with open keys"),
        (Anything, "the schema's value allows any value"),
        (Empty, "^the schema is an object that names no properties; name them"),
        (Tree, "'Tree' contains itself"),
    ],
)
def test_what_could_not_be_enforced_is_refused_by_name(
    model: type[BaseModel], says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        refuse_unsupported(model.model_json_schema())


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"type": "object"}, "names no properties"),
        ({"type": ["object", "null"]}, "names no properties"),
        ({"type": "object", "additionalProperties": True}, "open keys"),
        (
            {
                "type": ["object", "null"],
                "additionalProperties": {"type": "integer"},
            },
            "open keys",
        ),
        (
            {
                "type": "object",
                "properties": {"k": {"type": "string"}},
                "patternProperties": {"^x": {"type": "string"}},
            },
            "open keys",
        ),
        ({"type": "array"}, "the schema is a list of anything; say with `items`"),
        ({"type": ["array", "null"]}, "list of anything"),
        ({"anyOf": []}, "allows any value"),
        (
            {
                "type": "object",
                "properties": {
                    "d": {
                        "type": "array",
                        "items": {"type": "object", "properties": {"e": {}}},
                    },
                },
            },
            r"the schema's d\.items\.e allows any value",
        ),
        (
            {"type": "array", "prefixItems": [{"type": "string"}, {}]},
            r"the schema's prefixItems\[1\] allows any value",
        ),
        (
            {"type": "array", "items": True},
            "each item of the schema is not a JSON schema",
        ),
        ({"type": "array", "items": {}}, "each item of the schema allows any value"),
        ({"anyOf": [{"type": "object", "properties": {}}]}, "names no properties"),
        ({"$ref": "#/$defs/Gone"}, "'Gone'.*not among its"),
        ({"$ref": "https://example.com/s.json"}, "not among its"),
        (
            {
                "$defs": {
                    "A": {"anyOf": [{"$ref": "#/$defs/B"}, {"type": "null"}]},
                    "B": {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}},
                },
                "$ref": "#/$defs/A",
            },
            "'A' contains itself",
        ),
    ],
)
def test_what_could_not_be_enforced_is_refused(
    schema: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        refuse_unsupported(schema)


def test_same_definition_twice_is_no_recursion() -> None:
    refuse_unsupported(Team.model_json_schema())


def test_a_list_of_types_with_an_enum_leaves_the_enum_to_say_it_all() -> None:
    schema = {"type": ["string", "null"], "enum": ["a", None]}
    assert strict_schema(schema)["enum"] == ["a", None]


def test_an_array_without_items_stays_one() -> None:
    assert strict_schema({"type": "array"})["type"] == "array"


def test_a_schema_that_is_true_or_false_is_looked_at_too() -> None:
    schema = {"type": "object", "properties": {"x": True}, "required": ["x"]}
    with pytest.raises(ConfigurationError):
        refuse_unsupported(schema)
