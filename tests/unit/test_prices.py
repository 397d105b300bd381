from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costroute_nb.core.messages import Completion, Usage
from costroute_nb.core.money import usd_to_pico
from costroute_nb.core.overrides import apply_overrides, parse_overrides
from costroute_nb.core.prices import (
    Price,
    Rates,
    complete_rates,
    completion_cost,
    cost,
    largest_max_tokens,
    worst_case,
)
from costroute_nb.core.tables import TableError


def rates(*usd_per_mtok: str) -> Rates:
    return Rates(*(int(Decimal(usd) * 10**6) for usd in usd_per_mtok))


HAIKU = Price(
    "claude-haiku-5-5",
    rates("0.10", "0.50", "0.01", "0.125", "0.20"),
    steps=((100_000, rates("0.50", "2.50", "0.05", "0.625", "1.00")),),
    web_search=usd_to_pico("0.01"),
    as_of="genai-prices 0.2.3",
)
OPUS = Price(
    "claude-opus-5-5",
    rates("4", "20", "0.20", "5", "8"),
    web_search=usd_to_pico("0.01"),
    fast=rates("8", "40", "0.40", "10", "16"),
)
SONNET_4_6 = Price("claude-sonnet-4-6", rates("3", "15", "0.30", "3.75", "6"))
HAIKU_4_5 = Price("claude-haiku-4-5", rates("1", "5", "0.10", "1.25", "2"))
OPUS_4_7 = Price("claude-opus-4-7", rates("5", "25", "0.50", "6.25", "10"))

COUNTS = Usage(1200, 8000, 500, 300, 350)

COUNT_NAMES = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
)
TOKENS = st.integers(0, 400_000)
ANY_RATES = st.builds(Rates, *[st.integers(0, 10**8)] * 5)
ANY_PRICE = st.builds(
    lambda base, steps: Price("any", base, tuple(sorted(steps.items()))),
    ANY_RATES,
    st.dictionaries(st.integers(1, 300_000), ANY_RATES, max_size=3),
)
ANY_USAGE = st.builds(Usage, TOKENS, TOKENS, TOKENS, TOKENS, TOKENS)


# Counts and rates


@pytest.mark.parametrize(
    ("price", "usd"),
    [(SONNET_4_6, "0.014925"), (HAIKU_4_5, "0.004975"), (OPUS_4_7, "0.024875")],
)
def test_five_disjoint_counts_are_each_priced_once(price: Price, usd: str) -> None:
    assert cost(COUNTS, price) == usd_to_pico(usd)


def test_a_write_of_unknown_lifetime_costs_as_one_of_five_minutes() -> None:
    lump = Usage(cache_write_5m_tokens=800)
    assert cost(lump, SONNET_4_6) == 800 * SONNET_4_6.base.cache_write_5m


def test_thinking_tokens_are_inside_the_output_and_never_added() -> None:
    thought = replace(COUNTS, thinking_tokens=300)
    assert cost(thought, HAIKU) == cost(COUNTS, HAIKU)


def test_no_tokens_cost_exactly_nothing() -> None:
    assert cost(Usage(), HAIKU) == 0


# Steps: a long prompt changes every rate of its request


def test_a_prompt_of_100000_tokens_is_at_the_base_rates() -> None:
    assert cost(Usage(100_000, output_tokens=1000), HAIKU) == usd_to_pico("0.0105")


def test_one_token_more_takes_the_whole_request_to_the_next_step() -> None:
    assert cost(Usage(100_001, output_tokens=1000), HAIKU) == usd_to_pico("0.0525005")


@given(*[st.integers(0, 60_000)] * 4)
def test_cached_tokens_count_towards_the_step(a: int, b: int, c: int, d: int) -> None:
    usage = Usage(a, b, c, d, 10)
    at = HAIKU.steps[0][1] if a + b + c + d > 100_000 else HAIKU.base
    assert cost(usage, HAIKU) == at.cost(usage)


# Other dimensions of a price


def test_a_batch_costs_half_on_all_five_counts() -> None:
    for name in COUNT_NAMES:
        only: dict[str, Any] = {name: 1000}
        alone = Usage(**only)
        whole = cost(alone, HAIKU)
        assert whole is not None
        assert cost(replace(alone, service_tier="batch"), HAIKU) == whole // 2


def test_a_long_batch_costs_half_of_the_long_rates() -> None:
    usage = Usage(200_000, output_tokens=1000, service_tier="batch")
    assert cost(usage, HAIKU) == usd_to_pico("0.05125")


