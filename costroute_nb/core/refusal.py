"""What a call is told that a limit refuses, or keeps waiting."""

from fractions import Fraction

from costroute_nb.core.budget import Fullest, LimitName, Refusal, closing_share, percent
from costroute_nb.core.catalog import TIERS, Tier
from costroute_nb.core.money import format_usd, pico_to_usd, rounded_up
from costroute_nb.core.plan import Plan
from costroute_nb.core.shaping import THINKING_HEADROOM
from costroute_nb.errors import BudgetExceededError

_CACHED = "cached answers are still served"


def enough(limit: int, used: int, needed: int, *, degrades: bool = False) -> str:
    """Return a limit in USD, as an option takes it, that lets a call through.

    That is twice the limit, or what is used and needed if that is more, rounded up to
    two digits: one rule for every amount that is suggested.

    Parameters
    ----------
    limit, used, needed
        pico-USD: the limit, what is spent and held of it, and the call's worst case.
    degrades
        Whether a share that is used closes tiers; then it is enough for all of them.
    """
    least = max(2 * limit, used + needed)
    share = closing_share(TIERS[-1]) if degrades else None
    return rounded_up(max(least, used // share + 1) if share else least)


def waiting(refusal: Refusal) -> str:
    """Return one line: what the call waits for."""
    return (
        f"waiting for calls in flight: the {refusal.check.name} limit has "
        f"{format_usd(refusal.room)} left and this call may cost up to "
        f"{format_usd(refusal.needed)}"
    )


def lacking(refusal: Refusal, waited: float = 0) -> str:
    """Return what a call may cost beside what its limit has left.

    `waited` is for how many seconds room was awaited.
    """
    check, balance = refusal.check, refusal.balance
    if refusal.by_tier:
        share = Fraction(balance.spent + balance.held, check.limit)
        return (
            f"{percent(share)} of the {check.name} limit is used: models of this tier "
            "are not served any more, as on_limit='degrade' says"
        )
    used = f"{format_usd(balance.spent)} spent"
    if balance.held:
        used += f" and {format_usd(balance.held)} held for calls in flight"
    if waited >= 1:
        used += f" after waiting {waited:.0f} s"
    # Of the call limit, only earlier attempts of the same call have spent anything.
    again = check.name == "call" and bool(balance.spent)
    what = "another attempt of this call" if again else "this call"
    return (
        f"{what} may cost up to {format_usd(refusal.needed)}, and the {check.name} "
        f"limit of {format_usd(check.limit)} has {format_usd(refusal.room)} left "
        f"({used})"
    )


def cure(refusal: Refusal, *, by_max_cost: bool) -> str:
    """Return how to raise the limit so far that the call fits.

    `by_max_cost` says that the call's own cap is the limit.
    """
    check, balance = refusal.check, refusal.balance
    more = enough(
        check.limit,
        balance.spent + balance.held,
        refusal.needed,
        degrades=check.closed_at is not None,
    )
    if by_max_cost:
        return f"raise it with `--max-cost {more}`"
    return _raising(check.name, more)


def refused(
    refusal: Refusal, *, by_max_cost: bool, waited: float, max_tokens: int | None
) -> str:
    """Return one line: what the call may cost, what is left, what would fit, the cure.

    `by_max_cost` says that the call's own cap is the limit, `waited` for how many
    seconds room was awaited.
    """
    parts = [lacking(refusal, waited)]
    if not refusal.by_tier:
        parts.append(_fitting(max_tokens))
    return "; ".join((*parts, cure(refusal, by_max_cost=by_max_cost), _CACHED))


def not_degraded(fullest: Fullest, ceiling: Tier, plan: Plan) -> BudgetExceededError:
    """Return the error of a call that a nearly spent limit may not degrade."""
    used, needed = fullest.spent + fullest.held, plan.candidates[0].quote.worst
    more = enough(fullest.limit, used, needed or 0, degrades=True)
    ways = _raising(fullest.name, more)
    if needed is not None and used + needed <= fullest.limit:
        ways += ", or let every tier use it up with `%route budget --on-limit stop`"
    message = (
        f"{percent(fullest.share)} of the {fullest.name} limit is used, so no tier "
        f"above {ceiling} is served, and this call may not go lower ({plan.reason}): "
        f"{ways}; {_CACHED}"
    )
    return BudgetExceededError(
        message,
        limit=fullest.name,
        limit_usd=pico_to_usd(fullest.limit),
        spent_usd=pico_to_usd(fullest.spent),
        held_usd=pico_to_usd(fullest.held),
        needed_usd=plan.candidates[0].worst_usd,
    )


def _raising(name: LimitName, more: str) -> str:
    return (
        f"raise it with `%route budget --{name} {more}` or the session's "
        f"`.budget.update({name}={more})`"
    )


def _fitting(max_tokens: int | None) -> str:
    """Return which cap would fit, typed in a cell and as a keyword."""
    if max_tokens is None:
        return "no `--max-tokens` would fit"
    # So large a cap is sent as it is; smaller ones, and none, are for the answer alone.
    whole = ", thinking included," if max_tokens >= 2 * THINKING_HEADROOM else ""
    return (
        f"`--max-tokens {max_tokens}` (in Python max_tokens={max_tokens}){whole} "
        "would fit"
    )
