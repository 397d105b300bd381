"""A trimmed history fits, keeps order and pairs, and loses nothing indispensable."""

from __future__ import annotations

import copy
import json
import math
import pickle
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import costroute_nb as cr
from costroute_nb.core.messages import Message
from costroute_nb.core.tokens import estimate_messages
from costroute_nb.core.trimming import Count, Trimmed, trim

IDS = ("a", "b", "c")
TEXTS = st.integers(1, 60).map(lambda n: "word " * n)


def user(text: str) -> Message:
    return {"role": "user", "content": text}


def answer(text: str) -> Message:
    return {"role": "assistant", "content": text}


def use(*names: str, text: str = "let me see") -> Message:
    blocks = [{"type": "tool_use", "id": n, "name": "f", "input": {}} for n in names]
    return {"role": "assistant", "content": [{"type": "text", "text": text}, *blocks]}


def results(*names: str, text: str = "found") -> Message:
    blocks = [{"type": "tool_result", "tool_use_id": n, "content": text} for n in names]
    return {"role": "user", "content": blocks}


def rule(text: str) -> Message:
    return {"role": "system", "content": text}


def by_length(messages: Sequence[Message], system: str | None) -> int:
    """Count a token a letter, so that a test's sums can be read."""
    return len(system or "") + sum(len(str(m["content"])) for m in messages)


def agent(steps: int, size: int = 100) -> list[Message]:
    """Return a task and steps of one tool use each."""
    text = "word " * size
    turns = [
        message
        for n in range(steps)
        for message in (use(f"t{n}", text=text), results(f"t{n}", text=text))
    ]
    return [user("Find the fault."), *turns]


def size(messages: Sequence[Message]) -> int:
    return estimate_messages(messages)


def fitted(messages: Sequence[Message], budget: int, **given: Any) -> Trimmed:
    return trim(messages, budget_tokens=budget, count=estimate_messages, **given)


def refusal(messages: Sequence[Message], **given: Any) -> cr.ConfigurationError:
    with pytest.raises(cr.ConfigurationError) as caught:
        trim(messages, **{"count": by_length, **given})
    return caught.value


# Any roles in any order, with tool ids that answer, miss and repeat each other.
MESSAGES: st.SearchStrategy[Message] = st.one_of(
    st.builds(user, TEXTS),
    st.builds(answer, TEXTS),
    st.builds(rule, TEXTS),
    st.lists(st.sampled_from(IDS), max_size=2).flatmap(
        lambda names: st.builds(lambda text: use(*names, text=text), TEXTS)
    ),
    st.lists(st.sampled_from(IDS), min_size=1, max_size=2).flatmap(
        lambda names: st.builds(lambda text: results(*names, text=text), TEXTS)
    ),
)


@st.composite
def trims(draw: st.DrawFn) -> tuple[list[Message], dict[str, Any]]:
    """Draw a history and arguments under which trimming it succeeds."""
    # Copies, because a repeated message is another message.
    history = [dict(m) for m in draw(st.lists(MESSAGES, max_size=25))]
    options: dict[str, Any] = {
        "keep_recent": draw(st.integers(0, 4)),
        "system": draw(st.none() | TEXTS),
        "pinned": draw(
            st.lists(st.integers(-len(history), len(history) - 1), max_size=3)
            if history
            else st.just([])
        ),
    }
    least = least_budget(history, options)
    whole = estimate_messages(history, options["system"])
    budget = draw(st.integers(least, max(whole, least) + 5))
    return list(history), {**options, "budget_tokens": budget}


def least_budget(
    history: Sequence[Message],
    options: dict[str, Any],
    count: Count = estimate_messages,
) -> int:
    """Return what the refusal of a budget of one token says is needed."""
    return int(vars(refusal(history, budget_tokens=1, count=count, **options))
               ["needed_tokens"])  # fmt: skip


def uses_of(message: Message) -> set[str]:
    return _named(message, "tool_use", "id")


def results_of(message: Message) -> set[str]:
    return _named(message, "tool_result", "tool_use_id")


def _named(message: Message, kind: str, key: str) -> set[str]:
    blocks = message["content"] if isinstance(message["content"], list) else []
    return {block[key] for block in blocks if block["type"] == kind}


def pairs(history: Sequence[Message]) -> list[tuple[int, int]]:
    """Return the positions of each tool use and of every result that answers it."""
    return [
        (max(asked), at)
        for at, message in enumerate(history)
        for name in results_of(message)
        if (asked := [i for i in range(at) if name in uses_of(history[i])])
    ]


