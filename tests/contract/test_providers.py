"""What every provider must do, whichever it is."""

import json
import pickle  # what is pickled here was made here: completions must survive it
import re
from collections.abc import Iterator
from contextlib import closing

import pytest

from costroute_nb.core.tokens import token_bound
from costroute_nb.errors import Interrupted
from costroute_nb.ports import Provider
from costroute_nb.providers.anthropic import AnthropicProvider
from costroute_nb.providers.simulated import SimulatedProvider
from tests.support.anthropic_server import AnthropicServer, Text
from tests.support.models import BY_TIER, LARGE, MEDIUM, SMALL, ask_for

PROMPT = "Summarize in 20 words: " + "The grass is green and the sky is blue. " * 20
SCHEMA = {
    "type": "object",
    "properties": {"colour": {"enum": ["green", "blue"]}, "count": {"type": "integer"}},
    "required": ["colour", "count"],
}


@pytest.fixture(scope="module")
def server() -> Iterator[AnthropicServer]:
    with AnthropicServer() as server:
        server.always(lambda body: Text(_echo(body), deltas=20, delta_delay=0.001))
        yield server


def _echo(body: dict[str, object]) -> str | None:
    return None if "output_config" in body else "All is green and blue. " * 8


@pytest.fixture(params=["anthropic", "simulated"])
def provider(
    request: pytest.FixtureRequest,
    server: AnthropicServer,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Provider]:
    if request.param == "simulated":
        yield SimulatedProvider()
        return
    for name, value in server.env().items():
        monkeypatch.setenv(name, value)
    with closing(AnthropicProvider()) as real:
        yield real
    server.wait_idle()


def test_its_name_and_whether_it_is_simulated_are_known(provider: Provider) -> None:
    assert provider.name in {"anthropic", "simulated"}
    assert provider.simulated == (provider.name == "simulated")


def test_text_arrives_in_pieces_that_make_up_the_answer(provider: Provider) -> None:
    pieces: list[str] = []
    completion = provider.complete(LARGE, ask_for(PROMPT), pieces.append)
    assert len(pieces) > 1
    assert all(pieces)
    assert completion.text == "".join(pieces)
    assert completion.stop_reason == "end_turn"
    assert completion.model == LARGE.id


def test_nobody_needs_to_listen(provider: Provider) -> None:
    assert provider.complete(SMALL, ask_for(PROMPT)).text


def test_same_request_gets_the_same_answer(provider: Provider) -> None:
    first = provider.complete(MEDIUM, ask_for(PROMPT))
    again = provider.complete(MEDIUM, ask_for(PROMPT))
    assert (first.text, first.usage) == (again.text, again.usage)


def test_usage_is_whole_and_within_its_bounds(provider: Provider) -> None:
    request = ask_for(PROMPT, system="Be brief.")
    completion = provider.complete(MEDIUM, request)
    body = json.dumps(provider.body(MEDIUM, request))
    assert 0 < completion.usage.prompt_tokens <= token_bound(body)
    assert 0 < completion.usage.output_tokens <= request.max_tokens
    assert not completion.estimated
    assert completion.usage_bound is None


def test_tokens_are_counted_as_they_are_billed(provider: Provider) -> None:
    request = ask_for(PROMPT, system="Be brief.", schema=SCHEMA)
    counted = provider.count_tokens(LARGE, request)
    assert counted == provider.complete(LARGE, request).usage.prompt_tokens


def test_kept_prompt_is_written_once_and_then_read(provider: Provider) -> None:
    request = ask_for(f"{PROMPT} " * 6, prompt_cache="1h")
    first = provider.complete(LARGE, request).usage
    again = provider.complete(LARGE, request).usage
    assert first.cache_write_1h_tokens == first.prompt_tokens > 0
    assert again.cache_read_tokens == again.prompt_tokens == first.prompt_tokens


def test_cap_truncates_and_says_so(provider: Provider) -> None:
    completion = provider.complete(LARGE, ask_for(PROMPT, max_tokens=3))
    assert completion.stop_reason == "max_tokens"
    assert completion.usage.output_tokens <= 3


@pytest.mark.parametrize("tier", ["medium", "large"])
def test_schema_is_answered_with_json(provider: Provider, tier: str) -> None:
    completion = provider.complete(BY_TIER[tier], ask_for(PROMPT, schema=SCHEMA))
    data = json.loads(completion.text)
    assert data["colour"] in {"green", "blue"}
    assert isinstance(data["count"], int)


def test_interrupt_carries_what_had_arrived(provider: Provider) -> None:
    pieces: list[str] = []

    def stop_at_three(piece: str) -> None:
        pieces.append(piece)
        if len(pieces) == 3:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        provider.complete(LARGE, ask_for(PROMPT), stop_at_three)
    partial = caught.value.partial
    assert partial is not None
    assert partial.text == "".join(pieces)
    assert partial.estimated
    assert partial.note
    assert partial.stop_reason is None
    assert partial.usage_bound is not None
    assert partial.usage.output_tokens <= partial.usage_bound.output_tokens
    assert partial.usage.prompt_tokens > 0


def test_exception_of_the_listener_passes_through(provider: Provider) -> None:
    def broken(_piece: str) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        provider.complete(LARGE, ask_for(PROMPT), broken)


def test_body_is_plain_json_and_the_same_each_time(provider: Provider) -> None:
    request = ask_for(PROMPT, schema=SCHEMA, system="s", thinking="off", effort="low")
    body = provider.body(LARGE, request)
    assert json.loads(json.dumps(body)) == body == provider.body(LARGE, request)
    assert body["model"] == LARGE.id


def test_looking_sends_nothing(provider: Provider, server: AnthropicServer) -> None:
    server.wait_idle()
    before = len(server.requests)
    provider.check_credentials()
    provider.scope()
    provider.body(SMALL, ask_for())
    assert len(server.requests) == before


def test_scope_is_text_without_the_key(
    provider: Provider, server: AnthropicServer
) -> None:
    scope = provider.scope()
    expected = {"base_url", "api_version", "betas", "headers", "account"}
    assert set(scope) == expected
    assert all(isinstance(value, str) for value in scope.values())
    assert server.key not in str(scope)
    assert re.fullmatch(r"[0-9a-f]*", scope["account"])


def test_completion_is_picklable(provider: Provider) -> None:
    completion = provider.complete(SMALL, ask_for(PROMPT))
    assert pickle.loads(pickle.dumps(completion)) == completion
