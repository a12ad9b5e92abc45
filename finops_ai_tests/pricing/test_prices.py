"""What tokens cost: own prices first, then the public book, and nothing where neither knows."""

from datetime import date
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finops_ai.pricing import Price, Usage, own_price, public_price

DAY = date(2026, 1, 15)


def usd(input_usd: str, cached_usd: str | None, output_usd: str) -> Price:
    """A price in dollars per million tokens."""
    cached = None if cached_usd is None else Decimal(cached_usd)
    return own_price(
        input_usd_per_mtok=Decimal(input_usd),
        cached_input_usd_per_mtok=cached,
        output_usd_per_mtok=Decimal(output_usd),
        version="v1",
    )


@pytest.mark.parametrize(
    ("price", "tokens", "cost"),  # tokens: input with the cached ones, cached, output; cost in nano-USD
    [
        (usd("0.25", "0.025", "2.00"), (1_000_000, 0, 0), 250_000_000),
        (usd("0.25", "0.025", "2.00"), (1_000_000, 1_000_000, 0), 25_000_000),
        (usd("0.25", "0.025", "2.00"), (1_000, 600, 200), 100_000 + 15_000 + 400_000),
        (usd("0.25", None, "2.00"), (1_000, 1_000, 0), 250_000),  # no cached price: no discount
        (usd("0.0005", "0", "0"), (1, 0, 0), 1),  # half a nano-USD is rounded up
        (usd("0.0004", "0", "0"), (1, 0, 0), 0),
        (usd("15", "1.5", "75"), (0, 0, 0), 0),
    ],
)
def test_the_cost_of_a_call(price: Price, tokens: tuple[int, int, int], cost: int) -> None:
    usage = Usage(input_tokens=tokens[0], cached_input_tokens=tokens[1], output_tokens=tokens[2])
    assert sum(price.cost_nano_usd(usage).values()) == cost


def test_a_cached_token_is_counted_in_one_meter_only() -> None:
    usage = Usage(input_tokens=1_000, cached_input_tokens=600, output_tokens=200)
    assert usage.meters() == {"input_tokens": 400, "cached_input_tokens": 600, "output_tokens": 200}


@pytest.mark.parametrize(("given_in", "cached", "out"), [(1, 2, 0), (-1, 0, 0), (1, -1, 0), (1, 0, -1)])
def test_impossible_usage_is_refused(given_in: int, cached: int, out: int) -> None:
    """More cached tokens than tokens would book a negative amount of full-price input."""
    with pytest.raises(ValueError, match="impossible"):
        Usage(input_tokens=given_in, cached_input_tokens=cached, output_tokens=out)


rates = st.integers(min_value=0, max_value=10**12)
tokens = st.integers(min_value=0, max_value=2_000_000)


@given(rates, rates, rates, tokens, tokens, st.data())
def test_no_usage_within_the_bounds_costs_more_than_the_worst_case(
    input_rate: int, cached_rate: int, output_rate: int, input_max: int, output_max: int, data: st.DataObject
) -> None:
    """Whatever is cached, at whatever price: a hold that is a nano-USD short is a budget that can be passed."""
    price = Price(
        input_nano_usd=input_rate,
        cached_input_nano_usd=cached_rate,
        output_nano_usd=output_rate,
        source="t",
        version="1",
    )
    input_tokens = data.draw(st.integers(0, input_max))
    usage = Usage(
        input_tokens=input_tokens,
        cached_input_tokens=data.draw(st.integers(0, input_tokens)),
        output_tokens=data.draw(st.integers(0, output_max)),
    )
    worst_case = price.worst_case_nano_usd(input_tokens_max=input_max, output_tokens_max=output_max)
    assert sum(price.cost_nano_usd(usage).values()) <= worst_case


def test_no_usage_of_a_few_tokens_costs_more_than_the_worst_case() -> None:
    """Every case, where single meters are rounded: two half nano-USD, booked apart, are two and not one."""
    halves = [n * 500_000 for n in range(4)]
    for rates, most, output_max in product(product(halves, repeat=3), range(4), range(3)):
        price = Price(
            input_nano_usd=rates[0], cached_input_nano_usd=rates[1], output_nano_usd=rates[2], source="t", version="1"
        )
        worst_case = price.worst_case_nano_usd(input_tokens_max=most, output_tokens_max=output_max)
        for read, cached in [(whole, part) for whole in range(most + 1) for part in range(whole + 1)]:
            usage = Usage(input_tokens=read, cached_input_tokens=cached, output_tokens=output_max)
            assert sum(price.cost_nano_usd(usage).values()) <= worst_case, (price, usage)


def test_the_public_book_knows_a_dated_model() -> None:
    price = public_price("gpt-4o-mini", on=DAY, input_tokens_max=6_000)
    assert price is not None
    assert (price.input_nano_usd, price.cached_input_nano_usd, price.output_nano_usd) == (
        150_000_000,
        75_000_000,
        600_000_000,
    )
    assert price.source == "genai-prices"
    assert price.version


def test_a_long_prompt_is_priced_at_its_own_tier() -> None:
    """Some models charge twice above a context length: the price at one token would hold half of it."""
    short = public_price("gemini-2.5-pro", on=DAY, input_tokens_max=1_000)
    long = public_price("gemini-2.5-pro", on=DAY, input_tokens_max=300_000)
    assert short is not None
    assert long is not None
    assert long.input_nano_usd > short.input_nano_usd


@pytest.mark.parametrize("model", ["", "our-own-model", "gpt-99-ultra", "extractive"])
def test_a_model_that_no_book_knows_is_unpriced_and_never_free(model: str) -> None:
    assert public_price(model, on=DAY, input_tokens_max=6_000) is None


def test_a_stored_price_reads_back() -> None:
    price = usd("0.25", "0.025", "2.00")
    assert Price(**price.as_dict()) == price
    assert price.source == "policy"
