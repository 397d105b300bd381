"""What a learned classifier says of a prompt: how likely each tier's answer fails."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt
from typing import TYPE_CHECKING, Any, TypeAlias

from costroute_nb.core.features import MEASURES, Features, readings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

HEADS = ("gain", "small fails", "medium fails")
"""What is learned: how much better the strong model does, and who fails."""

KIND_BITS = 14
"""Kinds of prompts are told apart by 2 ** KIND_BITS buckets of words and pairs."""

WORD_BITS = 13
"""How like its kind a prompt is shows in 2 ** WORD_BITS buckets of words."""

STEPS = 256
"""Standardized measures are rounded to this many steps of a standard deviation."""

FURTHEST = 3
"""Standard deviations at which a measure ends: none decides by itself."""

TF_STEPS = 16
"""Steps in which the weight of a count is given."""

MEASURE_STEPS = 2**16
"""Steps in which the weight of a measure is given."""

_MEASURE_UNIT = STEPS * MEASURE_STEPS
_LEAST_OTHER, _SURE = 0.2, 50.0
_FEWEST = 8  # words and signs: fewer are like everything
_LEAST_P, _DIGITS = 0.005, 6
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Estimate:
    """How likely the models that the classifier learned from fail at a prompt.

    `p_small_fails` and `p_medium_fails` are calibrated probabilities on the public
    outcomes; `p_both_fail` is that of both failing at the same prompt. `domain` names
    the known kind of prompt this one is most like, and `known_domain` tells whether it
    is like any: where it is not, the probabilities mean little. `difficulty` orders
    prompts by how much they need the stronger model; `tipped` names at most three
    features, never the user's text, that moved P(small fails) most. `source` is who says
    so, and which version of it: what the ledger learns of one says nothing of another.
    """

    p_small_fails: float
    p_medium_fails: float
    p_both_fail: float
    domain: str
    known_domain: bool
    difficulty: float
    tipped: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Parameters:
    """The arrays of a learned model: C kinds of prompts, D specialists, H heads, M measures.

    Attributes
    ----------
    tf
        Weight of a bucket by its count, in `TF_STEPS`: int64, 256.
    idf, word_idf
        Weights of the buckets of words and pairs, and of words: uint8.
    weights
        Of each bucket, for each head and specialist: int8, (2 ** BITS, D x H).
    scales
        What one step of `weights` is worth: float64, D x H.
    mean, spread
        Of the measures: float64, M.
    measure_weights
        Of each standardized measure: int32, in `MEASURE_STEPS`, (M, D x H).
    intercepts
        Of each kind of prompt, for each head: float64, (H, C).
    kind_weights, kind_scales
        Of each bucket, for each kind and, last, for other requests, and what a step is
        worth: int8, (2 ** KIND_BITS, C + 1), and float64, C + 1.
    kind_measures, kind_intercepts
        Of each measure, in `MEASURE_STEPS`, and each one's own: int32, (M, C + 1), and
        float64, C + 1.
    centroids
        The mean prompt of each kind, by its words: int8, (2 ** WORD_BITS, C).
    centroid_norms, usual, usual_spread
        Lengths of the centroids, and how near the prompts of a kind are to theirs.
    specialist
        The specialist of each kind: int64, C.
    """

    tf: Array
    idf: Array
    word_idf: Array
    weights: Array
    scales: Array
    mean: Array
    spread: Array
    measure_weights: Array
    intercepts: Array
    kind_weights: Array
    kind_scales: Array
    kind_measures: Array
    kind_intercepts: Array
    centroids: Array
    centroid_norms: Array
    usual: Array
    usual_spread: Array
    specialist: Array


@dataclass(frozen=True, slots=True, eq=False)
class About:
    """What a learned model says of itself.

    `domains` names the domain of each kind of prompt, `taught` the kinds that enough
    prompts have taught, `furthest` is how far below the usual the likeness of a known
    prompt may be, in standard deviations, and `correlation` that of both tiers' failing.
    """

    domains: tuple[str, ...]
    taught: tuple[bool, ...]
    furthest: float
    correlation: float
    facts: Mapping[str, Any]


class LearnedModel:
    """Estimates how likely answers to a prompt fail.

    A prompt's kind is guessed, and the specialist of that kind asked: linear in hashed
    words, pairs of words and measures. Long sums are of whole numbers, and what comes
    out is rounded, so every platform finds the same.
    """

    def __init__(self, parameters: Parameters, about: About) -> None:
        self.parameters, self.about = parameters, about
        # As Python's own numbers, which short sums are quicker over.
        self._mean = parameters.mean.tolist()
        self._spread = parameters.spread.tolist()

    def estimate(self, text: str) -> Estimate:
        """Return what is learned of a text: the typed prompt, in a bounded window.

        An order in it to take a cheap model never makes it look easier: the task alone
        decides, or the whole where that looks harder.
        """
        task, *whole = map(self.estimate_of, readings(text))
        return _harder(task, whole[0]) if whole else task

    def estimate_of(self, read: Features) -> Estimate:
        """Return what is learned of a prompt by its features."""
        import numpy as np

        p = self.parameters
        steps = np.array(
            standardized(read.measures, self._mean, self._spread), np.int64
        )
        weighed = p.tf[read.counts] * p.idf[read.buckets]
        length = sqrt(int(weighed @ weighed)) or 1.0
        chances, other = self._kinds(read, weighed, length, steps)
        shares = np.bincount(p.specialist, chances)
        asked = int(shares.argmax())
        of_asked = np.where(p.specialist == asked, chances, 0.0) / shares[asked]
        heads = slice(asked * len(HEADS), (asked + 1) * len(HEADS))
        by_words = weighed @ p.weights[read.buckets, heads].astype(np.int64)
        by_words = by_words * p.scales[heads] / length
        by_measure = steps[:, None] * p.measure_weights[:, heads] / _MEASURE_UNIT
        total = by_words + by_measure.sum(axis=0) + p.intercepts @ of_asked
        guess = int(of_asked.argmax())
        return self._estimate(
            total.tolist(),
            guess,
            known=other < _LEAST_OTHER and self._is_known(read, guess),
            tipped=_tipped(by_measure[:, 1].tolist(), float(by_words[1])),
        )

    def _kinds(
        self, read: Features, weighed: Array, length: float, steps: Array
    ) -> tuple[Array, float]:
        """Return how likely each kind of prompt is, and that it is another request."""
        import numpy as np

        p = self.parameters
        buckets = read.buckets & (2**KIND_BITS - 1)
        logits = weighed @ p.kind_weights[buckets].astype(np.int64)
        logits = logits * p.kind_scales / length
        logits += steps @ p.kind_measures / _MEASURE_UNIT + p.kind_intercepts
        odds: Array = np.exp(np.minimum(logits - logits[:-1].max(), _SURE))
        chances: Array = odds[:-1] / odds[:-1].sum()
        return chances, float(odds[-1] / odds.sum())

    def _is_known(self, read: Features, guess: int) -> bool:
        """Tell whether enough prompts have taught a kind, and this one is like them."""
        if not self.about.taught[guess] or read.word_counts.sum() < _FEWEST:
            return False
        p = self.parameters
        words = read.words & (2**WORD_BITS - 1)
        weighed = p.tf[read.word_counts] * p.word_idf[words]
        length = sqrt(int(weighed @ weighed)) * float(p.centroid_norms[guess]) or 1.0
        near = int(weighed @ p.centroids[words, guess].astype(int)) / length
        far = (p.usual[guess] - near) / p.usual_spread[guess]
        return bool(far <= self.about.furthest)

    def _estimate(
        self,
        found: Sequence[float],
        guess: int,
        *,
        known: bool,
        tipped: tuple[str, ...],
    ) -> Estimate:
        gain, small, medium = found
        small = min(max(small, _LEAST_P), 1 - _LEAST_P)
        medium = min(max(medium, _LEAST_P), small)
        together = self.about.correlation * sqrt(
            small * (1 - small) * medium * (1 - medium)
        )
        both = min(medium, max(small * medium + together, small + medium - 1))
        return Estimate(
            p_small_fails=round(small, _DIGITS),
            p_medium_fails=round(medium, _DIGITS),
            p_both_fail=round(both, _DIGITS),
            domain=self.about.domains[guess],
            known_domain=known,
            difficulty=round(gain, _DIGITS),
            tipped=tipped,
            source=f"shipped {self.about.facts.get('date', '')}".rstrip(),
        )


def standardized(
    measures: Iterable[float], mean: Sequence[float], spread: Sequence[float]
) -> list[int]:
    """Return measures in whole `STEPS` of a standard deviation, bounded."""
    most = FURTHEST * STEPS
    return [
        max(-most, min(most, round((value - usual) / deviation * STEPS)))
        for value, usual, deviation in zip(measures, mean, spread, strict=True)
    ]


def _harder(task: Estimate, whole: Estimate) -> Estimate:
    """Return the estimate of a task, raised to what that of the whole text says.

    Medium rises at most as small does: one that came nearer to it would say that a
    stronger model helps less.
    """
    small = max(task.p_small_fails, whole.p_small_fails)
    rising = task.p_medium_fails * small / task.p_small_fails
    medium = max(task.p_medium_fails, min(whole.p_medium_fails, rising))
    return replace(
        task,
        p_small_fails=small,
        p_medium_fails=round(medium, _DIGITS),
        p_both_fail=min(
            max(task.p_both_fail, whole.p_both_fail), round(medium, _DIGITS)
        ),
        difficulty=max(task.difficulty, whole.difficulty),
    )


def _tipped(by_measure: Sequence[float], by_words: float) -> tuple[str, ...]:
    moves = [*zip(MEASURES, by_measure, strict=True), ("its words", by_words)]
    moves.sort(key=lambda move: -abs(move[1]))
    return tuple(f"{name} ({'+' if by > 0 else '-'})" for name, by in moves[:_NAMED])
