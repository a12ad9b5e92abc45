"""What an artifact cost, which tier served it and why, and the proof of the books, as a person at a terminal meets them."""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from pytest_httpserver import HTTPServer

from finops_ai import ledger
from finops_ai.cli import main
from finops_ai.pricing import NANO
from finops_ai_tests.deployment import Deployment, deployment
from finops_ai_tests.peer import Peer, inventing, quoting

Invoke = Callable[..., Result]
WORKLOAD = "finance-briefings"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Deployment, str, Path]]:
    """One artifact whose cheap draft invented, whose dearer one was published; nothing below changes it."""
    folder = tmp_path_factory.mktemp("money")
    with HTTPServer() as server, deployment(folder) as plain:
        peer = Peer(server, {"small": inventing, "large": quoting})
        tiers = {"economy": peer.tier("small"), "premium": peer.tier("large")}
        budgets = {"workloads": {WORKLOAD: {"month_usd": 0.05}}, "alerts_percent": [1]}
        rates = {"review_usd_per_hour": "none", "compute_usd_per_hour": 0.1}
        home = plain.with_policy({"tiers": tiers, "budgets": budgets, "rates": rates})
        artifact = home.submit()
        home.run(artifact)
        assert home.position(artifact).state == "published"
        (policy,) = folder.glob("policy-*.yaml")
        yield home, artifact, policy


@pytest.fixture
def invoke(made: tuple[Deployment, str, Path], monkeypatch: pytest.MonkeyPatch) -> Invoke:
    monkeypatch.setenv("FINOPS_AI_HOME", str(made[0].bench.settings.home))
    monkeypatch.setenv("FINOPS_AI_POLICY", str(made[2]))

    def call(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(main, list(arguments), catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result

    return call


def nano(usd: str) -> int:
    return int(Decimal(usd) * NANO)


def found(result: Result) -> Any:
    return json.loads(result.stdout)


def test_costs_by_step_are_those_of_the_ledger_and_of_the_metadata(
    invoke: Invoke, made: tuple[Deployment, str, Path]
) -> None:
    """Three records of one thing: what finance exports, what is proved, what an operator sees on a materialization."""
    home, artifact, _ = made
    report = found(invoke("cost", "--by", "step", "--json"))
    shown = {row["key"]: nano(row["cost_usd"]) for row in report["rows"]}
    with home.bench.database.read() as connection:
        booked = {row["key"]: row["cost_nano_usd"] for row in ledger.cost_rows(connection, by="step")}
        total = ledger.spent(connection)
    materialized: dict[str, int] = {}
    for materialization in home.materializations(artifact):
        step = materialization.asset_key.to_user_string()
        cost = Decimal(str(materialization.metadata["finops/cost_usd"].value))
        materialized[step] = materialized.get(step, 0) + int(cost * NANO)
    assert shown == booked == materialized
    assert nano(report["total"]["cost_usd"]) == sum(shown.values()) == total.cost_nano_usd
    assert (report["total"]["input_tokens"], report["total"]["attempts"]) == (1800, 2), "the wasted cheap call too"


def test_the_report_counts_exceptions_and_says_what_is_not_in_it(invoke: Invoke) -> None:
    total = found(invoke("cost", "--json"))["total"]
    assert total["tier_exceptions"] == {"failed_gate": 1}
    assert total["not_booked"] == ["review"]
    text = invoke("cost").stdout
    assert "tiers above economy: 1 by failed_gate" in text
    assert "no rate for it: review" in text


def test_a_route_explains_itself_with_its_alternatives_and_their_cost(
    invoke: Invoke, made: tuple[Deployment, str, Path]
) -> None:
    report = found(invoke("route", "explain", made[1], "--json"))
    first, second = report["routes"]
    assert (first["tier"], first["reason"]) == ("economy", "economy by default")
    assert second["exception"]["reason"] == "failed_gate"
    assert [(a["tier"], a["chosen"], a["worst_case_usd"]) for a in second["alternatives"]] == [
        ("economy", False, "0.0039"),
        ("premium", True, "0.0039"),
    ]
    assert nano(first["spent_usd"]) >= 500 * 250 + 400 * 25 + 100 * 2000
    assert report["next"] is None
    text = invoke("route", "explain", made[1]).stdout
    assert "draft, loop 1: premium (standard service), spent" in text
    assert "failed_gate, answered for by content-platform" in text


def test_a_route_that_was_not_taken_yet_is_explained_too(invoke: Invoke, made: tuple[Deployment, str, Path]) -> None:
    other = made[0].submit(topic="Another topic, never run")
    report = found(invoke("route", "explain", other, "--json"))
    assert report["routes"] == []
    assert report["next"]["tier"] == "economy"
    assert "not routed yet" in invoke("route", "explain", other).stdout


def test_an_unknown_artifact_has_no_route(invoke: Invoke) -> None:
    assert "no artifact" in invoke("route", "explain", "nothing", code=2).stderr


def test_the_books_are_proved_and_sealed(invoke: Invoke) -> None:
    first = found(invoke("ledger", "check", "--json"))
    assert (first["balanced"], first["chain_ok"], first["unsealed_entries"], first["problems"]) == (True, True, 0, [])
    again = found(invoke("ledger", "check", "--head", first["head"], "--json"))
    assert (again["head"], again["chain_ok"]) == (first["head"], True)
    wrong = found(invoke("ledger", "check", "--head", "f" * 64, "--json", code=1))
    assert wrong["chain_ok"] is False
    assert "not part of the chain" in invoke("ledger", "check", "--head", "f" * 64, code=1).stdout


def test_budgets_are_listed_fullest_first(invoke: Invoke) -> None:
    rows = found(invoke("ledger", "budgets", "--json"))
    shares = [row["spent_percent"] for row in rows]
    assert shares == sorted(shares, reverse=True)
    assert {row["id"].split("/")[0] for row in rows} == {"organisation", "cost_centre", "workload", "stage", "artifact"}
    assert "workload/finance-briefings" in invoke("ledger", "budgets").stdout


def test_status_shows_the_exception_and_a_budget_beyond_its_threshold(
    invoke: Invoke, made: tuple[Deployment, str, Path]
) -> None:
    text = invoke("status", made[1]).stdout
    assert "premium instead of economy in loop 1: failed_gate: the quality gate failed in loop 0" in text
    assert "budgets beyond a threshold:" in text
    (row,) = found(invoke("status", made[1], "--json"))
    assert [e["tier"] for e in row["exceptions"]] == ["premium"]
    assert any(b["reached"] == "1%" for b in row["budgets"])


def test_without_a_daemon_the_run_itself_tells_of_budgets(
    invoke: Invoke, made: tuple[Deployment, str, Path], monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/hook", method="POST").respond_with_data("")
    monkeypatch.setenv("FINOPS_AI_NOTIFY_URLS", httpserver.url_for("/hook").replace("http://", "json://"))
    invoke("run", made[1])
    assert any("workload/finance-briefings" in request.get_data(as_text=True) for request, _ in httpserver.log)
    told = len(httpserver.log)
    invoke("run", made[1])
    assert len(httpserver.log) == told
