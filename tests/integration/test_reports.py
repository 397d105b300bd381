"""Summaries, replays, advice and reports of a session, beside the rows they are of."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html import unescape
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from costroute_nb.advice import COLUMNS
from costroute_nb.core.messages import Usage
from costroute_nb.core.money import format_usd, pico_to_usd
from costroute_nb.core.record import Record
from costroute_nb.core.report import GROUPINGS, GroupedBy
from costroute_nb.core.totals import Totals
from costroute_nb.errors import ConfigurationError
from costroute_nb.export.files import write_text
from costroute_nb.ledger.sqlite import SqliteLedger
from costroute_nb.reports import Scope, build_report, grouped
from costroute_nb.session import Session
from tests.support.clock import FakeClock
from tests.support.records import NOON, ended, hold

ZONE = "America/St_Johns"  # 3 h 30 min behind UTC
HOSTILE = '=HYPERLINK("http://example.com")<script>alert(1)</script>'
PENCE = 10**10


@pytest.fixture
def session() -> Iterator[Session]:
    with Session(clock=FakeClock(NOON), provider="anthropic", timezone=ZONE) as one:
        yield one


def some_records(count: int = 300) -> Iterator[Record]:
    """Yield attempts of the last forty days, in both pots, some of unknown cost."""
    chance = Random(3)
    for number in range(count):
        status = chance.choices(["ok", "cached", "escalated", "unknown"], (6, 2, 1, 1))[
            0
        ]
        cost = {"cached": 0, "unknown": None}.get(status, chance.randrange(PENCE))
        known = cost is not None
        yield replace(
            hold(
                str(number),
                at=NOON - timedelta(minutes=chance.randrange(40 * 24 * 60)),
                attempt=chance.choice([1, 1, 2]),
                model=chance.choice(["claude-haiku-5-5", "claude-opus-5-5"]),
                tier=chance.choice(["small", "large"]),
                session_id=chance.choice(["a", "b"]),
                workflow=chance.choice([None, "triage", HOSTILE]),
                step=chance.choice([None, "label", "-1+1"]),
                notebook=chance.choice([None, "a.ipynb"]),
                simulated=chance.random() < 0.2,
                usage=Usage(100, output_tokens=50) if known and cost else Usage(),
            ),
            cost=cost,
            status=status,  # type: ignore[arg-type]
            charged=PENCE if cost is None else cost,
            baseline=chance.randrange(PENCE) if status in ("ok", "cached") else 0,
            cache_hit=status == "cached",
            estimated=chance.random() < 0.1,
        )


def fill(session: Session) -> None:
    for record in some_records():
        session.store.add(record)


def by_rows(rows: pd.DataFrame, by: GroupedBy) -> pd.DataFrame:
    """Return what a summary must say, from the rows of the ledger's own frame."""
    rows = rows[~rows.simulated].copy()
    rows["day"] = rows["at"].dt.tz_convert(ZONE).dt.tz_localize(None).dt.normalize()
    rows["calls"] = (rows.attempt == 1).astype("int64")
    rows["unknown"] = rows.cost_usd.isna().astype("int64")
    rows["attempts"] = 1
    sums = ["calls", "attempts", "unknown", "cache_hit", "estimated"]
    money = ["cost_usd", "saved_usd", "baseline_usd", "charged_usd"]
    # Unknown only is unknown, and a share of nothing is none.
    found = rows.groupby(by, dropna=False)[[*sums, *money]].sum(min_count=1)
    calls = found.calls.where(found.calls > 0)
    found["avg_cost_usd"] = averages(rows, found, by)
    found["cache_hit_rate"] = found.cache_hit / calls
    found["estimated_share"] = found.estimated / found.attempts
    return found


def averages(rows: pd.DataFrame, found: pd.DataFrame, by: GroupedBy) -> Any:
    """Return the average that is possible: no dearer than that of the known calls."""
    known = found.attempts - found.unknown
    if by not in ("model", "tier"):
        known = known.clip(upper=found.calls)
    return found.cost_usd / known.where(known > 0)


