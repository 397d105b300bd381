"""A screen reader is told the state now and then, and the last one always."""

from __future__ import annotations

import pytest

from costroute_nb.notebook.announcing import Announcer
from tests.support.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def announcer(clock: FakeClock) -> Announcer:
    return Announcer("nothing", clock)


def look(announcer: Announcer, sentence: str) -> str:
    """Show what is due, as a refresh does."""
    announcer.say(announcer.due(sentence))
    return announcer.said


def test_changes_without_end_are_told_every_few_seconds(
    announcer: Announcer, clock: FakeClock
) -> None:
    told = []
    for number in range(120):  # a minute, twice a second
        clock.sleep(0.5)
        told.append(look(announcer, f"{number} calls"))
    assert 10 <= len(set(told)) <= 13
    assert told == sorted(
        told, key=lambda text: int(text.split()[0].replace("nothing", "-1"))
    )


def test_the_last_state_is_told_once_it_is_quiet(
    announcer: Announcer, clock: FakeClock
) -> None:
    clock.sleep(10)
    assert look(announcer, "1 call") == "1 call"
    clock.sleep(0.3)
    assert look(announcer, "2 calls") == "1 call"
    clock.sleep(0.3)
    assert look(announcer, "3 calls") == "1 call"
    clock.sleep(1)
    assert look(announcer, "3 calls") == "1 call"
    clock.sleep(1)
    assert look(announcer, "3 calls") == "3 calls"


def test_the_first_change_after_a_while_is_told_at_once(
    announcer: Announcer, clock: FakeClock
) -> None:
    clock.sleep(60)
    assert look(announcer, "1 call") == "1 call"


def test_what_was_due_but_not_shown_stays_due(
    announcer: Announcer, clock: FakeClock
) -> None:
    clock.sleep(60)
    assert announcer.due("1 call") == "1 call"  # and then showing it failed
    assert announcer.said == "nothing"
    assert look(announcer, "1 call") == "1 call"
