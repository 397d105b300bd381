"""Near-duplicates among texts, by the words that stand next to each other in them."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LEAST_ALIKE = 0.9
_WORDS = 3
_TINY = 1e-9  # 0.9 is not a binary fraction
_TOKEN = re.compile(r"\w+|[^\w\s]")

_Shingles: TypeAlias = frozenset[tuple[str, ...]]


def near_duplicates(
    texts: Sequence[str], least: float = LEAST_ALIKE
) -> list[tuple[int, int]]:
    """Return the pairs of positions, smaller first, of texts that are nearly the same.

    They are where the sets of their runs of three words or signs have a Jaccard
    similarity of at least `least`, in (0, 1]. Every such pair is found: two sets that
    are so alike share one of the rarest few of either's shingles, so only those that
    do are compared.
    """
    sets = [shingles(text) for text in texts]
    counts = Counter(shingle for found in sets for shingle in found)
    holders: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    pairs = []
    for number, found in enumerate(sets):
        rarest = sorted(found, key=lambda shingle: (counts[shingle], shingle))
        prefix = rarest[: len(found) - math.ceil(least * len(found) - _TINY) + 1]
        met = {other for shingle in prefix for other in holders[shingle]}
        pairs += [(other, number) for other in met if _alike(sets[other], found, least)]
        for shingle in prefix:
            holders[shingle].append(number)
    return sorted(pairs)


def _alike(one: _Shingles, other: _Shingles, least: float) -> bool:
    small, large = sorted((len(one), len(other)))
    if small < least * large - _TINY:
        return False
    return jaccard(one, other) >= least - _TINY


def jaccard(one: _Shingles, other: _Shingles) -> float:
    """Return the share of two sets' members that both have."""
    both = len(one & other)
    return both / (len(one) + len(other) - both)


def shingles(text: str) -> _Shingles:
    """Return the runs of three words or signs of a text, whatever their case."""
    return frozenset(_runs(unicodedata.normalize("NFKC", text).casefold()))


def _runs(text: str) -> Iterator[tuple[str, ...]]:
    tokens = _TOKEN.findall(text)
    for start in range(max(1, len(tokens) - _WORDS + 1)):
        yield tuple(tokens[start : start + _WORDS])
