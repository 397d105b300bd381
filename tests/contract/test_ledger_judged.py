"""What every LedgerStore knows of the answers that could have been rejected."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from costroute_nb.core.offsets import Judged
from costroute_nb.ports import LedgerStore
from tests.support.ledgers import LEASE, LEDGERS, SECOND
from tests.support.records import NOON, ended, hold


@pytest.fixture(params=LEDGERS)
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LedgerStore]:
    store = LEDGERS[request.param](tmp_path)
    yield store
    store.close()


def test_a_new_ledger_has_judged_nothing(ledger: LedgerStore) -> None:
    assert ledger.judged() == []


def test_a_judged_answer_comes_back_as_it_was_added(ledger: LedgerStore) -> None:
    ledger.add(ended(hold("one"), p_fails=0.125, accepted=True))
    (found,) = ledger.judged()
    assert found == Judged("small", 0.125, accepted=True)
    assert found.accepted is True


@pytest.mark.parametrize("accepted", [True, False, None])
def test_a_verdict_is_one_of_three(ledger: LedgerStore, accepted: bool | None) -> None:
    ledger.add(ended(hold("one"), accepted=accepted))
    (found,) = ledger.records()
    assert found.accepted is accepted


def test_answers_of_all_sessions_and_tiers_count(ledger: LedgerStore) -> None:
    for tier, session_id in (("small", "first"), ("medium", "second")):
        record = hold(tier, tier=tier, session_id=session_id)
        ledger.add(ended(record, p_fails=0.5, accepted=False))
    assert {answer.tier for answer in ledger.judged()} == {"small", "medium"}


@pytest.mark.parametrize(
    "known",
    [
        {"p_fails": 0.5, "accepted": True, "simulated": True},
        {"p_fails": None, "accepted": True},
        {"p_fails": 0.5, "accepted": None},
        {},
    ],
    ids=str,
)
def test_other_answers_do_not_count(ledger: LedgerStore, known: dict[str, Any]) -> None:
    ledger.add(ended(hold("one"), **known))
    assert ledger.judged() == []


def test_a_verdict_that_comes_after_the_cost_is_kept(ledger: LedgerStore) -> None:
    held = hold("one")
    ledger.reserve(held, [], LEASE)
    ledger.settle(ended(held, 40))
    ledger.settle(ended(held, 40, "escalated", p_fails=0.75, accepted=False))
    assert ledger.judged() == [Judged("small", 0.75, accepted=False)]
    (found,) = ledger.records()
    assert (found.status, found.p_fails, found.accepted) == ("escalated", 0.75, False)


def test_the_newest_two_thousand_count(ledger: LedgerStore) -> None:
    for number in range(2_005):
        record = hold(str(number), at=NOON + number * SECOND)
        ledger.add(ended(record, p_fails=0.5, accepted=number >= 5))
    found = ledger.judged()
    assert len(found) == 2_000
    assert all(answer.accepted for answer in found)
