"""A ledger of an earlier version becomes one of this version, with not a row lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from costroute_nb.core.offsets import Judged
from costroute_nb.core.tokens import Estimate
from costroute_nb.errors import ConfigurationError
from costroute_nb.ledger import schema
from costroute_nb.ledger.sqlite import SqliteLedger
from costroute_nb.session import Session
from tests.support.ledgers import of_day, of_session
from tests.support.records import NOON, ended, hold
from tests.support.totalling import added_up

SUPPORT = Path(__file__).parents[1] / "support"
SUMS = ("session_sums", "day_sums", "quarter_sums")


def rows(path: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture(params=range(1, schema.VERSION))
def version(request: pytest.FixtureRequest) -> int:
    found: int = request.param
    return found


@pytest.fixture
def path(tmp_path: Path, version: int) -> Path:
    place = tmp_path / "ledger.sqlite3"
    script = (SUPPORT / f"ledger_version_{version}.sql").read_text("utf-8")
    with closing(sqlite3.connect(place)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(script)
    return place


@pytest.fixture
def upgraded(path: Path) -> Iterator[SqliteLedger]:
    with closing(SqliteLedger(path)) as ledger:
        yield ledger


def test_the_old_file_is_what_it_says(path: Path, version: int) -> None:
    assert rows(path, "PRAGMA user_version") == [(version,)]
    statuses = dict(rows(path, "SELECT status, count(*) FROM records GROUP BY 1"))
    assert statuses["pending"] == 1
    assert statuses["unknown"] == 2
    columns = {name for _, name, *_ in rows(path, "PRAGMA table_info(records)")}
    assert ("thread" in columns) is (version == 2)
    assert not columns & {"p_fails", "accepted", "estimator"}


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


def test_every_window_is_the_sum_of_its_rows(path: Path) -> None:
    with closing(SqliteLedger(path)) as ledger:
        ledger.latest()
    added: dict[tuple[int, int], tuple[int, int]] = {}
    query = "SELECT simulated, at, status, coalesce(charged, 0) FROM records"
    for simulated, at, status, charged in rows(path, query):
        key = simulated, at // (10 * 60 * 1_000_000)
        spent, held = added.get(key, (0, 0))
        pending = status == "pending"
        added[key] = spent + charged * (not pending), held + charged * pending
    found = rows(path, "SELECT * FROM window_sums")
    assert {tuple(row[:2]): tuple(row[2:]) for row in found} == added


def test_the_file_is_built_as_a_new_one_is(path: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.sqlite3"
    for place in (path, new):
        with closing(SqliteLedger(place)) as ledger:
            ledger.latest()
    built = "SELECT type, name, sql FROM sqlite_schema WHERE name <> 'records'"
    assert {
        (kind, name, " ".join((sql or "").split())) for kind, name, sql in rows(path, built)
    } == {
        (kind, name, " ".join((sql or "").split())) for kind, name, sql in rows(new, built)
    }  # fmt: skip
    columns = 'SELECT name, type, "notnull", dflt_value FROM pragma_table_info(?)'
    columns = columns.replace("?", "'records'")
    assert sorted(rows(path, columns)) == sorted(rows(new, columns))


def test_what_a_user_keeps_in_the_file_stays(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            """
            CREATE TABLE "my-notes" (x);
            INSERT INTO "my-notes" VALUES (7);
            CREATE VIEW "my-view" AS SELECT model, sum(charged) FROM records;
            CREATE TABLE noticed (id);
            CREATE TRIGGER mine AFTER INSERT ON records
                BEGIN INSERT INTO noticed VALUES (NEW.id); END;
            """
        )
    with closing(SqliteLedger(path)) as ledger:
        ledger.add(ended(hold("new"), 1))
    assert rows(path, 'SELECT x FROM "my-notes"') == [(7,)]
    assert len(rows(path, 'SELECT * FROM "my-view"')) == 1
    # The old rows are not inserted once more.
    assert rows(path, "SELECT count(*) FROM noticed") == [(1,)]


def test_a_ledger_that_has_it_all_but_the_version_is_usable(
    path: Path, version: int
) -> None:
    for _ in range(2):
        with closing(SqliteLedger(path)) as ledger:
            assert len(list(ledger.records())) == 24
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"PRAGMA user_version = {version}")


@pytest.mark.parametrize("version", range(1, schema.VERSION + 1))
def test_another_programs_database_with_a_version_is_no_ledger(
    tmp_path: Path, version: int
) -> None:
    place = tmp_path / "other.sqlite3"
    with closing(sqlite3.connect(place)) as connection:
        connection.executescript(
            f"CREATE TABLE contacts (name); PRAGMA user_version = {version}"
        )
    with (
        closing(SqliteLedger(place)) as ledger,
        pytest.raises(ConfigurationError, match="a database but no ledger"),
    ):
        ledger.latest()
    assert rows(place, "SELECT name FROM sqlite_schema") == [("contacts",)]


def test_old_rows_were_never_judged(upgraded: SqliteLedger) -> None:
    for record in upgraded.records():
        assert (record.p_fails, record.accepted) == (None, None)
        assert record.estimator is None
    assert upgraded.judged("") == []


def test_judged_answers_are_kept_from_then_on(upgraded: SqliteLedger) -> None:
    upgraded.add(ended(hold("new"), p_fails=0.25, accepted=False, estimator="one"))
    assert upgraded.judged("one") == [Judged("small", 0.25, accepted=False)]


@pytest.mark.parametrize("version", [2], indirect=True)
def test_what_rows_of_version_2_knew_they_still_know(upgraded: SqliteLedger) -> None:
    found = {record.call_id: record for record in upgraded.records()}
    assert (found["call-1"].effort, found["call-1"].thread) == ("low", "notes")
    assert found["call-5"].structured
    assert found["call-5"].trimmed_tokens == 300
    assert found["call-6"].estimate == Estimate(96, 1, 0, 7)
    assert len(upgraded.counted(simulated=False)) > 0
    assert len(upgraded.thread_gaps(NOON, simulated=False)) > 0


@pytest.mark.parametrize("version", [1], indirect=True)
def test_rows_of_version_1_know_nothing_of_what_is_new(upgraded: SqliteLedger) -> None:
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


def test_only_one_of_many_who_open_it_at_once_upgrades_it(path: Path) -> None:
    def look(number: int) -> int:
        with closing(SqliteLedger(path)) as ledger:
            ledger.add(ended(hold(f"new-{number}"), 1))
            return len(list(ledger.records()))

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(look, range(8)))
    assert max(found) == 32
    assert rows(path, "SELECT count(*) FROM records") == [(33,)]


def test_an_upgrade_that_fails_leaves_the_old_file_as_it_was(
    path: Path, version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        schema, "upgraded", lambda *known: (*_UPGRADED(*known), "SELECT broken")
    )
    with (
        closing(SqliteLedger(path)) as ledger,
        pytest.raises(Exception, match="broken"),
    ):
        ledger.latest()
    assert rows(path, "PRAGMA user_version") == [(version,)]
    assert rows(path, "SELECT count(*) FROM records") == [(25,)]
    monkeypatch.undo()
    with closing(SqliteLedger(path)) as ledger:
        assert len(list(ledger.records())) == 24


_UPGRADED = schema.upgraded


def test_a_session_goes_on_with_it(path: Path) -> None:
    with Session(provider="simulated", ledger_url=str(path)) as session:
        session.route("Translate to French: the tide is out.", thread="t")
        assert len(session.history()) == 26  # the old hold has lapsed since
        balance = session.store.balance(of_day(), simulated=True)
        assert balance.spent > 0
