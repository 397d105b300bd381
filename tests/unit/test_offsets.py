"""How offsets follow from judged answers, and what they do to a probability."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from costroute_nb.core.catalog import Tier
from costroute_nb.core.learned import Estimate
from costroute_nb.core.offsets import (
    ENOUGH,
    PRIOR,
    PRIOR_SD,
    Judged,
    Offsets,
    fit_offsets,
    p_fails,
    shifted,
)

STATED = Offsets(small=-0.75, medium=0.5, judged_small=0, judged_medium=0)
PROBABILITIES = st.floats(0.0, 1.0)
SHIFTS = st.floats(-6.0, 6.0)


def answers(number: int, rejected: int, tier: Tier = "small") -> list[Judged]:
    return [Judged(tier, 0.3, accepted=n >= rejected) for n in range(number)]


def judged_lists(least: int = ENOUGH) -> st.SearchStrategy[list[Judged]]:
    answer = st.builds(Judged, st.just("small"), PROBABILITIES, st.booleans())
    return st.lists(answer, min_size=least, max_size=ENOUGH + 20)


def slope(judged: list[Judged], offset: float, prior: float) -> float:
    """Return the slope of the posterior's logarithm, as the textbook has it."""
    found = -(offset - prior) / PRIOR_SD**2
    for answer in judged:
        odds = answer.p_fails / (1 - answer.p_fails) * math.exp(offset)
        found += (not answer.accepted) - odds / (1 + odds)
    return found


def test_nothing_judged_leaves_the_prior() -> None:
    assert fit_offsets([], PRIOR) == PRIOR


@given(st.lists(st.booleans(), max_size=ENOUGH - 1), SHIFTS)
def test_fewer_than_enough_answers_leave_the_prior_and_are_counted(
    verdicts: list[bool], prior: float
) -> None:
    judged = [Judged("small", 0.3, accepted=one) for one in verdicts]
    found = fit_offsets(judged, replace(STATED, small=prior))
    assert found == Offsets(prior, STATED.medium, len(verdicts), 0)


def test_fifty_answers_are_enough() -> None:
    assert fit_offsets(answers(49, 49), STATED).small == STATED.small
    assert fit_offsets(answers(50, 50), STATED).small > STATED.small


def test_each_tier_is_fitted_by_its_own_answers() -> None:
    judged = [*answers(60, 60), *answers(70, 0, "medium"), *answers(80, 80, "large")]
    found = fit_offsets(judged, PRIOR)
    assert found.small > 1.0
    assert found.medium < -1.0
    assert (found.judged_small, found.judged_medium) == (60, 70)
    assert fit_offsets(answers(80, 80, "large"), PRIOR) == PRIOR


def test_the_answers_may_be_any_iterable_in_any_order() -> None:
    judged = [*answers(60, 20), *answers(60, 50, "medium")]
    there = fit_offsets(iter(judged), STATED)
    back = fit_offsets(reversed(judged), STATED)
    assert there.small == pytest.approx(back.small, abs=1e-9)
    assert there.medium == pytest.approx(back.medium, abs=1e-9)


@given(judged_lists(), SHIFTS, st.data())
def test_one_more_rejected_of_the_same_answers_makes_the_offset_greater(
    judged: list[Judged], prior: float, data: st.DataObject
) -> None:
    passed = [n for n, answer in enumerate(judged) if answer.accepted]
    assume(passed)
    at = data.draw(st.sampled_from(passed))
    worse = [*judged]
    worse[at] = replace(judged[at], accepted=False)
    stated = replace(PRIOR, small=prior)
    assert fit_offsets(worse, stated).small > fit_offsets(judged, stated).small