def test_inference_in_the_us_costs_a_tenth_more() -> None:
    pinned = replace(COUNTS, geo="us")
    assert cost(pinned, SONNET_4_6) == usd_to_pico("0.0164175")


def test_a_model_without_regions_is_at_the_standard_price() -> None:
    assert cost(replace(COUNTS, geo="not_available"), HAIKU) == cost(COUNTS, HAIKU)


def test_a_batch_in_the_us_multiplies_both() -> None:
    usage = replace(COUNTS, geo="us", service_tier="batch")
    assert cost(usage, SONNET_4_6) == usd_to_pico("0.00820875")


def test_fast_mode_has_its_own_rates() -> None:
    usage = Usage(1000, output_tokens=100, speed="fast")
    assert cost(usage, OPUS) == usd_to_pico("0.012")


@pytest.mark.parametrize(("count", "even"), [(1, 0), (3, 2), (5, 2), (7, 4)])
def test_half_a_pico_goes_to_the_even_neighbour(count: int, even: int) -> None:
    odd = Price("odd", Rates(1, 0, 0, 0, 0))
    assert cost(Usage(count, service_tier="batch"), odd) == even


@pytest.mark.parametrize(
    "unpriced",
    [
        {"service_tier": "priority"},
        {"service_tier": "flex"},
        {"geo": "eu"},
        {"speed": "turbo"},
        {"speed": "fast", "service_tier": "batch"},
    ],
)
def test_what_no_table_prices_is_unknown_not_free(unpriced: dict[str, Any]) -> None:
    assert cost(replace(COUNTS, **unpriced), OPUS) is None


def test_fast_mode_without_published_rates_is_unknown() -> None:
    assert cost(replace(COUNTS, speed="fast"), HAIKU) is None


def test_web_searches_are_a_line_of_their_own() -> None:
    searched = replace(COUNTS, web_searches=3)
    plain = cost(COUNTS, HAIKU)
    assert plain is not None
    assert cost(searched, HAIKU) == plain + usd_to_pico("0.03")


def test_neither_batch_nor_region_changes_a_web_search() -> None:
    searched = Usage(web_searches=1, service_tier="batch", geo="us")
    assert cost(searched, HAIKU) == usd_to_pico("0.01")


def test_searches_without_a_price_are_unknown() -> None:
    assert cost(replace(COUNTS, web_searches=1), SONNET_4_6) is None


@given(ANY_RATES, ANY_USAGE, ANY_USAGE)
def test_cost_is_additive_without_steps(one: Rates, a: Usage, b: Usage) -> None:
    price = Price("flat", one)
    both = replace(a, **{n: getattr(a, n) + getattr(b, n) for n in COUNT_NAMES})
    first, second = cost(a, price), cost(b, price)
    assert first is not None
    assert second is not None
    assert cost(both, price) == first + second


@given(ANY_USAGE, st.sampled_from(COUNT_NAMES), st.integers(1, 10**5))
def test_more_tokens_never_cost_less(usage: Usage, name: str, more: int) -> None:
    larger = replace(usage, **{name: getattr(usage, name) + more})
    before, after = cost(usage, HAIKU), cost(larger, HAIKU)
    assert before is not None
    assert after is not None
    assert after >= before


# Whose price


def served(model: str, *parts: tuple[str, Usage]) -> Completion:
    return Completion("text", COUNTS, model, parts=parts)


BOOK = {price.model: price for price in (HAIKU, OPUS, SONNET_4_6)}


def test_the_price_follows_the_model_of_the_response() -> None:
    assert completion_cost(served("claude-opus-5-5"), BOOK.get) == cost(COUNTS, OPUS)


def test_each_part_is_priced_by_its_own_model() -> None:
    first, second = Usage(100, output_tokens=5), Usage(200, output_tokens=7)
    completion = served(
        "claude-opus-5-5", ("claude-opus-5-5", first), ("claude-sonnet-4-6", second)
    )
    assert completion_cost(completion, BOOK.get) == (
        OPUS.base.cost(first) + SONNET_4_6.base.cost(second)
    )


def test_a_part_without_output_is_free() -> None:
    completion = served(
        "claude-sonnet-4-6",
        ("claude-opus-5-5", Usage(5000)),
        ("claude-sonnet-4-6", COUNTS),
    )
    assert completion_cost(completion, BOOK.get) == cost(COUNTS, SONNET_4_6)


