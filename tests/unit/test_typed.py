"""Real types: the schema they ask for, and what reads the answer back."""

import json
import subprocess
import sys
import typing
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, NotRequired, Required, TypedDict
from uuid import UUID

import pydantic
import pytest
import typing_extensions

from costroute_nb.core.schemas import complaint, strict_schema
from costroute_nb.core.validation import parse_answer
from costroute_nb.errors import ConfigurationError
from costroute_nb.frames import data_frame
from costroute_nb.typed import answer_schema
from tests.support.late_types import LateCity, LateDict


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Place(TypedDict):
    """Where it is."""

    town: str
    zip_code: NotRequired[str]


class Visit(TypedDict, total=False):
    place: Required[Place]
    spare: Place
    guests: list[str]


@dataclass
class Invoice:
    """One bill."""

    number: int
    total: Decimal
    due: date
    id: UUID
    at: datetime | None = None
    colour: Colour = Colour.RED
    tags: list[str] = field(default_factory=list)


class Person(pydantic.BaseModel):
    name: Annotated[str, pydantic.Field(description="As on the passport.")]
    kind: Literal["a", "b"] = "a"
    bill: Invoice | None = None


@dataclass
class Positive:
    value: int

    def __post_init__(self) -> None:
        if self.value < 1:
            raise TypeError("too small\nby far")


BILL = {"number": 1, "total": 9.5, "due": "2026-01-31", "id": str(UUID(int=7))}
INVOICE = Invoice(1, Decimal("9.5"), date(2026, 1, 31), UUID(int=7))


def read(given: Any, data: Any) -> Any:
    wanted = answer_schema(given)
    return parse_answer(json.dumps(data), wanted.schema, wanted.parse)


def test_a_dataclass_comes_back_as_itself() -> None:
    assert read(Invoice, BILL) == INVOICE


def test_a_typed_dict_comes_back_as_a_dict() -> None:
    visit = {"place": {"town": "Oslo"}, "guests": ["Ann"]}
    assert read(Visit, visit) == visit


def test_a_model_comes_back_with_the_dataclass_inside() -> None:
    found = read(Person, {"name": "Ann", "bill": BILL})
    assert found == Person(name="Ann", bill=INVOICE)


@pytest.mark.parametrize(
    ("given", "one", "expected"),
    [
        (Person, {"name": "Ann"}, Person(name="Ann")),
        (Invoice, BILL, INVOICE),
        (Place, {"town": "Oslo"}, {"town": "Oslo"}),
        (Place | None, None, None),
        (int, 3, 3),
        (str, "x", "x"),
        (date, "2026-01-31", date(2026, 1, 31)),
        (Colour, "red", Colour.RED),
        (Literal["yes", "no"], "no", "no"),
        (list[int], [1, 2], [1, 2]),
    ],
)
def test_a_list_of_anything_is_asked_for_as_items_and_comes_back_as_a_list(
    given: Any, one: Any, expected: Any
) -> None:
    wanted = answer_schema(list[given])
    assert wanted.schema["type"] == "object"
    assert wanted.schema["required"] == ["items"]
    assert read(list[given], {"items": [one, one]}) == [expected, expected]


@pytest.mark.parametrize("given", [typing.List[Place], tuple[Place, ...]])  # noqa: UP006
def test_other_spellings_of_a_list_do_too(given: Any) -> None:
    assert list(read(given, {"items": [{"town": "Oslo"}]})) == [{"town": "Oslo"}]


@pytest.mark.parametrize(
    ("given", "value", "expected"),
    [
        (int, 3, 3),
        (Colour, "blue", Colour.BLUE),
        (Literal["spam", "ham"], "ham", "ham"),
        (Person | Place, {"town": "Oslo"}, {"town": "Oslo"}),
        (Annotated[int, pydantic.Field(ge=1)], 3, 3),
    ],
)
def test_what_is_no_object_is_asked_for_as_a_value(
    given: Any, value: Any, expected: Any
) -> None:
    assert read(given, {"value": value}) == expected


def test_a_type_adapter_may_be_given_as_it_is() -> None:
    given = pydantic.TypeAdapter(list[int])
    assert read(given, {"items": [1]}) == [1]


