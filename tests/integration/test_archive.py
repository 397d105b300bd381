"""What trimming left out: kept for the newest calls, each message once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from costroute_nb.archive import KEPT_CALLS, Archive
from costroute_nb.errors import ConfigurationError, InvalidAnswerError
from costroute_nb.session import Session
from tests.support.anthropic_server import AnthropicServer, Text
from tests.support.sdk import HAIKU
from tests.support.sessions import serving


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AnthropicServer]:
    with serving(monkeypatch) as running:
        running.always(Text("Yes."))
        yield running


def said(*texts: str) -> tuple[dict[str, Any], ...]:
    return tuple({"role": "user", "content": text} for text in texts)


def long_context() -> list[dict[str, Any]]:
    roles = ("user", "assistant")
    return [
        {"role": roles[n % 2], "content": f"{n}. {'It is so. ' * 40}"}
        for n in range(20)
    ]


LONG: dict[str, Any] = {
    "model": HAIKU,
    "escalate": False,
    "context": long_context(),
    "context_tokens": 1_500,
}


def test_messages_alike_are_kept_once() -> None:
    archive = Archive()
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    for number in range(5):
        blocks = {"role": "user", "content": [dict(part) for part in parts]}
        archive.keep(str(number), (*said("one", "two"), blocks))
    assert len(archive.messages()) == 3
    assert archive.of("4") == [*said("one", "two"), {"role": "user", "content": parts}]


def test_only_the_newest_calls_are_kept() -> None:
    archive = Archive()
    for number in range(KEPT_CALLS + 1):
        archive.keep(str(number), said("always", f"only {number}"))
    assert archive.of("0") is None
    assert archive.of("1") == list(said("always", "only 1"))
    assert len(archive.messages()) == KEPT_CALLS + 1


def test_changing_what_came_back_changes_nothing_kept() -> None:
    archive = Archive()
    archive.keep("1", said("one"))
    found: Any = archive.of("1")
    found[0]["content"] = "two"
    assert archive.of("1") == list(said("one"))


def test_a_failed_call_that_left_something_out_says_that_it_is_not_kept(
    session: Session,
) -> None:
    with pytest.raises(InvalidAnswerError) as failed:
        session.route("And?", check=lambda _: False, **LONG)
    with pytest.raises(ConfigurationError, match="failed, or is older than"):
        session.archive(failed.value.call_id)


def test_a_failed_call_that_left_nothing_out_has_an_empty_archive(
    session: Session,
) -> None:
    with pytest.raises(InvalidAnswerError) as failed:
        session.route("And?", model=HAIKU, escalate=False, check=lambda _: False)
    assert session.archive(failed.value.call_id) == []


def test_an_archive_that_is_full_never_says_that_nothing_was_left_out(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("costroute_nb.archive.KEPT_CALLS", 2)
    first, hit = (session.route("And?", **LONG) for _ in range(2))
    assert hit.cache_hit
    assert session.archive(hit.call_id) == list(hit.dropped) != []
    for number in range(2):
        session.route(f"And {number}?", **LONG)
    for old in (first, hit):
        with pytest.raises(ConfigurationError, match="older than"):
            session.archive(old.call_id)


def test_any_number_of_context_tokens_leaves_room_for_all(session: Session) -> None:
    result = session.route("And?", **{**LONG, "context_tokens": 10**400})
    assert result.dropped == ()


def test_an_exact_count_takes_the_text_of_a_system_messages_blocks(
    session: Session, server: AnthropicServer
) -> None:
    parts = [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be kind"}]
    messages = [{"role": "system", "content": parts}, *said("Hi")]
    session.count_tokens(messages, HAIKU, exact=True)
    assert server.requests[-1].body["system"] == "Be brief.\n\nBe kind"
