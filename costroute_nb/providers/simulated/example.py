"""A small JSON value that a schema accepts, filled from the prompt where it fits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from costroute_nb.core.schemas import complaint
from costroute_nb.providers.simulated.pattern import matching_text
from costroute_nb.providers.simulated.reading import informative_sentences

if TYPE_CHECKING:
    from costroute_nb.providers.simulated.reading import Prompt

Schema = Mapping[str, Any]

_FORMATS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "duration": "P1D",
    "email": "someone@example.com",
    "hostname": "example.com",
    "uri": "https://example.com/",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_PROSE = ("summary", "description", "text", "reason", "explanation", "answer", "quote")
_USUAL_ITEMS = 3
_RICH_DEPTH = 4
_DEEPEST = 16
_SIMPLICITY = {
    "null": 0, "boolean": 1, "integer": 1, "number": 1, "string": 1,
    "array": 2, "object": 3,
}  # fmt: skip
_TYPE_OF = {
    "properties": "object", "required": "object", "items": "array",
    "prefixItems": "array", "minItems": "array", "minimum": "integer",
    "maximum": "integer", "multipleOf": "integer",
}  # fmt: skip


def example(schema: Schema, prompt: Prompt) -> Any:
    """Return a value that satisfies a JSON schema, if one is found.

    Optional parts are filled too as long as the value stays valid; conditions
    (`not`, `if`) and keys by pattern are not looked at.
    """
    for depth in (_RICH_DEPTH, 0):
        value = _Builder(schema, prompt, depth).build(schema, "", 0, 0)
        if _accepts(schema, schema, value):
            return value
    return value


def _accepts(schema: Schema, root: Schema, value: object) -> bool:
    defs = {k: root[k] for k in ("$defs", "definitions") if k in root}
    return complaint({**defs, **schema}, value) is None


class _Builder:
    """Builds one value; `rich` is how deep optional parts are filled."""

    def __init__(self, root: Schema, prompt: Prompt, rich: int) -> None:
        self.root = root
        self.prompt = prompt
        self.rich = rich

    def build(self, given: object, name: str, index: int, depth: int) -> Any:
        """Return the value of a schema; `name` is its property, `index` its place."""
        if not isinstance(given, Mapping) or depth > _DEEPEST:
            return None
        schema = self._resolved(given)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._choice(schema["enum"], index)
        for union in ("anyOf", "oneOf"):
            if schema.get(union):
                return self._variant(schema, union, name, index, depth)
        return self._typed(_kind(schema), schema, name, index, depth)

    def _typed(
        self, kind: str, schema: Schema, name: str, index: int, depth: int
    ) -> Any:
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, name, depth)
        if kind == "string":
            return self._string(schema, name, index)
        if kind in {"integer", "number"}:
            return self._number(schema, kind == "integer", index)
        return index % 2 == 0 if kind == "boolean" else None

    def _resolved(self, schema: Schema) -> Schema:
        """Follow references and merge `allOf` into one schema."""
        for _ in range(_DEEPEST):
            if "$ref" in schema:
                rest = {k: v for k, v in schema.items() if k != "$ref"}
                schema = {**self._definition(str(schema["$ref"])), **rest}
            elif "allOf" in schema:
                rest = {k: v for k, v in schema.items() if k != "allOf"}
                for part in schema["allOf"]:
                    rest = _merged(rest, self._resolved(part))
                schema = rest
            else:
                break
        return schema

    def _definition(self, reference: str) -> Schema:
        target: Any = self.root
        for step in reference.removeprefix("#").strip("/").split("/"):
            if step:
                target = target.get(step, {})
        return target if isinstance(target, Mapping) else {}

    def _choice(self, values: list[Any], index: int) -> Any:
        """Return the value that the prompt names first, or one by its place."""
        text = self.prompt.material.lower()
        named = [v for v in values if isinstance(v, str) and v and v.lower() in text]
        return (named or values)[index % len(named or values)]

    def _variant(
        self, schema: Schema, union: str, name: str, index: int, depth: int
    ) -> Any:
        rest = {k: v for k, v in schema.items() if k != union}
        variants = [_merged(rest, self._resolved(part)) for part in schema[union]]
        if depth < self.rich:
            variants.sort(key=lambda part: _kind(part) == "null")
        else:  # the simplest first, or a recursive schema would have no end
            variants.sort(key=lambda part: (_SIMPLICITY[_kind(part)], len(part)))
        for part in variants:
            value = self.build(part, name, index, depth + 1)
            if _accepts(schema, self.root, value):
                return value
        return value

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        properties = schema.get("properties", {})
        required = schema.get("required", ())
        wanted = [k for k in properties if k in required or depth < self.rich]
        filled = {k: self.build(properties[k], k, 0, depth + 1) for k in wanted}
        extra = schema.get("additionalProperties", True)
        for key in (*required, *self.prompt.keywords, *map(str, range(9))):
            short = len(filled) < schema.get("minProperties", 0)
            if key not in filled and (key in required or (short and extra)):
                inner = extra if isinstance(extra, Mapping) else {"type": "string"}
                filled[key] = self.build(inner, key, len(filled), depth + 1)
        return filled

    def _array(self, schema: Schema, name: str, depth: int) -> list[Any]:
        least = schema.get("minItems", 0)
        usual = _USUAL_ITEMS if depth < self.rich else 0
        wanted = max(least, min(usual, schema.get("maxItems", usual)))
        first, items = schema.get("prefixItems", ()), schema.get("items", {})
        values: list[Any] = []
        for index in range(8 * wanted):
            if len(values) == wanted:
                break
            fixed = len(values) < len(first)
            part = first[len(values)] if fixed else items
            if part is False:
                break
            value = self.build(part, name, index, depth + 1)
            if not schema.get("uniqueItems") or value not in values:
                values.append(value)
        return values

    def _string(self, schema: Schema, name: str, index: int) -> str:
        least, most = schema.get("minLength", 0), schema.get("maxLength")
        if "pattern" in schema:
            text = matching_text(schema["pattern"], least, most)
            if text is not None:
                return text
        text = _FORMATS.get(schema.get("format", ""), "") or self._phrase(name, index)
        while len(text) < least:
            text = f"{text} {text}" if text else "x" * least
        return text if most is None else text[:most]

    def _phrase(self, name: str, index: int) -> str:
        """Return words of the prompt that suit a property's name."""
        prompt, hint = self.prompt, name.lower()
        if any(word in hint for word in _PROSE):
            return " ".join(informative_sentences(prompt, 30, 1))
        choices = prompt.names if "name" in hint else prompt.keywords
        choices = choices or prompt.keywords or ["simulated"]
        turn, place = divmod(index, len(choices))
        return choices[place] + (f" {turn + 1}" if turn else "")

    def _number(self, schema: Schema, whole: bool, index: int) -> float:
        low, high = _bounds(schema, whole)
        step = schema.get("multipleOf")
        given = [n for n in self.prompt.numbers if low <= n <= high]
        start = low if low > -math.inf else min(1.0, high)
        tries = given[index:] + given
        for turn in range(index, index + 9):
            stepped = (math.ceil(start / step) + turn) * step if step else start + turn
            tries.append(stepped)
        if math.isfinite(low + high):
            tries.append((low + high) / 2)
        for number in tries:
            value = int(number) if float(number).is_integer() else number
            if _accepts(schema, self.root, value):
                return value
        return int(start) if whole else start


def _bounds(schema: Schema, whole: bool) -> tuple[float, float]:
    low = max(
        schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf)
    )
    high = min(
        schema.get("maximum", math.inf), schema.get("exclusiveMaximum", math.inf)
    )
    if not whole:
        return low, high
    return (
        math.ceil(low) if math.isfinite(low) else low,
        math.floor(high) if math.isfinite(high) else high,
    )


def _kind(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list | tuple):
        return next((str(one) for one in kind if one != "null"), "null")
    if kind:
        return str(kind)
    return next((k for key, k in _TYPE_OF.items() if key in schema), "string")


def _merged(first: Schema, second: Schema) -> dict[str, Any]:
    """Return one schema for both: their properties and requirements together."""
    merged = {**first, **second}
    if "properties" in first and "properties" in second:
        merged["properties"] = {**first["properties"], **second["properties"]}
    if "required" in first and "required" in second:
        merged["required"] = [*first["required"], *second["required"]]
    return merged
