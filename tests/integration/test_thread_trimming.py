"""Prompts that fit a number of tokens by the server's own count, and lose nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from costroute_nb.errors import ConfigurationError
from costroute_nb.session import Session
from tests.support.anthropic_server import (
    AnthropicServer,
    HttpError,
    Text,
    Tokenizer,
    Tokens,
    TokensByScript,
)
from tests.support.sdk import HAIKU

TEXTS = Path(__file__).parents[1] / "support" / "texts"
PROSE = (TEXTS / "prose.txt").read_text("utf-8")
CODE = (TEXTS / "code.txt").read_text("utf-8")
CHINESE = (TEXTS / "chinese.txt").read_text("utf-8")

TOKENIZERS: dict[str, Tokenizer] = {
    "2.6": Tokens(2.6),
    "3.6": Tokens(3.6),
    "4.5": Tokens(4.5),
    "by script": TokensByScript(3.0, 2.1, 0.75),
}


@contextmanager
def served(
    monkeypatch: pytest.MonkeyPatch, tokens: Tokenizer | None = None
) -> Iterator[AnthropicServer]:
    with AnthropicServer(tokens=tokens) as server:
        server.always(Text("It is as the text says, and nothing more can be told."))
        for name, value in server.env().items():
            monkeypatch.setenv(name, value)
        yield server


def part(text: str, number: int, size: int) -> str:
    start = number * size % (len(text) - size)
    return f"{number}. {text[start : start + size]}"


def steps(count: int, size: int = 700) -> list[str]:
    texts = (PROSE, CODE, CHINESE)
    return [
        part(texts[n % 3], n, size // 3 if n % 3 == 2 else size) for n in range(count)
    ]


@pytest.mark.parametrize("name", TOKENIZERS)
def test_forty_steps_stay_within_the_limit_and_lose_nothing(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    limit = 3_000
    with served(monkeypatch, TOKENIZERS[name]) as server, Session() as session:
        history: list[Any] = []
        trimmed = 0
        for prompt in steps(40):
            result = session.route(
                prompt, thread="t", context_tokens=limit, model=HAIKU
            )
            history.append({"role": "user", "content": prompt})
            seen = server.messages[-1]
            kept, archived = seen.body["messages"], session.archive(result.call_id)
            assert seen.usage.prompt <= limit
            assert merged(history, kept, archived)
            assert [m["role"] for m in kept] == pairs(len(kept))
            assert kept[0] == history[0]
            assert kept[-1] == history[-1]
            assert list(result.dropped) == archived
            assert (result.trimmed_tokens > 0) == bool(archived)
            trimmed += bool(archived)
            history.append({"role": "assistant", "content": result.text})
        assert trimmed > 20
        assert len(session.thread("t").messages) == 80
        charged = [record.charged or 0 for record in session.store.records()]
        assert sum(charged) == server.billed_pico
        assert max(seen.usage.prompt for seen in server.messages) > limit / 2


def merged(whole: list[Any], kept: list[Any], archived: list[Any]) -> bool:
    """Tell whether two lists in their order make up the whole one."""
    rest, gone = list(kept), list(archived)
    for message in whole:
        if rest and rest[0] == message:
            rest.pop(0)
        elif gone and gone[0] == message:
            gone.pop(0)
        else:
            return False
    return not rest and not gone


def pairs(count: int) -> list[str]:
    return [("user", "assistant")[n % 2] for n in range(count)]


def test_a_trim_is_told_in_the_result_and_the_ledger(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with served(monkeypatch) as server, Session() as session:
        for prompt in steps(16):
            result = session.route(prompt, thread="t", context_tokens=2_600)
        (note,) = [note for note in result.notes if "left out" in note]
        assert note.startswith(f"{len(result.dropped)} messages left out to fit 2,600")
        record = list(session.store.records())[-1]
        assert record.trimmed_tokens == result.trimmed_tokens
        whole = server.count("".join(m["content"] for m in result.dropped))
        assert result.trimmed_tokens == pytest.approx(whole, rel=0.3)
        assert result.trimmed_usd is not None
        assert record.trimmed == round(result.trimmed_usd * 10**12)
        assert result.trimmed_usd > 0


def test_the_context_of_one_call_is_trimmed_and_archived_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context = [
        {"role": role, "content": text}
        for role, text in zip(pairs(20), steps(20), strict=True)
    ]
    with served(monkeypatch) as server, Session() as session:
        result = session.route("What follows?", context=context, context_tokens=2_200)
        kept = server.messages[0].body["messages"]
        asked = {"role": "user", "content": "What follows?"}
        assert merged([*context, asked], kept, session.archive(result.call_id))
        assert server.messages[0].usage.prompt <= 2_200


def test_another_limit_begins_with_the_whole_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with served(monkeypatch) as server, Session() as session:
        for prompt in steps(16):
            session.route(prompt, thread="t", context_tokens=2_600)
        assert session.thread("t").left_out
        result = session.route("And now?", thread="t")
        assert len(server.messages[-1].body["messages"]) == 33
        assert (result.dropped, result.trimmed_tokens) == ((), 0)
        assert session.archive(result.call_id) == []


def test_what_a_limit_leaves_out_stays_out_for_some_calls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with served(monkeypatch) as server, Session() as session:
        for prompt in steps(40, 200):
            session.route(prompt, thread="t", context_tokens=2_600, tier="small")
        bodies = [seen.body["messages"] for seen in server.messages[16:]]
        alike = [
            later[: len(earlier)] == earlier for earlier, later in pairwise(bodies)
        ]
        assert sum(alike) > len(alike) / 2


def test_a_prompt_that_cannot_fit_is_refused_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with served(monkeypatch) as server, Session() as session:
        with pytest.raises(
            ConfigurationError,
            match=r"do not fit context_tokens 300: .*the task \(\d+\).*raise context_tok",
        ) as caught:
            session.route(PROSE[:6_000], context_tokens=300)
        assert vars(caught.value)["budget_tokens"] == 300
        assert server.requests == []
        assert session.threads() == ()


def test_a_prompt_that_just_fits_is_sent_although_estimates_are_unsure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with served(monkeypatch, Tokens(3.5)) as server, Session() as session:
        session.route(PROSE[:3_500], context_tokens=1_050)
        assert server.messages[0].usage.prompt <= 1_050


def test_an_estimate_that_was_too_low_is_found_out_before_the_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with served(monkeypatch, Tokens(1.9)) as server, Session() as session:
        context = [
            {"role": role, "content": part(PROSE, n, 500)}
            for n, role in enumerate(pairs(12))
        ]
        session.route("What follows?", context=context, context_tokens=2_200)
        assert server.messages[0].usage.prompt <= 2_200
        assert len(server.requests) > len(server.messages) == 1


def test_a_provider_that_cannot_count_leaves_it_to_the_estimate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with served(monkeypatch) as server, Session() as session:
        server.on(lambda body: "max_tokens" not in body, HttpError(500))
        for prompt in steps(16):
            session.route(prompt, thread="t", context_tokens=2_600)
        assert server.messages_requests == 16


def long_context(tokens: int) -> list[dict[str, str]]:
    size = 8_000
    count = tokens * 3 // size | 1
    return [
        {"role": role, "content": part(PROSE * 8, n, size)}
        for n, role in enumerate(pairs(count + 1))
    ]


def test_a_prompt_is_trimmed_below_a_price_step_when_that_pays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with served(monkeypatch) as server, Session(call_limit=None) as session:
        context = long_context(130_000)
        result = session.route("What follows?", context=context, tier="small")
        seen = server.messages[0]
        assert seen.usage.prompt < 100_000
        (note,) = [note for note in result.notes if "left out" in note]
        assert "to stay below claude-haiku-5-5's price step at 100,000 tokens" in note
        assert merged(
            [*context, {"role": "user", "content": "What follows?"}],
            seen.body["messages"],
            session.archive(result.call_id),
        )
        assert result.trimmed_usd is not None
        assert result.trimmed_usd > 5 * float(server.billed_usd) / 10


def test_a_prompt_without_steps_is_paid_above_the_price_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with served(monkeypatch) as server, Session(call_limit=None) as session:
        text = (PROSE * 140)[:420_000]
        result = session.route("What follows?", context=text, tier="small")
        assert server.messages[0].usage.prompt > 100_000
        assert (result.dropped, result.notes) == ((), ())
        assert result.cost_usd == float(server.billed_usd)


def test_a_trimmed_thread_that_is_run_again_comes_from_the_cache(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with served(monkeypatch, Tokens(2.6)) as server:
        with Session() as first:
            for prompt in steps(15):
                first.route(prompt, thread="t", context_tokens=2_600)
        paid = server.messages_requests
        with Session() as again:  # its estimates are corrected from the start
            hits = [
                again.route(prompt, thread="t", context_tokens=2_600).cache_hit
                for prompt in steps(15)
            ]
        assert all(hits)
        assert server.messages_requests == paid


def test_an_answer_from_the_cache_has_trimmed_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with served(monkeypatch) as server, Session() as session:
        server.always(Text("Yes."))
        context = [
            {"role": r, "content": t} for r, t in zip(pairs(20), steps(20), strict=True)
        ]
        options: dict[str, Any] = {"context": context, "context_tokens": 2_600}
        assert session.route("And?", **options).trimmed_tokens > 0
        hit = session.route("And?", **options)
        assert (hit.cache_hit, hit.trimmed_tokens, hit.trimmed_usd) == (True, 0, 0.0)


def test_an_archive_is_of_this_sessions_calls_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with served(monkeypatch), Session() as session, Session() as other:
        result = session.route("What follows?")
        assert session.archive(result.call_id) == []
        with pytest.raises(ConfigurationError, match=r"no call .* of this session"):
            other.archive(result.call_id)


def test_the_simulated_provider_trims_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    with Session(provider="simulated", context_tokens=2_600) as session:
        for prompt in steps(20):
            result = session.route(prompt, thread="t")
            assert result.usage.prompt_tokens <= 2_600 or result.cache_hit
        assert result.dropped
        assert session.archive(result.call_id) == list(result.dropped)
