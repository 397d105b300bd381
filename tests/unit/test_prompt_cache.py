"""When a provider's prompt cache is written, and for how long."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costroute_nb.core.messages import PromptCache, Usage
from costroute_nb.core.prices import Rates
from costroute_nb.core.prompt_cache import Gap, expected_reads, expected_usage, worth

RATES = Rates(100, 500, 10, 125, 200)
SOON, LATER, NEVER = (timedelta(minutes=m) for m in (1, 20, 600))

LENGTHS = st.sampled_from([SOON, LATER, NEVER])
GAPS = st.lists(st.builds(Gap, LENGTHS, st.booleans(), st.booleans()), max_size=30)


def gaps(*lengths: timedelta) -> list[Gap]:
    return [Gap(length) for length in lengths]


def test_nothing_is_written_while_nothing_is_known() -> None:
    assert worth([], RATES) is None


def test_a_conversation_that_never_went_on_is_no_reason_to_write() -> None:
    assert worth([Gap(SOON, ended=False)], RATES) is None


def test_calls_in_quick_succession_are_kept_for_five_minutes() -> None:
    assert worth(gaps(SOON, SOON, SOON), RATES) == "5m"


def test_calls_with_pauses_are_kept_for_an_hour() -> None:
    assert worth(gaps(LATER, LATER, SOON, LATER), RATES) == "1h"


def test_calls_hours_apart_are_not_kept() -> None:
    assert worth(gaps(SOON, *[NEVER] * 8), RATES) is None


def test_conversations_that_were_left_alone_count_against_writing() -> None:
    once = [*gaps(SOON), *[Gap(NEVER, ended=False)] * 12]
    assert worth(gaps(SOON), RATES) == "5m"
    assert worth(once, RATES) is None


def test_a_conversation_that_may_still_go_on_counts_for_nothing() -> None:
    assert worth([*gaps(SOON), *[Gap(SOON, ended=False)] * 50], RATES) == "5m"


def test_a_model_whose_reads_cost_what_input_costs_is_never_written() -> None:
    dear = Rates(100, 500, 100, 125, 200)
    assert worth(gaps(SOON, SOON, SOON), dear) is None


def test_a_prompt_that_was_kept_for_nothing_counts_against_writing() -> None:
    assert worth([*gaps(SOON), *[Gap(SOON, unread=True)] * 12], RATES) is None


def test_reads_are_expected_as_calls_came_in_time() -> None:
    assert expected_reads(gaps(SOON, SOON, SOON), "5m") == 4
    assert expected_reads(gaps(SOON, SOON, LATER), "5m") == Fraction(3, 2)
    assert expected_reads(gaps(SOON, SOON, LATER), "1h") == 4
    assert expected_reads([Gap(SOON, unread=True)] * 3, "5m") == Fraction(1, 4)


@given(GAPS)
def test_one_more_call_in_time_never_ends_writing(seen: list[Gap]) -> None:
    if worth(seen, RATES) is not None:
        assert worth([*seen, Gap(SOON)], RATES) is not None


@given(GAPS)
def test_one_more_call_too_late_never_begins_writing(seen: list[Gap]) -> None:
    if worth(seen, RATES) is None:
        assert worth([*seen, Gap(NEVER)], RATES) is None


@given(GAPS)
def test_one_more_call_that_read_nothing_never_begins_writing(seen: list[Gap]) -> None:
    if worth(seen, RATES) is None:
        assert worth([*seen, Gap(SOON, unread=True)], RATES) is None


@pytest.mark.parametrize(
    ("kept", "usage"),
    [
        (None, Usage(input_tokens=700, cache_read_tokens=300, output_tokens=9)),
        (
            "5m",
            Usage(cache_read_tokens=300, cache_write_5m_tokens=700, output_tokens=9),
        ),
        (
            "1h",
            Usage(cache_read_tokens=300, cache_write_1h_tokens=700, output_tokens=9),
        ),
    ],
)
def test_what_is_not_read_is_written_or_plain(
    kept: PromptCache | None, usage: Usage
) -> None:
    assert expected_usage(1_000, 9, served=300, kept=kept) == usage


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from([None, "5m"]))
def test_no_token_of_a_prompt_is_counted_twice(
    tokens: int, served: int, kept: PromptCache | None
) -> None:
    usage = expected_usage(tokens, 1, served=served, kept=kept)
    assert usage.prompt_tokens == tokens