def kept_positions(history: Sequence[Message], trimmed: Trimmed) -> list[int]:
    return [i for i in range(len(history)) if i not in trimmed.positions]


@given(trims())
def test_kept_and_dropped_are_the_history_in_its_order(
    drawn: tuple[list[Message], dict[str, Any]],
) -> None:
    history, options = drawn
    trimmed = trim(history, count=estimate_messages, **options)
    assert list(trimmed.positions) == sorted(set(trimmed.positions))
    assert [history[i] for i in trimmed.positions] == list(trimmed.dropped)
    kept = [history[i] for i in kept_positions(history, trimmed)]
    assert list(map(id, trimmed)) == list(map(id, kept))


@given(trims())
def test_the_counted_tokens_are_within_the_budget_and_are_those_told(
    drawn: tuple[list[Message], dict[str, Any]],
) -> None:
    history, options = drawn
    trimmed = trim(history, count=estimate_messages, **options)
    assert trimmed.tokens == estimate_messages(trimmed, options["system"])
    assert trimmed.tokens <= options["budget_tokens"]


@given(trims())
def test_a_tool_use_and_its_results_stay_or_go_together(
    drawn: tuple[list[Message], dict[str, Any]],
) -> None:
    history, options = drawn
    dropped = set(trim(history, count=estimate_messages, **options).positions)
    for asked, answered in pairs(history):
        assert (asked in dropped) == (answered in dropped)


@given(trims())
def test_system_messages_task_pins_recent_steps_and_question_are_never_dropped(
    drawn: tuple[list[Message], dict[str, Any]],
) -> None:
    history, options = drawn
    dropped = set(trim(history, count=estimate_messages, **options).positions)
    at = {
        role: [i for i, m in enumerate(history) if m["role"] == role]
        for role in ("system", "user", "assistant")
    }
    steps, keep = at["assistant"], options["keep_recent"]
    last = steps[-1] if steps else -1
    always = {
        *at["system"],
        *at["user"][:1],
        *steps[len(steps) - min(keep, len(steps)) :],
        *(i for i in at["user"] if i > last),
        *(i % len(history) for i in options["pinned"]),
    }
    assert not always & dropped


@given(trims())
def test_trimming_the_result_again_changes_nothing(
    drawn: tuple[list[Message], dict[str, Any]],
) -> None:
    history, options = drawn
    once = trim(history, count=estimate_messages, **options)
    kept = kept_positions(history, once)
    pinned = [kept.index(i % len(history)) for i in options["pinned"]]
    again = trim(once, count=estimate_messages, **{**options, "pinned": pinned})
    assert again == once
    assert (again.tokens, again.dropped) == (once.tokens, ())


@given(trims())
def test_a_history_that_begins_with_the_user_still_does(
    drawn: tuple[list[Message], dict[str, Any]],
) -> None:
    history, options = drawn
    roles = [m["role"] for m in history if m["role"] != "system"]
    trimmed = trim(history, count=estimate_messages, **options)
    left = [m["role"] for m in trimmed if m["role"] != "system"]
    assert left[:1] == ["user"] or roles[:1] != ["user"]


@given(trims())
def test_what_fits_is_returned_whole(
    drawn: tuple[list[Message], dict[str, Any]],
) -> None:
    history, options = drawn
    whole = estimate_messages(history, options["system"])
    trimmed = trim(
        history, count=estimate_messages, **{**options, "budget_tokens": whole}
    )
    assert trimmed == history
    assert (trimmed.dropped, trimmed.tokens) == ((), whole)


@given(trims())
def test_one_token_less_than_what_always_stays_is_refused(
    drawn: tuple[list[Message], dict[str, Any]],
) -> None:
    history, options = drawn
    del options["budget_tokens"]
    least = least_budget(history, options)
    assert trim(history, budget_tokens=least, count=estimate_messages, **options)\
        .tokens <= least  # fmt: skip
    error = refusal(
        history, budget_tokens=least - 1, count=estimate_messages, **options
    )
    assert sum(vars(error)["parts"].values()) == vars(error)["needed_tokens"] == least


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=12), st.integers(0, 3), st.data())
def test_no_dropped_step_would_still_have_fitted(
    texts: list[tuple[str, str]], keep: int, data: st.DataObject
) -> None:
    history = [user("Find the fault.")]
    for n, (asked, found) in enumerate(texts):
        history += [use(f"t{n}", text=asked), results(f"t{n}", text=found)]
    least = least_budget(history, {"keep_recent": keep})
    budget = data.draw(st.integers(least, max(least, size(history))))
    trimmed = fitted(history, budget, keep_recent=keep)
    for step in zip(trimmed.dropped[::2], trimmed.dropped[1::2], strict=True):
        assert size([*trimmed, *step]) > budget