def compared(summary: pd.DataFrame, rows: pd.DataFrame, by: GroupedBy) -> None:
    expected = by_rows(rows, by)
    found = summary.set_index(by).reindex(expected.index)
    assert len(summary) == len(expected)
    for name in ("calls", "attempts", "unknown"):
        assert found[name].tolist() == expected[name].tolist(), name
    for name in (
        "cost_usd", "avg_cost_usd", "saved_usd", "baseline_usd", "charged_usd",
        "cache_hit_rate", "estimated_share",
    ):  # fmt: skip
        near = pytest.approx(expected[name].tolist(), abs=1e-12, nan_ok=True)
        assert found[name].tolist() == near, name


@pytest.mark.parametrize("by", GROUPINGS)
def test_summary_is_the_grouped_ledger_of_the_sessions_pot(
    session: Session, by: GroupedBy
) -> None:
    fill(session)
    compared(session.summary(by), session.history(), by)


@pytest.mark.parametrize("since", ["1h", "30d", NOON - timedelta(days=9, minutes=7.3)])
@pytest.mark.parametrize("by", ["workflow", "day"])
def test_summary_since_a_moment_counts_to_the_very_row(
    session: Session, by: GroupedBy, since: Any
) -> None:
    fill(session)
    session.store.add(ended(hold("just now", workflow="x"), PENCE))
    compared(session.summary(by, since), session.history(since), by)


def test_summary_begins_exactly_at_its_moment(session: Session) -> None:
    since = NOON - timedelta(minutes=10)
    for number, at in enumerate([since - timedelta(microseconds=1), since]):
        session.store.add(ended(hold(str(number), at=at), PENCE))
    assert session.summary(since=since).calls.sum() == 1
    naive = datetime(2026, 11, 22, 8, 20)  # noqa: DTZ001 -- what a user types
    assert session.summary(since=naive).calls.sum() == 1


def test_summary_of_the_session_leaves_the_others_out(session: Session) -> None:
    fill(session)
    session.store.add(ended(hold("own", session_id=session.session_id), PENCE))
    own = session.summary(all_sessions=False)
    assert own.calls.sum() == 1
    assert own.attrs["sessions"] == "this session"


def test_summary_names_baseline_pot_and_sessions(session: Session) -> None:
    assert session.summary().attrs == {
        "baseline": "the large tier's model when each call was made (today "
        "claude-opus-5-5)",
        "baseline_model": "claude-opus-5-5",
        "simulated": False,
        "sessions": "all sessions on this ledger",
        "average_per": "call",
    }


@pytest.mark.parametrize("by", ["model", "tier"])
def test_what_was_escalated_to_costs_what_its_own_attempts_cost(
    session: Session, by: GroupedBy, tmp_path: Path
) -> None:
    small = hold(workflow="w")
    large = replace(small, attempt=2, model="claude-opus-5-5", tier="large")
    session.store.add(ended(small, PENCE, "escalated"))
    session.store.add(ended(large, 3 * PENCE))
    session.store.add(ended(replace(large, call_id="b"), PENCE, "unknown", cost=None))
    summary = session.summary(by)
    assert summary.avg_cost_usd.tolist() == [0.03, 0.01]
    assert summary.calls.tolist() == [0, 1]
    assert summary.attrs["average_per"] == "attempt"
    page, table = tmp_path / "report.html", tmp_path / "report.csv"
    session.report(by, html=page, csv=table)
    assert "average per attempt</th>" in page.read_text("utf-8")
    with table.open(encoding="utf-8", newline="") as lines:
        row = next(csv.DictReader(lines))
    assert (float(row["avg_cost_usd"]), row["average_per"]) == (0.03, "attempt")
    assert session.summary("workflow").avg_cost_usd.tolist() == [0.04]


