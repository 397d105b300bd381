"""Alerts on a real ledger: told once, by whoever comes first, and never in the way."""

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from costroute_nb.alerts import Alerts
from costroute_nb.core.alerts import Alert
from costroute_nb.core.budget import Limits
from costroute_nb.core.record import Record
from costroute_nb.ledger.sqlite import SqliteLedger
from tests.support.alerting import CENT, DAY, watch
from tests.support.clock import FakeClock
from tests.support.records import ended, hold


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite3"


@pytest.fixture
def ledger(path: Path) -> Iterator[SqliteLedger]:
    store = SqliteLedger(path)
    yield store
    store.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


class Spender:
    """Books calls of so many cents, and has the alerts look at each."""

    def __init__(self, ledger: SqliteLedger, clock: FakeClock, alerts: Alerts) -> None:
        self._ledger = ledger
        self._clock = clock
        self._alerts = alerts
        self.told: list[Alert] = []
        alerts.on_alert(self.told.append)

    def spend(self, cents: float, name: str | None = None, attempt: int = 1) -> Record:
        name = name or f"call {id(self)} {self._clock.monotonic()}"
        self._clock.advance(0.001)
        held = hold(name, at=self._clock.now(), attempt=attempt)
        record = ended(held, round(cents * CENT))
        self._ledger.add(record)
        self._alerts.settled(record)
        return record

    @property
    def thresholds(self) -> list[float]:
        return [alert.threshold for alert in self.told]


@pytest.fixture
def spender(ledger: SqliteLedger, clock: FakeClock) -> Spender:
    return Spender(ledger, clock, watch(ledger, clock, DAY))


def test_each_threshold_is_told_once(spender: Spender) -> None:
    for _ in range(14):
        spender.spend(10)
    assert spender.thresholds == [0.8, 1.0]


def test_a_jump_is_told_as_its_highest_threshold_alone(spender: Spender) -> None:
    spender.spend(130)
    spender.spend(1)
    assert spender.thresholds == [1.0]


def test_a_new_day_arms_the_alerts_again(spender: Spender, clock: FakeClock) -> None:
    spender.spend(90)
    clock.advance(24 * 3600)
    spender.spend(90)
    assert spender.thresholds == [0.8, 0.8]


def test_a_call_counts_in_the_day_in_which_it_was_reserved(
    spender: Spender, clock: FakeClock, ledger: SqliteLedger
) -> None:
    held = hold("late", at=clock.now())
    clock.advance(24 * 3600)
    record = ended(held, 90 * CENT)
    ledger.add(record)
    spender._alerts.settled(record)
    (alert,) = spender.told
    assert alert.period == "2026-11-22T00:00Z"


def test_after_a_restart_nothing_is_told_again(
    spender: Spender, clock: FakeClock, path: Path
) -> None:
    spender.spend(90)
    again = SqliteLedger(path)
    restarted = Spender(again, clock, watch(again, clock, DAY))
    restarted.spend(1)
    assert restarted.told == []
    again.close()


def test_raising_a_limit_arms_its_alerts_again(
    ledger: SqliteLedger, clock: FakeClock
) -> None:
    limits = [Limits(call=None, session=None, day=1.0)]
    alerts = watch(ledger, clock, limits[0])
    alerts._limits = lambda: limits[-1]
    spender = Spender(ledger, clock, alerts)
    spender.spend(90)
    limits.append(Limits(call=None, session=None, day=2.0))
    spender.spend(1)
    assert spender.thresholds == [0.8]
    spender.spend(80)
    assert spender.thresholds == [0.8, 0.8]
    limits.append(limits[0])
    spender.spend(1)
    assert spender.thresholds == [0.8, 0.8, 1.0]


def test_another_level_is_another_alert_and_is_told_once_too(
    ledger: SqliteLedger, clock: FakeClock
) -> None:
    level = [0.8]
    alerts = watch(ledger, clock, DAY)
    alerts._limits = lambda: Limits(call=None, session=None, day=1, alert_at=level[0])
    spender = Spender(ledger, clock, alerts)
    spender.spend(85)
    for level[0] in (0.5, 0.8, 0.5, 0.9):
        spender.spend(0.5)
    assert spender.thresholds == [0.8, 0.5]
    spender.spend(5)
    assert spender.thresholds == [0.8, 0.5, 0.9]


