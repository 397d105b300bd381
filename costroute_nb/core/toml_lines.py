"""Where in a TOML text an entry stands: tomllib reads values but keeps no lines."""

import re
from collections.abc import Iterator

from costroute_nb.core.tables import Path

_BLANK = re.compile(r"(?:\s|#[^\n]*)*")
_KEY = re.compile(r"""\s*(?:"((?:\\.|[^"\\])*)"|'([^']*)'|([\w-]+))\s*""")
_TEXT = re.compile(
    r'"""(?:\\.|[^\\])*?"""["]{0,2}' r"|'''.*?'''[']{0,2}"
    r'|"(?:\\.|[^"\\])*"' r"|'[^']*'",
    re.DOTALL,
)  # fmt: skip
# Numbers, dates and booleans; a date may be followed by a blank and a time.
_PLAIN = re.compile(r"[^\s,\]}#]+(?: \d\d:[^\s,\]}#]+)?")


def line_of(text: str, path: Path) -> int:
    """Return the line, from 1, of an entry of a valid TOML text.

    Where the entry itself is not written, it is the line of what should hold it.
    """
    places = dict(_Scanner(text).entries())
    while path and path not in places:
        path = path[:-1]
    return text.count("\n", 0, places.get(path, 0)) + 1


class _Scanner:
    """One walk over a text that is known to be valid."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._arrays: dict[Path, int] = {}

    def entries(self) -> Iterator[tuple[Path, int]]:
        """Yield each entry's path and position, tables and array members too."""
        table: Path = ()
        while self._next():
            start = self._at
            if self._next() == "[":
                table = self._header()
                yield table, start
            else:
                path = (*table, *self._key())
                yield path, start
                yield from self._value(path)

    def _next(self) -> str:
        """Skip what means nothing and return the character that follows."""
        found = _BLANK.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._text[self._at : self._at + 1]

    def _header(self) -> Path:
        array = self._text.startswith("[[", self._at)
        self._at += 2 if array else 1
        keys = self._key()
        self._at += 1 if array else 0
        path: Path = ()
        for key in keys[:-1]:
            path = self._inside((*path, key))
        path = (*path, keys[-1])
        if array:
            self._arrays[path] = self._arrays.get(path, -1) + 1
        return self._inside(path)

    def _inside(self, path: Path) -> Path:
        """Return the last member so far, if the path is an array of tables."""
        return (*path, self._arrays[path]) if path in self._arrays else path

    def _key(self) -> tuple[str, ...]:
        """Read a dotted key and the `=` or `]` after it."""
        keys = []
        after = "."
        while after == "." and (found := _KEY.match(self._text, self._at)):
            keys.append(next(part for part in found.groups() if part is not None))
            after = self._text[found.end()]
            self._at = found.end() + 1
        return tuple(keys)

    def _value(self, path: Path) -> Iterator[tuple[Path, int]]:
        opening = self._next()
        if opening in "[{":
            self._at += 1
            yield from self._members(path, opening == "[")
            return
        scalar = _TEXT if opening in "\"'" else _PLAIN
        found = scalar.match(self._text, self._at)
        self._at = found.end() if found else len(self._text)

    def _members(self, path: Path, array: bool) -> Iterator[tuple[Path, int]]:
        position = 0
        while (following := self._next()) not in ("]", "}", ""):
            if following == ",":
                self._at += 1
                continue
            start = self._at
            member: Path = (*path, position) if array else (*path, *self._key())
            yield member, start
            yield from self._value(member)
            position += 1
        self._at += 1