def test_empty_summary_has_the_columns_and_types_of_a_full_one(
    session: Session,
) -> None:
    for by in GROUPINGS:
        empty = session.summary(by)
        session.store.add(ended(hold(by), PENCE))
        full = session.summary(by)
        session.store.release(by, 1)
        assert empty.dtypes.equals(full.dtypes) or not empty.empty


def test_group_of_unknown_cost_only_has_no_cost(session: Session) -> None:
    session.store.add(ended(hold(), PENCE, "unknown", cost=None))
    (row,) = session.summary().to_dict("records")
    assert pd.isna(row["cost_usd"])
    assert pd.isna(row["saved_usd"])
    assert (row["unknown"], row["charged_usd"]) == (1, 0.01)


def test_lapsed_hold_is_in_the_summary(session: Session) -> None:
    held = hold(charged=PENCE, at=NOON - timedelta(hours=1))
    session.store.reserve(held, [], NOON - timedelta(minutes=30))
    assert session.summary().unknown.sum() == 1


def test_models_of_a_group_are_counted_the_busiest_first(session: Session) -> None:
    for number, model in enumerate(["b", "a", "b"]):
        session.store.add(ended(hold(str(number), model=model), PENCE))
    (models,) = session.summary("tier").models
    assert list(models.items()) == [("b", 2), ("a", 1)]


def test_unknown_grouping_is_refused_by_name(session: Session) -> None:
    with pytest.raises(ValueError, match="no summary by 'cell': choose workflow, "):
        session.summary("cell")  # type: ignore[arg-type]


def test_summary_by_several_columns_has_a_row_for_each_pair(session: Session) -> None:
    fill(session)
    summary = session.summary(["workflow", "step"])
    rows = session.history()
    rows = rows[~rows.simulated].fillna({"workflow": "", "step": ""})
    pairs = rows.groupby(["workflow", "step"]).cost_usd.sum()
    assert list(summary.columns[:3]) == ["workflow", "step", "calls"]
    assert len(summary) == len(pairs) == 9
    assert summary.attempts.sum() == len(rows)
    named = summary.fillna({"workflow": "", "step": ""})
    found = named.set_index(["workflow", "step"]).cost_usd.reindex(pairs.index)
    assert found.tolist() == pytest.approx(pairs.tolist(), abs=1e-12)
    assert summary.attrs["average_per"] == "call"
    by_model = session.summary(["day", "model", "day"])
    assert list(by_model.columns[:2]) == ["day", "model"]
    assert by_model.attrs["average_per"] == "attempt"
    assert session.summary(["tier"]).equals(session.summary("tier"))


@pytest.mark.parametrize("by", [[], ["workflow", "cell"]])
def test_unknown_groupings_are_refused(session: Session, by: Any) -> None:
    with pytest.raises(ValueError, match=r"no summary by '(nothing|cell)': choose"):
        session.summary(by)


@pytest.mark.parametrize(
    "since",
    [
        "2026-11-22",
        "2026-11-22T00:00:00-03:30",
        date(2026, 11, 22),
        datetime(2026, 11, 22, 3, 30, tzinfo=UTC),
    ],
)
def test_period_may_begin_with_a_day_as_text(session: Session, since: Any) -> None:
    midnight = datetime(2026, 11, 22, 3, 30, tzinfo=UTC)
    for number, at in enumerate([midnight - timedelta(seconds=1), midnight]):
        session.store.add(ended(hold(str(number), at=at), PENCE))
    assert session.summary(since=since).calls.sum() == 1
    assert len(session.history(since)) == 1
    assert "since 2026-11-22 00:00 NST, " in session.report(since=since).scope


@pytest.mark.parametrize("since", ["last week", "2026-13-01", "-3"])
def test_beginning_that_is_no_time_is_refused(session: Session, since: str) -> None:
    with pytest.raises(ValueError, match="is neither a day or moment such as 2026"):
        session.summary(since=since)