def test_what_was_told_before_a_setting_changed_is_not_asked_again(
    spender: Spender, ledger: SqliteLedger, clock: FakeClock
) -> None:
    spender.spend(90)
    after = watch(ledger, clock, DAY)
    after.continue_from(spender._alerts)
    work = Steps(ledger)
    after.settled(ended(hold("more", at=clock.now()), CENT))
    assert [alert.threshold for alert in spender.told] == [0.8]
    assert work.writes == 0


def test_session_and_call_have_alerts_of_their_own(
    ledger: SqliteLedger, clock: FakeClock
) -> None:
    limits = Limits(call=0.5, session=1.0)
    spender = Spender(ledger, clock, watch(ledger, clock, limits))
    spender.spend(45)
    spender.spend(45)
    kinds = [(alert.limit, alert.threshold) for alert in spender.told]
    assert kinds == [("call", 0.8), ("call", 0.8), ("session", 0.8)]


def test_the_attempts_of_a_call_are_added_up(
    ledger: SqliteLedger, clock: FakeClock
) -> None:
    limits = Limits(call=None, session=None)
    spender = Spender(ledger, clock, watch(ledger, clock, limits, single_call=0.5))
    spender.spend(30, "dear")
    assert spender.told == []
    spender.spend(30, "dear", attempt=2)
    spender.spend(30, "dear", attempt=3)
    (alert,) = spender.told
    assert (alert.kind, alert.period) == ("call", "dear")
    assert "$0.60" in alert.text


def test_the_two_pots_alert_apart(ledger: SqliteLedger, clock: FakeClock) -> None:
    alerts = watch(ledger, clock, DAY)
    told: list[Alert] = []
    alerts.on_alert(told.append)
    for simulated in (False, True):
        record = ended(
            hold(str(simulated), at=clock.now(), simulated=simulated), 60 * CENT
        )
        ledger.add(record)
        alerts.settled(record)
    assert told == []
    record = ended(hold("more", at=clock.now(), simulated=True), 30 * CENT)
    ledger.add(record)
    alerts.settled(record)
    assert [alert.simulated for alert in told] == [True]
    assert alerts.recent() == ()


def test_an_exhausted_limit_is_told_once_a_period_and_not_with_each_call(
    spender: Spender, clock: FakeClock
) -> None:
    spender.spend(95)
    for number in range(5):
        spender._alerts.refused(hold(str(number), None, at=clock.now()), "day")
    assert spender.thresholds == [0.8, 1.0]
    assert "stops calls" in spender.told[-1].text


def test_a_large_call_refused_early_leaves_the_exhaustion_to_be_told(
    ledger: SqliteLedger, clock: FakeClock
) -> None:
    limits = Limits(call=None, session=None, day=1.0, alert_at=0.2)
    spender = Spender(ledger, clock, watch(ledger, clock, limits))
    spender.spend(25)
    spender._alerts.refused(hold("large", None, at=clock.now()), "day")
    assert spender.thresholds == [0.2]
    spender.spend(75)
    for number in range(5):
        spender._alerts.refused(hold(str(number), None, at=clock.now()), "day")
    assert spender.thresholds == [0.2, 1.0]


def test_a_call_that_would_fit_but_for_its_tier_exhausts_no_limit(
    spender: Spender, clock: FakeClock
) -> None:
    spender.spend(95)
    spender._alerts.refused(hold("fits", 5 * CENT, at=clock.now()), "day")
    assert spender.thresholds == [0.8]
    spender._alerts.refused(hold("does not", 6 * CENT, at=clock.now()), "day")
    assert spender.thresholds == [0.8, 1.0]


@pytest.mark.parametrize("limit", ["call", "stop", "month"])
def test_other_refusals_are_no_alerts(
    spender: Spender, clock: FakeClock, limit: str
) -> None:
    spender.spend(95)
    spender._alerts.refused(hold(charged=None, at=clock.now()), limit)
    assert spender.thresholds == [0.8]


