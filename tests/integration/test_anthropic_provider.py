"""The Anthropic provider against a real HTTP server: bodies, usage and every fault."""

import json
import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from costroute_nb.core.messages import Completion, Request, Usage
from costroute_nb.errors import (
    AuthenticationError,
    ConfigurationError,
    Interrupted,
    MissingKeyError,
    ProviderError,
    ProviderTimeoutError,
    RateLimitError,
    StreamCutError,
)
from costroute_nb.providers.anthropic import AnthropicProvider
from tests.support.anthropic_server import (
    AnthropicServer,
    Blocks,
    ContextExceeded,
    Cut,
    CutBeforeHeaders,
    Empty,
    Hang,
    HttpError,
    Refusal,
    Slow,
    SseError,
    Text,
    Truncated,
)
from tests.support.models import LARGE, MEDIUM, SMALL, ask_for

Another = Callable[..., AnthropicProvider]
KEY = "sk-ant-canary-8fK2mQ7x"
LONG = "The quick brown fox jumps over the lazy dog. " * 100


@pytest.fixture(scope="module")
def shared() -> Iterator[AnthropicServer]:
    with AnthropicServer() as server:
        yield server


@pytest.fixture
def server(
    shared: AnthropicServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[AnthropicServer]:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", shared.url)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    shared.reset()
    yield shared
    shared.wait_idle()


@pytest.fixture(scope="module")
def provider() -> Iterator[AnthropicProvider]:
    with closing(AnthropicProvider()) as provider:
        yield provider


@pytest.fixture
def another() -> Iterator[Another]:
    """Make a provider that is closed after the test."""
    with ExitStack() as stack:
        yield lambda **given: stack.enter_context(closing(AnthropicProvider(**given)))


def fail(provider: AnthropicProvider, **more: Any) -> ProviderError:
    """The error of a call that must fail."""
    with pytest.raises(ProviderError) as caught:
        provider.complete(SMALL, ask_for(**more))
    error = caught.value
    assert error.provider == "anthropic"
    assert error.model == SMALL.id
    assert "\n" not in str(error)
    assert KEY not in f"{error}{error!r}{vars(error)}"
    return error


def partial_of(error: ProviderError) -> Completion:
    assert error.partial is not None
    return error.partial


def closed_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


# Answers


def test_text_streams_and_usage_is_the_servers_count(
    server: AnthropicServer, provider: AnthropicProvider
) -> None:
    server.script(Text("Hello, dear reader.", deltas=4, cache_read=2))
    pieces: list[str] = []
    completion = provider.complete(SMALL, ask_for(), pieces.append)
    billed = server.messages[0].usage
    assert completion.text == "".join(pieces) == "Hello, dear reader."
    assert len(pieces) == 4
    assert completion.usage == Usage(
        input_tokens=billed.input, cache_read_tokens=2, output_tokens=billed.output
    )
    assert not completion.estimated
    assert completion.usage_bound is None
    assert completion.stop_reason == "end_turn"
    assert completion.model == SMALL.id
    assert completion.request_id == server.messages[0].request_id
    assert completion.parts == ()


@pytest.mark.parametrize("model", [SMALL, MEDIUM, LARGE], ids=lambda m: m.line)
@pytest.mark.parametrize("thinking", ["auto", "off"])
@pytest.mark.parametrize("effort", [None, "high"])
def test_body_is_what_goes_over_the_wire(
    server: AnthropicServer,
    provider: AnthropicProvider,
    model: Any,
    thinking: Any,
    effort: Any,
) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}}
    request = ask_for(
        "Größe: {x} $y % 🎉\n>>> f(1)\n\0\x1b",
        system="Be “brief”.",
        schema=schema,
        thinking=thinking,
        effort=effort,
    )
    provider.complete(model, request)
    seen = server.messages[0]
    assert seen.body == provider.body(model, request)
    assert seen.status == 200


def test_multi_turn_messages_with_blocks_arrive_as_given(
    server: AnthropicServer, provider: AnthropicProvider
) -> None:
    messages = (
        {"role": "user", "content": [{"type": "text", "text": "one"}]},
        {"role": "assistant", "content": "two"},
        {"role": "user", "content": ({"type": "text", "text": "three"},)},
    )
    provider.complete(SMALL, Request(messages=messages, max_tokens=7))
    assert server.messages[0].body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "one"}]},
        {"role": "assistant", "content": "two"},
        {"role": "user", "content": [{"type": "text", "text": "three"}]},
    ]


