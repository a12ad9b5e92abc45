"""The numbers and dates of a sentence in one normal form: what must agree before two statements agree.

Belongs here: finding them, their units, their normal form. Does not: comparing sentences (`objections`, `contradiction`).
English above all; months also in German, French, Spanish and Italian. What is no number: "GPT-4", "1.2.3", "Table 3".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Literal

Kind = Literal["number", "date"]
Bound = Literal["exact", "about", "above", "below"]  # "about 50", "more than 50", "up to 50"


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One number or date. Two of equal kind, normal form and unit say the same, however they are written."""

    kind: Kind
    normal: str  # "5000000", "-0.5"; "2021-03-03", "2021-03", "2021", "--03-03", "2021-Q3", "1990s"
    unit: str  # "%", "USD", "s", "B", …; "" for a bare number and for every date
    text: str  # as it is written
    start: int  # code points into the sentence
    end: int
    bound: Bound = "exact"

    def __str__(self) -> str:
        return f"{self.normal} {self.unit}".strip()


@lru_cache(maxsize=20_000)  # claims, quarrels and objections ask for the same sentences
def values_in(sentence: str) -> tuple[Value, ...]:
    """In reading order, dates before the numbers inside them."""
    dates = list(_dates(sentence))
    taken = [(date.start, date.end) for date in dates]
    numbers = [
        number
        for number in (*_numerals(sentence), *_number_words(sentence))
        if not any(start < number.end and number.start < end for start, end in taken)
    ]
    return tuple(sorted([*dates, *numbers], key=lambda value: value.start))


def agrees(one: Value, other: Value) -> bool:
    """Whether both may be true of one thing: equal, less precise ("2021" and "March 2021"), or one of them rounded."""
    return holds(one, other) or holds(other, one)


def holds(given: Value, stated: Value) -> bool:
    """Whether what is given bears out what is stated: equal, or a number that is stated less precisely, never more.

    A date may be given less precisely, too: the day is often named once, and the year where the text begins.
    """
    if not units_fit(given, stated):
        return False
    if given.normal == stated.normal:
        return True  # of whatever kind: "1000" alone reads as a year, "1,000" does not
    if given.kind != stated.kind:
        return False
    if given.kind == "date":
        return _is_part(stated.normal, given.normal) or _is_part(given.normal, stated.normal)
    return given.bound == "exact" and _lies_within(Decimal(given.normal), Decimal(stated.normal), stated.bound)


def units_fit(one: Value, other: Value) -> bool:
    """Equal, or one of them left out: a table's head or the sentence before may hold it."""
    return one.unit == other.unit or not one.unit or not other.unit


# --- dates ------------------------------------------------------------------------------------------------------------

_MONTHS = (
    "january|january|jan|januar|jänner|janvier|enero|gennaio",
    "february|february|feb|februar|février|febrero|febbraio",
    "march|mar|märz|mars|marzo",
    "april|apr|avril|abril|aprile",
    "may|mai|mayo|maggio",
    "june|jun|juni|juin|junio|giugno",
    "july|jul|juli|juillet|julio|luglio",
    "august|aug|août|agosto",
    "september|sept|sep|septembre|septiembre|settembre",
    "october|oct|oktober|octobre|octubre|ottobre",
    "november|nov|novembre|noviembre",
    "december|dec|dezember|décembre|diciembre|dicembre",
)
_MONTH_NUMBER = {name: f"{n:02}" for n, names in enumerate(_MONTHS, start=1) for name in names.split("|")}
_WEEKDAYS = "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"
_MONTH = "(?P<month>" + "|".join(sorted(_MONTH_NUMBER, key=len, reverse=True)) + r")\b\.?"
_DAY = r"(?P<day>[12]\d|3[01]|0?[1-9])(?:st|nd|rd|th|\.|º)?"
_YEAR = r"(?P<year>1\d{3}|20\d{2})"
_NOT_INSIDE = r"(?<![\w$€£¥.,/-])"
_DATE_FORMS = [
    re.compile(_NOT_INSIDE + form + r"(?![\w%])(?![.,/-]\d)", re.IGNORECASE)
    for form in (
        r"(?P<year>\d{4})-(?P<month_number>0[1-9]|1[0-2])-(?P<day>[12]\d|3[01]|0[1-9])",
        rf"{_MONTH}\s+{_DAY}(?:,\s*|\s+){_YEAR}",
        rf"{_DAY}\s+(?:of\s+|de\s+)?{_MONTH}(?:,\s*|\s+(?:de\s+|del\s+)?){_YEAR}",
        rf"{_MONTH},?\s+(?:of\s+|de\s+)?{_YEAR}",
        rf"(?P<quarter>Q[1-4]|H[12])\s*(?:of\s+)?{_YEAR}",
        rf"{_MONTH}\s+{_DAY}",
        rf"{_DAY}\s+(?:of\s+|de\s+)?{_MONTH}",
        r"(?P<decade>(?:1\d|20)\d0)['’]?s",
        _YEAR,
    )
]
_BARE_MONTH = re.compile(
    rf"(?<![\w-])(?:{'|'.join(name.title() for name in _MONTH_NUMBER if len(name) > 3)}|May)(?!\w)"
)
_WEEKDAY = re.compile(rf"(?<!\w)(?:{_WEEKDAYS})(?!\w)")
# "2,021" and "$2021" are no years, nor is a four-digit number with a unit or a noun that is counted
_COUNTED = re.compile(
    r"\s*(?:%|percent|per cent|million|billion|thousand|[a-z]*(?:users|people|requests|tokens|bytes|items|units|points"
    r"|seconds|minutes|hours|days|pages|dollars|euros|times|copies|employees|votes|seats)\b)"
)


