"""What every LedgerStore knows of the answers that could have been rejected."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from costroute_nb.core.offsets import Judged
from costroute_nb.ports import LedgerStore
from tests.support.ledgers import LEASE, LEDGERS, SECOND
from tests.support.records import NOON, ended, hold

BY = "shipped 2026-11-23"


@pytest.fixture(params=LEDGERS)
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LedgerStore]:
    store = LEDGERS[request.param](tmp_path)
    yield store
    store.close()


def test_a_new_ledger_has_judged_nothing(ledger: LedgerStore) -> None:
    assert ledger.judged(BY) == []


def test_a_judged_answer_comes_back_as_it_was_added(ledger: LedgerStore) -> None:
    ledger.add(ended(hold("one"), p_fails=0.125, accepted=True, estimator=BY))
    (found,) = ledger.judged(BY)
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
        ledger.add(ended(record, p_fails=0.5, accepted=False, estimator=BY))
    assert {answer.tier for answer in ledger.judged(BY)} == {"small", "medium"}


@pytest.mark.parametrize(
    "known",
    [
        {"p_fails": 0.5, "accepted": True, "estimator": BY, "simulated": True},
        {"p_fails": None, "accepted": True, "estimator": BY},
        {"p_fails": 0.5, "accepted": None, "estimator": BY},
        {"p_fails": 0.5, "accepted": True, "estimator": None},
        {"p_fails": 0.5, "accepted": True, "estimator": "shipped 2026-11-24"},
        {},
    ],
    ids=str,
)
def test_other_answers_do_not_count(ledger: LedgerStore, known: dict[str, Any]) -> None:
    ledger.add(ended(hold("one"), **known))
    assert ledger.judged(BY) == []


def test_a_verdict_that_comes_after_the_cost_is_kept(ledger: LedgerStore) -> None:
    held = hold("one")
    ledger.reserve(held, [], LEASE)
    ledger.settle(ended(held, 40))
    verdict: dict[str, Any] = {"p_fails": 0.75, "accepted": False, "estimator": BY}
    ledger.settle(ended(held, 40, "escalated", **verdict))
    assert ledger.judged(BY) == [Judged("small", 0.75, accepted=False)]
    (found,) = ledger.records()
    assert (found.status, found.p_fails, found.accepted) == ("escalated", 0.75, False)


@pytest.mark.parametrize("name", ["", "münze", "half \ud83d"])
def test_an_estimators_own_answers_are_found_by_any_name(
    ledger: LedgerStore, name: str
) -> None:
    ledger.add(ended(hold("one"), p_fails=0.5, accepted=True, estimator=name))
    assert ledger.judged(name) == [Judged("small", 0.5, accepted=True)]
    assert ledger.judged(BY) == []


@pytest.mark.parametrize("number", [np.float32(0.25), np.float64(0.25), 0.25, 1])
def test_a_probability_is_kept_as_a_float_whatever_number_it_was(
    ledger: LedgerStore, number: Any
) -> None:
    ledger.add(ended(hold("one"), p_fails=number, accepted=True, estimator=BY))
    (found,) = ledger.judged(BY)
    (record,) = ledger.records()
    assert type(found.p_fails) is type(record.p_fails) is float
    assert found.p_fails == record.p_fails == number


def test_the_newest_two_thousand_of_each_tier_count(ledger: LedgerStore) -> None:
    for number in range(2_005):
        for tier in ("small", "medium")[: 1 + (number > 1_900)]:
            record = hold(f"{tier} {number}", tier=tier, at=NOON + number * SECOND)
            passed = number >= 5
            ledger.add(ended(record, p_fails=0.5, accepted=passed, estimator=BY))
    found = ledger.judged(BY)
    assert all(answer.accepted for answer in found)
    assert [answer.tier for answer in found].count("small") == 2_000
    assert [answer.tier for answer in found].count("medium") == 104


def test_many_answers_of_one_tier_leave_those_of_the_other_in_sight(
    ledger: LedgerStore,
) -> None:
    for number in range(2_005):
        record = hold(str(number), tier="medium" if number else "small")
        ledger.add(ended(record, p_fails=0.5, accepted=True, estimator=BY))
    assert [a.tier for a in ledger.judged(BY)].count("small") == 1
