"""The words of a prompt as rules read them, and the language that names them.

The language is described at the top of `data/rules.toml`. The work is bounded by the
window and the vocabulary, whatever the text.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import NamedTuple
from unicodedata import normalize

WINDOW = 8_192
"""Characters read of a typed text, half at each end; and of all values together."""

_GAP, _WIDEST = 4, 20  # words that `...` spans, and that all gaps of an entry span
_FEW = 4  # a text of fewer words says too little without its values
_PLACEHOLDER = re.compile(r"\{\{\s*+[^\W\d]\w*+\s*+\}\}")
# Accents of a decomposed text, and invisible characters that may stand inside a word.
_MARKS = re.compile(
    "[\u0300-\u036f\u064b-\u0655\u3099\u309a\u00ad\u200b-\u200d\u2060\ufeff]+"
)
# Chinese and Japanese are written without blanks: each of their characters is a word.
_CHARACTERS = "\u3041-\u3096\u30a1-\u30fa\u30fc\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_CHARACTER = re.compile(f"[{_CHARACTERS}]")
_BLANK = re.compile(f"(?<=[{_CHARACTERS}]) (?=[{_CHARACTERS}])")
_LETTER = rf"[^\W{_CHARACTERS}]"
_WORD = re.compile(rf"{_LETTER}+|[{_CHARACTERS}]")
# What a cut leaves of a placeholder or a word: half a word may be another word. Of
# characters none is cut, and a run of them may be all there is.
_CUT_AFTER = re.compile(rf"(?:\{{\{{\s*+\w*+\s*+\}}?+|(?<!{_LETTER}){_LETTER}++)\Z")
_CUT_BEFORE = re.compile(rf"\A(?:\{{?+\s*+\w*+\s*+\}}{{1,2}}+|{_LETTER}++)")
_ALTERNATIVE = re.compile(r"\w+~?|\w{3,}\*")
_ANY_WORDS = re.compile(r"\.\.\.(\d{0,2})")


def windows(text: str, values: Sequence[str] = ()) -> list[list[str]]:
    """Return the words that rules read, in parts that stand apart in the text."""
    parts = [
        _WORD.findall(_fold(_PLACEHOLDER.sub(" _ ", end)))
        for end in _both_ends(text, WINDOW)
    ]
    if sum(word != "_" for words in parts for word in words) < _FEW:
        parts += [_WORD.findall(_fold(end)) for end in _read_of(values)]
    return parts


def excerpt(text: str, values: Sequence[str] = ()) -> str:
    """Return what an estimator reads: a text without its placeholders, as a whole.

    What fills them comes after it, both ends and together no more than a window: a
    template alone does not tell how hard what it is filled with is. Far from both ends of
    a long text nobody looks for placeholders.
    """
    if len(text) <= 2 * WINDOW:
        text = _PLACEHOLDER.sub(" ", text)
    else:
        head, tail = (_PLACEHOLDER.sub(" ", t) for t in (text[:WINDOW], text[-WINDOW:]))
        text = f"{head}{text[WINDOW:-WINDOW]}{tail}"
    return "\n".join((text, *_read_of(values)))


def _read_of(values: Iterable[str]) -> Iterator[str]:
    """Yield what is read of values: both ends, and together no more than a window."""
    room = WINDOW
    for value in values:
        if room <= 0:
            break
        yield from _both_ends(value, room)
        room -= len(value) + 1


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
        # Only a phrase whose rarest step stands in a text is looked at more closely.
        self._by_rarest: dict[str, list[int]] = {}
        self._rarest: dict[str, list[str]] = {}
        self._forms: dict[str, list[tuple[str, str]]] = {}
        self._stems: dict[str, list[tuple[str, str, str]]] = {}
        for group, entries in enumerate(groups):
            # What hides words of a group comes before what they are hidden from.
            for phrase in sorted(map(_phrase, entries), key=lambda p: not p.mask):
                rarest = max((step for _, step in phrase.steps), key=_rarity)
                self._by_rarest.setdefault(rarest, []).append(len(self._phrases))
                self._phrases.append((group, phrase))
        steps = (step for _, phrase in self._phrases for _, step in phrase.steps)
        for step in dict.fromkeys(steps):
            self._index(step)

    def find(self, parts: Iterable[Sequence[str]]) -> list[list[str]]:
        """Return for each group what stands in the text, in the vocabulary's words."""
        found: list[list[str]] = [[] for _ in range(self._groups)]
        hidden: list[set[int]] = [set() for _ in range(self._groups)]
        at = _places(parts)
        begun, stems = self._begin(at)
        places: dict[str, list[int]] = {}
        said: dict[str, str] = {}

        def stands(step: str) -> bool:
            if step not in places:
                places[step], said[step] = self._locate(step, at, stems)
            return bool(places[step])

        for number in sorted(n for step in begun for n in self._by_rarest[step]):
            group, phrase = self._phrases[number]
            if not all(stands(step) for _, step in phrase.steps):
                continue
            if phrase.mask:
                length = range(len(phrase.steps))
                for end in _last_words(phrase, places, set()):
                    hidden[group].update(end - back for back in length)
            elif _last_words(phrase, places, hidden[group]):
                words = _BLANK.sub("", " ".join(said[s] for _, s in phrase.steps))
                if words not in found[group]:
                    found[group].append(words)
        return found

    def _index(self, step: str) -> None:
        forms = self._forms[step] = []
        for word in dict.fromkeys(step.split("|")):
            if word.endswith("*"):
                stem = (word[:-1], step, f"{word[:-1]}…")
                self._stems.setdefault(word[:3], []).append(stem)
            else:
                shown = word.removesuffix("~")
                forms += [(form, shown) for form in _forms(word)]
        if step in self._by_rarest:
            for form, _ in forms:
                self._rarest.setdefault(form, []).append(step)

    def _begin(
        self, at: Mapping[str, list[int]]
    ) -> tuple[set[str], dict[str, list[tuple[str, str]]]]:
        """Return the rarest steps that a text has, and what stems begin its words."""
        begun: set[str] = set()
        stems: dict[str, list[tuple[str, str]]] = {}
        for word in at:
            begun.update(self._rarest.get(word, ()))
            for stem, step, shown in self._stems.get(word[:3], ()):
                if word.startswith(stem):
                    stems.setdefault(step, []).append((word, shown))
        return begun | (stems.keys() & self._by_rarest.keys()), stems

    def _locate(
        self,
        step: str,
        at: Mapping[str, list[int]],
        stems: Mapping[str, list[tuple[str, str]]],
    ) -> tuple[list[int], str]:
        """Return where a step stands, ascending, and by which alternative first."""
        words = [(at[form], shown) for form, shown in self._forms[step] if form in at]
        words += [(at[word], shown) for word, shown in stems.get(step, ())]
        if len(words) < 2:
            return words[0] if words else ([], "")
        first = min(words, key=lambda found: found[0][0])
        return sorted(chain.from_iterable(where for where, _ in words)), first[1]


def _places(parts: Iterable[Sequence[str]]) -> dict[str, list[int]]:
    """Return where each word stands; no entry reaches from one part to the next."""
    at: dict[str, list[int]] = {}
    start = 0
    for words in parts:
        for place, word in enumerate(words, start):
            at.setdefault(word, []).append(place)
        start += len(words) + _WIDEST + 1
    return at


def _rarity(step: str) -> int:
    """Return how seldom a step may stand in a text: short words stand in most."""
    return min(map(len, step.split("|")))


@cache  # once when a file is checked, once when its rules are built
def _phrase(entry: str) -> _Phrase:
    mask = entry.startswith("!")
    steps: list[tuple[int, str]] = []
    gap = 0
    for part in _CHARACTER.sub(r" \g<0> ", _fold(entry.removeprefix("!"))).split():
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
