from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costroute_nb.core.money import (
    MAX_USD,
    format_usd,
    pico_to_decimal,
    pico_to_usd,
    usd_to_pico,
)

MAX_PICO = 2**63 - 1


def test_a_hundred_thousand_tiny_amounts_sum_exactly() -> None:
    assert sum(usd_to_pico("0.0000011") for _ in range(100_000)) == usd_to_pico("0.11")


def test_a_float_is_taken_as_it_is_written() -> None:
    assert usd_to_pico(0.1) == 10**11
    assert usd_to_pico(1e-12) == 1


def test_what_is_finer_than_a_pico_goes_to_the_even_neighbour() -> None:
    assert usd_to_pico("0.0000000000005") == 0
    assert usd_to_pico("0.0000000000015") == 2


@pytest.mark.parametrize("text", ["", "five", "nan", "inf", "-inf", "$5"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="amount of USD"):
        usd_to_pico(text)


@pytest.mark.parametrize(
    "amount",
    [MAX_USD + 1, -MAX_USD - 1, "1e999999", 1e300, "1e999999999", "-1e999999999"],
)
def test_an_amount_the_ledger_cannot_hold_is_refused(amount: float | str) -> None:
    with pytest.raises(ValueError, match="9,000,000 USD"):
        usd_to_pico(amount)


def test_an_amount_too_small_to_be_written_is_nothing() -> None:
    assert usd_to_pico("1e-999999999") == 0


def test_the_largest_amount_fits_into_64_bits() -> None:
    assert usd_to_pico(MAX_USD) <= MAX_PICO


@given(st.integers(-MAX_USD * 10**12, MAX_USD * 10**12))
def test_pico_to_decimal_and_back_is_exact(pico: int) -> None:
    assert usd_to_pico(pico_to_decimal(pico)) == pico


def test_an_unknown_amount_stays_unknown() -> None:
    assert pico_to_usd(None) is None
    assert format_usd(None) == "unknown"


def test_a_face_gets_a_float() -> None:
    assert pico_to_usd(75_000_000) == 0.000075


@pytest.mark.parametrize(
    ("usd", "shown"),
    [
        ("0.000075", "$0.000075"),
        ("0.0120", "$0.0120"),
        ("1.00", "$1.00"),
        ("0.0029", "$0.0029"),
        ("0", "$0"),
        ("0.02", "$0.02"),
        ("0.01234", "$0.0123"),
        ("2.205", "$2.2050"),
        ("0.0000123456", "$0.000012"),
        ("0.000000000001", "$0.0000000000010"),
        ("-0.0029", "$0.0029"),
        ("-3", "$3.00"),
        ("99.9999", "$99.9999"),
        ("100", "$100.00"),
        ("1234567.891", "$1,234,567.89"),
    ],
)
def test_an_amount_reads_as_a_receipt_shows_it(usd: str, shown: str) -> None:
    sign = "-" if usd.startswith("-") else ""
    assert format_usd(usd_to_pico(usd)) == sign + shown


@given(st.integers(1, MAX_PICO))
def test_only_zero_reads_as_free(pico: int) -> None:
    shown = format_usd(pico).lstrip("$").replace(",", "")
    assert Decimal(shown) > 0


@given(st.integers(1, MAX_PICO))
def test_what_is_shown_is_within_five_percent(pico: int) -> None:
    shown = Decimal(format_usd(pico).lstrip("$").replace(",", ""))
    assert abs(shown - pico_to_decimal(pico)) <= pico_to_decimal(pico) / 20