def _dates(sentence: str) -> Iterator[Value]:
    taken: list[tuple[int, int]] = []
    for form in _DATE_FORMS:
        for found in form.finditer(sentence):
            parts = found.groupdict()
            if any(start < found.end() and found.start() < end for start, end in taken):
                continue
            if set(parts) == {"year"} and _COUNTED.match(sentence, found.end()):
                continue
            taken.append(found.span())
            yield _value("date", _iso(parts), "", found)
    for pattern in (_BARE_MONTH, _WEEKDAY):
        for found in pattern.finditer(sentence):
            if not any(start < found.end() and found.start() < end for start, end in taken):
                month = _MONTH_NUMBER.get(found[0].lower())
                yield _value("date", f"--{month}" if month else found[0].lower(), "", found)


def _iso(parts: dict[str, str | None]) -> str:
    if decade := parts.get("decade"):
        return f"{decade}s"
    if quarter := parts.get("quarter"):
        return f"{parts['year']}-{quarter.upper()}"
    named = parts.get("month")
    month = _MONTH_NUMBER[named.lower()] if named else parts.get("month_number")
    day = parts.get("day")
    head = parts.get("year") or "-"
    return "-".join([head, *([month] if month else []), *([f"{int(day):02}"] if day else [])])


def _is_part(rough: str, exact: str) -> bool:
    """Such as "2021" of "2021-03", "--03-03" of "2021-03-03", "2021" of "2021-Q1"; "1990s" of "1994"."""
    if rough.endswith("0s"):
        return exact[:3] == rough[:3] and exact[:4].isdigit()
    if rough.startswith("--"):
        return exact[4:] == rough[1:] or exact.startswith(f"{rough}-") or exact[4:].startswith(f"{rough[1:]}-")
    return exact.startswith(f"{rough}-")


# --- numbers ----------------------------------------------------------------------------------------------------------