@pytest.mark.parametrize(
    ("model", "thinking", "effort"),
    [
        (SMALL, {"type": "disabled"}, None),
        (MEDIUM, {"type": "between_tools"}, None),
        (LARGE, None, "low"),
    ],
    ids=lambda value: getattr(value, "line", None),
)
def test_thinking_off_is_the_least_the_model_allows(
    model: Any, thinking: Any, effort: Any
) -> None:
    body = AnthropicProvider().body(model, ask_for(thinking="off"))
    assert body.get("thinking") == thinking
    assert body.get("output_config", {}).get("effort") == effort


def test_model_without_enforced_schemas_gets_no_format() -> None:
    plain = replace(SMALL, structured_output=False, efforts=())
    request = ask_for(schema={"type": "object"}, effort="low")
    assert "output_config" not in AnthropicProvider().body(plain, request)


def test_open_dictionary_is_refused_before_anything_is_sent(
    server: AnthropicServer, provider: AnthropicProvider
) -> None:
    schema = {"type": "object", "additionalProperties": {"type": "integer"}}
    with pytest.raises(ConfigurationError, match="open keys"):
        provider.complete(SMALL, ask_for(schema=schema))
    assert server.requests == []


def test_thinking_block_first_is_not_the_answer(
    server: AnthropicServer, provider: AnthropicProvider
) -> None:
    server.script(Text("42", thinking="Six times seven …", thinking_tokens=30))
    completion = provider.complete(LARGE, ask_for())
    assert completion.text == "42"
    assert completion.usage.thinking_tokens == 30
    assert completion.usage.output_tokens == server.usage.output > 30


def test_unknown_blocks_are_passed_over(
    server: AnthropicServer, provider: AnthropicProvider
) -> None:
    blocks: list[dict[str, Any]] = [
        {"type": "new_block", "text": "not an answer"},
        {"type": "text", "text": "an answer"},
        {"type": "tool_use", "id": "t1", "name": "f", "input": {"x": 1}},
    ]
    server.script(Blocks(blocks, stop_reason="tool_use"))
    completion = provider.complete(SMALL, ask_for())
    assert completion.text == "an answer"
    assert completion.stop_reason == "tool_use"


def test_cumulative_usage_replaces_and_never_adds(
    server: AnthropicServer, provider: AnthropicProvider
) -> None:
    server.script(Text(LONG, usage_every=3))
    completion = provider.complete(SMALL, ask_for(max_tokens=5000))
    assert completion.usage.output_tokens == server.usage.output


def test_priced_model_is_the_one_in_the_response(
    server: AnthropicServer, provider: AnthropicProvider
) -> None:
    server.script(Text("hi", model=LARGE.id))
    assert provider.complete(SMALL, ask_for()).model == LARGE.id


@pytest.mark.parametrize(
    ("reply", "stop_reason"),
    [
        (Truncated("cut he"), "max_tokens"),
        (ContextExceeded("too mu"), "model_context_window_exceeded"),
        (Refusal(text="I can", billed_output=3), "refusal"),
        (Empty(), "end_turn"),
    ],
)
def test_stop_reason_and_usage_come_through(
    server: AnthropicServer, provider: AnthropicProvider, reply: Any, stop_reason: str
) -> None:
    server.script(reply)
    completion = provider.complete(SMALL, ask_for())
    assert completion.stop_reason == stop_reason
    assert completion.text == reply.text
    assert completion.usage.output_tokens == server.usage.output
    assert not completion.estimated


def test_refusal_without_output_is_estimated(
    server: AnthropicServer, provider: AnthropicProvider
) -> None:
    server.script(Refusal())
    completion = provider.complete(SMALL, ask_for())
    assert completion.stop_reason == "refusal"
    assert completion.text == ""
    assert completion.estimated
    assert completion.usage_bound == completion.usage


def test_tokens_are_counted_without_a_bill(
    server: AnthropicServer, provider: AnthropicProvider
) -> None:
    request = ask_for("Count me.", system="Be brief.", thinking="off")
    counted = provider.count_tokens(MEDIUM, request)
    provider.complete(MEDIUM, request)
    assert counted == server.usage.prompt
    assert server.requests[0].path.endswith("count_tokens")
    assert server.requests[0].billed_pico == 0


