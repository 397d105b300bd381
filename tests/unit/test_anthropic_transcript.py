"""From stream events to a completion: usage in doubt, fallbacks, odd events."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costroute_nb.core.messages import Usage
from costroute_nb.core.tokens import estimate_tokens
from costroute_nb.providers.anthropic.errors import retry_after
from costroute_nb.providers.anthropic.transcript import IN_FLIGHT_TOKENS, Transcript
from costroute_nb.providers.anthropic.usage import read_usage
from tests.support.models import SMALL, ask_for

FULL = {"input_tokens": 10, "output_tokens": 20}


def start(usage: object = None, model: str = SMALL.id) -> dict[str, Any]:
    return {"type": "message_start", "message": {"model": model, "usage": usage}}


def text(piece: str) -> list[dict[str, Any]]:
    return [
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "text", "text": ""},
        },
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": piece},
        },
    ]


def end(usage: object = None, stop: str | None = "end_turn") -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": stop}, "usage": usage}


def played(*events: object, max_tokens: int = 1000) -> Transcript:
    request = ask_for("A prompt.", max_tokens=max_tokens)
    transcript = Transcript(SMALL, request, {"messages": ["A prompt."]})
    for event in events:
        transcript.take(event)
    return transcript


def test_cache_writes_without_breakdown_count_as_five_minutes_and_estimated() -> None:
    usage, bound, note = read_usage({**FULL, "cache_creation_input_tokens": 7})
    assert (usage.cache_write_5m_tokens, usage.cache_write_1h_tokens) == (7, 0)
    assert bound is not None
    assert bound.cache_write_1h_tokens == bound.cache_write_tokens == 7
    assert "lifetime" in note


def test_breakdown_that_adds_up_is_taken_as_it_is() -> None:
    breakdown = {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4}
    usage, bound, note = read_usage(
        {**FULL, "cache_creation_input_tokens": 7, "cache_creation": breakdown}
    )
    assert (usage.cache_write_5m_tokens, usage.cache_write_1h_tokens) == (3, 4)
    assert (bound, note) == (None, "")


@pytest.mark.parametrize(("total", "written"), [(9, 9), (5, 7)])
def test_breakdown_that_does_not_add_up_is_said(total: int, written: int) -> None:
    breakdown = {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4}
    usage, bound, note = read_usage(
        {**FULL, "cache_creation_input_tokens": total, "cache_creation": breakdown}
    )
    assert usage.cache_write_tokens == written
    assert bound is not None
    assert f"{total} tokens" in note


def test_price_dimensions_and_searches_are_read() -> None:
    usage, _, _ = read_usage(
        {
            **FULL,
            "service_tier": "priority",
            "speed": "fast",
            "inference_geo": "us",
            "server_tool_use": {"web_search_requests": 3},
            "output_tokens_details": {"thinking_tokens": 5},
            "cache_read_input_tokens": 4,
        }
    )
    assert usage == Usage(
        input_tokens=10,
        cache_read_tokens=4,
        output_tokens=20,
        thinking_tokens=5,
        web_searches=3,
        service_tier="priority",
        speed="fast",
        geo="us",
    )


@pytest.mark.parametrize("geo", [None, "", "not_available", "global"])
def test_absent_price_dimensions_are_the_standard_ones(geo: str | None) -> None:
    usage, _, _ = read_usage({**FULL, "inference_geo": geo, "service_tier": None})
    assert (usage.geo, usage.service_tier, usage.speed) == (
        "global",
        "standard",
        "standard",
    )


def test_each_model_of_a_fallback_is_a_part_unless_it_said_nothing() -> None:
    turns = [
        {"type": "message", "model": "a", "input_tokens": 10, "output_tokens": 0},
        {"type": "message", "model": "b", "input_tokens": 10, "output_tokens": 2},
        {
            "type": "fallback_message",
            "model": "c",
            "input_tokens": 11,
            "output_tokens": 20,
        },
    ]
    final = {
        **FULL,
        "iterations": turns,
        "speed": "fast",
        "server_tool_use": {"web_search_requests": 1},
    }
    completion = played(start(FULL, "c"), *text("hi"), end(final)).finished()
    assert completion.model == "c"
    assert completion.parts == (
        ("b", Usage(input_tokens=10, output_tokens=2, speed="fast")),
        ("c", Usage(input_tokens=11, output_tokens=20, speed="fast", web_searches=1)),
    )


def test_turns_of_one_model_are_no_parts() -> None:
    turns = [{"type": "message", "input_tokens": 5, "output_tokens": 10}] * 2
    completion = played(start(FULL), end({**FULL, "iterations": turns})).finished()
    assert completion.parts == ()


def test_answer_without_any_usage_is_estimated_and_never_free() -> None:
    transcript = played(start(), *text("Some words."), end())
    completion = transcript.finished()
    assert completion.estimated
    assert completion.usage.input_tokens > 0
    assert completion.usage.output_tokens == estimate_tokens("Some words.")
    assert completion.usage_bound is not None
    assert completion.usage_bound.input_tokens >= completion.usage.input_tokens
    assert completion.usage_bound.output_tokens == len("Some words.")


def test_unknown_events_do_no_harm() -> None:
    odd: list[object] = [
        {"type": "news"},
        [],
        None,
        "x",
        {},
        {"type": "content_block_delta"},
    ]
    transcript = played(*odd, start(FULL), *odd, *text("hi"), *odd, end(FULL))
    assert transcript.complete
    assert transcript.finished().text == "hi"


def test_report_in_mid_stream_is_not_the_end() -> None:
    transcript = played(start(FULL), *text("hi"), end({"output_tokens": 300}, None))
    assert not transcript.complete
    partial = transcript.partial()
    assert partial is not None
    assert partial.usage.output_tokens == 300


def test_nothing_is_known_before_the_message_starts() -> None:
    assert played().partial() is None
    assert played({"type": "ping"}).so_far() is None


@given(st.text(max_size=200), st.integers(1, 2000), st.integers(0, 50))
def test_bound_of_a_broken_stream_covers_a_token_per_byte(
    piece: str, max_tokens: int, reported: int
) -> None:
    usage = {"input_tokens": 10, "output_tokens": min(reported, max_tokens)}
    transcript = played(start(usage), *text(piece), max_tokens=max_tokens)
    for by_server, extra in ((True, 0), (False, IN_FLIGHT_TOKENS)):
        partial = transcript.partial(ended_by_server=by_server)
        assert partial is not None
        assert partial.usage_bound is not None
        size = len(piece.encode()) + usage["output_tokens"] + extra
        assert partial.usage_bound.output_tokens == min(size, max_tokens)
        assert partial.usage.output_tokens <= partial.usage_bound.output_tokens


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        (
            {
                "retry-after": "Sun, 22 Nov 2026 12:01:30 GMT",
                "date": "Sun, 22 Nov 2026 12:00:00 GMT",
            },
            90.0,
        ),
        (
            {
                "retry-after": "Sun, 22 Nov 2026 11:00:00 GMT",
                "date": "Sun, 22 Nov 2026 12:00:00 GMT",
            },
            0.0,
        ),
        ({"retry-after": "Sun, 22 Nov 2026 12:01:30 GMT"}, None),
    ],
)
def test_wait_is_read_from_seconds_and_dates(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after(headers) == seconds
