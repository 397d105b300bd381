"""Prompt caching of threads: only where it pays, by the server's own bill."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from costroute_nb.session import Session
from tests.support.anthropic_server import AnthropicServer, HttpError, Text
from tests.support.clock import FakeClock
from tests.support.sdk import HAIKU, OPUS, SONNET
from tests.support.sessions import Make, opening, serving

PROSE = (Path(__file__).parents[1] / "support/texts/prose.txt").read_text("utf-8")
MINUTE = 60.0
SMALL = "Extract a list of the city names: Rome, Oslo, Lima."

MEDIUM = "Explain why the median resists outliers better than the mean does."
CITY = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
    "additionalProperties": False,
}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def server(
    monkeypatch: pytest.MonkeyPatch, clock: FakeClock
) -> Iterator[AnthropicServer]:
    with serving(monkeypatch, clock=clock.monotonic) as running:
        running.always(Text("It is as the text says. " * 8))
        yield running


@pytest.fixture
def make(server: AnthropicServer, clock: FakeClock) -> Iterator[Make]:
    with opening(clock=clock) as made:
        yield made


@pytest.fixture
def session(make: Make) -> Session:
    return make()


def turn(number: int) -> str:
    start = number * 150 % 2_000
    return f"{number}. What follows from this? {PROSE[start : start + 1_500]}"


def talk(
    session: Session,
    clock: FakeClock,
    turns: int,
    gap: float = MINUTE,
    thread: str = "t",
    **options: Any,
) -> None:
    options.setdefault("model", SONNET)
    for number in range(turns):
        session.route(turn(number) + thread, thread=thread, **options)
        clock.advance(gap)


def markers(server: AnthropicServer) -> list[Any]:
    """Return for how long each request asked to keep its prompt."""
    asked = [seen.body.get("cache_control") for seen in server.messages]
    return [one and one.get("ttl", "5m") for one in asked]


def test_nothing_is_written_before_any_thread_went_on(
    session: Session, clock: FakeClock, server: AnthropicServer
) -> None:
    talk(session, clock, 2)
    assert markers(server) == [None, None]


def test_a_thread_that_goes_on_is_written_and_read(
    session: Session, clock: FakeClock, server: AnthropicServer
) -> None:
    talk(session, clock, 6)
    assert markers(server) == [None, None, "5m", "5m", "5m", "5m"]
    usages = [seen.usage for seen in server.messages]
    assert usages[2].cache_write_5m == usages[2].prompt
    for before, usage in pairwise(usages[2:]):
        assert usage.cache_read == before.prompt
        assert usage.input == 0
    record = list(session.store.records())[-1]
    assert record.usage.cache_read_tokens == usages[-1].cache_read


def test_twenty_turns_cost_less_than_without(
    session: Session, clock: FakeClock, server: AnthropicServer
) -> None:
    talk(session, clock, 20)
    usage = server.usage
    rates = session.prices.price(SONNET, "anthropic", clock.now())
    assert rates is not None
    plain = usage.prompt * rates.base.input + usage.output * rates.base.output
    assert server.billed_pico < 0.5 * plain
    charged = [record.charged or 0 for record in session.store.records()]
    assert sum(charged) == server.billed_pico


def test_the_result_tells_what_the_prompt_cache_saved(
    session: Session, clock: FakeClock, server: AnthropicServer
) -> None:
    talk(session, clock, 5)
    saved = session.route(turn(5), thread="t", model=SONNET).prompt_cache_usd
    usage = server.messages[-1].usage
    rates = session.prices.price(SONNET, "anthropic", clock.now())
    assert rates is not None
    plain = (usage.prompt * rates.base.input) / 10**12
    assert saved is not None
    without_answer = float(server.messages[-1].billed_pico) / 10**12 - (
        usage.output * rates.base.output / 10**12
    )
    assert saved == pytest.approx(plain - without_answer)
    assert saved > 0


def test_another_thread_begins_with_what_was_learnt(
    make: Make, clock: FakeClock, server: AnthropicServer
) -> None:
    talk(make(), clock, 4)
    server.reset()
    talk(make(), clock, 2, thread="other")
    assert markers(server) == ["5m", "5m"]


def test_threads_with_pauses_are_kept_for_an_hour(
    session: Session, clock: FakeClock, server: AnthropicServer
) -> None:
    talk(session, clock, 6, gap=20 * MINUTE)
    assert markers(server)[-1] == "1h"
    assert server.messages[-1].usage.cache_read > 0


def test_threads_that_go_on_hours_later_are_not_kept(
    session: Session, clock: FakeClock, server: AnthropicServer
) -> None:
    talk(session, clock, 6, gap=180 * MINUTE)
    assert markers(server) == [None] * 6


def test_many_threads_of_one_call_end_the_writing(
    session: Session, clock: FakeClock, server: AnthropicServer
) -> None:
    talk(session, clock, 3)
    for number in range(30):
        talk(session, clock, 1, gap=120 * MINUTE, thread=f"once {number}")
    server.reset()
    talk(session, clock, 1, thread="once more")
    assert markers(server) == [None]


def test_a_prefix_that_has_expired_is_not_counted_on(
    session: Session, clock: FakeClock
) -> None:
    talk(session, clock, 5)

    def served() -> int:
        plan = session.plan("And now?", thread="t", model=SONNET)
        return plan.candidates[0].quote.served_tokens

    warm = session.thread("t").warm
    assert warm is not None
    assert served() == warm.tokens > 1_024
    clock.advance(10 * MINUTE)
    assert served() == 0


def test_the_expected_cost_counts_what_is_read(
    session: Session, clock: FakeClock, server: AnthropicServer
) -> None:
    talk(session, clock, 12)
    call = session.call(turn(12), thread="t", model=SONNET)
    expected = session.plan_call(call).candidates[0].quote.expected
    session.run(call)
    assert expected == pytest.approx(server.messages[-1].billed_pico, rel=0.15)


@pytest.mark.parametrize(
    "options",
    [{"system": "Be brief."}, {"schema": CITY}],
)
def test_what_is_asked_in_another_way_is_not_expected_to_be_read(
    session: Session, clock: FakeClock, options: dict[str, Any]
) -> None:
    talk(session, clock, 5)
    plan = session.plan("And now?", thread="t", model=SONNET, **options)
    assert plan.candidates[0].quote.served_tokens == 0


def test_what_comes_after_too_many_messages_is_not_expected_to_be_read(
    session: Session, clock: FakeClock, server: AnthropicServer
) -> None:
    talk(session, clock, 5)
    context = [
        {"role": ("user", "assistant")[n % 2], "content": "?"} for n in range(24)
    ]
    call = session.call("And now?", thread="t", model=SONNET, context=context)
    assert session.plan_call(call).candidates[0].quote.served_tokens == 0
    session.run(call)
    assert server.messages[-1].usage.cache_read == 0


def test_a_short_prompt_is_never_thought_to_be_kept(
    session: Session, clock: FakeClock, server: AnthropicServer
) -> None:
    for number in range(5):
        session.route(f"Say {number}.", thread="t", model=SONNET)
        clock.advance(MINUTE)
    assert markers(server)[-1] == "5m"
    assert server.usage.cache_read == server.usage.cache_write_5m == 0
    assert session.thread("t").warm is None
    assert session.plan("Again.", thread="t").candidates[0].quote.served_tokens == 0


def test_a_window_that_slides_at_each_call_is_not_written(
    session: Session, clock: FakeClock, server: AnthropicServer
) -> None:
    talk(session, clock, 20, context_tokens=2_900)
    late = server.messages[10:]
    assert sum(seen.usage.cache_write_5m for seen in late) == 0
    assert len(late[-1].body["messages"]) < 15


def test_a_trimmed_thread_that_stays_alike_for_some_calls_is_read(
    session: Session, clock: FakeClock, server: AnthropicServer
) -> None:
    talk(session, clock, 40, context_tokens=6_000)
    late = server.messages[20:]
    assert all(seen.usage.prompt <= 6_000 for seen in server.messages)
    usage = sum((seen.usage for seen in late[1:]), late[0].usage)
    assert usage.cache_read > usage.prompt / 3
    rates = session.prices.price(SONNET, "anthropic", clock.now())
    assert rates is not None
    plain = usage.prompt * rates.base.input + usage.output * rates.base.output
    assert sum(seen.billed_pico for seen in late) < plain


def test_a_thread_whose_system_prompt_changes_is_never_written(
    session: Session, clock: FakeClock, server: AnthropicServer
) -> None:
    for number in range(8):
        talk(session, clock, 1, system=f"This is step {number}.")
    assert server.usage.cache_write_5m == 0


def test_a_thread_that_is_cleared_before_each_call_is_never_written(
    session: Session, clock: FakeClock, server: AnthropicServer
) -> None:
    for _ in range(8):
        session.clear_thread("t")
        talk(session, clock, 1)
    assert server.usage.cache_write_5m == 0


def test_what_the_provider_never_reads_is_written_three_times_at_most(
    session: Session, clock: FakeClock, server: AnthropicServer
) -> None:
    asked = []
    for _ in range(10):
        server.reset()
        server.always(Text("It is as the text says. " * 8))
        talk(session, clock, 1)
        asked += markers(server)
    assert [one for one in asked if one] == ["5m", "5m", "5m"]


def warm_on_opus(session: Session, clock: FakeClock, server: AnthropicServer) -> None:
    server.always(Text("Yes."))
    session.route("Read this.", context=PROSE * 20, thread="t", model=OPUS)
    talk(session, clock, 4, model=OPUS)


def test_a_prompt_stays_with_the_model_that_keeps_the_thread(
    session: Session, clock: FakeClock, server: AnthropicServer
) -> None:
    warm_on_opus(session, clock, server)
    result = session.route(MEDIUM, thread="t")
    assert result.model == OPUS
    assert "the thread's prompt cache makes large cheaper" in result.reason
    assert server.messages[-1].usage.cache_read > 15_000
    assert session.route(MEDIUM).model == SONNET


def test_a_prompt_leaves_a_thread_that_is_cheaper_to_send_again(
    session: Session, clock: FakeClock, server: AnthropicServer
) -> None:
    warm_on_opus(session, clock, server)
    assert session.route(SMALL, thread="t").model == HAIKU


def test_a_thread_of_many_calls_leaves_a_dear_model_though_it_is_warm(
    session: Session, clock: FakeClock, server: AnthropicServer
) -> None:
    talk(session, clock, 16, model=OPUS)
    assert session.plan(MEDIUM, thread="t").candidates[0].model == SONNET


def test_a_prompt_leaves_a_model_whose_prompt_cache_has_expired(
    session: Session, clock: FakeClock, server: AnthropicServer
) -> None:
    warm_on_opus(session, clock, server)
    clock.advance(6 * MINUTE)
    assert session.route(MEDIUM, thread="t").model == SONNET


def test_a_tier_that_is_asked_for_is_not_changed_by_a_prompt_cache(
    session: Session, clock: FakeClock, server: AnthropicServer
) -> None:
    warm_on_opus(session, clock, server)
    result = session.route(MEDIUM, thread="t", tier="medium")
    assert result.model == SONNET
    assert "prompt cache" not in result.reason


def test_the_charge_is_never_below_the_bill_whatever_happens(
    session: Session, clock: FakeClock, server: AnthropicServer
) -> None:
    for _ in range(5):
        server.script(Text("Yes. " * 30), HttpError(529))
    talk(session, clock, 12, gap=4 * MINUTE)
    talk(session, clock, 6, gap=25 * MINUTE, thread="u")
    charged = [record.charged or 0 for record in session.store.records()]
    assert sum(charged) >= server.billed_pico
    for record in session.store.records():
        assert record.cost is not None


def test_a_hold_covers_a_written_prompt(
    make: Make, clock: FakeClock, server: AnthropicServer
) -> None:
    session = make()
    talk(session, clock, 4)
    call = session.call(turn(4), thread="t", model=SONNET, max_tokens=50)
    quote = session.plan_call(call).candidates[0].quote
    assert quote.writes_cache
    session.run(call)
    assert quote.worst is not None
    assert quote.worst >= server.messages[-1].billed_pico


def test_threads_are_kept_by_the_simulated_provider_too(
    make: Make, clock: FakeClock
) -> None:
    session = make(provider="simulated")
    talk(session, clock, 8)
    reads = [record.usage.cache_read_tokens for record in session.store.records()]
    assert reads[-1] > 1_024
    again = session.plan("And?", thread="t", model=SONNET, provider="anthropic")
    assert again.candidates[0].quote.served_tokens == 0
