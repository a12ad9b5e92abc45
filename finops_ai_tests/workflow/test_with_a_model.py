"""The workflow with an OpenAI-compatible endpoint: what is paid, what escalates, what the endpoint gets to see."""

import json
from typing import Any

from pytest_httpserver import HTTPServer

from finops_ai import ledger
from finops_ai_tests.deployment import Deployment
from finops_ai_tests.peer import Peer, inventing, quoting

CALL_NANO_USD = 500 * 250 + 400 * 25 + 100 * 2000  # uncached, cached and output tokens at the peer's price


def test_a_drafted_artifact_is_published_and_paid_to_the_token(either_home: Deployment, httpserver: HTTPServer) -> None:
    peer = Peer(httpserver, {"small": quoting})
    home = either_home.with_policy({"tiers": {"economy": peer.tier("small")}})
    artifact = home.submit()
    home.run(artifact)
    assert home.position(artifact).state == "published"
    assert len(peer.requests) == 1
    draft = next(m for m in home.materializations(artifact) if m.asset_key.to_user_string() == "draft")
    found = {
        key: draft.metadata[f"finops/{key}"].value
        for key in ("input_tokens", "cached_input_tokens", "attempts", "model")
    }
    assert found == {"input_tokens": 900, "cached_input_tokens": 400, "attempts": 1, "model": "small"}
    assert str(draft.metadata["finops/price_version"].value).startswith("policy ")
    with home.bench.database.read() as connection:
        calls = ledger.spent(connection, artifact=artifact, kind="call")
    assert calls.cost_nano_usd == CALL_NANO_USD
    assert home.books().problems == ()


def test_a_draft_that_invents_escalates_once_and_is_then_held_for_a_person(
    home: Deployment, httpserver: HTTPServer
) -> None:
    peer = Peer(httpserver, {"small": inventing, "large": inventing})
    home = home.with_policy({"tiers": {"economy": peer.tier("small"), "premium": peer.tier("large")}})
    artifact = home.submit()
    assert [done.job for done in home.run(artifact)] == ["produce", "rework", "rework"]
    assert [request["model"] for request in peer.requests] == ["small", "large", "large"]
    overview = home.overview(artifact)
    assert (overview.state, overview.loop) == ("held", 2)
    assert "quality gate failed" in overview.exception
    assert home.files() == {}
    with home.bench.database.read() as connection:
        assert ledger.spent(connection, artifact=artifact, kind="call").cost_nano_usd == 3 * CALL_NANO_USD


def test_an_exception_that_helps_is_published_with_its_reason(home: Deployment, httpserver: HTTPServer) -> None:
    peer = Peer(httpserver, {"small": inventing, "large": quoting})
    home = home.with_policy({"tiers": {"economy": peer.tier("small"), "premium": peer.tier("large")}})
    artifact = home.submit()
    home.run(artifact)
    assert home.position(artifact).state == "published"
    route = [m for m in home.materializations(artifact) if m.asset_key.to_user_string() == "model_route"]
    exceptions = {str(m.metadata["finops/tier"].value): str(m.metadata["exception"].value) for m in route}
    assert exceptions["economy"] == "none"
    assert "quality gate failed in loop 0 (owner content-platform)" in exceptions["premium"]


def test_no_rumor_is_in_any_request(home: Deployment, httpserver: HTTPServer) -> None:
    """The forum post of the brief says something about zebras; only a recording endpoint can tell what left us."""
    peer = Peer(httpserver, {"small": quoting})
    home = home.with_policy({"tiers": {"economy": peer.tier("small")}})
    home.run(home.submit())
    sent = json.dumps(peer.requests)
    assert "zebra" not in sent
    assert "48,200" in sent


def test_every_request_bounds_its_output(home: Deployment, httpserver: HTTPServer) -> None:
    peer = Peer(httpserver, {"small": quoting})
    home = home.with_policy({"tiers": {"economy": peer.tier("small")}})
    home.run(home.submit(profile="fast"))
    assert [request["max_tokens"] for request in peer.requests] == [800]


def test_a_model_without_a_price_is_never_called(home: Deployment, httpserver: HTTPServer) -> None:
    peer = Peer(httpserver, {"secret-model": quoting})
    tier: dict[str, Any] = {**peer.tier("secret-model"), "price": None}
    home = home.with_policy({"tiers": {"economy": tier}})
    artifact = home.submit()
    home.run(artifact)
    assert peer.requests == []
    assert [f["column"] for f in home.overview(artifact).gates[0]["failures"]] == ["unpriced_tiers"]


def test_a_budget_that_cannot_hold_the_worst_case_stops_before_the_call(
    home: Deployment, httpserver: HTTPServer
) -> None:
    peer = Peer(httpserver, {"small": quoting})
    home = home.with_policy({"tiers": {"economy": peer.tier("small")}})
    artifact = home.submit(budget_usd=0.001)
    home.run(artifact)
    assert peer.requests == []
    assert home.position(artifact).state == "held"
    assert [f["column"] for f in home.overview(artifact).gates[0]["failures"]] == ["budget_headroom_usd"]


def test_a_failing_endpoint_is_tried_again_later_and_its_open_calls_stay_on_the_books(
    home: Deployment, httpserver: HTTPServer
) -> None:
    """A 500 may have been billed: its worst case goes to suspense, where it keeps holding the budget."""
    httpserver.expect_request("/v1/chat/completions").respond_with_data("oops", status=500)
    peer = Peer(httpserver, {"small": quoting})
    once = {**peer.tier("small"), "attempts_max": 1}
    home = home.with_policy({"tiers": {"economy": once}})
    artifact = home.submit()
    home.run(artifact)
    assert home.position(artifact).state == "failed"
    assert home.overview(artifact).suspense_usd == "0.0039"  # 6,000 tokens in and 1,200 out
    httpserver.clear()
    peer = Peer(httpserver, {"small": quoting})
    home.run(artifact)
    assert home.position(artifact).state == "published"
    assert home.overview(artifact).suspense_usd == "0.0039"
    assert home.books().problems == ()


def test_the_stage_of_a_workload_holds_its_day_whatever_other_budgets_have_left(
    either_home: Deployment, httpserver: HTTPServer
) -> None:
    """A pilot's day has 0.0039 USD, the worst case of one draft; what the first one really cost leaves too little."""
    peer = Peer(httpserver, {"small": quoting})
    stages = {"pilot": {"day_usd": 0.0041}, "limited": {}, "broad": {}}
    home = either_home.with_policy({"tiers": {"economy": peer.tier("small")}, "rollout": {"stages": stages}})
    first, second = home.submit(), home.submit(topic="Another topic")
    home.run(first)
    home.run(second)
    assert (home.position(first).state, home.position(second).state) == ("published", "held")
    assert len(peer.requests) == 1
    assert [f["column"] for f in home.overview(second).gates[0]["failures"]] == ["budget_headroom_usd"]
    fullest = [budget["id"] for budget in home.overview(second).budgets if budget["limit_usd"] == "0.0041"]
    assert [name.rpartition("/")[0] for name in fullest] == ["stage/finance-briefings"]
