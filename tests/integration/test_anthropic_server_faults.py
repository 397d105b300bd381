"""The faults of the local Messages API: what the SDK raises, what is billed."""

import time
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import pytest
from anthropic import Anthropic

from tests.support.anthropic_server import (
    AnthropicServer,
    Cut,
    CutBeforeHeaders,
    Hang,
    HttpError,
    Slow,
    SseError,
    Text,
    Usage,
)
from tests.support.sdk import ask, request, stream, text_of


@pytest.fixture
def server() -> Iterator[AnthropicServer]:
    with AnthropicServer() as running:
        yield running


@pytest.fixture
def client(server: AnthropicServer) -> Iterator[Anthropic]:
    with Anthropic(api_key="k", base_url=server.url, max_retries=0) as made:
        yield made


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, anthropic.BadRequestError, "invalid_request_error"),
        (401, anthropic.AuthenticationError, "authentication_error"),
        (403, anthropic.PermissionDeniedError, "permission_error"),
        (404, anthropic.NotFoundError, "not_found_error"),
        (408, anthropic.RequestTimeoutError, "timeout_error"),
        (409, anthropic.ConflictError, "conflict_error"),
        (413, anthropic.ContentTooLargeError, "request_too_large"),
        (429, anthropic.RateLimitError, "rate_limit_error"),
        (500, anthropic.InternalServerError, "api_error"),
        (503, anthropic.ServiceUnavailableError, "api_error"),
        (529, anthropic.OverloadedError, "overloaded_error"),
    ],
)
def test_error_status_raises_its_error_and_costs_nothing(
    server: AnthropicServer,
    client: Anthropic,
    status: int,
    error: type[anthropic.APIStatusError],
    kind: str,
) -> None:
    server.script(HttpError(status))
    with pytest.raises(error) as caught:
        stream(client)
    assert (caught.value.status_code, caught.value.type) == (status, kind)
    seen = server.requests[0]
    assert (seen.status, seen.error, seen.usage) == (status, kind, Usage())
    assert caught.value.request_id == seen.request_id


def test_error_carries_its_headers_message_and_code(
    server: AnthropicServer, client: Anthropic
) -> None:
    server.script(
        HttpError(
            429,
            message="Slow down",
            retry_after=7,
            headers={"x-more": "yes"},
            error_code="enforced_spend_limit_reached",
        )
    )
    with pytest.raises(anthropic.RateLimitError) as caught:
        ask(client)
    headers = caught.value.response.headers
    assert (headers["retry-after"], headers["x-more"]) == ("7", "yes")
    assert caught.value.api_message == "Slow down"
    assert caught.value.error_code == "enforced_spend_limit_reached"


def test_error_may_be_a_proxys_page(server: AnthropicServer, client: Anthropic) -> None:
    server.script(HttpError(502, raw="<html>Bad gateway</html>"))
    with pytest.raises(anthropic.InternalServerError) as caught:
        ask(client)
    assert caught.value.type is None


def test_sdk_retries_are_each_a_request(
    server: AnthropicServer, client: Anthropic
) -> None:
    server.script(HttpError(529, headers={"retry-after-ms": "1"}), Text("there"))
    assert text_of(ask(client.with_options(max_retries=1))) == "there"
    assert [seen.status for seen in server.messages] == [529, 200]


def test_error_in_the_stream_has_status_200_and_bills_what_came(
    server: AnthropicServer, client: Anthropic
) -> None:
    server.script(
        SseError("overloaded_error", text="x" * 360, deltas=10, after_deltas=5)
    )
    with pytest.raises(anthropic.APIStatusError) as caught:
        stream(client)
    assert (caught.value.status_code, caught.value.type) == (200, "overloaded_error")
    seen = server.requests[0]
    assert (seen.status, seen.error) == (200, "overloaded_error")
    assert (seen.usage.output, seen.tokens_sent) == (50, 50)
    assert seen.usage.input > 0


def test_error_as_the_first_event_costs_nothing(
    server: AnthropicServer, client: Anthropic
) -> None:
    server.script(SseError("api_error", after_deltas=None))
    with pytest.raises(anthropic.APIStatusError):
        stream(client)
    assert server.billed_pico == 0


def test_stream_error_is_a_status_for_a_request_that_does_not_stream(
    server: AnthropicServer, client: Anthropic
) -> None:
    server.script(SseError("overloaded_error"))
    with pytest.raises(anthropic.OverloadedError):
        ask(client)
    assert server.billed_pico == 0


