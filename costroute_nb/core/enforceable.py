"""Refuse the JSON schemas that no provider could enforce, and say why."""

from collections.abc import Iterator, Mapping
from typing import Any

from costroute_nb.errors import ConfigurationError

Schema = Mapping[str, Any]

DEFS = "#/$defs/"
OLD_DEFS = "#/definitions/"
UNIONS = ("anyOf", "oneOf", "allOf")


def refuse_unsupported(schema: Schema) -> None:
    """Raise if no schema the provider enforces could mean the same.

    Raises
    ------
    ConfigurationError
        For open dictionaries, recursion, references out of the schema and places
        where anything is allowed; it says where and what to use instead.
    """
    for path, part in _walk(schema, ""):
        problem = _problem(part)
        if problem:
            message = f"{_place(path)} {problem}"
            raise ConfigurationError(message)
    _refuse_recursion(schema)


def _problem(part: object) -> str | None:
    if not isinstance(part, Mapping):
        return "is not a JSON schema object; say which type the value has"
    if "$ref" in part:
        return None
    if not _says_what(part):
        return "allows any value; say which type it has"
    kind = part.get("type")
    kinds = kind if isinstance(kind, list | tuple) else (kind,)
    if "object" in kinds and _is_open(part):
        return (
            "is a dictionary with open keys, which would come back empty; name its "
            "keys as properties, or use a list of objects with a key and a value"
        )
    if "object" in kinds and not part.get("properties"):
        return (
            "is an object that names no properties; name them, or it comes back empty"
        )
    if "array" in kinds and not part.keys() & {"items", "prefixItems"}:
        return "is a list of anything; say with `items` which type each of them has"
    return None


def _place(path: str) -> str:
    """Return in words where in a schema a path leads, such as `.cities[].name`."""
    if path.endswith("[]"):
        return f"each item of {_place(path.removesuffix('[]'))}"
    steps = path.replace("[]", ".items").removeprefix(".")
    return f"the schema's {steps}" if steps else "the schema"


def _says_what(part: Schema) -> bool:
    return (
        bool(part.get("type"))
        or any(part.get(name) for name in UNIONS)
        or has_primitive_enum(part)
        or ("const" in part and is_primitive(part["const"]))
    )


def _is_open(part: Schema) -> bool:
    extra = part.get("additionalProperties", False)
    return extra is not False or bool(part.get("patternProperties"))


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
            found.add(part["$ref"].removeprefix(DEFS).removeprefix(OLD_DEFS))
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
    inner += [(f"{path}.prefixItems[{n}]", part) for n, part in enumerate(fixed)]
    for name in UNIONS:
        inner += [(path, part) for part in schema.get(name) or ()]
    for inner_path, part in inner:
        yield from _walk(part, inner_path, defs=defs)


def has_primitive_enum(part: Schema) -> bool:
    """Tell whether a schema lists its values, all of them plain ones."""
    values = part.get("enum")
    return isinstance(values, list) and bool(values) and all(map(is_primitive, values))


def is_primitive(value: object) -> bool:
    """Tell whether a value is text, a number, true, false or null."""
    return value is None or isinstance(value, str | int | float | bool)
