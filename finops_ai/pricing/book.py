"""Where a price is found: the policy's own first, then the public price book; never a guess, never a silent zero.

Belongs here: reading price books. Does not: arithmetic on a price (`price`), which model (`routing`), who pays (`ledger`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, time
from decimal import Decimal
from importlib.metadata import version as version_of
from typing import TYPE_CHECKING, Any, Literal

from finops_ai.pricing.money import NANO, to_nano_usd
from finops_ai.pricing.price import ContextTier, Price, Rates

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice

Level = Literal["standard", "flex", "batch", "priority"]

_CONTEXTS: Mapping[Level, Mapping[str, str]] = {  # what the public book calls each level
    "standard": {},
    "flex": {"service_tier": "flex"},
    "batch": {"processing": "batch"},
    "priority": {"service_tier": "priority"},
}
_OUR_UNITS = ("input_mtok", "cache_read_mtok", "cache_write_mtok", "output_mtok")
_UNITS_NOT_ASKED_FOR = frozenset(  # charged for what a call of text without tools never has
    f"{unit}_mtok"
    for unit in (
        "cache_write_1h", "input_audio", "output_audio", "cache_audio_read", "input_image", "output_image",
        "cache_image_read", "input_video", "output_video",
    )
) | {"web_searches_kcount", "storage_searches_kcount", "audio_hours", "input_audio_hours"}  # fmt: skip
_SEPARATORS = "-@:._/"
_REVISION = (  # what may follow a model's name and leave it the same model: a date, a revision, a stage
    r"(\d{8}|\d{4}-\d{2}-\d{2}|\d{2}-\d{2}(\d{2})?|\d{3,4}|v\d+(:\d+|(?=@))|(?<=:)\d+"
    r"|latest|preview|exp|nightly|thinking)"
)
_SAME_MODEL = re.compile(rf"{_REVISION}?([-@:._]{_REVISION})*")
_FINE_TUNED = re.compile(r"[\d-]*(:.*)?")
_COMPACT_DATE = re.compile(r"-(20\d{2})(\d{2})(\d{2})(?=-|:|$)")


def own_price(
    *,
    input_usd_per_mtok: Decimal,
    cached_input_usd_per_mtok: Decimal | None,
    output_usd_per_mtok: Decimal,
    version: str,
    cache_write_usd_per_mtok: Decimal | None = None,
    above: Sequence[ContextTier] = (),
    level: Level = "standard",
) -> Price:
    """A price written in the policy: a contract, a self-hosted model (0 is allowed), a correction.

    No price for reading from a cache: no discount. No price for writing to one: the input's.
    """
    rates = own_rates(
        input_usd_per_mtok=input_usd_per_mtok,
        cached_input_usd_per_mtok=cached_input_usd_per_mtok,
        cache_write_usd_per_mtok=cache_write_usd_per_mtok,
        output_usd_per_mtok=output_usd_per_mtok,
    )
    return Price(**asdict(rates), above=tuple(above), source="policy", version=version, level=level)


def own_rates(
    *,
    input_usd_per_mtok: Decimal,
    cached_input_usd_per_mtok: Decimal | None,
    cache_write_usd_per_mtok: Decimal | None,
    output_usd_per_mtok: Decimal,
) -> Rates:
    """The rates of `own_price`, alone. Raises ValueError for a rate finer than one nano-USD."""
    cached = input_usd_per_mtok if cached_input_usd_per_mtok is None else cached_input_usd_per_mtok
    return Rates(
        input_nano_usd=to_nano_usd(input_usd_per_mtok),
        cached_input_nano_usd=to_nano_usd(cached),
        cache_write_input_nano_usd=None if cache_write_usd_per_mtok is None else to_nano_usd(cache_write_usd_per_mtok),
        output_nano_usd=to_nano_usd(output_usd_per_mtok),
    )


def public_price(model: str, *, on: date, level: Level = "standard", provider: str | None = None) -> Price | None:
    """The price of `genai-prices` for a model on a day (UTC), with all its context tiers. None: unpriced.

    `provider` is a provider's name in the book or the address of an endpoint. The same model may cost more at another
    provider, and some names are known at one provider only. A name that the book does not know: None. An address that it
    does not know may be a gateway before any provider: the model's name decides alone.

    None also where the book would have to guess or to leave something out:
    - a name that the book matches by its beginning, and that goes on with more than a date, number or `latest`;
    - a level without a price of its own on that day (the book itself would give the standard price);
    - no input price, or input and output at 0: not known, not free. A model without an output price (embeddings) is priced;
    - a fee that tokens cannot carry: per request, per character, per page, or another price for reasoning.

    Prices that change with the time of day: the dearest of the day, rate by rate. Writes to a cache cost the five-minute
    price. A batch price that names no cached rate keeps the standard one: no discount is assumed.
    """
    found = _find(model, provider)
    if found is None:
        return None
    entry, at_its_own_provider = found
    context, moments = _CONTEXTS[level], _moments(entry, on)
    if context and not (at_its_own_provider and all(_knows(entry, at, context) for at in moments)):
        return None
    windows = [entry.get_prices(at, context) for at in moments]
    if not all(_is_whole(prices) for prices in windows):
        return None
    starts = sorted({start for prices in windows for start in _tier_starts(prices)})
    return Price(
        **asdict(_dearest(windows, 0)),
        above=tuple(ContextTier(**asdict(_dearest(windows, start + 1)), above_input_tokens=start) for start in starts),
        source="genai-prices",
        version=version_of("genai-prices"),
        level=level,
    )


def _find(model: str, provider: str | None) -> "tuple[ModelInfo, bool] | None":
    """The book's entry, and whether it is the provider's own: only such an entry's levels are that provider's."""
    from genai_prices.data_snapshot import get_snapshot

    book = get_snapshot()
    address = provider if provider and "://" in provider else None
    try:
        owner, entry = book.find_provider_model(
            model, None, None if address else provider, address if address and _is_known(address) else None
        )
    except LookupError:
        return None
    return (entry, any(entry is own for own in owner.models)) if _names(entry, model.lower()) else None


def _is_known(address: str) -> bool:
    from genai_prices.data_snapshot import get_snapshot

    try:
        get_snapshot().find_provider(None, None, address)
    except LookupError:
        return False
    return True


def _names(entry: "ModelInfo", name: str) -> bool:
    """Does this name stand for this model, and not for a relative whose name begins alike?"""
    return name == entry.id.lower() or _matches(entry.match, name)


def _matches(clause: Any, name: str) -> bool:
    """The book's clause, except that around a part of a name there may only be a path and a version."""
    from genai_prices import types

    match clause:
        case types.ClauseOr():
            return any(_matches(part, name) for part in clause.or_)
        case types.ClauseAnd():
            return all(_matches(part, name) for part in clause.and_)
        case types.ClauseEquals():
            return clause.equals.lower() in (name, _COMPACT_DATE.sub(r"-\1-\2-\3", name))
        case types.ClauseRegex():
            found = re.search(clause.regex, name)
            return found is not None and (found.end() == 0 or _same_model_after(name, found.end()))
        case types.ClauseStartsWith():
            return name.startswith(clause.starts_with.lower()) and _same_model_after(name, len(clause.starts_with))
        case types.ClauseContains():
            before, part, _ = name.partition(clause.contains.lower())
            return bool(part) and _is_path(before) and _same_model_after(name, len(before + part))
        case types.ClauseEndsWith():
            return name.endswith(clause.ends_with.lower()) and _is_path(name.removesuffix(clause.ends_with.lower()))
    return False


