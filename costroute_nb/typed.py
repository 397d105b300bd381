"""From the type that a user wants an answer in: the schema to send, and its reader."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

from costroute_nb.core.enforceable import refuse_unsupported
from costroute_nb.core.schemas import (
    columns,
    complaint,
    object_root,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from costroute_nb.core.enforceable import Schema

_ACCEPTED = (
    "schema is a JSON schema or a pydantic model class, a TypedDict, a dataclass, "
    "or a list[...] of one"
)


@dataclass(frozen=True, slots=True)
class AnswerSchema:
    """What an answer is asked for and read with.

    Attributes
    ----------
    schema
        A JSON schema with an object at its root, as providers enforce it.
    parse
        Turns the JSON text of an answer in that schema into what was wanted, a list
        out of its `items` included; None where the plain JSON is that already. It
        raises ValueError, in one line, for what the type refuses.
    columns
        The keys of the objects that the answer holds, in the schema's order. Fields
        of a type have the names that they have in Python, not their aliases.
    """

    schema: dict[str, Any]
    parse: Callable[[str], Any] | None
    columns: tuple[str, ...] = ()


def answer_schema(given: Any) -> AnswerSchema:
    """Return the schema and the reader of a type, or of a JSON schema.

    A type is a pydantic model class, a TypedDict, a dataclass, a `list[...]` of any
    of them or of scalars, or whatever else a pydantic `TypeAdapter` takes.

    Raises
    ------
    ValueError
        If it is none of them, or mentions names that nothing defines.
    ConfigurationError
        For what no provider enforces: open dictionaries, recursion, any value.
    """
    named: Schema
    read: Callable[[str], Any] | None = None
    if isinstance(given, Mapping):
        found = named = dict(given)
    else:
        found, named, read = _of_type(given)
    try:
        complaint(found, None)
    except ValueError as error:
        message = f"schema is not a JSON schema: {_first_line(error)}"
        raise ValueError(message) from None
    refuse_unsupported(found)
    schema, key = object_root(found)
    return AnswerSchema(schema, _parser(read, key), columns(named))


def _of_type(given: Any) -> tuple[dict[str, Any], Schema, Callable[[str], Any]]:
    """Return a type's JSON schema, that with its own names, and its reader of JSON."""
    if isinstance(given, str | list | tuple | types.FunctionType):
        message = f"{_ACCEPTED}, not {given!r}"
        raise ValueError(message)
    try:
        if isinstance(given, type) and hasattr(given, "model_validate_json"):
            model: Any = given
            make, read = model.model_json_schema, model.model_validate_json
        else:
            adapter = _adapter(given)
            make, read = adapter.json_schema, adapter.validate_json
        return make(), make(by_alias=False), read
    except ValueError:
        raise
    except Exception as error:  # a type runs code of its own while it is looked at
        message = _unusable(given, error)
        raise ValueError(message) from None


def _adapter(given: Any) -> Any:
    import pydantic

    if isinstance(given, pydantic.TypeAdapter):
        return given
    return pydantic.TypeAdapter(_Renewed().hint(given))


def _unusable(given: Any, error: Exception) -> str:
    """Return why a type has no schema, in one line."""
    name = getattr(given, "__name__", repr(given))
    for part in _parts(given, set()):
        try:
            get_type_hints(part)
        except NameError as missing:
            return (
                f"schema: {part.__name__} mentions {missing.name!r}, which is not "
                "defined where the class looks for it: define it at the top level of "
                "a cell or module, before this class is used"
            )
        except Exception:  # noqa: S112 -- the error at hand says more
            continue
    # pydantic has an error of its own for what is no type at all
    kind = type(error).__name__
    if kind in ("PydanticSchemaGenerationError", "AttributeError"):
        return f"{_ACCEPTED}, not {name}"
    return f"schema: {name} has no JSON schema: {_first_line(error)}"


