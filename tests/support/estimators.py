"""An estimator whose word a test knows beforehand, also as a package installs one."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from costroute_nb import Estimate


def estimate(
    small: float, medium: float, both: float | None = None, *, known: bool = True
) -> Estimate:
    """Return an estimate; without `both`, medium fails only where small does."""
    return Estimate(
        p_small_fails=small,
        p_medium_fails=medium,
        p_both_fail=medium if both is None else both,
        domain="word counts",
        known_domain=known,
        difficulty=small,
        tipped=("many words",),
    )


class WordCount:
    """The more words, the more likely small fails, and medium half as often.

    It knows nothing of texts without lower case.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []

    def estimate(self, text: str) -> Estimate:
        self.asked.append(text)
        small = min(len(text.split()) / 20, 1.0)
        return estimate(small, small / 2, small / 2, known=not text.isupper())


class Wrong:
    """Returns what is no estimate, or no usable one, or fails: as the text says."""

    def estimate(self, text: str) -> object:
        if text == "raise":
            raise ValueError(text)
        if text == "many lines":
            message = "one\ntwo"
            raise ValueError(message)
        parts: dict[str, dict[str, Any]] = {
            "nan": {"p_small_fails": float("nan")},
            "None": {"p_medium_fails": None},
            "p": {"p_both_fail": 1.5},
            "inf": {"difficulty": float("inf")},
            "tipped": {"tipped": 3},
        }
        return replace(estimate(0.5, 0.1), **parts[text]) if text in parts else 0.5


class Loose:
    """Returns an estimate whose parts are nearly what they should be."""

    def estimate(self, text: str) -> Estimate:
        parts: dict[str, Any] = {
            "p_small_fails": Fraction(1, 2),
            "p_medium_fails": "0.25",
            "p_both_fail": 1,
            "domain": "two\r\nlines\x1b \u202e" + "x" * 99,
            "known_domain": 1,
            "difficulty": 3,
            "tipped": "many\nwords",
            "source": "shipped",
        }
        if text == "four":
            parts |= {"domain": None, "tipped": [1, 2, "y" * 99, "z"]}
        return Estimate(**parts)


def absent() -> WordCount:
    raise ImportError("no weights")


READY = WordCount()
BY_WORDS = {"by_words": "tests.support.estimators:WordCount"}


def install(folder: Path, entries: dict[str, str], patch: pytest.MonkeyPatch) -> Path:
    """Put a distribution with these classifiers on the path, and return where it is."""
    info = folder / "word_counts-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: word-counts\nVersion: 1.0\n")
    lines = [f"{name} = {target}" for name, target in entries.items()]
    text = "\n".join(("[costroute_nb.classifiers]", *lines, ""))
    (info / "entry_points.txt").write_text(text)
    patch.syspath_prepend(str(folder))
    return folder