def test_parts_without_any_output_fall_back_to_the_whole_usage() -> None:
    completion = served("claude-opus-5-5", ("claude-opus-5-5", Usage(5000)))
    assert completion_cost(completion, BOOK.get) == cost(COUNTS, OPUS)


def test_an_unknown_model_has_an_unknown_cost() -> None:
    assert completion_cost(served("claude-haiku-6"), BOOK.get) is None


def test_one_unknown_part_makes_the_whole_unknown() -> None:
    completion = served(
        "claude-opus-5-5", ("claude-opus-5-5", COUNTS), ("claude-haiku-6", COUNTS)
    )
    assert completion_cost(completion, BOOK.get) is None


# Bounds


@st.composite
def bounded_calls(draw: st.DrawFn) -> tuple[Price, Usage, int, int, bool]:
    """A price, a usage within bounds, the bounds, and whether the cache is written."""
    writes = draw(st.booleans())
    written = TOKENS if writes else st.just(0)
    usage = Usage(
        draw(TOKENS), draw(TOKENS), draw(written), draw(written), draw(TOKENS)
    )
    bound = usage.prompt_tokens + draw(st.integers(0, 200_000))
    cap = usage.output_tokens + draw(st.integers(0, 1000))
    price = draw(st.one_of(ANY_PRICE, st.sampled_from([HAIKU, OPUS])))
    return price, usage, bound, cap, writes


@given(bounded_calls())
def test_no_usage_within_the_bounds_costs_more_than_the_worst_case(
    call: tuple[Price, Usage, int, int, bool],
) -> None:
    price, usage, bound, cap, writes = call
    spent = cost(usage, price)
    assert spent is not None
    assert worst_case(bound, cap, price, writes_cache=writes) >= spent


def test_the_worst_case_includes_thinking_because_the_cap_does() -> None:
    spent = cost(Usage(10, output_tokens=4096, thinking_tokens=4000), HAIKU)
    assert worst_case(10, 4096, HAIKU) == spent


def test_a_bound_above_the_step_is_priced_at_the_step() -> None:
    assert worst_case(100_001, 1000, HAIKU) == usd_to_pico("0.0525005")
    assert worst_case(100_000, 1000, HAIKU) == usd_to_pico("0.0105")


def test_a_written_cache_is_bounded_by_the_dearest_write() -> None:
    assert worst_case(1000, 0, OPUS, writes_cache=True) == usd_to_pico("0.008")


@given(ANY_PRICE, TOKENS, TOKENS, st.integers(0, 1000), st.integers(0, 1000))
def test_the_worst_case_never_falls_when_a_bound_grows(
    price: Price, bound: int, cap: int, more: int, longer: int
) -> None:
    assert worst_case(bound + more, cap + longer, price) >= worst_case(
        bound, cap, price
    )


@given(ANY_PRICE, st.integers(0, 10**13), TOKENS, st.booleans())
def test_the_largest_cap_fits_and_one_token_more_does_not(
    price: Price, room: int, bound: int, writes: bool
) -> None:
    price = replace(
        price,
        base=replace(price.base, output=price.base.output + 1),
        steps=tuple((t, replace(r, output=r.output + 1)) for t, r in price.steps),
    )
    largest = largest_max_tokens(room, bound, price, writes_cache=writes) or 0
    if largest:
        assert worst_case(bound, largest, price, writes_cache=writes) <= room
    assert worst_case(bound, largest + 1, price, writes_cache=writes) > room


def test_no_room_for_a_single_token_is_none() -> None:
    assert largest_max_tokens(worst_case(1000, 1, OPUS) - 1, 1000, OPUS) is None
    assert largest_max_tokens(worst_case(1000, 1, OPUS), 1000, OPUS) == 1


def test_a_free_model_has_a_cap_that_fits() -> None:
    free = Price("free", Rates(0, 0, 0, 0, 0))
    assert largest_max_tokens(1, 1000, free) == 1


# What nobody published


def test_anthropics_missing_write_rates_follow_its_published_multiples() -> None:
    filled = complete_rates("anthropic", 1_000_001, 5_000_000)
    assert (filled.cache_write_5m, filled.cache_write_1h) == (1_250_002, 2_000_002)
    assert filled.cache_read == 1_000_001


def test_another_providers_missing_write_is_plain_input() -> None:
    filled = complete_rates("other", 100, 500)
    assert (filled.cache_write_5m, filled.cache_write_1h) == (100, 100)


