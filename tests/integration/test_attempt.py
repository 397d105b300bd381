"""What an attempt leaves behind, at every moment: its savings, and who hears of it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Event, Thread

import pytest

from costroute_nb.core.alerts import Alert
from costroute_nb.core.record import Record
from costroute_nb.core.totals import Totals
from costroute_nb.errors import BudgetExceededError, ConfigurationError
from costroute_nb.ledger.sqlite import SqliteLedger
from costroute_nb.session import Session
from tests.support.anthropic_server import AnthropicServer, Text, Truncated
from tests.support.clock import BusyClock
from tests.support.records import ended, hold
from tests.support.sessions import Make, opening

USD = 10**12
CENT = USD // 100
SMALL = "Extract a list of the city names: Rome, Oslo, Lima."
MIDNIGHT = datetime.fromisoformat("2026-11-23T00:00:00+00:00")


@pytest.fixture
def clock() -> BusyClock:
    return BusyClock()


@pytest.fixture
def make(server: AnthropicServer, clock: BusyClock) -> Iterator[Make]:
    with opening(clock=clock, timezone="UTC") as made:
        yield made


@pytest.fixture
def session(make: Make) -> Session:
    return make()


def seen(session: Session) -> Totals:
    """What a dashboard reads now."""
    rows = session.store.totals((), simulated=False)
    return rows[0][1] if rows else Totals()


@pytest.fixture
def after_each_write(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> list[tuple[str, int, int]]:
    """Status, cost and baseline as they are read after everything that is booked."""
    readings: list[tuple[str, int, int]] = []
    settle = SqliteLedger.settle

    def read(self: SqliteLedger, record: Record) -> None:
        settle(self, record)
        readings.extend(
            (str(status), totals.cost, totals.baseline)
            for (status,), totals in self.totals(("status",), simulated=False)
        )

    monkeypatch.setattr(SqliteLedger, "settle", read)
    return readings


class TestSavings:
    """Money that was paid for an answer never stands there without its baseline."""

    def test_they_are_booked_with_the_cost(
        self, session: Session, after_each_write: list[tuple[str, int, int]]
    ) -> None:
        session.route(SMALL)
        ((status, cost, baseline),) = after_each_write
        assert status == "ok"
        assert baseline > cost > 0

    def test_an_answer_cut_at_the_users_own_cap_has_them_at_once(
        self,
        session: Session,
        server: AnthropicServer,
        after_each_write: list[tuple[str, int, int]],
    ) -> None:
        server.always(Truncated("so far"))
        session.route(SMALL, max_tokens=50)
        assert after_each_write[-1][0] == "truncated"
        assert all(baseline > cost > 0 for _, cost, baseline in after_each_write)

    def test_they_are_there_when_an_alert_is_told_and_when_the_answer_is_checked(
        self, make: Make
    ) -> None:
        session = make(single_call_alert=0)
        readings: list[Totals] = []
        session.on_alert(lambda alert: readings.append(seen(session)))

        def check(result: object) -> bool:
            readings.append(seen(session))
            return True

        session.route(SMALL, check=check)
        assert len(readings) == 2
        assert readings == [seen(session)] * 2
        assert readings[0].saved > 0

    def test_no_reading_of_another_thread_is_without_them(
        self, make: Make, server: AnthropicServer
    ) -> None:
        session = make(single_call_alert=0)
        session.route(SMALL, cache=False)
        one = seen(session)
        readings: list[Totals] = []
        over = Event()

        def read() -> None:
            while not over.is_set():
                readings.append(seen(session))

        reader = Thread(target=read)
        reader.start()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: session.route(SMALL, cache=False), range(40)))
        over.set()
        reader.join()
        assert {totals.attempts for totals in readings} > {1, 41}
        for totals in readings:
            assert totals.saved == totals.attempts * one.saved

    def test_an_answer_that_is_rejected_has_none_in_the_end(
        self, session: Session, server: AnthropicServer
    ) -> None:
        server.script(Text("no"), Text("yes"))
        session.route(SMALL, check="text == 'yes'")
        first, second = session.ledger["baseline_usd"]
        assert (first, second > 0) == (0, True)

    @pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
    def test_an_answer_whose_check_was_stopped_has_none(
        self, session: Session, stop: type[BaseException]
    ) -> None:
        def check(result: object) -> bool:
            raise stop

        with pytest.raises(stop):
            session.route(SMALL, check=check)
        (row,) = session.ledger.to_dict("records")
        assert (row["status"], row["baseline_usd"]) == ("interrupted", 0)


def test_an_answer_that_could_not_be_booked_at_first_was_stopped_by_nobody(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle = SqliteLedger.settle

    def fail_once(self: SqliteLedger, record: Record) -> None:
        monkeypatch.setattr(SqliteLedger, "settle", settle)
        message = "the disk is full"
        raise ConfigurationError(message)

    monkeypatch.setattr(SqliteLedger, "settle", fail_once)
    with pytest.raises(ConfigurationError, match="the disk is full"):
        session.route(SMALL)
    (row,) = session.ledger.to_dict("records")
    assert row["status"] == "failed"
    assert row["cost_usd"] > 0
    assert "could not be booked at first" in row["reason"]
    assert "stopped" not in row["reason"]


class TestRefusals:
    """Whoever watches hears of every call that a limit refused, in its own period."""

    def test_a_refusal_after_a_wait_over_midnight_is_the_new_days(
        self, make: Make, server: AnthropicServer, clock: BusyClock
    ) -> None:
        session = make(
            day_limit=1.0, session_limit=None, call_limit=None, budget_wait=60
        )
        clock.set(MIDNIGHT - timedelta(seconds=1))
        lease = clock.now() + timedelta(hours=1)
        session.store.reserve(hold("other", USD, at=clock.now()), (), lease)

        def others_spend_the_new_day() -> None:
            if clock.now() >= MIDNIGHT:
                clock.during_sleep = lambda: None
                session.store.add(ended(hold("new", at=clock.now()), 97 * CENT))

        clock.during_sleep = others_spend_the_new_day
        told: list[Alert] = []
        session.on_alert(told.append)
        with pytest.raises(BudgetExceededError):
            session.route("Write a poem.", tier="large", max_tokens=8000)
        assert server.messages_requests == 0
        (alert,) = told
        assert (alert.limit, alert.threshold) == ("day", 1.0)
        assert alert.period == "2026-11-23T00:00Z"

    def degrading(self, make: Make, cents: int) -> tuple[Session, list[Alert]]:
        """A session with so many cents of a dollar spent, by calls told of before."""
        session = make(
            session_limit=1.0, call_limit=None, on_limit="degrade", alert_at=0.9
        )
        spent = hold("spent", session_id=session.session_id)
        session.store.add(ended(spent, cents * CENT))
        told: list[Alert] = []
        session.on_alert(told.append)
        return session, told

    @pytest.mark.parametrize("cents", [92, 97, 100])
    def test_a_call_that_is_not_degraded_and_does_not_fit_exhausts_the_limit(
        self, make: Make, server: AnthropicServer, cents: int
    ) -> None:
        session, told = self.degrading(make, cents)
        for _ in range(3):
            with pytest.raises(BudgetExceededError):
                session.route("Write a poem.", tier="large", max_tokens=30_000)
        assert server.messages_requests == 0
        assert [alert.threshold for alert in told] == [1.0]
        assert "The session limit" in told[0].text
        assert list(session.alerts) == told

    def test_a_call_that_only_may_not_go_lower_leaves_the_limit_as_it_is(
        self, make: Make, server: AnthropicServer
    ) -> None:
        session, told = self.degrading(make, 85)
        with pytest.raises(BudgetExceededError, match="85%"):
            session.route("Write a poem.", tier="large", max_tokens=50)
        assert told == []
        session.route(SMALL, max_tokens=50)
        assert server.messages_requests == 1

    def test_a_plan_tells_of_no_refusal(self, make: Make) -> None:
        session, told = self.degrading(make, 97)
        session.plan("Write a poem.", tier="large", max_tokens=30_000)
        assert told == []
