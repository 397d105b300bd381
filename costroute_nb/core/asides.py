"""What stands in a prompt beside its task: courtesies, wrappers, orders to a router.

A text is read in units: lines, sentences, what ends in a colon. Units that are orders to
take a cheap model are left out wherever they stand, and so are those of another language
than an English text's; courtesies and announcements are left out where it begins or ends.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from costroute_nb.core.aside_words import (
    ANNOUNCES,
    ASKED,
    CHEAP,
    EASTERN_ORDER,
    EASY,
    ENGLISH,
    FOREIGN,
    HINTS,
    MANNERS,
    NAMES,
    NEGATION,
    NOTES,
    OPENING,
    POLITE,
    POLITE_WORDS,
    ROUTER,
    SAYS_EASY,
    SAYS_SPARE,
    SPARE,
    SPARED,
    STRONG,
    SURELY_FOREIGN,
    TAKING,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LONGEST = 200
"""Characters of the longest unit that may be left out."""

_LABEL = 30
"""Characters of the longest label before a colon."""

_MOST = 120
"""Units that are looked at, half at each end: all but of a text of nothing else."""

_EDGE = 4
"""Units at either end that may be courtesies or announcements."""

_LEAST = 3
"""Words that must be left of a text, else it is read as it is."""

_SHORT = 60
"""Characters up to which a word on models and a verb of choosing are enough."""

# A unit's end is looked for at blanks, which is quick; what comes before is looked at then.
_END = re.compile(r"\n| (?<=[.!?…:] )(?<!\b[A-Za-z\d]\. )| (?<=[:;-]\) )")
_EASTERN_END = re.compile(_END.pattern + r"|(?<=[。！？：]) ?")  # noqa: RUF001
_HIGH = re.compile(r"[^\x00-\u03ff]")  # a class of ranges takes milliseconds to compile
_LATIN = re.compile(r"[à-öø-ž]")
# Where a unit may begin though nothing ended before it: a capital, another script.
_START = re.compile(r"\s(?=[A-Z¿¡]|[^\x00-\u03ff])")
_MARKED = re.compile(r"\(?[a-z\d][.):]\s")
_WORD = re.compile(r"[^\W\d_]+")
_CODE = re.compile(r"[\d=\[\]{}<>\\$_/*+^|#]|\w\(")


def may_have_asides(folded: str, words: Iterable[str]) -> bool:
    """Tell whether `task_of` is worth its while for a text without case, of these words."""
    words = frozenset(words)
    return (
        not words.isdisjoint(HINTS)
        or not words.isdisjoint(ROUTER)
        or not (words.isdisjoint(EASY) or words.isdisjoint(ASKED))
        or not (words.isdisjoint(SPARED) or words.isdisjoint(SPARE))
        or not (words.isdisjoint(POLITE_WORDS) or not POLITE.search(folded))
        or not (folded.isascii() or not _has_accent(folded))
        or _announces(folded[: folded.find(":", 0, _LONGEST // 2) + 1])
    )


def task_of(text: str) -> tuple[str, bool]:
    """Return a text without its asides, and whether one of them was an order.

    A text that is nothing else stays whole.
    """
    end = _END if text.isascii() else _EASTERN_END
    units = [unit for unit in end.split(text) if unit.strip()]
    if not units:
        return text, False
    if len(units) > _MOST:
        half = _MOST // 2
        units[half:-half] = [" ".join(units[half:-half])]
    folded = [unit.casefold() for unit in units]
    _part_last(units, folded)
    kept = [not _is_aside(unit, english=False) for unit in folded]
    ordered = not all(kept)
    said = [unit for unit, stays in zip(folded, kept, strict=True) if stays]
    task = " ".join(unit for unit in said if not _may_leave(unit))
    if not ENGLISH.isdisjoint(_WORD.findall(task)):
        kept = [not _is_aside(unit, english=True) for unit in folded]
    ordered |= _leave_labelled(folded, kept)
    _leave_edges(folded, kept)
    if all(kept):
        return text, False
    task = " ".join(unit for unit, stays in zip(units, kept, strict=True) if stays)
    enough = len(_WORD.findall(task)) >= _LEAST or _in_other_script(task)
    return (task, ordered) if enough else (text, False)


def _part_last(units: list[str], folded: list[str]) -> None:
    """Part the end of a text where an aside begins that nothing divides from the task."""
    place = len(units) - 1
    while place > max(0, len(units) - _EDGE) and _stands_alone(folded[place]):
        place -= 1
    last = units[place]
    starts = _START.finditer(last, max(0, len(last) - _LONGEST))
    cut, end = 0, len(last)
    for start in [found.start() for found in starts][::-1]:
        part = last[start:end].strip().casefold()
        if _may_leave(part) or part[:-1] in NOTES or (cut and part in OPENING):
            cut = end = start
        elif cut:
            break
    if cut:
        parts = last[:cut], last[cut:].strip()
        units[place : place + 1] = parts
        folded[place : place + 1] = [part.casefold() for part in parts]


def _leave_labelled(folded: Sequence[str], kept: list[bool]) -> bool:
    """Leave out orders that a colon parts (`difficulty: low`); tell whether there are."""
    found = False
    for place, (label, said) in enumerate(pairwise(folded)):
        if not label.endswith(":") or len(label) > _LABEL:
            continue
        if not kept[place + 1]:
            kept[place] &= label[:-1] not in NOTES
            continue
        both = f"{label} {said}"
        if len(both) <= _LONGEST and _is_order(both, _WORD.findall(both)):
            kept[place : place + 2] = False, False
            found = True
    return found


def _leave_edges(folded: Sequence[str], kept: list[bool]) -> None:
    """Leave out the courtesies at both ends, and what announces the task."""
    last = len(folded) - 1
    for place in range(min(_EDGE, last)):
        if kept[place] and sum(kept) > 1:
            kept[place] = not (_is_courtesy(folded[place]) or _announces(folded[place]))
            if kept[place]:
                break
    for place in range(last, max(last - _EDGE, 0), -1):
        if kept[place] and sum(kept) > 1:
            kept[place] = not _is_courtesy(folded[place])
            if kept[place]:
                break


def _stands_alone(unit: str) -> bool:
    return (unit[0].isalpha() or unit[0] in "¿¡(") and _may_leave(unit)


def _may_leave(unit: str) -> bool:
    return _is_aside(unit, english=True) or _is_courtesy(unit)


def _is_aside(unit: str, english: bool) -> bool:
    """Tell whether a unit is left out wherever it stands."""
    if len(unit) > _LONGEST or _MARKED.match(unit):
        return False
    words = _WORD.findall(unit)
    return _is_order(unit, words) or (english and _is_foreign(unit, words))


def _is_order(unit: str, words: Sequence[str]) -> bool:
    """Tell whether a unit asks for a cheap model or calls the task easy."""
    if unit[-1] == "?":
        return False
    if not NAMES.isdisjoint(words):
        return True
    if len(unit) <= _SHORT and not (
        ROUTER.isdisjoint(words) or TAKING.isdisjoint(words)
    ):
        return True
    if not ROUTER.isdisjoint(words) and (
        not CHEAP.isdisjoint(words)
        or not (NEGATION.isdisjoint(words) or STRONG.isdisjoint(words))
    ):
        return True
    return (
        (not EASY.isdisjoint(words) and SAYS_EASY.search(unit) is not None)
        or (not SPARED.isdisjoint(words) and SAYS_SPARE.search(unit) is not None)
        or (not unit.isascii() and EASTERN_ORDER.search(unit) is not None)
    )


def _is_foreign(unit: str, words: Sequence[str]) -> bool:
    """Tell whether a unit says something in another language than English."""
    if not ENGLISH.isdisjoint(words) or _CODE.search(unit):
        return False
    if not unit.isascii() and _in_other_script(unit):
        return True
    if not SURELY_FOREIGN.isdisjoint(words):
        return True
    hits = len(FOREIGN.intersection(words)) + (not ROUTER.isdisjoint(words))
    hits += _has_accent(unit)
    return hits > 1 and len(words) >= _LEAST


def _in_other_script(text: str) -> bool:
    """Tell whether a text has letters beyond Greek; signs and emoji are in between."""
    return any(
        "\u0400" <= sign <= "\u1dff" or "\u3040" <= sign <= "\ud7af"
        for sign in _HIGH.findall(text)
    )


def _has_accent(text: str) -> bool:
    return _LATIN.search(text) is not None or _in_other_script(text)


def _is_courtesy(unit: str) -> bool:
    return (
        len(unit) <= _LONGEST // 2
        and not _MARKED.match(unit)
        and (
            not MANNERS.isdisjoint(_WORD.findall(unit))
            or POLITE.search(unit) is not None
        )
    )


def _announces(unit: str) -> bool:
    return (
        unit.endswith((":", "："))  # noqa: RUF001
        and len(unit) <= _LONGEST // 2
        and not ANNOUNCES.isdisjoint(_WORD.findall(unit))
    )
