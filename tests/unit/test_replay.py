"""Recorded attempts under other choices: exact where nothing changes, honest elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costroute_nb.core.billed import Billed, BilledCosting
from costroute_nb.core.catalog import Catalog
from costroute_nb.core.costing import Costing
from costroute_nb.core.messages import Usage
from costroute_nb.core.record import Record, Status
from costroute_nb.core.replay import Instead, Replay, with_policy
from costroute_nb.errors import ConfigurationError, UnknownModelError
from costroute_nb.what_if import what_if
from tests.support.attempt_rows import rows_of
from tests.support.models import LARGE, MEDIUM, SMALL
from tests.support.records import ended, hold
from tests.support.tariff import CATALOG, DEARER_FROM, billed, price_of
from tests.support.totalling import added_up

OLD = replace(LARGE, id="claude-opus-4-6", tokenizer="claude-2024", routed=False)
EVERY = Catalog((*CATALOG.models, OLD))


class Tariff:
    """The Prices port over the round prices."""

    price = staticmethod(price_of)


class Listed(list[Record]):
    """Attempts at hand."""

    def rows(self, names: Sequence[str], **some: Any) -> Any:
        return rows_of(self, names, **some)

    def sums(self, keys: Sequence[str]) -> Any:
        return added_up(self, keys).items()


def replayed(records: Iterable[Record], **choices: Any) -> pd.DataFrame:
    return what_if(Listed(records), catalog=EVERY, prices=Tariff(), **choices)


def sums(records: Iterable[Record], **choices: Any) -> tuple[float, float]:
    attrs = replayed(records, **choices).attrs
    return attrs["recorded_usd"], attrs["replayed_usd"]


COUNTS = st.integers(0, 300_000)
RECORDS = st.lists(
    st.builds(
        lambda model, usage, cost, status: ended(
            hold(model=model.id, tier=model.tier, usage=usage), cost, status
        ),
        st.sampled_from([SMALL, MEDIUM, LARGE, OLD]),
        st.builds(Usage, *[COUNTS] * 6),
        st.none() | st.integers(0, 10**13),
        st.sampled_from(["ok", "escalated", "failed", "interrupted"]),
    ),
    max_size=10,
)


@given(RECORDS)
def test_nothing_changed_costs_to_the_last_pico_what_it_cost(
    records: list[Record],
) -> None:
    whole = sum(record.cost or 0 for record in records) / 10**12
    assert sums(records) == (whole, whole)
    assert sums(records, tiers={}) == (whole, whole)
    assert sums(records, repricing={}) == (whole, whole)
    assert sums(records, policy=lambda record: record.model) == (whole, whole)


def test_prices_of_their_own_day_are_what_records_cost() -> None:
    records = [
        billed("a", model=SMALL.id, usage=Usage(5_000, 300, 20, 7, 900, 100)),
        billed("b", model=LARGE.id, tier="large", usage=Usage(150_000, 7, 0, 0, 9)),
    ]
    recorded, then = sums(records, repricing=records[0].at.date())
    assert then == recorded > 0


def test_tier_is_priced_at_another_model() -> None:
    records = [billed("a"), billed("b", model=LARGE.id, tier="large")]
    frame = replayed(records, tiers={"large": MEDIUM.id}).set_index("tier")
    large, small = frame.loc["large"], frame.loc["small"]
    assert (large.recorded_usd, large.replayed_usd) == (1.5e-6, 1.5e-7)
    assert large.saved_usd == pytest.approx(1.35e-6)
    assert (small.recorded_usd, small.replayed_usd, small.changed) == (
        1.5e-8,
        1.5e-8,
        0,
    )


def test_model_line_names_its_tier() -> None:
    records = [billed(model=LARGE.id, tier="large")]
    assert sums(records, tiers={"opus": SMALL.id}) == (1.5e-6, 1.5e-8)


def test_other_tokenizer_is_corrected_for() -> None:
    record = ended(hold(model=OLD.id, tier="large", usage=Usage(3_500)), 1)
    _, replayed_usd = sums([record], tiers={"large": LARGE.id})
    assert replayed_usd == 4_300 * 1_000 / 10**12


def test_rates_of_one_model_are_changed_by_its_id() -> None:
    records = [billed("a"), billed("b", model=LARGE.id, tier="large")]
    given_rates = {LARGE.id: {"input": 0.5, "output": "1"}}
    frame = replayed(records, repricing=given_rates, by="model").set_index("model")
    # 1,000 in and 100 out at 0.5 and 1 USD per million tokens.
    assert frame.loc[LARGE.id, "replayed_usd"] == 0.0006
    assert frame.loc[SMALL.id, "changed"] == 0


def test_rates_above_a_step_are_changed_exactly_too() -> None:
    rates = {"input": 1.1, "output": 2.2, "cache_read": 0.1}
    rates |= {"cache_write_5m": 1.3, "cache_write_1h": 2.1}
    above = [{"tokens": 1_000, **{key: 10 * rate for key, rate in rates.items()}}]
    usage = Usage(2_000, output_tokens=1)
    frame = replayed(
        [billed("a", usage=usage)], repricing={SMALL.id: {**rates, "above": above}}
    )
    assert frame["replayed_usd"].sum() == 0.022022


def test_prices_of_a_day_hold_for_everything() -> None:
    recorded, later = sums([billed("a"), billed("b")], repricing=DEARER_FROM)
    assert later == 2 * recorded
    assert sums([billed()], repricing=date(2026, 12, 31))[1] == sums([billed()])[0]


def test_all_large_asks_once_what_was_escalated() -> None:
    records = [
        billed("a", status="escalated"),
        billed("a", model=MEDIUM.id, tier="medium", attempt=2),
        billed("b", status="failed"),
    ]
    recorded, large = sums(records, policy="all-large")
    assert recorded == (15_000 + 150_000 + 15_000) / 10**12
    assert large == 3_000_000 / 10**12
    assert sums(records, policy="all-small")[1] == 30_000 / 10**12


@pytest.mark.parametrize("status", ["failed", "refused", "interrupted", "unknown"])
def test_call_is_not_lost_where_what_it_escalated_to_failed(status: Status) -> None:
    unanswered = ended(hold("a", attempt=2, tier="large"), 0, status)
    records = [billed("a", status="escalated"), unanswered]
    assert sums(records, policy="all-large")[1] == 1_500_000 / 10**12


@pytest.mark.parametrize("status", ["truncated", "failed", "refused", "escalated"])
def test_call_that_was_asked_again_is_asked_once(status: Status) -> None:
    records = [billed("a", status=status), billed("a", attempt=2)]
    assert sums(records, policy="all-large")[1] == 1_500_000 / 10**12
    # Nobody knows what the last one cost: the one before stands for the call.
    records = [billed("a", status=status), replace(records[1], cost=None)]
    assert sums(records, policy="all-small") == (1.5e-8, 1.5e-8)


ATTEMPTS = st.tuples(
    st.sampled_from([SMALL, MEDIUM, LARGE]),
    st.sampled_from([Usage(), Usage(1_000, output_tokens=100)]),
    st.none() | st.integers(0, 10**13),
    st.sampled_from(
        ["ok", "escalated", "truncated", "refused", "failed", "interrupted"]
    ),
)


@given(st.lists(st.lists(ATTEMPTS, min_size=1, max_size=4), max_size=8), st.data())
def test_policy_asks_once_for_each_call_that_used_tokens(
    calls: list[list[Any]], data: st.DataObject
) -> None:
    records = [
        ended(
            hold(str(call), attempt=number, model=model.id, tier=model.tier, usage=u),
            cost,
            status,
        )
        for call, attempts in enumerate(calls)
        for number, (model, u, cost, status) in enumerate(attempts, 1)
    ]
    mixed = data.draw(st.permutations(records))
    rows = [Billed._make(row) for row in rows_of(mixed, Billed._fields)]
    costing = Costing(EVERY, price_of)
    replay = Replay(BilledCosting(costing), lambda model: False)
    choose = with_policy("all-large", EVERY, rows)
    made = [(row, *replay.cost(row, choose(row))) for row in rows if row.asked]
    asked = Counter(row.call_id for row, _, model, _ in made if model)
    used = {r.call_id for r in records if r.usage != Usage() and r.cost is not None}
    assert asked == Counter(used)
    assert {model for _, _, model, _ in made} <= {"", LARGE.id}
    kept = [replay.cost(row, Instead.KEPT)[0] for row in rows]
    assert kept == [record.cost for record in mixed]


def test_policy_of_ones_own_chooses_per_record_and_may_leave_out() -> None:
    records = [billed("a", task="x"), billed("b", task="y"), billed("c", task="z")]
    chosen = {"x": LARGE.id, "y": None, "z": SMALL.id}
    frame = replayed(records, policy=lambda r: chosen[r.task], by="task")
    assert dict(zip(frame.task, frame.replayed_usd, strict=True)) == {
        "x": 1.5e-6, "y": 0.0, "z": 1.5e-8,
    }  # fmt: skip
    assert frame.changed.sum() == 2


def test_cached_answers_stay_free() -> None:
    record = ended(hold(cache_hit=True), 0, "cached", baseline=900)
    assert sums([record], policy="all-large") == (0.0, 0.0)


def test_unknown_cost_is_in_neither_sum() -> None:
    records = [billed("a"), ended(hold("b", usage=Usage(5)), None, "unknown")]
    frame = replayed(records, policy="all-large")
    assert (frame.attempts.sum(), frame.unknown.sum()) == (2, 1)
    assert frame.attrs["recorded_usd"] == 1.5e-8


def test_model_without_a_price_is_unknown_and_not_free() -> None:
    frame = replayed([billed()], tiers={"small": OLD.id})
    assert (frame.unknown.sum(), frame.attrs["recorded_usd"]) == (1, 0.0)


def test_frame_says_what_is_assumed() -> None:
    assert any("not replayed" in note for note in replayed([]).attrs["notes"])


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"tiers": {"huge": SMALL.id}}, "no tier"),
        ({"policy": "all-medium"}, "no policy"),
        ({"tiers": {}, "policy": "all-large"}, "not both"),
        ({"repricing": {SMALL.id: {"inputs": 1}}}, "unknown key 'inputs'"),
        ({"by": "cell"}, "no replay by"),
    ],
)
def test_choice_that_cannot_be_used_is_refused(
    choices: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        replayed([billed()], **choices)


def test_unknown_models_are_refused_by_name() -> None:
    for choices in ({"tiers": {"small": "gpt"}}, {"repricing": {"gpt": {"input": 1}}}):
        with pytest.raises(UnknownModelError, match="gpt"):
            replayed([billed()], **choices)


@pytest.mark.parametrize(
    "day",
    [
        "2027-01-01",
        "2027-01-01 09:30",
        date(2027, 1, 1),
        datetime(2027, 1, 1, tzinfo=UTC),
        datetime(2027, 1, 1),  # noqa: DTZ001 -- what a user types
        "2026-12-31T23:30-01:00",
    ],
)
def test_day_of_prices_may_be_text_a_date_or_a_moment(day: Any) -> None:
    recorded, later = sums([billed()], repricing=day)
    assert later == 2 * recorded


@pytest.mark.parametrize(
    "prices", ["last year", 2026, {SMALL.id: 3}, [(SMALL.id, {})], "2026-13-01"]
)
def test_prices_that_are_neither_a_day_nor_rates_are_refused(prices: Any) -> None:
    with pytest.raises(ConfigurationError, match="prices are a day such as") as caught:
        replayed([billed()], repricing=prices)
    assert "\n" not in str(caught.value)


def test_earliest_known_prices_of_a_day_long_ago_are_told_and_named() -> None:
    records = [billed("a"), billed("b", model=LARGE.id, tier="large")]
    note = replayed(records, repricing="2001-01-01").attrs["notes"][-1]
    assert f"stands for 2001-01-01 for {SMALL.id}, {LARGE.id}" in note
    assert "may not have held then" in note


def test_prices_of_a_later_day_are_certain() -> None:
    for day in ("2026-12-31", DEARER_FROM):
        notes = replayed([billed()], repricing=day).attrs["notes"]
        assert not any("earliest" in note for note in notes)
    then = replace(billed(), at=datetime(2028, 1, 1, tzinfo=UTC))
    notes = replayed([then], repricing="2027-06-01").attrs["notes"]
    assert not any("earliest" in note for note in notes)


def test_models_line_names_what_routing_picks_of_it() -> None:
    records = [billed(model=LARGE.id, tier="large")]
    assert sums(records, tiers={"large": SMALL.line.upper()}) == (1.5e-6, 1.5e-8)
    twins = Catalog((*CATALOG.models, replace(SMALL, id="claude-haiku-9")))
    with pytest.raises(UnknownModelError, match=SMALL.line):
        what_if(
            Listed(records), catalog=twins, prices=Tariff(), tiers={"large": SMALL.line}
        )


def test_policy_that_fails_is_told_what_a_record_has() -> None:
    with pytest.raises(ConfigurationError, match="not subscriptable") as caught:
        replayed([billed()], policy=lambda record: record["tier"])
    said = str(caught.value)
    assert "`record.tier`: call_id, attempt, at, " in said
    assert "usage.{input_tokens, " in said
    assert "\n" not in said


def test_policy_must_return_a_models_id_or_none() -> None:
    with pytest.raises(ConfigurationError, match="the policy returned 3: the id of"):
        replayed([billed()], policy=lambda record: 3)
    with pytest.raises(UnknownModelError, match="gpt"):
        replayed([billed()], policy=lambda record: "gpt")


def test_policy_that_asks_for_an_unknown_model_itself_says_so_itself() -> None:
    with pytest.raises(UnknownModelError, match="claude-nova"):
        replayed([billed()], policy=lambda record: CATALOG.find("claude-nova").id)