# Broken streams


def test_cut_stream_books_what_had_arrived(
    server: AnthropicServer, provider: AnthropicProvider
) -> None:
    server.script(Cut(text=LONG, deltas=400, after_deltas=50))
    error = fail(provider, max_tokens=5000)
    partial, billed = partial_of(error), server.messages[0].usage
    assert isinstance(error, StreamCutError)
    assert error.maybe_billed
    assert not error.retryable
    assert partial.text == LONG[: len(LONG) // 8]
    assert partial.estimated
    assert partial.note
    assert partial.usage.input_tokens == billed.input
    assert partial.usage.output_tokens == pytest.approx(billed.output, rel=0.25)
    assert partial.usage_bound is not None
    assert billed.output <= partial.usage_bound.output_tokens <= 5000


def test_bound_of_a_cut_stream_stays_within_the_cap(
    server: AnthropicServer, provider: AnthropicProvider
) -> None:
    server.script(Cut(text=LONG, deltas=400, after_deltas=50))
    bound = partial_of(fail(provider, max_tokens=1300)).usage_bound
    assert bound is not None
    assert bound.output_tokens <= 1300


def test_cut_stream_takes_the_last_report_if_it_is_greater(
    server: AnthropicServer, provider: AnthropicProvider
) -> None:
    cut = Cut(
        text=LONG, deltas=400, after_deltas=50, usage_every=10, thinking_tokens=700
    )
    server.script(cut)
    partial = partial_of(fail(provider, max_tokens=5000))
    billed = server.messages[0].usage
    assert partial.usage.output_tokens == billed.output > 700
    assert partial.usage_bound is not None
    assert partial.usage_bound.output_tokens >= billed.output


def test_hidden_thinking_of_a_cut_stream_is_named(
    server: AnthropicServer, provider: AnthropicProvider
) -> None:
    server.script(Cut(text=LONG, after_deltas=3, thinking_tokens=50))
    partial = partial_of(fail(provider, max_tokens=5000))
    assert "thinking that was not shown is not counted" in partial.note


def test_stream_cut_before_any_text_may_be_retried(
    server: AnthropicServer, provider: AnthropicProvider
) -> None:
    server.script(Cut(text=LONG, after_deltas=0))
    error = fail(provider)
    assert isinstance(error, StreamCutError)
    assert error.retryable
    assert partial_of(error).text == ""
    assert partial_of(error).usage.input_tokens == server.usage.input


def test_cut_before_headers_may_be_billed_and_retried(
    server: AnthropicServer, provider: AnthropicProvider
) -> None:
    server.script(CutBeforeHeaders(billed=True))
    error = fail(provider)
    assert error.retryable
    assert error.maybe_billed
    assert error.partial is None


@pytest.mark.parametrize(
    ("kind", "error_class"),
    [
        ("overloaded_error", ProviderError),
        ("api_error", ProviderError),
        ("rate_limit_error", RateLimitError),
    ],
)
def test_error_as_first_event_is_free_and_retryable(
    server: AnthropicServer,
    provider: AnthropicProvider,
    kind: str,
    error_class: type[ProviderError],
) -> None:
    server.script(SseError(kind, after_deltas=None))
    error = fail(provider)
    assert type(error) is error_class
    assert error.kind == kind
    assert error.retryable
    assert not error.maybe_billed
    assert error.partial is None


def test_error_after_text_keeps_the_text_and_is_not_retried(
    server: AnthropicServer, provider: AnthropicProvider
) -> None:
    server.script(SseError(text=LONG, deltas=400, after_deltas=40))
    error = fail(provider, max_tokens=5000)
    partial, billed = partial_of(error), server.messages[0].usage
    assert error.kind == "overloaded_error"
    assert not error.retryable
    assert partial.text == LONG[: len(LONG) // 10]
    assert partial.usage.input_tokens == billed.input
    assert partial.usage_bound is not None
    assert billed.output <= partial.usage_bound.output_tokens


def test_interrupt_keeps_the_text_and_hangs_up(
    server: AnthropicServer, provider: AnthropicProvider
) -> None:
    server.script(Text(LONG, deltas=400, delta_delay=0.005))
    pieces: list[str] = []

    def stop_after_20(delta: str) -> None:
        pieces.append(delta)
        if len(pieces) == 20:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted) as caught:
        provider.complete(SMALL, ask_for(max_tokens=5000), stop_after_20)
    server.wait_idle(2.0)
    partial, seen = caught.value.partial, server.messages[0]
    assert partial is not None
    assert partial.text == "".join(pieces)
    assert partial.estimated
    assert seen.client_gone
    assert not seen.completed
    assert partial.usage_bound is not None
    assert seen.usage.output <= partial.usage_bound.output_tokens < 5000


def test_interrupt_while_waiting_for_the_next_piece_hangs_up_at_once(
    server: AnthropicServer, provider: AnthropicProvider
) -> None:
    server.script(Text(LONG, deltas=2, delta_delay=0.4))
    main = threading.main_thread().ident
    assert main is not None

    def interrupt_soon(_delta: str) -> None:
        timer = threading.Timer(0.05, signal.pthread_kill, (main, signal.SIGINT))
        timer.daemon = True
        timer.start()

    with pytest.raises(Interrupted) as caught:
        provider.complete(SMALL, ask_for(max_tokens=5000), interrupt_soon)
    server.wait_idle(2.0)
    assert caught.value.partial is not None
    assert server.messages[0].client_gone


def test_interrupt_before_any_answer_has_no_partial(
    server: AnthropicServer, provider: AnthropicProvider
) -> None:
    server.script(Hang(5.0))
    main = threading.main_thread().ident
    assert main is not None

    def interrupt() -> None:
        server.wait_for_requests(1)
        signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(Interrupted) as caught:
        provider.complete(SMALL, ask_for())
    thread.join()
    server.wait_idle(2.0)
    assert caught.value.partial is None


def test_exception_of_the_listener_passes_through_and_hangs_up(
    server: AnthropicServer, provider: AnthropicProvider
) -> None:
    server.script(Text(LONG, deltas=400, delta_delay=0.005))

    def broken(_delta: str) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        provider.complete(SMALL, ask_for(max_tokens=5000), broken)
    server.wait_idle(2.0)
    assert server.messages[0].client_gone


# Errors with a status


@pytest.mark.parametrize(
    ("reply", "error_class", "kind", "retryable", "says"),
    [
        (HttpError(400), ProviderError, "invalid_request_error", False, "rejects"),
        (HttpError(401), AuthenticationError, "authentication_error", False, "_KEY"),
        (HttpError(402), ProviderError, "billing_error", False, "cannot bill"),
        (HttpError(403), AuthenticationError, "permission_error", False, "_KEY"),
        (HttpError(404), ProviderError, "not_found_error", False, "model id"),
        (HttpError(408), ProviderTimeoutError, "timeout_error", True, "try again"),
        (HttpError(409), ProviderError, "conflict_error", True, "try again"),
        (HttpError(413), ProviderError, "request_too_large", False, "shorten"),
        (HttpError(429), RateLimitError, "rate_limit_error", True, "slow down"),
        (HttpError(500), ProviderError, "api_error", True, "try again"),
        (HttpError(502, raw="<html>"), ProviderError, "api_error", True, "try again"),
        (HttpError(503), ProviderError, "api_error", True, "try again"),
        (HttpError(529), ProviderError, "overloaded_error", True, "overloaded"),
    ],
    ids=lambda value: str(value.status) if isinstance(value, HttpError) else None,
)
def test_status_says_what_to_do_and_whether_to_retry(
    server: AnthropicServer,
    provider: AnthropicProvider,
    reply: HttpError,
    error_class: type[ProviderError],
    kind: str,
    retryable: bool,
    says: str,
) -> None:
    server.script(reply)
    error = fail(provider)
    assert type(error) is error_class
    assert (error.status, error.kind) == (reply.status, kind)
    assert error.retryable is retryable
    assert not error.maybe_billed
    assert error.partial is None
    assert says in str(error)
    assert server.messages_requests == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "86400"}, 86400.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_told_and_not_obeyed_here(
    server: AnthropicServer,
    provider: AnthropicProvider,
    headers: dict[str, str],
    seconds: float | None,
) -> None:
    server.script(HttpError(429, headers=headers))
    assert fail(provider).retry_after == seconds
    assert server.messages_requests == 1