_MULTIPLIERS = {
    "hundred": 100,
    "thousand": 1_000,
    "million": 1_000_000,
    "millions": 1_000_000,
    "mn": 1_000_000,
    "billion": 1_000_000_000,
    "billions": 1_000_000_000,
    "bn": 1_000_000_000,
    "trillion": 1_000_000_000_000,
    "tn": 1_000_000_000_000,
    "k": 1_000,
}
_CURRENCIES = {"$": "USD", "us$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"}
# written unit -> (canonical unit, factor)
_UNITS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("%", "percent", "per cent", "prozent"), ("%", "1")),
    **dict.fromkeys(("percentage points", "percentage point", "points", "pp"), ("pp", "1")),
    **dict.fromkeys(("dollars", "dollar", "usd", "us dollars"), ("USD", "1")),
    **dict.fromkeys(("euros", "euro", "eur"), ("EUR", "1")),
    **dict.fromkeys(("pounds sterling", "gbp"), ("GBP", "1")),
    **dict.fromkeys(("cents", "cent"), ("USD", "0.01")),
    **dict.fromkeys(("microseconds", "microsecond", "µs", "us"), ("s", "0.000001")),
    **dict.fromkeys(("milliseconds", "millisecond", "ms"), ("s", "0.001")),
    **dict.fromkeys(("seconds", "second", "secs", "sec", "s"), ("s", "1")),
    **dict.fromkeys(("minutes", "minute", "mins", "min"), ("s", "60")),
    **dict.fromkeys(("hours", "hour", "hrs", "h"), ("s", "3600")),
    **dict.fromkeys(("days", "day"), ("day", "1")),
    **dict.fromkeys(("weeks", "week"), ("week", "1")),
    **dict.fromkeys(("months", "month"), ("month", "1")),
    **dict.fromkeys(("years", "year", "yrs"), ("year", "1")),
    **dict.fromkeys(("bytes", "byte"), ("B", "1")),
    **dict.fromkeys(("kb", "kilobytes", "kilobyte"), ("B", "1000")),
    **dict.fromkeys(("mb", "megabytes", "megabyte"), ("B", "1000000")),
    **dict.fromkeys(("gb", "gigabytes", "gigabyte"), ("B", "1000000000")),
    **dict.fromkeys(("tb", "terabytes", "terabyte"), ("B", "1000000000000")),
    **dict.fromkeys(("kib",), ("B", "1024")),
    **dict.fromkeys(("mib",), ("B", "1048576")),
    **dict.fromkeys(("gib",), ("B", "1073741824")),
    **dict.fromkeys(("kilometres", "kilometers", "kilometre", "kilometer", "km"), ("km", "1")),
    **dict.fromkeys(("metres", "meters", "metre", "meter"), ("km", "0.001")),
    **dict.fromkeys(("miles", "mile"), ("mile", "1")),
    **dict.fromkeys(("feet", "foot", "ft"), ("ft", "1")),
    **dict.fromkeys(("kilograms", "kilogram", "kg"), ("kg", "1")),
    **dict.fromkeys(("tonnes", "tonne"), ("kg", "1000")),
    **dict.fromkeys(("kwh",), ("kWh", "1")),
    **dict.fromkeys(("mwh",), ("kWh", "1000")),
    **dict.fromkeys(("gwh",), ("kWh", "1000000")),
    **dict.fromkeys(("tokens", "token"), ("token", "1")),
    **dict.fromkeys(("°c", "degrees celsius"), ("°C", "1")),
    **dict.fromkeys(("x", "×", "times", "fold"), ("x", "1")),
    **dict.fromkeys(("st", "nd", "rd", "th"), ("th", "1")),
}
_DIGITS = r"\d{1,3}(?:[,\u00a0\u202f’']\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?"
_NUMERAL = re.compile(
    rf"(?<![\w.,:/#])(?<![^\W\d_]-)(?P<currency>US\$|[$€£¥])?\s?(?P<sign>[-+−](?=[\d.]))?(?P<digits>{_DIGITS}|\.\d+)"
    rf"(?P<joined>(?:[kKmMbB]n?|st|nd|rd|th|x)(?![\w-]))?(?![.,:/]\d)(?![^\W\d_]*\d)"
    rf"(?:[\s\u00a0-]?(?P<multiplier>{'|'.join(_MULTIPLIERS)})\b)?"
    rf"(?:[\s\u00a0-]?(?P<unit>{'|'.join(sorted(map(re.escape, _UNITS), key=len, reverse=True))})(?![\w]))?",
    re.IGNORECASE,
)
_BOUND_WORDS: tuple[tuple[Bound, str], ...] = (
    ("about", r"\babout|\baround|\bapproximately|\broughly|\bsome|\bcirca|\bca\.?|\bmostly|[~≈]"),
    ("above", r"\bover|\bmore than|\bat least|\babove|[>≥]"),
    ("below", r"\bnearly|\balmost|\bless than|\bunder|\bup to|\bas many as|\bas much as|\bbelow|\bclose to|[<≤]"),
)
_BOUNDS = {bound: re.compile(rf"(?:{words})\s*\Z", re.IGNORECASE) for bound, words in _BOUND_WORDS}
ROUNDED_SHARE_MAX = Decimal("0.1")  # how far a round number may lie from the exact one


