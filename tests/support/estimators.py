"""An estimator whose word a test knows beforehand, also as a package installs one."""

from pathlib import Path

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
    """Returns what is no estimate, or no probability, or fails: as the text says."""

    def estimate(self, text: str) -> object:
        if text == "nan":
            return estimate(float("nan"), 0.1)
        if text == "raise":
            raise ValueError(text)
        return 0.5


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
