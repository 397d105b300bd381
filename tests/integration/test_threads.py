"""Conversations over several calls, on the real path to a real server."""

from __future__ import annotations

import _thread
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest

from costroute_nb.conversations import Conversations
from costroute_nb.core.call import Call
from costroute_nb.core.thread import Thread
from costroute_nb.errors import (
    BudgetExceededError,
    ConfigurationError,
    InvalidAnswerError,
)
from costroute_nb.session import Session
from tests.support.anthropic_server import AnthropicServer, Text
from tests.support.records import NOON
from tests.support.sessions import Make, opening

SMALL = "Extract a list of the city names: Rome, Oslo, Lima."
MORE = "Extract a list of the rivers: Po, Glomma, Rimac."


@pytest.fixture
def make(server: AnthropicServer) -> Iterator[Make]:
    with opening() as made:
        yield made


@pytest.fixture
def session(make: Make) -> Session:
    return make()


class Watcher:
    """A listener that remembers what it is told."""

    def __init__(self) -> None:
        self.notices: list[str] = []

    def text(self, delta: str) -> None: ...

    def restart(self, reason: str) -> None: ...

    def notice(self, message: str) -> None:
        self.notices.append(message)


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def model(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def last(server: AnthropicServer) -> Any:
    return server.messages[-1].body["messages"]


def test_a_call_goes_on_where_the_last_one_of_its_thread_ended(
    session: Session, server: AnthropicServer
) -> None:
    server.script(Text("Rome"), Text("Po"))
    session.route(SMALL, thread="trip")
    session.route(MORE, thread="trip")
    assert last(server) == [user(SMALL), model("Rome"), user(MORE)]
    assert session.threads() == ("trip",)
    assert session.thread("trip").messages == (*last(server), model("Po"))
    assert session.ledger["status"].tolist() == ["ok", "ok"]


def test_context_becomes_a_part_of_the_thread(
    session: Session, server: AnthropicServer
) -> None:
    session.route(SMALL, thread="t", context=[user("Hello."), model("Yes?")])
    session.route(MORE, thread="t")
    assert [m["content"] for m in last(server)][:3] == ["Hello.", "Yes?", SMALL]


def test_two_threads_and_a_call_without_one_do_not_mix(
    session: Session, server: AnthropicServer
) -> None:
    session.route(SMALL, thread="one")
    session.route(SMALL + "!", thread="two")
    session.route(MORE)
    assert last(server) == [user(MORE)]
    session.route(MORE, thread="one")
    assert last(server)[0] == user(SMALL)
    assert session.threads() == ("one", "two")


def test_threads_of_two_sessions_do_not_mix(
    make: Make, server: AnthropicServer
) -> None:
    make().route(SMALL, thread="t")
    make().route(MORE, thread="t")
    assert last(server) == [user(MORE)]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"check": "False"}, InvalidAnswerError),
        ({"max_cost": 0}, BudgetExceededError),
    ],
)
def test_a_failed_call_leaves_its_thread_as_it_was(
    session: Session, options: dict[str, Any], error: type[Exception]
) -> None:
    session.route(SMALL, thread="t")
    before = session.thread("t")
    with pytest.raises(error):
        session.route(MORE, thread="t", **options)
    assert session.thread("t") == before


def test_a_failed_first_call_begins_no_thread(session: Session) -> None:
    with pytest.raises(BudgetExceededError):
        session.route(SMALL, thread="t", max_cost=0)
    assert session.threads() == ()


def test_concurrent_calls_of_one_thread_wait_for_each_other(
    session: Session, server: AnthropicServer
) -> None:
    server.always(Text(delay=0.05))
    prompts = [f"{SMALL} {n}" for n in range(5)]
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda prompt: session.route(prompt, thread="t"), prompts))
    assert server.peak_concurrency == 1
    bodies = [seen.body["messages"] for seen in server.messages]
    assert [len(messages) for messages in bodies] == [1, 3, 5, 7, 9]
    for earlier, later in pairwise(bodies):
        assert later[: len(earlier)] == earlier


def test_calls_of_different_threads_run_at_once(
    session: Session, server: AnthropicServer
) -> None:
    session.route("Translate: hello")
    server.always(Text(delay=0.3))
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda name: session.route(SMALL + name, thread=name), "abc"))
    assert server.peak_concurrency > 1


def test_who_waits_for_a_thread_is_told_and_can_be_stopped(
    session: Session, server: AnthropicServer
) -> None:
    session.route("Translate: hello")
    server.always(Text("word " * 40, delta_delay=0.05))
    busy = threading.Thread(target=lambda: session.route(SMALL, thread="t"))
    busy.start()
    server.wait_for_requests(2)
    watcher, call = Watcher(), session.call(MORE, thread="t")
    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        session.run(call, watcher)
    assert time.monotonic() - began < 1.5
    timer.join()
    busy.join()
    assert watcher.notices == ["another call of thread t is under way: waiting for it"]
    assert server.messages_requests == 2
    server.always(Text("done"))
    session.route(MORE, thread="t")
    assert len(last(server)) == 3