def test_a_json_schema_of_a_list_is_wrapped_and_unwrapped_likewise() -> None:
    given = {
        "$defs": {"P": {"type": "object", "properties": {"a": {"type": "integer"}}}},
        "type": "array",
        "items": {"$ref": "#/$defs/P"},
    }
    wanted = answer_schema(given)
    assert wanted.schema["properties"]["items"]["items"] == {"$ref": "#/$defs/P"}
    assert wanted.schema["$defs"] == given["$defs"]
    assert read(given, {"items": [{"a": 1}]}) == [{"a": 1}]


def test_a_json_schema_of_an_object_is_sent_as_it_is() -> None:
    given = {"type": "object", "properties": {"items": {"type": "string"}}}
    wanted = answer_schema(given)
    assert (wanted.schema, wanted.parse) == (given, None)


def test_a_root_that_only_refers_to_an_object_becomes_that_object() -> None:
    class Home(pydantic.RootModel[Person]):
        pass

    wanted = answer_schema(Home)
    assert wanted.schema["type"] == "object"
    assert "name" in wanted.schema["properties"]
    assert read(Home, {"name": "Ann"}).root == Person(name="Ann")


@pytest.mark.parametrize("given", [Person, Invoice, Visit, list[Visit], list[Invoice]])
def test_what_is_sent_tells_titles_descriptions_and_choices(given: Any) -> None:
    sent = json.dumps(strict_schema(answer_schema(given).schema))
    said = {
        Person: ["As on the passport.", '"enum": ["a", "b"]', '"red"', "date-time"],
        Invoice: ["One bill.", '"title": "Invoice"', '"uuid"', '"null"'],
        Visit: ["Where it is.", '"required": ["place"]'],
    }
    for words in said[given if given in said else given.__args__[0]]:
        assert words in sent


def test_columns_are_the_keys_in_the_schemas_order() -> None:
    assert answer_schema(list[Visit]).columns == ("place", "spare", "guests")
    assert answer_schema(Place).columns == ("town", "zip_code")
    assert answer_schema(list[int]).columns == ()


class Renamed(pydantic.BaseModel):
    first: str = pydantic.Field(alias="firstName")
    last: str = pydantic.Field("?", validation_alias="lastName")


class RenamedKeys(TypedDict):
    first: Annotated[str, pydantic.Field(alias="firstName")]


@dataclass
class RenamedFields:
    first: Annotated[str, pydantic.Field(alias="firstName")]


class RenamedRoot(pydantic.RootModel[list[Renamed]]):
    pass


@pytest.mark.parametrize(
    ("given", "data"),
    [
        (Renamed, {"firstName": "Ann"}),
        (list[Renamed], {"items": [{"firstName": "Ann"}]}),
        (RenamedRoot, {"items": [{"firstName": "Ann"}]}),
        (pydantic.TypeAdapter(list[Renamed]), {"items": [{"firstName": "Ann"}]}),
        (RenamedKeys, {"firstName": "Ann"}),
        (list[RenamedFields], {"items": [{"firstName": "Ann"}]}),
    ],
)
def test_a_field_with_an_alias_is_one_column_under_its_own_name(
    given: Any, data: Any
) -> None:
    wanted = answer_schema(given)
    assert "firstName" in json.dumps(wanted.schema)
    frame = data_frame(read(given, data), wanted.columns)
    assert frame["first"].tolist() == ["Ann"]
    assert list(frame.columns) == list(data_frame([], wanted.columns).columns)


def test_a_field_that_is_never_shown_is_no_empty_column() -> None:
    class Hidden(pydantic.BaseModel):
        name: str
        inner: int = pydantic.Field(0, exclude=True)

    wanted = answer_schema(Hidden)
    frame = data_frame(read(Hidden, {"name": "Ann"}), wanted.columns)
    assert list(frame.columns) == ["name"]


def test_a_typed_dict_keeps_which_keys_it_requires() -> None:
    visit = answer_schema(Visit).schema
    assert visit["required"] == ["place"]
    assert visit["$defs"]["Place"]["required"] == ["town"]
    assert visit["properties"]["spare"] == {"$ref": "#/$defs/Place"}


def test_a_typed_dict_of_the_backport_is_one_too() -> None:
    Old = typing_extensions.TypedDict("Old", {"a": int})  # noqa: UP013
    assert read(Old, {"a": 1}) == {"a": 1}


def test_a_typed_dict_met_twice_is_one_definition() -> None:
    assert list(answer_schema(Visit).schema["$defs"]) == ["Place"]