def test_cut_stream_bills_the_tokens_up_to_the_cut(
    server: AnthropicServer, client: Anthropic
) -> None:
    server.script(Cut(after_deltas=50, text="word " * 400, deltas=400))
    got: list[str] = []
    with (
        client.messages.stream(**request()) as events,
        pytest.raises(httpx2.RemoteProtocolError),
    ):
        got.extend(events.text_stream)
    assert len(got) == 50
    assert events.current_message_snapshot.usage.output_tokens == 1
    seen = server.requests[0]
    assert abs(seen.usage.output - server.count("".join(got))) <= 1
    assert seen.tokens_sent == seen.usage.output
    assert (seen.completed, seen.client_gone) == (False, False)


def test_cut_stream_bills_hidden_thinking_too(
    server: AnthropicServer, client: Anthropic
) -> None:
    server.script(Cut(after_deltas=0, thinking_tokens=300))
    with pytest.raises(httpx2.RemoteProtocolError):
        stream(client)
    assert (server.usage.output, server.usage.thinking) == (300, 300)


def test_cut_comes_before_the_end_however_short_the_text(
    server: AnthropicServer, client: Anthropic
) -> None:
    server.script(Cut(after_deltas=99, text="short"))
    with pytest.raises(httpx2.RemoteProtocolError):
        stream(client)
    assert server.usage.output == server.count("short")


def test_usage_so_far_can_be_reported_before_the_cut(
    server: AnthropicServer, client: Anthropic
) -> None:
    server.script(Cut(after_deltas=7, text="x" * 360, deltas=10, usage_every=3))
    with (
        client.messages.stream(**request()) as events,
        pytest.raises(httpx2.RemoteProtocolError),
    ):
        list(events.text_stream)
    assert events.current_message_snapshot.usage.output_tokens == 60
    assert server.usage.output == 70


def test_cut_of_a_whole_answer_bills_it_all(
    server: AnthropicServer, client: Anthropic
) -> None:
    server.script(Cut(text="x" * 36))
    with pytest.raises((anthropic.APIConnectionError, httpx2.HTTPError)):
        ask(client)
    assert server.usage.output == 10
    assert not server.requests[0].completed


def test_connection_dropped_before_the_headers_is_not_billed_unless_told(
    server: AnthropicServer, client: Anthropic
) -> None:
    server.script(CutBeforeHeaders(), CutBeforeHeaders(billed=True))
    for _ in range(2):
        with pytest.raises(anthropic.APIConnectionError):
            stream(client)
    assert [seen.status for seen in server.requests] == [0, 0]
    assert [seen.billed_pico > 0 for seen in server.requests] == [False, True]


@pytest.mark.parametrize("asking", [ask, stream])
def test_timeout_is_billed_in_full_when_the_server_answers_later(
    server: AnthropicServer, client: Anthropic, asking: Any
) -> None:
    server.script(Slow(0.3, then=Text("late " * 72)))
    with pytest.raises(anthropic.APITimeoutError):
        asking(client.with_options(timeout=0.1))
    server.wait_idle()
    seen = server.requests[0]
    assert (seen.usage.output, seen.tokens_sent) == (100, 0)
    assert (seen.client_gone, seen.completed, seen.status) == (True, False, 0)


def test_hanging_request_is_free_and_ends_with_its_client(
    server: AnthropicServer, client: Anthropic
) -> None:
    server.script(Hang())
    with pytest.raises(anthropic.APITimeoutError):
        ask(client.with_options(timeout=0.1))
    server.wait_idle()
    assert (server.requests[0].client_gone, server.billed_pico) == (True, 0)


def test_hanging_server_may_hang_up(server: AnthropicServer, client: Anthropic) -> None:
    server.script(Hang(0.05))
    with pytest.raises(anthropic.APIConnectionError):
        ask(client)
    assert server.requests[0].status == 0


def test_client_that_leaves_pays_for_what_was_sent(
    server: AnthropicServer, client: Anthropic
) -> None:
    server.script(Text("x" * 3600, deltas=100, delta_delay=0.01))
    with client.messages.stream(**request(max_tokens=2000)) as events:
        for count, _ in enumerate(events.text_stream, start=1):
            if count == 5:
                break
    server.wait_idle()
    seen = server.requests[0]
    assert (seen.client_gone, seen.completed) == (True, False)
    assert 50 <= seen.usage.output < 1000
    assert seen.usage.output == seen.tokens_sent


def test_answer_left_unread_is_not_completed(
    server: AnthropicServer, client: Anthropic
) -> None:
    server.script(Text("x" * 200_000, deltas=4))
    with client.messages.stream(**request(max_tokens=100_000)) as events:
        next(iter(events.text_stream))
    deadline = time.monotonic() + 5
    while not server.requests[0].client_gone and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (server.requests[0].completed, server.requests[0].client_gone) == (
        False,
        True,
    )
