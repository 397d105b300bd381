"""The totals of every LedgerStore are those of its rows, whatever happened to them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costroute_nb.core.messages import Usage
from costroute_nb.core.record import Record
from costroute_nb.core.totals import Totals
from costroute_nb.ports import LedgerStore
from tests.support.ledgers import DAY, LEASE, LEDGERS, MIDNIGHT, SECOND
from tests.support.records import NOON, ended, hold
from tests.support.totalling import QUARTER, added_up

GROUPS = (
    "quarter", "session_id", "model", "status", "tier", "task", "provider",
    "workflow", "step", "notebook",
)  # fmt: skip


@pytest.fixture(params=LEDGERS)
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LedgerStore]:
    store = LEDGERS[request.param](tmp_path)
    yield store
    store.close()


COUNTS = st.integers(0, 50)
MONEY = st.none() | st.integers(0, 400)
NAMES = st.sampled_from([None, "", "a", "b"])
MOMENTS = st.integers(0, 4 * 96 * 60).map(
    lambda number: MIDNIGHT - DAY + number * timedelta(seconds=15)
)
HOLDS = st.builds(
    hold,
    call_id=st.sampled_from("xyz"),
    attempt=st.integers(1, 2),
    at=MOMENTS,
    session_id=st.sampled_from(["session", "other"]),
    simulated=st.booleans(),
)
FINISHED = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["ok", "escalated", "failed", "unknown", "cached"]),
        "tier": st.sampled_from(["small", "large"]),
        "model": st.sampled_from(["claude-haiku-5-5", "claude-opus-5-5"]),
        "workflow": NAMES,
        "step": NAMES,
        "notebook": NAMES,
        "usage": st.builds(Usage, *[COUNTS] * 6),
        "cost": MONEY,
        "charged": MONEY,
        "baseline": MONEY,
        "cache_hit": st.booleans(),
        "estimated": st.booleans(),
    }
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "settle", "release", "expire"]), HOLDS, FINISHED
    ),
    max_size=20,
)


def take(
    ledger: LedgerStore, step: str, record: Record, changes: dict[str, Any]
) -> None:
    """Do a step, of which some make no sense and are refused."""
    if step == "reserve":
        known = {(row.call_id, row.attempt) for row in ledger.records()}
        ledger.release(record.call_id, record.attempt)
        if (record.call_id, record.attempt) not in known:
            ledger.reserve(record, [], record.at + QUARTER)
    elif step == "settle":
        ledger.settle(replace(record, **changes))
    elif step == "release":
        ledger.release(record.call_id, record.attempt)
    else:
        ledger.expire(record.at)


@pytest.mark.parametrize("implementation", LEDGERS)
@settings(max_examples=80, deadline=None)
@given(
    steps=STEPS,
    by=st.lists(st.sampled_from(GROUPS), unique=True, max_size=3),
    session=st.sampled_from([None, "session"]),
    ends=st.tuples(*[st.none() | st.integers(-100, 400)] * 2),
)
def test_totals_are_those_of_the_rows_after_any_steps(
    implementation: str,
    steps: list[tuple[str, Record, dict[str, Any]]],
    by: list[str],
    session: str | None,
    ends: tuple[int | None, int | None],
) -> None:
    since, until = (None if end is None else MIDNIGHT + end * QUARTER for end in ends)
    with tempfile.TemporaryDirectory() as directory:
        ledger = LEDGERS[implementation](Path(directory))
        for step, record, changes in steps:
            take(ledger, step, record, changes)
        rows = list(ledger.records(session_id=session, since=since))
        for simulated in (False, True):
            found = ledger.totals(
                by, simulated=simulated, session_id=session, since=since, until=until
            )
            expected = added_up(
                (
                    row
                    for row in rows
                    if row.simulated == simulated and (until is None or row.at < until)
                ),
                by,
            )
            assert dict(found) == expected
            assert len(found) == len(expected)
        ledger.close()


def test_new_ledger_has_no_totals(ledger: LedgerStore) -> None:
    assert ledger.totals(["model"], simulated=False) == []
    assert ledger.totals([], simulated=False) == []


def test_hold_is_in_no_total_until_it_is_settled(ledger: LedgerStore) -> None:
    ledger.reserve(hold(), [], LEASE)
    assert ledger.totals(["status"], simulated=False) == []
    ledger.settle(ended(hold(), 40))
    ((group, totals),) = ledger.totals(["status"], simulated=False)
    assert (group, totals.calls, totals.cost) == (("ok",), 1, 40)


def test_verdict_moves_an_attempt_to_its_new_status(ledger: LedgerStore) -> None:
    ledger.add(ended(hold(), 40))
    ledger.settle(ended(hold(), 40, "escalated"))
    (row,) = ledger.totals(["status"], simulated=False)
    assert row == (
        ("escalated",),
        Totals(calls=1, attempts=1, cost=40, charged=40, saved=-40),
    )


def test_missing_name_is_none_and_no_name_is_not_missing(ledger: LedgerStore) -> None:
    for number, name in enumerate([None, "", "x''", "None"]):
        ledger.add(ended(hold(str(number), workflow=name), 2**number))
    found = {
        group: totals.cost
        for group, totals in ledger.totals(["workflow"], simulated=False)
    }
    assert found == {(None,): 1, ("",): 2, ("x''",): 4, ("None",): 8}


def test_unknown_cost_is_counted_and_left_out_of_the_sums(ledger: LedgerStore) -> None:
    ledger.add(ended(hold("a"), 40, baseline=100))
    ledger.add(ended(hold("b"), 40, "unknown", baseline=7, cost=None))
    ((_, totals),) = ledger.totals([], simulated=False)
    assert (totals.cost, totals.charged, totals.unknown) == (40, 80, 1)
    assert (totals.baseline, totals.saved) == (107, 60)


@pytest.mark.parametrize(
    "zone", ["UTC", "America/St_Johns", "Asia/Kathmandu", "Pacific/Chatham"]
)
def test_quarters_sum_to_the_days_of_any_zone(ledger: LedgerStore, zone: str) -> None:
    local = ZoneInfo(zone)
    moments = [MIDNIGHT + number * timedelta(minutes=7) for number in range(700)]
    expected: dict[object, int] = {}
    for number, at in enumerate(moments):
        ledger.add(ended(hold(str(number), at=at), number))
        day = at.astimezone(local).date()
        expected[day] = expected.get(day, 0) + number
    found: dict[object, int] = {}
    for (quarter,), totals in ledger.totals(["quarter"], simulated=False):
        assert isinstance(quarter, int)
        day = datetime.fromtimestamp(quarter * 900, local).date()
        found[day] = found.get(day, 0) + totals.cost
    assert found == expected


def test_period_that_splits_a_quarter_hour_is_refused(ledger: LedgerStore) -> None:
    with pytest.raises(ValueError, match="whole quarter hours"):
        ledger.totals(["model"], simulated=False, since=NOON + SECOND)


def test_unknown_group_is_refused_by_name(ledger: LedgerStore) -> None:
    with pytest.raises(ValueError, match=r"no totals by cell: there are quarter, "):
        ledger.totals(["model", "cell"], simulated=False)


@pytest.mark.parametrize("since", [None, MIDNIGHT - DAY, MIDNIGHT + 5 * QUARTER])
@pytest.mark.parametrize("every", [1, 4, 24])
def test_so_many_quarters_make_one_group_from_the_start_on(
    ledger: LedgerStore, since: datetime | None, every: int
) -> None:
    for number in range(60):
        at = MIDNIGHT + number * timedelta(minutes=47)
        ledger.add(ended(hold(str(number), at=at), 3**number % 1_000))
    single = ledger.totals(["quarter", "model"], simulated=False, since=since)
    grouped = ledger.totals(
        ["quarter", "model"], simulated=False, since=since, every=every
    )
    # Without a start any will do that is the same for all.
    starts = {int(quarter or 0) % every for (quarter, _), _ in grouped}
    assert len(starts) == 1
    start = starts.pop() if since is None else int(since.timestamp()) // 900
    expected: dict[Any, Totals] = {}
    for (quarter, model), sums in single:
        assert isinstance(quarter, int)
        first = quarter - (quarter - start) % every
        expected[first, model] = expected.get((first, model), Totals()) + sums
    assert dict(grouped) == expected
    assert len(grouped) == len(expected)
