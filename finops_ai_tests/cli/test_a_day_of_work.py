"""The command line in processes of its own: the whole way, a killed process, two processes at once."""

import csv
import json
import os
import random
import signal
import time
from decimal import Decimal
from pathlib import Path

import pytest

from finops_ai_tests.cli.conftest import Shell
from finops_ai_tests.deployment import write_brief


def test_from_brief_to_verified_file_with_two_signatures(shell: Shell, tmp_path: Path) -> None:
    (registered,) = shell.json("submit", str(write_brief(tmp_path, impact="high")))
    artifact = registered["artifact"]
    (ran,) = shell.json("run")
    assert ran["state"] == "awaiting_sign_off"
    for name, role in (("Lea", "legal"), ("Bo", "business")):
        token = shell.json("reviewer", "add", name, "--role", role)["token"]
        shell.variables["FINOPS_AI_REVIEWER_TOKEN"] = token
        shell("decide", artifact, "approve", "--digest", ran["digest"], "--reason", "checked")
    (published,) = shell.json("run", artifact)
    assert published["state"] == "published"
    markdown = next(file for file in published["files"] if file.endswith(".md"))
    assert shell.json("verify", markdown)["passed"]
    total = shell.json("cost", "--by", "step")
    rows = sum(Decimal(row["cost_usd"]) for row in total["rows"])
    assert rows == Decimal(total["total"]["cost_usd"]) == Decimal(published["cost_usd"])
    assert shell.json("ledger", "check")["balanced"]
    month = time.strftime("%Y-%m", time.gmtime())
    export = shell.json("export", "--month", month, "--format", "metadata", "--out", str(tmp_path / "m.csv"))
    assert (export["metadata_usd"], export["differences"]) == (export["ledger_usd"], [])
    with (tmp_path / "m.csv").open() as file:
        assert sum(Decimal(row["cost_usd"]) for row in csv.DictReader(file)) == Decimal(export["ledger_usd"])


def test_an_altered_file_does_not_verify(shell: Shell, tmp_path: Path) -> None:
    shell("submit", str(write_brief(tmp_path)))
    (ran,) = shell.json("run")
    html = Path(next(file for file in ran["files"] if file.endswith(".html")))
    html.write_text(html.read_text().replace("48,200", "48,300"))
    result = shell.json("verify", str(html), code=1)
    assert [check["name"] for check in result["checks"] if not check["passed"]] == ["file", "packet"]


def test_two_processes_at_once_publish_once(shell: Shell, tmp_path: Path) -> None:
    shell("submit", str(write_brief(tmp_path)))
    both = [shell.start("run") for _ in range(2)]
    assert [process.wait(timeout=180) for process in both] == [0, 0]
    (status,) = shell.json("status")
    assert status["state"] == "published"
    assert len(status["files"]) == 4
    assert shell.json("ledger", "check")["balanced"]


def test_a_killed_run_is_finished_by_the_next_one(shell: Shell, tmp_path: Path) -> None:
    """With kill -9 at random moments: nothing is published twice, no cost is lost, no lock stays behind."""
    seed = 20261123
    chance = random.Random(seed)
    shell("submit", str(write_brief(tmp_path)))
    for _ in range(40 if os.environ.get("FINOPS_AI_TESTS_LONG") else 4):
        process = shell.start("run")
        time.sleep(chance.uniform(1.5, 6.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
    (status,) = shell.json("run")
    assert status["state"] == "published", seed
    assert len(status["files"]) == 4
    check = shell.json("ledger", "check")
    assert (check["balanced"], check["open_reservations"]) == (True, 0)
    assert all(shell.json("verify", file)["passed"] for file in status["files"] if not file.endswith(".jsonl"))


def test_the_real_sources_give_a_publication_whose_every_claim_resolves(
    shell: Shell, tmp_path: Path, data_dir: Path
) -> None:
    """A PDF, an HTML page and two Markdown files, as they were found."""
    names = [
        "mooncake-fast25.pdf",
        "wikipedia-mozilla.html",
        "azure-llm-inference-2023.md",
        "tigerbeetle-two-phase-transfers.md",
    ]
    policy = tmp_path / "policy.yaml"
    policy.write_text(json.dumps({"files": {"roots": [str(data_dir)]}}))
    shell.variables["FINOPS_AI_POLICY"] = str(policy)
    sources = [{"uri": str((data_dir / "sources" / name).resolve()), "grade": "primary"} for name in names]
    brief = write_brief(tmp_path, sources=sources, topic="Traces, caches and transfers of Mozilla")
    shell("submit", str(brief))
    (status,) = shell.json("run")
    assert status["state"] == "published", status
    for file in status["files"]:
        if not file.endswith(".jsonl"):
            result = shell.json("verify", file)
            assert result["passed"], [check for check in result["checks"] if not check["passed"]]
            assert len([check for check in result["checks"] if check["name"].startswith("claim ")]) >= 5


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_the_first_thing_anybody_types_works(shell: Shell, option: str) -> None:
    assert "finops-ai" in shell(option)
