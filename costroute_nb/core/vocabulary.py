"""The words of a prompt as rules read them, and the language that names them.

The language is described at the top of `data/rules.toml`. The work is bounded by the
window and the vocabulary, whatever the text.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from unicodedata import normalize

WINDOW = 8_192
"""Characters read of a typed text, half at each end; and of all values together."""

_GAP, _WIDEST = 4, 20  # words that `...` spans, and that all gaps of an entry span
_FEW = 4  # a text of fewer words says too little without its values
_PLACEHOLDER = re.compile(r"\{\{\s*+[^\W\d]\w*+\s*+\}\}")
# Accents of a decomposed text, and invisible characters that may stand inside a word.
_MARKS = re.compile("[\u0300-\u036f\u00ad\u200b-\u200d\u2060\ufeff]+")
_WORD = re.compile(r"\w+")
# What a cut leaves of a placeholder or a word: half a word may be another word.
_CUT_AFTER = re.compile(r"(?:\{\{\s*+\w*+\s*+\}?+|(?<!\w)\w++)\Z")
_CUT_BEFORE = re.compile(r"\A(?:\{?+\s*+\w*+\s*+\}{1,2}+|\w++)")
_ALTERNATIVE = re.compile(r"\w+~?|\w{3,}\*")
_ANY_WORDS = re.compile(r"\.\.\.(\d{0,2})")


def windows(text: str, values: Sequence[str] = ()) -> list[list[str]]:
    """Return the words that rules read, in parts that stand apart in the text."""
    parts = [
        _WORD.findall(_fold(_PLACEHOLDER.sub(" _ ", end)))
        for end in _both_ends(text, WINDOW)
    ]
    own = sum(word != "_" for words in parts for word in words)
    room = WINDOW if own < _FEW else 0
    for value in values:
        if room <= 0:
            break
        parts += [_WORD.findall(_fold(end)) for end in _both_ends(value, room)]
        room -= len(value) + 1
    return parts


def _both_ends(text: str, room: int) -> list[str]:
    """Return a text that fits, or its head and its tail."""
    if len(text) <= room:
        return [text]
    half = room // 2
    return [
        _CUT_AFTER.sub("", text[:half]),
        _CUT_BEFORE.sub("", text[-half:] if half else ""),
    ]


def _fold(text: str) -> str:
    """Return a text without case, accents and invisible characters."""
    folded = text.casefold()
    return folded if folded.isascii() else _MARKS.sub("", normalize("NFD", folded))


class _Phrase(NamedTuple):
    steps: tuple[tuple[int, str], ...]  # how many words may precede it, alternatives
    mask: bool


class Vocabulary:
    """Groups of entries, found in a text by one walk over its words.

    What is reported is the vocabulary's own word, never the text's: `vulnerab…`.

    Raises
    ------
    ValueError
        If an entry cannot be read.
    """

    def __init__(self, groups: Sequence[Iterable[str]]) -> None:
        self._groups = len(groups)
        self._phrases: list[tuple[int, _Phrase]] = []
        self._begun: dict[str, list[int]] = {}
        self._words: dict[str, list[tuple[str, str]]] = {}
        self._stems: dict[str, list[tuple[str, str, str]]] = {}
        for group, entries in enumerate(groups):
            # What hides words of a group comes before what they are hidden from.
            for phrase in sorted(map(_phrase, entries), key=lambda p: not p.mask):
                first = phrase.steps[0][1]
                self._begun.setdefault(first, []).append(len(self._phrases))
                self._phrases.append((group, phrase))
        steps = (step for _, phrase in self._phrases for _, step in phrase.steps)
        for step in dict.fromkeys(steps):
            for word in dict.fromkeys(step.split("|")):
                self._index(word, step)

    def find(self, parts: Iterable[Sequence[str]]) -> list[list[str]]:
        """Return for each group what stands in the text, in the vocabulary's words."""
        places, said = self._locate(parts)
        found: list[list[str]] = [[] for _ in range(self._groups)]
        hidden: list[set[int]] = [set() for _ in range(self._groups)]
        for number in sorted(n for step in places for n in self._begun.get(step, ())):
            group, phrase = self._phrases[number]
            if phrase.mask:
                length = range(len(phrase.steps))
                for end in _last_words(phrase, places, set()):
                    hidden[group].update(end - back for back in length)
            elif _last_words(phrase, places, hidden[group]):
                words = " ".join(said[step] for _, step in phrase.steps)
                if words not in found[group]:
                    found[group].append(words)
        return found

    def _index(self, word: str, step: str) -> None:
        if word.endswith("*"):
            shown = f"{word[:-1]}…"
            self._stems.setdefault(word[:3], []).append((word[:-1], step, shown))
        else:
            for form in _forms(word):
                shown = word.removesuffix("~")
                self._words.setdefault(form, []).append((step, shown))

    def _locate(
        self, parts: Iterable[Sequence[str]]
    ) -> tuple[dict[str, list[int]], dict[str, str]]:
        """Return where each step stands, ascending, and by which alternative."""
        places: dict[str, list[int]] = {}
        said: dict[str, str] = {}
        start = 0
        for words in parts:
            for place, word in enumerate(words, start):
                for step, shown in self._words.get(word, ()):
                    places.setdefault(step, []).append(place)
                    said.setdefault(step, shown)
                for stem, step, shown in self._stems.get(word[:3], ()):
                    if word.startswith(stem):
                        places.setdefault(step, []).append(place)
                        said.setdefault(step, shown)
            start += len(words) + _WIDEST + 1  # no entry reaches from part to part
        return places, said


