"""The prompt cache of the local Messages API, through the real Anthropic SDK."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic
from anthropic.types import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.anthropic_server import AnthropicServer, CutBeforeHeaders, Text
from tests.support.clock import FakeClock
from tests.support.messages_api.prompt_cache import LOOKBACK, PromptCache
from tests.support.messages_api.tokens import Tokens
from tests.support.sdk import HAIKU, OPUS, SONNET, ask, stream

SHORT: Any = {"type": "ephemeral"}
HOUR: Any = {"type": "ephemeral", "ttl": "1h"}
LONG = "The quick brown fox jumps over the lazy dog. " * 100  # 1,250 tokens

SCHEMA: Any = {
    "format": {
        "type": "json_schema",
        "schema": {"type": "object", "additionalProperties": False},
    }
}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def server(clock: FakeClock) -> Iterator[AnthropicServer]:
    with AnthropicServer(clock=clock.monotonic) as running:
        yield running


@pytest.fixture
def client(server: AnthropicServer) -> Iterator[Anthropic]:
    with Anthropic(api_key="k", base_url=server.url, max_retries=0) as made:
        yield made


def user(*texts: str, marked: Any = None) -> dict[str, Any]:
    """A message of one block for each text, the last one marked."""
    blocks: list[dict[str, Any]] = [{"type": "text", "text": text} for text in texts]
    if marked:
        blocks[-1]["cache_control"] = marked
    return {"role": "user", "content": blocks}


def said(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def counts(message: Message) -> tuple[int, int, int, int]:
    """What was plain input, read, and written for 5 minutes and for an hour."""
    usage = message.usage
    assert usage.cache_creation is not None
    short = usage.cache_creation.ephemeral_5m_input_tokens
    long = usage.cache_creation.ephemeral_1h_input_tokens
    assert usage.cache_creation_input_tokens == short + long
    return usage.input_tokens, usage.cache_read_input_tokens or 0, short, long


def whole(client: Anthropic, **changes: Any) -> int:
    """The tokens of a prompt by the server's own count."""
    wanted = {"model": HAIKU, "messages": [user(LONG)], **changes}
    return client.messages.count_tokens(**wanted).input_tokens


def test_nothing_is_cached_unasked(client: Anthropic) -> None:
    for _ in range(2):
        assert counts(ask(client, messages=[user(LONG)]))[1:] == (0, 0, 0)


def test_second_request_reads_what_the_first_one_wrote(client: Anthropic) -> None:
    tokens = whole(client)
    first = ask(client, messages=[user(LONG)], cache_control=SHORT)
    again = ask(client, messages=[user(LONG)], cache_control=SHORT)
    assert counts(first) == (0, 0, tokens, 0)
    assert counts(again) == (0, tokens, 0, 0)


def test_stream_reports_the_same_counts(client: Anthropic) -> None:
    _, first = stream(client, messages=[user(LONG)], cache_control=HOUR)
    _, again = stream(client, messages=[user(LONG)], cache_control=HOUR)
    assert counts(first)[3] == counts(again)[1] == whole(client)


def test_growing_conversation_reads_its_beginning_and_writes_the_rest(
    client: Anthropic,
) -> None:
    earlier = [{"role": "user", "content": LONG}]
    later = [*earlier, said("Fine."), user("And then?")]
    ask(client, messages=earlier, cache_control=SHORT)
    before = whole(client, messages=earlier)
    plain, read, written, _ = counts(ask(client, messages=later, cache_control=SHORT))
    assert (plain, read) == (0, before)
    assert read + written == whole(client, messages=later)


def test_schema_is_part_of_the_prompt_that_is_written(client: Anthropic) -> None:
    asked: dict[str, Any] = {"messages": [user(LONG)], "output_config": SCHEMA}
    message = ask(client, **asked, cache_control=SHORT)
    assert counts(message) == (0, 0, whole(client, output_config=SCHEMA), 0)


def test_marked_system_prompt_serves_other_questions(client: Anthropic) -> None:
    system = [{"type": "text", "text": LONG, "cache_control": SHORT}]
    first = ask(client, system=system, messages=[user("One?")])
    other = ask(client, system=system, messages=[user("Two, or three?")])
    assert counts(first)[2] == counts(other)[1] > 1024
    assert counts(other)[0] > 0
    assert counts(other)[2] == 0


