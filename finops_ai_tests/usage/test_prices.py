"""What an event costs where its log does not say: declared, by the book, or honestly unpriced."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from finops_ai.usage import Options, UsageError, UsageEvent, declared_price, prices
from finops_ai.usage.prices import settled

RATES = {
    "input_usd_per_mtok": Decimal(3),
    "cached_input_usd_per_mtok": Decimal("0.3"),
    "output_usd_per_mtok": Decimal(15),
}


def event(**changes: Any) -> UsageEvent:
    stated: dict[str, Any] = {
        "event_id": "x:1", "source": "x", "started_at": datetime(2025, 11, 3, 10, tzinfo=UTC), "provider": "openai",
        "model": "gpt-4o-2024-08-06", "input_tokens": 1000, "cached_input_tokens": 400, "output_tokens": 100,
    }  # fmt: skip
    return UsageEvent(**(stated | changes))


def test_rates_of_ones_own_are_exact() -> None:
    found = settled(event(), Options(price=declared_price(RATES)))
    assert found.cost_nano_usd == 600 * 3_000 + 400 * 300 + 100 * 15_000
    assert found.price_basis == "declared"
    assert "input 3, cached_input 0.3, output 15 USD per Mtok" in found.price_version


def test_the_book_prices_a_dated_model_with_its_cached_part() -> None:
    """gpt-4o-2024-08-06: 2.50 / 1.25 / 10.00 USD per million tokens (OpenAI's price page)."""
    found = settled(event(), Options())
    assert found.cost_nano_usd == 600 * 2_500 + 400 * 1_250 + 100 * 10_000
    assert (found.price_basis, found.price_version.split()[0]) == ("book", "genai-prices")


def test_a_declared_model_stands_for_whatever_was_used() -> None:
    found = settled(event(model="", provider="azure"), Options(price_as="gpt-4o-2024-08-06"))
    assert (found.cost_nano_usd, found.price_basis) == (settled(event(), Options()).cost_nano_usd, "declared")
    assert found.price_version.startswith("as gpt-4o-2024-08-06, genai-prices ")


def test_a_cost_that_the_log_gives_is_kept() -> None:
    reported = event(cost_nano_usd=0, price_basis="reported")
    assert settled(reported, Options(price=declared_price(RATES))) == reported


def test_the_workload_that_was_asked_for_holds_for_every_event() -> None:
    assert settled(event(workload="of the log"), Options(workload="asked")).workload == "asked"


@pytest.mark.parametrize(
    "changes",
    [
        {"model": ""},
        {"model": "nobody-knows-it"},
        {"provider": "nobody-knows-it"},
        {"level": "scale"},
        {"input_tokens": 0, "cached_input_tokens": 0, "output_tokens": 0},
        {"record": "cost"},
    ],
)
def test_what_has_no_price_stays_unpriced_and_is_not_free(changes: dict[str, Any]) -> None:
    found = settled(event(**changes), Options())
    assert (found.cost_nano_usd, found.price_basis) == (None, "none")


def test_a_sum_over_calls_is_not_priced_by_the_length_of_the_sum() -> None:
    """Fifty calls of 10,000 tokens pay the price of short calls, and the sum alone does not tell."""
    long = {"model": "gemini-2.5-pro", "provider": "google", "input_tokens": 500_000}
    one, many = settled(event(**long), Options()), settled(event(**long, requests=50), Options())
    assert one.cost_nano_usd is not None
    assert many.cost_nano_usd is None
    few = settled(event(model="gemini-2.5-pro", provider="google", requests=5), Options())
    assert few.cost_nano_usd is not None  # the whole sum lies below the first tier


def test_a_price_is_looked_up_once_for_each_model_day_and_level() -> None:
    """The book takes a millisecond and more to ask, and a log has many rows."""
    prices._book_price.cache_clear()
    for second in range(50):
        settled(event(started_at=datetime(2025, 11, 3, 10, 0, second, tzinfo=UTC)), Options())
    settled(event(level="batch"), Options())
    assert prices._book_price.cache_info().misses == 2


def test_two_prices_at_once_are_refused() -> None:
    with pytest.raises(UsageError, match="not both"):
        Options(price_as="gpt-4o", price=declared_price(RATES))


def test_a_rate_finer_than_a_nano_usd_is_refused() -> None:
    with pytest.raises(UsageError, match="finer"):
        declared_price(RATES | {"input_usd_per_mtok": Decimal("0.0000000001")})
