"""What a call is told that a limit refuses, or keeps waiting."""

from decimal import ROUND_CEILING, Decimal

from costroute_nb.core.budget import Fullest, Refusal
from costroute_nb.core.catalog import Tier
from costroute_nb.core.money import format_usd, pico_to_decimal, pico_to_usd
from costroute_nb.core.plan import Plan
from costroute_nb.errors import BudgetExceededError


def waiting(refusal: Refusal) -> str:
    """Return one line: what the call waits for."""
    return (
        f"waiting for calls in flight: the {refusal.check.name} limit has "
        f"{format_usd(refusal.room)} left and this call may cost up to "
        f"{format_usd(refusal.needed)}"
    )


def refused(
    refusal: Refusal, *, by_max_cost: bool, waited: float, max_tokens: int | None
) -> str:
    """Return one line: which limit, what is used, what would fit, how to raise it.

    `by_max_cost` says that the call's own cap is the limit, `waited` for how many
    seconds room was awaited.
    """
    check, balance = refusal.check, refusal.balance
    used = f"{format_usd(balance.spent)} spent"
    if balance.held:
        used += f" and {format_usd(balance.held)} held for calls in flight"
    if waited >= 1:
        used += f" after waiting {waited:.0f} s"
    fits = "no max_tokens would fit"
    if max_tokens is not None:
        fits = f"max_tokens={max_tokens} would fit"
    more = _more(refusal)
    cure = f"`%route budget --{check.name} {more}` or session.budget.limits"
    if by_max_cost:
        cure = f"`--max-cost {more}`"
    return (
        f"the {check.name} limit of {format_usd(check.limit)} has no room for "
        f"{format_usd(refusal.needed)}: {used}; {fits}; raise it with {cure}; "
        "cached answers are still served"
    )


def not_degraded(fullest: Fullest, ceiling: Tier, plan: Plan) -> BudgetExceededError:
    """Return the error of a call that a nearly spent limit may not degrade."""
    used = f"{fullest.share:.0%} of the {fullest.name} limit is used"
    more = _rounded_up(2 * fullest.limit)
    message = (
        f"{used}, so no tier above {ceiling} is served, and this call may not go lower "
        f"({plan.reason}): raise the limit with `%route budget --{fullest.name} {more}`, "
        "or use `--on-limit stop`; cached answers are still served"
    )
    return BudgetExceededError(
        message,
        limit=fullest.name,
        limit_usd=pico_to_usd(fullest.limit),
        spent_usd=pico_to_usd(fullest.spent),
        held_usd=pico_to_usd(fullest.held),
        needed_usd=plan.candidates[0].worst_usd,
    )


def _more(refusal: Refusal) -> str:
    """Return a limit in USD that would do: twice this one or what is needed, rounded."""
    needed = refusal.balance.spent + refusal.balance.held + refusal.needed
    return _rounded_up(max(2 * refusal.check.limit, needed))


def _rounded_up(pico: int) -> str:
    """Return an amount in USD with two digits, rounded up."""
    amount = pico_to_decimal(max(pico, 1))
    step = Decimal(1).scaleb(amount.adjusted() - 1)
    return f"{((amount / step).to_integral_value(ROUND_CEILING) * step).normalize():f}"