@pytest.mark.parametrize(
    "change",
    [
        {"model": SONNET},
        {"system": "Be brief."},
        {"tools": [{"name": "t", "input_schema": {"type": "object"}}]},
        {"output_config": SCHEMA},
        {"thinking": {"type": "disabled"}},
        {"tool_choice": {"type": "none"}},
        {"messages": [user(f"{LONG}!")]},
        {"messages": [user("Hello."), user(LONG)]},
        {"extra_headers": {"authorization": "Bearer another"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_prefix_model_or_account_reads_nothing(
    client: Anthropic, change: dict[str, Any]
) -> None:
    asked: dict[str, Any] = {"messages": [user(LONG)], "cache_control": SHORT}
    ask(client, **asked)
    assert counts(ask(client, **asked | change))[1] == 0


@pytest.mark.parametrize(("marker", "seconds"), [(SHORT, 300), (HOUR, 3600)])
def test_prefix_expires_unless_a_read_keeps_it(
    client: Anthropic, clock: FakeClock, marker: Any, seconds: float
) -> None:
    def read() -> int:
        asked = {"messages": [user(LONG)], "cache_control": marker}
        return counts(ask(client, **asked))[1]

    assert not read()
    for _ in range(2):
        clock.advance(seconds - 1)
        assert read()
    clock.advance(seconds)
    assert not read()


def test_prefix_that_is_too_short_is_silently_not_cached(client: Anthropic) -> None:
    for _ in range(2):
        message = ask(client, messages=[user(LONG[:3500])], cache_control=SHORT)
        assert counts(message) == (message.usage.input_tokens, 0, 0, 0)


def test_shortest_prefix_is_the_servers_to_choose() -> None:
    with (
        AnthropicServer(least_cacheable=9) as server,
        Anthropic(api_key="k", base_url=server.url) as client,
    ):
        assert counts(ask(client, messages=[user("Hi.")], cache_control=SHORT))[2] > 0


def test_prefix_is_found_up_to_twenty_blocks_back(client: Anthropic) -> None:
    def read_after(new_blocks: int) -> int:
        start = user(f"{new_blocks} {LONG}")
        ask(client, messages=[start], cache_control=SHORT)
        more = user(*(f"block {n}" for n in range(new_blocks)))
        return counts(ask(client, messages=[start, more], cache_control=SHORT))[1]

    assert read_after(LOOKBACK - 1)
    assert not read_after(LOOKBACK)


def test_lifetimes_of_one_request_are_counted_apart(client: Anthropic) -> None:
    hour, short = user(LONG, marked=HOUR), user("More. ", LONG, marked=SHORT)
    message = ask(client, messages=[hour, said("Yes."), short, user("And?")])
    upto_hour = whole(client, messages=[hour])
    upto_short = whole(client, messages=[hour, said("Yes."), short])
    plain, read, written, kept = counts(message)
    assert (read, kept) == (0, upto_hour)
    assert written == upto_short - upto_hour
    assert plain > 0


def test_five_counts_make_up_the_bill(
    server: AnthropicServer, client: Anthropic
) -> None:
    server.always(Text("hi", output_tokens=10))
    ask(client, model=OPUS, messages=[user(LONG)], cache_control=HOUR)
    tokens = whole(client)
    assert server.billed_usd == (Decimal(tokens) * 8 + 10 * 20) / 10**6
    ask(client, model=OPUS, messages=[user(LONG)], cache_control=HOUR)
    assert server.messages[-1].billed_pico == tokens * 200_000 + 10 * 20_000_000


def test_scripted_counts_win_and_leave_the_cache_alone(
    server: AnthropicServer, client: Anthropic
) -> None:
    server.script(Text("hi", cache_read=40))
    asked: dict[str, Any] = {"messages": [user(LONG)], "cache_control": SHORT}
    assert counts(ask(client, **asked))[1:] == (40, 0, 0)
    assert counts(ask(client, **asked))[1] == 0


def test_prefix_can_be_read_only_once_the_answer_has_begun(
    clock: FakeClock,
) -> None:
    body = {"model": HAIKU, "messages": [user(LONG)], "cache_control": SHORT}
    cache, tokens = PromptCache(1024, clock.monotonic), Tokens()

    def look() -> Any:
        return cache.look("me", body, lambda b: tokens.prompt(b, 10**6), 10**6)

    first, second = look(), look()
    assert first == second
    cache.keep(first)
    assert look().read == first.write_5m


def test_prompt_of_a_lost_but_billed_answer_was_cached(
    server: AnthropicServer, client: Anthropic
) -> None:
    server.script(CutBeforeHeaders(billed=True))
    asked: dict[str, Any] = {"messages": [user(LONG)], "cache_control": SHORT}
    with pytest.raises(anthropic.APIConnectionError):
        ask(client, **asked)
    assert counts(ask(client, **asked))[1] > 0


def test_reset_forgets_cached_prompts(
    server: AnthropicServer, client: Anthropic
) -> None:
    ask(client, messages=[user(LONG)], cache_control=SHORT)
    server.reset()
    assert counts(ask(client, messages=[user(LONG)], cache_control=SHORT))[1] == 0


def _marked(*markers: Any) -> list[dict[str, Any]]:
    return [user(f"Part {n}", marked=marker) for n, marker in enumerate(markers)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"messages": _marked(*[SHORT] * 5)}, "maximum of 4"),
        (
            {"messages": [*_marked(*[SHORT] * 4), user("?")], "cache_control": SHORT},
            "maximum of 4",
        ),
        ({"cache_control": {"type": "persistent"}}, "should be 'ephemeral'"),
        ({"cache_control": {**SHORT, "ttl": "2h"}}, "should be '5m' or '1h'"),
        ({"cache_control": {**SHORT, "scope": "x"}}, "Extra inputs"),
        ({"messages": _marked(SHORT, HOUR)}, "must not come after"),
        ({"messages": _marked(SHORT), "cache_control": HOUR}, "different ttl"),
    ],
)
def test_wrong_markers_are_refused(
    client: Anthropic, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(anthropic.BadRequestError, match=words):
        ask(client, **changes)


def test_automatic_marker_on_a_marked_block_is_not_a_fifth(client: Anthropic) -> None:
    ask(client, messages=_marked(*[SHORT] * 4), cache_control=SHORT)


def test_thinking_is_cached_but_never_marked(client: Anthropic) -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
    marked = {**thought, "cache_control": SHORT}
    answer: dict[str, Any] = {"role": "assistant", "content": [thought]}
    ask(client, messages=[user(LONG), answer, user("?")], cache_control=SHORT)
    answer = {"role": "assistant", "content": [marked]}
    with pytest.raises(anthropic.BadRequestError, match="cannot be set"):
        ask(client, messages=[user(LONG), answer, user("?")])


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.lists(
                st.tuples(st.sampled_from("abc"), st.sampled_from([None, SHORT])),
                min_size=1,
                max_size=4,
            ),
            st.sampled_from([None, SHORT, HOUR]),
            st.sampled_from([0.0, 200.0, 400.0]),
        ),
        max_size=6,
    )
)
def test_counts_are_disjoint_parts_of_the_prompt_whatever_came_before(
    requests: list[tuple[list[tuple[str, Any]], Any, float]],
) -> None:
    clock, tokens = FakeClock(), Tokens(1.0)
    cache = PromptCache(15, clock.monotonic)

    def count(body: dict[str, Any]) -> int:
        return tokens.prompt(body, 999)

    for messages, automatic, seconds in requests:
        body = {
            "model": HAIKU,
            "messages": [user(text, marked=marker) for text, marker in messages],
            "cache_control": automatic,
        }
        cached = cache.look("me", body, count, count(body))
        parts = (cached.read, cached.write_5m, cached.write_1h)
        assert min(parts) >= 0
        assert sum(parts) <= count(body)
        cache.keep(cached)
        again = cache.look("me", body, count, count(body))
        assert (again.write_5m, again.write_1h) == (0, 0)
        assert again.read == sum(parts)
        clock.advance(seconds)
