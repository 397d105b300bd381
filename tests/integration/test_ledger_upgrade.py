"""A ledger of the first version becomes one of this version, with not a row lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from costroute_nb.ledger import schema
from costroute_nb.ledger.sqlite import SqliteLedger
from costroute_nb.session import Session
from tests.support.ledgers import of_day, of_session
from tests.support.records import ended, hold
from tests.support.totalling import added_up

OLD = Path(__file__).parents[1] / "support" / "ledger_version_1.sql"
SUMS = ("session_sums", "day_sums", "quarter_sums")


def rows(path: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "ledger.sqlite3"
    with closing(sqlite3.connect(place)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(OLD.read_text("utf-8"))
    return place


@pytest.fixture
def upgraded(path: Path) -> Iterator[SqliteLedger]:
    with closing(SqliteLedger(path)) as ledger:
        yield ledger


def test_the_old_file_is_what_it_says(path: Path) -> None:
    assert rows(path, "PRAGMA user_version") == [(1,)]
    statuses = dict(rows(path, "SELECT status, count(*) FROM records GROUP BY 1"))
    assert statuses["pending"] == 1
    assert statuses["unknown"] == 2
    columns = {name for _, name, *_ in rows(path, "PRAGMA table_info(records)")}
    assert "thread" not in columns


def test_every_row_hold_and_alert_is_carried_over(path: Path) -> None:
    names = [name for _, name, *_ in rows(path, "PRAGMA table_info(records)")]
    queries = [f"SELECT {', '.join(names)} FROM records ORDER BY id"]
    queries += ["SELECT * FROM alerts ORDER BY id", "SELECT * FROM high_water"]
    before = [rows(path, query) for query in queries]
    with closing(SqliteLedger(path)) as ledger:
        ledger.latest()
    assert [rows(path, query) for query in queries] == before
    assert rows(path, "PRAGMA user_version") == [(schema.VERSION,)]


def test_the_sums_are_as_they_were(path: Path) -> None:
    def sums() -> list[Any]:
        # A group whose hold was released has a row of zeros, which says nothing.
        found = "SELECT * FROM {} WHERE spent <> 0 OR held <> 0 ORDER BY 1, 2"
        return [rows(path, found.format(table)) for table in SUMS]

    before = sums()
    with closing(SqliteLedger(path)) as ledger:
        ledger.latest()
    assert sums() == before
    assert all(before)


def test_totals_windows_and_balances_are_those_of_the_rows(
    upgraded: SqliteLedger,
) -> None:
    records = list(upgraded.records())
    assert len(records) == 24
    for simulated in (False, True):
        pot = [record for record in records if record.simulated is simulated]
        ((_, totals),) = upgraded.totals((), simulated=simulated)
        assert {(): totals} == added_up(pot)
        for name in ("session-0", "session-1"):
            spent = sum(r.charged or 0 for r in pot if r.session_id == name)
            balance = upgraded.balance(of_session(session_id=name), simulated=simulated)
            assert balance.spent == spent
        first, last = min(r.at for r in records), max(r.at for r in records)
        windows = upgraded.windows(
            first.replace(hour=0), last.replace(hour=23), simulated=simulated
        )
        assert sum(pico for _, pico in windows) == sum(r.charged or 0 for r in pot)


def test_old_rows_know_nothing_of_what_is_new(upgraded: SqliteLedger) -> None:
    for record in upgraded.records():
        assert (record.effort, record.thread, record.estimate) == (None, None, None)
        assert (record.structured, record.trimmed_tokens, record.trimmed) == (
            False,
            0,
            0,
        )
    assert upgraded.counted(simulated=False) == []


def test_a_hold_goes_on_and_is_settled_as_before(upgraded: SqliteLedger) -> None:
    name = "call-23"
    (held,) = (n for n in range(24) if f"call-{n}" == name)
    record = hold(name, charged=10_000 * (held + 1), session_id="session-1")
    record = ended(record, 123, simulated=True)
    before = upgraded.balance(of_session(session_id="session-1"), simulated=True)
    assert before.held == 240_000
    upgraded.settle(record)
    after = upgraded.balance(of_session(session_id="session-1"), simulated=True)
    assert (after.held, after.spent) == (0, before.spent + 123)


def test_alerts_that_were_told_are_not_told_again(upgraded: SqliteLedger) -> None:
    (at, key, text), *_ = upgraded.alerts()
    assert not upgraded.claim_alert(key, at, text)


def test_an_analyzed_ledger_is_carried_over_too(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ANALYZE")
    with closing(SqliteLedger(path)) as ledger:
        assert len(list(ledger.records())) == 24


def test_only_one_of_many_who_open_it_at_once_rebuilds_it(path: Path) -> None:
    def look(number: int) -> int:
        with closing(SqliteLedger(path)) as ledger:
            ledger.add(ended(hold(f"new-{number}"), 1))
            return len(list(ledger.records()))

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(look, range(8)))
    assert max(found) == 32
    assert rows(path, "SELECT count(*) FROM records") == [(33,)]


def test_a_rebuild_that_fails_leaves_the_old_file_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        schema, "rebuilt", lambda *there: (*_REBUILT(*there), "SELECT broken")
    )
    with (
        closing(SqliteLedger(path)) as ledger,
        pytest.raises(Exception, match="broken"),
    ):
        ledger.latest()
    assert rows(path, "PRAGMA user_version") == [(1,)]
    assert rows(path, "SELECT count(*) FROM records") == [(25,)]
    monkeypatch.undo()
    with closing(SqliteLedger(path)) as ledger:
        assert len(list(ledger.records())) == 24


_REBUILT = schema.rebuilt


def test_a_session_goes_on_with_it(path: Path) -> None:
    with Session(provider="simulated", ledger_url=str(path)) as session:
        session.route("Translate to French: the tide is out.", thread="t")
        assert len(session.history()) == 26  # the old hold has lapsed since
        balance = session.store.balance(of_day(), simulated=True)
        assert balance.spent > 0
