"""Calls whose tier an estimate chooses, against a real server and a real ledger."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from costroute_nb.errors import ConfigurationError, InvalidAnswerError
from costroute_nb.session import Session
from costroute_nb.settings import Settings
from costroute_nb.shifting import FRESH
from costroute_nb.sources import config_dir
from tests.support.anthropic_server import AnthropicServer, Text
from tests.support.clock import FakeClock
from tests.support.estimators import BY_WORDS, install
from tests.support.sdk import HAIKU, OPUS, SONNET
from tests.support.sessions import Make, opening

FOUR = "Why have fjords thresholds?"
EIGHT = "Why have the deep fjords such shallow thresholds?"
TWELVE = "Why do all of the deep fjords have such very shallow thresholds?"
UNKNOWN = "WHY HAVE FJORDS THRESHOLDS?"
FLOOR = "Is this login handler secure?"
MECHANICAL = "Please translate this: fjord"
PASSES = "len(text) > 12"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def make(
    server: AnthropicServer,
    clock: FakeClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Make]:
    """Make sessions whose classifier counts words: 4 small, 8 medium, 12 large."""
    install(tmp_path, BY_WORDS, monkeypatch)
    with opening(clock=clock, classifier="by_words") as made:
        yield made


@pytest.fixture
def session(make: Make) -> Session:
    return make()


def models(server: AnthropicServer) -> list[str]:
    return [seen.body["model"] for seen in server.messages]


@pytest.mark.parametrize(
    ("prompt", "model", "reason"),
    [
        (FOUR, HAIKU, "learned: P(small fails) 20%"),
        (EIGHT, SONNET, "learned: P(medium fails) 20%"),
        (TWELVE, OPUS, "learned: P(medium fails) 30%"),
        (UNKNOWN, SONNET, "default: outside what the classifier knows"),
        (MECHANICAL, HAIKU, "rule: translation"),
    ],
)
def test_the_cheapest_tier_that_fails_seldom_enough_is_asked(
    session: Session, server: AnthropicServer, prompt: str, model: str, reason: str
) -> None:
    result = session.route(prompt)
    assert models(server) == [model]
    assert result.reason == reason
    assert session.ledger["reason"].tolist() == [reason]


def test_how_much_may_fail_is_a_setting(make: Make) -> None:
    assert make(max_failure=0.4).plan(EIGHT).tier == "small"
    assert make(max_failure=0.0).plan(FOUR).tier == "large"


def test_by_rules_alone_nothing_is_estimated(make: Make) -> None:
    plan = make(classifier="rules").plan(TWELVE)
    assert (plan.tier, plan.reason) == ("medium", "default")
    assert plan.classification.estimate is None


def test_no_estimate_lowers_a_floor(session: Session) -> None:
    plan = session.plan(FLOOR, check=PASSES)
    assert (plan.tier, plan.classification.floor) == ("large", True)


def test_the_users_own_rule_comes_before_an_estimate(make: Make) -> None:
    config_dir().mkdir(parents=True)
    (config_dir() / "rules.toml").write_text(
        '[[rules]]\nname = "fjords"\ntier = "large"\nwords = ["fjord~"]\n'
    )
    assert make().plan(FOUR).reason == "rule: fjords"


def test_size_comes_before_an_estimate(session: Session) -> None:
    plan = session.plan(FOUR, context="sea level " * 60_000)
    assert plan.classification.rule == "large_context"
    assert plan.tier == "medium"


def test_a_checked_answer_is_tried_in_the_order_of_least_expected_cost(
    session: Session, server: AnthropicServer
) -> None:
    server.on(HAIKU, Text("too short"))
    server.on(OPUS, Text("long enough, surely"))
    result = session.route(TWELVE, check=PASSES)
    # Half of what small fails at medium would fail at, too, for half of large's price.
    assert models(server) == [HAIKU, OPUS]
    assert result.text == "long enough, surely"
    assert result.reason.startswith(
        "learned: P(small fails) 60%; the least expected cost, failed attempts included"
    )


def test_delegated_work_begins_small_without_an_estimate(session: Session) -> None:
    plan = session.plan_call(session.call(TWELVE, task="summarize:20"))
    assert plan.tier == "small"
    assert plan.classification.estimate is None


def test_a_changed_classifier_holds_from_the_next_call_on(session: Session) -> None:
    assert session.plan(TWELVE).tier == "large"
    session.configure(Settings(classifier="rules"))
    assert session.plan(TWELVE).tier == "medium"
    with pytest.raises(ConfigurationError, match="installed: by_words"):
        session.configure(Settings(classifier="by_wrods"))
    assert session.plan(TWELVE).tier == "medium"


def test_rejected_answers_move_the_next_ones_to_a_higher_tier(
    session: Session, clock: FakeClock
) -> None:
    assert session.plan(FOUR).tier == "small"
    for number in range(60):
        with pytest.raises(InvalidAnswerError):
            session.route(
                f"{FOUR} {number}", tier="small", check="False", escalate=False
            )
    offsets = session.plan(FOUR).classification.offsets
    assert offsets is not None
    assert offsets.judged_small == 0  # not looked at again yet
    clock.sleep(FRESH)
    found = session.plan(FOUR).classification
    assert found.offsets is not None
    assert found.offsets.judged_small == 60
    assert found.offsets.small > 1
    assert found.p_small_fails is not None
    assert found.p_small_fails > 0.5
    assert found.tier == "medium"


def test_a_paid_answer_of_a_tier_that_is_left_out_is_still_served(
    session: Session, server: AnthropicServer
) -> None:
    server.always(Text("long enough, surely"))
    session.route(TWELVE, check=PASSES, tier="medium", escalate=False)
    plan = session.plan(TWELVE, check=PASSES)
    assert [candidate.tier for candidate in plan.candidates] == ["small", "large"]
    result = session.route(TWELVE, check=PASSES)
    assert (result.cache_hit, result.tier, result.cost_usd) == (True, "medium", 0.0)
    assert models(server) == [SONNET]


def test_an_answer_below_the_tiers_that_are_tried_is_not_served(
    session: Session, server: AnthropicServer
) -> None:
    server.always(Text("long enough, surely"))
    session.route(UNKNOWN, check=PASSES, tier="small", escalate=False)
    assert not session.route(UNKNOWN, check=PASSES).cache_hit
    assert models(server) == [HAIKU, SONNET]
