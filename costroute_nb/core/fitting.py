"""Fit by which factors the parts of an estimate are off, pair by pair."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from itertools import islice
from math import log, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Vector = tuple[float, float, float, float]
"""Tokens, or factors: of prose, of code, of wide scripts, of overhead."""

_FIELDS = range(4)
_OVERHEAD = 3
# How many pairs of one script outweigh the family's overall factor, and which share of
# its pairs: a script with only traces in many texts would be fitted to their noise.
_RIDGE = 0.1
_RIDGE_SHARE = 0.001
# The overhead is a trace by nature, and what decides about short requests.
_OVERHEAD_RIDGE = 0.02
# A relative error that tokenizers make on ordinary texts; what is further off weighs
# less, in inverse proportion.
_ORDINARY = 0.05
# How far a script's factor may be from the family's: a tokenizer that takes a whole
# sentence of Chinese for one word is about ten times off.
_SPREAD = 16.0
# Below such a share of the billed tokens a prediction counts as that share.
_LEAST_PREDICTED = 0.01
_EXACT = 1e-6
_SWEEPS = 8
_SETTLED = 0.001
# With each new pair so many of the newest and of the older ones are weighed anew.
_NEWEST, _OLDER = 4, 4


class _Pair:
    """A request's estimate per billed token, and how much it weighs in the fit."""

    __slots__ = ("parts", "ratio", "weight")

    def __init__(self, parts: Vector, billed: float) -> None:
        prose, code, wide, overhead = parts
        self.parts = (prose / billed, code / billed, wide / billed, overhead / billed)
        self.ratio = billed / sum(parts)
        self.weight = 0.0


class Fit:
    """The factors of one family and the pairs that they are fitted to.

    Billed tokens are taken as a sum of the estimate's parts, each times a factor of
    its own: a regression by Huber's M-estimator with iteratively reweighted least
    squares (Huber 1964; Holland and Welsch 1977), of the logarithm of billed to
    predicted tokens, and a ridge penalty (Hoerl and Kennard 1970) towards the overall
    factor, which is the median ratio of billed to estimated tokens over all pairs and
    one imagined pair of ratio 1. The factors are kept up to date pair by pair, by
    projected coordinate descent, and are never negative.

    Attributes
    ----------
    factors
        By what each part of an estimate is multiplied; replaced as a whole.
    overall
        The factor of what was not seen yet.

    Parameters
    ----------
    pairs
        How many pairs are remembered, the newest ones.
    """

    def __init__(self, pairs: int) -> None:
        self.factors: Vector = (1.0, 1.0, 1.0, 1.0)
        self.overall = 1.0
        self._most = pairs
        self._pairs: deque[_Pair] = deque()
        self._turn = 0
        self._ratios = [1.0]  # sorted; the imagined pair never leaves
        # The weighted sums of the normal equations: parts by parts, and parts.
        self._squares = [[0.0] * len(_FIELDS) for _ in _FIELDS]
        self._sums = [0.0] * len(_FIELDS)
        self._counts = [0] * len(_FIELDS)  # of the pairs that have such a part

    def learn(self, parts: Vector, billed: float) -> None:
        """Take one request's estimated parts and billed tokens into the fit."""
        pair = _Pair(parts, billed)
        self._pairs.append(pair)
        self._count(pair, 1)
        insort(self._ratios, pair.ratio)
        if len(self._pairs) > self._most:
            self._forget(self._pairs.popleft())
        self.overall = _middle(self._ratios)
        self._weigh_anew()
        self._solve()

    def _forget(self, pair: _Pair) -> None:
        self._set_weight(pair, 0.0)
        self._count(pair, -1)
        del self._ratios[bisect_left(self._ratios, pair.ratio)]

    def _count(self, pair: _Pair, change: int) -> None:
        for field, part in enumerate(pair.parts):
            if part:
                self._counts[field] += change

    def _weigh_anew(self) -> None:
        """Weigh the newest pairs, and the older ones in turns, by the present fit.

        The first pairs of a script that was not seen before look like outliers until
        its factor has moved: they must not stay light.
        """
        for pair in islice(reversed(self._pairs), _NEWEST):
            self._set_weight(pair, self._due_weight(pair))
        for _ in range(min(_OLDER, len(self._pairs) - _NEWEST)):
            self._turn = (self._turn + 1) % len(self._pairs)
            pair = self._pairs[self._turn]
            self._set_weight(pair, self._due_weight(pair))

    def _due_weight(self, pair: _Pair) -> float:
        """Return the weight that gives the pair the pull of Huber's loss.

        The loss is that of the logarithm: ten times too much is as bad as ten times
        too little, and neither is a place where the fit could get stuck.
        """
        predicted = max(dot(self.factors, pair.parts), _LEAST_PREDICTED)
        residual = abs(1.0 - predicted)
        if residual < _EXACT:
            return 1.0
        return min(abs(log(predicted)), _ORDINARY) / (residual * predicted)

    def _set_weight(self, pair: _Pair, weight: float) -> None:
        change, pair.weight = weight - pair.weight, weight
        parts = pair.parts
        for field, part in enumerate(parts):
            if part:
                share = change * part
                self._sums[field] += share
                row = self._squares[field]
                for other in _FIELDS:
                    row[other] += share * parts[other]

    def _solve(self) -> None:
        """Move each factor in turn to where the others want it, within its limits."""
        overall = self.overall
        factors = list(self.factors)
        # The penalty is relative to the greater of both, so that a factor gets away
        # from the overall one upwards as easily as downwards.
        ridges = [
            (_RIDGE + _RIDGE_SHARE * count) / max(factor, overall) ** 2
            for count, factor in zip(self._counts, factors, strict=True)
        ]
        ridges[_OVERHEAD] = _OVERHEAD_RIDGE / max(factors[_OVERHEAD], overall) ** 2
        least, most = overall / _SPREAD, overall * _SPREAD
        lows = (least, least, least, 0.0)
        for _ in range(_SWEEPS):
            moved = 0.0
            for field in _FIELDS:
                row, ridge, before = self._squares[field], ridges[field], factors[field]
                own = row[field]
                wanted = self._sums[field] - dot(factors, row) + own * before
                best = (wanted + ridge * overall) / (own + ridge)
                after = factors[field] = min(max(best, lows[field]), most)
                moved = max(moved, abs(after - before))
            if moved < _SETTLED * overall:
                break
        self.factors = (factors[0], factors[1], factors[2], factors[3])


def dot(left: Sequence[float], right: Sequence[float]) -> float:
    """Return the sum of the products of two vectors."""
    return (
        left[0] * right[0]
        + left[1] * right[1]
        + left[2] * right[2]
        + left[3] * right[3]
    )


def _middle(ratios: Sequence[float]) -> float:
    """Return the median of sorted ratios: a geometric mean between two of them."""
    half, odd = divmod(len(ratios), 2)
    return ratios[half] if odd else sqrt(ratios[half - 1] * ratios[half])
