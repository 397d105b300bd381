"""How hard a model shall think: asked for, sent, booked, and kept apart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from costroute_nb.errors import NoCapableModelError
from costroute_nb.session import Session
from tests.support.anthropic_server import AnthropicServer, Text
from tests.support.sdk import HAIKU, OPUS, SONNET
from tests.support.sessions import serving

SMALL = "Extract a list of the city names: Rome, Oslo, Lima."
MEDIUM = "Explain why the median resists outliers better than the mean does."


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AnthropicServer]:
    with serving(monkeypatch, thinking_tokens=120) as running:
        yield running


@pytest.mark.parametrize("model", [HAIKU, SONNET, OPUS])
@pytest.mark.parametrize("effort", ["low", "medium", "high"])
def test_an_effort_reaches_the_wire_the_result_and_the_ledger(
    session: Session, server: AnthropicServer, model: str, effort: str
) -> None:
    result = session.route(SMALL, model=model, effort=effort)
    assert server.messages[0].body["output_config"] == {"effort": effort}
    assert "thinking" not in server.messages[0].body
    (record,) = session.store.records()
    assert record.effort == result.effort == effort
    assert result.thinking == "auto"


def test_without_an_effort_the_plan_chooses(
    session: Session, server: AnthropicServer
) -> None:
    session.route(SMALL)
    session.route(MEDIUM)
    session.route(SMALL, tier="medium")
    bodies = [seen.body for seen in server.messages]
    assert [body.get("thinking") for body in bodies] == [
        {"type": "disabled"},
        None,
        None,
    ]
    assert [body.get("output_config") for body in bodies] == [
        None,
        None,
        {"effort": "low"},
    ]
    efforts = [record.effort for record in session.store.records()]
    assert efforts == [None, None, "low"]


def test_a_tight_answer_of_a_model_that_always_thinks_is_booked_as_low(
    session: Session, server: AnthropicServer
) -> None:
    result = session.route(MEDIUM, model=OPUS, max_tokens=60)
    assert server.messages[0].body["output_config"] == {"effort": "low"}
    (record,) = session.store.records()
    assert (record.effort, result.effort, result.thinking) == ("low", "low", "off")


def test_a_model_that_takes_no_effort_is_out_and_the_reason_says_so(
    session: Session, server: AnthropicServer
) -> None:
    with pytest.raises(NoCapableModelError, match="takes no effort low"):
        session.route(SMALL, model="claude-haiku-4-5", effort="low")
    assert server.requests == []


def test_a_tier_whose_model_takes_no_effort_is_left_out(
    server: AnthropicServer, home: Path
) -> None:
    tiers = home / ".config" / "costroute" / "tiers.toml"
    tiers.parent.mkdir(parents=True)
    tiers.write_text(f'[[models]]\nid = "{HAIKU}"\nefforts = []\n')
    with Session() as session:
        plan = session.plan(SMALL, effort="high")
        assert plan.excluded == (f"{HAIKU}: takes no effort high",)
        assert session.route(SMALL, effort="high").model == SONNET


def test_thinking_is_kept_apart_and_within_the_output(
    session: Session, server: AnthropicServer
) -> None:
    server.always(Text("Rome, Oslo, Lima."))
    thought = session.route(SMALL, effort="medium").usage
    quiet = session.route(SMALL).usage
    assert thought.thinking_tokens == 120
    assert thought.output_tokens == quiet.output_tokens + 120
    assert quiet.thinking_tokens == 0
    ledger = session.ledger
    assert ledger["thinking_tokens"].tolist() == [120, 0]
    charged = [record.charged or 0 for record in session.store.records()]
    assert sum(charged) == server.billed_pico


def test_answers_of_different_efforts_are_kept_apart(
    session: Session, server: AnthropicServer
) -> None:
    session.route(MEDIUM, effort="low")
    assert not session.route(MEDIUM, effort="high").cache_hit
    assert session.route(MEDIUM, effort="low").cache_hit
    assert server.messages_requests == 2


def test_the_simulated_provider_books_the_effort_too(server: AnthropicServer) -> None:
    with Session(provider="simulated") as session:
        assert session.route(SMALL, effort="high").effort == "high"
        (record,) = session.store.records()
        assert record.effort == "high"
    assert server.requests == []
