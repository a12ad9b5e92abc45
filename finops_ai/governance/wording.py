"""How figures read: rounding happens here and nowhere else, in integers, half up.

Belongs here: text from exact values. Does not: which text stands where (`templates`).
"""

from finops_ai.governance.figures import FigureUnit, Value
from finops_ai.governance.model import Ratio
from finops_ai.governance.rows import Cell, Unit
from finops_ai.pricing import NANO, format_usd

NONE = "–"
_DAY, _HOUR, _MINUTE = 86_400, 3_600, 60


def shown(value: Value, unit: FigureUnit) -> str:
    """A figure; a dash where it has no value."""
    if isinstance(value, Ratio):
        return _ratio(value, unit)
    if value is None:
        return NONE
    return {"usd": usd, "seconds": duration}.get(unit, number)(value)


def _ratio(value: Ratio, unit: FigureUnit) -> str:
    if value.denominator == 0:
        return NONE
    if unit == "usd_each":
        return usd(_rounded(value.numerator, value.denominator))
    return percent(value)


def change(value: Value, before: Value, unit: FigureUnit) -> str:
    """From one value to another: percent of an amount, points of a share; "" where there is nothing to compare."""
    now, then = _fraction(value), _fraction(before)
    if now is None or then is None:
        return ""
    difference = Ratio(
        now.numerator * then.denominator - then.numerator * now.denominator, now.denominator * then.denominator
    )
    if unit in ("share", "ratio"):
        return _signed(_tenths(difference), " pp")
    if then.numerator == 0:
        return "" if now.numerator == 0 else "new"
    return _signed(
        _tenths(Ratio(difference.numerator * then.denominator, difference.denominator * then.numerator)), " %"
    )


def direction(value: Value, before: Value) -> int:
    """1: it rose; -1: it fell; 0: neither, or there is nothing to compare."""
    now, then = _fraction(value), _fraction(before)
    if now is None or then is None:
        return 0
    difference = now.numerator * then.denominator - then.numerator * now.denominator
    return (difference > 0) - (difference < 0)


def _fraction(value: Value) -> Ratio | None:
    if isinstance(value, Ratio):
        return value if value.denominator else None
    return None if value is None else Ratio(value, 1)


def percent(value: Ratio) -> str:
    """To a tenth; to a thousandth where that would read as nothing."""
    if not value.denominator:
        return NONE
    if value.numerator and abs(_tenths(value)) < 1:
        thousandths = _rounded(100_000 * abs(value.numerator), value.denominator)
        return f"0.{thousandths:03d} %" if thousandths else "< 0.001 %"
    return f"{_decimal(_tenths(value))} %"


def _tenths(value: Ratio) -> int:
    return _rounded(1000 * value.numerator, value.denominator)


def _decimal(tenths: int) -> str:
    sign = "−" if tenths < 0 else ""
    return f"{sign}{abs(tenths) // 10:,}.{abs(tenths) % 10}"


def _signed(tenths: int, unit: str) -> str:
    return f"{'+' if tenths > 0 else '±' if tenths == 0 else ''}{_decimal(tenths)}{unit}"


def _rounded(numerator: int, denominator: int) -> int:
    """Half up, away from 0."""
    sign = -1 if numerator < 0 else 1
    return sign * ((2 * abs(numerator) + denominator) // (2 * denominator))


def usd(nano_usd: int) -> str:
    """As many decimals as tell something: two from one dollar on, four from a cent on, six below."""
    size = abs(nano_usd)
    decimals = 2 if size >= NANO or size == 0 else 4 if size >= NANO // 100 else 6
    rounded = _rounded(nano_usd, 10 ** (9 - decimals))
    whole, fraction = divmod(abs(rounded), 10**decimals)
    return f"{'−' if rounded < 0 else ''}{whole:,}.{fraction:0{decimals}d} USD"


def duration(seconds: int) -> str:
    """Its two greatest units."""
    for size, name, below, small in ((_DAY, "d", _HOUR, "h"), (_HOUR, "h", _MINUTE, "min"), (_MINUTE, "min", 1, "s")):
        if seconds >= size:
            rest = seconds % size // below
            return f"{seconds // size} {name}" + (f" {rest} {small}" if rest else "")
    return f"{seconds} s"


def number(value: int) -> str:
    """With separators."""
    return f"{value:,}"


def moment(at: str) -> str:
    """To the minute."""
    return at[:16].replace("T", " ")


def cell(value: Cell, unit: Unit) -> str:
    """A cell of a table; amounts in full, since somebody adds them up."""
    if isinstance(value, int):
        if unit == "usd":
            return format_usd(value)
        return str(value) if unit == "id" else {"seconds": duration}.get(unit, number)(value)
    return moment(value) if unit == "at" else value
