"""JSON schemas as a provider that enforces them accepts them."""

import json
from contextlib import suppress
from typing import Any, NamedTuple

from costroute_nb.core.enforceable import (
    DEFS,
    OLD_DEFS,
    UNIONS,
    Schema,
    has_primitive_enum,
    is_primitive,
)

# The formats that are enforced; any other is only told to the model.
FORMATS = frozenset(
    {
        "date-time", "time", "date", "duration", "email",
        "hostname", "uri", "ipv4", "ipv6", "uuid",
    }
)  # fmt: skip
_AT_ROOT = ("$schema", "$id", "$defs", "definitions")
_KEYWORDS_OF = {
    "object": frozenset({"properties", "required", "additionalProperties"}),
    "array": frozenset({"items", "prefixItems", "minItems", "maxItems", "uniqueItems"}),
    "string": frozenset({"format", "pattern", "minLength", "maxLength"}),
    "number": frozenset(
        {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
    ),
}
_KEYWORDS_OF["integer"] = _KEYWORDS_OF["number"]
_TYPED_KEYWORDS = frozenset().union(*_KEYWORDS_OF.values())


class Complaint(NamedTuple):
    """What is wrong with data, in one line: as `read` by a user, as a model is `told`.

    What a model is told has not a word of the data, whoever wrote that.
    """

    read: str
    told: str


def complaint(schema: Schema, data: Any) -> Complaint | None:
    """Return what is wrong with data, and where; None if nothing is.

    Raises
    ------
    ValueError
        If the schema is not a JSON schema.
    """
    # Rust, and imported in milliseconds: the pure-Python package takes up to two
    # seconds where Jupyter has brought all its format checkers along.
    import jsonschema_rs

    validator = jsonschema_rs.validator_for(dict(schema), retriever=_refuse_to_fetch)
    error = next(validator.iter_errors(data), None)
    if error is None:
        return None
    path = error.instance_path
    steps = (f"[{s}]" if isinstance(s, int) else f".{s}" for s in path)
    read = f"{' '.join(error.message.split())} at ${''.join(steps)}"
    rule: Any = schema
    with suppress(KeyError, IndexError, TypeError):
        for step in error.schema_path:
            rule = rule[step]
    known = json.dumps(schema)
    steps = (
        f"[{s}]" if isinstance(s, int) else f".{s}" if json.dumps(s) in known else ".*"
        for s in path
    )
    broken = f"{error.kind.name} {json.dumps(rule, ensure_ascii=False)}"
    return Complaint(read, f"at ${''.join(steps)}, {broken} does not hold")


def _refuse_to_fetch(uri: str) -> Any:
    message = f"the schema refers to {uri!r}, and nothing is fetched"
    raise ValueError(message)


def strict_schema(schema: Schema) -> dict[str, Any]:
    """Return a schema in the subset of JSON Schema that the provider enforces.

    Objects are closed, `oneOf` becomes `anyOf`, a list of types becomes one
    alternative each, and every constraint that is not enforced moves into the
    description, where the model is at least told of it. Answers must therefore
    still be validated against the original. Call `refuse_unsupported` first.
    """
    rest = dict(schema)
    strict: dict[str, Any] = {}
    defs = {**rest.pop("definitions", {}), **rest.pop("$defs", {})}
    if defs:
        strict["$defs"] = {name: strict_schema(part) for name, part in defs.items()}
    if "$ref" in rest:
        strict["$ref"] = rest["$ref"].replace(OLD_DEFS, DEFS)
        return strict
    if isinstance(rest.get("type"), list | tuple):
        rest = _alternatives(rest)
    kind = _take_kind(rest, strict)
    for name in ("description", "title"):
        if rest.get(name) is not None:
            strict[name] = rest[name]
        rest.pop(name, None)
    if kind == "object":
        _close_object(rest, strict)
    elif kind == "array":
        _keep_items(rest, strict)
    elif kind == "string" and rest.get("format") in FORMATS:
        strict["format"] = rest.pop("format")
    if rest:
        told = ", ".join(f"{name}: {value}" for name, value in rest.items())
        above = f"{strict['description']}\n\n" if "description" in strict else ""
        strict["description"] = f"{above}{{{told}}}"
    return strict


def _alternatives(schema: dict[str, Any]) -> dict[str, Any]:
    """Spell a list of types as `anyOf`, each with the keywords of its type."""
    kinds = schema["type"]
    outer = {k: v for k, v in schema.items() if k not in _TYPED_KEYWORDS | {"type"}}
    if outer.keys() & {"enum", "const"}:
        return outer
    outer["anyOf"] = [
        {
            "type": kind,
            **{k: schema[k] for k in schema if k in _KEYWORDS_OF.get(kind, ())},
        }
        for kind in kinds
    ]
    return outer


def _take_kind(rest: dict[str, Any], strict: dict[str, Any]) -> str | None:
    """Move what says which values are allowed; return the type if it is one."""
    kind: str | None = rest.pop("type", None)
    unions = {name: rest.pop(name, None) for name in UNIONS}
    if has_primitive_enum(rest):
        strict["enum"] = list(rest.pop("enum"))
        kind = None
    if "const" in rest and is_primitive(rest["const"]):
        strict["const"] = rest.pop("const")
        kind = None
    for name, parts in unions.items():
        if isinstance(parts, list):
            spelling = "allOf" if name == "allOf" else "anyOf"
            strict[spelling] = [strict_schema(part) for part in parts]
            return kind
    if kind is not None:
        strict["type"] = kind
    return kind


def _close_object(rest: dict[str, Any], strict: dict[str, Any]) -> None:
    properties = rest.pop("properties", {})
    strict["properties"] = {k: strict_schema(part) for k, part in properties.items()}
    rest.pop("additionalProperties", None)
    strict["additionalProperties"] = False
    if (required := rest.pop("required", None)) is not None:
        strict["required"] = list(required)


def _keep_items(rest: dict[str, Any], strict: dict[str, Any]) -> None:
    if (items := rest.pop("items", None)) is not None:
        strict["items"] = strict_schema(items)
    if rest.get("minItems") in (0, 1):
        strict["minItems"] = rest.pop("minItems")


def object_root(schema: Schema) -> tuple[dict[str, Any], str | None]:
    """Return a schema whose root is an object, and the key that holds the answer.

    A provider enforces objects only: a list is asked for as the `items` of one, any
    other value as its `value`. The key is None where the root was an object already.
    Call `refuse_unsupported` first.
    """
    root = {name: schema[name] for name in _AT_ROOT if name in schema}
    inner = {name: part for name, part in schema.items() if name not in _AT_ROOT}
    rest = _resolved(inner, schema)
    if rest.get("type") == "object":
        return {**rest, **root}, None
    key = "items" if rest.get("type") == "array" else "value"
    wrapped = {"type": "object", "properties": {key: rest}, "required": [key]}
    return {**wrapped, "additionalProperties": False, **root}, key


def columns(schema: Schema) -> tuple[str, ...]:
    """Return the keys of a schema's objects, or of the objects of its list.

    Call `refuse_unsupported` first.
    """
    part = _resolved(schema, schema)
    if part.get("type") == "array":
        part = _resolved(part.get("items", {}), schema)
    return tuple(part.get("properties", ()))


def _resolved(part: Schema, schema: Schema) -> dict[str, Any]:
    """Return a part of a schema with what its own `$ref` stands for put in."""
    defs = {**schema.get("definitions", {}), **schema.get("$defs", {})}
    found = dict(part)
    while "$ref" in found:  # a chain without an end was refused as recursion
        target = found.pop("$ref").removeprefix(DEFS).removeprefix(OLD_DEFS)
        found = {**defs[target], **found}
    return found
