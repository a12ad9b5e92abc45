"""One artifact from its brief to its published files, on both databases."""

from finops_ai.artifacts import STEPS
from finops_ai.generation import cited_sentences
from finops_ai.orchestration.cost_metadata import KEYS
from finops_ai.pricing import NANO
from finops_ai.provenance import verify_file
from finops_ai_tests.deployment import RUMOR, Deployment


def test_a_low_impact_artifact_is_published_without_a_person(either_home: Deployment) -> None:
    artifact = either_home.submit()
    either_home.run(artifact)
    overview = either_home.overview(artifact)
    assert overview.state == "published"
    assert [gate["passed"] for gate in overview.gates] == [True, True, True]
    assert [(d["role"], d["verdict"]) for d in overview.decisions] == [("policy", "approve")]
    assert sorted(name.partition(".")[2] for name in either_home.files()) == [
        "html",
        "html.intoto.jsonl",
        "md",
        "md.intoto.jsonl",
    ]


def test_every_published_file_verifies_down_to_its_sources(either_home: Deployment) -> None:
    either_home.run(either_home.submit())
    settings = either_home.bench.settings
    for file in [*settings.published.rglob("*.md"), *settings.published.rglob("*.html")]:
        checks = verify_file(file, objects=either_home.bench.objects, keys=settings.home / "keys")
        assert [check for check in checks if not check.passed] == []
        assert len([check for check in checks if check.name.startswith("claim")]) == 5


def test_every_sentence_of_the_draft_cites(home: Deployment) -> None:
    artifact = home.submit()
    home.run(artifact)
    draft = home.bench.objects.get_json(home.bench.progress(artifact).output("draft") or "")
    sentences = list(cited_sentences(draft["markdown"]))
    assert len(sentences) == 5
    assert all(labels for _, labels in sentences)


def test_every_materialization_carries_its_cost_and_they_add_up_to_the_ledger(either_home: Deployment) -> None:
    """To the nano-dollar: finance must not find two answers."""
    artifact = either_home.submit()
    either_home.run(artifact)
    materialized = either_home.materializations(artifact)
    assert {m.asset_key.to_user_string() for m in materialized} == set(STEPS)
    for materialization in materialized:
        assert {f"finops/{key}" for key in KEYS} <= materialization.metadata.keys()
    costs = [round(float(str(m.metadata["finops/cost_usd"].value)) * NANO) for m in materialized]
    to_date = [round(float(str(m.metadata["finops/cost_to_date_usd"].value)) * NANO) for m in materialized]
    assert sum(costs) == max(to_date) == either_home.spent_nano_usd(artifact) > 0
    assert either_home.books().problems == ()


def test_a_second_run_changes_nothing_and_costs_nothing(either_home: Deployment) -> None:
    artifact = either_home.submit()
    either_home.run(artifact)
    before = (either_home.files(), either_home.spent_nano_usd(artifact), either_home.instance.get_runs_count())
    assert either_home.run(artifact) == []
    assert either_home.submit() == artifact
    assert either_home.run(artifact) == []
    after = (either_home.files(), either_home.spent_nano_usd(artifact), either_home.instance.get_runs_count())
    assert after == before


def test_publishing_again_by_hand_publishes_nothing_twice(home: Deployment) -> None:
    artifact = home.submit()
    home.run(artifact)
    before = home.files()
    assert home.lane.run(artifact, "publish").succeeded
    assert home.files() == before


def test_no_rumor_reaches_a_published_file(home: Deployment) -> None:
    home.run(home.submit())
    assert not [name for name, content in home.files().items() if b"zebra" in content]
    assert "zebra" in RUMOR


def test_the_draft_is_shown_in_the_metadata_and_the_gate_comes_first(home: Deployment) -> None:
    """Dagster keeps the order, and shows the partition of a failed gate as green: the verdict must be the first line."""
    artifact = home.submit()
    home.run(artifact)
    draft = next(m for m in home.materializations(artifact) if m.asset_key.to_user_string() == "draft")
    names = list(draft.metadata)
    assert names[0] == "gate"
    assert str(draft.metadata["gate"].value).startswith("PASSED (quality gate")
    assert "48,200 requests" in str(draft.metadata[names[-1]].value)
