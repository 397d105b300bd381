"""A ledger's version is another one after each change, by whomever, and only then."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from costroute_nb.ports import LedgerStore
from tests.support.ledgers import LEASE, LEDGERS, SECOND, of_session
from tests.support.records import NOON, ended, hold

CHANGES: dict[str, Callable[[LedgerStore], object]] = {
    "reserve": lambda ledger: ledger.reserve(hold("new"), [of_session()], LEASE),
    "settle": lambda ledger: ledger.settle(ended(hold("held"), 40)),
    "release": lambda ledger: ledger.release("held", 1),
    "settle a verdict": lambda ledger: ledger.settle(
        ended(hold("held"), p_fails=0.3, accepted=True, estimator="shipped")
    ),
    "add": lambda ledger: ledger.add(ended(hold("free"), 0, "cached")),
    "expire": lambda ledger: ledger.expire(LEASE + SECOND),
    "claim_alert": lambda ledger: ledger.claim_alert("another", NOON, "told"),
}
LOOKS: dict[str, Callable[[LedgerStore], object]] = {
    "totals": lambda ledger: ledger.totals(["model"], simulated=False),
    "balance": lambda ledger: ledger.balance(of_session(), simulated=False),
    "records": lambda ledger: list(ledger.records()),
    "judged": lambda ledger: ledger.judged("shipped"),
    "alerts": lambda ledger: ledger.alerts(),
    "refused reserve": lambda ledger: ledger.reserve(
        hold("new", charged=10), [of_session(1)], LEASE
    ),
    "expire nothing": lambda ledger: ledger.expire(NOON),
    "claim a claimed alert": lambda ledger: ledger.claim_alert("told", NOON, "told"),
}


@pytest.fixture(params=LEDGERS)
def open_ledger(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[], LedgerStore]]:
    """Give what opens the same ledger once more."""
    opened: list[LedgerStore] = []

    def again() -> LedgerStore:
        opened.append(LEDGERS[request.param](tmp_path))
        return opened[-1]

    first = again()
    first.reserve(hold("held"), [], LEASE)
    first.claim_alert("told", NOON, "told")
    yield again
    for store in opened:
        store.close()


@pytest.mark.parametrize("change", CHANGES)
def test_own_change_is_seen(
    open_ledger: Callable[[], LedgerStore], change: str
) -> None:
    ledger = open_ledger()
    before = ledger.version()
    CHANGES[change](ledger)
    assert ledger.version() != before


@pytest.mark.parametrize("change", CHANGES)
def test_change_by_another_connection_is_seen(
    open_ledger: Callable[[], LedgerStore], change: str
) -> None:
    ledger, another = open_ledger(), open_ledger()
    before = ledger.version()
    CHANGES[change](another)
    assert ledger.version() != before


@pytest.mark.parametrize("look", LOOKS)
def test_looking_changes_nothing(
    open_ledger: Callable[[], LedgerStore], look: str
) -> None:
    ledger, another = open_ledger(), open_ledger()
    ledger.version()
    LOOKS[look](another)
    before = ledger.version()
    LOOKS[look](ledger)
    LOOKS[look](another)
    assert ledger.version() == before


def test_version_of_a_reopened_ledger_is_another_one(
    open_ledger: Callable[[], LedgerStore],
) -> None:
    ledger = open_ledger()
    before = ledger.version()
    ledger.close()
    assert ledger.version() != before


def test_version_asked_in_another_thread_is_the_same(
    open_ledger: Callable[[], LedgerStore],
) -> None:
    ledger, found = open_ledger(), []
    thread = threading.Thread(target=lambda: found.append(ledger.version()))
    thread.start()
    thread.join()
    assert found == [ledger.version()]
