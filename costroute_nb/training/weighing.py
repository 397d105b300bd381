"""Weighs hashed words as the classifier does, and turns coefficients into bytes."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix, diags

from costroute_nb.core.features import MOST
from costroute_nb.core.learned import TF_STEPS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Whole = NDArray[np.int64]

_IDF_STEPS = 20
_RAREST = 2  # what stands in fewer prompts is a name or an accident
_BYTE = 127

TF = np.array(
    [0] + [round(TF_STEPS * (1 + log(count))) for count in range(1, MOST + 1)], np.int64
)
"""The weight of a bucket by its count: sublinear, in steps of 1 / `TF_STEPS`."""


def idf_of(buckets: Sequence[Whole], size: int) -> NDArray[np.uint8]:
    """Return how much each bucket says: the logarithm of its rarity, as bytes."""
    met = np.bincount(np.concatenate([np.unique(each) for each in buckets]), None, size)
    rarity = np.log(len(buckets) / np.maximum(met, 1)) + 1
    return np.where(met < _RAREST, 0, np.round(_IDF_STEPS * rarity)).astype(np.uint8)


def tf_idf(
    buckets: Sequence[Whole], counts: Sequence[Whole], idf: NDArray[np.uint8]
) -> csr_matrix:
    """Return one row of length 1 for each prompt: what its buckets weigh."""
    ends = np.append(0, np.cumsum([len(each) for each in buckets]))
    where = np.concatenate(buckets)
    weights = TF[np.concatenate(counts)] * idf[where].astype(np.float64)
    rows = csr_matrix((weights, where, ends), shape=(len(buckets), len(idf)))
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    rows.sum_duplicates()
    return (diags(1 / np.maximum(lengths, 1e-12)) @ rows).tocsr()


def to_bytes(columns: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Return each column in whole steps from -127 to 127, and what a step is worth."""
    step = np.maximum(np.abs(columns).max(axis=0), 1e-12) / _BYTE
    return np.round(columns / step).astype(np.int8), step
