"""What the panel says of a limit is what happens to the next call, by a server's books."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from costroute_nb.core.budget import ceiling_at
from costroute_nb.errors import BudgetExceededError, InvalidAnswerError, ProviderError
from costroute_nb.notebook.words import standing_words
from costroute_nb.session import Session
from tests.support.anthropic_server import AnthropicServer, HttpError, Text
from tests.support.clock import BusyClock
from tests.support.records import ended, hold
from tests.support.sdk import HAIKU, OPUS, SONNET
from tests.support.sessions import Make, opening, serving

MEDIUM = "Explain why the median resists outliers better than the mean does."
FLOOR = "Review this login handler for security vulnerabilities: def login(): ..."
EPIC = "Write an epic about the sea."
RULE = """
[[rules]]
name = "epic"
tier = "large"
words = ["epic"]
match = ["write an epic"]
"""

SHORT = f"""
[[models]]
id = "{HAIKU}"
context_window = 2_000
max_output = 1_000
"""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AnthropicServer]:
    with serving(monkeypatch) as running:
        running.always(Text("ok", input_tokens=1_000, output_tokens=40_000))
        yield running


@pytest.fixture
def clock() -> BusyClock:
    return BusyClock()


@pytest.fixture
def make(server: AnthropicServer, clock: BusyClock, home: Path) -> Iterator[Make]:
    rules = home / ".config" / "costroute" / "rules.toml"
    rules.parent.mkdir(parents=True)
    rules.write_text(RULE, encoding="utf-8")
    with opening(clock=clock, call_limit=None) as made:
        yield made


def asked(server: AnthropicServer) -> list[str]:
    return [seen.body["model"] for seen in server.messages]


def panel(session: Session) -> str:
    """Return how the panel says that the session limit stands."""
    standing = session.budget.status()["session"]
    return standing_words("session", standing, session.budget.limits)


def share_used(session: Session, share: float, *, held: float = 0.0) -> None:
    """Let calls before have spent and hold these shares of a limit of $10."""
    session.budget.update(session=10.0)
    now, whole = session.budget.now(), 10 * 10**12
    spent = hold("before", at=now, session_id=session.session_id)
    session.store.add(ended(spent, round(share * whole)))
    under_way = hold("under way", round(held * whole), at=now)
    lease = now + timedelta(hours=1)
    session.store.reserve(
        ended(under_way, under_way.charged, "pending", session_id=session.session_id),
        (),
        lease,
    )


def run_until_refused(session: Session, server: AnthropicServer) -> list[float]:
    """Route until a limit refuses; return the server's bill before each call, as shares.

    Each call must go to the model that the panel allows, and the ledger must agree
    with the server.
    """
    limit = session.budget.limits.pico("session")
    assert limit is not None
    shares: list[float] = []
    for number in range(500):
        spent = session.budget.status()["session"].spent
        assert spent == server.billed_pico
        share, said = spent / limit, panel(session)
        try:
            session.route(f"{EPIC} {number}", max_tokens=41_000)
        except BudgetExceededError:
            return shares
        shares.append(share)
        ceiling = (
            ceiling_at(share) if session.budget.limits.on_limit != "stop" else None
        )
        words = {"small": "small tier only", "medium": "at most the medium tier"}
        models = {"small": HAIKU, "medium": SONNET}
        assert words.get(str(ceiling), "") in said
        assert asked(server)[-1] == models.get(str(ceiling), OPUS)
    raise AssertionError("no limit ever refused")


def set_limit(session: Session, server: AnthropicServer, calls: int) -> None:
    """Let the session limit be so many large calls, of which one is made."""
    session.route(EPIC, max_tokens=41_000)
    session.budget.update(session=server.billed_pico * calls / 1e12)


def refuses_everything_but_cached_answers(
    session: Session, server: AnthropicServer
) -> None:
    sent, billed = server.messages_requests, server.billed_pico
    for options in ({}, {"tier": "small"}, {"tier": "large"}, {"model": OPUS}):
        with pytest.raises(BudgetExceededError):
            session.route("Something new.", max_tokens=41_000, **options)
    assert session.route(EPIC, max_tokens=41_000).cache_hit
    assert (server.messages_requests, server.billed_pico) == (sent, billed)


def test_degrading_goes_down_step_by_step_and_then_stops(
    make: Make, server: AnthropicServer
) -> None:
    session = make(on_limit="degrade")
    set_limit(session, server, 25)
    shares = run_until_refused(session, server)
    models = asked(server)[1:]
    steps = [models.index(model) for model in (OPUS, SONNET, HAIKU)]
    assert steps == sorted(steps)
    assert models == sorted(models, key=[OPUS, SONNET, HAIKU].index)
    assert [int(shares[step] * 20) for step in steps[1:]] == [16, 19]
    assert 0.99 < server.billed_pico / (session.budget.limits.pico("session") or 1) <= 1
    refuses_everything_but_cached_answers(session, server)


def test_stopping_keeps_the_tier_until_nothing_more_fits(
    make: Make, server: AnthropicServer
) -> None:
    session = make(on_limit="stop")
    set_limit(session, server, 10)
    run_until_refused(session, server)
    assert set(asked(server)) == {OPUS}
    assert 0.89 < server.billed_pico / (session.budget.limits.pico("session") or 1) <= 1
    session.budget.update(session=server.billed_pico / 1e12)
    assert "spent: calls stop" in panel(session)
    refuses_everything_but_cached_answers(session, server)


def test_stop_all_sends_nothing_until_it_is_taken_back(
    make: Make, server: AnthropicServer
) -> None:
    session = make()
    session.route(EPIC, max_tokens=41_000)
    session.budget.stop()
    refuses_everything_but_cached_answers(session, server)
    session.budget.resume()
    session.route("Something new.")
    assert server.messages_requests == 2


@pytest.mark.parametrize(
    ("spent", "held", "model", "said"),
    [
        (0.79, 0.0, OPUS, "79%"),
        (0.8, 0.0, SONNET, "at most the medium tier"),
        (0.5, 0.3, SONNET, "at most the medium tier"),
        (0.949, 0.0, SONNET, "at most the medium tier"),
        (0.95, 0.0, HAIKU, "small tier only"),
        (0.05, 0.9, HAIKU, "small tier only"),
    ],
)
def test_each_step_begins_at_its_share_held_money_included(
    make: Make,
    server: AnthropicServer,
    spent: float,
    held: float,
    model: str,
    said: str,
) -> None:
    session = make(on_limit="degrade")
    share_used(session, spent, held=held)
    assert said in panel(session)
    session.route(EPIC, max_tokens=5_000)
    assert asked(server) == [model]


def test_a_call_that_waits_for_room_is_served_by_the_smallest_tier(
    make: Make, server: AnthropicServer, clock: BusyClock
) -> None:
    session = make(on_limit="degrade")
    share_used(session, 0.5, held=0.5)
    assert "held by calls under way: new ones wait" in panel(session)

    def end_the_other_call() -> None:
        under_way = hold("under way", session_id=session.session_id)
        session.store.settle(ended(under_way, round(4.6 * 10**12)))

    clock.during_sleep = end_the_other_call
    result = session.route(EPIC, max_tokens=5_000)
    assert asked(server) == [HAIKU]
    assert "degraded to small" in result.reason


@pytest.mark.parametrize("share", [0.8, 0.95])
@pytest.mark.parametrize(
    ("prompt", "options"),
    [
        (FLOOR, {}),
        (MEDIUM, {"tier": "large"}),
        (MEDIUM, {"floor": "large"}),
        (MEDIUM, {"model": OPUS}),
    ],
)
def test_what_may_not_go_below_the_step_stops(
    make: Make,
    server: AnthropicServer,
    prompt: str,
    options: dict[str, Any],
    share: float,
) -> None:
    session = make(on_limit="degrade")
    share_used(session, share)
    with pytest.raises(BudgetExceededError, match="may not go lower"):
        session.route(prompt, max_tokens=50, **options)
    assert server.messages_requests == 0


def test_a_floor_within_the_step_is_degraded_down_to_it(
    make: Make, server: AnthropicServer
) -> None:
    session = make(on_limit="degrade")
    share_used(session, 0.8)
    session.route(EPIC, floor="medium", max_tokens=50)
    assert asked(server) == [SONNET]


def test_what_no_tier_below_the_step_can_do_stops(
    make: Make, server: AnthropicServer, home: Path
) -> None:
    tables = home / ".config" / "costroute" / "tiers.toml"
    tables.write_text(SHORT, encoding="utf-8")
    session = make(on_limit="degrade")
    share_used(session, 0.95)
    with pytest.raises(BudgetExceededError, match="95%"):
        session.route(MEDIUM, context="word " * 3_000, max_tokens=50)
    assert server.messages_requests == 0


def test_escalation_does_not_go_above_what_degrading_leaves(
    make: Make, server: AnthropicServer
) -> None:
    session = make(on_limit="degrade")
    share_used(session, 0.79)  # haiku's and sonnet's answers bring it above 80%
    server.always(Text("no", input_tokens=1_000, output_tokens=40_000))
    with pytest.raises(InvalidAnswerError):
        session.route(
            "Translate this to French: the tide.", check="False", max_tokens=41_000
        )
    assert asked(server) == [HAIKU, SONNET]
    statuses = [
        row.status for row in session.store.records() if row.call_id != "before"
    ]
    assert statuses[-1] == "failed"


def test_calls_at_once_do_not_pass_the_share_that_closes_their_tier(
    make: Make, server: AnthropicServer
) -> None:
    session = make(on_limit="degrade")
    share_used(session, 0.70)
    server.always(Text("ok", input_tokens=1_000, output_tokens=25_000, delay=0.2))
    start = threading.Barrier(8)

    def route(number: int) -> None:
        start.wait()
        session.route(f"{EPIC} {number}", max_tokens=25_000, cache=False)

    threads = [threading.Thread(target=route, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Each may cost 5% of the limit: the third one at most finds less than 80% used.
    assert asked(server).count(OPUS) <= 3
    assert len(asked(server)) == 8


def test_a_limit_that_fills_while_another_call_is_awaited_lowers_the_tier(
    make: Make, server: AnthropicServer, clock: BusyClock
) -> None:
    session = make(on_limit="degrade")
    share_used(session, 0.5)
    asking, filled = threading.Event(), threading.Event()

    def fail_once_filled(_: Any) -> HttpError:
        asking.set()
        filled.wait(30)
        return HttpError(400)

    def fill() -> None:
        if not filled.is_set():
            later = hold("meanwhile", session_id=session.session_id)
            session.store.add(ended(later, round(3.5 * 10**12)))
            filled.set()

    def lead() -> None:
        with pytest.raises(ProviderError):
            session.route(EPIC, max_tokens=5_000)

    server.script(fail_once_filled)
    leader = threading.Thread(target=lead)
    leader.start()
    assert asking.wait(30)
    clock.during_sleep = fill
    result = session.route(EPIC, max_tokens=5_000)  # planned for the large tier
    leader.join()
    assert asked(server) == [OPUS, SONNET]
    assert "degraded to medium" in result.reason


def test_what_is_not_degraded_is_not_said_to_be(
    make: Make, server: AnthropicServer
) -> None:
    session = make(on_limit="degrade")
    share_used(session, 0.85)
    server.always(Text("ok"))
    for options in ({"model": HAIKU}, {"ceiling": "small"}, {"tier": "medium"}):
        result = session.route(f"{MEDIUM} {options}", **options)
        assert "degraded" not in result.reason
