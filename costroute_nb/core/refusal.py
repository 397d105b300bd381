"""What a call is told that a limit refuses, or keeps waiting."""

from decimal import ROUND_CEILING, Decimal

from costroute_nb.core.budget import Refusal
from costroute_nb.core.money import format_usd, pico_to_decimal


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


def _more(refusal: Refusal) -> str:
    """Return a limit in USD that would do: twice this one or what is needed, rounded."""
    needed = refusal.balance.spent + refusal.balance.held + refusal.needed
    amount = pico_to_decimal(max(2 * refusal.check.limit, needed))
    step = Decimal(1).scaleb(amount.adjusted() - 1)
    return f"{((amount / step).to_integral_value(ROUND_CEILING) * step).normalize():f}"