def test_report_as_text_is_a_few_lines(session: Session) -> None:
    fill(session)
    found = session.report()
    assert str(found) == repr(found)
    lines = repr(found).splitlines()
    assert len(lines) == 6
    assert lines[:2] == ["report by workflow", found.scope]
    against = (
        "against the large tier's model when each call was made (today claude-opus"
    )
    assert against in lines[3]
    with Session(provider="simulated", clock=FakeClock(NOON + timedelta(9999))) as none:
        assert repr(none.report(since="1h")).endswith("no attempts yet")


def test_replay_of_a_recorded_ledger_costs_to_the_last_pico_what_it_cost(
    home: Path,
) -> None:
    with Session(provider="simulated") as simulated:
        for number in range(4):
            simulated.route(f"Summarize text number {number}.", workflow="w")
            simulated.route(f"Review contract {number} for risks", tier="large")
        recorded = sum(record.cost or 0 for record in simulated.store.records())
        same = simulated.what_if()
        repriced = simulated.what_if(prices=simulated.ledger["at"][0].date())
        other = simulated.what_if(tiers={"large": "claude-haiku-5-5"})
    assert recorded > 0
    assert same.attrs["recorded_usd"] == pico_to_usd(recorded)
    assert same.attrs["replayed_usd"] == pico_to_usd(recorded)
    assert repriced.changed.sum() == 8
    assert repriced.attrs["replayed_usd"] == pico_to_usd(recorded)
    assert other.attrs["replayed_usd"] < other.attrs["recorded_usd"]
    assert same.attrs["simulated"] is True


def test_advice_is_on_the_dearest_places_and_names_its_assumption(
    session: Session,
) -> None:
    usage = Usage(100_000, output_tokens=1_000)
    for number in range(3):
        dear = hold(
            f"dear {number}", workflow="w", step="s", model="claude-opus-5-5",
            tier="large", reason="rule: code", usage=usage,
        )  # fmt: skip
        session.store.add(ended(dear, PENCE * 100))
    session.store.add(ended(hold("cheap", workflow="x"), 1))
    frame = session.advise()
    assert set(frame.workflow) == {"w"}
    assert frame.cost_share.tolist() == pytest.approx([1.0] * len(frame))
    assert frame.assumption.str.len().min() > 20
    assert any("keeps no prompts" in note for note in frame.attrs["notes"])


def test_place_without_advice_is_listed_without_one(session: Session) -> None:
    session.store.add(ended(hold(workflow="w"), PENCE))
    (row,) = session.advise().to_dict("records")
    assert row["workflow"] == "w"
    assert pd.isna(row["advice"])
    assert pd.isna(row["saved_usd"])


def test_advice_on_work_without_a_name_says_how_to_name_it(session: Session) -> None:
    session.store.add(ended(hold("nameless"), 98 * PENCE))
    session.store.add(ended(hold("named", workflow="w"), 2 * PENCE))
    frame = session.advise()
    assert frame.empty
    assert list(frame.columns) == list(COLUMNS)
    assert frame.attrs["unnamed_share"] == 0.98
    assert frame.attrs["notes"][0].startswith("98% of the cost is of calls without a ")
    assert "name your work with --workflow and --step" in frame.attrs["notes"][0]
    session.store.add(ended(hold("more", workflow="w"), 98 * PENCE))
    assert not any("name your work" in note for note in session.advise().attrs["notes"])


def test_advice_on_nothing_spent_is_empty(session: Session) -> None:
    assert session.advise().empty
    session.store.add(ended(hold(), 0, "cached", cache_hit=True))
    assert session.advise().empty
    assert session.advise().attrs["period"] == "everything"
    assert session.advise("1h").attrs["period"] == "since 2026-11-22 11:00 UTC"


def test_advice_says_what_it_does_not_know(session: Session) -> None:
    session.store.add(ended(hold("a"), PENCE, "unknown", cost=None, estimated=True))
    frame = session.advise()
    assert frame.empty
    assert frame.attrs["notes"][-2:] == (
        "1 attempt of unknown cost is left out",
        "the tokens of 100% of the attempts are estimated",
    )


