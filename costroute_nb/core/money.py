"""Exact money: whole pico-USD inside, Decimal at the border, float only on faces.

A pico-USD is 1e-12 USD. Published prices per million tokens are whole pico-USD
per token, so every cost is an exact integer and sums never drift.
"""

from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal, InvalidOperation

PICO_PER_USD = 10**12
MAX_USD = 9_000_000
"""The ledger's 64-bit integers hold a little more than this."""


def usd_to_pico(usd: Decimal | str | float) -> int:
    """Return an amount of USD as whole pico-USD (half-even at the last digit).

    Raises
    ------
    ValueError
        If `usd` is not a finite number, or is beyond what the ledger can hold.
    """
    try:
        amount = usd if isinstance(usd, Decimal) else Decimal(str(usd).strip())
    except InvalidOperation:
        message = f"{usd!r} is not an amount of USD"
        raise ValueError(message) from None
    if not amount.is_finite():
        message = f"{usd!r} is not a finite amount of USD"
        raise ValueError(message)
    if amount.copy_abs() > MAX_USD:  # abs rounds, and so overflows
        message = f"{usd!r} is more than {MAX_USD:,} USD, the most that can be kept"
        raise ValueError(message)
    return int((amount * PICO_PER_USD).to_integral_value(ROUND_HALF_EVEN))


def pico_to_decimal(pico: int) -> Decimal:
    """Return pico-USD as an exact Decimal of USD."""
    return Decimal(pico).scaleb(-12)


def pico_to_usd(pico: int | None) -> float | None:
    """Return pico-USD as a float of USD for a face; unknown stays None."""
    return None if pico is None else float(pico_to_decimal(pico))


def format_usd(pico: int | None) -> str:
    """Return an amount as a reader wants it: `$0.0120`, `$0.000075`, `unknown`.

    Four decimals from one cent upward (two where the others are zero, and from
    $100 on), otherwise two significant digits, so that a cheap call never reads
    as free; only an exact zero is `$0`.
    """
    if pico is None:
        return "unknown"
    if pico == 0:
        return "$0"
    sign = "-" if pico < 0 else ""
    amount = abs(pico_to_decimal(pico))
    if amount >= 100:
        return f"{sign}${amount:,.2f}"
    if amount >= Decimal("0.01"):
        text = f"{amount:.4f}"
        return f"{sign}${text[:-2] if text.endswith('00') else text}"
    digits = -amount.adjusted() + 1
    return f"{sign}${amount:.{digits}f}"


def rounded_up(pico: int) -> str:
    """Return an amount in USD as an option takes it: two digits, rounded up."""
    amount = pico_to_decimal(max(pico, 1))
    step = Decimal(1).scaleb(amount.adjusted() - 1)
    return f"{((amount / step).to_integral_value(ROUND_CEILING) * step).normalize():f}"
