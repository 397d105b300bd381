"""A thread's state after calls: what it has, what it leaves out, what is kept of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from costroute_nb.core.messages import Message, Request, Usage
from costroute_nb.core.prompt_cache import Asked, Warm, asked_as, blocks
from costroute_nb.core.thread import Thread, warm_after
from tests.support.records import NOON

MINUTE = timedelta(minutes=1)
ASKED = asked_as("anthropic", Request((), 1))


def said(*texts: str) -> tuple[Message, ...]:
    return tuple({"role": "user", "content": text} for text in texts)


def warm(**changes: object) -> Warm:
    kept = Warm("m", 1_000, "5m", NOON + 5 * MINUTE, ASKED, 2)
    return replace(kept, **changes)  # type: ignore[arg-type]


def after(before: Warm | None, usage: Usage, at: datetime = NOON) -> Warm | None:
    return warm_after(
        before, usage, model="m", asked=ASKED, at=at, sent=said("one", "two")
    )


def serves(model: str = "m", asked: Asked = ASKED, at: datetime = NOON) -> int:
    return warm().serves(model, asked, at, said("one", "two", "three"))


def test_a_call_adds_what_was_said_in_order() -> None:
    first, second = said("one", "two"), said("three")
    thread = Thread("t").after(first, (), 100).after(second, (), 100)
    assert thread.messages == (*first, *second)
    assert thread.sent == thread.messages
    assert thread.limit is None


@given(st.sets(st.integers(0, 9)))
def test_what_is_sent_and_what_is_left_out_are_the_whole(places: set[int]) -> None:
    messages = said(*"0123456789")
    dropped = [messages[place] for place in sorted(places)]
    thread = Thread("t").after(messages, dropped, 100)
    assert thread.left_out == places
    assert thread.dropped == tuple(dropped)
    assert sorted([*thread.sent, *thread.dropped], key=messages.index) == list(messages)


def test_messages_alike_are_told_apart() -> None:
    messages = said("again", "again")
    thread = Thread("t").after(messages, messages[1:], 100)
    assert thread.left_out == {1}


def test_what_is_left_out_for_one_limit_is_sent_under_another() -> None:
    messages = said("one", "two")
    thread = Thread("t").after(messages, messages[:1], 100)
    assert thread.dropped_for(100) == messages[:1]
    assert thread.dropped_for(200) == ()
    assert thread.dropped_for("claude-haiku-5-5") == ()


def test_a_call_that_sends_all_leaves_nothing_out_any_more() -> None:
    messages = said("one", "two")
    thread = Thread("t").after(messages, messages[:1], 100).after(said("x"), (), "m")
    assert thread.left_out == frozenset()
    assert thread.limit is None


def test_counters_say_what_is_kept_and_how_long() -> None:
    usage = Usage(cache_read_tokens=700, cache_write_5m_tokens=300)
    assert after(None, usage, NOON) == warm()


def test_a_write_for_an_hour_is_kept_for_an_hour() -> None:
    usage = Usage(cache_write_1h_tokens=1_000)
    kept = after(None, usage, NOON)
    assert kept == warm(kept="1h", until=NOON + 60 * MINUTE)


def test_a_read_alone_renews_as_it_was_written() -> None:
    before = warm(kept="1h", until=NOON + 60 * MINUTE)
    later = NOON + 30 * MINUTE
    kept = after(before, Usage(cache_read_tokens=1_000), later)
    assert kept == warm(kept="1h", until=NOON + 90 * MINUTE)


def test_an_answer_from_the_cache_keeps_what_has_not_expired() -> None:
    assert after(warm(), Usage(), NOON + 4 * MINUTE) == warm()
    assert after(warm(), Usage(), NOON + 5 * MINUTE) is None
    assert after(None, Usage(), NOON) is None


def test_what_should_have_been_read_and_was_not_is_kept_no_more() -> None:
    assert after(warm(), Usage(input_tokens=50), NOON + 4 * MINUTE) is None


def test_an_answer_of_another_model_leaves_what_is_kept() -> None:
    other = warm(model="other")
    assert after(other, Usage(input_tokens=50), NOON + 4 * MINUTE) == other


def test_a_prefix_serves_its_own_model_until_it_expires() -> None:
    assert serves() == 1_000
    assert serves("other") == 0
    assert serves(at=NOON + 5 * MINUTE) == 0


def test_a_prefix_too_far_back_is_not_looked_for() -> None:
    near, far = (said(*map(str, range(2 + more))) for more in (19, 20))
    assert warm().serves("m", ASKED, NOON, near) == 1_000
    assert warm().serves("m", ASKED, NOON, far) == 0


def test_each_block_of_a_message_counts() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert blocks([*said("one"), {"role": "user", "content": parts}]) == 3


def test_a_prefix_serves_nothing_that_is_asked_in_another_way() -> None:
    plain = Request((), 1)
    others = (
        asked_as("simulated", plain),
        asked_as("anthropic", replace(plain, system="Be brief.")),
        asked_as("anthropic", replace(plain, schema={"type": "object"})),
        asked_as("anthropic", replace(plain, thinking="off")),
        asked_as("anthropic", plain, {3}),
    )
    assert [serves(asked=asked) for asked in others] == [0] * 5


WRITTEN, READ = Usage(cache_write_5m_tokens=900), Usage(cache_read_tokens=900)


def went_on(*usages: Usage, apart: timedelta = MINUTE) -> Thread:
    thread, at = Thread("t"), NOON
    for usage in usages:
        kept = warm_after(
            thread.warm, usage, model="m", asked=ASKED, at=at, sent=thread.messages
        )
        before = thread.warm
        served = before.serves("m", ASKED, at, thread.messages) if before else 0
        thread = thread.heard(usage, kept, ASKED, served)
        at += apart
    return thread


def test_two_writes_in_vain_after_the_first_one_end_the_writing() -> None:
    assert went_on(WRITTEN, WRITTEN).pays(ASKED)
    assert not went_on(WRITTEN, WRITTEN, WRITTEN).pays(ASKED)
    told = went_on(WRITTEN, WRITTEN, WRITTEN, Usage(input_tokens=9))
    assert not told.pays(ASKED)


def test_a_write_that_had_nothing_to_read_is_not_in_vain() -> None:
    thread = went_on(WRITTEN)
    for left_out in range(4):  # a trim each time: the thread begins otherwise
        asked = asked_as("anthropic", Request((), 1), {left_out})
        kept = warm_after(
            thread.warm, WRITTEN, model="m", asked=asked, at=NOON, sent=thread.messages
        )
        assert thread.warm is not None
        served = thread.warm.serves("m", asked, NOON, thread.messages)
        thread = thread.heard(WRITTEN, kept, ASKED, served)
    assert thread.pays(ASKED)


def test_a_read_forgives_a_write_in_vain() -> None:
    assert went_on(WRITTEN, WRITTEN, READ).pays(ASKED)
    assert went_on(WRITTEN, READ, WRITTEN).pays(ASKED)


def test_a_write_that_had_expired_was_not_in_vain() -> None:
    assert went_on(WRITTEN, WRITTEN, WRITTEN, apart=10 * MINUTE).pays(ASKED)


def test_a_thread_that_is_asked_differently_each_time_is_not_kept() -> None:
    brief = asked_as("anthropic", Request((), 1, system="Be brief."))
    assert went_on(Usage(input_tokens=9)).pays(ASKED)
    assert not went_on(Usage(input_tokens=9)).pays(brief)
    assert Thread("t").pays(brief)


def test_a_thread_that_is_cleared_after_each_call_is_not_kept() -> None:
    once = Thread("t").after(said("one", "two"), (), 100)
    assert not once.cleared().pays(ASKED)
    more = replace(once, calls=2)
    assert more.cleared().pays(ASKED)
    assert replace(once.cleared(), calls=1).pays(ASKED)


def test_clearing_does_not_forget_what_was_written_in_vain() -> None:
    in_vain = went_on(WRITTEN, WRITTEN, WRITTEN)
    assert not replace(in_vain, calls=2).cleared().pays(ASKED)
