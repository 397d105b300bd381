"""What levers saved: the parts make the whole, the rest is said beside it, never zero."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costroute_nb.core.answer_sizes import MOST, Answers
from costroute_nb.core.lever import HEADINGS, Lever, Levers, lever_cells, lever_line
from costroute_nb.core.levers import Used, levers
from costroute_nb.core.totals import Totals
from tests.support.models import LARGE, MEDIUM, SMALL
from tests.support.records import NOON
from tests.support.tariff import STEP, price_of

STATUSES = ("ok", "cached", "escalated", "truncated", "refused", "failed", "unknown")


def found(
    by_status: dict[str, Totals] | None = None,
    used: Iterable[Used] = (),
    answers: Iterable[Answers] = (),
    at: datetime = NOON,
) -> Levers:
    return levers(
        {"ok": Totals(calls=1, attempts=1, cost=1_000, baseline=1_000)}
        if by_status is None
        else by_status,
        used,
        answers,
        baseline_model=LARGE.id,
        price=price_of,
        now=at,
    )


def the(name: str, found: Levers) -> Lever:
    (lever,) = (lever for lever in found.rows if lever.name == name)
    return lever


def uses(model: str = SMALL.id, above: int = 0, **changes: Any) -> Used:
    used = Used(NOON, "anthropic", model, "standard", "standard", "global", above)
    return used._replace(**changes)


def answers(structured: bool, number: int, output: int, **changes: Any) -> Answers:
    one = Answers(
        "anthropic", SMALL.id, "extraction", None, None, structured, None, number,
        output, 0,
    )  # fmt: skip
    return one._replace(**changes)


amounts = st.integers(-(10**15), 10**15)


@st.composite
def totals(draw: st.DrawFn) -> Totals:
    attempts = draw(st.integers(0, 50))
    unknown = draw(st.integers(0, attempts))
    known = attempts > unknown
    return Totals(
        attempts=attempts,
        unknown=unknown,
        cost=abs(draw(amounts)) if known else 0,
        saved=draw(amounts) if known else 0,
    )


@given(st.dictionaries(st.sampled_from(STATUSES), totals()))
def test_parts_add_up_to_what_was_saved(by_status: dict[str, Totals]) -> None:
    levers = found(by_status, [uses(cached=1, cache_read_tokens=10)])
    whole = sum(by_status.values(), Totals())
    parts = [lever.saved for lever in levers.rows if lever.counts == "part"]
    if not whole.attempts:
        assert levers == Levers()
        return
    known = [saved for saved in parts if saved is not None]
    assert levers.saved == whole.known_saving == (sum(known) if known else None)
    asked = [lever.attempts for lever in levers.rows if lever.counts == "part"]
    assert sum(asked) == whole.attempts


def test_nothing_that_did_nothing_has_a_row() -> None:
    assert found({}) == Levers()
    assert [lever.name for lever in found().rows] == ["routing"]


def test_cache_and_routing_are_told_apart_and_name_the_baseline() -> None:
    levers = found(
        {
            "cached": Totals(
                calls=2, attempts=2, cache_hits=2, saved=700, baseline=700
            ),
            "ok": Totals(attempts=3, cost=100, saved=400, input_tokens=9),
            "escalated": Totals(attempts=1, cost=50, saved=-50, output_tokens=2),
        }
    )
    cache, routing = levers.rows
    assert (cache.attempts, cache.tokens, cache.saved) == (2, None, 700)
    assert (routing.attempts, routing.tokens, routing.saved) == (4, 11, 350)
    assert LARGE.id in cache.baseline
    assert LARGE.id in routing.baseline
    assert "1 attempt brought no answer: " in routing.finding
    assert levers.saved == 1_050


def test_saving_of_which_nothing_is_known_is_not_zero() -> None:
    levers = found({"unknown": Totals(attempts=2, unknown=2, charged=100)})
    routing = the("routing", levers)
    assert (routing.saved, routing.unknown, levers.saved) == (None, 2, None)
    assert "2 attempts of unknown amount are left out" in routing.finding
    assert "saved unknown against" in lever_line(routing)


def test_hits_without_a_known_baseline_are_left_out_and_counted() -> None:
    hits = Totals(calls=2, attempts=2, cache_hits=2, saved=10, baseline=10)
    one = found({"cached": hits}, [uses(unmeasured=1, unmeasured_hits=1)])
    assert (the("answer cache", one).saved, the("answer cache", one).unknown) == (10, 1)
    none = found({"cached": hits}, [uses(unmeasured=2, unmeasured_hits=2)])
    assert the("answer cache", none).saved is None


def test_prompt_cache_is_against_plain_input_on_the_same_model() -> None:
    read = uses(cached=2, cache_read_tokens=1_000)
    written = uses(
        MEDIUM.id, cached=1, cache_write_5m_tokens=10, cache_write_1h_tokens=1
    )
    lever = the("prompt caching", found(used=[read, written]))
    # Reads at 1 instead of 10; writes at 125 and 200 instead of 100.
    assert lever.saved == 1_000 * (10 - 1) - 10 * 25 - 100
    assert (lever.attempts, lever.tokens, lever.counts) == (3, 1_011, "on top")
    assert "1,000 tokens read, 11 written" in lever.finding


def test_prompt_cache_that_cost_more_has_saved_less_than_nothing() -> None:
    lever = the("prompt caching", found(used=[uses(cached=1, cache_write_1h_tokens=7)]))
    assert lever.saved == -7 * 10
    assert "saved -$" in lever_line(lever)


def test_prompts_above_a_step_are_priced_at_the_step_however_many_they_are() -> None:
    below = uses(cached=100, cache_read_tokens=100 * STEP)
    above = uses(above=STEP, cached=1, cache_read_tokens=STEP + 1)
    assert the("prompt caching", found(used=[below])).saved == 100 * STEP * 9
    assert the("prompt caching", found(used=[above])).saved == (STEP + 1) * 9_000


@pytest.mark.parametrize(
    ("changes", "times"),
    [
        ({"service_tier": "batch"}, 0.5),
        ({"geo": "us"}, 1.1),
        ({"geo": "us", "service_tier": "batch"}, 0.55),
        ({"service_tier": "priority"}, None),
        ({"speed": "fast"}, None),  # nobody has published its rates
        ({"model": "nova"}, None),
    ],
)
def test_batches_and_regions_have_their_own_price_and_others_none(
    changes: dict[str, Any], times: float | None
) -> None:
    used = uses(
        cached=1, cache_read_tokens=1_000, thought=2, thinking_tokens=100, **changes
    )
    levers = found(used=[used])
    caching, thinking = the("prompt caching", levers), the("thinking", levers)
    if times is None:
        assert (caching.saved, caching.unknown) == (None, 1)
        assert (thinking.cost, thinking.unknown) == (None, 2)
        assert lever_cells(thinking)[4] == "unknown"
        assert "–" in thinking.finding
    else:
        assert caching.saved == 9_000 * times
        assert thinking.cost == 5_000 * times


def test_trimming_sums_what_is_known_and_says_what_is_not() -> None:
    used = [
        uses(trimmed=3, trimmed_tokens=900, trimmed_saved=5_000, trimmed_unknown=1),
        uses(trimmed=1, trimmed_tokens=100, trimmed_unknown=1),
    ]
    lever = the("trimming", found(used=used))
    assert (lever.attempts, lever.tokens, lever.saved) == (4, 1_000, 5_000)
    assert lever.unknown == 2
    assert "same model" in lever.baseline
    assert the("trimming", found(used=used[1:])).saved is None


def test_thinking_is_a_cost_by_model_and_a_share_of_all() -> None:
    used = [
        uses(thought=1, thinking_tokens=1),
        uses(LARGE.id, thought=2, thinking_tokens=30),
        uses(LARGE.id, thought=1, thinking_tokens=10, at=NOON.replace(year=2027)),
    ]
    whole = {"ok": Totals(attempts=4, cost=1_000_000)}
    _, large, small = found(whole, used).rows
    # Twice as dear in 2027.
    assert (large.of, large.cost) == (LARGE.id, 30 * 5_000 + 10 * 10_000)
    assert (small.of, small.cost, small.saved) == (SMALL.id, 50, None)
    assert (large.attempts, large.tokens) == (3, 40)
    assert large.finding == "25% of all cost"
    assert small.finding == "less than 1% of all cost"
    assert lever_line(small).startswith(f"thinking: {SMALL.id}: cost $")


def test_schemas_are_compared_on_the_same_model_at_its_output_price() -> None:
    sizes = [
        answers(True, 4, 100), answers(False, 3, 300), answers(False, 1, 100),
        answers(True, 9, 9, model=MEDIUM.id),
    ]  # fmt: skip
    lever = the("structured output", found(answers=sizes))
    assert lever.saved == (4 * 100 - 100) * 50
    assert (lever.attempts, lever.tokens, lever.counts) == (4, 100, "compared")
    assert lever.finding == (
        "on average 25 output tokens with a schema in 4, 100 without in 4"
    )
    assert f"{SMALL.id} without a schema, at its output price of 2026" in lever.baseline


def test_schemas_on_other_models_are_compared_in_tokens_alone() -> None:
    sizes = [answers(True, 2, 10), answers(False, 1, 50, model=LARGE.id)]
    lever = the("structured output", found(answers=sizes))
    assert lever.saved is None
    assert "they are of other models" in lever.baseline
    assert "5.0 output tokens with a schema in 2, 50 without in 1" in lever.finding
    assert lever_cells(lever)[3] == "–"
    assert ": compared with answers without a schema" in lever_line(lever)


@pytest.mark.parametrize(
    "other", [{"task": "summary"}, {"workflow": "w"}, {"step": "s"}]
)
def test_schemas_of_other_work_are_not_compared(other: dict[str, Any]) -> None:
    levers = found(answers=[answers(True, 1, 1), answers(False, 1, 9, **other)])
    assert [lever.name for lever in levers.rows] == ["routing"]


def test_efforts_are_compared_for_the_same_task_and_model() -> None:
    sizes = [
        answers(False, 2, 400, effort="high", thinking_tokens=300),
        answers(False, 2, 100, effort="low", thinking_tokens=40),
        answers(False, 1, 50, thinking_tokens=5),
        answers(False, 1, 1, effort="low", model=MEDIUM.id),
    ]
    lever = the("effort", found(answers=sizes))
    assert (lever.of, lever.attempts) == (f"extraction, {SMALL.id}", 5)
    assert (lever.saved, lever.cost) == (None, None)
    assert "high: on average 150 thinking of 200 output tokens in 2" in lever.finding
    assert "its own effort: on average 5.0 thinking of 50 output" in lever.finding
    assert "low: on average 20 thinking of 50 output" in lever.finding


def test_only_the_busiest_comparisons_are_given() -> None:
    sizes = [
        answers(structured, number, 10, task=f"task {number}")
        for number in range(1, MOST + 3)
        for structured in (True, False)
    ]
    levers = found(answers=sizes)
    given = [lever.attempts for lever in levers.rows if lever.counts == "compared"]
    assert given == list(range(MOST + 2, 2, -1))
    assert any(f"the {MOST} comparisons" in note for note in levers.notes)


def test_notes_say_which_rows_add_up_and_which_come_on_top() -> None:
    plain = found().notes
    assert len(plain) == 1
    assert (
        "saved against the large tier's model when each call was made (today "
        in plain[0]
    )
    assert f"(today {LARGE.id}), " in plain[0]
    notes = found(used=[uses(trimmed=1, trimmed_tokens=5)]).notes
    assert any("come on top" in note for note in notes)


def test_every_value_of_a_lever_is_a_cell_or_a_word() -> None:
    lever = the("routing", found())
    assert len(lever_cells(lever)) == len(HEADINGS)
    assert {field.name for field in fields(lever)} >= {"baseline", "finding", "unknown"}