def _parts(hint: Any, seen: set[int]) -> Iterator[Any]:
    """Yield the dataclasses and TypedDicts that a hint mentions, each once."""
    if id(hint) in seen:
        return
    seen.add(id(hint))
    inner = list(get_args(hint))
    if _is_typed_dict(hint) or (is_dataclass(hint) and isinstance(hint, type)):
        yield hint
        inner = [h for h in hint.__annotations__.values() if not isinstance(h, str)]
    for one in inner:
        yield from _parts(one, seen)


def _is_typed_dict(hint: Any) -> bool:
    import typing_extensions as extensions

    return extensions.is_typeddict(hint)


def _parser(
    read: Callable[[str], Any] | None, key: str | None
) -> Callable[[str], Any] | None:
    if read is None and key is None:
        return None

    def parse(source: str) -> Any:
        if key is None:
            return _typed(read, source, "$")
        inner = json.loads(source)[key]
        return inner if read is None else _typed(read, json.dumps(inner), f"$.{key}")

    return parse


def _typed(read: Any, source: str, root: str) -> Any:
    """Read JSON text as a type; whatever its validators raise is a ValueError."""
    try:
        return read(source)
    except Exception as error:
        raise ValueError(_described(error, root)) from None


def _described(error: Exception, root: str) -> str:
    """Return what is wrong with an answer, and where, in one line."""
    details = getattr(error, "errors", None)
    found = details(include_url=False, include_input=False) if callable(details) else []
    if not found:
        return f"{type(error).__name__}: {_first_line(error)}"
    first, *others = found
    steps = (f"[{s}]" if isinstance(s, int) else f".{s}" for s in first["loc"])
    more = f" (and {len(others)} more)" if others else ""
    return f"{' '.join(first['msg'].split())} at {root}{''.join(steps)}{more}"


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


class _Renewed:
    """Rewrites the TypedDicts of a hint as those that pydantic takes.

    Before Python 3.12 pydantic refuses the standard library's own, because they do
    not tell enough about their bases; all that is needed here can be found out.
    """

    def __init__(self) -> None:
        self._done: dict[Any, Any] = {}
        self._open: set[Any] = set()

    def hint(self, hint: Any) -> Any:
        """Return a hint with every TypedDict in it renewed."""
        if _is_typed_dict(hint):
            return self._typed_dict(hint)
        origin, args = get_origin(hint), get_args(hint)
        if not args or origin is typing.Literal:
            return hint
        if origin is typing.Annotated:
            return typing.Annotated[(self.hint(args[0]), *args[1:])]
        renewed = tuple(self.hint(one) for one in args)
        if all(new is old for new, old in zip(renewed, args, strict=True)):
            return hint
        if origin is types.UnionType:
            origin = typing.Union
        return origin[renewed]

    def _typed_dict(self, given: Any) -> Any:
        if given in self._done:
            return self._done[given]
        if given in self._open:
            message = (
                f"the schema's {given.__name__!r} contains itself, which no provider "
                "enforces; spell out as many levels as you need"
            )
            raise ValueError(message)
        self._open.add(given)
        keys = {
            name: self._key(hint, name in given.__required_keys__)
            for name, hint in get_type_hints(given, include_extras=True).items()
        }
        self._done[given] = _typed_dict_like(given, keys)
        return self._done[given]

    def _key(self, hint: Any, required: bool) -> Any:
        """Return a key's hint; its own marker knows better than the class does."""
        import typing_extensions as extensions

        while True:
            origin = get_origin(hint)
            if origin in (extensions.Required, extensions.NotRequired):
                required = origin is extensions.Required
            elif origin is not extensions.ReadOnly:
                break
            (hint,) = get_args(hint)
        marker: Any = extensions.Required if required else extensions.NotRequired
        return marker[self.hint(hint)]


def _typed_dict_like(given: Any, keys: dict[str, Any]) -> Any:
    import typing_extensions as extensions

    make: Any = extensions.TypedDict
    made = make(given.__name__, keys)
    for name in ("__doc__", "__module__", "__qualname__", "__pydantic_config__"):
        if name in given.__dict__:
            setattr(made, name, given.__dict__[name])
    return made
