"""Figures of scores on outcome tables, with intervals from resampled clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from costroute_nb.training.measures import (
    MEASURES,
    brier,
    calibration_error,
    cluster_weights,
    interval,
    measured,
    reliability,
)
from costroute_nb.training.outcomes import SOURCES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from costroute_nb.training.measures import Bin, Floats

WEAK_PRICE = 0.025
"""What a call of the small tier costs where one of the large tier costs 1.

As Claude Haiku 5.5 and Opus 5.5 are listed in November 2026, up to 100,000 tokens of
prompt, for input and output alike; the same tokens are counted for both.
"""
MEAN = "mean"

Scores = dict[str, "NDArray[np.float64]"]
"""The scores of each table's rows."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value and its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Ordering:
    """What one way of scoring comes to: by table, or for their mean, by measure.

    `apgr_draws` are the mean APGR of the resamples, which pair with another's.
    """

    figures: dict[str, dict[str, Figure]]
    apgr_draws: Floats


class Bench:
    """Measures orderings of the same tables on the same resamples."""

    def __init__(
        self, frames: Mapping[str, pd.DataFrame], draws: int, seed: int
    ) -> None:
        self.frames = frames
        clusters = {name: frame["cluster"].to_numpy() for name, frame in frames.items()}
        self._weights = cluster_weights(clusters, draws, np.random.default_rng(seed))

    def split(self, scores: Sequence[float]) -> Scores:
        """Return the scores of pooled rows, table by table."""
        ends = np.cumsum([len(frame) for frame in self.frames.values()])[:-1]
        parts = np.split(np.asarray(scores, np.float64), ends)
        return dict(zip(self.frames, parts, strict=True))

    def ordering(self, scores: Scores) -> Ordering:
        """Return the figures of one way of scoring."""
        values: dict[str, dict[str, float]] = {}
        draws: dict[str, dict[str, Floats]] = {}
        for name, frame in self.frames.items():
            rows = scores[name], frame["weak"], frame["strong"]
            once = measured(*rows, weak_price=WEAK_PRICE)
            many = measured(*rows, weak_price=WEAK_PRICE, weights=self._weights[name])
            values[name] = {each: float(getattr(once, each)[0]) for each in MEASURES}
            draws[name] = {each: getattr(many, each) for each in MEASURES}
        values[MEAN] = {
            m: float(np.mean([v[m] for v in values.values()])) for m in MEASURES
        }
        draws[MEAN] = {
            m: np.mean([d[m] for d in draws.values()], axis=0) for m in MEASURES
        }
        figures = {
            name: {
                m: Figure(values[name][m], *interval(draws[name][m])) for m in MEASURES
            }
            for name in values
        }
        return Ordering(figures, draws[MEAN]["apgr"])


def difference(one: Ordering, other: Ordering) -> Figure:
    """Return by how much the mean APGR of one exceeds another's, paired."""
    value = one.figures[MEAN]["apgr"].value - other.figures[MEAN]["apgr"].value
    return Figure(value, *interval(one.apgr_draws - other.apgr_draws))


@dataclass(frozen=True, slots=True)
class Calibration:
    """How probabilities that a model fails compare with what was seen.

    `error` is the expected calibration error over all rows, `brier` the mean squared
    difference, `by_table` the error in each table, `bins` the reliability table.
    """

    error: float
    brier: float
    by_table: dict[str, float]
    bins: list[Bin]


def calibration(
    frames: Mapping[str, pd.DataFrame],
    said: Scores,
    tier: Literal["small", "medium"] = "small",
) -> Calibration:
    """Return how well the probabilities that a tier's model fails are calibrated."""
    seen = {name: failures(frame, name, tier) for name, frame in frames.items()}
    every = np.concatenate([said[name] for name in frames])
    fails = np.concatenate(list(seen.values()))
    return Calibration(
        calibration_error(every, fails),
        brier(every, fails),
        {name: calibration_error(said[name], seen[name]) for name in frames},
        reliability(every, fails),
    )


def failures(
    frame: pd.DataFrame, name: str, tier: Literal["small", "medium"]
) -> Floats:
    """Return how much the model that stands for a tier failed at each row, in [0, 1]."""
    column = "weak" if tier == "small" else f"score:{SOURCES[name].medium}"
    return 1 - frame[column].to_numpy(np.float64)
