"""The times between calls of threads, as every LedgerStore tells them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from costroute_nb.core.messages import Usage
from costroute_nb.core.prompt_cache import Gap
from costroute_nb.core.record import Status
from costroute_nb.ports import LedgerStore
from tests.support.ledgers import LEDGERS
from tests.support.records import NOON, ended, hold

MINUTE = timedelta(minutes=1)
NOW = NOON + 60 * MINUTE


@pytest.fixture(params=LEDGERS)
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LedgerStore]:
    store = LEDGERS[request.param](tmp_path)
    yield store
    store.close()


def called(ledger: LedgerStore, minute: int, **changes: Any) -> None:
    changes.setdefault("thread", "t")
    name = f"{minute} {sorted(changes.items())}"
    held = hold(name, at=NOON + minute * MINUTE, **changes)
    status: Status = "cached" if changes.get("cache_hit") else "ok"
    ledger.add(ended(held, 1, status))


def gaps(ledger: LedgerStore) -> list[tuple[int, bool]]:
    found = ledger.thread_gaps(NOW, simulated=False)
    assert all(isinstance(gap, Gap) for gap in found)
    return [(round(gap.length / MINUTE), gap.ended) for gap in found]


def test_an_empty_ledger_has_none(ledger: LedgerStore) -> None:
    assert gaps(ledger) == []


def test_gaps_between_calls_have_ended_and_the_last_has_not(
    ledger: LedgerStore,
) -> None:
    for minute in (0, 2, 7):
        called(ledger, minute)
    assert gaps(ledger) == [(53, False), (5, True), (2, True)]


@pytest.mark.parametrize(
    "other", [{"thread": "u"}, {"session_id": "other"}, {"model": "claude-opus-5-5"}]
)
def test_threads_sessions_and_models_are_apart(
    ledger: LedgerStore, other: dict[str, Any]
) -> None:
    called(ledger, 0)
    called(ledger, 1, **other)
    called(ledger, 10)
    assert sorted(gaps(ledger)) == [(10, True), (50, False), (59, False)]


@pytest.mark.parametrize(
    "other",
    [{"thread": None}, {"cache_hit": True}, {"attempt": 2}, {"simulated": True}],
)
def test_what_is_no_first_attempt_of_this_pots_threads_does_not_count(
    ledger: LedgerStore, other: dict[str, Any]
) -> None:
    called(ledger, 0)
    called(ledger, 1, **other)
    called(ledger, 10)
    assert gaps(ledger) == [(50, False), (10, True)]


READ, SHORT, LONG = (
    Usage(cache_read_tokens=9, cache_write_5m_tokens=1),
    Usage(cache_write_5m_tokens=9),
    Usage(cache_write_1h_tokens=9),
)
PLAIN = Usage(input_tokens=9)


@pytest.mark.parametrize(
    ("before", "minutes", "after", "unread"),
    [
        (SHORT, 2, SHORT, True),
        (READ, 2, SHORT, True),
        (LONG, 30, SHORT, True),
        (SHORT, 2, READ, False),
        (SHORT, 2, PLAIN, False),
        (PLAIN, 2, SHORT, False),
        (SHORT, 30, SHORT, False),
    ],
)
def test_what_was_kept_in_vain_is_told_by_the_counters(
    ledger: LedgerStore, before: Usage, minutes: int, after: Usage, unread: bool
) -> None:
    called(ledger, 0, usage=before)
    called(ledger, minutes, usage=after)
    _, gap = ledger.thread_gaps(NOW, simulated=False)
    assert gap == Gap(minutes * MINUTE, unread=unread)


def test_only_the_newest_calls_are_looked_at(ledger: LedgerStore) -> None:
    for minute in range(260):
        called(ledger, minute - 250)
    assert len(gaps(ledger)) == 200
