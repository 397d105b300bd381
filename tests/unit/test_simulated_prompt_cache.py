"""What the simulated provider keeps of prompts, and what its usage says of it."""

from dataclasses import replace
from typing import Any

import pytest

from costroute_nb.core.messages import PromptCache, Request, Usage
from costroute_nb.providers.simulated import SimulatedProvider
from costroute_nb.providers.simulated.prompt_cache import LEAST_TOKENS
from tests.support.clock import FakeClock
from tests.support.models import LARGE, MEDIUM, ask_for

LONG = "The quick brown fox jumps over the lazy dog. " * 100


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def provider(clock: FakeClock) -> SimulatedProvider:
    return SimulatedProvider(now=clock.monotonic)


def ask(provider: SimulatedProvider, request: Request, model: Any = LARGE) -> Usage:
    return provider.complete(model, request).usage


def continued(request: Request, text: str = "And then?") -> Request:
    answer = {"role": "assistant", "content": "Yes."}
    question = {"role": "user", "content": text}
    return replace(request, messages=(*request.messages, answer, question))


def test_nothing_is_kept_unasked(provider: SimulatedProvider) -> None:
    for _ in range(2):
        usage = ask(provider, ask_for(LONG))
        assert usage.input_tokens == usage.prompt_tokens > LEAST_TOKENS


def test_thread_reads_its_beginning_and_writes_the_rest(
    provider: SimulatedProvider,
) -> None:
    request = ask_for(LONG, prompt_cache="5m")
    first = ask(provider, request)
    assert first.cache_write_5m_tokens == first.prompt_tokens
    for _ in range(3):
        before = provider.count_tokens(LARGE, request)
        request = continued(request)
        usage = ask(provider, request)
        assert usage.cache_read_tokens == before
        assert usage.cache_write_5m_tokens == usage.prompt_tokens - before


def test_all_counts_together_are_the_prompt(provider: SimulatedProvider) -> None:
    request = ask_for(LONG, system="Be brief.", schema={"type": "object"})
    request = replace(request, prompt_cache="1h")
    for _ in range(2):
        usage = ask(provider, request)
        assert usage.prompt_tokens == provider.count_tokens(LARGE, request)
    assert usage.cache_read_tokens == usage.prompt_tokens


@pytest.mark.parametrize(
    ("lifetime", "seconds"), [("5m", 300), ("1h", 3600)], ids=["5m", "1h"]
)
def test_prompt_is_kept_as_long_as_asked_after_it_was_last_read(
    provider: SimulatedProvider,
    clock: FakeClock,
    lifetime: PromptCache,
    seconds: float,
) -> None:
    request = ask_for(LONG, prompt_cache=lifetime)
    ask(provider, request)
    for _ in range(2):
        clock.advance(seconds - 1)
        assert ask(provider, request).cache_read_tokens
    clock.advance(seconds)
    assert not ask(provider, request).cache_read_tokens


def test_read_of_another_lifetime_keeps_it_as_long_as_it_was_written_for(
    provider: SimulatedProvider, clock: FakeClock
) -> None:
    ask(provider, ask_for(LONG, prompt_cache="5m"))
    assert ask(provider, ask_for(LONG, prompt_cache="1h")).cache_read_tokens
    clock.advance(300)
    assert not ask(provider, ask_for(LONG, prompt_cache="1h")).cache_read_tokens


def test_prompt_that_is_too_short_is_plain_input(provider: SimulatedProvider) -> None:
    for _ in range(2):
        usage = ask(provider, ask_for("Hello.", prompt_cache="1h"))
        assert usage.input_tokens == usage.prompt_tokens < LEAST_TOKENS


@pytest.mark.parametrize(
    "change",
    [
        {"system": "Be brief."},
        {"schema": {"type": "object"}},
        {"messages": ({"role": "user", "content": f"{LONG}!"},)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_beginning_reads_nothing(
    provider: SimulatedProvider, change: dict[str, Any]
) -> None:
    request = ask_for(LONG, prompt_cache="5m")
    ask(provider, request)
    assert not ask(provider, replace(request, **change)).cache_read_tokens


def test_another_model_or_provider_reads_nothing(provider: SimulatedProvider) -> None:
    request = ask_for(LONG, prompt_cache="5m")
    ask(provider, request)
    assert not ask(provider, request, MEDIUM).cache_read_tokens
    assert not ask(SimulatedProvider(), request).cache_read_tokens


def test_answer_is_the_same_with_and_without(provider: SimulatedProvider) -> None:
    plain = provider.complete(LARGE, ask_for(LONG))
    kept = provider.complete(LARGE, ask_for(LONG, prompt_cache="5m"))
    assert (plain.text, plain.stop_reason) == (kept.text, kept.stop_reason)


def test_body_says_that_the_cache_is_written(provider: SimulatedProvider) -> None:
    assert "cache_control" in provider.body(LARGE, ask_for(prompt_cache="5m"))
    assert "cache_control" not in provider.body(LARGE, ask_for())
