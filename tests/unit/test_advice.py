"""Advice is given where the ledger supports it, with its sum, and not where it does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from costroute_nb.core.advice import READ, Advice, Adviser
from costroute_nb.core.classification import Rule, RuleSet, SizeRule
from costroute_nb.core.costing import Costing
from costroute_nb.core.messages import Usage
from costroute_nb.core.places import Place, dearest
from costroute_nb.core.record import Record
from costroute_nb.core.totals import Totals
from tests.support.attempt_rows import rows_of
from tests.support.models import LARGE, MEDIUM, SMALL
from tests.support.records import NOON, ended, hold
from tests.support.tariff import CATALOG, STEP, billed, costing, price_of

PLACE = ("triage", "label")
RULES = RuleSet(
    rules=(
        Rule("security", "review", "large", True, "", ("security",)),
        Rule("contracts", "review", "large", False, "", ("contract",)),
    ),
    size=SizeRule(50_000, "large", "long_context", ""),
)


def there(call_id: str = "call", **changes: Any) -> Record:
    return billed(call_id, workflow=PLACE[0], step=PLACE[1], **changes)


def large(rule: str = "rule: contracts", **changes: Any) -> Record:
    return there(model=LARGE.id, tier="large", reason=rule, **changes)


def advised(records: Sequence[Record]) -> dict[str, Advice]:
    adviser = Adviser([PLACE], costing(), MEDIUM, RULES)
    adviser.read(rows_of(records, READ))
    spent = sum(record.cost or 0 for record in records)
    return {advice.kind: advice for advice in adviser.advice(PLACE, spent)}


def test_large_tier_that_no_floor_demanded_is_priced_at_the_medium_model() -> None:
    found = advised([large(), large("rule: long_context; a note", call_id="b")])
    advice = found["large tier"]
    assert advice.saved == 2 * (1_500_000 - 150_000)
    assert "2 attempts" in advice.finding
    assert "contracts 1, long_context 1" in advice.finding
    assert MEDIUM.id in advice.assumption


@pytest.mark.parametrize(
    "reason",
    [
        "rule: security",
        "rule: gone from the tables",
        "tier: asked for",
        "model: asked for",
        "floor: large (rule: contracts)",
        "",
    ],
)
def test_large_tier_that_somebody_or_a_floor_demanded_is_left_alone(
    reason: str,
) -> None:
    assert advised([large(reason)]) == {}


def test_prompt_that_the_medium_model_could_not_have_held_is_left_alone() -> None:
    narrow = replace(MEDIUM, context_window=1_099)
    adviser = Adviser([PLACE], costing(), narrow, RULES)
    adviser.read(rows_of([large()], READ))  # 1,000 tokens in and 100 out
    assert adviser.advice(PLACE, 1) == []


def test_answer_that_was_escalated_to_the_large_tier_is_left_alone() -> None:
    assert advised([large(attempt=2)]) == {}


def test_prompt_above_a_price_step_is_priced_at_the_step() -> None:
    usage = Usage(STEP + 20_000, 10_000, output_tokens=10)
    advice = advised([there(usage=usage)])["long prompts"]
    # Plain input is cut first: 90,000 and 10,000 read, at the rates below the step.
    below = 90_000 * 10 + 10_000 * 1 + 10 * 50
    above = 120_000 * 10**4 + 10_000 * 10**3 + 10 * 5 * 10**4
    assert advice.saved == above - below
    assert "the longest prompt had 130,000" in advice.finding
    assert str(advice.option).startswith(f"--context-tokens {STEP} ")


def test_model_without_price_steps_gets_the_other_advice() -> None:
    flat = Costing(CATALOG, lambda *key: replace(price_of(*key), steps=()))  # type: ignore[type-var]
    adviser = Adviser([PLACE], flat, MEDIUM, RULES)
    adviser.read(rows_of([there(usage=Usage(7_000)), *prompts(0, 4)], READ))
    assert [advice.kind for advice in adviser.advice(PLACE, 1)] == ["prompt caching"]


def test_prompt_at_the_step_is_not_above_it() -> None:
    assert "long prompts" not in advised([there(usage=Usage(STEP))])


def prompts(*minutes: float, **changes: Any) -> list[Record]:
    return [
        there(
            str(number),
            at=NOON + timedelta(minutes=minute),
            **{"usage": Usage(50_000), **changes},
        )
        for number, minute in enumerate(minutes)
    ]


def test_shared_prefix_is_priced_per_tenth_of_the_prompt() -> None:
    advice = advised(prompts(0, 4, 8))["prompt caching"]
    # One write at 12 and two reads at 1 instead of three times 10, for 5,000 tokens.
    assert advice.saved == 5_000 * (30 - 12 - 2)
    assert "3 attempts with 40,960 prompt tokens or more" in advice.finding
    assert "each further 10 % would save as much again" in advice.assumption
    assert str(advice.option).startswith("--thread NAME ")


def test_prefix_that_is_no_longer_kept_is_written_again() -> None:
    assert "prompt caching" not in advised(prompts(0, 6, 12))


def test_prefix_of_another_model_is_another_one() -> None:
    other = prompts(1, model=LARGE.id, tier="large", reason="rule: security")
    assert "prompt caching" not in advised([*prompts(0), *other])


@pytest.mark.parametrize(
    "usage", [Usage(40_959), Usage(50_000, 5_000), Usage(50_000, 0, 5_000)]
)
def test_short_prompts_and_cached_ones_need_no_prefix(usage: Usage) -> None:
    assert "prompt caching" not in advised(prompts(0, 1, 2, usage=usage))


def test_prompts_of_which_a_tenth_can_be_cached_are_counted_and_no_shorter_ones() -> (
    None
):
    lengths = [40_959, 40_960, 40_960]
    records = [
        replace(record, usage=Usage(length))
        for record, length in zip(prompts(0, 1, 2), lengths, strict=True)
    ]
    advice = advised(records)["prompt caching"]
    assert advice.saved == 4_096 * (20 - 12 - 1)
    assert "2 attempts" in advice.finding


def test_thinking_that_can_be_turned_off_is_priced_as_output() -> None:
    usage = Usage(100, output_tokens=400, thinking_tokens=300)
    advice = advised([there(usage=usage)])["thinking"]
    assert advice.saved == 300 * 50
    assert "75% are thinking" in advice.finding
    assert advice.option is None


@pytest.mark.parametrize("model", [MEDIUM, LARGE])
def test_thinking_that_cannot_be_turned_off_is_left_alone(model: Any) -> None:
    usage = Usage(100, output_tokens=400, thinking_tokens=300)
    record = there(usage=usage, model=model.id, tier=model.tier, reason="")
    assert advised([record]) == {}


def test_what_saves_less_than_a_hundredth_is_not_worth_saying() -> None:
    thought = Usage(100, output_tokens=400, thinking_tokens=300)
    costly = large("rule: security", call_id="b", usage=Usage(1_500))
    assert advised([there(usage=thought), costly]) == {}


def test_other_places_cached_and_unknown_rows_count_for_nothing() -> None:
    elsewhere = billed(model=LARGE.id, tier="large", reason="rule: contracts")
    cached = ended(hold("b", workflow=PLACE[0], step=PLACE[1]), 0, "cached")
    unknown = ended(hold("c", workflow=PLACE[0], step=PLACE[1]), None, "unknown")
    adviser = Adviser([PLACE], costing(), MEDIUM, RULES)
    adviser.read(rows_of([elsewhere, cached, unknown], READ))
    assert adviser.advice(PLACE, 1) == []


def test_dearest_advice_comes_first() -> None:
    usage = Usage(1_000, output_tokens=400, thinking_tokens=300)
    records = [there(usage=usage), large(call_id="b")]
    assert list(advised(records)) == ["large tier"]
    over = Usage(STEP + 1, output_tokens=400, thinking_tokens=300)
    first = next(iter(advised([there(usage=over), large(call_id="b")])))
    assert first == "long prompts"


def test_dearest_places_reach_four_fifths_of_all_cost() -> None:
    costs = {("a", None): 60, ("b", None): 5, ("c", "x"): 25, (None, None): 10}
    places = {place: Totals(attempts=1, cost=cost) for place, cost in costs.items()}
    assert dearest(places) == [("a", None), ("c", "x")]
    assert dearest({("a", None): Totals(attempts=1)}) == []
    many: dict[Place, Totals] = {
        (str(n), None): Totals(attempts=1, cost=1) for n in range(100)
    }
    assert len(dearest(many)) == 10


def test_small_model_is_never_advised_against() -> None:
    records = [there(model=SMALL.id, reason="rule: contracts")]
    assert advised(records) == {}


def test_models_without_a_price_get_no_advice_and_do_no_harm() -> None:
    unpriced = large(call_id="b")
    assert "large tier" in advised([large(), replace(unpriced, model="claude-nova-9")])
    assert "large tier" not in advised([replace(large(), cost=1)])
