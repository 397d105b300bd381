"""Fits a learned model to outcome tables: kinds of prompts, specialists, what is known.

Everything is linear. A multinomial logistic regression over words tells kinds of
prompts apart; each specialist is a ridge regression of three outcomes on hashed words
and pairs of words (tf-idf), measures of the prompt and its kind. Unknown is a prompt
whose domain too few prompts have taught, or that is too unlike the others of its kind.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.linear_model import Ridge
from threadpoolctl import threadpool_limits

from costroute_nb.core.features import BITS, MEASURES, features
from costroute_nb.core.learned import (
    HEADS,
    MEASURE_STEPS,
    STEPS,
    About,
    LearnedModel,
    Parameters,
    standardized,
)
from costroute_nb.training.kinds import (
    DOMAINS,
    SPECIALISTS,
    TARGETS,
    other_requests,
    rows_of,
)
from costroute_nb.training.outcomes import fold_of
from costroute_nb.training.telling import Inputs, learn_kinds
from costroute_nb.training.weighing import TF, idf_of, tf_idf, to_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from costroute_nb.core.features import Features

    Floats = NDArray[np.float64]
    Whole = NDArray[np.int64]

ENOUGH = 500
"""Distinct prompts that must have taught a domain before it counts as known."""

KNOWN = 0.99
"""The share of the taught domains' prompts, each held out, that must look known."""

_LENGTHS = 2  # the first of the measures
_LENGTH_SCALE, _MEASURE_SCALE, _KIND_SCALE = 0.2, 0.05, 2.0
_SUBJECT_PENALTY, _ALIKE = 0.3, 10.0


def fit(
    frames: Mapping[str, pd.DataFrame], *, facts: Mapping[str, Any] | None = None
) -> LearnedModel:
    """Return the model that these tables teach; the same tables teach the same.

    Parameters
    ----------
    frames
        Outcome tables by name, as `read_outcomes` returns them.
    facts
        What the model is to say of itself: sources, licences, figures.
    """
    with threadpool_limits(1):  # sums in parts would depend on the machine
        return _fit(rows_of(frames), facts or {})


def _fit(rows: pd.DataFrame, facts: Mapping[str, Any]) -> LearnedModel:
    read = [features(prompt) for prompt in rows["prompt"]]
    kinds, kind = np.unique(rows["kind"].to_numpy(str), return_inverse=True)
    measures = np.array([each.measures for each in read])
    mean = _short(measures.mean(axis=0))
    spread = _short(measures.std(axis=0) + 1e-9)
    idf = idf_of([each.buckets for each in read], 2**BITS)
    inputs = _inputs(read, idf, mean, spread)
    others = _inputs(_others(), idf, mean, spread)
    telling = learn_kinds(inputs, others, kind, len(kinds), fold_of(rows["cluster"]))
    weights, by_measure, own = _specialists(inputs, kind, rows, len(kinds))
    steps, scales = to_bytes(weights)
    parameters = Parameters(
        tf=TF,
        idf=idf,
        word_idf=telling.word_idf,
        weights=steps,
        scales=_short(scales),
        mean=mean,
        spread=spread,
        measure_weights=np.round(by_measure * MEASURE_STEPS).astype(np.int32),
        intercepts=_short(own),
        kind_weights=telling.kind_weights,
        kind_scales=_short(telling.kind_scales),
        kind_measures=telling.kind_measures,
        kind_intercepts=_short(telling.kind_intercepts),
        centroids=telling.centroids,
        centroid_norms=_short(telling.centroid_norms),
        usual=_short(telling.usual),
        usual_spread=_short(telling.usual_spread),
        specialist=rows.groupby(kind)["specialist"].first().to_numpy(np.int64),
    )
    taught = _taught(kinds, rows)
    held = telling.far[np.array(taught)[kind]]
    about = About(
        domains=tuple(DOMAINS.get(each, each) for each in kinds.tolist()),
        taught=taught,
        furthest=round(float(np.quantile(held, KNOWN)) if len(held) else 0.0, 3),
        correlation=round(_correlation(rows), 3),
        facts=dict(facts),
    )
    return LearnedModel(parameters, about)


@cache  # the same whatever is trained on
def _others() -> list[Features]:
    return [features(text) for text in other_requests()]


