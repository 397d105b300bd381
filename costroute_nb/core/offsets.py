"""How far the tiers in use fail more or less often than a learned classifier says."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, log1p
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from costroute_nb.core.catalog import Tier
    from costroute_nb.core.learned import Estimate

ENOUGH = 50
"""Judged answers of a tier from which on its offset is fitted to them."""

PRIOR_SD = 1.0
"""Standard deviation, in logits, of what an offset may be before anything was judged."""

# No estimate is taken for surer than this: a single one of 0 or 1 that turned out
# wrong would else decide about all the others.
_SUREST = 1e-6
_SETTLED = 1e-10


@dataclass(frozen=True, slots=True)
class Judged:
    """An answer that a schema or a check could reject.

    `p_fails` is what the classifier had said of the tier that answered, from 0 to 1,
    before any offset.
    """

    tier: Tier
    p_fails: float
    accepted: bool


@dataclass(frozen=True, slots=True)
class Offsets:
    """Logits to add to the estimates of each tier, and how many answers say so."""

    small: float
    medium: float
    judged_small: int
    judged_medium: int


PRIOR = Offsets(small=-1.5, medium=-1.5, judged_small=0, judged_medium=0)
"""What is taken until enough answers were judged.

The estimates are of models of 2023 and 2024. On the same prompts of CRUXEval-O, GSM8K
and MATH (WildEval/ZeroEval) the small model o1-mini of late 2024, which thinks as today's
do, is on average 2.5 logits less likely to fail than claude-3-haiku, and 1.6 less than
claude-3-opus (GSM8K alone, where hardly anything fails: 1.1 and 0.1). Both tiers have
the smaller: a shift of one alone would say that the other is no better. Nothing measures
it at questions of knowledge; there it is a guess until the ledger's answers replace it.
"""


NO_PRIOR = Offsets(small=0.0, medium=0.0, judged_small=0, judged_medium=0)
"""What is taken of another package's estimator: it may well speak of today's models."""


def p_fails(
    estimate: Estimate | None, tier: str, *, small_failed: bool = False
) -> float | None:
    """Return how likely a tier's answer fails, unshifted; None where nobody said.

    An estimate of a prompt that is like none known says nothing. Where the small tier
    was rejected before, it is the chance that medium fails as well, which is greater.
    """
    if estimate is None or not estimate.known_domain:
        return None
    if tier == "medium" and small_failed:
        return min(1.0, estimate.p_both_fail / max(estimate.p_small_fails, _SUREST))
    return {"small": estimate.p_small_fails, "medium": estimate.p_medium_fails}.get(
        tier
    )


def fit_offsets(judged: Iterable[Judged], prior: Offsets) -> Offsets:
    """Return by how much the estimates are off, for each tier, and from how many answers.

    A tier with fewer than `ENOUGH` judged answers has the prior's offset. From then on
    it has the one of greatest posterior probability: the logit of every estimate plus
    one common offset gives the chance that the answer was rejected, and the offset is
    normally distributed around the prior's with a standard deviation of `PRIOR_SD`,
    1.0 logit. That is wide, for nobody knows beforehand how other models compare: one
    logit makes 50 % into 73 % or 27 %, and two are nothing unusual. And it is narrow
    enough to be finite where every answer was accepted, or none, and to matter little
    once it may be overruled: fifty answers that fail about one time in five say eight
    times as much as it does.

    Of the same answers, one more that was rejected instead of accepted always makes the
    offset greater. Answers of the large tier are left out: nothing is said of them.
    """
    small, medium = [], []
    for answer in judged:
        if answer.tier == "small":
            small.append(answer)
        elif answer.tier == "medium":
            medium.append(answer)
    return Offsets(
        small=_fitted(small, prior.small),
        medium=_fitted(medium, prior.medium),
        judged_small=len(small),
        judged_medium=len(medium),
    )


def shifted(p: float, offset: float) -> float:
    """Return a probability whose logit is greater by an offset; 0 and 1 stay."""
    if not 0.0 < p < 1.0:
        return p
    return _sigmoid(_logit(p) + offset)


def _fitted(answers: Sequence[Judged], prior: float) -> float:
    """Return where the posterior's slope is 0, by Newton's steps kept in a bracket."""
    if len(answers) < ENOUGH:
        return prior
    logits = [
        _logit(min(max(answer.p_fails, _SUREST), 1.0 - _SUREST)) for answer in answers
    ]
    rejected = sum(not answer.accepted for answer in answers)
    precision = PRIOR_SD**-2
    # Each chance is between 0 and 1, so the slope is surely positive at one end and
    # negative at the other.
    low = prior - (len(answers) - rejected) / precision
    high = prior + rejected / precision
    offset, step = prior, high - low
    # It ends: what was tried is an end of the bracket, and never tried again.
    while abs(step) >= _SETTLED:
        chances = [_sigmoid(logit + offset) for logit in logits]
        slope = rejected - sum(chances) - precision * (offset - prior)
        if slope > 0.0:
            low = offset
        else:
            high = offset
        bend = sum(chance * (1.0 - chance) for chance in chances) + precision
        step = slope / bend
        if not low < offset + step < high:
            step = (low + high) / 2.0 - offset
        offset += step
    return offset


def _logit(p: float) -> float:
    return log(p) - log1p(-p)


def _sigmoid(logit: float) -> float:
    # Never the exponential of a large number, which would overflow.
    if logit >= 0.0:
        return 1.0 / (1.0 + exp(-logit))
    grown = exp(logit)
    return grown / (1.0 + grown)
