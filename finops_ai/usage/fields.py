"""Single values of a log: counts, times, amounts, texts.

Belongs here: what each may look like and what is said of one that cannot be. Does not: rows (`reading`), formats
(`adapters`). A path like `usage.input_tokens` leads into nested objects; what is missing, null or empty is None.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any

from finops_ai.pricing import NANO
from finops_ai.usage.reading import WrongValue

COUNT_MAX = 10**12  # more tokens than anybody was billed; what they cost still fits into a database's integer
TEXT_CHARS_MAX = 1_000
USD_MAX = 10**9
YEAR_MIN, YEAR_MAX = 1970, 9999
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS = re.compile(r"\d+(\.0*)?")


def find(row: Any, path: str) -> Any:
    """What lies at a dotted path; None where something on the way is missing, null or an empty text."""
    found = row
    for name in path.split(".") if "." in path else (path,):
        found = found.get(name) if isinstance(found, dict) else None  # what JSON and CSV give; asked for every value
    return None if found == "" else found


def mapping(row: Any, path: str) -> Mapping[str, Any]:
    """An object, or a text that holds one; an empty one where there is none."""
    found = find(row, path) if path else row
    if isinstance(found, str):
        try:
            found = json.loads(found, parse_float=Decimal)
        except (ValueError, RecursionError):
            raise WrongValue(path, "an object is expected") from None
    if found is None and path:
        return {}
    if not isinstance(found, Mapping):
        raise WrongValue(path, "an object is expected")
    return found


def count(row: Any, path: str, default: int | None = None) -> int:
    """A whole number, as a number or in digits. Without a default, a missing one is an error."""
    value = find(row, path)
    if value is None:
        if default is None:
            raise WrongValue(path, "missing; a whole number is expected")
        return default
    return count_of(value, path)


def count_of(value: Any, path: str) -> int:
    """`12`, `"12"` and `12.0`, which spreadsheets make of it. Raises WrongValue."""
    number = -1
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        number = int(value.partition(".")[0]) if len(value) <= 40 else COUNT_MAX + 1
    elif isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, Decimal | float) and isfinite(value) and value == int(value):
        number = int(value)
    if not 0 <= number <= COUNT_MAX:
        raise WrongValue(path, f"{_shown(value)}: a whole number from 0 to {COUNT_MAX} is expected")
    return number


def text(row: Any, *paths: str) -> str:
    """The first of these paths that holds something, as text that any file and any terminal can take; else ""."""
    for path in paths:
        value = find(row, path)
        if value is not None:
            return _printable(value, path)
    return ""


def needed_text(row: Any, path: str) -> str:
    """Raises WrongValue where there is none."""
    if not (found := text(row, path)):
        raise WrongValue(path, "missing; a text is expected")
    return found


def _printable(value: Any, path: str) -> str:
    written = str(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value
    if not isinstance(written, str) or not written.isprintable() or len(written) > TEXT_CHARS_MAX:
        raise WrongValue(path, f"{_shown(value)}: a text of at most {TEXT_CHARS_MAX} printable characters is expected")
    return written


def time(row: Any, path: str, *, zone: tzinfo | None = None) -> datetime:
    """ISO 8601, in UTC. A time without a zone is read in `zone`; without one of those it is an error."""
    value = find(row, path)
    if value is None:
        raise WrongValue(path, "missing; a time is expected")
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise WrongValue(path, f"{_shown(value)} is no time (ISO 8601)") from None
    return utc_time(found, path, zone=zone)


def time_or_none(row: Any, path: str, *, zone: tzinfo | None = None) -> datetime | None:
    """The same, where it may be missing."""
    return None if find(row, path) is None else time(row, path, zone=zone)


def utc_time(found: datetime, path: str, *, zone: tzinfo | None) -> datetime:
    """Raises WrongValue for a time of no zone, and for the ends of the calendar, which no other zone can express."""
    if not YEAR_MIN < found.year < YEAR_MAX:
        raise WrongValue(path, f"nothing was used in {found.year}")
    if found.tzinfo is None:
        if zone is None:
            raise WrongValue(path, f"{found.isoformat()} has no time zone")
        found = found.replace(tzinfo=zone)
    return found.astimezone(UTC)


def unix_time(row: Any, path: str, *, per_second: int = 1) -> datetime:
    """Seconds since 1970, or parts of them. Exact to the microsecond."""
    value = find(row, path)
    if value is None:
        raise WrongValue(path, "missing; a time is expected")
    if not isinstance(value, str | int) or isinstance(value, bool) or not re.fullmatch(r"\d{1,20}", str(value)):
        raise WrongValue(path, f"{_shown(value)} is no time since 1970")
    try:
        found = _EPOCH + timedelta(microseconds=int(value) * 1_000_000 // per_second)
    except OverflowError:
        raise WrongValue(path, f"{_shown(value)} is no time since 1970") from None
    return utc_time(found, path, zone=UTC)


def usd(row: Any, path: str, *, per_usd: int = 1) -> int | None:
    """An amount as nano-USD, to the nearest: gateways write binary fractions with more digits than money has.

    `per_usd` 100: the amount is in cents. None where there is none.
    """
    value = find(row, path)
    return None if value is None else nano_usd(value, path, per_usd=per_usd)


def nano_usd(value: Any, path: str, *, per_usd: int = 1) -> int:
    """Rounded half up. Raises WrongValue."""
    try:
        amount = Decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or abs(amount) > USD_MAX * per_usd:
        raise WrongValue(path, f"{_shown(value)} is no amount of money")
    numerator, denominator = amount.as_integer_ratio()
    return (2 * numerator * NANO + denominator * per_usd) // (2 * denominator * per_usd)


def number(row: Any, path: str) -> float | None:
    """A measure that is 0 or more, such as milliseconds."""
    value = find(row, path)
    if value is None:
        return None
    try:
        found = float(value) if not isinstance(value, bool) else -1.0
    except (TypeError, ValueError, OverflowError):
        found = -1.0
    if not (isfinite(found) and found >= 0):
        raise WrongValue(path, f"{_shown(value)}: a number from 0 is expected")
    return found


def milliseconds(start: datetime | None, end: datetime | None, path: str) -> float | None:
    """From one moment to a later one."""
    if start is None or end is None:
        return None
    if end < start:
        raise WrongValue(path, f"{end.isoformat()} is before its start, {start.isoformat()}")
    return (end - start) / timedelta(milliseconds=1)


def listed(row: Any, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The objects of a list, each with its place; no list is an empty one. Raises WrongValue for anything else."""
    found = find(row, path)
    if found is None:
        return
    if not isinstance(found, list):
        raise WrongValue(path, "a list is expected")
    for index, item in enumerate(found):
        place = f"{path}[{index}]"
        if not isinstance(item, Mapping):
            raise WrongValue(place, "an object is expected")
        yield place, item


def first_text(values: Any) -> str:
    """Of a list of labels, or of a text that holds one."""
    if isinstance(values, str):
        try:
            values = json.loads(values)
        except (ValueError, RecursionError):
            return ""
    found: Iterable[Any] = values if isinstance(values, list) else ()
    return next((item for item in found if isinstance(item, str) and item and item.isprintable()), "")[:TEXT_CHARS_MAX]


def level_of(name: str) -> str:
    """A provider's service tier in our words; one that we have no word for keeps its name, and so has no public price."""
    plain = name.lower()
    return "standard" if plain in ("", "default", "auto", "on_demand", "on-demand", "standard_only") else plain


def _shown(value: Any) -> str:
    return repr(value)[:60]
