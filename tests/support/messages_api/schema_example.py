"""The smallest JSON value that a JSON schema accepts."""

from collections.abc import Callable
from typing import Any

Schema = dict[str, Any]

_FORMATS = {
    "date": "2026-11-22",
    "date-time": "2026-11-22T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "PT1S",
    "email": "someone@example.com",
    "hostname": "example.com",
    "uri": "https://example.com/",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def example(schema: Schema) -> Any:
    """Build the value: required properties only, first choices, smallest numbers."""
    return _value(schema, schema.get("$defs") or {})


def _value(schema: Schema, defs: Schema) -> Any:
    if "$ref" in schema:
        return _value(defs[schema["$ref"].rpartition("/")[2]], defs)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if "allOf" in schema:
        merged: Schema = {}
        for part in schema["allOf"]:
            merged |= part
        return _value(merged, defs)
    for choices in ("anyOf", "oneOf"):
        if choices in schema:
            return _value(schema[choices][0], defs)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    return _BUILDERS[kind[0] if isinstance(kind, list) else kind](schema, defs)


def _object(schema: Schema, defs: Schema) -> Any:
    properties = schema.get("properties") or {}
    return {
        name: _value(properties.get(name, {}), defs)
        for name in schema.get("required") or []
    }


def _array(schema: Schema, defs: Schema) -> Any:
    return [_value(schema.get("items") or {}, defs)] * schema.get("minItems", 0)


def _string(schema: Schema, _defs: Schema) -> Any:
    text = _FORMATS.get(schema.get("format", ""), "text")
    return text.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength")]


def _integer(schema: Schema, _defs: Schema) -> Any:
    low = schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
    return int(min(low, schema.get("maximum", low)))


def _number(schema: Schema, defs: Schema) -> Any:
    return float(_integer(schema, defs))


_BUILDERS: dict[str, Callable[[Schema, Schema], Any]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": lambda _schema, _defs: True,
    "null": lambda _schema, _defs: None,
}
