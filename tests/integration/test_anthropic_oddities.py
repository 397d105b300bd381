"""Odd streams and untimely interrupts: nothing unknown is booked as known."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from costroute_nb.core.tokens import estimate_tokens
from costroute_nb.errors import Interrupted, ProviderError
from costroute_nb.providers.anthropic import AnthropicProvider
from costroute_nb.providers.anthropic.transcript import Transcript
from costroute_nb.providers.simulated import SimulatedProvider
from costroute_nb.providers.simulated import provider as simulated
from tests.support.anthropic_server import AnthropicServer, HttpError, SseError, Text
from tests.support.models import SMALL, ask_for

KEY = "sk-ant-canary-8fK2mQ7x"
WORDS = "word " * 400
LIKELY = estimate_tokens(WORDS)
PROMPT = 20


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AnthropicServer]:
    with AnthropicServer() as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        yield server


@pytest.fixture
def provider() -> Iterator[AnthropicProvider]:
    with closing(AnthropicProvider()) as provider:
        yield provider


def stream_of(*events: dict[str, Any]) -> HttpError:
    """An answer that is exactly these events."""
    return HttpError(
        200,
        raw="".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events),
    )


def answer(start: object, delta: object, text: str = WORDS) -> HttpError:
    """A whole answer whose first and last event report this usage."""
    return stream_of(
        {"type": "message_start", "message": {"model": SMALL.id, "usage": start}},
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "text", "text": ""},
        },
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": text},
        },
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": delta,
        },
        {"type": "message_stop"},
    )


def started(**more: object) -> dict[str, object]:
    return {"input_tokens": PROMPT, "output_tokens": 1, **more}


@pytest.mark.parametrize(
    "delta",
    [
        None,
        [],
        {},
        {"output_tokens": None},
        {"output_tokens": "400"},
        {"output_tokens": 399.5},
        {"output_tokens": True},
        {"output_tokens": -400},
        {"output_tokens": 10**30},
        {"output_tokens": 0},
        {"output_tokens": 1},
        {"output_tokens": 100},
    ],
    ids=str,
)
def test_unbelievable_output_is_estimated_and_bounded(
    server: AnthropicServer, provider: AnthropicProvider, delta: object
) -> None:
    server.script(answer(started(), delta))
    completion = provider.complete(SMALL, ask_for())
    bound = completion.usage_bound
    assert completion.text == WORDS
    assert completion.usage.input_tokens == PROMPT
    assert completion.usage.output_tokens == LIKELY
    assert completion.estimated
    assert "are estimated" in completion.note
    assert bound is not None
    assert LIKELY < bound.output_tokens <= 1000


@pytest.mark.parametrize(
    "start",
    [
        None,
        "none",
        {"output_tokens": 1},
        started(input_tokens=None),
        started(input_tokens="20"),
        started(input_tokens=-100_000),
        started(input_tokens=0),
        started(cache_read_input_tokens=-5),
        started(cache_creation_input_tokens="7"),
    ],
    ids=str,
)
def test_unbelievable_prompt_is_estimated_and_the_answers_count_kept(
    server: AnthropicServer, provider: AnthropicProvider, start: object
) -> None:
    server.script(answer(start, {"output_tokens": 400}))
    request = ask_for("Say hello to everybody, please.")
    completion = provider.complete(SMALL, request)
    bound = completion.usage_bound
    assert completion.usage.output_tokens == 400
    assert 8 < completion.usage.prompt_tokens < 40
    assert completion.estimated
    assert "prompt's tokens" in completion.note
    assert bound is not None
    assert bound.output_tokens == 400
    assert bound.input_tokens >= len(server.messages[0].raw)


def test_nothing_but_zeros_is_unknown_and_not_free(
    server: AnthropicServer, provider: AnthropicProvider
) -> None:
    zeros = {"input_tokens": 0, "output_tokens": 0}
    server.script(answer(zeros, zeros))
    completion = provider.complete(SMALL, ask_for())
    assert completion.estimated
    assert completion.usage.input_tokens > 0
    assert completion.usage.output_tokens == LIKELY


def test_whole_numbers_written_as_fractions_are_believed(
    server: AnthropicServer, provider: AnthropicProvider
) -> None:
    server.script(answer(started(input_tokens=20.0), {"output_tokens": 400.0}))
    completion = provider.complete(SMALL, ask_for())
    assert not completion.estimated
    assert completion.usage.to_dict()["input_tokens"] == PROMPT
    assert type(completion.usage.output_tokens) is int
    assert completion.usage.output_tokens == 400


@pytest.mark.parametrize(
    "text",
    [
        ".translatesAutoresizingMaskIntoConstraints",
        "=" * 5000,
        " " * 5000,
        "-" * 128 + "\n",
        "hi",
    ],
    ids=lambda text: text[:12],
)
def test_few_tokens_for_what_really_takes_few_are_believed(
    server: AnthropicServer, provider: AnthropicProvider, text: str
) -> None:
    server.script(answer(started(), {"output_tokens": 1}, text))
    assert not provider.complete(SMALL, ask_for()).estimated


@pytest.mark.parametrize(
    "start",
    [
        {"type": "message_start", "message": "oops"},
        {"type": "message_start", "message": None},
        {"type": "message_start", "message": []},
        {"type": "message_start"},
    ],
    ids=str,
)
def test_malformed_start_is_an_error_that_may_be_billed(
    server: AnthropicServer, provider: AnthropicProvider, start: dict[str, Any]
) -> None:
    server.script(stream_of(start))
    with pytest.raises(ProviderError) as caught:
        provider.complete(SMALL, ask_for())
    assert caught.value.kind == "unexpected_answer"
    assert caught.value.maybe_billed


@pytest.mark.parametrize(
    "event",
    [
        {"type": "content_block_start", "index": [], "content_block": "x"},
        {"type": "content_block_delta", "index": {}, "delta": 7},
        {"type": "message_delta", "delta": "end_turn", "usage": "free"},
        {"type": "message_delta", "delta": {"stop_reason": ["end_turn"]}},
    ],
    ids=str,
)
def test_malformed_events_in_mid_stream_break_nothing_else(
    server: AnthropicServer, provider: AnthropicProvider, event: dict[str, Any]
) -> None:
    begin = {"type": "message_start", "message": {"usage": started()}}
    end = {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn"},
        "usage": {"output_tokens": 1, "iterations": [7], "service_tier": {}},
    }
    server.script(stream_of(begin, event, end))
    completion = provider.complete(SMALL, ask_for())
    assert completion.stop_reason == "end_turn"
    assert completion.model == SMALL.id


# What the server calls its errors


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("weird\nmultiline sk-ant-x key", "error"),
        (f"{KEY}", "error"),
        ("a" * 500, "error"),
        ("a" * 60, "a" * 40),
        ("Überlast", "error"),
        ("new_kind", "new_kind"),
        (["list"], "error"),
        (None, "api_error"),
    ],
    ids=str,
)
def test_kind_is_one_plain_word(
    server: AnthropicServer, provider: AnthropicProvider, said: Any, kind: str
) -> None:
    body = {"type": "error", "error": {"type": said, "message": "no"}}
    server.script(stream_of(body), HttpError(500, raw=json.dumps(body)))
    for _ in range(2):
        with pytest.raises(ProviderError) as caught:
            provider.complete(SMALL, ask_for())
        assert caught.value.kind == kind
        assert "\n" not in str(caught.value)
        assert KEY not in str(caught.value)


def test_known_kind_is_kept(
    server: AnthropicServer, provider: AnthropicProvider
) -> None:
    server.script(SseError("overloaded_error", after_deltas=None))
    with pytest.raises(ProviderError) as caught:
        provider.complete(SMALL, ask_for())
    assert caught.value.kind == "overloaded_error"


# Interrupts


def interrupted(
    provider: AnthropicProvider | SimulatedProvider,
    on_text: Callable[[str], None] | None = None,
) -> Interrupted:
    """The interrupt of a call; a plain one would say that nothing was sent."""
    with pytest.raises(KeyboardInterrupt) as caught:
        provider.complete(SMALL, ask_for(), on_text)
    assert isinstance(caught.value, Interrupted)
    return caught.value


def interrupting(function: Callable[..., Any], times: int) -> Callable[..., Any]:
    """Return a function during whose first calls the user presses Ctrl-C."""
    left = [None] * times

    def pressed(*given: Any, **named: Any) -> Any:
        if left:
            left.pop()
            raise KeyboardInterrupt
        return function(*given, **named)

    return pressed


def test_interrupt_while_the_answer_is_finished_keeps_it(
    server: AnthropicServer,
    provider: AnthropicProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.script(Text("All of it."))
    finished = interrupting(Transcript.finished, 1)
    monkeypatch.setattr(Transcript, "finished", finished)
    partial = interrupted(provider).partial
    assert partial is not None
    assert partial.text == "All of it."
    assert partial.usage.output_tokens == server.usage.output


def test_second_interrupt_while_the_partial_is_made_is_no_plain_one(
    server: AnthropicServer,
    provider: AnthropicProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.script(Text(WORDS, deltas=5))
    monkeypatch.setattr(Transcript, "so_far", interrupting(Transcript.so_far, 1))
    assert interrupted(provider, interrupting(print, 1)).partial is None


def test_interrupt_while_the_connection_is_closed_keeps_the_answer(
    server: AnthropicServer,
    provider: AnthropicProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from httpx2 import Response

    server.script(Text("All of it."))
    monkeypatch.setattr(Response, "close", interrupting(Response.close, 1))
    partial = interrupted(provider).partial
    assert partial is not None
    assert partial.text == "All of it."


def test_interrupt_before_anything_is_sent_is_a_plain_one(
    server: AnthropicServer,
    provider: AnthropicProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    body = interrupting(AnthropicProvider.body, 1)
    monkeypatch.setattr(AnthropicProvider, "body", body)
    with pytest.raises(KeyboardInterrupt) as caught:
        provider.complete(SMALL, ask_for())
    assert not isinstance(caught.value, Interrupted)
    assert server.requests == []


@pytest.mark.parametrize("times", [1, 2])
def test_interrupts_at_the_end_of_a_simulated_answer_are_no_plain_ones(
    monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    made = interrupting(simulated._completion, times)
    monkeypatch.setattr(simulated, "_completion", made)
    assert (interrupted(SimulatedProvider()).partial is None) is (times == 2)