def _inputs(
    read: Sequence[Features], idf: NDArray[np.uint8], mean: Floats, spread: Floats
) -> Inputs:
    usual, deviations = mean.tolist(), spread.tolist()
    steps = [standardized(each.measures, usual, deviations) for each in read]
    bags = tf_idf([each.buckets for each in read], [each.counts for each in read], idf)
    return Inputs(read, bags, np.array(steps) / STEPS)


def _short(values: Floats) -> Floats:
    """Return numbers without the digits in which processors differ."""
    return np.array([float(f"{x:.6g}") for x in values.ravel()]).reshape(values.shape)


def _specialists(
    read: Inputs, kind: Whole, rows: pd.DataFrame, kinds: int
) -> tuple[Floats, Floats, Floats]:
    """Return the weights of buckets and of measures, and the kinds' own intercepts.

    Each specialist is the sum of two ridge regressions. The first learns the mean
    outcome of a prompt's subject, which is hardly a matter of chance and may be learned
    with a light penalty; the second learns what is left of the prompt's own outcome.
    """
    heads, many = len(HEADS), len(SPECIALISTS)
    bags = read.bags
    weights = np.zeros((bags.shape[1], many, heads))
    by_measure = np.zeros((len(MEASURES), many, heads))
    own = np.zeros((heads, kinds))
    scale = np.full(len(MEASURES), _MEASURE_SCALE)
    scale[:_LENGTHS] = _LENGTH_SCALE
    one_hot = np.eye(kinds)[kind] * _KIND_SCALE
    dense = csr_matrix(np.hstack([read.standard * scale, one_hot]))
    inputs = hstack([bags, dense]).tocsr()
    for number, specialist in enumerate(SPECIALISTS):
        taught = np.flatnonzero(rows["specialist"] == number)
        if not len(taught):
            continue
        subject, rest = _by_subject(rows.iloc[taught])
        coefficients, intercept = _ridge(inputs[taught], subject, _SUBJECT_PENALTY)
        more, little = _ridge(inputs[taught], rest, specialist.penalty)
        words, measures, by_kind = np.split(
            coefficients + more, [bags.shape[1], bags.shape[1] + len(MEASURES)], axis=1
        )
        weights[:, number] = words.T
        by_measure[:, number] = measures.T * scale[:, None]
        mine = np.unique(kind[taught])
        own[:, mine] = by_kind[:, mine] * _KIND_SCALE + (intercept + little)[:, None]
    flat = heads * many
    return weights.reshape(-1, flat), by_measure.reshape(-1, flat), own


def _by_subject(rows: pd.DataFrame) -> tuple[Floats, Floats]:
    """Return the mean targets of each row's subject, and how far its own are from them.

    A subject of few rows is taken to be more like all of them.
    """
    targets = rows[list(TARGETS)]
    groups = targets.groupby(rows["subject"].to_numpy())
    count = groups.transform("size").to_numpy(np.float64)[:, None]
    everywhere = targets.mean().to_numpy(np.float64)
    total = groups.transform("sum").to_numpy(np.float64)
    mean = (total + _ALIKE * everywhere) / (count + _ALIKE)
    return mean, targets.to_numpy(np.float64) - mean


def _ridge(
    inputs: csr_matrix, targets: Floats, penalty: float
) -> tuple[Floats, Floats]:
    ridge = Ridge(alpha=penalty, solver="sparse_cg").fit(inputs, targets)
    return ridge.coef_, ridge.intercept_


def _taught(kinds: NDArray[np.str_], rows: pd.DataFrame) -> tuple[bool, ...]:
    """Return which kinds belong to a domain that enough prompts have taught."""
    domain = rows["kind"].map(lambda kind: DOMAINS.get(kind, kind))
    distinct = rows.groupby(domain)["cluster"].nunique()
    return tuple(
        bool(distinct[DOMAINS.get(kind, kind)] >= ENOUGH) for kind in kinds.tolist()
    )


def _correlation(rows: pd.DataFrame) -> float:
    """Return how much both tiers fail at the same prompts, within tables on average."""
    centred = [
        rows[name] - rows.groupby("table")[name].transform("mean")
        for name in ("small_fails", "medium_fails")
    ]
    small, medium = (each.to_numpy(np.float64) for each in centred)
    spread = float(np.sqrt((small**2).mean() * (medium**2).mean()))
    return float((small * medium).mean()) / spread if spread else 0.0
