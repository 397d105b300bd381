"""How a limit stands is said for what it is: spent is gone, held may come back."""

from __future__ import annotations

import pytest

from costroute_nb.core.budget import Limits
from costroute_nb.notebook.words import is_spent, standing_words, status
from tests.support.readings import reading, standings

HELD = "the rest is held by calls under way: new ones wait"


def said(cents: float, held: float, **limits: object) -> str:
    """Return how a session limit of a dollar stands."""
    named = Limits(session=1.0, **limits)  # type: ignore[arg-type]
    return standing_words("session", standings(cents, named, held)["session"], named)


@pytest.mark.parametrize("on_limit", ["stop", "degrade"])
@pytest.mark.parametrize(("cents", "held"), [(0, 100), (99, 1), (60, 70)])
def test_a_limit_whose_rest_is_held_says_so(
    cents: float, held: float, on_limit: str
) -> None:
    words = said(cents, held, on_limit=on_limit)
    assert words.endswith(f"%, {HELD}")
    assert "calls stop" not in words


@pytest.mark.parametrize(("cents", "held"), [(100, 0), (100, 20), (300, 0)])
def test_a_spent_limit_stops_calls_whatever_is_held_besides(
    cents: float, held: float
) -> None:
    words = said(cents, held)
    assert words.endswith(", spent: calls stop")
    assert HELD not in words


def test_a_limit_of_nothing_is_spent_and_no_limit_never_is() -> None:
    limits = Limits(session=0, day=None)
    standing = standings(0, limits)
    assert is_spent(standing["session"])
    assert not is_spent(standing["day"])


def test_the_announced_state_tells_the_two_apart() -> None:
    limits = Limits(session=1.0, day=0.5)
    stands = standings(50, limits, held=50)
    told = status(reading(limits=limits, standings=stands))
    assert f"session limit: $0.50 of $1.00 spent, $0.50 held, 100%, {HELD}" in told
    assert (
        "day limit: $0.50 of $0.50 spent, $0.50 held, 200%, spent: calls stop" in told
    )
