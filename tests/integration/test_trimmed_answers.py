"""Which cached answers are found where messages are left out, and what is said then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from costroute_nb.session import Session
from tests.support.anthropic_server import AnthropicServer, Text, Tokens
from tests.support.sdk import SONNET
from tests.support.sessions import serving

ASKED = "Explain it all"
CONTEXT = [
    {"role": role, "content": f"{role} {n} " + "word " * 12}
    for n in range(40)
    for role in ("user", "assistant")
]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AnthropicServer]:
    with serving(monkeypatch) as running:
        running.always(Text("fine"))
        yield running


def estimated(session: Session) -> int:
    asked = {"role": "user", "content": ASKED}
    return session.count_tokens([*CONTEXT, asked], SONNET)


def learn_that_tokens_are_fewer(session: Session) -> None:
    for n in range(30):
        session.route(f"user {n} " + "word " * (60 + n), model=SONNET)


def fitted(session: Session) -> dict[str, Any]:
    """Return options under which the whole fits once the estimates are corrected."""
    limit = int(estimated(session) * 1.05)
    return {"context": CONTEXT, "model": SONNET, "context_tokens": limit}


def left_out(notes: tuple[str, ...]) -> list[str]:
    return [note for note in notes if "left out" in note]


def test_a_trimmed_answer_is_none_to_a_prompt_that_fits_as_a_whole(
    session: Session, server: AnthropicServer
) -> None:
    options = fitted(session)
    assert session.route(ASKED, **options).dropped
    learn_that_tokens_are_fewer(session)
    server.always(Text("all of it"))
    whole = session.route(ASKED, **options)
    assert (whole.text, whole.cache_hit, whole.dropped) == ("all of it", False, ())
    assert len(server.messages[-1].body["messages"]) == len(CONTEXT) + 1
    again = session.route(ASKED, **options)
    assert (again.text, again.cache_hit, again.dropped) == ("all of it", True, ())


def test_an_answer_to_the_whole_is_served_to_a_limit_and_leaves_nothing_out(
    session: Session, server: AnthropicServer
) -> None:
    session.route(ASKED, context=CONTEXT, model=SONNET)
    hit = session.route(ASKED, context=CONTEXT, model=SONNET, context_tokens=900)
    assert (hit.cache_hit, hit.dropped, left_out(hit.notes)) == (True, (), [])
    assert session.archive(hit.call_id) == []


def test_a_trimmed_answer_says_what_it_was_made_without(
    session: Session, server: AnthropicServer
) -> None:
    options: dict[str, Any] = {
        "context": CONTEXT, "model": SONNET, "context_tokens": 900,
    }  # fmt: skip
    first = session.route(ASKED, **options)
    sent = server.messages[-1].body["messages"]
    learn_that_tokens_are_fewer(session)
    server.always(Text("another"))
    hit = session.route(ASKED, **options)
    assert hit.cache_hit
    assert hit.dropped == first.dropped
    assert len(hit.dropped) + len(sent) == len(CONTEXT) + 1
    assert left_out(hit.notes) == left_out(first.notes) != []
    assert session.archive(hit.call_id) == list(first.dropped)
    # It says what was really left out, not what would be left out today.
    fresh = session.route(ASKED, **options, fresh=True)
    assert len(fresh.dropped) < len(first.dropped)


@pytest.mark.parametrize("planted", [None, "x", [-1], [99], [2, 1], [True], []])
def test_a_trimmed_answer_that_does_not_say_so_is_not_served(
    session: Session, server: AnthropicServer, planted: Any
) -> None:
    options: dict[str, Any] = {
        "context": CONTEXT, "model": SONNET, "context_tokens": 900,
    }  # fmt: skip
    session.route(ASKED, **options)
    learn_that_tokens_are_fewer(session)  # what is sent is another prompt by now
    plan = session.plan_call(session.call(ASKED, **options))
    provider = session._parts.router.providers["anthropic"]
    candidate = plan.candidates[0]
    assert candidate.trim is not None
    key = session._parts.router.lookup.key(candidate, provider, candidate.trim.reason)
    entry = session._parts.router.lookup.cache.get(key)
    assert entry is not None
    changed = {**entry, "left_out": planted}
    if planted is None:
        del changed["left_out"]
    session._parts.router.lookup.cache.put(key, changed, 3600.0)
    assert not session.route(ASKED, **options).cache_hit


def test_a_fresh_answer_to_the_whole_replaces_a_trimmed_one(
    session: Session, server: AnthropicServer
) -> None:
    options = fitted(session)
    session.route(ASKED, **options)
    plan = session.plan_call(session.call(ASKED, **options))
    provider, trimmed = session._parts.router.providers["anthropic"], plan.candidates[0]
    assert trimmed.trim is not None
    key = session._parts.router.lookup.key(trimmed, provider, trimmed.trim.reason)
    assert session._parts.router.lookup.cache.get(key)
    learn_that_tokens_are_fewer(session)
    assert not session.route(ASKED, **options, fresh=True).dropped
    assert not session._parts.router.lookup.cache.get(key)


@pytest.mark.parametrize("ratio", [2.6, 4.5])
def test_threads_that_are_run_again_tell_the_same_of_what_was_left_out(
    monkeypatch: pytest.MonkeyPatch, ratio: float
) -> None:
    with AnthropicServer(tokens=Tokens(ratio)) as server:
        server.always(Text("It is as the text says, and nothing more can be told."))
        for name, value in server.env().items():
            monkeypatch.setenv(name, value)
        told: list[list[tuple[bool, int]]] = []
        for _ in range(2):
            with Session() as session:
                results = [
                    session.route(
                        f"{n}. " + "some words more " * 40,
                        thread="t",
                        context_tokens=2_600,
                    )
                    for n in range(20)
                ]
                told.append([(r.cache_hit, len(r.dropped)) for r in results])
        assert all(hit for hit, _ in told[1])
        assert [n for _, n in told[1]] == [n for _, n in told[0]]
