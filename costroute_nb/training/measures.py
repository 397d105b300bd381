"""How well a score orders prompts for routing, and how honest a probability is.

A score says how much a prompt needs the stronger of two models. Prompts go to it from
the highest score down. The performance gap recovered at a fraction `c` of strong calls
is PGR(c) = (quality(c) - weak) / (strong - weak); APGR is its mean over `c` from 0 to
1, and CPT(x) is the least `c` where PGR reaches `x`. Every prompt is a threshold.
Prompts of one score count in expectation over their orders: the curve is straight
there. These definitions are those of arXiv 2406.18665.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Floats: TypeAlias = NDArray[np.float64]
_TINY = 1e-12
_AT_ONCE = 64
BINS = 10


@dataclass(frozen=True, slots=True)
class Curve:
    """Quality at each fraction of strong calls; the first axis counts resamples.

    Attributes
    ----------
    fraction
        Shares of the prompts in [0, 1] that go to the strong model, ascending.
    quality
        The mean score of the answers there; straight between two fractions.
    """

    fraction: Floats
    quality: Floats

    @property
    def pgr(self) -> Floats:
        """The gap recovered at each fraction; NaN where the strong model is no better."""
        weak, gap = self.quality[:, :1], self.quality[:, -1:] - self.quality[:, :1]
        return (self.quality - weak) / np.where(gap > _TINY, gap, np.nan)

    def apgr(self) -> Floats:
        """Return the mean of PGR over all fractions, for each resample."""
        return np.asarray(np.trapezoid(self.pgr, self.fraction, axis=1), np.float64)

    def cpt(self, share: float) -> Floats:
        """Return the least fraction at which PGR is at least `share`, in (0, 1]."""
        pgr = self.pgr
        return _first_reach(self.fraction, pgr, np.full(len(pgr), share))

    def cost(self, share: float, weak_price: float) -> Floats:
        """Return the least bill that keeps a share of the strong model's quality.

        Parameters
        ----------
        share
            How much of the strong model's mean score must be reached, in (0, 1].
        weak_price
            What a call of the weak model costs where one of the strong costs 1.

        Returns
        -------
        Floats
            The bill where sending every prompt to the strong model costs 1.
        """
        target = share * self.quality[:, -1]
        fraction = _first_reach(self.fraction, self.quality, target)
        return fraction + (1 - fraction) * weak_price


def curve(
    score: ArrayLike,
    weak: ArrayLike,
    strong: ArrayLike,
    weights: ArrayLike | None = None,
) -> Curve:
    """Return the curve of an ordering.

    Parameters
    ----------
    score
        One number for each prompt; higher means that it needs the stronger model.
    weak, strong
        How well each model answered, in [0, 1].
    weights
        How often each prompt counts, one row for each resample; None counts each once.

    Raises
    ------
    ValueError
        If the lengths differ, there is no prompt, or a number is not finite.
    """
    scores, low, high = (np.asarray(x, np.float64) for x in (score, weak, strong))
    if not (scores.ndim == 1 and scores.shape == low.shape == high.shape and len(low)):
        message = (
            f"{scores.shape} scores do not suit {low.shape} and {high.shape} outcomes"
        )
        raise ValueError(message)
    if not all(np.isfinite(x).all() for x in (scores, low, high)):
        message = "a score or an outcome is not a finite number"
        raise ValueError(message)
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    ones = (
        np.ones((1, len(order))) if weights is None else np.asarray(weights, np.float64)
    )
    counts = ones[:, order]
    total = counts.sum(axis=1, keepdims=True)
    start = (counts @ low[order])[:, None] / total
    gained = np.cumsum(counts * (high - low)[order], axis=1)[:, last] / total
    sent = np.cumsum(counts, axis=1)[:, last] / total
    nothing = np.zeros((len(counts), 1))
    return Curve(np.hstack([nothing, sent]), start + np.hstack([nothing, gained]))


def _first_reach(x: Floats, y: Floats, target: Floats) -> Floats:
    """Return the least `x` of each row at which `y`, straight between, has its target."""
    reached = y >= target[:, None] - _TINY
    after = reached.argmax(axis=1)
    before = np.maximum(after - 1, 0)
    row = np.arange(len(y))
    rise = y[row, after] - y[row, before]
    step = (target - y[row, before]) / np.where(rise > 0, rise, 1.0)
    found = x[row, before] + np.clip(step, 0, 1) * (x[row, after] - x[row, before])
    return np.where(reached.any(axis=1), np.where(after == 0, 0.0, found), np.nan)


@dataclass(frozen=True, slots=True)
class Routing:
    """The measures of one ordering, each for one or for many resamples.

    Attributes
    ----------
    apgr, cpt50, cpt80
        The mean gap recovered, and the fractions of strong calls for 50 % and 80 %.
    cost95, cost99
        The bills that keep 95 % and 99 % of the strong model's quality, where its own
        bill is 1.
    """

    apgr: Floats
    cpt50: Floats
    cpt80: Floats
    cost95: Floats
    cost99: Floats


MEASURES = ("apgr", "cpt50", "cpt80", "cost95", "cost99")


def measured(
    score: ArrayLike,
    weak: ArrayLike,
    strong: ArrayLike,
    *,
    weak_price: float,
    weights: ArrayLike | None = None,
) -> Routing:
    """Return all measures of an ordering, for each row of weights; see `curve`."""
    rows = np.ones((1, np.size(score))) if weights is None else np.asarray(weights)
    found = []
    for start in range(0, len(rows), _AT_ONCE):  # all at once would take gigabytes
        part = curve(score, weak, strong, rows[start : start + _AT_ONCE])
        found.append(
            (
                part.apgr(),
                part.cpt(0.5),
                part.cpt(0.8),
                part.cost(0.95, weak_price),
                part.cost(0.99, weak_price),
            )
        )
    return Routing(*(np.concatenate(values) for values in zip(*found, strict=True)))


def apgr(score: ArrayLike, weak: ArrayLike, strong: ArrayLike) -> float:
    """Return the mean performance gap recovered; NaN if the strong model is no better."""
    return float(curve(score, weak, strong).apgr()[0])


def cpt(score: ArrayLike, weak: ArrayLike, strong: ArrayLike, share: float) -> float:
    """Return the least fraction of strong calls that recovers a share of the gap."""
    return float(curve(score, weak, strong).cpt(share)[0])


def cluster_weights(
    clusters: Mapping[str, ArrayLike], draws: int, generator: np.random.Generator
) -> dict[str, NDArray[np.uint16]]:
    """Return how often each row of each table counts in bootstrap resamples.

    Clusters are drawn with replacement, over all tables together: a cluster counts as
    often in every table. The same weights given to two scores make their differences
    paired.
    """
    numbers = {name: np.asarray(column) for name, column in clusters.items()}
    known, where = np.unique(np.concatenate([*numbers.values()]), return_inverse=True)
    chance = np.full(len(known), 1 / len(known))
    drawn = generator.multinomial(len(known), chance, size=draws).astype(np.uint16)
    ends = np.cumsum([len(column) for column in numbers.values()])[:-1]
    parts = np.split(where, ends)
    return {name: drawn[:, part] for name, part in zip(numbers, parts, strict=True)}


def interval(values: ArrayLike, level: float = 0.95) -> tuple[float, float]:
    """Return the percentile interval of resampled values; those that are NaN are out."""
    tail = (1 - level) / 2
    low, high = np.nanquantile(np.asarray(values, np.float64), [tail, 1 - tail])
    return float(low), float(high)


def brier(said: ArrayLike, seen: ArrayLike) -> float:
    """Return the mean squared difference of probabilities and outcomes in [0, 1]."""
    return float(np.mean((np.asarray(said, float) - np.asarray(seen, float)) ** 2))


@dataclass(frozen=True, slots=True)
class Bin:
    """Prompts of which nearly the same was said, and what was seen of them.

    `said` is the mean probability and `seen` the mean outcome of `count` prompts.
    """

    count: int
    said: float
    seen: float


def reliability(said: ArrayLike, seen: ArrayLike, bins: int = BINS) -> list[Bin]:
    """Return what was said and seen in bins of as many prompts each, ascending.

    Equal probabilities stay in one bin, so that the order of rows says nothing; there
    are fewer bins where there are few different ones.
    """
    return list(_bins(np.asarray(said, np.float64), np.asarray(seen, np.float64), bins))


def _bins(said: Floats, seen: Floats, bins: int) -> Iterator[Bin]:
    order = np.argsort(said, kind="stable")
    ranked = said[order]
    edges = len(ranked) * np.arange(bins) // bins
    starts = np.searchsorted(ranked, ranked[edges], side="left")
    bounds = np.unique(np.append(starts, len(ranked)))
    for rows in np.split(order, bounds[1:-1]):
        yield Bin(len(rows), float(said[rows].mean()), float(seen[rows].mean()))


def calibration_error(said: ArrayLike, seen: ArrayLike, bins: int = BINS) -> float:
    """Return the expected calibration error: the bins' mean gap, by their counts."""
    found = reliability(said, seen, bins)
    total = sum(each.count for each in found)
    return sum(each.count * abs(each.said - each.seen) for each in found) / total