@pytest.mark.parametrize(
    "uneven",
    [
        lambda messages, system: math.ceil(1.3 * by_length(messages, system)) + 5,
        lambda messages, system: by_length(messages, system) ** 2,
        lambda messages, system: math.isqrt(by_length(messages, system)),
    ],
)
@given(trims(), st.floats(0, 1))
def test_a_count_that_is_no_sum_holds_the_budget_too(
    uneven: Count, drawn: tuple[list[Message], dict[str, Any]], share: float
) -> None:
    history, options = drawn
    del options["budget_tokens"]
    history = [rule("Be brief."), *history]
    options["pinned"] = [i + 1 for i in options["pinned"] if i >= 0]
    least = least_budget(history, options, uneven)
    whole = uneven(history, options["system"])
    budget = least + int(share * (whole - least))
    trimmed = trim(history, budget_tokens=budget, count=uneven, **options)
    assert trimmed.tokens == uneven(trimmed, options["system"]) <= budget
    kept = kept_positions(history, trimmed)
    options["pinned"] = [kept.index(i) for i in options["pinned"]]
    assert trim(trimmed, budget_tokens=budget, count=uneven, **options) == trimmed
    options["pinned"] = []
    assert trim(history, budget_tokens=whole, count=uneven, **options) == history


def test_older_steps_are_added_newest_first() -> None:
    history = agent(6)
    trimmed = fitted(history, size([*history[:1], *history[7:]]), keep_recent=1)
    assert trimmed == [*history[:1], *history[7:]]


def test_only_as_many_steps_are_given_back_as_the_count_of_all_demands() -> None:
    def squared(messages: Sequence[Message], system: str | None) -> int:
        return by_length(messages, system) ** 2

    history = [user("hello"), *(answer("0123456789") for _ in range(5))]
    trimmed = trim(history, budget_tokens=35**2, keep_recent=0, count=squared)
    assert (trimmed.positions, trimmed.tokens) == ((1, 2), 35**2)


def test_a_step_too_large_is_passed_over_for_smaller_older_ones() -> None:
    history = agent(5)
    history[5:7] = [use("big", text="word " * 9000), results("big")]
    trimmed = fitted(history, size([*history[:5], *history[7:]]), keep_recent=1)
    assert trimmed.positions == (5, 6)


def test_a_question_goes_with_the_step_that_answers_it() -> None:
    history = [
        user("Hello."), answer("Hi."),
        user("And Lima?"), user("Quickly."), answer("Peru."),
        user("And Oslo?"), answer("Norway."), user("And Rome?"),
    ]  # fmt: skip
    trimmed = fitted(history, size(history) - 1, keep_recent=1, pinned=[1])
    assert trimmed.positions == (2, 3, 4)


def test_the_task_stays_without_the_step_that_follows_it() -> None:
    history = agent(4)
    assert fitted(history, size(history) - 1).positions == (1, 2)


def test_a_result_that_comes_late_stays_with_its_tool_use() -> None:
    history = [
        user("Find it."), use("slow", text="word " * 50), user("Still there?"),
        answer("Yes."), results("slow"), answer("Found."), user("Thanks. Next?"),
    ]  # fmt: skip
    trimmed = fitted(history, size(history) - 1, keep_recent=1, pinned=[3])
    assert trimmed.positions == (1, 4)


def test_a_step_is_as_new_as_its_last_result() -> None:
    history = [
        user("Find it."), use("slow"), user("Still there?"), answer("Yes, I am here."),
        results("slow"), answer("Found."),
    ]  # fmt: skip
    whole = size(history)
    assert fitted(history, whole - 1, keep_recent=1).positions == (2, 3)


def test_a_result_that_answers_nothing_stays_with_what_it_follows() -> None:
    history = [
        user("Find it."), answer("word " * 50), results("lost"), answer("Well."),
    ]  # fmt: skip
    assert fitted(history, size(history) - 1, keep_recent=1).positions == (1, 2)


