"""Import and report, as a person types them, on logs that others have published; every total computed here by other means."""

import csv
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from finops_ai_tests.cli.conftest import Shell


@pytest.fixture(scope="module")
def usage(data_dir: Path) -> Path:
    return data_dir / "usage"


def workloads(report: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["source"], row["workload"]): row for row in report["totals"]}


def azure_sums(file: Path) -> tuple[int, int, int]:
    """Requests, tokens in, tokens out, by the standard library's reader."""
    with file.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    return len(rows), sum(int(r["ContextTokens"]) for r in rows), sum(int(r["GeneratedTokens"]) for r in rows)


def test_the_azure_traces_add_up_to_their_files_and_have_no_price(shell: Shell, usage: Path) -> None:
    files = sorted((usage / "azure_llm_2023").glob("*.csv"))
    shell("baseline", "import", *map(str, files), "--format", "azure-trace")
    found = workloads(shell.json("baseline", "report"))
    expected = {("azure-trace", name): azure_sums(file) for name, file in zip(("code", "conv"), files, strict=True)}
    assert {key: (r["requests"], r["input_tokens"], r["output_tokens"]) for key, r in found.items()} == expected
    assert sum(requests for requests, _, _ in expected.values()) == 28_185
    assert {(r["cost_usd"], r["unpriced_requests"]) for r in found.values()} == {(None, 8_819), (None, 19_366)}


def test_the_mooncake_trace_has_its_cache_hits_at_the_declared_rates(shell: Shell, usage: Path) -> None:
    file = usage / "mooncake" / "conversation_trace.jsonl"
    rates = ("--input-usd-per-mtok", "0.25", "--cached-input-usd-per-mtok", "0.025", "--output-usd-per-mtok", "2")
    for _ in range(2):
        shell("baseline", "import", str(file), "--format", "mooncake", *rates)
    report = shell.json("baseline", "report")
    (row,) = workloads(report).values()
    counts = tuple(row[name] for name in ("requests", "input_tokens", "output_tokens", "cached_input_tokens"))
    assert counts == (12_031, 144_793_823, 4_122_048, 54_098_411)
    plain = 144_793_823 - 54_098_411
    expected = (plain * Decimal("0.25") + 54_098_411 * Decimal("0.025") + 4_122_048 * Decimal(2)) / 1_000_000
    assert abs(Decimal(row["cost_usd"]) - expected) < Decimal("0.00002"), "each request is rounded to a nano-USD"


def test_the_polyglot_runs_rank_from_the_cheapest_to_the_dearest_approved_result(shell: Shell, usage: Path) -> None:
    file = usage / "aider" / "polyglot_leaderboard.yml"
    shell("baseline", "import", str(file), "--format", "aider")
    report = shell.json("baseline", "report", "--by", "run")
    runs = yaml.safe_load(file.read_text())
    each = {
        run["dirname"]: Decimal(str(run["total_cost"])) / run["pass_num_2"]
        for run in runs
        if run.get("total_cost", 0) > 0
    }
    shown = {
        row["run"]: Decimal(row["cost_per_approved_usd"]) for row in report["rows"] if row["cost_per_approved_usd"]
    }
    assert len(each) == 51
    assert shown.keys() == each.keys()
    assert all(abs(shown[name] - cost) <= Decimal("0.000000001") for name, cost in each.items())
    assert (round(min(shown.values()), 4), round(max(shown.values()), 2)) == (Decimal("0.0031"), Decimal("1.81"))
    text = shell("baseline", "report")
    assert "18" in text
    assert "unpriced" in text
