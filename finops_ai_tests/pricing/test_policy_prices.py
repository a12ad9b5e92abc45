"""Prices written in the policy: context tiers, levels, and what is assumed where nothing is written."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from finops_ai.policy import Tier, TokenBounds, price_of
from finops_ai.pricing import Level, Price, Usage

DAY = date(2026, 11, 20)
BOUNDS = TokenBounds(input_tokens_max=6_000, output_tokens_max=1_200)
LONG = {"input_tokens": 200_000, "input_usd_per_mtok": 6, "output_usd_per_mtok": 22.5}
STANDARD = {
    "input_usd_per_mtok": 3,
    "cached_input_usd_per_mtok": 0.3,
    "cache_write_usd_per_mtok": 3.75,
    "output_usd_per_mtok": 15,
}
BATCH = {"input_usd_per_mtok": 1.5, "output_usd_per_mtok": 7.5}


def found(level: Level = "standard", **price: Any) -> Price | None:
    tier = Tier.model_validate({"engine": "openai", "model": "our-model", "price": STANDARD | price})
    return price_of(tier, on=DAY, policy_sha256="e" * 64, level=level)


def test_an_own_price_has_writes_and_tiers_like_any_other() -> None:
    price = found(above=[LONG])
    assert price is not None
    short = Usage(input_tokens=200_000, cached_input_tokens=0, cache_write_input_tokens=200_000, output_tokens=0)
    long = Usage(input_tokens=200_001, cached_input_tokens=200_001, output_tokens=0)
    assert sum(price.cost_nano_usd(short).values()) == 750_000_000
    assert sum(price.cost_nano_usd(long).values()) == 200_001 * 6_000  # no cached price in this tier: no discount


@pytest.mark.parametrize(
    ("level", "input_nano_usd", "priced_as"),
    [("standard", 3 * 10**9, "standard"), ("batch", 15 * 10**8, "batch"), ("flex", 3 * 10**9, "standard")],
)
def test_a_level_that_the_policy_does_not_name_has_no_discount(
    level: Level, input_nano_usd: int, priced_as: str
) -> None:
    price = found(level, levels={"batch": BATCH})
    assert price is not None
    assert (price.input_nano_usd, price.level) == (input_nano_usd, priced_as)


def test_priority_costs_more_and_is_unpriced_where_the_policy_does_not_name_it() -> None:
    assert found("priority") is None
    assert found("priority", levels={"priority": {"input_usd_per_mtok": 6, "output_usd_per_mtok": 30}}) is not None


def test_a_self_hosted_model_may_be_free() -> None:
    price = found(input_usd_per_mtok=0, cached_input_usd_per_mtok=0, cache_write_usd_per_mtok=0, output_usd_per_mtok=0)
    assert price is not None
    assert price.worst_case_nano_usd(input_tokens_max=10**6, output_tokens_max=10**6) == 0


@pytest.mark.parametrize(
    ("price", "why"),
    [
        ({"above": [LONG, LONG]}, "ascend"),
        ({"above": [LONG, LONG | {"input_tokens": 100}]}, "ascend"),
        ({"above": [LONG], "levels": {"batch": BATCH}}, "say `above` too"),
        ({"levels": {"batch": BATCH | {"above": [LONG, LONG]}}}, "ascend"),
        ({"levels": {"overnight": BATCH}}, "overnight"),
        ({"above": [{"input_tokens": 200_000}]}, "input_usd_per_mtok"),
        ({"cache_write_usd_per_mtok": -1}, "greater than or equal"),
    ],
)
def test_a_price_that_leaves_something_open_is_refused(price: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        found(**price)


def test_a_level_says_so_where_it_has_no_tiers() -> None:
    assert found("batch", above=[LONG], levels={"batch": BATCH | {"above": []}}) is not None


def test_the_endpoint_says_whose_price_it_is() -> None:
    """The same name costs something else elsewhere, or is not sold there at all."""
    groq = Tier.model_validate({"engine": "openai", "model": "gpt-4o", "base_url": "https://api.groq.com/openai/v1"})
    assert price_of(groq, on=DAY, policy_sha256="e" * 64) is None