def test_a_step_that_is_all_a_servers_tools_keeps_its_later_result() -> None:
    asked = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}}
    found = {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []}
    history = [
        user("Search."), {"role": "assistant", "content": [asked]}, user("Go on."),
        {"role": "assistant", "content": [found]}, answer("Found."),
    ]  # fmt: skip
    assert fitted(history, size(history) - 1, keep_recent=1).positions == (1, 2, 3)


def test_blocks_without_ids_are_not_a_pair() -> None:
    history: list[Message] = [
        user("Find it."),
        {"role": "assistant", "content": [{"type": "tool_use", "name": "f"}]},
        answer("Hm."),
        {"role": "user", "content": [{"type": "tool_result", "content": "x"}]},
        answer("So."),
    ]
    assert fitted(history, size(history) - 1, keep_recent=1, pinned=[2]) == [
        history[0], *history[2:],
    ]  # fmt: skip


def test_a_pinned_message_keeps_its_whole_step() -> None:
    history = agent(6)
    trimmed = fitted(history, size(history) - 1, keep_recent=0, pinned=[2])
    assert trimmed.positions == (3, 4)


def test_negative_positions_pin_from_the_end() -> None:
    history = agent(4)
    budget = size(history) - 1
    from_end = fitted(history, budget, keep_recent=0, pinned=[-7])
    from_start = fitted(history, budget, keep_recent=0, pinned=[2])
    assert from_end.positions == from_start.positions == (3, 4)


def test_results_that_wait_for_an_answer_stay_with_their_step() -> None:
    history = agent(3)
    least = least_budget(history, {"keep_recent": 0})
    assert fitted(history, least, keep_recent=0).positions == (1, 2, 3, 4)


def test_system_messages_in_mid_history_stay_where_they_are() -> None:
    history = agent(4)
    history.insert(3, rule("Be brief."))
    trimmed = fitted(history, size(history) - 1)
    assert trimmed == [history[0], *history[3:]]


def test_nothing_to_trim_is_nothing() -> None:
    trimmed = fitted([], 100, system="Be brief.")
    assert (trimmed, trimmed.dropped) == ([], ())
    assert trimmed.tokens == estimate_messages([], "Be brief.")


def test_a_refusal_names_every_part_and_its_tokens() -> None:
    history = [
        user("t" * 1000), answer("a" * 150), user("q" * 50), answer("b" * 100),
        answer("x" * 9), *(answer("c" * 700) for _ in range(3)), user("n" * 40),
    ]  # fmt: skip
    error = refusal(history, budget_tokens=2999, pinned=[1, 2, -2], system="s" * 900)
    assert str(error) == (
        "4,340 tokens do not fit 2,999: the system prompt (900), the task (1,000), "
        "the last 3 steps (2,100), the current question (40), 2 pinned messages (300); "
        "raise budget_tokens, lower keep_recent or pin fewer messages"
    )
    assert vars(error)["budget_tokens"] == 2999
    assert pickle.loads(pickle.dumps(error)).parts["the task"] == 1000


def test_a_refusal_advises_only_what_can_help() -> None:
    error = refusal([user("hello")], budget_tokens=4)
    assert str(error).endswith("the request itself (0), the task (5); "
                               "raise budget_tokens")  # fmt: skip


def test_a_refusal_counts_in_the_singular() -> None:
    history = [user("hello"), answer("hi"), user("more"), answer("ok")]
    error = refusal(history, budget_tokens=4, keep_recent=1, pinned=[1])
    assert "the last step (6), 1 pinned message (2)" in str(error)


def test_a_refusal_counts_system_messages_with_the_system_prompt() -> None:
    error = refusal([rule("brief"), user("hello")], budget_tokens=4, system="be")
    assert vars(error)["parts"] == {"the system prompt": 7, "the task": 5}


def test_messages_are_counted_in_their_order() -> None:
    history = agent(6)
    place = {id(message): i for i, message in enumerate(history)}

    def ordered(messages: Sequence[Message], system: str | None) -> int:
        places = [place[id(message)] for message in messages]
        assert places == sorted(places)
        return by_length(messages, system)

    whole = by_length(history, None)
    assert trim(history, budget_tokens=whole - 1, pinned=[5], count=ordered).dropped


