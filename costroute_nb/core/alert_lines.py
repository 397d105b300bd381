"""What an alert says in one line: the numbers and the cure, and nothing of a prompt."""

import re
from fractions import Fraction

from costroute_nb.core.budget import (
    Check,
    OnLimit,
    ceiling_at,
    closing_share,
    percent,
)
from costroute_nb.core.catalog import TIERS
from costroute_nb.core.money import format_usd, pico_to_decimal, rounded_up
from costroute_nb.core.record import Record

_MODEL = re.compile(r"[\w.:/@-]{1,80}")


def limit_line(
    check: Check, spent: int, share: float, on_limit: OnLimit, *, stopped: bool
) -> str:
    """Return what to say of a limit that reached a share of 1 or of less.

    Parameters
    ----------
    spent
        pico-USD spent in the limit's period.
    stopped
        Whether the limit has just refused a call.
    """
    used = percent(Fraction(spent, check.limit))
    stands = f"{format_usd(spent)} of {format_usd(check.limit)} is spent"
    # Far beyond a limit twice of it would still refuse everything.
    more = rounded_up(check.limit + max(check.limit, spent))
    cure = f"`%route budget --{check.name} {more}` raises it"
    if check.name == "call":
        return f"One call has used {used} of the call limit: {stands}; {cure}."
    if stopped and spent < check.limit:
        return (
            f"The {check.name} limit stops calls: {stands} ({used}), and the next "
            f"one could pass it; {cure}. Cached answers are still served."
        )
    if share >= 1:
        return (
            f"The {check.name} limit is reached: {stands} ({used}). Calls are "
            f"refused; {cure}. Cached answers are still served."
        )
    return (
        f"{used} of the {check.name} limit is used: {stands}; {cure}; "
        f"{_meanwhile(Fraction(spent, check.limit), on_limit)}."
    )


def _meanwhile(used: Fraction, on_limit: OnLimit) -> str:
    """Return what happens, or could, until all of a limit is used."""
    least = closing_share(TIERS[-1])
    if on_limit != "degrade" or least is None:
        return "`%route budget --on-limit degrade` makes it last with smaller models"
    start = "here" if ceiling_at(used) else percent(least)
    return f"from {start} on smaller models answer where they may"


def call_line(record: Record, spent: int, above: int) -> str:
    """Return what to say of a call whose attempts cost `spent`, more than `above`.

    Both are in pico-USD; `record` is its last attempt.
    """
    cost = "cost" if record.cost is not None else "may have cost"
    # The id is the response's word; a gateway can write anything there.
    model = f" on {record.model}" if _MODEL.fullmatch(record.model) else ""
    tries = f", with {record.attempt} attempts" if record.attempt > 1 else ""
    return (
        f"One call {cost} {format_usd(spent)}{model}{tries}: more than the "
        f"{format_usd(above)} at which single calls alert. `--max-cost {_usd(above)}` "
        "caps a call, `%route plan` tells beforehand what it may cost."
    )


def rate_line(recent: int, usual: int) -> str:
    """Return what to say of pico-USD spent in 10 minutes, and in 10 usual ones."""
    return (
        f"Unusual spending: {format_usd(recent)} in the last 10 minutes, "
        f"{recent / usual:,.0f} times the usual {format_usd(usual)} (the median of "
        "the last 7 days' 10 minutes in which anything was spent). `%route log "
        "--today` lists the calls."
    )


def in_pot(line: str, *, simulated: bool) -> str:
    """Return the line, marked where the money was never spent."""
    return f"Simulated money, none was spent: {line}" if simulated else line


def _usd(pico: int) -> str:
    return f"{pico_to_decimal(pico).normalize():f}"
