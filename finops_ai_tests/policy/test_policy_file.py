"""The policy file: what ships can be used, what is named elsewhere replaces it, and a slip of the pen is an error."""

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from finops_ai.policy import TIER_ORDER, Policy, PolicyError, load_policy
from finops_ai_tests.records import policy_with


def test_the_policy_that_ships_can_be_used() -> None:
    policy = load_policy()
    assert policy.tiers["economy"].engine == "extractive"
    assert policy.approvals["low"].by_policy
    assert policy.approvals["high"].quorum == {"legal": 1, "business": 1}
    assert TIER_ORDER == ("economy", "standard", "premium")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("budget: {}", "budget: unknown key"),
        ("tiers: {economy: {engine: extractive, modell: a}}", "tiers.economy.modell: unknown key"),
        ("approvals: {high: {quorum: {legal: 1}, veto: legal}}", "approvals.high.veto: unknown key"),
        ("bounds: {draft: {input_tokens_max: 1, output_tokens_max: 1, forms: {poem: {}}}}", "bounds.draft.forms.poem"),
        ("tiers: {gold: {engine: extractive}}", "tiers.gold"),
        ("tiers: {economy: {engine: openai}}", "tiers.economy: engine openai needs a model"),
        (
            "tiers: {economy: {engine: extractive, price: {input_usd_per_mtok: -1, output_usd_per_mtok: 1}}}",
            "input_usd",
        ),
        ("approvals: {high: {quorum: {legal: 0}}}", "approvals.high.quorum.legal"),
        ("approvals: {high: {quorum: {}}}", "approvals.high: give either by_policy"),
        ("approvals: {high: {by_policy: true, quorum: {legal: 1}}}", "approvals.high: give either by_policy"),
        ("approvals: {high: {by_policy: false}}", "approvals.high: give either by_policy"),
        ("approvals: {high: {quorum: {Legal: 1}}}", "approvals.high.quorum"),
        ("approvals: {governance: {by_policy: true}}", "approvals.governance: a quorum of at least three roles"),
        ("approvals: {governance: {quorum: {finance: 3}}}", "approvals.governance: a quorum of at least three roles"),
        ("budgets: {organisation: {month_usd: 0}}", "budgets.organisation.month_usd"),
        ("budgets: {organisation: {month_usd: .inf}}", "budgets.organisation.month_usd"),
        ("budgets: {cost_centres: {cc-1: {month_usd: true}}}", "budgets.cost_centres.cc-1.month_usd"),
        ("rates: {compute_usd_per_hour: .nan}", "rates.compute_usd_per_hour"),
        ("rates: {review_usd_per_hour: -1}", "rates.review_usd_per_hour"),
        ("rates: {review_usd_per_hour: free}", "rates.review_usd_per_hour"),
        ("network: {allow_private: [intranet]}", "network.allow_private"),
        ("profiles: {full: {loops_max: -1}}", "profiles.full.loops_max"),
        ("gates: {policy: {confirmed_facts_min: 0}}", "gates.policy"),
        ("- a", "mapping"),
        ("tiers: [", "not valid YAML"),
        ("!!python/object/apply:os.system [ls]", "not valid YAML"),
        ("tiers: null", "tiers"),
    ],
)
def test_a_mistake_is_an_error_that_names_file_and_key(tmp_path: Path, text: str, said: str) -> None:
    """A misspelt limit that is silently ignored is no limit."""
    with pytest.raises(PolicyError) as error:
        policy_with(tmp_path, text)
    assert str(tmp_path / "policy.yaml") in str(error.value)
    assert said in str(error.value)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    if content:
        (tmp_path / "policy.yaml").write_bytes(content)
    with pytest.raises(PolicyError, match=r"policy\.yaml"):
        load_policy(tmp_path / "policy.yaml")


def test_an_empty_file_is_no_policy(tmp_path: Path) -> None:
    """Somebody meant to say something, and it was lost."""
    with pytest.raises(PolicyError, match="mapping"):
        policy_with(tmp_path, "# nothing yet\n")


def test_a_named_entry_replaces_the_shipped_one_and_leaves_its_neighbours(tmp_path: Path) -> None:
    shipped = load_policy()
    policy = policy_with(tmp_path, "budgets: {cost_centres: {cc-1: {month_usd: 7}}}\nprofiles: {fast: {loops_max: 0}}")
    assert set(policy.budgets.cost_centres) == {"cc-1"}, "the second level is taken as a whole"
    assert policy.budgets.organisation == shipped.budgets.organisation
    assert (policy.profiles["fast"].loops_max, policy.profiles["full"].loops_max) == (0, 2)
    assert policy.approvals == shipped.approvals


def test_a_quorum_is_replaced_whole(tmp_path: Path) -> None:
    """Mixed with the shipped one, whoever names only legal would go on waiting for business."""
    policy = policy_with(tmp_path, "approvals: {high: {quorum: {ciso: 2}}, medium: {by_policy: true}}")
    assert policy.approvals["high"].quorum == {"ciso": 2}
    assert policy.approvals["medium"].by_policy
    assert policy.approvals["medium"].quorum == {}
    assert policy.approvals["low"].by_policy


def test_a_rate_of_none_is_no_rate(tmp_path: Path) -> None:
    policy = policy_with(tmp_path, "rates: {compute_usd_per_hour: none}")
    assert policy.rates.compute_usd_per_hour is None
    assert policy.rates.review_usd_per_hour == Decimal(90)


def test_a_price_is_read_as_it_is_written(tmp_path: Path) -> None:
    """As a float, 0.1 would be a tenth and a bit."""
    economy = "{engine: openai, model: m, price: {input_usd_per_mtok: 0.1, output_usd_per_mtok: 2}}"
    price = policy_with(tmp_path, f"tiers: {{economy: {economy}}}").tiers["economy"].price
    assert price is not None
    assert (price.input_usd_per_mtok, price.cached_input_usd_per_mtok) == (Decimal("0.1"), None)


def digests(folder: Path, texts: Iterable[str]) -> set[str]:
    return {policy_with(folder, text).sha256 for text in texts}


def test_the_digest_is_of_what_holds_and_not_of_how_it_is_written(tmp_path: Path) -> None:
    text = "profiles: {full: {loops_max: 1}}\nbudgets: {organisation: {month_usd: 500}}\n"
    same = [
        text,
        "# a comment\n" + yaml.safe_dump(yaml.safe_load(text), sort_keys=True),
        text.replace("500", "500"),
        "profiles:\n  full:\n    loops_max: 1\n",  # 500 is what ships
        "profiles: {full: {loops_max: 1}, fast: {loops_max: 1}}",
    ]
    assert len(digests(tmp_path, same)) == 1
    other = [
        "profiles: {full: {loops_max: 2}}",
        "profiles: {full: {loops_max: 1}, fast: {loops_max: 0}}",
        text + "files: {roots: [/a]}",
    ]
    assert len(digests(tmp_path, [text, *other])) == 4


def test_the_same_amount_written_otherwise_is_the_same_policy(tmp_path: Path) -> None:
    """Otherwise tidying a number stops everything that was signed under it."""
    assert (
        len(
            digests(tmp_path, [f"budgets: {{organisation: {{month_usd: {usd}}}}}" for usd in ("40", "40.0", "'40.00'")])
        )
        == 1
    )


def test_the_shipped_policy_has_one_digest_however_it_is_loaded(tmp_path: Path) -> None:
    shipped: Policy = load_policy()
    assert shipped.sha256 == policy_with(tmp_path, "files: {roots: []}").sha256
