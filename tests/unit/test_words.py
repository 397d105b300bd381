"""How a limit stands is said for what it is: spent is gone, held may come back."""

from __future__ import annotations

import pytest

from costroute_nb.core.budget import Limits
from costroute_nb.core.totals import Totals
from costroute_nb.notebook.words import Tile, is_spent, standing_words, status, tiles
from tests.support.readings import CENT, reading, spent, standings

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


@pytest.mark.parametrize(
    ("cents", "limit", "share"),
    [
        (0, 1.0, ", 0%"),
        (0.38, 5.0, ", under 1%"),
        (0.99, 1.0, ", under 1%"),
        (1, 1.0, ", 1%"),
        (99, 1.0, ", 99%"),
        (99.7, 1.0, ", over 99%"),
        (100, 1.0, ", 100%"),
        (1_000, 1.0, ", over 999%"),
    ],
)
def test_a_share_is_never_rounded_to_nothing_or_to_all(
    cents: float, limit: float, share: str
) -> None:
    limits = Limits(session=limit, alert_at=1.0)
    standing = standings(cents, limits)["session"]
    assert f"{standing_words('session', standing, limits)},".count(f"{share},") == 1


def money(sums: Totals) -> tuple[Tile, Tile, str]:
    """Return the tiles of spend and savings, and what is announced."""
    shown = reading(by_model=((("claude-haiku-5-5", "small"), sums),))
    spend, _, _, saving = tiles(shown)
    return spend, saving, status(shown)


def test_a_cost_that_is_not_known_is_neither_spent_nor_saved_for_sure() -> None:
    sums = Totals(calls=2, attempts=2, unknown=2, charged=50 * CENT)
    spend, saving, told = money(sums)
    assert spend == Tile("Spent", "at most $0.50", "2 of unknown cost")
    assert saving == Tile("Saved", "unknown", "against claude-opus-5-5")
    assert "2 calls, at most $0.50, 0% from the cache, savings unknown." in told


def test_savings_of_which_a_part_is_not_known_say_what_is_left_out() -> None:
    unknown = Totals(calls=1, attempts=1, unknown=1, charged=50 * CENT)
    spend, saving, told = money(spent(20) + unknown)
    assert spend == Tile("Spent", "at most $0.70", "1 of unknown cost")
    assert saving.value == "$0.20"
    assert saving.note == "against claude-opus-5-5, 1 of unknown cost left out"
    assert "2 calls, at most $0.70, 0% from the cache, $0.20 saved." in told


def test_known_money_is_said_as_it_is() -> None:
    spend, saving, told = money(spent(20))
    assert spend == Tile("Spent", "$0.20", "this session")
    assert saving == Tile("Saved", "$0.20", "against claude-opus-5-5")
    assert "1 call, $0.20, 0% from the cache, $0.20 saved." in told


def test_the_announced_state_tells_the_two_apart() -> None:
    limits = Limits(session=1.0, day=0.5)
    stands = standings(50, limits, held=50)
    told = status(reading(limits=limits, standings=stands))
    assert f"session limit: $0.50 of $1.00 spent, $0.50 held, 100%, {HELD}" in told
    assert (
        "day limit: $0.50 of $0.50 spent, $0.50 held, 200%, spent: calls stop" in told
    )
