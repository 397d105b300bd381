"""What totals say of themselves, and that they add up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from costroute_nb.core.messages import Usage
from costroute_nb.core.report import GROUPINGS, average, averaged, headings
from costroute_nb.core.totals import Totals, totals_of
from tests.support.records import ended, hold
from tests.support.totalling import totals_of as counted


def test_record_counts_for_what_it_says() -> None:
    record = ended(hold(usage=Usage(1, 2, 3, 4, 5, 6)), 40, baseline=100)
    unknown = ended(record, 40, "unknown", cost=None, attempt=2, estimated=True)
    hit = ended(record, 0, "cached", cache_hit=True)
    for one in (record, unknown, hit):
        assert totals_of(one) == counted(one)


def test_totals_add_up_name_by_name() -> None:
    one = Totals(*range(14))
    assert one + one == Totals(*range(0, 28, 2))
    assert sum([one, one], Totals()) == one + one


def test_cost_is_unknown_only_where_no_attempt_has_one() -> None:
    assert Totals(attempts=2, unknown=2).known_cost is None
    assert Totals(attempts=2, unknown=2).known_saving is None
    assert Totals(attempts=2, unknown=1, cost=5, saved=-5).known_cost == 5
    assert Totals().known_cost == 0


def test_rates_are_of_calls_and_missing_without_one() -> None:
    totals = Totals(calls=4, attempts=5, cache_hits=1, estimated=2, cost=10)
    assert (totals.cost_per_call, totals.hit_rate) == (3, 0.25)
    assert totals.estimated_share == 0.4
    assert (Totals().cost_per_call, Totals().hit_rate) == (None, None)
    assert Totals().cost_per_attempt is None
    assert Totals().estimated_share is None


def test_attempts_average_over_those_of_known_cost() -> None:
    assert Totals(calls=0, attempts=3, unknown=1, cost=9).cost_per_attempt == 5
    assert Totals(calls=1, attempts=2, unknown=2).cost_per_attempt is None


def test_call_of_unknown_cost_makes_no_average_cheaper() -> None:
    known = Totals(calls=5, attempts=5, cost=50)
    assert (known + Totals(calls=5, attempts=5, unknown=5)).cost_per_call == 10


def test_timeout_that_was_tried_again_makes_no_average_dearer() -> None:
    # Ten calls that cost 10 each; five had a first attempt of unknown cost.
    assert Totals(calls=10, attempts=15, unknown=5, cost=100).cost_per_call == 10


COSTS = st.none() | st.integers(0, 10**12)


@given(st.lists(st.lists(COSTS, min_size=1, max_size=4), max_size=12))
def test_average_of_calls_is_exact_or_too_low_and_never_too_high(
    calls: list[list[int | None]],
) -> None:
    totals = sum(
        (
            Totals(int(not at), 1, unknown=int(cost is None), cost=cost or 0)
            for call in calls
            for at, cost in enumerate(call)
        ),
        Totals(),
    )
    known = [[c for c in call if c is not None] for call in calls]
    priced = [call for call in known if call]
    found = totals.cost_per_call
    if not priced:
        assert found is None
        return
    true = (totals.cost + len(priced) // 2) // len(priced)
    assert found is not None
    assert found <= true
    if not totals.unknown or all(len(call) == 1 for call in priced):
        assert found == true


def test_what_one_call_may_touch_twice_is_averaged_over_attempts() -> None:
    escalated_to = Totals(calls=0, attempts=2, cost=10)
    assert {by for by in GROUPINGS if averaged(by) == "attempt"} == {"model", "tier"}
    assert average(escalated_to, "tier") == 5
    assert average(escalated_to, "workflow") is None
    assert "average per attempt" in headings("model")
    assert "average per call" in headings("day")
