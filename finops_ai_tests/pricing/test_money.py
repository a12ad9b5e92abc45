"""Money is a whole number of nano-USD, and no conversion loses any of it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finops_ai.pricing import format_usd, multiply, to_nano_usd


@pytest.mark.parametrize(
    ("usd", "nano_usd"),
    [
        ("0", 0),
        ("0.50", 500_000_000),
        ("0.000000001", 1),
        ("-1.5", -1_500_000_000),
        ("1E+3", 10**12),
        ("1000000", 10**15),
    ],
)
def test_dollars_become_nano_dollars_exactly(usd: str, nano_usd: int) -> None:
    assert to_nano_usd(Decimal(usd)) == nano_usd


@pytest.mark.parametrize("usd", ["0.0000000001", "1.0000000005", "1." + "0" * 40 + "1", "NaN"])
def test_an_amount_finer_than_one_nano_dollar_is_refused(usd: str) -> None:
    """Decimal arithmetic rounds to 28 digits: what is cut there must be refused like any other fraction."""
    with pytest.raises(ValueError, match=r"finer|NaN"):
        to_nano_usd(Decimal(usd))


@pytest.mark.parametrize(
    ("nano_usd", "text"),
    [(0, "0.00"), (500_000_000, "0.50"), (1_388, "0.000001388"), (-1, "-0.000000001"), (12_340_000_000, "12.34")],
)
def test_people_read_at_least_cents_and_nothing_rounded(nano_usd: int, text: str) -> None:
    assert format_usd(nano_usd) == text


@given(st.integers(min_value=-(10**30), max_value=10**30))
def test_what_is_written_reads_back_as_the_same_amount(nano_usd: int) -> None:
    assert to_nano_usd(Decimal(format_usd(nano_usd))) == nano_usd


@pytest.mark.parametrize(
    ("quantity", "nano_usd", "per", "amount"),
    [(1, 1, 2, 1), (1, 1, 3, 0), (2, 1, 3, 1), (0, 7, 3, 0), (3600, 90, 3600, 90), (1, 10**18, 10**6, 10**12)],
)
def test_a_product_is_rounded_half_up(quantity: int, nano_usd: int, per: int, amount: int) -> None:
    assert multiply(quantity, nano_usd, per) == amount
