"""Delegated work on hostile texts, done by hostile servers: kept promises or errors."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from costroute_nb.core.result import Result
from costroute_nb.errors import ConfigurationError, CostRouteError
from costroute_nb.session import Session
from tests.support.adversaries import CITY, COUNT, TITLE_WORD, reply, texts
from tests.support.anthropic_server import AnthropicServer
from tests.support.clock import FakeClock
from tests.support.sessions import serving

_WORDS, _CHARACTERS = 4, 30
_HAN = re.compile("[\u3400-\u9fff]")

Work = Callable[[Session, str], Result]


def _summarized(session: Session, text: str) -> Result:
    result = session.summarize(text, _WORDS)
    spaced = len(result.text.split())
    assert max(spaced, len(_HAN.findall(result.text))) <= _WORDS, result.text
    return result


def _rewritten(session: Session, text: str) -> Result:
    result = session.rewrite(text, _CHARACTERS, TITLE_WORD)
    assert len(result.text) <= _CHARACTERS, result.text
    assert TITLE_WORD in result.text.lower()
    return result


def _extracted(session: Session, text: str) -> Result:
    data = (result := session.extract_json(text, CITY)).data
    assert sorted(data) == ["count", "name"], data
    assert type(data["count"]) is int
    assert data["count"] >= 0
    assert len(data["name"]) <= 40
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False))["data"] == data
    return result


WORK = pytest.mark.parametrize("work", [_summarized, _rewritten, _extracted])


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AnthropicServer]:
    with serving(monkeypatch) as running:
        running.always(reply)
        yield running


def _outcomes(session: Session, work: Work) -> Counter[str]:
    """Do the work on every text; an answer is its tier, a failure its class."""
    found: Counter[str] = Counter()
    for text in texts():
        try:
            result = work(session, text)
        except CostRouteError as error:
            found[type(error).__name__] += 1
            reasons = str(error).splitlines()
            assert len(reasons) == 1, reasons
        else:
            assert result.text.strip()
            found[result.tier] += 1
    assert sum(found.values()) == COUNT
    return found


@WORK
def test_every_answer_keeps_its_promise_or_the_error_says_why(
    server: AnthropicServer, work: Work
) -> None:
    with Session(clock=FakeClock(), session_limit=None) as session:
        found = _outcomes(session, work)
        spent = session.ledger["cost_usd"].sum()
        delivered = session.ledger.query("status == 'ok'")
    assert min(found[tier] for tier in ("small", "medium")) > 5
    assert found["InvalidAnswerError"] > 5
    assert found["ConfigurationError"] >= 13  # nothing to read, or no Unicode text
    assert set(found) <= {
        "small", "medium", "large", "ConfigurationError", "InvalidAnswerError",
        "BudgetExceededError", "NoCapableModelError", "RefusedError",
    }  # fmt: skip
    assert spent == pytest.approx(float(server.billed_usd))
    assert len(delivered) == found["small"] + found["medium"] + found["large"]


@WORK
def test_the_simulated_provider_keeps_every_promise_that_can_be_kept(
    work: Work,
) -> None:
    with Session(provider="simulated", session_limit=None) as session:
        found = _outcomes(session, work)
    refused = found["ConfigurationError"]
    assert refused >= 13
    # Two megabytes do not fit into every window and every limit.
    assert found["small"] + found["medium"] >= COUNT - refused - 3


def test_a_text_is_sent_once_and_whole_between_tags_that_it_does_not_hold(
    server: AnthropicServer,
) -> None:
    sent = 0
    with Session(session_limit=None) as session:
        for text in texts():
            if len(text) > 10_000:
                continue
            server.reset()
            server.always(reply)
            try:
                session.summarize(text, _WORDS, escalate=False)
            except ConfigurationError:
                assert server.messages_requests == 0
                continue
            except CostRouteError:
                pass
            (message,) = server.messages[0].body["messages"]
            instruction, _, inside = message["content"].partition("\n\n")
            opening, closing = re.findall(r"</?text-[0-9a-f]+>", instruction)
            assert inside == f"{opening}\n{text}\n{closing}"
            assert closing not in text
            sent += 1
    assert sent > 150