def test_should_retry_header_is_believed(
    server: AnthropicServer, provider: AnthropicProvider
) -> None:
    server.script(HttpError(500, headers={"x-should-retry": "false"}))
    server.script(HttpError(400, headers={"x-should-retry": "true"}))
    assert not fail(provider).retryable
    assert fail(provider).retryable


def test_spend_limit_is_not_retried(
    server: AnthropicServer, provider: AnthropicProvider
) -> None:
    server.script(HttpError(429, error_code="enforced_spend_limit_reached"))
    error = fail(provider)
    assert not error.retryable
    assert "spend limit" in str(error)


def test_prompt_beyond_the_window_is_named_so(
    server: AnthropicServer, provider: AnthropicProvider
) -> None:
    said = "prompt is too long: 1000001 tokens > 1000000 maximum"
    server.script(HttpError(400, message=said))
    error = fail(provider)
    assert error.kind == "context_exceeded"
    assert "shorten the prompt" in str(error)


def test_unknown_model_says_to_check_the_id(
    server: AnthropicServer, provider: AnthropicProvider
) -> None:
    with pytest.raises(ProviderError, match=r"'claude-none'.*check the model id"):
        provider.complete(replace(SMALL, id="claude-none", efforts=()), ask_for())


def test_long_error_text_stays_short_and_without_the_key(
    server: AnthropicServer, provider: AnthropicProvider
) -> None:
    server.script(HttpError(400, message=f"bad\nkey {KEY}: " + "x" * 5000))
    error = fail(provider)
    assert "[hidden]" in str(error)
    assert len(str(error)) < 400


