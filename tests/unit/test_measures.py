"""What the measures of routing and of probabilities are, by hand and by property."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from costroute_nb.training.measures import (
    apgr,
    brier,
    calibration_error,
    cluster_weights,
    cpt,
    curve,
    interval,
    measured,
    reliability,
)

Rows = list[tuple[int, float, float]]
Pairs = list[tuple[float, float]]

outcome = st.integers(0, 4).map(lambda quarters: quarters / 4)
row = st.tuples(st.integers(-3, 3), outcome, outcome)


def helps(rows: Rows) -> bool:
    return sum(strong - weak for _, weak, strong in rows) > 0


routed = st.lists(row, min_size=1, max_size=30).filter(helps)
few = st.lists(row, min_size=1, max_size=4).filter(helps)


def columns(rows: Rows) -> tuple[list[float], list[float], list[float]]:
    scores, weak, strong = zip(*rows, strict=True)
    return [float(score) for score in scores], list(weak), list(strong)


@given(routed)
def test_a_constant_score_recovers_exactly_half(rows: Rows) -> None:
    _, weak, strong = columns(rows)
    assert apgr([7.0] * len(rows), weak, strong) == pytest.approx(0.5, abs=1e-12)


@given(few)
def test_a_random_order_recovers_half_in_expectation(rows: Rows) -> None:
    _, weak, strong = columns(rows)
    orders = permutations(range(len(rows)))
    found = [apgr(order, weak, strong) for order in orders]
    assert np.mean(found) == pytest.approx(0.5, abs=1e-9)


@given(routed)
def test_no_order_is_better_than_by_what_the_strong_model_adds(rows: Rows) -> None:
    score, weak, strong = columns(rows)
    gain = np.subtract(strong, weak)
    assert apgr(gain, weak, strong) >= apgr(score, weak, strong) - 1e-9
    assert apgr(-gain, weak, strong) <= apgr(score, weak, strong) + 1e-9


@given(routed, st.sampled_from([0.5, 0.8, 1.0]))
def test_only_the_order_of_scores_counts(rows: Rows, share: float) -> None:
    score, weak, strong = columns(rows)
    other = [3 * x**3 - 100 for x in score]
    assert apgr(other, weak, strong) == apgr(score, weak, strong)
    assert cpt(other, weak, strong, share) == cpt(score, weak, strong, share)


@given(few)
def test_ties_count_as_the_mean_over_the_orders_that_break_them(rows: Rows) -> None:
    score, weak, strong = columns(rows)
    broken = [
        apgr([s + 0.01 * place for s, place in zip(score, order, strict=True)],
             weak, strong)
        for order in permutations(range(len(rows)))
    ]  # fmt: skip
    assert np.mean(broken) == pytest.approx(apgr(score, weak, strong), abs=1e-9)


@given(routed)
def test_the_order_of_rows_says_nothing(rows: Rows) -> None:
    there, back = columns(rows), columns(rows[::-1])
    assert apgr(*there) == pytest.approx(apgr(*back), abs=1e-9)
    assert cpt(*there, 0.8) == pytest.approx(cpt(*back, 0.8), abs=1e-9)


@given(routed, st.data())
def test_a_weight_is_how_often_a_row_is_there(rows: Rows, data: st.DataObject) -> None:
    times = data.draw(
        st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows))
    )
    repeated = [
        row for row, count in zip(rows, times, strict=True) for _ in range(count)
    ]
    assume(repeated)
    assume(helps(repeated))
    weighted = measured(*columns(rows), weak_price=0.2, weights=[times])
    plain = measured(*columns(repeated), weak_price=0.2)
    assert weighted.apgr == pytest.approx(plain.apgr, abs=1e-9)
    assert weighted.cpt80 == pytest.approx(plain.cpt80, abs=1e-9)
    assert weighted.cost95 == pytest.approx(plain.cost95, abs=1e-9)


def test_pgr_rises_by_what_each_prompt_adds() -> None:
    found = curve([3, 2, 1, 0], [0, 1, 0, 1], [1, 1, 1, 1])
    assert found.fraction.tolist() == [[0, 0.25, 0.5, 0.75, 1]]
    assert found.pgr.tolist() == [[0, 0.5, 0.5, 1, 1]]
    assert found.quality.tolist() == [[0.5, 0.75, 0.75, 1, 1]]


def test_cpt_is_between_two_prompts_where_the_curve_is() -> None:
    score, weak, strong = [3, 2, 1, 0], [0, 1, 0, 1], [1, 1, 1, 1]
    assert cpt(score, weak, strong, 0.5) == 0.25
    assert cpt(score, weak, strong, 0.8) == pytest.approx(0.5 + 0.6 * 0.25)


def test_cpt_is_the_first_crossing_where_a_strong_answer_does_harm() -> None:
    score, weak, strong = [3, 2, 1, 0], [0, 1, 0, 0], [1, 0, 1, 1]
    assert curve(score, weak, strong).pgr.tolist() == [[0, 0.5, 0, 0.5, 1]]
    assert cpt(score, weak, strong, 0.5) == 0.25


def test_the_bill_counts_what_both_models_cost() -> None:
    found = curve([1, 0], [0, 1], [1, 1])
    assert found.cost(1.0, 0.2).tolist() == [pytest.approx(0.5 + 0.5 * 0.2)]
    assert found.cost(0.5, 0.2).tolist() == [pytest.approx(0.2)]


def test_a_strong_model_that_is_no_better_leaves_nothing_to_recover() -> None:
    found = measured([1, 0], [1, 0], [0, 1], weak_price=0.2)
    assert np.isnan([found.apgr[0], found.cpt50[0], found.cpt80[0]]).all()
    assert found.cost95[0] == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("score", "weak"), [([1, 2], [0]), ([], []), ([np.nan], [0]), ([1], [np.nan])]
)
def test_what_has_no_order_is_refused(score: list[float], weak: list[float]) -> None:
    with pytest.raises(ValueError, match=r"do not suit|not a finite"):
        apgr(score, weak, [1.0] * len(weak))


def test_a_resampled_cluster_counts_as_often_in_every_table() -> None:
    tables = {"a": [1, 2, 2, 3], "b": [2, 3]}
    found = cluster_weights(tables, 50, np.random.default_rng(0))
    assert (found["a"][:, 1] == found["a"][:, 2]).all()
    assert (found["a"][:, [1, 3]] == found["b"]).all()
    assert (found["a"][:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert len(np.unique(found["a"][:, 0])) > 1


def test_the_same_seed_draws_the_same_resamples() -> None:
    one, other = (
        cluster_weights({"a": range(9)}, 5, np.random.default_rng(3))["a"]
        for _ in range(2)
    )
    assert (one == other).all()


def test_resamples_spread_around_the_measure() -> None:
    generator = np.random.default_rng(0)
    score = generator.random(400)
    weak = (generator.random(400) > score).astype(float)
    weights = cluster_weights({"a": range(400)}, 200, generator)["a"]
    low, high = interval(measured(score, weak, np.ones(400), weak_price=0.2,
                                  weights=weights).apgr)  # fmt: skip
    assert low < apgr(score, weak, np.ones(400)) < high
    assert 0.01 < high - low < 0.2


def test_an_interval_leaves_out_what_is_not_known() -> None:
    assert interval([*range(101), np.nan], 0.9) == pytest.approx((5, 95))


def test_brier_is_the_mean_square_of_what_was_missed() -> None:
    assert brier([1, 0.5], [1, 1]) == pytest.approx(0.125)


def test_the_calibration_error_weighs_the_gap_of_each_bin() -> None:
    said, seen = [0.0] * 3 + [0.8], [0, 0, 0.3, 1]
    assert [each.count for each in reliability(said, seen, 4)] == [3, 1]
    assert calibration_error(said, seen, 4) == pytest.approx((3 * 0.1 + 0.2) / 4)


def test_ten_bins_hold_as_many_prompts_each() -> None:
    found = reliability(np.linspace(0, 1, 1000), np.linspace(0, 1, 1000))
    assert [each.count for each in found] == [100] * 10
    assert [each.said for each in found] == sorted(each.said for each in found)


@given(
    st.lists(st.tuples(outcome, outcome), min_size=1, max_size=40).flatmap(
        lambda pairs: st.tuples(st.just(pairs), st.permutations(pairs))
    )
)
def test_equal_probabilities_share_a_bin(both: tuple[Pairs, Pairs]) -> None:
    (said, seen), (other_said, other_seen) = (list(zip(*p, strict=True)) for p in both)
    found = calibration_error(said, seen)
    assert calibration_error(other_said, other_seen) == pytest.approx(found, abs=1e-9)
    bins = reliability(said, seen)
    assert sum(each.count for each in bins) == len(said)
    assert len(bins) <= len(set(said))


def test_probabilities_that_come_true_have_no_error() -> None:
    said = np.repeat([0.25, 0.75], 400)
    seen = np.tile([1, 0, 0, 0], 100).tolist() + np.tile([1, 1, 1, 0], 100).tolist()
    assert calibration_error(said, seen) == 0