def test_advice_and_replays_are_of_one_pot(session: Session) -> None:
    dear = Usage(500_000, output_tokens=1_000)
    for number in range(3):
        record = hold(
            str(number), model="claude-opus-5-5", tier="large", usage=dear,
            simulated=True, reason="rule: contracts",
        )  # fmt: skip
        session.store.add(ended(record, PENCE * 100))
    assert session.advise().empty
    assert session.what_if(policy="all-small").empty
    with Session(provider="simulated", clock=FakeClock(NOON)) as simulated:
        frame = simulated.advise()
        assert frame.attrs["simulated"] is True
        assert simulated.what_if(policy="all-small").attempts.sum() == 3
    # Each saving is of its own; together they might be more than was ever spent.
    assert (frame.saved_usd.dropna() <= frame.cost_usd[0]).all()
    assert any("do not add up" in note for note in frame.attrs["notes"])


def test_table_has_the_summarys_numbers_and_no_formula(
    session: Session, tmp_path: Path
) -> None:
    fill(session)
    file = tmp_path / "report.csv"
    session.report("step", csv=file)
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    summary = session.summary("step")
    for row, expected in zip(rows, summary.to_dict("records"), strict=True):
        assert float(row["cost_usd"]) == pytest.approx(expected["cost_usd"], abs=1e-15)
        assert int(row["calls"]) == expected["calls"]
        assert row["baseline_model"] == "claude-opus-5-5"
        assert row["simulated"] == "false"
    assert {row["step"] for row in rows} == {"", "label", "'-1+1"}


@pytest.mark.parametrize("name", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1"])
def test_cell_that_a_spreadsheet_would_run_begins_with_an_apostrophe(
    session: Session, tmp_path: Path, name: str
) -> None:
    session.store.add(ended(hold(workflow=name), 1, baseline=0))
    file = tmp_path / "report.csv"
    session.report(csv=file)
    with file.open(encoding="utf-8", newline="") as lines:
        (row,) = csv.DictReader(lines)
    assert row["workflow"] == f"'{name}"
    assert row["saved_usd"] == "-0.000000000001"  # a number stays one


def test_page_has_the_summarys_numbers_and_every_name_as_text(
    session: Session, tmp_path: Path
) -> None:
    fill(session)
    file = tmp_path / "report.html"
    found = session.report(html=file)
    page = file.read_text("utf-8")
    cells = [unescape(cell) for cell in re.findall(r"<td>(.*?)</td>", page)]
    for group in (*found.groups, *found.days):
        at = cells.index(group.title)
        assert cells[at + 3] == format_usd(group.totals.known_cost)
    assert "<script" not in page
    assert "http-equiv" in page
    assert re.findall(r'(?:src|href)="(?!data:)', page.replace("xlink:href", "")) == []


def test_page_of_nothing_says_so(session: Session, tmp_path: Path) -> None:
    session.report(html=tmp_path / "report.html", csv=tmp_path / "report.csv")
    assert "No attempts yet" in (tmp_path / "report.html").read_text("utf-8")
    assert (tmp_path / "report.csv").read_text("utf-8").startswith("workflow,calls,")


def test_page_counts_what_is_unknown_and_never_calls_it_free(
    session: Session, tmp_path: Path
) -> None:
    file = tmp_path / "report.html"
    for day in range(2):
        unknown = hold(f"unknown {day}", at=NOON - timedelta(days=day), workflow="u")
        session.store.add(ended(unknown, PENCE, "unknown", cost=None))
    session.report(html=file)
    page = unescape(file.read_text("utf-8"))
    assert "$0" not in re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL)
    assert "most for u with unknown; 2 attempts of unknown cost are left out." in page
    assert ">unknown</text>" in page
    session.store.add(ended(hold("known", workflow="u"), PENCE))
    session.report(html=file)
    page = unescape(file.read_text("utf-8"))
    assert ">$0.01 + 2 unknown</text>" in page
    assert "Cost per day: $0.01 on 2 days; 2 attempts of unknown cost are" in page


