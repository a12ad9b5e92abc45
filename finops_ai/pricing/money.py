"""Money as integers. One nano-USD is 10^-9 US dollar: fine enough for a single token, exact in every sum.

Belongs here: conversions between nano-USD and what people write and read. Does not: prices (`book`).
"""

from decimal import Decimal

NANO = 1_000_000_000


def to_nano_usd(usd: Decimal) -> int:
    """Exact. Raises ValueError for an amount finer than one nano-USD."""
    numerator, denominator = usd.as_integer_ratio()  # not `usd * NANO`: decimal arithmetic rounds to 28 digits
    nano, rest = divmod(numerator * NANO, denominator)
    if rest:
        raise ValueError(f"{usd} USD is finer than one nano-USD (9 decimals)")
    return nano


def format_usd(nano_usd: int) -> str:
    """Decimal text, exact, with at least two decimals: `0.50`, `0.000001388`."""
    sign = "-" if nano_usd < 0 else ""
    whole, fraction = divmod(abs(nano_usd), NANO)
    decimals = f"{fraction:09d}".rstrip("0").ljust(2, "0")
    return f"{sign}{whole}.{decimals}"


def multiply(quantity: int, nano_usd: int, per: int) -> int:
    """`quantity` units at `nano_usd` for every `per` units, rounded half up to whole nano-USD."""
    return (2 * quantity * nano_usd + per) // (2 * per)


def multiply_up(quantity: int, nano_usd: int, per: int) -> int:
    """The same, rounded up: what is held before a call must never be less than what may be booked after it."""
    return -(-quantity * nano_usd // per)