def test_a_check_that_goes_on_with_its_own_thread_is_refused_not_stuck(
    session: Session, server: AnthropicServer
) -> None:
    def ask_again(result: object) -> bool:
        session.route(MORE, thread="t")
        return True

    with pytest.raises(InvalidAnswerError, match="cannot go on with the same thread"):
        session.route(SMALL, thread="t", check=ask_again, escalate=False)
    assert server.messages_requests == 1
    session.route(SMALL, thread="t", check=lambda r: session.route(MORE, thread="u"))
    assert session.threads() == ("u", "t") or session.threads() == ("t", "u")


def test_a_thread_that_is_run_again_comes_from_the_cache(
    make: Make, server: AnthropicServer
) -> None:
    prompts = [SMALL, MORE, "Explain why the median resists outliers."]
    first, again = make(), make()
    for prompt in prompts:
        first.route(prompt, thread="t")
    paid = server.messages_requests
    for prompt in prompts:
        assert again.route(prompt, thread="t").cache_hit
    assert server.messages_requests == paid
    assert again.thread("t").messages == first.thread("t").messages


def test_a_plan_tells_the_threads_size_and_changes_nothing(
    session: Session, server: AnthropicServer
) -> None:
    session.route(SMALL, thread="t")
    before = session.thread("t")
    plan = session.plan(MORE, thread="t")
    alone = session.plan(MORE)
    assert plan.thread == before
    assert "thread t: 2 messages before this one" in str(plan)
    with_it, without = (p.candidates[0].quote.prompt_tokens for p in (plan, alone))
    assert with_it > without
    assert session.thread("t") == before
    assert len(server.requests) == 1


def test_a_cleared_thread_begins_anew(
    session: Session, server: AnthropicServer
) -> None:
    session.route(SMALL, thread="t")
    assert session.clear_thread("t") == 2
    assert session.clear_thread("t") == 0
    assert session.threads() == ()
    session.route(MORE, thread="t")
    assert last(server) == [user(MORE)]


def test_a_thread_cleared_while_it_is_asked_stays_cleared(
    session: Session, server: AnthropicServer
) -> None:
    session.route(SMALL, thread="t")
    server.always(Text(delay=0.3))
    busy = threading.Thread(target=lambda: session.route(MORE, thread="t"))
    busy.start()
    server.wait_for_requests(2)
    session.clear_thread("t")
    busy.join()
    assert session.threads() == ()


def test_the_ledger_names_the_thread(session: Session) -> None:
    session.route(SMALL, thread="t")
    session.route(SMALL)
    assert [record.thread for record in session.store.records()] == ["t", None]


def test_threads_work_with_the_simulated_provider(make: Make) -> None:
    session = make(provider="simulated")
    for n in range(4):
        session.route(f"Translate to French: the tide is out, day {n}.", thread="t")
    assert len(session.thread("t").messages) == 8
    roles = [message["role"] for message in session.thread("t").messages]
    assert roles == ["user", "assistant"] * 4


@pytest.mark.parametrize(
    "context",
    ["A fjord is deep.", [user("What is a fjord?"), model("A drowned valley.")]],
    ids=["text", "messages"],
)
def test_a_context_that_the_thread_has_already_is_not_said_again(
    session: Session, server: AnthropicServer, context: Any
) -> None:
    server.always(Text("It is."))
    for question in ("How deep is it?", "How wide is it?", "How old is it?"):
        session.route(question, context=context, thread="t")
    said = str(last(server))
    assert [said.count(fact) for fact in ("is deep", "drowned valley")] == [
        isinstance(context, str),
        isinstance(context, list),
    ]
    assert last(server)[-1] == user("How old is it?")


def test_a_call_waits_for_no_call_of_its_thread_that_does_not_end() -> None:
    threads, begun, over = Conversations(), threading.Event(), threading.Event()
    call = Call(prompt="?", typed="?", thread=Thread("t"))

    def stays(_: Call) -> Any:
        begun.set()
        over.wait(10)
        raise InvalidAnswerError("none")

    def run(route: Any) -> Any:
        return threads.run(
            call,
            route,
            now=lambda: NOON,
            known=lambda _: None,
            on_wait=lambda _: None,
            patience=0.05,
        )

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(run, stays)
        assert begun.wait(10)
        with pytest.raises(ConfigurationError, match=r"thread t .* still under way"):
            run(stays)
        over.set()
        with pytest.raises(InvalidAnswerError):
            first.result()
