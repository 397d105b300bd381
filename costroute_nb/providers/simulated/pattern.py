"""A text that a regular expression matches, for the usual kinds of pattern."""

from __future__ import annotations

import re
import string

_POOL = "a1A-_. :/@#" + string.ascii_letters + string.digits + string.punctuation
_ZERO_WIDTH = frozenset({"^", "$", r"\b", r"\B", r"\A", r"\Z", r"\z"})
_COUNT = re.compile(r"\{(\d*)(,?)(\d*)\}")
_GROUP_HEAD = re.compile(r"\((?:\?(?::|P?<\w+>|[aimsux]+:?|(?P<look><?[=!])))?")
_LONGEST = 64


def matching_text(pattern: str, least: int = 0, most: int | None = None) -> str | None:
    """Return a text that matches, between two lengths; None if none was found.

    Alternatives are tried in order by their first branch, repetitions as short as
    the least length allows. Lookarounds and back references are beyond it.
    """
    try:
        compiled = re.compile(pattern)
        for stretch in range(_LONGEST):
            text = _Reader(pattern, stretch).alternatives()
            if len(text) >= least and compiled.search(text):
                return text if most is None or len(text) <= most else None
    except (ValueError, re.error):
        return None
    return None


class _Reader:
    """Read a pattern once, from left to right, writing what it would match."""

    def __init__(self, pattern: str, stretch: int) -> None:
        self.rest = pattern
        self.stretch = stretch

    def alternatives(self) -> str:
        """Read up to the group's end; keep the first branch."""
        first = self.sequence()
        while self.rest.startswith("|"):
            self.rest = self.rest[1:]
            self.sequence()
        return first

    def sequence(self) -> str:
        written = ""
        while self.rest and self.rest[0] not in "|)":
            atom = self.atom()
            written += atom * self.times()
        return written

    def atom(self) -> str:
        head = self.rest[0]
        if head == "(":
            return self.group()
        length = self._atom_length()
        source, self.rest = self.rest[:length], self.rest[length:]
        if source in _ZERO_WIDTH:
            return ""
        matches = (char for char in _POOL if re.fullmatch(source, char))
        found = next(matches, source[-1] if head != "[" else None)
        if found is None:
            raise ValueError(source)
        return found

    def _atom_length(self) -> int:
        if self.rest[0] == "\\":
            escape = re.match(r"\\(?:x\w\w|u\w{4}|.)", self.rest)
            return escape.end() if escape else 1
        if self.rest[0] == "[":
            bracket = re.match(r"\[\^?\]?(?:\\.|[^\]\\])*\]", self.rest)
            if bracket is None:
                raise ValueError(self.rest)
            return bracket.end()
        return 1

    def group(self) -> str:
        head = _GROUP_HEAD.match(self.rest)
        if head is None:
            raise ValueError(self.rest)
        self.rest = self.rest[head.end() :]
        inner = self.alternatives()
        self.rest = self.rest[1:]
        return "" if head["look"] else inner

    def times(self) -> int:
        """Read a quantifier, if one comes; return how often to repeat."""
        mark, count = self.rest[:1], _COUNT.match(self.rest)
        if count and (count[1] or count[3]):
            self.rest = self.rest[count.end() :]
            least = int(count[1] or 0)
            most = int(count[3]) if count[3] else least + (99 if count[2] else 0)
        elif mark and mark in "*+?":
            self.rest = self.rest[1:]
            least, most = (1 if mark == "+" else 0), (1 if mark == "?" else 99)
        else:
            return 1
        if self.rest[:1] in ("?", "+"):
            self.rest = self.rest[1:]
        return min(least + self.stretch, most)
