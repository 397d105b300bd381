"""Correct token estimates by what was billed, and say how far off they were."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from costroute_nb.core.fitting import Fit, Vector, dot

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from costroute_nb.core.tokens import Estimate

PAIRS = 500
"""How many pairs of a family are remembered, the newest ones."""

ERRORS = 200
"""Over how many predictions of a family the errors are told, the newest ones."""


@dataclass(frozen=True, slots=True)
class ErrorDistribution:
    """How far predictions were from what was billed, as shares of what was billed.

    Each prediction was made before its own pair was learnt.

    Attributes
    ----------
    count
        How many predictions this is about.
    median, p90
        Of the errors without their signs: half and nine tenths were no greater.
    bias
        The median error with its sign; above 0 too many tokens were predicted.
    """

    count: int
    median: float
    p90: float
    bias: float


@dataclass(frozen=True, slots=True)
class Factors:
    """By what each part of an estimate is multiplied; `overall` is the family's."""

    prose: float
    code: float
    wide: float
    overhead: float
    overall: float


class Calibration:
    """Learns, family by family, by which factors token estimates are off.

    Each script has a factor of its own, fitted robustly and drawn towards the family's
    overall one: see `fitting.Fit` for the method and its sources. The errors are
    prequential (Dawid 1984): each prediction is judged before its pair is learnt.

    The same pairs in the same order give the same factors. `corrected` may be asked
    by any thread at any time; that one thread at a time does the rest is the caller's
    affair.

    Parameters
    ----------
    pairs
        How many pairs of each family are remembered.
    """

    def __init__(self, pairs: int = PAIRS) -> None:
        self._pairs = pairs
        self._fits: dict[str, Fit] = {}
        self._errors: dict[str, deque[float]] = {}

    def learn(self, family: str, estimate: Estimate, billed: int) -> None:
        """Learn from one request what its estimate should have been.

        Parameters
        ----------
        family
            The name of the model's tokenizer.
        estimate
            As `tokens.split_messages` gave it, uncorrected.
        billed
            The prompt tokens that the provider counted, cached ones included. A
            request without estimated or billed tokens teaches nothing.
        """
        if billed <= 0 or estimate.total <= 0:
            return
        if family not in self._fits:
            self._fits[family] = Fit(self._pairs)
            self._errors[family] = deque(maxlen=ERRORS)
        fit, parts = self._fits[family], _parts(estimate)
        self._errors[family].append(dot(fit.factors, parts) / billed - 1.0)
        fit.learn(parts, billed)

    def corrected(self, family: str, estimate: Estimate) -> int:
        """Return an estimate in tokens, corrected by what the family has learnt.

        A family without pairs leaves it as it is. More of any part never gives less.
        """
        fit = self._fits.get(family)
        if fit is None:
            return estimate.total
        tokens = round(dot(fit.factors, _parts(estimate)))
        return max(tokens, 1) if estimate.total else 0

    def errors(self, family: str) -> ErrorDistribution | None:
        """Return how far off recent predictions were, None before the first one."""
        errors = self._errors.get(family)
        return None if errors is None else _distribution(errors)

    def factors(self, family: str) -> Factors | None:
        """Return the factors of a family, None before its first pair."""
        fit = self._fits.get(family)
        return None if fit is None else Factors(*fit.factors, fit.overall)

    def families(self) -> tuple[str, ...]:
        """Return the names of the families that have learnt, sorted."""
        return tuple(sorted(self._fits))


def _parts(estimate: Estimate) -> Vector:
    return (estimate.prose, estimate.code, estimate.wide, estimate.overhead)


def _distribution(errors: Iterable[float]) -> ErrorDistribution:
    signed = sorted(errors)
    sizes = sorted(map(abs, signed))
    return ErrorDistribution(
        count=len(sizes),
        median=_median(sizes),
        p90=sizes[-(-9 * len(sizes) // 10) - 1],
        bias=_median(signed),
    )


def _median(ordered: Sequence[float]) -> float:
    half = len(ordered) // 2
    return (ordered[half] + ordered[-1 - half]) / 2.0
