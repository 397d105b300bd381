"""A refusal says what a call may cost beside what is left, and ways out that work."""

import re
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costroute_nb.core.budget import (
    Balance,
    Check,
    LimitName,
    Refusal,
    closing_share,
    part,
)
from costroute_nb.core.money import PICO_PER_USD
from costroute_nb.core.refusal import cure, enough, refused

CENT = PICO_PER_USD // 100
AMOUNTS = st.integers(1, 1000 * PICO_PER_USD)


def line(
    limit: int = CENT,
    spent: int = 0,
    held: int = 0,
    needed: int = 6 * CENT,
    *,
    name: LimitName = "session",
    waited: float = 0,
    max_tokens: int | None = None,
) -> str:
    """Return what a call is told that does not fit."""
    refusal = Refusal(Check(name, limit), Balance(spent, held), needed)
    return refused(refusal, by_max_cost=False, waited=waited, max_tokens=max_tokens)


def test_the_first_call_is_told_what_it_may_cost_and_what_is_left() -> None:
    assert line().startswith(
        "this call may cost up to $0.06, and the session limit of $0.01 has $0.01 left "
        "($0 spent); "
    )


def test_what_is_held_for_others_is_told_with_the_wait() -> None:
    said = line(8 * CENT, CENT, 2 * CENT, waited=30)
    assert "has $0.05 left ($0.01 spent and $0.02 held for calls in flight" in said
    assert "after waiting 30 s)" in said


def test_a_later_attempt_of_a_call_is_told_as_one() -> None:
    said = line(10 * CENT, 5 * CENT, name="call")
    assert said.startswith("another attempt of this call may cost up to $0.06")


def test_a_cap_that_fits_is_named_for_cells_and_for_python() -> None:
    assert "`--max-tokens 400` (in Python max_tokens=400) would fit" in line(
        max_tokens=400
    )
    assert "no `--max-tokens` would fit" in line(max_tokens=None)


def test_a_cap_that_holds_thinking_too_is_explained() -> None:
    # It may be above the cap that was asked for, to which thinking was added.
    assert "max_tokens=5000), thinking included, would fit" in line(max_tokens=5000)


def test_no_name_is_used_that_a_notebook_of_magics_does_not_have() -> None:
    assert "`%route budget --session 0.06`" in line()
    assert "`.budget.update(session=0.06)`" in line()
    assert " session.budget" not in line()


@pytest.mark.parametrize(
    ("limit", "used", "needed", "more"),
    [
        (CENT, 0, 6 * CENT, "0.06"),
        (100 * CENT, 60 * CENT, 50 * CENT, "2"),
        (5 * CENT, 5 * CENT, int(6.17 * CENT), "0.12"),
        (0, 0, 6 * CENT, "0.06"),
    ],
)
def test_twice_the_limit_is_suggested_or_what_is_needed_if_more(
    limit: int, used: int, needed: int, more: str
) -> None:
    assert enough(limit, used, needed) == more


def pico(amount: str) -> int:
    return int(Decimal(amount) * PICO_PER_USD)


@given(limit=AMOUNTS, used=AMOUNTS, needed=AMOUNTS)
def test_a_suggested_limit_lets_the_call_through(
    limit: int, used: int, needed: int
) -> None:
    raised = Check("day", pico(enough(limit, used, needed)))
    assert raised.takes(Balance(used), needed)


@given(limit=AMOUNTS, used=AMOUNTS, needed=AMOUNTS)
def test_a_suggested_limit_leaves_every_tier_open_where_limits_degrade(
    limit: int, used: int, needed: int
) -> None:
    raised = pico(enough(limit, used, needed, degrades=True))
    share = closing_share("large") or Fraction(1)
    check = Check("day", raised, closed_at=part(raised, share))
    assert check.takes(Balance(used), needed)


def test_a_closed_tier_is_told_how_to_be_opened() -> None:
    closed = Check("day", 100 * CENT, closed_at=80 * CENT)
    refusal = Refusal(closed, Balance(85 * CENT), CENT)
    said = refused(refusal, by_max_cost=False, waited=0, max_tokens=None)
    assert "85% of the day limit is used" in said
    assert "max-tokens" not in said
    assert re.search(r"`%route budget --day 2`", said)


def test_a_calls_own_cap_is_raised_by_its_option() -> None:
    refusal = Refusal(Check("call", 5 * CENT), Balance(), 12 * CENT)
    assert cure(refusal, by_max_cost=True) == "raise it with `--max-cost 0.12`"
