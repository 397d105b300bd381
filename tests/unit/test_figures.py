"""What charts show, and what is said beside them, is what was read."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costroute_nb.core.budget import Limits
from costroute_nb.core.totals import Totals
from costroute_nb.notebook.figures import figures, level
from costroute_nb.notebook.reading import Group
from costroute_nb.notebook.series import Point
from costroute_nb.notebook.words import standing_words, status, tiles
from tests.support.readings import CENT, busy, reading, spent, standings
from tests.support.records import NOON


def test_without_calls_every_chart_says_so() -> None:
    shown = figures(reading())
    for name in ("cost", "calls", "hits", "saved", "pareto"):
        assert shown[name].caption == "no calls this session yet"
        assert shown[name].empty
    assert shown["session"].caption == (
        "$0 spent of $10.00, a limit far above this curve"
    )


def test_a_limit_is_drawn_once_spend_comes_near() -> None:
    limits = Limits(session=1.0, day=None)
    far = reading(limits=limits, standings=standings(1, limits))
    near = reading(limits=limits, standings=standings(20, limits))
    data = figures(far)["session"].data
    assert (data["limit"], data["warn"]) == ([], [])
    data = figures(near)["session"].data
    assert data["limit"] == [{"usd": 1.0, "text": "limit $1.00"}]
    assert data["warn"] == [{"usd": 0.8, "text": "warns at 80%"}]
    assert figures(near)["day"].data["limit"] == []
    assert figures(near)["day"].caption == "$0.20 spent, no limit"


@pytest.mark.parametrize(
    ("alert_at", "said"), [(0.8, "80%"), (0.004, "0.4%"), (0.07, "7%"), (1.0, "100%")]
)
def test_a_level_reads_as_it_was_set(alert_at: float, said: str) -> None:
    assert level(alert_at) == said


def test_the_line_of_a_small_level_says_which() -> None:
    limits = Limits(session=1.0, alert_at=0.004)
    shown = figures(reading(limits=limits, standings=standings(20, limits)))
    assert shown["session"].data["warn"] == [{"usd": 0.004, "text": "warns at 0.4%"}]


def test_models_are_ordered_by_cost_and_the_many_are_summed() -> None:
    rows = figures(busy(20))["cost"].data["rows"]
    assert [row["name"] for row in rows[:2]] == ["model-19, medium", "model-18, small"]
    assert len(rows) == 7
    assert rows[-1]["name"] == "14 others"
    assert sum(row["usd"] for row in rows) == pytest.approx(2.10)


def test_attempts_by_tier_add_up_and_name_the_cached_ones() -> None:
    shown = figures(
        reading(
            by_model=(
                (("a", "small"), spent(1, calls=6, hits=2)),
                (("b", "small"), spent(1, calls=2)),
                (("c", "large"), spent(9, calls=2)),
            )
        )
    )["calls"]
    assert [row["label"] for row in shown.data["labels"]] == [
        "8 (80%, 2 cached)",
        "0 (0%)",
        "2 (20%)",
    ]
    bars = [(row["since"], row["count"]) for row in shown.data["rows"]]
    assert bars == [(0, 6), (6, 8), (0, 0), (0, 0), (0, 2), (2, 2)]
    assert shown.caption == (
        "10 calls: small 80%, medium 0%, large 20%; paler: from the cache"
    )


def test_the_tier_that_a_call_was_escalated_to_shows_its_attempts() -> None:
    escalated = Totals(calls=3, attempts=3), Totals(attempts=1)
    groups = ((("a", "small"), escalated[0]), (("c", "large"), escalated[1]))
    shown = figures(reading(by_model=groups))["calls"]
    assert [row["label"] for row in shown.data["labels"]] == [
        "3 (75%)",
        "0 (0%)",
        "1 (25%)",
    ]
    assert shown.caption == "3 calls, 4 attempts: small 75%, medium 0%, large 25%"


def test_a_hit_rate_is_over_calls_not_attempts() -> None:
    sums = Totals(calls=4, attempts=9, cache_hits=1)
    shown = figures(
        reading(by_model=((("a", "small"), sums),), course=(Point(NOON, sums),))
    )["hits"]
    assert shown.caption == "25%: 1 of 4 calls"
    assert shown.data["rows"][-1]["rate"] == 0.25


def test_the_few_that_make_most_of_the_cost_are_marked() -> None:
    groups: tuple[Group, ...] = (
        (("news", "draft"), spent(50)),
        (("news", None), spent(5)),
        ((None, None), spent(40)),
        (("news", "free"), spent(0)),
        ((None, "tidy"), spent(5)),
    )
    shown = figures(reading(by_step=groups))["pareto"]
    assert shown.caption.startswith("2 of 4 workflow steps (50%) make 80% of the cost")
    assert [(row["name"], row["vital"]) for row in shown.data["rows"]] == [
        ("news / draft", True),
        ("no workflow", True),
        ("news", False),
        ("no workflow / tidy", False),
    ]
    assert shown.data["rows"][-1]["cumulative"] == 1


def test_the_dearest_of_many_is_the_largest_part_and_not_most() -> None:
    shown = figures(busy(20))["cost"]
    assert shown.caption == "$2.10 this session, the largest part for model-19, medium"


def test_the_only_model_has_all_of_the_cost() -> None:
    shown = figures(busy(1))["cost"]
    assert shown.caption == "$0.01 this session, all of it for model-0, small"


def test_what_an_attempt_saved_is_said_where_its_call_began_earlier() -> None:
    sums = Totals(attempts=1, cost=CENT, baseline=2 * CENT, saved=CENT)
    shown = figures(reading(by_model=((("c", "large"), sums),)))
    assert shown["saved"].caption == "$0.01 saved: $0.01 paid instead of $0.02"
    assert shown["calls"].caption.startswith("0 calls, 1 attempt: small 0%")


def test_costs_that_are_unknown_are_said_beside_what_is_charged() -> None:
    guessed = Totals(calls=2, attempts=2, unknown=2, charged=CENT)
    groups = ((("a", "small"), spent(3)), (("b", "small"), guessed))
    assert figures(reading(by_model=groups))["cost"].caption == (
        "$0.04 this session, the largest part for a, small; "
        "2 attempts of unknown cost are in it as the limits count them"
    )


SAVINGS = {
    "all known": (
        Totals(calls=1, attempts=1, cost=CENT, baseline=3 * CENT, saved=2 * CENT),
        "$0.02 saved: $0.01 paid instead of $0.03",
    ),
    "no cost known for one": (
        Totals(
            calls=2, attempts=2, unknown=1, charged=9 * CENT,
            cost=CENT, baseline=8 * CENT, saved=2 * CENT,
        ),
        "$0.02 saved: $0.01 paid instead of $0.03; 1 attempt of unknown cost left out",
    ),
    "no baseline known for one": (
        Totals(calls=2, attempts=2, cost=5 * CENT, baseline=3 * CENT, saved=2 * CENT),
        "$0.02 saved: $0.05 paid instead of $0.07; "
        "an unknown baseline counts as what was paid",
    ),
    "no cost known": (
        Totals(calls=1, attempts=1, unknown=1, baseline=8 * CENT),
        "unknown: no cost is known",
    ),
    "dearer": (
        Totals(calls=1, attempts=1, cost=3 * CENT, baseline=CENT, saved=-2 * CENT),
        "-$0.02 saved: $0.03 paid instead of $0.01",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SAVINGS)
def test_what_was_saved_and_paid_add_up_whatever_is_unknown(case: str) -> None:
    sums, said = SAVINGS[case]
    shown = figures(
        reading(by_model=((("a", "small"), sums),), course=(Point(NOON, sums),))
    )["saved"]
    assert shown.caption == said
    assert shown.empty == (case == "no cost known")
    assert shown.data["rows"][-1]["usd"] == sums.saved / 1e12


def test_groups_that_read_alike_have_bars_of_their_own() -> None:
    steps: tuple[Group, ...] = (
        (("a / b", None), spent(3)),
        (("a", "b"), spent(2)),
        (("no workflow", None), spent(1)),
        ((None, None), spent(0.5)),
    )
    rows = figures(reading(by_step=steps))["pareto"].data["rows"]
    assert [row["name"] for row in rows] == [
        "a / b",
        "a / b",
        "no workflow",
        "no workflow",
    ]
    assert len({row["bar"] for row in rows}) == 4


@given(st.lists(st.integers(1, 10**13), min_size=1, max_size=40))
def test_the_pareto_s_bars_make_all_of_the_cost_in_at_most_eight(
    costs: list[int],
) -> None:
    groups: tuple[Group, ...] = tuple(
        ((f"w{n}", None), Totals(charged=cost)) for n, cost in enumerate(costs)
    )
    rows = figures(reading(by_step=groups))["pareto"].data["rows"]
    assert len(rows) <= 8
    assert sum(row["usd"] for row in rows) == pytest.approx(sum(costs) / 1e12)
    cumulative = [row["cumulative"] for row in rows]
    assert cumulative == sorted(cumulative)
    assert cumulative[-1] == 1


def test_times_read_as_the_zone_s_wall_clock() -> None:
    tokyo = reading(zone=ZoneInfo("Asia/Tokyo"))
    (row,) = figures(tokyo)["session"].data["rows"]
    assert row["t"] == (NOON.timestamp() + 9 * 3600) * 1000


@pytest.mark.parametrize("count", [0, 1, 7, 2_000])
def test_rows_are_few_and_plain_however_much_there_is(count: int) -> None:
    shown = {name: figure.data for name, figure in figures(busy(count)).items()}
    groups = ("cost", "calls", "pareto")
    assert all(len(rows) <= 8 for name in groups for rows in shown[name].values())
    json.dumps(shown, allow_nan=False)


@pytest.mark.parametrize(
    ("cents", "held", "said"),
    [
        (42, 10, "$0.42 of $1.00 spent, $0.10 held, 52%"),
        (42, 0, "$0.42 of $1.00 spent, 42%"),
        (79.9, 0.1, "$0.799 of $1.00 spent, $0.001 held, 80%, near the limit"),
        (100, 0, "$1.00 of $1.00 spent, 100%, spent: calls stop"),
        (5_000, 0, "$50.00 of $1.00 spent, over 999%, spent: calls stop"),
    ],
)
def test_a_standing_is_said_in_words(cents: float, held: float, said: str) -> None:
    limits = Limits(session=1.0)
    found = standings(cents, limits, held)["session"]
    words = standing_words("session", found, limits)
    assert words.replace("0.7990", "0.799").replace("0.0010", "0.001") == said


@pytest.mark.parametrize(
    ("cents", "said"),
    [(79, "79%"), (80, "at most the medium tier"), (95, "small tier only")],
)
def test_degrading_is_said_in_words(cents: float, said: str) -> None:
    limits = Limits(session=1.0, on_limit="degrade")
    found = standings(cents, limits)["session"]
    assert standing_words("session", found, limits).endswith(said)


def test_a_limit_of_nothing_is_spent() -> None:
    limits = Limits(day=0)
    found = standings(0, limits)["day"]
    assert standing_words("day", found, limits) == (
        "$0 of $0 spent, 100%, spent: calls stop"
    )


def test_unknown_and_estimated_costs_are_named() -> None:
    sums = Totals(calls=3, attempts=4, unknown=1, estimated=2, charged=CENT)
    first, second, *_ = tiles(reading(by_model=((("a", "small"), sums),)))
    assert first.note == "1 of unknown cost, 2 estimated"
    assert second.note == "1 more attempts"


def test_the_status_names_a_stop_and_every_limit() -> None:
    limits = Limits(session=1.0, month=5.0)
    said = status(reading(limits=limits, standings=standings(50, limits), stopped=True))
    assert said.startswith("All calls are stopped. This session: 0 calls")
    assert "session limit: $0.50 of $1.00 spent" in said
    assert "month limit: $0.50 of $5.00 spent" in said
    assert "day limit" not in said
