"""A session whose settings change while it is used."""

import gc
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from costroute_nb.core.budget import Limits
from costroute_nb.errors import BudgetExceededError, ConfigurationError
from costroute_nb.notify import sending
from costroute_nb.session import Session
from tests.support.anthropic_server import AnthropicServer, Text
from tests.support.clock import FakeClock
from tests.support.webhook import Webhook

SMALL = "Extract a list of the city names: Rome, Oslo, Lima."


def change(session: Session, **settings: Any) -> None:
    session.configure(replace(session.settings, **settings))


def test_one_changed_limit_leaves_those_set_by_hand(session: Session) -> None:
    session.budget.update(session=2.0, call=0.05)
    change(session, day_limit=5.0)
    change(session, alert_at=0.9)
    assert session.budget.limits == Limits(
        call=0.05, session=2.0, day=5.0, alert_at=0.9
    )


def test_a_budget_held_on_to_steers_the_session_whatever_changes(
    session: Session, server: AnthropicServer
) -> None:
    budget = session.budget
    change(session, ttl=60.0)
    budget.limits = Limits(call=0.0)
    with pytest.raises(BudgetExceededError):
        session.route(SMALL)
    session.budget.stop()
    assert budget.stopped


def test_what_has_not_changed_goes_on_being_used(session: Session) -> None:
    store, cache = session.store, session.cache
    change(session, ttl=60.0, max_tokens=100)
    assert session.store is store
    assert session.cache is cache


def test_a_call_in_flight_ends_as_it_began(
    session: Session, server: AnthropicServer, tmp_path: Path
) -> None:
    server.always(Text("word " * 20, delta_delay=0.05))
    answers: list[str] = []
    thread = threading.Thread(target=lambda: answers.append(session.route(SMALL).text))
    thread.start()
    server.wait_for_requests(1, timeout=60)  # the SDK is imported first
    change(session, timeout=77.0, ledger_url=str(tmp_path / "other.sqlite3"), ttl=5.0)
    thread.join()
    assert answers == ["word " * 20]
    assert len(session.ledger) == 0
    change(session, ledger_url=None)
    assert session.ledger["status"].tolist() == ["ok"]


def test_what_cannot_be_built_changes_nothing_and_may_be_tried_again(
    session: Session, server: AnthropicServer, home: Path, tmp_path: Path
) -> None:
    rules = home / ".config" / "costroute" / "rules.toml"
    rules.parent.mkdir(parents=True)
    rules.write_text("[[rules]]\nnames = 1\n")
    before = session.settings
    wanted = {"provider": "simulated", "ledger_url": str(tmp_path / "l.sqlite3")}
    with pytest.raises(ConfigurationError, match=r"rules\.toml"):
        change(session, **wanted)
    assert session.settings == before
    rules.unlink()
    change(session, **wanted)
    assert session.simulated
    session.route(SMALL)
    assert (tmp_path / "l.sqlite3").exists()
    assert server.requests == []


def test_closing_twice_does_no_harm(session: Session, server: AnthropicServer) -> None:
    change(session, timeout=77.0)
    session.route(SMALL)
    session.close()
    session.close()


def test_history_takes_a_moment_or_how_far_back(
    session: Session, server: AnthropicServer
) -> None:
    session.route(SMALL)
    assert len(session.history()) == 1
    assert len(session.history("1h")) == len(session.history(3600)) == 1
    assert len(session.history(timedelta(hours=1))) == 1
    later = datetime.now(UTC) + timedelta(days=2)
    assert len(session.history(later)) == 0
    assert len(session.history(later.replace(tzinfo=None))) == 0


def test_a_clock_that_once_was_far_ahead_does_not_freeze_the_day(
    server: AnthropicServer, caplog: pytest.LogCaptureFixture
) -> None:
    clock = FakeClock()
    today = clock.now()
    with Session(clock=clock) as session:
        clock.set(today + timedelta(days=300))
        session.route(SMALL)
        clock.set(today)
        session.route(SMALL, fresh=True)
        assert session.ledger["at"].min() == today
        assert "records of the future" in caplog.text


@pytest.mark.parametrize("name", ["cache_url", "ledger_url", "home"])
def test_an_address_is_refused_where_a_path_is_wanted_without_repeating_it(
    name: str,
) -> None:
    with pytest.raises(ConfigurationError, match=name) as caught:
        Session(clock=None, **{name: "redis://user:hunter2@host/0"})
    assert "hunter2" not in str(caught.value)


def test_a_relative_ledger_stays_where_it_was_when_the_directory_changes(
    server: AnthropicServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Session(ledger_url="ledger.sqlite3") as session:
        session.route(SMALL)
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        session.close()
        assert len(session.ledger) == 1


def senders() -> list[threading.Thread]:
    """Return the threads that send alerts."""
    return [t for t in threading.enumerate() if t.name == "costroute-alerts"]


@pytest.fixture
def receivers() -> Iterator[tuple[Webhook, Webhook]]:
    with Webhook("one") as one, Webhook("two") as two:
        yield one, two
    sending._forget()


def test_alerts_that_wait_are_sent_once_and_in_order_whatever_changes(
    server: AnthropicServer, receivers: tuple[Webhook, Webhook]
) -> None:
    receiver, _ = receivers
    receiver.hang()
    told: list[str] = []
    with Session(alert_urls=receiver.url, single_call_alert=0) as session:
        session.on_alert(lambda alert: told.append(alert.text))
        for number in range(3):
            session.route(f"{SMALL} {number}")
            change(session, ttl=60.0 + number)
        assert len(senders()) == 1
        receiver.release()
        assert receiver.wait_for(3) == told


def test_alerts_that_wait_reach_the_address_they_were_meant_for(
    server: AnthropicServer, receivers: tuple[Webhook, Webhook]
) -> None:
    one, two = receivers
    one.hang()
    told: list[str] = []
    with Session(alert_urls=one.url, single_call_alert=0) as session:
        session.on_alert(lambda alert: told.append(alert.text))
        session.route(f"{SMALL} 1")
        session.route(f"{SMALL} 2")
        change(session, alert_urls=two.url)
        gc.collect()
        session.route(f"{SMALL} 3")
        assert two.wait_for(1) == told[2:]
        one.release()
        assert one.wait_for(2) == told[:2]


def test_receivers_of_alerts_may_be_taken_away(
    server: AnthropicServer, receivers: tuple[Webhook, Webhook]
) -> None:
    one, _ = receivers
    with Session(alert_urls=one.url, single_call_alert=0) as session:
        change(session, alert_urls=None)
        session.route(SMALL)
        assert senders() == []
        change(session, alert_urls=one.url)
        session.route(f"{SMALL} again")
        assert len(one.wait_for(1)) == 1