def test_each_message_is_counted_a_few_times_however_many_there_are() -> None:
    counted = 0

    def counting(messages: Sequence[Message], system: str | None) -> int:
        nonlocal counted
        counted += len(messages)
        return by_length(messages, system)

    history = agent(1000, size=1)
    trimmed = trim(history, budget_tokens=50_000, count=counting)
    assert 0 < trimmed.steps_dropped < 1000
    assert counted <= 3 * len(history)


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"budget_tokens": 0}, "budget_tokens is a whole number from 1, not 0"),
        ({"budget_tokens": 10.0}, "budget_tokens is a whole number"),
        ({"budget_tokens": True}, "budget_tokens is a whole number"),
        ({"keep_recent": -1}, "keep_recent is a whole number from 0, not -1"),
        ({"keep_recent": None}, "keep_recent is a whole number"),
        ({"pinned": [1]}, "nothing to pin at 1: there are 1 messages"),
        ({"pinned": [-2]}, "a pinned position is a whole number from -1, not -2"),
        ({"pinned": ["0"]}, "a pinned position is a whole number"),
        ({"pinned": 0}, "pinned is a list of positions, not 0"),
        ({"system": ["Be brief."]}, "system is text"),
        ({"messages": "hello"}, "messages is a list"),
        ({"messages": user("hello")}, "messages is a list"),
        ({"messages": 3}, "messages is a list"),
        ({"messages": [user("hello"), "hello"]}, r"messages\[1\] is not a message"),
        ({"messages": [{"role": "tool", "content": ""}]}, "system, user, assistant"),
        ({"messages": [{"role": "user"}]}, r"messages\[0\] has no content"),
        ({"messages": [{"role": "user", "content": ["x"]}]}, r"use its model_dump\(\)"),
    ],
)
def test_an_argument_that_cannot_be_used_is_refused_by_name(
    wrong: dict[str, Any], complaint: str
) -> None:
    given = {"messages": [user("hello")], "budget_tokens": 100, **wrong}
    with pytest.raises(ValueError, match=complaint):
        trim(given.pop("messages"), count=by_length, **given)
    given = {"messages": [user("hello")], "budget_tokens": 100, **wrong}
    with pytest.raises(cr.ConfigurationError, match=complaint):
        cr.trim(given.pop("messages"), **given)


def test_a_trimmed_history_travels_as_the_list_it_is() -> None:
    history = agent(6)
    trimmed = fitted(history, size(history) - 1)
    for twin in (pickle.loads(pickle.dumps(trimmed)), copy.deepcopy(trimmed)):
        assert type(twin) is Trimmed
        assert (twin, vars(twin)) == (trimmed, vars(trimmed))
    assert json.loads(json.dumps(trimmed)) == trimmed == list(trimmed)


def test_a_trimmed_history_shows_its_size_not_its_texts() -> None:
    history = [user("hello"), answer("hello"), answer("hello")]
    whole = trim(history, budget_tokens=1000, count=by_length)
    assert repr(whole) == "Trimmed(3 messages, 15 tokens; nothing dropped)"
    less = trim(history, budget_tokens=14, keep_recent=1, count=by_length)
    assert repr(less) == (
        "Trimmed(2 messages, 10 tokens; 1 message dropped, 1 of 2 steps)"
    )
    assert (less.steps, less.steps_dropped) == (2, 1)


def test_the_input_is_left_as_it_was() -> None:
    history = agent(6)
    before = copy.deepcopy(history)
    fitted(history, size(history) - 1).clear()
    assert history == before


def test_the_door_counts_as_count_tokens_does_for_the_named_model() -> None:
    history = agent(40)
    budget = cr.count_tokens(history) // 2
    newest = cr.trim(history, budget_tokens=budget)
    assert newest.tokens == cr.count_tokens(newest) <= budget
    older = cr.trim(history, budget_tokens=budget, model="claude-haiku-4-5")
    assert older.tokens == cr.count_tokens(older, model="claude-haiku-4-5")
    assert len(older) > len(newest)


def test_the_door_passes_on_what_cannot_fit() -> None:
    with pytest.raises(cr.ConfigurationError, match="the last 3 steps") as caught:
        cr.trim(agent(40), budget_tokens=100)
    assert vars(caught.value)["budget_tokens"] == 100


def test_the_door_takes_pins_and_a_system_prompt() -> None:
    history = agent(10)
    given: dict[str, Any] = {"keep_recent": 0, "pinned": [1], "system": "word " * 50}
    trimmed = cr.trim(history, budget_tokens=cr.count_tokens(history), **given)
    assert history[1] in trimmed
    assert trimmed.tokens == cr.count_tokens(trimmed) + cr.count_tokens("word " * 50)
    assert trimmed.positions == (3, 4)
