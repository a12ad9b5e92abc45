"""What tokens cost at a known price: per meter, at the context tier of the usage, never above what was held."""

import json
from dataclasses import replace
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finops_ai.pricing import ContextTier, Price, Rates, Usage, own_price


def usd(input_usd: str, cached_usd: str | None, output_usd: str, written_usd: str | None = None) -> Price:
    """A price in dollars per million tokens."""
    return own_price(
        input_usd_per_mtok=Decimal(input_usd),
        cached_input_usd_per_mtok=None if cached_usd is None else Decimal(cached_usd),
        cache_write_usd_per_mtok=None if written_usd is None else Decimal(written_usd),
        output_usd_per_mtok=Decimal(output_usd),
        version="v1",
    )


def used(given_in: int, cached: int, written: int, out: int) -> Usage:
    return Usage(input_tokens=given_in, cached_input_tokens=cached, cache_write_input_tokens=written, output_tokens=out)


def dearer_above(tokens: int, *, times: int) -> ContextTier:
    return ContextTier(
        above_input_tokens=tokens,
        input_nano_usd=250_000_000 * times,
        cached_input_nano_usd=25_000_000 * times,
        output_nano_usd=2_000_000_000 * times,
    )


@pytest.mark.parametrize(
    ("price", "tokens", "cost"),  # tokens: input with its parts, cached, written to a cache, output; cost in nano-USD
    [
        (usd("0.25", "0.025", "2.00"), (1_000_000, 0, 0, 0), 250_000_000),
        (usd("0.25", "0.025", "2.00"), (1_000_000, 1_000_000, 0, 0), 25_000_000),
        (usd("0.25", "0.025", "2.00"), (1_000, 600, 0, 200), 100_000 + 15_000 + 400_000),
        (usd("3", "0.3", "15", "3.75"), (1_000, 600, 300, 0), 300_000 + 180_000 + 1_125_000),
        (usd("0.25", None, "2.00"), (1_000, 1_000, 0, 0), 250_000),  # no cached price: no discount
        (usd("0.25", "0.025", "2.00"), (1_000, 0, 1_000, 0), 250_000),  # no price of writes: the input's, never 0
        (usd("0.25", "0.025", "2.00", "0"), (1_000, 0, 1_000, 0), 0),  # said to be free
        (usd("0.0005", "0", "0"), (1, 0, 0, 0), 1),  # half a nano-USD is rounded up
        (usd("0.0004", "0", "0"), (1, 0, 0, 0), 0),
        (usd("15", "1.5", "75"), (0, 0, 0, 0), 0),
    ],
)
def test_the_cost_of_a_call(price: Price, tokens: tuple[int, int, int, int], cost: int) -> None:
    assert sum(price.cost_nano_usd(used(*tokens)).values()) == cost


def test_each_token_of_the_input_is_counted_in_one_meter_only() -> None:
    assert used(1_000, 600, 300, 200).meters() == {
        "input_tokens": 100,
        "cached_input_tokens": 600,
        "cache_write_input_tokens": 300,
        "output_tokens": 200,
    }


@pytest.mark.parametrize(
    ("given_in", "cached", "written", "out"),
    [(1, 2, 0, 0), (1, 0, 2, 0), (2, 2, 1, 0), (-1, 0, 0, 0), (1, -1, 0, 0), (1, 0, -1, 0), (1, 0, 0, -1)],
)
def test_impossible_usage_is_refused(given_in: int, cached: int, written: int, out: int) -> None:
    """More parts than tokens would book a negative amount of full-price input."""
    with pytest.raises(ValueError, match="impossible"):
        used(given_in, cached, written, out)


def test_the_counted_usage_decides_the_tier_for_all_of_its_tokens() -> None:
    """Not what was expected before the call, and not the tokens above the threshold alone."""
    price = replace(usd("0.25", "0.025", "2.00"), above=(dearer_above(1_000, times=2), dearer_above(5_000, times=10)))
    assert price.cost_nano_usd(used(1_000, 0, 0, 10))["input_tokens"] == 250_000
    assert price.cost_nano_usd(used(1_001, 1, 1_000, 10)) == {
        "input_tokens": 0,
        "cached_input_tokens": 50,
        "cache_write_input_tokens": 500_000,
        "output_tokens": 40_000,
    }
    assert price.cost_nano_usd(used(5_001, 0, 0, 0))["input_tokens"] == 5_001 * 2_500


def test_a_tier_in_the_middle_that_costs_most_is_held() -> None:
    """A bound in the last, cheaper tier does not mean that the call ends up there."""
    middle = ContextTier(
        above_input_tokens=10, input_nano_usd=10**9, cached_input_nano_usd=10**9, output_nano_usd=10**9
    )
    last = ContextTier(above_input_tokens=20, input_nano_usd=0, cached_input_nano_usd=0, output_nano_usd=0)
    price = replace(usd("0", "0", "0"), above=(middle, last))
    assert price.worst_case_nano_usd(input_tokens_max=10, output_tokens_max=5) == 0
    assert price.worst_case_nano_usd(input_tokens_max=1_000, output_tokens_max=5) == 25_000


