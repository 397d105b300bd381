"""Which alerts are due, by what key, and what they say."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costroute_nb.core.alerts import (
    LEAST_RATE,
    Alert,
    Due,
    call_due,
    limit_due,
    rate_due,
    rate_slots,
    read,
    unusual,
    usual_rate,
)
from costroute_nb.core.budget import Check, OnLimit
from tests.support.records import NOON, ended, hold

USD = 10**12
DAY = Check(
    "day", USD, since=NOON.replace(hour=0), until=NOON.replace(hour=0, day=23)
)  # fmt: skip


def due(
    spent: float,
    check: Check = DAY,
    *,
    alert_at: float = 0.8,
    on_limit: OnLimit = "stop",
    simulated: bool = False,
    refused: bool = False,
) -> Due | None:
    return limit_due(
        check,
        round(spent * USD),
        alert_at=alert_at,
        on_limit=on_limit,
        at=NOON,
        simulated=simulated,
        refused=refused,
    )


def alert(found: Due | None) -> Alert:
    assert found is not None
    return found.alert


def test_nothing_is_due_below_the_first_threshold() -> None:
    assert due(0.7999) is None


def test_the_first_threshold_is_due_when_it_is_reached() -> None:
    found = due(0.8)
    assert (alert(found).threshold, alert(found).limit) == (0.8, "day")
    assert found is not None
    assert found.before == ()


def test_the_whole_limit_is_a_threshold_of_its_own() -> None:
    found = alert(due(1.0))
    assert found.threshold == 1.0
    assert found.key != alert(due(0.9)).key


def test_a_jump_tells_the_highest_threshold_and_claims_the_lower_in_silence() -> None:
    found = due(1.3)
    assert alert(found).threshold == 1.0
    assert found is not None
    assert found.before == (alert(due(0.9)).key,)


def test_a_level_of_one_leaves_one_threshold() -> None:
    assert due(0.99, alert_at=1.0) is None
    found = due(1.0, alert_at=1.0)
    assert found is not None
    assert found.before == ()


@pytest.mark.parametrize(
    "other",
    [
        due(0.9, simulated=True),
        due(1.9, replace(DAY, limit=2 * USD)),
        due(0.9, replace(DAY, name="month")),
        due(0.9, replace(DAY, since=NOON.replace(hour=1))),
        due(0.95, alert_at=0.9),
    ],
    ids=["pot", "amount", "limit", "period", "threshold"],
)
def test_what_makes_an_alert_another_one_is_in_its_key(other: Due | None) -> None:
    assert alert(other).key != alert(due(0.9)).key


def test_a_refusal_near_the_limit_means_that_it_is_exhausted() -> None:
    found = due(0.97, refused=True)
    assert alert(found).threshold == 1.0
    assert "stops calls" in alert(found).text
    assert found is not None
    assert len(found.before) == 1


def test_a_refusal_of_one_large_call_is_no_exhausted_limit() -> None:
    assert due(0.3, refused=True) is None


@pytest.mark.parametrize("alert_at", [0.2, 0.5, 0.85])
def test_when_a_limit_is_exhausted_does_not_depend_on_when_to_warn(
    alert_at: float,
) -> None:
    early = due(0.89, alert_at=alert_at, refused=True)
    assert alert(early).threshold == alert_at
    assert "stops calls" not in alert(early).text
    assert alert(due(0.9, alert_at=alert_at, refused=True)).threshold == 1.0


def test_a_refusal_near_the_limit_is_told_also_where_only_the_end_is_to_be() -> None:
    assert alert(due(0.9, alert_at=1.0, refused=True)).threshold == 1.0


def test_a_limit_of_zero_is_no_news() -> None:
    assert due(0.0, replace(DAY, limit=0), refused=True) is None


def test_a_line_has_the_numbers_and_the_cure() -> None:
    text = alert(due(0.85)).text
    assert "85% of the day limit is used: $0.85 of $1.00 is spent" in text
    assert "`%route budget --day 2`" in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("spent", "more"), [(0.85, "2"), (1.0, "2"), (1.23, "2.3"), (10.0, "11")]
)
def test_the_cure_leaves_room_again_whatever_is_spent(spent: float, more: str) -> None:
    assert f"`%route budget --day {more}`" in alert(due(spent)).text


def test_smaller_models_are_promised_from_where_they_answer_only() -> None:
    at_half = alert(due(0.5, alert_at=0.5, on_limit="degrade")).text
    assert "from here on" not in at_half
    assert "from 80% on smaller models answer where they may" in at_half
    later = alert(due(0.8, alert_at=0.5, on_limit="degrade")).text
    assert "from here on smaller models answer where they may" in later


def test_a_line_of_the_simulated_pot_says_so() -> None:
    assert alert(due(0.85, simulated=True)).text.startswith("Simulated money")


def test_a_share_is_never_rounded_up_to_a_threshold() -> None:
    assert alert(due(0.9999)).text.startswith("99%")


@given(
    st.integers(0, 3 * USD),
    st.integers(1, 3 * USD),
    st.floats(0, 1, exclude_min=True),
)
def test_the_keys_told_and_claimed_are_all_those_that_are_reached(
    spent: int, limit: int, alert_at: float
) -> None:
    found = limit_due(
        replace(DAY, limit=limit),
        spent,
        alert_at=alert_at,
        on_limit="stop",
        at=NOON,
        simulated=False,
    )
    keys = [] if found is None else [*found.before, found.alert.key]
    levels = {max(1, round(alert_at * 10**6)), 10**6}
    reached = [level for level in levels if spent * 10**6 >= level * limit]
    assert len(set(keys)) == len(keys) == len(reached)


def test_a_call_alerts_above_its_amount_only() -> None:
    record = ended(hold("call"), USD // 2)
    assert call_due(record, USD // 2, USD // 2, NOON) is None
    found = alert(call_due(record, USD // 2 + 1, USD // 2, NOON))
    assert (found.kind, found.period, found.threshold) == ("call", "call", 0.5)


def test_no_amount_means_no_alert_on_calls() -> None:
    assert call_due(ended(hold(), USD), USD, None, NOON) is None


def test_a_calls_line_names_cost_model_and_attempts() -> None:
    record = ended(hold(attempt=3), USD)
    text = alert(call_due(record, 2 * USD, USD // 2, NOON)).text
    assert "One call cost $2.00 on claude-haiku-5-5, with 3 attempts" in text
    assert "$0.50" in text


def test_an_unknown_cost_is_not_told_as_a_fact() -> None:
    record = ended(hold(), USD, "unknown", cost=None)
    assert "may have cost" in alert(call_due(record, USD, 0, NOON)).text


def test_a_model_id_that_is_none_is_not_repeated() -> None:
    record = ended(hold(model="<b>pay\nhere</b>"), USD)
    text = alert(call_due(record, USD, 0, NOON)).text
    assert "pay" not in text


def test_the_usual_rate_is_the_median_of_the_windows_with_spend() -> None:
    assert usual_rate([0, 0, 0, 5, 0, 1, 3]) == 3
    assert usual_rate([0, 2, 4, 0]) == 3


def test_without_a_past_nothing_is_unusual() -> None:
    assert usual_rate([0, 0]) is None
    assert not unusual(100 * USD, None)


def test_five_times_the_usual_is_not_yet_unusual() -> None:
    assert not unusual(5 * USD, USD)
    assert unusual(5 * USD + 1, USD)


def test_less_than_half_a_dollar_is_never_unusual() -> None:
    assert not unusual(LEAST_RATE - 1, 1)
    assert unusual(LEAST_RATE, 1)


def test_a_rates_line_has_both_rates() -> None:
    text = rate_due(84 * USD // 100, 7 * USD // 100, NOON, simulated=False).alert.text
    assert "$0.84 in the last 10 minutes, 12 times the usual $0.07" in text


@given(st.integers(0, 3599), st.integers(0, 10**6))
def test_two_alerts_on_the_rate_within_an_hour_share_a_slot(
    apart: int, start: int
) -> None:
    first = datetime.fromtimestamp(start, UTC)
    mine = rate_slots(first, simulated=False)
    others = rate_slots(first + timedelta(seconds=apart), simulated=False)
    assert others[0] in mine


def test_an_alert_on_the_rate_is_free_again_after_eighty_minutes() -> None:
    later = rate_slots(NOON + timedelta(minutes=80), simulated=False)
    assert not set(rate_slots(NOON, simulated=False)) & set(later)


@pytest.mark.parametrize(
    "told",
    [
        alert(due(0.85)),
        alert(due(2.0, simulated=True)),
        alert(call_due(ended(hold(), USD), USD, USD // 2, NOON)),
        rate_due(USD, USD // 10, NOON, simulated=False).alert,
    ],
    ids=["limit", "simulated", "call", "rate"],
)
def test_an_alert_is_read_back_as_it_was_told(told: Alert) -> None:
    assert read(told.at, told.key, told.text) == told


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (alert(due(0.9)).key, ""),
        ("something else", "text"),
        ("limit/real/day/p/high/1", "text"),
        ("other/real/day/p/0.8/1", "text"),
    ],
)
def test_a_claim_that_was_never_told_is_no_alert(key: str, text: str) -> None:
    assert read(NOON, key, text) is None