def _is_path(before: str) -> bool:
    return not before or before[-1] in _SEPARATORS.replace("-", "")


def _same_model_after(name: str, end: int) -> bool:
    """Is what follows a date or a revision? A part that ends inside a number (`4-1` of `4-10`) is read from its start."""
    if name.startswith("ft:"):
        return _FINE_TUNED.fullmatch(name, end) is not None
    if end < len(name) and name[end] not in _SEPARATORS:
        while end and name[end - 1] not in _SEPARATORS:
            end -= 1
    return _SAME_MODEL.fullmatch(name, end) is not None


def _moments(entry: "ModelInfo", on: date) -> list[datetime]:
    """A moment in each part of the day that may have a price of its own."""
    from genai_prices.types import TimeOfDateConstraint

    prices = entry.prices if isinstance(entry.prices, list) else []
    constraints = [listed.constraint for listed in (*prices, *(entry.price_variants or ()))]
    times = {time(0, tzinfo=UTC)}
    for constraint in constraints:
        if isinstance(constraint, TimeOfDateConstraint):
            times |= {constraint.start_time, constraint.end_time}
    return [datetime.combine(on, at if at.tzinfo else at.replace(tzinfo=UTC)) for at in sorted(times)]


def _knows(entry: "ModelInfo", at: datetime, context: Mapping[str, str]) -> bool:
    """Does the book state this level? An entry without rates is a statement too: it costs what the standard costs."""
    return any(
        variant.when == context and (variant.constraint is None or variant.constraint.active(at))
        for variant in entry.price_variants or ()
    )


def _is_whole(prices: "ModelPrice") -> bool:
    """Can tokens alone carry this price, and is it one?"""
    units = {unit for unit, rate in vars(prices).items() if rate is not None} - _UNITS_NOT_ASKED_FOR
    if "input_mtok" not in units or not units <= set(_OUR_UNITS):
        return False
    rates = _rates(prices, 0)
    return (rates.input_nano_usd, rates.output_nano_usd) != (0, 0)


def _tier_starts(prices: "ModelPrice") -> set[int]:
    from genai_prices.types import TieredPrices

    tiered = [rate for rate in (getattr(prices, unit) for unit in _OUR_UNITS) if isinstance(rate, TieredPrices)]
    return {tier.start for rate in tiered for tier in rate.tiers}


def _dearest(windows: Iterable["ModelPrice"], input_tokens: int) -> Rates:
    """Rate by rate the dearest of the day, for a call with this whole input."""
    day = [asdict(_rates(prices, input_tokens)) for prices in windows]
    return Rates(**{rate: max(rates[rate] for rates in day) for rate in day[0]})


def _rates(prices: "ModelPrice", input_tokens: int) -> Rates:
    given, cached, written, output = (_nano_usd(getattr(prices, unit), input_tokens) for unit in _OUR_UNITS)
    whole = given or 0
    return Rates(
        input_nano_usd=whole,
        cached_input_nano_usd=whole if cached is None else cached,
        cache_write_input_nano_usd=whole if written is None else written,
        output_nano_usd=output or 0,
    )


def _nano_usd(rate: Any, input_tokens: int) -> int | None:
    """Nano-USD per million tokens, to the nearest: the book holds a few rates with the noise of binary fractions."""
    from genai_prices.types import TieredPrices

    if isinstance(rate, TieredPrices):
        reached = [tier.price for tier in rate.tiers if input_tokens > tier.start]
        rate = reached[-1] if reached else rate.base
    return None if rate is None else int((rate * NANO).to_integral_value())