@pytest.mark.parametrize("watchers", [1, 8])
def test_eight_threads_that_cross_together_tell_once(
    ledger: SqliteLedger, clock: FakeClock, watchers: int
) -> None:
    watching = [watch(ledger, clock, DAY) for _ in range(watchers)]
    told: list[Alert] = []
    for alerts in watching:
        alerts.on_alert(told.append)
    records = [ended(hold(str(n), at=clock.now()), 11 * CENT) for n in range(8)]
    for record in records:
        ledger.add(record)
    start = threading.Barrier(8)

    def settle(number: int) -> None:
        start.wait()
        watching[number % watchers].settled(records[number])

    threads = [threading.Thread(target=settle, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [alert.threshold for alert in told] == [0.8]


def test_four_processes_of_eight_threads_tell_each_threshold_once(path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.alerting", path, name, "4", "1"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in "abcd"
    ]
    for process in processes:  # all have started before the first one begins
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    keys = []
    for process in processes:
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        keys += out.split()
    # 128 cents, one after the other: both thresholds are crossed.
    assert sorted(key.split("/")[4] for key in keys) == ["0.8", "1"]


def test_the_list_has_what_other_processes_told_and_no_silent_claims(
    spender: Spender, clock: FakeClock, path: Path
) -> None:
    spender.spend(130)
    other = SqliteLedger(path)
    session = watch(other, clock, DAY, session_id="another")
    assert session.recent() == tuple(spender.told)
    clock.advance(8 * 24 * 3600)
    assert session.recent() == ()
    other.close()


def test_another_sessions_limit_is_not_listed(
    ledger: SqliteLedger, clock: FakeClock
) -> None:
    limits = Limits(call=None, session=1.0)
    mine = watch(ledger, clock, limits)
    Spender(ledger, clock, mine).spend(90)
    assert len(mine.recent()) == 1
    assert watch(ledger, clock, limits, session_id="other").recent() == ()


def test_the_newest_alerts_are_found_behind_those_that_are_not_listed(
    spender: Spender, clock: FakeClock, ledger: SqliteLedger
) -> None:
    for amount in (10, 20, 30):
        key = f"limit/real/day/{clock.now():%Y}/0.8/{amount}"
        ledger.claim_alert(key, clock.now(), str(amount))
    for number in range(1_500):
        ledger.claim_alert(f"call/simulated/call/{number}/0/0", clock.now(), "toy")
    assert [one.text for one in spender._alerts.recent(2)] == ["20", "30"]
    assert [one.text for one in spender._alerts.recent()] == ["10", "20", "30"]


@pytest.mark.parametrize("told", [200, 5_000])
def test_reading_the_newest_alerts_does_not_grow_with_all_of_them(
    ledger: SqliteLedger, clock: FakeClock, told: int
) -> None:
    for number in range(told):
        ledger.claim_alert(f"call/real/call/{number}/0/0", clock.now(), "dear")
    alerts = watch(ledger, clock, DAY)
    work = Steps(ledger)
    assert [one.period for one in alerts.recent(2)] == [str(told - 2), str(told - 1)]
    assert work.steps < 10_000


def test_a_callback_can_be_taken_back(ledger: SqliteLedger, clock: FakeClock) -> None:
    alerts = watch(ledger, clock, DAY)
    told: list[Alert] = []
    first = alerts.on_alert(told.append)
    alerts.on_alert(told.append)
    first()
    first()
    Spender(ledger, clock, alerts).spend(90)
    assert len(told) == 1


def test_an_interrupt_beside_the_claim_loses_no_message(
    ledger: SqliteLedger, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = SqliteLedger.claim_alert

    def interrupted(self: SqliteLedger, *claimed: Any) -> bool:
        claim(self, *claimed)
        raise KeyboardInterrupt

    sent: list[Alert] = []
    alerts = watch(ledger, clock, DAY, notifiers=[Carrier(sent)])
    spender = Spender(ledger, clock, alerts)
    with monkeypatch.context() as patch:
        patch.setattr(SqliteLedger, "claim_alert", interrupted)
        with pytest.raises(KeyboardInterrupt):
            spender.spend(90)
        assert [alert.threshold for alert in sent] == [0.8]
        with pytest.raises(KeyboardInterrupt):  # claimed already, by somebody else
            Spender(ledger, clock, watch(ledger, clock, DAY)).spend(1)
    spender.spend(1)
    assert [alert.threshold for alert in sent] == [0.8]


class Carrier:
    """A notifier that keeps what it takes."""

    def __init__(self, sent: list[Alert]) -> None:
        self.notify = sent.append


def test_a_failing_callback_is_logged_and_harms_nobody(
    ledger: SqliteLedger, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    alerts = watch(ledger, clock, DAY)
    alerts.on_alert(lambda alert: 1 / 0)
    spender = Spender(ledger, clock, alerts)
    spender.spend(90)
    assert len(spender.told) == 1
    assert "on_alert" in caplog.text


def test_a_ledger_that_cannot_be_used_is_logged_and_fails_no_call(
    path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_bytes(b"no database at all, but long enough to be taken for one" * 100)
    alerts = watch(SqliteLedger(path), clock, DAY)
    with caplog.at_level(logging.WARNING):
        alerts.settled(ended(hold(), 90 * CENT))
        alerts.refused(hold(), "day")
    assert len(caplog.records) == 2


def test_free_attempts_ask_nothing_of_the_ledger(path: Path, clock: FakeClock) -> None:
    alerts = watch(SqliteLedger(path), clock, DAY)
    alerts.settled(ended(hold(), 0))
    alerts.settled(ended(hold(), None))
    assert not path.exists()


@pytest.mark.parametrize("calls", [10, 1_000])
def test_what_a_dear_call_asks_does_not_grow_with_the_calls_of_the_week(
    ledger: SqliteLedger,
    clock: FakeClock,
    calls: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(calls):
        at = clock.now() - timedelta(days=7) * (1 - number / calls)
        ledger.add(ended(hold(str(number), at=at), CENT))
    work = Steps(ledger)
    unlimited = Limits(call=None, session=None)
    spender = Spender(ledger, clock, watch(ledger, clock, unlimited))
    spender.spend(60)
    assert [alert.kind for alert in spender.told] == ["rate"]
    assert work.queries < 20
    assert work.steps < 50_000


class Steps:
    """Counts what SQLite does from now on: statements, and steps by the thousand."""

    def __init__(self, ledger: SqliteLedger) -> None:
        self.queries = self.writes = self.steps = 0
        connection = ledger._shared._connected()
        connection.set_trace_callback(self._asked)
        connection.set_progress_handler(self._stepped, 1_000)

    def _asked(self, statement: str) -> None:
        self.queries += statement.startswith("SELECT")
        self.writes += statement.startswith("INSERT")

    def _stepped(self) -> None:
        self.steps += 1_000


class TestRate:
    """The last ten minutes against the week before."""

    @pytest.fixture
    def spender(self, ledger: SqliteLedger, clock: FakeClock) -> Spender:
        unlimited = Limits(call=None, session=None)
        return Spender(ledger, clock, watch(ledger, clock, unlimited))

    def a_usual_week(self, spender: Spender, clock: FakeClock, cents: float) -> None:
        for _ in range(7 * 4):
            spender.spend(cents)
            clock.advance(6 * 3600)

    def test_a_burst_is_told(self, spender: Spender, clock: FakeClock) -> None:
        self.a_usual_week(spender, clock, 10)
        spender.spend(30)
        clock.advance(300)
        spender.spend(20)
        assert spender.told == []
        spender.spend(1)
        (alert,) = spender.told
        assert (alert.kind, alert.threshold) == ("rate", 5)
        assert "$0.51 in the last 10 minutes, 5 times the usual $0.10" in alert.text

    def test_ten_minutes_are_ten_minutes(
        self, spender: Spender, clock: FakeClock
    ) -> None:
        self.a_usual_week(spender, clock, 10)
        spender.spend(40)
        clock.advance(601)
        spender.spend(40)
        assert spender.told == []

    def test_what_is_usual_for_a_heavy_user_is_not_told(
        self, spender: Spender, clock: FakeClock
    ) -> None:
        self.a_usual_week(spender, clock, 60)
        spender.spend(290)
        assert spender.told == []

    def test_less_than_half_a_dollar_is_not_told(
        self, spender: Spender, clock: FakeClock
    ) -> None:
        self.a_usual_week(spender, clock, 0.1)
        spender.spend(49)
        assert spender.told == []

    def test_the_first_spending_ever_is_not_unusual(self, spender: Spender) -> None:
        spender.spend(400)
        assert spender.told == []

    def test_it_is_told_at_most_once_an_hour(
        self, spender: Spender, clock: FakeClock
    ) -> None:
        self.a_usual_week(spender, clock, 1)
        began = clock.now()
        for _ in range(3 * 12):
            spender.spend(100)
            clock.advance(300)
        gaps = [alert.at - began for alert in spender.told]
        assert len(gaps) in (2, 3)
        pairs = pairwise(gaps)
        assert all(later - one >= timedelta(hours=1) for one, later in pairs)

    def test_another_kernel_does_not_tell_it_again(
        self, spender: Spender, clock: FakeClock, path: Path
    ) -> None:
        self.a_usual_week(spender, clock, 1)
        spender.spend(100)
        clock.advance(1800)
        other = SqliteLedger(path)
        unlimited = Limits(call=None, session=None)
        again = Spender(other, clock, watch(other, clock, unlimited))
        again.spend(100)
        assert (len(spender.told), len(again.told)) == (1, 0)
        other.close()
