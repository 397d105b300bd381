"""Classification by rules at several sizes, beside one pass over the words."""

from __future__ import annotations

import re
from functools import partial
from statistics import median
from typing import TYPE_CHECKING

import costroute_nb as cr
from benchmarks.report import Line, beside
from benchmarks.timing import in_turns
from costroute_nb.core.tokens import estimate_tokens
from costroute_nb.sources import config_dir
from costroute_nb.tables import load_tables
from costroute_nb.wiring import classifier_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.place import Place

_PROSE = (
    "The harbour master wrote that two of the boats had come in late, that the "
    "ropes were wet, and that nobody had counted the crates on the western quay. "
)
_WORDS = re.compile(r"\w+")


def measure(place: Place) -> Iterator[Line]:
    classifier = classifier_of(load_tables(config_dir()))

    def by_rules(text: str) -> cr.Classification:
        return classifier.classify(text, input_tokens=estimate_tokens(text))

    prose = _PROSE * (1_000_000 // len(_PROSE) + 1)
    for subject, text, most in (
        ("classification, 1 kB of prose", prose[:1_000], 0.0002),
        ("classification, 1 MB of prose", prose[:1_000_000], 0.005),
        ("classification, 100 kB of 'extract '", "extract " * 12_500, 0.005),
    ):
        times = in_turns(
            {"ours": partial(by_rules, text), "words": partial(_count, text)},
            place.times(51, 9),
        )
        peer = "all words by re"
        yield beside(subject, times["ours"], peer, times["words"], most_seconds=most)
    public = partial(cr.classify, prose[:1_000])
    found = in_turns({"ours": public}, place.times(51, 9))["ours"]
    yield Line("  cr.classify, 1 kB: reads the tables too", median(found))


def _count(text: str) -> int:
    return len(_WORDS.findall(text))
