"""Learns to tell kinds of prompts apart by their words, and what is like none of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix, hstack, vstack
from sklearn.linear_model import LogisticRegression

from costroute_nb.core.learned import KIND_BITS, MEASURE_STEPS, WORD_BITS
from costroute_nb.training.weighing import idf_of, tf_idf, to_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from costroute_nb.core.features import Features

    Floats = NDArray[np.float64]
    Whole = NDArray[np.int64]

_STRENGTH, _ROUNDS = 100.0, 100
_MEASURE_SCALE = 0.1
_LEAST_SPREAD = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """What is read of prompts: features, weighed buckets, standardized measures."""

    read: Sequence[Features]
    bags: csr_matrix
    standard: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Telling:
    """What tells kinds apart; arrays as in `Parameters`.

    `far` has, of each row, how many standard deviations it is less like its kind's
    other prompts than is usual, when its own fold is left out.
    """

    word_idf: NDArray[np.uint8]
    kind_weights: NDArray[np.int8]
    kind_scales: Floats
    kind_measures: NDArray[np.int32]
    kind_intercepts: Floats
    centroids: NDArray[np.int8]
    centroid_norms: Floats
    usual: Floats
    usual_spread: Floats
    far: Floats


def learn_kinds(
    rows: Inputs, others: Inputs, kind: Whole, count: int, fold: Whole
) -> Telling:
    """Return what tells `count` kinds apart, and other requests from all of them.

    Parameters
    ----------
    rows, others
        What is read of the tables' prompts and of other requests.
    kind, fold
        The kind and the fold of each row.
    """
    weights, by_measure, intercepts = _boundaries(rows, others, kind, count)
    read = rows.read
    buckets = [each.words & (2**WORD_BITS - 1) for each in read]
    idf = idf_of(buckets, 2**WORD_BITS)
    words = tf_idf(buckets, [each.word_counts for each in read], idf)
    near = np.zeros(len(read))
    for number in range(int(fold.max()) + 1):
        out = fold == number
        centroids = _centroids(words[~out], kind[~out], count)
        near[out] = _nearness(words[out], centroids, kind[out])
    usual, spread = _usual(near, kind, count)
    steps, scales = to_bytes(weights)
    middle, _ = to_bytes(_centroids(words, kind, count))
    return Telling(
        word_idf=idf,
        kind_weights=steps,
        kind_scales=scales,
        kind_measures=np.round(by_measure * MEASURE_STEPS).astype(np.int32),
        kind_intercepts=intercepts,
        centroids=middle,
        centroid_norms=np.maximum(np.linalg.norm(middle.astype(float), axis=0), 1.0),
        usual=usual,
        usual_spread=spread,
        far=(usual[kind] - near) / spread[kind],
    )


def _boundaries(
    rows: Inputs, others: Inputs, kind: Whole, count: int
) -> tuple[Floats, Floats, Floats]:
    """Return the weights of buckets and of measures, and the intercepts."""
    size = 2**KIND_BITS
    bags = vstack([rows.bags, others.bags]).tocsr()
    folded = csr_matrix(
        (bags.data, bags.indices & (size - 1), bags.indptr), (bags.shape[0], size)
    )
    folded.sum_duplicates()
    standard = np.vstack([rows.standard, others.standard]) * _MEASURE_SCALE
    told = LogisticRegression(C=_STRENGTH, max_iter=_ROUNDS, tol=1e-3).fit(
        hstack([folded, csr_matrix(standard)]).tocsr(),
        np.append(kind, np.full(len(others.read), count)),
    )
    weights, intercepts = told.coef_.T, told.intercept_
    if count == 1:  # scikit-learn keeps the second of two rows alone
        weights, intercepts = (
            np.hstack([-weights, weights]),
            np.append(-intercepts, intercepts),
        )
    return weights[:size], weights[size:] * _MEASURE_SCALE, intercepts


def _centroids(words: csr_matrix, kind: Whole, count: int) -> Floats:
    """Return the mean direction of each kind, as columns of length 1, or 0."""
    found = np.zeros((words.shape[1], count))
    for number in range(count):
        own = words[kind == number]
        if own.shape[0]:
            found[:, number] = np.asarray(own.sum(axis=0)).ravel()
    lengths: Floats = np.sqrt((found**2).sum(axis=0))
    directions: Floats = found / np.maximum(lengths, 1e-12)
    return directions


def _nearness(words: csr_matrix, centroids: Floats, kind: Whole) -> Floats:
    near: Floats = np.asarray(words @ centroids, np.float64)
    own: Floats = np.take_along_axis(near, kind[:, None], axis=1)
    return own[:, 0]


def _usual(near: Floats, kind: Whole, count: int) -> tuple[Floats, Floats]:
    """Return the median nearness of each kind's prompts, and how it spreads."""
    groups = [near[kind == number] for number in range(count)]
    usual = np.array([np.median(group) if len(group) else 0.0 for group in groups])
    spread = np.array([group.std() if len(group) else 0.0 for group in groups])
    return usual, spread + _LEAST_SPREAD
