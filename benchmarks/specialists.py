"""A baseline to be measured beside: guess the domain, then ask its linear specialist.

The guess is a logistic regression over hashed words and pairs of words, one domain
against the rest. Each domain has a logistic regression of whether its strong model does
better than its weak one, over the same words and the prompt's length. The score of a
prompt is the mean of the specialists' probabilities by the chances of their domains.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix, hstack, vstack
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from threadpoolctl import threadpool_limits

from costroute_nb.training.outcomes import SOURCES, pooled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

# By mean APGR over five folds; from 1 to 3 the first makes no difference.
_STRENGTH, _STRENGTH_OF_GUESS = 1.0, 3.0
_WORD = r"\w+|[^\w\s]"
_USUAL_LENGTH = 6.0  # the logarithm of 400 characters


class Specialists:
    """Learns from outcome tables and scores prompts; seeds and threads say nothing."""

    def __init__(self, frames: Mapping[str, pd.DataFrame]) -> None:
        self._words = HashingVectorizer(
            n_features=2**16,
            ngram_range=(1, 2),
            alternate_sign=False,
            norm=None,
            token_pattern=_WORD,
        )
        rows = pooled(frames)
        counts = self._words.transform(rows["prompt"])
        self._rarity = TfidfTransformer(sublinear_tf=True).fit(counts)
        features = self._features(rows["prompt"].tolist())
        domains = rows["source"].map(_domain).to_numpy()
        guess = LogisticRegression(C=_STRENGTH_OF_GUESS, solver="liblinear")
        with threadpool_limits(1):  # several threads wait for each other here
            self._guess = OneVsRestClassifier(guess).fit(features, domains)
        gains = (1 + rows["strong"].to_numpy() - rows["weak"].to_numpy()) / 2
        self._specialists = [
            _specialist(features[domains == name], gains[domains == name])
            for name in self._guess.classes_
        ]

    def score(self, prompts: Sequence[str]) -> list[float]:
        """Return how much each prompt gains by the strong model, 0.5 for nothing."""
        features = self._features(prompts)
        gains = [each.predict_proba(features)[:, 1] for each in self._specialists]
        chances = self._guess.predict_proba(features)
        found: list[float] = (chances * np.column_stack(gains)).sum(axis=1).tolist()
        return found

    def _features(self, prompts: Sequence[str]) -> csr_matrix:
        words = self._rarity.transform(self._words.transform(prompts))
        long = np.log1p([len(prompt) for prompt in prompts]) - _USUAL_LENGTH
        return hstack([words, csr_matrix(np.column_stack([long, long**2 / 4]))]).tocsr()


def _domain(table: str) -> str:
    """Return what a table asks: the two of GSM8K ask the same."""
    return SOURCES[table].about.partition(",")[0]


def _specialist(features: csr_matrix, gains: NDArray[np.float64]) -> LogisticRegression:
    """Fit to gains from 0 to 1, as so much of a case for the strong model and against."""
    both = np.repeat([1, 0], len(gains))
    shares = np.append(gains, 1 - gains)
    twice = csr_matrix(vstack([features, features]))
    model = LogisticRegression(C=_STRENGTH, solver="liblinear")
    with threadpool_limits(1):
        return model.fit(twice[shares > 0], both[shares > 0], shares[shares > 0])
