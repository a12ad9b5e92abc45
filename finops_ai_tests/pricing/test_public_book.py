"""The public price book: every tier and level as it has them, and nothing where it would have to guess."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import genai_prices
import pytest
from genai_prices.data_snapshot import DataSnapshot, get_snapshot, set_custom_snapshot
from genai_prices.types import ClauseEquals, ModelInfo, ModelPrice, Provider
from hypothesis import given
from hypothesis import strategies as st

from finops_ai.pricing import Level, Price, Usage, public_price

DAY = date(2026, 11, 20)
CONTEXTS: dict[Level, dict[str, str]] = {
    "standard": {},
    "flex": {"service_tier": "flex"},
    "batch": {"processing": "batch"},
    "priority": {"service_tier": "priority"},
}


def rates(price: Price | None) -> tuple[int, int, int | None, int] | None:
    """Nano-USD per token, of input, cached input, cache writes, output, in the lowest tier."""
    if price is None:
        return None
    written = price.cache_write_input_nano_usd
    found = (price.input_nano_usd, price.cached_input_nano_usd, written, price.output_nano_usd)
    return tuple(rate and rate // 1_000_000 for rate in found)  # type: ignore[return-value]  # four of them, which mypy cannot count


def test_the_public_book_knows_a_model_and_says_who_said_so() -> None:
    price = public_price("gpt-4o-mini", on=DAY)
    assert price is not None
    assert rates(price) == (150, 75, 150, 600)
    assert price.source == "genai-prices"
    assert price.version


def test_a_price_holds_every_context_tier_of_the_book() -> None:
    price = public_price("claude-sonnet-4-5", on=date(2026, 1, 15))
    assert price is not None
    (long,) = price.above
    assert rates(price) == (3_000, 300, 3_750, 15_000)
    assert long.above_input_tokens == 200_000
    assert (long.input_nano_usd, long.cached_input_nano_usd) == (6 * 10**9, 6 * 10**8)
    assert (long.cache_write_input_nano_usd, long.output_nano_usd) == (7_500_000_000, 22_500_000_000)


@given(
    st.sampled_from(
        [
            ("claude-sonnet-4-5", None), ("gemini-2.5-pro", None), ("gpt-5.4", None), ("claude-haiku-5-5", None),
            ("gpt-4o", None), ("deepseek-v4-pro", None), ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws"),
            ("gpt-4o", "azure"), ("text-embedding-3-large", "openai"), ("mistral-large-2512", None),
        ]
    ),
    st.sampled_from(sorted(CONTEXTS)),
    st.sampled_from([1, 199_999, 200_000, 200_001, 272_000, 272_001]) | st.integers(1, 1_000_000),
    st.data(),
)  # fmt: skip
def test_a_call_costs_what_the_book_itself_computes(
    model: tuple[str, str | None], level: Level, whole: int, data: st.DataObject
) -> None:
    """Its rates taken apart and put together again, against its own function at the dearest hour of the day."""
    price = public_price(model[0], on=DAY, level=level, provider=model[1])
    if price is None:
        assert level != "standard"
        return
    cached = data.draw(st.integers(0, whole))
    written = data.draw(st.integers(0, whole - cached))
    usage = Usage(input_tokens=whole, cached_input_tokens=cached, cache_write_input_tokens=written, output_tokens=1_000)
    theirs = max(_of_the_book(usage, model, CONTEXTS[level], hour) for hour in range(0, 24, 2))
    assert abs(sum(price.cost_nano_usd(usage).values()) - theirs * 10**9) <= 2  # four meters, rounded each by itself


def _of_the_book(usage: Usage, model: tuple[str, str | None], context: dict[str, str], hour: int) -> Decimal:
    counted = genai_prices.Usage(
        input_tokens=usage.input_tokens,
        cache_read_tokens=usage.cached_input_tokens,
        cache_write_tokens=usage.cache_write_input_tokens,
        output_tokens=usage.output_tokens,
    )
    at = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC) + timedelta(hours=hour, minutes=30)
    found = genai_prices.calc_price(
        counted, model[0], provider_id=model[1], genai_request_timestamp=at, price_context=context
    )
    return found.total_price


@pytest.mark.parametrize(
    ("model", "provider", "level", "on", "expected"),
    [
        ("gpt-5", None, "flex", DAY, (625, 62, 625, 5_000)),
        ("gpt-5", None, "priority", DAY, (2_500, 250, 2_500, 20_000)),
        ("claude-sonnet-4-5", None, "batch", DAY, (1_500, 150, 1_875, 7_500)),
        ("gpt-4o", None, "batch", DAY, (1_250, 1_250, 1_250, 5_000)),  # no cached batch price is published
        ("gpt-3.5-turbo-1106", None, "batch", DAY, (1_000, 1_000, 1_000, 2_000)),  # known to cost the same
        ("claude-sonnet-4-5", None, "flex", DAY, None),
        ("gpt-4o", None, "flex", DAY, None),
        ("claude-sonnet-4-5", None, "batch", date(2026, 1, 15), None),  # the book knows it since 2026-10-14
        ("gpt-4o", "azure", "batch", DAY, None),  # a level of OpenAI's is none of Azure's
        ("gpt-4o", "https://api.openai.com/v1", "batch", DAY, (1_250, 1_250, 1_250, 5_000)),
    ],
)
def test_a_level_that_the_book_does_not_know_is_unpriced_and_never_the_standard(
    model: str, provider: str | None, level: Level, on: date, expected: tuple[int, ...] | None
) -> None:
    price = public_price(model, on=on, level=level, provider=provider)
    assert rates(price) == expected
    assert price is None or price.level == level


@pytest.mark.parametrize(
    "model",
    [
        "", "our-own-model", "extractive", "gpt-99-ultra", "gpt-4o-2099-01-01", "claude-25-mega", "claude-opus-4-10",
        "claude-opus-4-120250805", "claude-opus-4-1-turbo", "deepseek-r1-distill-llama-70b", "deepseek-chat-v9",
        "gemini-3.5-flash-8b",
    ],
)  # fmt: skip
def test_a_model_that_no_book_knows_is_unpriced_and_never_free(model: str) -> None:
    """The book matches some of them by how their name begins: a relative, at another price."""
    assert public_price(model, on=DAY) is None


@pytest.mark.parametrize(
    ("model", "provider", "input_rate"),
    [
        ("claude-opus-4-1-20250805", None, 15_000),
        ("claude-3-5-sonnet-v2@20241022", "google", 3_000),
        ("gemini-2.5-pro-preview-05-06", None, 1_250),
        ("claude-sonnet-4-20250514", None, 3_000),
        ("gemini-2.0-flash-001", None, 100),
        ("gpt-4o-20240806", None, 2_500),
        ("ft:gpt-4o-mini-2024-07-18:acme::x1", "openai", 300),
        ("us.amazon.nova-pro-v1:0", "aws", 800),
        ("global.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws", 3_000),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws", 3_300),
    ],
)
def test_a_dated_or_regional_name_is_the_model_it_names(model: str, provider: str | None, input_rate: int) -> None:
    found = rates(public_price(model, on=DAY, provider=provider))
    assert found is not None
    assert found[0] == input_rate


@pytest.mark.parametrize(
    ("model", "provider", "priced"),
    [
        ("llama-3.3-70b-versatile", None, False),
        ("llama-3.3-70b-versatile", "groq", True),
        ("llama-3.3-70b-versatile", "https://api.groq.com/openai/v1", True),
        ("gpt-4o", "https://api.groq.com/openai/v1", False),  # not sold there
        ("gpt-4o", "https://gateway.example/v1", True),  # an unknown address may stand before any provider
        ("gpt-4o", "nobody", False),
    ],
)
def test_the_provider_decides_where_it_is_known(model: str, provider: str | None, priced: bool) -> None:
    assert (public_price(model, on=DAY, provider=provider) is not None) == priced


def test_a_price_of_the_day_is_the_dearest_hour() -> None:
    """Half price by night is a discount: it must not be what is held for a call by day."""
    assert rates(public_price("deepseek-chat", on=date(2025, 3, 15))) == (270, 70, 270, 1_100)


@pytest.mark.parametrize(
    ("model", "provider"),
    [("sonar-pro", "perplexity"), ("sonar-deep-research", "perplexity"), ("mistral-ocr-latest", None), ("tts-1", None)],
)
def test_a_fee_that_tokens_cannot_carry_leaves_a_model_unpriced(model: str, provider: str | None) -> None:
    """The tokens alone would look like a price, and be too low."""
    assert public_price(model, on=DAY, provider=provider) is None


@pytest.mark.parametrize(
    ("prices", "priced"),
    [
        ({}, False),
        ({"input_mtok": Decimal(0), "output_mtok": Decimal(0)}, False),
        ({"output_mtok": Decimal(1)}, False),
        ({"input_mtok": Decimal(1)}, True),
        ({"input_mtok": Decimal(0), "output_mtok": Decimal(1)}, True),
    ],
)
def test_nothing_known_and_zero_are_unpriced_and_not_free(prices: dict[str, Any], priced: bool) -> None:
    """Books write 0 for what they do not know: a budget would never end."""
    model = ModelInfo(id="free-lunch", match=ClauseEquals("free-lunch"), prices=ModelPrice(**prices))
    ours = Provider(id="acme", name="Acme", api_pattern="https://acme[.]example", models=[model])
    set_custom_snapshot(DataSnapshot(providers=[ours, *get_snapshot().providers], from_auto_update=False))
    try:
        assert (public_price("free-lunch", on=DAY, provider="acme") is not None) == priced
    finally:
        set_custom_snapshot(None)
