"""What the ledger keeps of an answer that a schema or a check could reject."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import pytest

from costroute_nb import wiring
from costroute_nb.core.learned import Estimate
from costroute_nb.core.offsets import ENOUGH, PRIOR, Judged, fit_offsets
from costroute_nb.core.record import COLUMNS
from costroute_nb.errors import CostRouteError, Interrupted, InvalidAnswerError
from costroute_nb.estimators import LateEstimator
from costroute_nb.ledger.statements import NEWEST_JUDGED
from costroute_nb.session import Session
from tests.support.anthropic_server import (
    AnthropicServer,
    BadJson,
    HttpError,
    Refusal,
    Text,
    Truncated,
)
from tests.support.clock import FakeClock
from tests.support.logs import listen
from tests.support.sdk import HAIKU, OPUS, SONNET
from tests.support.sessions import Make, opening

PROMPT = "Of which wood are the oars of a Venetian gondola?"
RULED = "Extract a list of the city names: Rome, Oslo, Lima."
BEECH = "len(text) == 5"
AGE = {
    "type": "object",
    "properties": {"age": {"type": "integer"}},
    "required": ["age"],
    "additionalProperties": False,
}
SMALL_FAILS, MEDIUM_FAILS, BOTH_FAIL = 0.125, 0.0625, 0.03125
BY = "gondolas 1"
MEDIUM_FAILS_TOO = BOTH_FAIL / SMALL_FAILS  # once small has


class Guess:
    """An estimator that says the same of every prompt."""

    def estimate(self, text: str) -> Estimate:
        return Estimate(
            SMALL_FAILS, MEDIUM_FAILS, BOTH_FAIL, "trivia", True, 0.5, source=BY
        )


@pytest.fixture
def make(server: AnthropicServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    monkeypatch.setattr(wiring, "SHIPPED", LateEstimator(Guess))
    with opening(classifier="both", clock=FakeClock()) as made:
        yield made


@pytest.fixture
def session(make: Make) -> Session:
    return make()


def verdicts(session: Session) -> list[tuple[str, str, float | None, bool | None]]:
    found = session.store.records()
    return [(r.tier, r.status, r.p_fails, r.accepted) for r in found]


def test_a_rejected_answer_and_the_accepted_one_after_it_are_judged(
    session: Session, server: AnthropicServer
) -> None:
    server.on(HAIKU, Text("I do not know"))
    server.on(SONNET, Text("Beech"))
    session.route(PROMPT, check=BEECH)
    assert verdicts(session) == [
        ("small", "escalated", SMALL_FAILS, False),
        ("medium", "ok", MEDIUM_FAILS_TOO, True),
    ]
    assert sorted(session.store.judged(BY), key=lambda one: one.tier) == [
        Judged("medium", MEDIUM_FAILS_TOO, accepted=True),
        Judged("small", SMALL_FAILS, accepted=False),
    ]


def test_what_an_accepted_answer_cost_and_saved_is_as_without_a_check(
    session: Session, server: AnthropicServer
) -> None:
    server.always(Text("Beech"))
    session.route(PROMPT, check=BEECH, cache=False)
    session.route(PROMPT, cache=False)
    with_check, without = session.store.records()
    assert with_check.accepted
    assert without.accepted is None
    for name in ("cost", "charged", "baseline", "saved", "reason", "status"):
        assert getattr(with_check, name) == getattr(without, name)


def test_the_large_tiers_answer_has_a_verdict_though_nothing_was_said_of_it(
    session: Session, server: AnthropicServer
) -> None:
    server.always(Text("I do not know"))
    with pytest.raises(InvalidAnswerError):
        session.route(PROMPT, check=BEECH)
    assert [found[0] for found in verdicts(session)] == ["small", "medium", "large"]
    assert verdicts(session)[-1] == ("large", "failed", None, False)
    assert len(session.store.judged(BY)) == 2


def test_an_answer_that_nothing_could_reject_has_no_verdict(session: Session) -> None:
    session.route(PROMPT)
    assert verdicts(session) == [("small", "ok", None, None)]


def test_an_answer_to_a_prompt_that_a_rule_knew_has_a_verdict_but_no_estimate(
    session: Session, server: AnthropicServer
) -> None:
    server.always(Text("Rome"))
    session.route(RULED, check="'Rome' in text")
    assert verdicts(session) == [("small", "ok", None, True)]
    assert session.store.judged(BY) == []


@pytest.mark.parametrize("reply", [Truncated("Bee"), Refusal(), HttpError(400)])
def test_what_is_no_complete_answer_has_no_verdict(
    session: Session, server: AnthropicServer, reply: Any
) -> None:
    server.always(reply)
    with suppress(CostRouteError):
        session.route(PROMPT, check=BEECH, max_tokens=50)
    assert {found[2:] for found in verdicts(session)} == {(None, None)}


def test_of_a_cut_answer_and_the_longer_one_only_the_longer_is_judged(
    session: Session, server: AnthropicServer
) -> None:
    server.script(Truncated("Bee"), Text("Beech"))
    session.route(PROMPT, check=BEECH)
    assert verdicts(session) == [
        ("small", "truncated", None, None),
        ("small", "ok", SMALL_FAILS, True),
    ]


def test_an_answer_that_came_after_a_failure_of_the_provider_is_judged(
    session: Session, server: AnthropicServer
) -> None:
    server.script(HttpError(529), Text("Beech"))
    session.route(PROMPT, check=BEECH)
    assert verdicts(session) == [
        ("small", "failed", None, None),
        ("small", "ok", SMALL_FAILS, True),
    ]


def test_an_answer_from_the_cache_has_no_verdict_whether_it_passes_or_not(
    session: Session, server: AnthropicServer
) -> None:
    server.always(Text("Beech"))
    session.route(PROMPT, check=BEECH)
    assert session.route(PROMPT, check=BEECH).cache_hit
    assert verdicts(session)[1:] == [("small", "cached", None, None)]
    # It does not pass another check: a fresh one is asked for, and that is judged.
    with suppress(InvalidAnswerError):
        session.route(PROMPT, check="len(text) == 3", escalate=False)
    assert verdicts(session)[2:] == [("small", "failed", SMALL_FAILS, False)]


def test_a_mended_answer_has_a_verdict_but_counts_as_no_second_one_to_the_prompt(
    session: Session, server: AnthropicServer
) -> None:
    server.script(BadJson(), Text('{"age": 41}'))
    session.route(PROMPT, schema=AGE)
    assert verdicts(session) == [
        ("small", "failed", SMALL_FAILS, False),
        ("small", "ok", None, True),
    ]
    assert session.store.judged(BY) == [Judged("small", SMALL_FAILS, accepted=False)]


def test_an_empty_answer_is_a_rejected_one(
    session: Session, server: AnthropicServer
) -> None:
    server.script(Text(""), Text("Beech"))
    session.route(PROMPT, check=BEECH)
    assert [found[3] for found in verdicts(session)] == [False, True]


def test_an_unfinished_turn_is_no_complete_answer(
    session: Session, server: AnthropicServer
) -> None:
    server.script(Text("Beech", stop_reason="pause_turn"), Text("Beech"))
    session.route(PROMPT, check=BEECH)
    assert [found[3] for found in verdicts(session)] == [None, True]


def test_a_check_that_is_interrupted_gives_no_verdict(
    session: Session, server: AnthropicServer
) -> None:
    def check(result: object) -> bool:
        raise KeyboardInterrupt

    with pytest.raises((KeyboardInterrupt, Interrupted)):
        session.route(PROMPT, check=check)
    assert verdicts(session) == [("small", "interrupted", None, None)]


def test_a_check_that_breaks_rejects_the_answer_and_says_nothing_of_it(
    session: Session, server: AnthropicServer
) -> None:
    server.always(Text("Beech"))

    def check(result: object) -> bool:
        raise NameError("beeches")

    with pytest.raises(InvalidAnswerError, match="raised NameError"):
        session.route(PROMPT, check=check)
    assert verdicts(session) == [
        ("small", "escalated", None, None),
        ("medium", "escalated", None, None),
        ("large", "failed", None, None),
    ]
    assert session.store.judged(BY) == []


def test_after_a_check_that_broke_medium_is_as_likely_to_fail_as_any_time(
    session: Session, server: AnthropicServer
) -> None:
    server.on(HAIKU, Text("I do not know"))
    server.on(SONNET, Text("5"))
    session.route(PROMPT, check="int(text) == 5")
    assert verdicts(session)[1] == ("medium", "ok", MEDIUM_FAILS, True)


def test_a_verdict_is_kept_with_the_estimators_name(
    session: Session, server: AnthropicServer
) -> None:
    server.script(Text("Beech"), Text("Rome"), Text("no"))
    session.route(PROMPT, check=BEECH)
    session.route(RULED, check="'Rome' in text")
    session.route(PROMPT, cache=False)
    assert [record.estimator for record in session.store.records()] == [BY, None, None]


def test_an_accepted_answer_is_delivered_though_its_verdict_cannot_be_noted(
    session: Session, server: AnthropicServer
) -> None:
    server.always(Text("Beech"))
    said = listen()

    def check(result: object) -> bool:
        # The cost is booked by now; from here on nothing can be changed.
        with closing(sqlite3.connect(session.settings.ledger_path)) as connection:
            connection.execute(
                "CREATE TRIGGER full BEFORE UPDATE ON records"
                " BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
            )
        return True

    result = session.route(PROMPT, check=check)
    assert result.text == "Beech"
    assert verdicts(session) == [("small", "ok", None, None)]
    assert session.ledger["cost_usd"].tolist() == [result.cost_usd]
    (line,) = said
    assert "the disk is full" in line
    assert session.route(PROMPT).cache_hit


def test_a_simulated_answer_is_judged_but_does_not_count(make: Make) -> None:
    session = make(provider="simulated")
    session.route(PROMPT, check="text")
    assert verdicts(session) == [("small", "ok", SMALL_FAILS, True)]
    assert session.store.judged(BY) == []


def test_judged_answers_of_one_session_are_known_to_the_next(
    make: Make, server: AnthropicServer
) -> None:
    server.on(HAIKU, Text("I do not know"))
    server.on(SONNET, Text("Beech"))
    make().route(PROMPT, check=BEECH)
    assert len(make().store.judged(BY)) == 2


def test_enough_rejected_answers_raise_the_offset_of_their_tier(
    session: Session, server: AnthropicServer
) -> None:
    server.on(HAIKU, Text("I do not know"))
    for _ in range(ENOUGH):
        with suppress(InvalidAnswerError):
            session.route(
                PROMPT, check=BEECH, tier="small", escalate=False, cache=False
            )
    offsets = fit_offsets(session.store.judged(BY), PRIOR)
    assert (offsets.judged_small, offsets.judged_medium) == (ENOUGH, 0)
    assert offsets.small > PRIOR.small + 2
    assert offsets.medium == PRIOR.medium


def test_a_model_named_by_the_user_is_judged_as_one_of_its_tier(
    session: Session, server: AnthropicServer
) -> None:
    server.always(Text("Beech"))
    for model in (SONNET, OPUS):
        session.route(PROMPT, check=BEECH, model=model)
    assert [found[2:] for found in verdicts(session)] == [
        (MEDIUM_FAILS, True),
        (None, True),
    ]


def test_the_frame_has_the_columns_it_always_had(
    session: Session, server: AnthropicServer
) -> None:
    server.always(Text("Beech"))
    session.route(PROMPT, check=BEECH)
    assert list(session.ledger.columns) == list(COLUMNS)
    assert not {"p_fails", "accepted", "estimator"} & set(COLUMNS)


def test_a_look_at_judged_answers_reads_nothing_but_their_index(
    session: Session,
) -> None:
    session.store.latest()
    with closing(sqlite3.connect(session.settings.ledger_path)) as connection:
        query = f"EXPLAIN QUERY PLAN {NEWEST_JUDGED}"
        ((*_, how),) = connection.execute(query, (BY, "small", 1)).fetchall()
    assert "USING COVERING INDEX records_judged" in how