def test_a_key_that_is_only_read_is_a_key() -> None:
    Fixed = typing_extensions.TypedDict(  # noqa: UP013
        "Fixed", {"a": typing_extensions.ReadOnly[int]}
    )
    assert read(Fixed, {"a": 1}) == {"a": 1}


def test_annotations_written_as_text_are_resolved_where_they_stand() -> None:
    assert read(LateCity, {"name": "Oslo", "twin": {"town": "B"}}).twin == {"town": "B"}
    wanted = answer_schema(LateDict)
    assert wanted.schema["required"] == ["town"]


class Tree(TypedDict):
    children: list["Tree"]


@dataclass
class Node:
    children: list["Node"]


class Open(TypedDict):
    scores: dict[str, int]


@dataclass
class Loose:
    anything: Any


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (dict[str, int], "the schema is a dictionary with open keys"),
        (
            list[dict[str, int]],
            "each item of the schema is a dictionary with open keys",
        ),
        (Open, "the schema's scores is a dictionary with open keys"),
        (Loose, "the schema's anything allows any value"),
        (list[Any], "each item of the schema allows any value"),
        (list, "each item of the schema allows any value"),
        (Node, "'Node' contains itself"),
        (list[Node], "'Node' contains itself"),
        (tuple[Node, int], "'Node' contains itself"),
    ],
)
def test_what_no_provider_enforces_is_refused_up_front(given: Any, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        answer_schema(given)


class Plain:
    pass


@dataclass
class Garbled:
    first: "1 +"  # type: ignore[valid-type] # noqa: F722


def _with_a_local_class() -> Any:
    @dataclass
    class Inner:
        x: int

    @dataclass
    class Outer:
        inner: "Inner"

    class Dict(TypedDict):
        inner: "Inner"

    class Model(pydantic.BaseModel):
        inner: "Absent"  # type: ignore[name-defined] # noqa: F821

    return Outer, Dict, Model


OUTER, DICT, MODEL = _with_a_local_class()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (Tree, "'Tree' contains itself"),
        (OUTER, "Outer mentions 'Inner', which is not defined"),
        (OUTER | None, "Outer mentions 'Inner', which is not defined"),
        (DICT, "Dict mentions 'Inner', which is not defined"),
        (MODEL, "you should define `Absent`"),
        (list["Absent"], "Absent"),  # type: ignore[name-defined] # noqa: F821
        (3, "JSON schema or a pydantic model class, a TypedDict.*not 3"),
        ("Person", "not 'Person'"),
        ([Person], r"a list\[...\] of one"),
        (Plain, "not Plain"),
        (Garbled, "Garbled has no JSON schema"),
        (Person(name="x"), "JSON schema or a pydantic"),
        (INVOICE, "JSON schema or a pydantic"),
        (lambda x: x, "JSON schema or a pydantic"),
        (typing.Callable[[int], int], "JSON"),
    ],
)
def test_a_type_that_cannot_be_used_says_so_in_one_line(given: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        answer_schema(given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "data", "says"),
    [
        (Invoice, {**BILL, "due": "soon"}, r"date.* at \$\.due"),
        (list[Invoice], {"items": [BILL, {**BILL, "id": "x"}]}, r"\$\.items\[1\]\.id"),
        (
            list[Invoice],
            {"items": [{**BILL, "id": "x", "due": "y"}]},
            r"\(and 1 more\)",
        ),
        (Positive, {"value": 0}, "TypeError: too small"),
        (list[Person], [{"name": "Ann"}], "object"),
        (list[int], {"items": [1], "note": "x"}, "note"),
    ],
)
def test_what_only_the_type_forbids_is_told_in_one_line(
    given: Any, data: Any, says: str
) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        read(given, data)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="pydantic takes it there")
def test_a_typed_dict_in_a_dataclass_is_refused_with_the_cure_on_python_3_11() -> None:
    @dataclass
    class Stay:
        place: Place

    with pytest.raises(
        ValueError, match=r"use `typing_extensions\.TypedDict`"
    ) as caught:
        answer_schema(Stay)
    assert "\n" not in str(caught.value)


def test_a_wrapped_schema_is_a_schema() -> None:
    schema = answer_schema(list[Person]).schema
    assert complaint(schema, {"items": [{"name": "Ann"}]}) is None


def test_importing_this_imports_no_pydantic() -> None:
    code = "import sys, costroute_nb.typed; print('pydantic' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