@given(judged_lists(), SHIFTS, PROBABILITIES)
def test_a_rejected_answer_raises_the_offset_and_an_accepted_one_lowers_it(
    judged: list[Judged], prior: float, p: float
) -> None:
    stated = replace(PRIOR, small=prior)
    found = fit_offsets(judged, stated).small
    worse = fit_offsets([*judged, Judged("small", p, accepted=False)], stated).small
    better = fit_offsets([*judged, Judged("small", p, accepted=True)], stated).small
    assert better <= found + 1e-8
    assert worse >= found - 1e-8


@pytest.mark.parametrize("rejected", [0, 2_000])
@pytest.mark.parametrize("p", [0.0, 5e-324, 1e-9, 0.3, 1.0 - 2**-53, 1.0])
def test_verdicts_that_are_all_the_same_give_a_finite_offset(
    rejected: int, p: float
) -> None:
    judged = [Judged("small", p, accepted=n >= rejected) for n in range(2_000)]
    found = fit_offsets(judged, STATED).small
    assert math.isfinite(found)
    assert (found >= STATED.small) is (rejected > 0)
    assert abs(found) < 25


@given(st.lists(st.tuples(st.floats(0.001, 0.999), st.booleans()), min_size=50), SHIFTS)
def test_the_offset_is_where_the_posterior_is_greatest(
    drawn: list[tuple[float, bool]], prior: float
) -> None:
    judged = [Judged("small", p, accepted=passed) for p, passed in drawn]
    found = fit_offsets(judged, replace(PRIOR, small=prior)).small
    assert slope(judged, found, prior) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("planted", [-2.0, -0.9, 0.0, 0.7, 2.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_planted_shift_is_recovered(planted: float, seed: int) -> None:
    chance = random.Random(seed)
    judged = []
    for _ in range(2_000):
        p = chance.betavariate(2, 4)
        fails = chance.random() < shifted(p, planted)
        judged.append(Judged("medium", p, accepted=not fails))
    assert fit_offsets(judged, PRIOR).medium == pytest.approx(planted, abs=0.3)


def test_the_prior_weighs_little_once_enough_answers_exist() -> None:
    far = [fit_offsets(answers(50, 10), replace(PRIOR, small=s)).small for s in (-1, 1)]
    assert far[1] - far[0] < 2 / 8


@given(PROBABILITIES)
def test_an_offset_of_nothing_changes_nothing(p: float) -> None:
    assert shifted(p, 0.0) == pytest.approx(p, rel=1e-9, abs=1e-300)


@given(PROBABILITIES, st.floats(-1e6, 1e6))
def test_a_shifted_probability_is_one(p: float, offset: float) -> None:
    assert 0.0 <= shifted(p, offset) <= 1.0


@given(PROBABILITIES, PROBABILITIES, SHIFTS, SHIFTS)
def test_more_stays_more_when_shifted(
    p: float, other: float, offset: float, further: float
) -> None:
    low, high = sorted((p, other))
    less, more = sorted((offset, further))
    assert shifted(low, less) <= shifted(high, more) + 1e-15


@pytest.mark.parametrize("p", [0.0, 1.0])
@pytest.mark.parametrize("offset", [-800.0, -1.0, 0.0, 1.0, 800.0])
def test_what_is_certain_stays_so(p: float, offset: float) -> None:
    assert shifted(p, offset) == p


@given(st.floats(0.001, 0.999), SHIFTS)
def test_a_shift_is_undone_by_its_opposite(p: float, offset: float) -> None:
    assert shifted(shifted(p, offset), -offset) == pytest.approx(p)


def test_a_logit_more_makes_a_half_seventy_three_percent() -> None:
    assert shifted(0.5, 1.0) == pytest.approx(0.731, abs=5e-4)


@pytest.mark.parametrize(
    ("tier", "said"), [("small", 0.4), ("medium", 0.2), ("large", None)]
)
def test_what_was_said_of_a_tier(tier: str, said: float | None) -> None:
    estimate = Estimate(0.4, 0.2, 0.1, "mathematics", True, 1.5)
    assert p_fails(estimate, tier) == said
    assert p_fails(None, tier) is None