def test_page_draws_what_is_known_and_sums_up_the_rest(
    session: Session, tmp_path: Path
) -> None:
    file = tmp_path / "report.html"
    for number in range(14):
        cost = None if number > 10 else PENCE * (20 - number)
        record = ended(hold(str(number), workflow=f"w{number:02}"), cost)
        session.store.add(replace(record, status="ok" if cost else "unknown"))
    session.report(html=file)
    page = unescape(file.read_text("utf-8"))
    assert ">3 others</text>" in page
    assert ">unknown</text>" in page


class Busy(SqliteLedger):
    """A ledger in which an attempt ends after every look at its sums."""

    def totals(self, by: Sequence[str], **scope: Any) -> Any:
        found = super().totals(by, **scope)
        self.add(ended(hold(uuid4().hex, workflow="w"), PENCE))
        return found


@pytest.mark.parametrize("by", GROUPINGS)
def test_days_add_up_to_the_groups_while_calls_are_running(
    tmp_path: Path, by: GroupedBy
) -> None:
    ledger = Busy(tmp_path / "ledger.sqlite3")
    ledger.add(ended(hold(workflow="w"), PENCE))
    found = build_report(
        ledger,
        by,
        Scope(simulated=False),
        zone=ZoneInfo(ZONE),
        baseline_model="claude-opus-5-5",
        until=NOON,
    )
    days = [day.totals for day in found.days]
    assert sum(days, Totals()) == found.totals
    assert found.totals.attempts > 0


class Unread(SqliteLedger):
    """A ledger whose rows nobody may read."""

    def records(self, **scope: Any) -> Any:
        pytest.fail("a row was read")


def test_whole_quarter_hours_come_from_the_sums_alone(tmp_path: Path) -> None:
    ledger = Unread(tmp_path / "ledger.sqlite3")
    ledger.add(ended(hold(at=NOON), PENCE))
    scope = Scope(simulated=False, since=NOON - timedelta(minutes=45))
    (group,) = grouped(ledger, "workflow", scope, ZoneInfo(ZONE))
    assert group.totals.calls == 1


def test_report_names_pot_sessions_and_period(session: Session) -> None:
    line = session.report(since="30d").scope
    assert line == (
        "real money; all sessions on this ledger; since 2026-10-23 09:30 NDT, "
        "up to 2026-11-22 08:30 NST"
    )
    with Session(provider="simulated", clock=FakeClock(NOON)) as simulated:
        assert simulated.report().scope.startswith("simulated, no money was spent; ")


def test_file_is_replaced_whole(session: Session, tmp_path: Path) -> None:
    file = tmp_path / "report.csv"
    file.write_text("old " * 1_000)
    session.report(csv=file)
    assert "old" not in file.read_text("utf-8")
    names = sorted(os.listdir(tmp_path))  # noqa: PTH208 -- with hidden ones
    assert names == ["report-levers.csv", "report.csv"]


@pytest.mark.parametrize("name", ["missing/report.csv", "."])
def test_file_that_cannot_be_written_is_named_and_nothing_is_left(
    session: Session, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ConfigurationError, match="a file in a directory that exists"):
        session.report(csv=tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_days_of_a_report_are_those_of_the_budgets_zone(session: Session) -> None:
    late = datetime(2026, 11, 20, 3, tzinfo=UTC)  # half past eleven, the day before
    session.store.add(ended(hold(at=late), PENCE))
    assert [str(day.name) for day in session.report().days] == ["2026-11-19"]


@pytest.mark.parametrize("name", ["~/missing/report.html", ".", "~nobody-at-all/x"])
def test_what_cannot_be_written_is_one_line_without_a_home(
    name: str, home: Path
) -> None:
    with pytest.raises(ConfigurationError, match="cannot write") as caught:
        write_text(name, "x")
    assert str(home) not in str(caught.value)