def _numerals(sentence: str) -> Iterator[Value]:
    for found in _NUMERAL.finditer(sentence):
        number = _decimal(found["digits"])
        if number is None or sentence[found.end() : found.end() + 1].isalpha():
            continue
        joined = (found["joined"] or "").lower()
        factor = {"k": 1_000, "m": 1_000_000, "b": 1_000_000_000}.get(joined[:1], 1)
        factor *= _MULTIPLIERS.get((found["multiplier"] or "").lower(), 1)
        unit, scale = _UNITS.get((found["unit"] or joined).lower(), ("", "1"))
        currency = _CURRENCIES.get((found["currency"] or "").lower(), "")
        number = number * factor * (Decimal(scale) if not currency else 1)
        if found["sign"] in {"-", "−"}:
            number = -number
        yield _value("number", _plain(number), currency or unit, found, bound=_bound(sentence, found))


_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve"
    " thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_WORD_VALUE = {word: n for n, word in enumerate(_ONES.split())} | {
    word: 10 * n for n, word in enumerate(_TENS.split(), start=2)
}
_WORD_VALUE["dozen"] = 12
_ANY_WORD = "|".join(sorted([*_WORD_VALUE, *(m for m in _MULTIPLIERS if len(m) > 2)], key=len, reverse=True))
_NUMBER_WORDS = re.compile(
    rf"(?<![\w.-])(?:{_ANY_WORD})(?:(?:\s+and\s+|[\s-])(?:{_ANY_WORD}))*(?![\w-])"
    rf"(?:[\s-](?P<unit>{'|'.join(sorted((re.escape(u) for u in _UNITS if len(u) > 3), key=len, reverse=True))})(?!\w))?",
    re.IGNORECASE,
)


def _number_words(sentence: str) -> Iterator[Value]:
    for found in _NUMBER_WORDS.finditer(sentence):
        unit, scale = _UNITS.get((found["unit"] or "").lower(), ("", "1"))
        words = re.split(r"[\s-]+", found[0].lower())
        count = _count([word for word in words if word in _WORD_VALUE or word in _MULTIPLIERS])
        if count is None or sentence[max(found.start() - 2, 0) : found.start()].strip()[-1:].isdigit():
            continue  # "5 million" was read as a numeral
        yield _value("number", _plain(count * Decimal(scale)), unit, found, bound=_bound(sentence, found))


def _count(words: list[str]) -> Decimal | None:
    """From "two hundred and five thousand" to 205000. None for a word that counts nothing by itself: "one", "millions"."""
    if words in (["one"], ["zero"]) or all(word in _MULTIPLIERS for word in words):
        return None
    total = group = 0
    for word in words:
        if word == "hundred":
            group = max(group, 1) * 100
        elif word in _MULTIPLIERS:
            total, group = total + max(group, 1) * _MULTIPLIERS[word], 0
        else:
            group += _WORD_VALUE[word]
    return Decimal(total + group)


def _decimal(digits: str) -> Decimal | None:
    """So that "1,234.5" is 1234.5 and "1,5" is 1.5: three digits after each comma make it a thousands separator."""
    plain = re.sub("[\u00a0\u202f’']", "", digits)
    head, comma, tail = plain.partition(",")
    if comma and not (1 <= len(head) <= 3 and all(len(group.partition(".")[0]) == 3 for group in tail.split(","))):
        plain = f"{head}.{tail}"
    try:
        return Decimal(plain.replace(",", ""))
    except InvalidOperation:
        return None


def _plain(number: Decimal) -> str:
    return format(number.normalize(), "f")


def _bound(sentence: str, found: re.Match[str]) -> Bound:
    before = sentence[: found.start()][-20:]
    return next((bound for bound, words in _BOUNDS.items() if words.search(before)), "exact")


def _lies_within(exact: Decimal, stated: Decimal, bound: Bound) -> bool:
    """Near enough for the round number, and on the side that its wording claims."""
    near = abs(exact - stated) <= ROUNDED_SHARE_MAX * max(abs(exact), abs(stated))
    side = {"exact": False, "about": True, "above": exact >= stated, "below": exact <= stated}
    return near and side[bound]


def _value(kind: Kind, normal: str, unit: str, found: re.Match[str], *, bound: Bound = "exact") -> Value:
    text = found[0]
    start = found.start() + len(text) - len(text.lstrip())
    return Value(kind=kind, normal=normal, unit=unit, text=text.strip(), start=start, end=found.end(), bound=bound)