def test_published_rates_are_never_replaced() -> None:
    filled = complete_rates(
        "anthropic", 100, 500, cache_read=1, cache_write_5m=2, cache_write_1h=0
    )
    assert filled == Rates(100, 500, 1, 2, 0)


# Dated rows


STEP = {
    "tokens": 5,
    **dict.fromkeys(
        ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h"), 9
    ),
}


def row(**given: Any) -> dict[str, Any]:
    return {
        "model": "claude-haiku-5-5",
        "from": date(2026, 10, 7),
        "source": "https://example.com",
        **given,
    }


def applied(price: Price | None, day: date, *rows: dict[str, Any]) -> Price | None:
    return apply_overrides(price, parse_overrides({"prices": list(rows)}), day)


def test_a_row_changes_only_what_it_says() -> None:
    price = applied(HAIKU, date(2026, 10, 7), row(cache_read=Decimal("0.02")))
    assert price == replace(
        HAIKU,
        base=replace(HAIKU.base, cache_read=20_000),
        as_of="prices.toml 2026-10-07, genai-prices 0.2.3",
    )


def test_a_row_holds_from_its_first_day_up_to_its_last() -> None:
    dated = row(until=date(2026, 10, 9), input=1)
    days = [date(2026, 10, day) for day in (6, 7, 8, 9)]
    inputs = [price.base.input for d in days if (price := applied(HAIKU, d, dated))]
    assert inputs == [100_000, 1_000_000, 1_000_000, 100_000]


def test_of_two_rows_the_later_start_wins_whatever_the_order() -> None:
    early, late = row(input=1, output=7), row(input=2, **{"from": date(2026, 11, 1)})
    price = applied(HAIKU, date(2026, 11, 2), late, early)
    assert price is not None
    assert (price.base.input, price.base.output) == (2_000_000, 7_000_000)
    assert price.as_of == "prices.toml 2026-11-01, genai-prices 0.2.3"


def test_an_unknown_model_needs_input_and_output() -> None:
    day = date(2026, 11, 2)
    assert applied(None, day, row(cache_read=1)) is None
    price = applied(None, day, row(input=1, output=5))
    assert price is not None
    assert price.base == complete_rates("anthropic", 1_000_000, 5_000_000)


def test_steps_fast_rates_and_searches_can_be_given() -> None:
    five = {key: rate for key, rate in STEP.items() if key != "tokens"}
    dated = row(above=[STEP], fast=five, web_search="12.5")
    price = applied(HAIKU, date(2026, 11, 2), dated)
    assert price is not None
    assert price.steps == ((5, Rates(*[9_000_000] * 5)),)
    assert price.fast == Rates(*[9_000_000] * 5)
    assert price.web_search == usd_to_pico("0.0125")


def test_no_steps_are_given_by_an_empty_list() -> None:
    price = applied(HAIKU, date(2026, 11, 2), row(above=[]))
    assert price is not None
    assert price.steps == ()


@pytest.mark.parametrize(
    ("given", "path", "complaint"),
    [
        ({"input": 0.1}, ("input",), "amount of USD"),
        ({"input": True}, ("input",), "amount of USD"),
        ({"input": -1}, ("input",), "0 or more"),
        ({"input": "nan"}, ("input",), "amount of USD"),
        ({"input": "0.0000001"}, ("input",), "finer than a pico-USD"),
        ({"from": "2026-10-07"}, ("from",), "must be a date"),
        ({"input": 1, "until": date(2026, 10, 7)}, ("until",), "after 'from'"),
        ({"inptu": 1}, ("inptu",), "did you mean 'input'"),
        ({}, (), "changes no price"),
        ({"fast": {"input": 1}}, ("fast",), "all five rates"),
        ({"above": [{"input": 1}]}, ("above", 0), "'tokens' is missing"),
        ({"above": [STEP, STEP]}, ("above", 1, "tokens"), "steps must ascend"),
    ],
)
def test_an_unusable_row_is_refused_where_it_is_wrong(
    given: dict[str, Any], path: tuple[str | int, ...], complaint: str
) -> None:
    with pytest.raises(TableError, match=complaint) as caught:
        parse_overrides({"prices": [row(model="good", input=1), row(**given)]})
    assert caught.value.path == ("prices", 1, *path)


def test_two_rows_from_the_same_day_are_refused() -> None:
    twice = {"prices": [row(input=1), row(output=1)]}
    with pytest.raises(TableError, match="two rows"):
        parse_overrides(twice)