def _phrase(entry: str) -> _Phrase:
    mask = entry.startswith("!")
    steps: list[tuple[int, str]] = []
    gap = 0
    for part in _fold(entry.removeprefix("!")).split():
        if wide := _ANY_WORDS.fullmatch(part):
            gap += int(wide[1] or _GAP)
        elif all(map(_ALTERNATIVE.fullmatch, part.split("|"))):
            steps.append((gap, part))
            gap = 0
        else:
            message = (
                f"{part!r} is not a word, `word~`, `stem*`, `one|another` or `...`"
            )
            raise ValueError(message)
    width = sum(before for before, _ in steps)
    if not steps or gap or steps[0][0] or width > (0 if mask else _WIDEST):
        message = (
            f"{entry!r}: `...` stands between words, spans at most {_WIDEST} words "
            "in all, and never stands in an entry that begins with `!`"
        )
        raise ValueError(message)
    return _Phrase(tuple(steps), mask)


def _forms(word: str) -> set[str]:
    """Return the words that an entry's `word` or `word~` stands for."""
    if not word.endswith("~"):
        return {word}
    word = word[:-1]
    short = word[:-1]
    forms = {word, *(word + ending for ending in ("s", "es", "ed", "ing"))}
    if word.endswith("e"):
        forms |= {word + "d", short + "ing"}
    elif word.endswith("y"):
        forms |= {short + "ies", short + "ied"}
    elif re.search("[^aeiou][aeiou][^aeiouwxy]$", word):
        forms |= {word + word[-1] + "ed", word + word[-1] + "ing"}
    return forms


def _last_words(
    phrase: _Phrase, places: Mapping[str, list[int]], hidden: set[int]
) -> list[int]:
    """Return where a phrase ends; each step's places are walked through once."""
    (_, first), *steps = phrase.steps
    ends = [place for place in places[first] if place not in hidden]
    for gap, step in steps:
        reached: list[int] = []
        near = 0
        for place in places.get(step, ()):
            while near < len(ends) and ends[near] < place - gap - 1:
                near += 1
            if near < len(ends) and ends[near] < place and place not in hidden:
                reached.append(place)
        ends = reached
    return ends