# No answer at all


def test_silence_is_a_timeout_that_may_be_billed(
    server: AnthropicServer, another: Another
) -> None:
    server.script(Slow(0.6))
    error = fail(another(timeout=0.2))
    server.wait_idle()
    assert isinstance(error, ProviderTimeoutError)
    assert error.retryable
    assert error.maybe_billed
    assert error.partial is None
    assert server.billed_pico > 0


def test_silence_in_mid_answer_keeps_what_had_arrived(
    server: AnthropicServer, another: Another
) -> None:
    server.script(Text(LONG, deltas=2, delta_delay=0.5))
    error = fail(another(timeout=0.2))
    server.wait_idle()
    assert isinstance(error, ProviderTimeoutError)
    assert error.maybe_billed
    assert error.retryable
    assert partial_of(error).usage.input_tokens == server.usage.input


def test_server_down_is_retryable_and_free(
    monkeypatch: pytest.MonkeyPatch, another: Another
) -> None:
    url = closed_port()
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", url.replace("//", "//user:hunter22@"))
    error = fail(another())
    assert error.kind == "unreachable"
    assert error.retryable
    assert not error.maybe_billed
    assert f"cannot reach {url.removeprefix('http://')}" in str(error)
    assert "hunter22" not in str(error)


def test_answer_that_is_no_stream_is_told_apart(
    server: AnthropicServer, provider: AnthropicProvider
) -> None:
    server.script(HttpError(200, raw="<html>Welcome to the portal</html>"))
    error = fail(provider)
    assert error.kind == "unexpected_answer"
    assert "check ANTHROPIC_BASE_URL" in str(error)
    assert error.maybe_billed


def test_half_a_character_is_refused_with_a_cure(
    server: AnthropicServer, provider: AnthropicProvider
) -> None:
    error = fail(provider, prompt="caf\udce9")
    assert "lone surrogate" in str(error)
    assert not error.maybe_billed
    assert server.requests == []


def test_failed_count_is_never_billed(
    server: AnthropicServer, monkeypatch: pytest.MonkeyPatch, another: Another
) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", closed_port())
    with pytest.raises(ProviderError) as caught:
        another().count_tokens(SMALL, ask_for())
    assert not caught.value.maybe_billed


# Credentials


