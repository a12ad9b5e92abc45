"""What an event cost, where its log does not say: at declared rates, as a declared model, or by the public price book.

Belongs here: which of them applies, and the cache of look-ups. Does not: price books (the package `pricing`).

An event is left unpriced where nothing would be but a guess: no price for the model on that day at that service level, no
tokens counted, or a sum over many calls whose price depends on the length of each.
"""

from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import Any, get_args

from finops_ai.pricing import Level, Price, Usage, public_price
from finops_ai.store import today
from finops_ai.usage.model import PriceBasis, UsageEvent
from finops_ai.usage.reading import Options, UsageError

_LEVELS = get_args(Level)
_BOOK_NAMES = {  # where a log calls a provider what the book takes for another, or does not know
    "azure_openai": "azure",
    "azure.ai.openai": "azure",
    "azure_ai": "azure",
    "azure.ai.inference": "azure",
    "x_ai": "x-ai",
}


def check_declared(options: Options) -> None:
    """Raises UsageError for a model that the public book does not know: all of a log would stay unpriced for a typing slip."""
    if options.price_as and public_price(options.price_as, on=today()) is None:
        reason = f"the public price book has no price for {options.price_as!r}; give rates of your own"
        raise UsageError([{"field": "price_as", "reason": reason}])


def settled(event: UsageEvent, options: Options) -> UsageEvent:
    """The event as it is kept: with the workload that was asked for, and a cost where there is one."""
    changes: dict[str, Any] = {"workload": options.workload} if options.workload else {}
    if event.record == "usage" and event.cost_nano_usd is None:
        changes |= _cost(event, options)
    return replace(event, **changes) if changes else event


def _cost(event: UsageEvent, options: Options) -> dict[str, Any]:
    if not event.input_tokens + event.output_tokens:
        return {}
    price, basis = _price(event, options)
    if price is None or not _holds_for(price, event):
        return {}
    usage = Usage(
        input_tokens=event.input_tokens,
        cached_input_tokens=event.cached_input_tokens,
        cache_write_input_tokens=event.cache_write_input_tokens,
        output_tokens=event.output_tokens,
    )
    version = f"{price.source} {price.version}"
    return {
        "cost_nano_usd": sum(price.cost_nano_usd(usage).values()),
        "price_basis": basis,
        "price_version": f"as {options.price_as}, {version}" if options.price_as else version,
    }


def _price(event: UsageEvent, options: Options) -> tuple[Price | None, PriceBasis]:
    if options.price:
        return options.price, "declared"
    if options.price_as:
        return _book_price(options.price_as, None, event.day, event.level), "declared"
    provider = event.provider.lower()
    return _book_price(event.model, _BOOK_NAMES.get(provider, provider) or None, event.day, event.level), "book"


def _holds_for(price: Price, event: UsageEvent) -> bool:
    """The tier of a sum over many calls is that of each of them only where the sum itself lies below the first."""
    return event.requests == 1 or not price.above or event.input_tokens <= price.above[0].above_input_tokens


@lru_cache(maxsize=65_536)
def _book_price(model: str, provider: str | None, on: date, level: str) -> Price | None:
    """The book takes a millisecond and more to ask; a log asks it the same for every row."""
    known: Level | None = next((name for name in _LEVELS if name == level), None)
    return public_price(model, on=on, level=known, provider=provider) if model and known else None
