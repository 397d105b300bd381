"""What a delegated task promises of its answer, checked by counting."""

import re
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

from costroute_nb.core.call import Promise

if TYPE_CHECKING:
    from costroute_nb.core.result import Result

# Han, Hiragana, Katakana (also half-width) and Bopomofo, with their iteration marks.
_ONE_WORD_EACH = (
    "\u3005-\u3007\u3021-\u3029\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff"
    "\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\uff66-\uff9d\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)
# Thai, Lao, Burmese and Khmer set no blanks between words; four letters are about one.
_NO_BLANKS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\uaa60-\uaa7f\ua9e0-\ua9fe"
_LETTERS_A_WORD = 4
_ONE_EACH = re.compile(f"[{_ONE_WORD_EACH}]")
_RUN = re.compile(f"[{_NO_BLANKS}]+")
_UNSPACED = re.compile(f"[{_ONE_WORD_EACH}{_NO_BLANKS}]+")
# Pairs that models like to set around a title; none of them is an apostrophe.
_QUOTES = {'"': '"', "“": "”", "„": "“", "«": "»", "「": "」"}
_QUOTE_MARKS = frozenset(_QUOTES) | frozenset(_QUOTES.values())


def count_words(text: str) -> int:
    """Return how many words a text has, in whatever language.

    What stands between blanks is a word, so Hangul counts by its blanks; each Han or
    Kana character is one; a run of Thai, Lao, Burmese or Khmer letters counts one
    for every four begun, which is about their average. The count is never below
    `len(text.split())`.
    """
    pieces = text.split()
    if text.isascii() or not _UNSPACED.search(text):
        return len(pieces)
    return sum(max(1, _words_in(piece)) for piece in pieces)


def _words_in(piece: str) -> int:
    if not _UNSPACED.search(piece):
        return 1
    letters = [sum(map(str.isalpha, run)) for run in _RUN.findall(piece)]
    others = _UNSPACED.split(piece)
    return (
        len(_ONE_EACH.findall(piece))
        + sum(-(-count // _LETTERS_A_WORD) for count in letters)
        + sum(any(map(str.isalnum, other)) for other in others)
    )


def count_characters(text: str) -> int:
    """Return a text's Unicode code points, outer blanks aside.

    What a reader sees as one character may be several of them (a flag, a family, an
    accent written apart): never fewer, so a text within a limit looks it too.
    """
    return len(text.strip())


def holds(text: str, keyword: str) -> bool:
    """Whether a keyword stands in a text as a word, in whatever case.

    Blanks inside match any blanks, and spellings that look alike by Unicode's
    composition are the same. Where a script sets no blanks between words, a
    neighbour does not matter.
    """
    parts = map(re.escape, _folded(keyword).split())
    folded = _folded(text)
    for found in re.finditer(r"\s+".join(parts), folded):
        start, end = found.span()
        before, after = folded[max(0, start - 1) : start], folded[end : end + 1]
        if not _joined(before, found[0][:1]) and not _joined(found[0][-1:], after):
            return True
    return False


def _folded(text: str) -> str:
    composed = unicodedata.normalize("NFC", text).casefold()
    return unicodedata.normalize("NFC", composed)


def _joined(left: str, right: str) -> bool:
    """Whether two neighbours belong to one word."""
    if not left or not right:
        return False
    if _UNSPACED.match(left) or _UNSPACED.match(right):
        return unicodedata.category(right)[0] == "M"
    return _in_word(left) and _in_word(right)


def _in_word(character: str) -> bool:
    return character == "_" or unicodedata.category(character)[0] in "LNM"


def at_most_words(limit: int) -> Promise:
    """Return the promise of an answer of no more words than this."""

    def promise(result: "Result") -> str | None:
        return _over(count_words(result.text), limit, "word")

    return promise


def at_most_characters(limit: int) -> Promise:
    """Return the promise of an answer of no more characters than this."""

    def promise(result: "Result") -> str | None:
        return _over(count_characters(result.text), limit, "character")

    return promise


def _over(count: int, limit: int, unit: str) -> str | None:
    if count <= limit:
        return None
    units = unit if count == 1 else f"{unit}s"
    verb = "is" if limit == 1 else "are"
    return f"the answer has {count:,} {units}, {limit:,} {verb} allowed"


def keeps(keyword: str) -> Promise:
    """Return the promise that a keyword stands in the answer."""

    def promise(result: "Result") -> str | None:
        if holds(result.text, keyword):
            return None
        return f"the answer does not hold the keyword {keyword!r}"

    return promise


def all_of(promises: Sequence[Promise]) -> Promise | None:
    """Return one promise for several, which names all that are broken; None for none."""
    if not promises:
        return None

    def promise(result: "Result") -> str | None:
        broken = [said for said in (one(result) for one in promises) if said]
        return "; ".join(broken) or None

    return promise


def bare(text: str) -> str:
    """Return a text without outer blanks and without one pair of quotation marks.

    Marks stay where others stand between them, so that a quotation keeps its own.
    """
    text = text.strip()
    inner = text[1:-1]
    paired = len(text) > 1 and _QUOTES.get(text[0]) == text[-1]
    return inner.strip() if paired and not _QUOTE_MARKS.intersection(inner) else text
