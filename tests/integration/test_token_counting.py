"""Token estimates that learn from what a server of unknown tokenizer has billed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import pytest

import costroute_nb as cr
from costroute_nb.errors import (
    ConfigurationError,
    MissingKeyError,
    ProviderError,
    UnknownModelError,
)
from costroute_nb.session import Session
from tests.support.anthropic_server import (
    AnthropicServer,
    HttpError,
    Text,
    TokensByScript,
)
from tests.support.sdk import HAIKU

TEXTS = Path(__file__).parents[1] / "support" / "texts"
KINDS = {
    "prose": ("prose.txt",),
    "code": ("code.txt",),
    "CJK": ("chinese.txt", "japanese.txt", "korean.txt"),
}
FACTORS = [(4.6, 3.7, 1.5), (2.9, 2.0, 0.7), (4.2, 1.9, 0.8)]
FAMILY = "claude-2026"
PROMPT = [{"role": "user", "content": "Explain why the median resists outliers."}]


@contextmanager
def served(
    monkeypatch: pytest.MonkeyPatch, **options: Any
) -> Iterator[AnthropicServer]:
    with AnthropicServer(**options) as server:
        server.always(Text("Yes."))
        for name, value in server.env().items():
            monkeypatch.setenv(name, value)
        yield server


def excerpts(kind: str, count: int, seed: int) -> list[str]:
    """Return different pieces of real text of one kind."""
    random, found = Random(seed), []
    for number in range(count):
        text = (TEXTS / random.choice(KINDS[kind])).read_text("utf-8")
        size = random.randint(200, 1_500)
        start = random.randrange(max(1, len(text) - size))
        found.append(f"{number}\n{text[start : start + size]}")
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("factors", FACTORS, ids=str)
def test_after_fifty_calls_the_median_error_is_below_ten_percent(
    monkeypatch: pytest.MonkeyPatch, kind: str, factors: tuple[float, float, float]
) -> None:
    with (
        served(monkeypatch, tokens=TokensByScript(*factors)) as server,
        Session() as session,
    ):
        for text in excerpts(kind, 50, seed=1):
            session.route(text, model=HAIKU)
        errors = []
        for text in excerpts(kind, 15, seed=2):
            estimate = session.count_tokens([{"role": "user", "content": text}])
            session.route(text, model=HAIKU, cache=False)
            errors.append(abs(estimate / server.messages[-1].usage.prompt - 1))
        assert median(errors) < 0.1
        told = session.parts.counter.errors(FAMILY, simulated=False)
        assert told is not None
        assert (told.count, told.median < 0.1) == (65, True)


def test_fifty_calls_of_all_kinds_are_enough_for_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = [text for kind in KINDS for text in excerpts(kind, 17, seed=3)]
    Random(4).shuffle(texts)
    with (
        served(monkeypatch, tokens=TokensByScript(*FACTORS[1])) as server,
        Session() as session,
    ):
        for text in texts[:50]:
            session.route(text, model=HAIKU)
        for kind in KINDS:
            errors = []
            for text in excerpts(kind, 15, seed=5):
                estimate = session.count_tokens([{"role": "user", "content": text}])
                exact = session.count_tokens(text, HAIKU, exact=True)
                errors.append(abs(estimate / exact - 1))
            assert median(errors) < 0.1
        assert server.messages_requests == 50


def test_a_second_session_on_the_ledger_starts_corrected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with served(monkeypatch, bytes_per_token=1.8):
        with Session() as first:
            for text in excerpts("prose", 20, seed=6):
                first.route(text, model=HAIKU)
            corrected = first.count_tokens(PROMPT)
        with Session() as second:
            assert second.count_tokens(PROMPT) == pytest.approx(corrected, rel=0.02)
        assert corrected > 1.5 * cr.count_tokens(PROMPT)


def test_simulated_and_real_counts_do_not_mix(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(monkeypatch, bytes_per_token=1.8):
        with Session() as real:
            for text in excerpts("prose", 20, seed=7):
                real.route(text, model=HAIKU)
        with Session(provider="simulated") as simulated:
            assert simulated.count_tokens(PROMPT) == cr.count_tokens(PROMPT)
            for text in excerpts("prose", 20, seed=8):
                simulated.route(text, model=HAIKU)
        with Session() as real:
            assert real.count_tokens(PROMPT) > 1.5 * cr.count_tokens(PROMPT)


def test_the_ledger_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with Session(provider="simulated") as session:
        reads: list[bool] = []
        counted = session.store.counted

        def watched(*, simulated: bool) -> Any:
            reads.append(simulated)
            return counted(simulated=simulated)

        monkeypatch.setattr(session.store, "counted", watched)
        # Threads that come at once may both be the first; none is once it is known.
        session.plan("Explain.")
        threads = [
            threading.Thread(target=session.plan, args=(f"Explain {n}.",))
            for n in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        session.route("Explain.")
        assert reads == [True]


def test_an_interrupted_call_and_a_cached_answer_teach_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with served(monkeypatch) as server, Session() as session:
        session.route("Explain.", model=HAIKU)
        session.route("Explain.", model=HAIKU)
        server.script(HttpError(400))
        with pytest.raises(ProviderError):
            session.route("Explain again.", model=HAIKU)
        told = session.parts.counter.errors(FAMILY, simulated=False)
        assert told is not None
        assert told.count == 1


def test_an_offline_count_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(monkeypatch) as server, Session() as session:
        assert session.count_tokens("Explain.") == cr.count_tokens("Explain.")
        assert session.count_tokens(PROMPT) == cr.count_tokens(PROMPT)
        assert server.requests == []


def test_an_exact_count_is_the_providers_free_and_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with served(monkeypatch, bytes_per_token=2.9) as server:
        with Session() as session:
            counted = session.count_tokens(PROMPT, exact=True)
            assert session.count_tokens(PROMPT, exact=True) == counted
            assert session.count_tokens(PROMPT[0]["content"], exact=True) == counted
            assert len(session.ledger) == 0
        with Session() as another:
            assert another.count_tokens(PROMPT, exact=True) == counted
            assert len(server.requests) == 1
            assert server.billed_pico == 0
            another.count_tokens(PROMPT, HAIKU, exact=True)
            assert len(server.requests) == 2
            another.route(PROMPT[0]["content"], model="claude-opus-5-5")
        assert server.messages[0].usage.prompt == counted


def test_an_exact_count_takes_system_messages_beside_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with served(monkeypatch) as server, Session() as session:
        system = {"role": "system", "content": "Be brief."}
        session.count_tokens([system, *PROMPT], exact=True)
        assert server.requests[0].body["system"] == "Be brief."
        assert server.requests[0].body["messages"] == PROMPT


def test_an_exact_count_without_a_key_or_an_answer_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with served(monkeypatch) as server, Session() as session:
        server.on(lambda body: True, HttpError(500))
        monkeypatch.delenv("ANTHROPIC_API_KEY")
        with pytest.raises(MissingKeyError):
            session.count_tokens(PROMPT, exact=True)
        assert server.requests == []


@pytest.mark.parametrize(
    ("what", "model", "error"),
    [
        (PROMPT, "claude-nothing", UnknownModelError),
        ([{"role": "user"}], None, ConfigurationError),
        (7, None, ConfigurationError),
    ],
)
def test_what_cannot_be_counted_is_an_error(
    what: Any, model: str | None, error: type[Exception]
) -> None:
    with Session(provider="simulated") as session, pytest.raises(error):
        session.count_tokens(what, model)


def test_a_simulated_count_is_the_simulated_providers() -> None:
    with Session(provider="simulated") as session:
        assert session.count_tokens(PROMPT, exact=True) == cr.count_tokens(PROMPT)
