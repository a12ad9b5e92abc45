"""What the policy says of one brief: its budgets, bounds and prices."""

from datetime import date
from pathlib import Path

import pytest

from finops_ai.policy import (
    EXTRACTIVE_PRICE,
    Tier,
    TokenBounds,
    bounds_for,
    budgets_for,
    impossible_budget,
    load_policy,
    price_of,
)
from finops_ai_tests.records import brief, policy_with

USD = 1_000_000_000
DAY = date(2026, 1, 15)


def test_budgets_come_from_the_widest_to_the_narrowest(tmp_path: Path) -> None:
    """They are locked in this order: two steps that lock in different orders wait for each other for ever."""
    policy = policy_with(
        tmp_path,
        "budgets: {cost_centres: {cc-4711: {month_usd: 50}}, workloads: {finance-briefings: {month_usd: 40}},"
        " steps: {draft: 0.25}}",
    )
    found = budgets_for(policy, brief(), artifact="a", step="draft", day="2026-11-24", stage="pilot")
    assert [(b.id, b.limit_nano_usd) for b in found] == [
        ("organisation/2026-11", 500 * USD),
        ("cost_centre/cc-4711/2026-11", 50 * USD),
        ("workload/finance-briefings/2026-11", 40 * USD),
        ("stage/finance-briefings/2026-11-24", 25 * USD),
        ("artifact/a", USD // 2),
        ("step/a/draft", USD // 4),
    ]
    assert len(budgets_for(policy, brief(), artifact="a", step="claims", day="2026-11-24", stage="pilot")) == 5


def test_whoever_has_no_budget_of_their_own_has_a_small_one_and_never_none() -> None:
    strangers = brief(cost_centre="cc-9", workload="unheard-of")
    found = budgets_for(load_policy(), strangers, artifact="a", step="draft", day="2026-11-24", stage="pilot")
    assert [b.limit_nano_usd for b in found[1:3]] == [25 * USD, 25 * USD]


@pytest.mark.parametrize(
    ("usd", "above"),
    [
        ("0.50", []),
        ("40", []),
        ("40.01", ["workload"]),
        ("51", ["cost centre", "workload"]),
        ("501", ["organisation", "cost centre", "workload"]),
    ],
)
def test_a_budget_that_could_never_be_paid_is_said_at_intake(usd: str, above: list[str]) -> None:
    problems = impossible_budget(load_policy(), brief(budget_usd=usd), file="b.yaml")
    assert [(p.file, p.field) for p in problems] == [("b.yaml", "budget_usd")] * len(above)
    assert all(name in p.reason for name, p in zip(above, problems, strict=True))


@pytest.mark.parametrize(
    ("form", "profile", "bounds"),
    [
        ("briefing", "full", (6000, 1200)),
        ("answer", "full", (6000, 400)),
        ("briefing", "fast", (4000, 800)),
        ("answer", "fast", (4000, 400)),
    ],
)
def test_form_and_profile_narrow_the_bounds(form: str, profile: str, bounds: tuple[int, int]) -> None:
    found = bounds_for(load_policy(), brief(profile=profile, intent={"form": form}))
    assert (found.input_tokens_max, found.output_tokens_max) == bounds


def test_a_narrowing_that_is_wider_than_the_step_widens_nothing(tmp_path: Path) -> None:
    text = "{input_tokens_max: 100, output_tokens_max: 50, profiles: {full: {input_tokens_max: 900, output_tokens_max: 10}}}"
    policy = policy_with(tmp_path, f"bounds: {{draft: {text}}}")
    assert bounds_for(policy, brief()) == TokenBounds(input_tokens_max=100, output_tokens_max=10)


BOUNDS = TokenBounds(input_tokens_max=6000, output_tokens_max=1200)


def tier(**fields: object) -> Tier:
    return Tier.model_validate({"engine": "openai", "model": "gpt-4o-mini"} | fields)


def test_the_policys_own_price_comes_before_every_book() -> None:
    """A contract, a self-hosted model, a correction: whoever pays knows the price better than a list."""
    own = tier(price={"input_usd_per_mtok": "0.03", "output_usd_per_mtok": "0.1"})
    price = price_of(own, on=DAY, policy_sha256="e" * 64)
    assert price is not None
    assert (price.input_nano_usd, price.cached_input_nano_usd, price.output_nano_usd) == (
        30_000_000,
        30_000_000,
        100_000_000,
    )
    assert (price.source, price.version) == ("policy", "e" * 12)


def test_a_model_without_an_own_price_is_looked_up_in_the_public_book() -> None:
    price = price_of(tier(), on=DAY, policy_sha256="e" * 64)
    assert price is not None
    assert price.source == "genai-prices"


def test_a_model_that_nobody_prices_has_no_price() -> None:
    assert price_of(tier(model="our-own"), on=DAY, policy_sha256="e" * 64) is None


def test_quoting_sources_costs_no_tokens_and_says_why() -> None:
    found = price_of(Tier(engine="extractive"), on=DAY, policy_sha256="e" * 64)
    assert found == EXTRACTIVE_PRICE
    assert found.worst_case_nano_usd(input_tokens_max=10**6, output_tokens_max=10**6) == 0
    assert found.source == "no model"
