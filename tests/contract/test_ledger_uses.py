"""What the ledger sums up of uses and answers is what its records come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from costroute_nb.core.answer_sizes import Answers
from costroute_nb.core.levers import Used
from costroute_nb.core.messages import Usage
from costroute_nb.core.record import Record
from costroute_nb.ledger import uses
from costroute_nb.ledger.sqlite import SqliteLedger
from tests.support.records import NOON, ended, hold

LATER = NOON - timedelta(days=1)
"""From then on a price has another step, too."""

SPLIT = NOON - timedelta(days=2, hours=3, microseconds=7)


def steps(at: datetime) -> set[int]:
    return {1_000} if at < LATER else {1_000, 5_000}


def some_records(count: int = 600) -> Iterator[Record]:
    chance = Random(11)
    for number in range(count):
        status: Any = chance.choice(["ok", "ok", "escalated", "cached", "unknown"])
        cost = {"cached": 0, "unknown": None}.get(status, chance.choice([0, 50]))
        think = chance.choice([0, 0, 7])
        read, short, long = (chance.choice([0, 0, n]) for n in (6_000, 900, 3))
        tier = chance.choice(["standard", "batch"])
        plain, output = chance.randrange(2_000), 20 + think
        usage = Usage(plain, read, short, long, output, think, service_tier=tier)
        record = hold(
            str(number),
            at=NOON - timedelta(minutes=chance.randrange(4 * 24 * 60)),
            model=chance.choice(["claude-haiku-5-5", "claude-opus-5-5"]),
            task=chance.choice(["extraction", "summary"]),
            workflow=chance.choice([None, "w"]),
            session_id=chance.choice(["a", "b"]),
            simulated=chance.random() < 0.2,
            usage=Usage() if status == "cached" else usage,
            structured=chance.random() < 0.5,
            effort=chance.choice([None, "low"]),
            trimmed_tokens=0 if status == "cached" else chance.choice([0, 30]),
            trimmed=chance.choice([None, 300]),
            baseline=chance.choice([None, 0, 70]),
            cache_hit=status == "cached",
        )
        yield ended(record, cost, status)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    ledger = SqliteLedger(tmp_path / "ledger.sqlite3")
    for record in some_records():
        ledger.add(record)
    ledger.reserve(hold("held", thread="t", trimmed_tokens=9), [], NOON)
    yield ledger
    ledger.close()


def used_by(record: Record) -> Used | None:
    """Return what one record uses, or None where that is nothing special."""
    usage = record.usage
    day = record.at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    cached = usage.cache_read_tokens + usage.cache_write_tokens > 0
    trimmed = record.trimmed_tokens > 0 and record.cost != 0
    told = trimmed and record.trimmed is not None and record.cost is not None
    unmeasured = record.baseline is None and record.cost is not None
    if not (cached or usage.thinking_tokens or trimmed or unmeasured):
        return None
    return Used(
        day, record.provider, record.model, usage.service_tier, usage.speed, usage.geo,
        max((n for n in steps(day) if usage.prompt_tokens > n), default=0),
        int(cached), usage.cache_read_tokens, usage.cache_write_5m_tokens,
        usage.cache_write_1h_tokens, int(usage.thinking_tokens > 0),
        usage.thinking_tokens, int(trimmed), record.trimmed_tokens if trimmed else 0,
        (record.trimmed or 0) if told else 0, int(trimmed and not told),
        int(unmeasured), int(unmeasured and record.cache_hit),
    )  # fmt: skip


def added_up(found: Iterable[Used | None]) -> dict[Any, tuple[int, ...]]:
    sums: dict[Any, tuple[int, ...]] = {}
    for one in filter(None, found):
        key, counts = one[:7], one[7:]
        before = sums.get(key, (0,) * len(counts))
        sums[key] = tuple(a + b for a, b in zip(before, counts, strict=True))
    return sums


@pytest.mark.parametrize("simulated", [False, True])
@pytest.mark.parametrize("session_id", [None, "a"])
@pytest.mark.parametrize("since", [None, SPLIT])
def test_uses_are_those_of_the_records_by_price(
    ledger: SqliteLedger, simulated: bool, session_id: str | None, since: Any
) -> None:
    records = ledger.records(session_id=session_id, since=since)
    expected = added_up(used_by(r) for r in records if r.simulated == simulated)
    found = list(
        ledger.used(steps, simulated=simulated, session_id=session_id, since=since)
    )
    assert added_up(found) == expected
    assert len(found) == len(expected)
    assert {used.above for used in found} == {0, 1_000, 5_000}


@pytest.mark.parametrize("session_id", [None, "a"])
@pytest.mark.parametrize("since", [None, SPLIT])
def test_answers_are_the_accepted_ones_by_what_they_answered(
    ledger: SqliteLedger, session_id: str | None, since: Any
) -> None:
    expected: Counter[Any] = Counter()
    output: Counter[Any] = Counter()
    for record in ledger.records(session_id=session_id, since=since):
        if record.status == "ok" and not record.simulated:
            key = (
                record.provider, record.model, record.task, record.workflow,
                record.step, record.structured, record.effort,
            )  # fmt: skip
            expected[key] += 1
            output[key] += record.usage.output_tokens
    found = ledger.answers(simulated=False, session_id=session_id, since=since)
    assert {one[:7]: one.number for one in found} == dict(expected)
    assert {one[:7]: one.output_tokens for one in found} == dict(output)
    assert all(type(one.structured) is bool for one in found)
    assert all(isinstance(one, Answers) for one in found)


def test_only_the_newest_answers_are_looked_at(
    ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uses, "NEWEST", 7)
    newest = hold("newest", at=NOON + timedelta(1), task="of its own")
    ledger.add(ended(newest, usage=Usage(1, output_tokens=3)))
    found = ledger.answers(simulated=False)
    assert sum(one.number for one in found) == 7
    assert [one.output_tokens for one in found if one.task == "of its own"] == [3]


def test_empty_ledger_has_neither_uses_nor_answers(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "ledger.sqlite3")
    assert list(ledger.used(steps, simulated=False)) == []
    assert ledger.answers(simulated=False) == []


def test_look_at_uses_reads_no_row_and_sorts_nothing(ledger: SqliteLedger) -> None:
    asked: list[tuple[str, tuple[object, ...]]] = []
    fetch = ledger._shared.fetch

    def noted(query: str, values: tuple[object, ...]) -> Any:
        asked.append((query, values))
        return fetch(query, values)

    ledger._shared.fetch = noted  # type: ignore[method-assign,assignment]
    assert list(ledger.used(steps, simulated=False))
    for query, values in asked:
        plan = fetch(f"EXPLAIN QUERY PLAN {query}", values)
        assert len(plan) == 1, plan
        assert "COVERING INDEX records_special (simulated=? AND <expr>" in plan[0][-1]
