"""What totals say of themselves, and that they add up."""

from __future__ import annotations

from costroute_nb.core.messages import Usage
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
    assert (totals.average_cost, totals.hit_rate) == (3, 0.25)
    assert totals.estimated_share == 0.4
    assert (Totals().average_cost, Totals().hit_rate) == (None, None)
    assert Totals().estimated_share is None
