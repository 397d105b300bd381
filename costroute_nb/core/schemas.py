"""JSON schemas as a provider that enforces them accepts them."""

from collections.abc import Iterator, Mapping
from typing import Any

from costroute_nb.errors import ConfigurationError

Schema = Mapping[str, Any]

# The formats that are enforced; any other is only told to the model.
FORMATS = frozenset(
    {
        "date-time", "time", "date", "duration", "email",
        "hostname", "uri", "ipv4", "ipv6", "uuid",
    }
)  # fmt: skip
_DEFS = "#/$defs/"
_OLD_DEFS = "#/definitions/"
_AT_ROOT = ("$schema", "$id", "$defs", "definitions")
_UNIONS = ("anyOf", "oneOf", "allOf")
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


def complaint(schema: Schema, data: Any) -> str | None:
    """Return in one line what is wrong with data, and where; None if nothing is.

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
    steps = (f"[{s}]" if isinstance(s, int) else f".{s}" for s in error.instance_path)
    return f"{' '.join(error.message.split())} at ${''.join(steps)}"


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
        strict["$ref"] = rest["$ref"].replace(_OLD_DEFS, _DEFS)
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
    unions = {name: rest.pop(name, None) for name in _UNIONS}
    if _has_primitive_enum(rest):
        strict["enum"] = list(rest.pop("enum"))
        kind = None
    if "const" in rest and _is_primitive(rest["const"]):
        strict["const"] = rest.pop("const")
        kind = None
    for name, spelling in (("anyOf", "anyOf"), ("oneOf", "anyOf"), ("allOf", "allOf")):
        if isinstance(unions[name], list):
            strict[spelling] = [strict_schema(part) for part in unions[name]]
            return kind
    if kind is not None:
        strict["type"] = kind
    return kind


def _close_object(rest: dict[str, Any], strict: dict[str, Any]) -> None:
    properties = rest.pop("properties", {})
    strict["properties"] = {k: strict_schema(part) for k, part in properties.items()}
    rest.pop("additionalProperties", None)
    strict["additionalProperties"] = False
    if rest.get("required") is not None:
        strict["required"] = list(rest["required"])
    rest.pop("required", None)


def _keep_items(rest: dict[str, Any], strict: dict[str, Any]) -> None:
    if rest.get("items") is not None:
        strict["items"] = strict_schema(rest["items"])
    rest.pop("items", None)
    if rest.get("minItems") in (0, 1):
        strict["minItems"] = rest.pop("minItems")


def refuse_unsupported(schema: Schema) -> None:
    """Raise if no schema the provider enforces could mean the same.

    Raises
    ------
    ConfigurationError
        For open dictionaries, recursion, references out of the schema and places
        where anything is allowed; it says where and what to use instead.
    """
    for path, part in _walk(schema, "the schema"):
        problem = _problem(part)
        if problem:
            message = f"{path} {problem}"
            raise ConfigurationError(message)
    _refuse_recursion(schema)


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
        target = found.pop("$ref").removeprefix(_DEFS).removeprefix(_OLD_DEFS)
        found = {**defs[target], **found}
    return found


def _problem(part: object) -> str | None:
    if not isinstance(part, Mapping):
        return "is not a JSON schema object; say which type the value has"
    if "$ref" in part:
        return None
    if not _says_what(part):
        return "allows any value; say which type it has"
    if part.get("type") == "object" and _is_open(part):
        return (
            "is a dictionary with open keys, which would come back empty; name its "
            "keys as properties, or use a list of objects with a key and a value"
        )
    return None


def _says_what(part: Schema) -> bool:
    return (
        bool(part.get("type"))
        or any(isinstance(part.get(name), list) for name in _UNIONS)
        or _has_primitive_enum(part)
        or ("const" in part and _is_primitive(part["const"]))
    )


def _is_open(part: Schema) -> bool:
    extra = part.get("additionalProperties", False)
    return extra is not False or not part.get("properties")


def _refuse_recursion(schema: Schema) -> None:
    defs = {**schema.get("definitions", {}), **schema.get("$defs", {})}
    targets = {name: _references(part) for name, part in defs.items()}
    names = _references(schema) | set().union(*targets.values())
    for name in sorted(names - defs.keys()):
        message = f"the schema refers to {name!r}, which is not among its $defs"
        raise ConfigurationError(message)
    for name in sorted(defs):
        reached: set[str] = set()
        ahead = set(targets[name])
        while ahead:
            reached |= ahead
            ahead = set().union(*(targets[other] for other in ahead)) - reached
        if name in reached:
            message = (
                f"the schema's {name!r} contains itself, which no provider enforces; "
                "spell out as many levels as you need"
            )
            raise ConfigurationError(message)


def _references(schema: Schema) -> set[str]:
    """Return the names of all definitions a schema refers to, its own defs aside."""
    found: set[str] = set()
    for _, part in _walk(schema, "", defs=False):
        if isinstance(part, Mapping) and isinstance(part.get("$ref"), str):
            found.add(part["$ref"].removeprefix(_DEFS).removeprefix(_OLD_DEFS))
    return found


def _walk(schema: Any, path: str, *, defs: bool = True) -> Iterator[tuple[str, object]]:
    """Yield a schema and all schemas inside, each with the way to it.

    Whoever walks refuses what is no mapping as soon as it comes.
    """
    yield path, schema
    inner: list[tuple[str, object]] = []
    groups = ("properties", "$defs", "definitions") if defs else ("properties",)
    for group in groups:
        inner += [(f"{path}.{k}", part) for k, part in schema.get(group, {}).items()]
    if "items" in schema:
        inner.append((f"{path}[]", schema["items"]))
    fixed = schema.get("prefixItems") or ()
    inner += [(f"{path}[{place}]", part) for place, part in enumerate(fixed)]
    for name in _UNIONS:
        inner += [(path, part) for part in schema.get(name) or ()]
    for inner_path, part in inner:
        yield from _walk(part, inner_path, defs=defs)


def _has_primitive_enum(part: Schema) -> bool:
    values = part.get("enum")
    return isinstance(values, list) and bool(values) and all(map(_is_primitive, values))


def _is_primitive(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | bool)
