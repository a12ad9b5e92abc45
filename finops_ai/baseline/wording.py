"""Figures as people read them: rounded, with what is unknown said.

Belongs here: numbers to text. Does not: which figures (`report`).
"""

from finops_ai.pricing import NANO, format_usd

UNKNOWN = "–"


def usd(nano_usd: int | None) -> str:
    """To the cent, below a dollar to four decimals, below a cent to four digits; None is unpriced."""
    if nano_usd is None:
        return "unpriced"
    size = abs(nano_usd)
    below_a_cent = 10 ** max(0, len(str(size)) - 4)
    quantum = NANO // 100 if size >= NANO else NANO // 10_000 if size >= NANO // 100 else below_a_cent
    rounded = (2 * nano_usd + quantum) // (2 * quantum) * quantum
    whole, _, fraction = format_usd(rounded).partition(".")
    return f"{int(whole):,}.{fraction}" if size >= NANO else f"{whole}.{fraction}"


def percent(share: float | None) -> str:
    """A share of a hundred."""
    return UNKNOWN if share is None else f"{share * 100:.1f} %"


def milliseconds(value: float | None) -> str:
    """Seconds from one second on."""
    if value is None:
        return UNKNOWN
    return f"{value / 1000:,.1f} s" if value >= 1000 else f"{value:.0f} ms"


def named(value: object) -> str:
    """A key as it is shown: a log may leave it empty."""
    return str(value) or "(unnamed)"