def test_no_key_is_explained_in_six_lines_and_sends_nothing(
    server: AnthropicServer, monkeypatch: pytest.MonkeyPatch, another: Another
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    provider = another()
    for call in (
        provider.check_credentials,
        lambda: provider.complete(SMALL, ask_for()),
    ):
        with pytest.raises(MissingKeyError) as caught:
            call()
        lines = str(caught.value).splitlines()
        assert len(lines) <= 6
        assert any("%env ANTHROPIC_API_KEY" in line for line in lines)
        assert any("simulated" in line for line in lines)
        assert caught.value._render_traceback_()[1:] == lines[1:]
    assert server.requests == []


def test_key_set_later_counts_from_then_on(
    server: AnthropicServer,
    provider: AnthropicProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent = []
    for key in ("sk-ant-first-1", "sk-ant-second-2"):
        monkeypatch.setenv("ANTHROPIC_API_KEY", key)
        provider.complete(SMALL, ask_for())
        sent.append(server.messages[-1].headers["authorization"])
    assert sent == ["Bearer sk-ant-first-1", "Bearer sk-ant-second-2"]


def test_base_url_set_later_counts_from_then_on(
    server: AnthropicServer,
    provider: AnthropicProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    provider.complete(SMALL, ask_for())
    with AnthropicServer() as other:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", f"{other.url}/")
        provider.complete(SMALL, ask_for())
        assert other.messages_requests == server.messages_requests == 1


def test_one_client_serves_many_threads(
    server: AnthropicServer, provider: AnthropicProvider
) -> None:
    texts: list[str] = []

    def call(number: int) -> None:
        request = ask_for(f"Thread {number} says hello")
        texts.append(provider.complete(SMALL, request).text)

    threads = [threading.Thread(target=call, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(texts) == [f"Answer to: Thread {n} says hello" for n in range(8)]
    assert provider._client(provider._credentials()) is provider._client(
        provider._credentials()
    )


def test_wire_carries_the_version_and_headers_of_the_scope(
    server: AnthropicServer,
    provider: AnthropicProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "Anthropic-Beta: b-1\nX-Team: red")
    scope = provider.scope()
    provider.complete(SMALL, ask_for())
    headers = server.messages[0].headers
    assert headers["anthropic-version"] == scope["api_version"]
    assert headers["anthropic-beta"] == scope["betas"] == "b-1"
    assert headers["x-team"] == "red"
    assert scope["base_url"] == server.url


def test_profile_on_disk_authenticates(
    server: AnthropicServer,
    monkeypatch: pytest.MonkeyPatch,
    write_profile: Callable[..., Path],
    another: Another,
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    monkeypatch.delenv("ANTHROPIC_BASE_URL")
    write_profile("default", token="profile-token-1", base_url=server.url)
    provider = another()
    provider.check_credentials()
    assert provider.scope()["base_url"] == server.url
    provider.complete(SMALL, ask_for())
    assert server.messages[0].headers["authorization"] == "Bearer profile-token-1"


def test_broken_profile_is_a_missing_key(
    server: AnthropicServer, monkeypatch: pytest.MonkeyPatch, another: Another
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    monkeypatch.setenv("ANTHROPIC_PROFILE", "nowhere")
    with pytest.raises(MissingKeyError, match="profile cannot be used"):
        another().complete(SMALL, ask_for())


def test_profile_whose_token_cannot_be_read_is_an_authentication_error(
    server: AnthropicServer,
    monkeypatch: pytest.MonkeyPatch,
    write_profile: Callable[..., Path],
    another: Another,
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    path = write_profile("default", token="t", base_url=server.url)
    path.unlink()
    with pytest.raises(AuthenticationError) as caught:
        another().complete(SMALL, ask_for())
    assert str(path.parent) not in str(caught.value)


def test_key_appears_in_no_error_repr_or_log(
    server: AnthropicServer, caplog: pytest.LogCaptureFixture, another: Another
) -> None:
    caplog.set_level(logging.DEBUG)
    provider = another(api_key=KEY)
    server.script(Text("hi"), HttpError(401, message=f"bad key {KEY}"), Cut())
    provider.complete(SMALL, ask_for())
    fail(provider)
    fail(provider)
    shown = [repr(provider), repr(provider.scope()), repr(provider._credentials())]
    assert KEY not in caplog.text + "".join(shown)


@pytest.fixture
def write_profile(home: Path) -> Callable[..., Path]:
    """Write a profile as `anthropic login` would; return its secret file."""

    def write(name: str, *, token: str, base_url: str) -> Path:
        folder = home / ".config" / "anthropic"
        (folder / "configs").mkdir(parents=True)
        (folder / "credentials").mkdir(mode=0o700)
        config = {"authentication": {"type": "user_oauth"}, "base_url": base_url}
        public = folder / "configs" / f"{name}.json"
        public.write_text(json.dumps(config))
        public.chmod(0o644)
        secret = folder / "credentials" / f"{name}.json"
        secret.write_text(json.dumps({"type": "oauth_token", "access_token": token}))
        secret.chmod(0o600)
        return secret

    return write