@pytest.mark.parametrize("starts", [(5, 5), (6, 5), (-1, 5)])
def test_context_tiers_that_do_not_ascend_are_refused(starts: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="ascend"):
        replace(usd("1", "1", "1"), above=tuple(dearer_above(start, times=2) for start in starts))


nano_usd = st.integers(min_value=0, max_value=10**12)
written_nano_usd = st.none() | nano_usd
tokens = st.integers(min_value=0, max_value=2_000_000)


@st.composite
def prices(draw: st.DrawFn) -> Price:
    rates: dict[str, Any] = {
        "input_nano_usd": nano_usd,
        "cached_input_nano_usd": nano_usd,
        "output_nano_usd": nano_usd,
        "cache_write_input_nano_usd": written_nano_usd,
    }
    starts = sorted(draw(st.sets(tokens, max_size=3)))
    drawn: list[dict[str, Any]] = [draw(st.fixed_dictionaries(rates)) for _ in range(len(starts) + 1)]
    above = [ContextTier(**found, above_input_tokens=start) for found, start in zip(drawn[1:], starts, strict=True)]
    return Price(**drawn[0], above=tuple(above), source="t", version="1")


@given(prices(), tokens, tokens, st.data())
def test_no_usage_within_the_bounds_costs_more_than_the_worst_case(
    price: Price, input_max: int, output_max: int, data: st.DataObject
) -> None:
    """Whatever is cached or written, in whichever tier: a hold that is a nano-USD short is a budget that can be passed."""
    thresholds = [n for tier in price.above for n in (tier.above_input_tokens, tier.above_input_tokens + 1)]
    whole = data.draw(
        st.sampled_from([n for n in thresholds if n <= input_max] or [input_max]) | st.integers(0, input_max)
    )
    cached = data.draw(st.integers(0, whole))
    usage = used(whole, cached, data.draw(st.integers(0, whole - cached)), data.draw(st.integers(0, output_max)))
    worst_case = price.worst_case_nano_usd(input_tokens_max=input_max, output_tokens_max=output_max)
    assert sum(price.cost_nano_usd(usage).values()) <= worst_case


def test_no_usage_of_a_few_tokens_costs_more_than_the_worst_case() -> None:
    """Every case, where single meters are rounded: two half nano-USD, booked apart, are two and not one."""
    halves = [n * 500_000 for n in range(4)]
    for rates, most, out in product(product(halves, repeat=3), range(4), range(2)):
        price = Price(
            input_nano_usd=rates[0],
            cached_input_nano_usd=rates[1],
            cache_write_input_nano_usd=rates[2],
            output_nano_usd=rates[1],
            source="t",
            version="1",
        )
        worst_case = price.worst_case_nano_usd(input_tokens_max=most, output_tokens_max=out)
        for whole, cached, written in product(range(most + 1), repeat=3):
            if cached + written <= whole:
                cost = sum(price.cost_nano_usd(used(whole, cached, written, out)).values())
                assert cost <= worst_case, (price, whole, cached, written)


@given(prices())
@settings(max_examples=50)
def test_a_stored_price_reads_back(price: Price) -> None:
    """It lies in JSON beside each reservation: a settlement must not need today's price book."""
    assert Price(**json.loads(json.dumps(price.as_dict()))) == price


@given(prices(), tokens, tokens, tokens, tokens)
@settings(max_examples=50)
def test_the_applied_price_has_one_tier_and_the_same_cost(
    price: Price, plain: int, cached: int, written: int, out: int
) -> None:
    usage = used(plain + cached + written, cached, written, out)
    applied = price.applied_to(usage)
    assert applied.above == ()
    assert applied.cost_nano_usd(usage) == price.cost_nano_usd(usage)


def test_a_price_stored_before_there_were_tiers_still_settles() -> None:
    stored = {
        "input_nano_usd": 250_000_000,
        "cached_input_nano_usd": 25_000_000,
        "output_nano_usd": 2_000_000_000,
        "source": "genai-prices",
        "version": "0.2.3",
    }
    price = Price(**stored)  # type: ignore[arg-type]  # as read from JSON
    assert price.above == ()
    assert price.level == "standard"
    assert sum(price.cost_nano_usd(used(1_000_000, 0, 1_000_000, 0)).values()) == 250_000_000


def test_a_meter_that_is_not_priced_is_an_error_and_not_free() -> None:
    with pytest.raises(KeyError):
        Rates(input_nano_usd=1, cached_input_nano_usd=1, output_nano_usd=1).of_meter("images")
