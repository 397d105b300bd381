"""Held-out estimates: what is trained on some folds or families speaks of the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from costroute_nb.training.measures import apgr
from costroute_nb.training.outcomes import FOLDS, SOURCES, chosen, folds, without_family

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from costroute_nb.ports import Estimator
    from costroute_nb.training.figures import Scores

    Frames = Mapping[str, pd.DataFrame]
    Rows = Mapping[str, NDArray[np.bool_]]


class Fit(Protocol):
    """Trains an estimator on outcome tables."""

    def __call__(self, frames: Mapping[str, pd.DataFrame], /) -> Estimator:
        """Return an estimator that knows nothing but these rows."""


@dataclass(frozen=True, slots=True)
class Part:
    """One turn of holding out: the tables to train on, and the rows that are left out."""

    name: str
    train: dict[str, pd.DataFrame]
    out: dict[str, NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Said:
    """What estimators said of each table's rows; NaN where nobody was asked yet.

    `unknown` is 1 where a prompt is like none that the estimator knows, else 0.
    """

    difficulty: Scores
    p_small_fails: Scores
    p_medium_fails: Scores
    unknown: Scores

    @classmethod
    def nothing(cls, frames: Frames) -> Said:
        """Return what is said before anybody was asked."""
        return cls(*(blank(frames) for _ in range(4)))

    def add(self, model: Estimator, frames: Frames, rows: Rows) -> None:
        """Write down what a model says of some rows."""
        for name, frame in frames.items():
            here = rows[name]
            said = [model.estimate(prompt) for prompt in frame["prompt"][here]]
            self.difficulty[name][here] = [each.difficulty for each in said]
            self.p_small_fails[name][here] = [each.p_small_fails for each in said]
            self.p_medium_fails[name][here] = [each.p_medium_fails for each in said]
            self.unknown[name][here] = [not each.known_domain for each in said]


def blank(frames: Frames) -> Scores:
    """Return a NaN for each row of each table."""
    return {name: np.full(len(frame), np.nan) for name, frame in frames.items()}


def by_folds(frames: Frames) -> Iterator[Part]:
    """Yield each fold with the others to train on, clusters kept together."""
    number = folds(frames)
    for fold in range(FOLDS):
        out = {name: number[name] == fold for name in frames}
        train = chosen(frames, {name: ~rows for name, rows in out.items()})
        yield Part(f"fold {fold + 1} of {FOLDS}", train, out)


def by_families(frames: Frames) -> Iterator[Part]:
    """Yield each family with the other families' tables, without its clusters."""
    for family in dict.fromkeys(SOURCES[name].family for name in frames):
        out = {
            name: np.full(len(frame), SOURCES[name].family == family)
            for name, frame in frames.items()
        }
        yield Part(family, without_family(frames, family), out)


def estimated(frames: Frames, parts: Iterable[Part], fit: Fit) -> Said:
    """Return what is said of every row by a model that never saw its cluster."""
    said = Said.nothing(frames)
    for part in parts:
        said.add(fit(part.train), frames, part.out)
    return said


def apgr_fold_by_fold(frames: Frames, scores: Scores) -> dict[str, float]:
    """Return each table's mean APGR where each fold is ordered by itself.

    A fold in which the strong model is no better has none and is left out.
    """
    number = folds(frames)
    return {
        name: _mean_over_folds(frame, scores[name], number[name])
        for name, frame in frames.items()
    }


def _mean_over_folds(
    frame: pd.DataFrame, scores: NDArray[np.float64], number: NDArray[np.int64]
) -> float:
    weak, strong = frame["weak"].to_numpy(float), frame["strong"].to_numpy(float)
    values = [
        apgr(scores[rows], weak[rows], strong[rows])
        for rows in (number == fold for fold in range(FOLDS))
        if rows.any()
    ]
    real = [value for value in values if not np.isnan(value)]
    return float(np.mean(real)) if real else float("nan")
