"""Prompt caching from a Request to the wire, the usage, the bound and the bill."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from costroute_nb.core.messages import PromptCache, Request
from costroute_nb.core.money import usd_to_pico
from costroute_nb.core.prices import Price, Rates, cost, worst_case
from costroute_nb.core.tokens import token_bound
from costroute_nb.providers.anthropic import AnthropicProvider
from tests.support.anthropic_server import AnthropicServer, Text
from tests.support.clock import FakeClock
from tests.support.models import LARGE, ask_for
from tests.support.sessions import serving

LONG = "The quick brown fox jumps over the lazy dog. " * 100
OPUS = Price(
    "claude-opus-5-5", Rates(4_000_000, 20_000_000, 200_000, 5_000_000, 8_000_000)
)
LIFETIMES: list[PromptCache] = ["5m", "1h"]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AnthropicServer]:
    clock = FakeClock()
    with serving(monkeypatch, clock=clock.monotonic) as running:
        yield running


@pytest.fixture
def provider(server: AnthropicServer) -> Iterator[AnthropicProvider]:
    with closing(AnthropicProvider()) as made:
        yield made


def continued(request: Request) -> Request:
    more = ({"role": "assistant", "content": "Yes."}, {"role": "user", "content": "?"})
    return replace(request, messages=(*request.messages, *more))


@pytest.mark.parametrize(
    ("lifetime", "marker"),
    [
        ("5m", {"type": "ephemeral"}),
        ("1h", {"type": "ephemeral", "ttl": "1h"}),
        (None, None),
    ],
)
def test_lifetime_asks_for_automatic_caching(
    provider: AnthropicProvider,
    server: AnthropicServer,
    lifetime: PromptCache | None,
    marker: dict[str, str] | None,
) -> None:
    provider.complete(LARGE, ask_for(prompt_cache=lifetime))
    assert server.messages[0].body.get("cache_control") == marker


def test_conversation_that_marks_its_own_blocks_is_left_as_it_is(
    provider: AnthropicProvider, server: AnthropicServer
) -> None:
    marker = {"cache_control": {"type": "ephemeral"}}
    blocks = [{"type": "text", "text": str(n), **marker} for n in range(4)]
    messages = ({"role": "user", "content": [*blocks, {"type": "text", "text": "?"}]},)
    provider.complete(LARGE, Request(messages, 10, prompt_cache="1h"))
    assert "cache_control" not in server.messages[0].body


@pytest.mark.parametrize("lifetime", LIFETIMES)
def test_second_call_reads_what_the_first_one_wrote(
    provider: AnthropicProvider, server: AnthropicServer, lifetime: PromptCache
) -> None:
    request = ask_for(LONG, prompt_cache=lifetime)
    first = provider.complete(LARGE, request).usage
    second = provider.complete(LARGE, continued(request)).usage
    written = {
        "5m": (first.cache_write_5m_tokens, first.cache_write_1h_tokens),
        "1h": (first.cache_write_1h_tokens, first.cache_write_5m_tokens),
    }[lifetime]
    assert written == (first.prompt_tokens, 0)
    assert second.cache_read_tokens == first.prompt_tokens
    assert 0 < second.cache_write_tokens < 20
    assert second.input_tokens == 0
    for usage, seen in zip((first, second), server.messages, strict=True):
        assert cost(usage, OPUS) == seen.billed_pico


@pytest.mark.parametrize("lifetime", LIFETIMES)
def test_worst_case_holds_for_a_written_prompt(
    provider: AnthropicProvider, server: AnthropicServer, lifetime: PromptCache
) -> None:
    server.always(Text("hi", output_tokens=10))
    request = ask_for(LONG, max_tokens=10, prompt_cache=lifetime)
    counted = provider.count_tokens(LARGE, request)
    provider.complete(LARGE, request)
    # Held for the exact count, as when the bound in bytes does not fit a budget.
    held = worst_case(counted, 10, OPUS, writes_cache=True)
    assert server.billed_pico <= held
    assert server.billed_pico > worst_case(counted, 10, OPUS)
    if lifetime == "1h":
        assert server.billed_pico == held


def test_tokens_of_a_cached_prompt_are_counted_as_they_are_billed(
    provider: AnthropicProvider, server: AnthropicServer
) -> None:
    request = ask_for(LONG, system="Be brief.", prompt_cache="1h")
    counted = provider.count_tokens(LARGE, request)
    assert server.requests[0].body["cache_control"] == {
        "type": "ephemeral",
        "ttl": "1h",
    }
    assert counted == provider.complete(LARGE, request).usage.prompt_tokens


def test_prompt_that_was_not_reported_may_have_been_written_at_the_dearest_rate(
    provider: AnthropicProvider, server: AnthropicServer
) -> None:
    server.always(Text("hi", input_tokens=0, cache_read=0))
    request = ask_for(LONG, prompt_cache="1h")
    completion = provider.complete(LARGE, request)
    bound = completion.usage_bound
    assert bound is not None
    body: dict[str, Any] = provider.body(LARGE, request)
    assert bound.cache_write_1h_tokens == token_bound(json.dumps(body))
    most = cost(bound, OPUS)
    assert most is not None
    assert most > bound.prompt_tokens * usd_to_pico("0.000008")
