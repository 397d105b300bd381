"""What a learned classifier reads in a prompt: hashed words, pairs of them, measures.

The same text gives the same features on every platform. Blanks, Markdown fences and
(but where a greeting begins) case say nothing; what stands beside the task is left out
(see `asides`).
"""

from __future__ import annotations

import re
import zlib
from itertools import pairwise
from math import log1p, sqrt
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from costroute_nb.core.asides import may_have_asides, task_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    Whole: TypeAlias = NDArray[np.int64]

VERSION = 2
"""Raised whenever the same text would give other features."""

WINDOW = 4_096
"""Characters that are read, half at each end."""

BITS = 16
"""Words and pairs of words fall into 2 ** BITS buckets."""

MOST = 255
"""Where the count of one bucket ends."""

MEASURES = (
    "length", "length before the options", "number of options", "length of options",
    "spread of options", "numbers", "share of numbers", "length of words",
    "sentences", "numeric options", "LaTeX", "dollar signs", "equations",
    "parentheses", "a question mark", "variety of words", "length of numbers",
    "a blank to fill", "statements to judge", "a negation", "functions", "loops",
    "percentages", "colons", "commas", "quotation marks", "decimals", "large numbers",
    "long words", "short words",
)  # fmt: skip
"""The measures of a prompt, in the order of `Features.measures`."""

_TOKEN = re.compile(r"\w+|[^\w\s]")
_FENCE = re.compile(r"```\w*|~~~\w*")
_OPTION = re.compile(r"(?<!\S)\(?([a-j])[.):](?=\s)")
_COURTESIES = frozenset(
    {
        "answer", "can", "could", "dear", "following", "hello", "help", "hey", "hi",
        "kindly", "me", "need", "please", "question", "thank", "thanks", "want",
        "would", "you",
    }
)  # fmt: skip
_LONG, _SHORT, _LARGE = 8, 4, 2


class Features(NamedTuple):
    """The features of one prompt.

    `buckets` holds, ascending, the buckets of its words and pairs, `counts` how often
    each is met, `words` and `word_counts` the same of words alone; `measures` are those
    that `MEASURES` names.
    """

    buckets: Whole
    counts: Whole
    words: Whole
    word_counts: Whole
    measures: tuple[float, ...]


def readings(text: str) -> list[Features]:
    """Return the features of a prompt; the work is bounded by the window.

    They are of the prompt without what stands beside its task. Where an order to the
    router was left out, those of the whole follow: it may have been the task.
    """
    return [_features(text, tokens) for text, tokens in _texts(text)]


def features(text: str) -> Features:
    """Return the features of a prompt's task alone; see `readings`."""
    return readings(text)[0]


def plain(text: str) -> str:
    """Return what is read of a text: its task, in one case and with single blanks."""
    return _texts(text)[0][0]


def _texts(text: str) -> list[tuple[str, list[str]]]:
    """Return the plain texts to read, each with its words and signs."""
    if len(text) > WINDOW:
        text = f"{text[: WINDOW // 2]} {text[-WINDOW // 2 :]}"
    text = _FENCE.sub(" ", text)
    whole = " ".join(text.casefold().split())
    tokens = _TOKEN.findall(whole)
    if not may_have_asides(whole, tokens):
        return [(whole, tokens)]
    lines = (" ".join(line.split()) for line in text.splitlines())
    task, ordered = task_of("\n".join(filter(None, lines)))
    task = " ".join(task.casefold().split())
    found = [(task, _TOKEN.findall(task))]
    return [*found, (whole, tokens)] if ordered else found


def _features(text: str, tokens: Sequence[str]) -> Features:
    """Return the features of a plain text, given its words and signs."""
    import numpy as np

    tokens = [token for token in tokens if token not in _COURTESIES]
    hashes = np.array(
        [zlib.crc32(token.encode("utf-8", "surrogatepass")) for token in tokens],
        np.uint32,
    )
    pairs = (hashes[:-1] * np.uint32(0x9E3779B1)) ^ (hashes[1:] * np.uint32(0x85EBCA77))
    both = np.concatenate([hashes, pairs])
    both = (both ^ (both >> np.uint32(15))) & np.uint32((1 << BITS) - 1)
    words, word_counts = np.unique(both[: len(hashes)], return_counts=True)
    buckets, counts = np.unique(both, return_counts=True)
    return Features(
        buckets.astype(np.int64),
        np.minimum(counts, MOST).astype(np.int64),
        words.astype(np.int64),
        np.minimum(word_counts, MOST).astype(np.int64),
        measures(text, tokens),
    )


def measures(text: str, tokens: Sequence[str]) -> tuple[float, ...]:
    """Return the measures of a plain text and its words and signs."""
    words = [token for token in tokens if token[0].isalnum() or token[0] == "_"]
    numbers = [word for word in words if word[0].isdigit()]
    lengths = [len(word) for word in words]
    total = max(len(words), 1)
    stem, options = _options(text)
    sizes = [len(option) for option in options]
    kinds = max(len(options), 1)
    mean = sum(sizes) / kinds
    spread = sqrt(sum((size - mean) ** 2 for size in sizes) / kinds)
    numeric = sum(option.lstrip(" $-+")[:1].isdigit() for option in options)
    count = text.count
    return (
        log1p(len(words)),
        log1p(len(stem.split())),
        float(len(options)),
        log1p(mean),
        log1p(spread),
        log1p(len(numbers)),
        len(numbers) / total,
        sum(lengths) / total,
        log1p(count(". ") + count("? ")),
        numeric / kinds,
        log1p(count("\\")),
        log1p(count("$")),
        log1p(count("=")),
        log1p(count("(")),
        float("?" in text),
        len(set(words)) / total,
        log1p(max(map(len, numbers), default=0)),
        float("__" in text),
        float("statement 1" in text),
        float(" not " in text or "except" in text),
        log1p(count("def ")),
        log1p(count("for ")),
        log1p(count("%")),
        log1p(count(":")),
        log1p(count(",")),
        log1p(count("'")),
        log1p(_decimals(tokens)),
        log1p(sum(len(number) > _LARGE for number in numbers)),
        sum(length > _LONG for length in lengths) / total,
        sum(length < _SHORT for length in lengths) / total,
    )


def _decimals(tokens: Sequence[str]) -> int:
    return sum(point == "." and word[0].isdigit() for word, point in pairwise(tokens))


def _options(text: str) -> tuple[str, list[str]]:
    """Return what stands before the options to choose from, and these; none is none."""
    starts: list[tuple[int, int]] = []
    for found in _OPTION.finditer(text):
        if ord(found[1]) == ord("a") + len(starts):
            starts.append(found.span())
    if len(starts) < 2:
        return text, []
    ends = [start for start, _ in starts[1:]] + [len(text)]
    options = [text[a:b] for (_, a), b in zip(starts, ends, strict=True)]
    return text[: starts[0][0]], options
