"""The public traces and boards, whole: sums as a reader of its own counts them, and nothing added the second time."""

import csv
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from finops_ai.pricing import to_nano_usd
from finops_ai.store import Database
from finops_ai.usage import Imported, Options, import_files
from finops_ai_tests.usage.test_importing import count, kept


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def twice(database: Database, home: Path, files: list[Path], form: str, **options: Any) -> list[Imported]:
    first = import_files(database, home, files, format=form, options=Options(**options))
    before = count(database, home)
    again = import_files(database, home, files, format=form, options=Options(**options))
    assert all(one.already for one in again)
    assert count(database, home) == before == sum(one.events for one in first)
    return first


def test_the_azure_traces_are_28185_requests_of_two_workloads(
    sqlite_database: Database, home: Path, data_dir: Path
) -> None:
    files = [data_dir / "usage/azure_llm_2023" / f"AzureLLMInferenceTrace_{name}.csv" for name in ("code", "conv")]
    found = twice(sqlite_database, home, files, "azure-trace", price_as="gpt-4o")
    assert [(one.events, one.quarantined, one.bases) for one in found] == [
        (8_819, 0, {"declared": 8_819}),
        (19_366, 0, {"declared": 19_366}),
    ]
    stated = []
    for file, workload in zip(files, ("code", "conv"), strict=True):
        with file.open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        stated.append(
            (
                workload,
                len(rows),
                sum(int(r["ContextTokens"]) for r in rows),
                sum(int(r["GeneratedTokens"]) for r in rows),
            )
        )
    sums = "SELECT workload, sum(requests), sum(input_tokens), sum(output_tokens) FROM events GROUP BY 1 ORDER BY 1"
    assert kept(sqlite_database, home, sums) == stated
    assert kept(sqlite_database, home, "SELECT min(started_at), max(started_at) FROM events") == [
        tuple(datetime.fromisoformat(f"2023-11-16 {moment}") for moment in ("18:15:46.680590", "19:14:19.928016"))
    ]


def test_mooncake_has_the_hits_of_an_unlimited_prefix_cache(
    sqlite_database: Database, home: Path, data_dir: Path
) -> None:
    path = data_dir / "usage/mooncake/conversation_trace.jsonl"
    start = datetime(2025, 1, 1, tzinfo=UTC)
    (found,) = twice(sqlite_database, home, [path], "mooncake", start=start)
    seen: set[tuple[int, ...]] = set()
    given = came = hits = 0
    for line in path.read_text().splitlines():  # by whole prefixes, which the adapter does not look at
        row = json.loads(line)
        blocks = tuple(row["hash_ids"])
        longest = max((n for n in range(1, len(blocks) + 1) if blocks[:n] in seen), default=0)
        hits += min(512 * longest, row["input_length"])
        seen |= {blocks[:n] for n in range(1, len(blocks) + 1)}
        given, came = given + row["input_length"], came + row["output_length"]
    assert (given, came, hits) == (144_793_823, 4_122_048, 54_098_411)
    sums = "SELECT sum(input_tokens), sum(output_tokens), sum(cached_input_tokens) FROM events"
    assert kept(sqlite_database, home, sums) == [(given, came, hits)]
    assert (found.events, found.quarantined, found.bases) == (12_031, 0, {"none": 12_031})


def test_aider_has_69_runs_of_which_18_are_unpriced(sqlite_database: Database, home: Path, data_dir: Path) -> None:
    path = data_dir / "usage/aider/polyglot_leaderboard.yml"
    (found,) = twice(sqlite_database, home, [path], "aider")
    assert (found.events, found.quarantined, found.bases) == (69, 0, {"reported": 51, "none": 18})
    runs = yaml.safe_load(path.read_text())
    stated = (
        sum(run["test_cases"] for run in runs),
        sum(run["pass_num_2"] for run in runs),
        sum(run["pass_num_1"] for run in runs),
        sum(to_nano_usd(Decimal(str(run.get("total_cost", 0)))) for run in runs),
        sum(run.get("prompt_tokens", 0) for run in runs),
    )
    sums = "SELECT sum(outcomes), sum(approved), sum(approved_first), sum(cost_nano_usd), sum(input_tokens) FROM events"
    assert kept(sqlite_database, home, sums) == [stated]


def test_the_other_boards_give_their_counts_by_rates(sqlite_database: Database, home: Path, data_dir: Path) -> None:
    """One run of one board states a rate that no whole number of its cases gives."""
    names = ("edit_leaderboard", "refactor_leaderboard", "architect")
    files = [data_dir / f"usage/aider/{name}.yml" for name in names]
    found = twice(sqlite_database, home, files, "aider")
    assert [(one.rows, one.events, one.quarantined, one.bases.get("reported")) for one in found] == [
        (98, 98, 0, 30),
        (14, 13, 1, 11),
        (20, 20, 0, 20),
    ]
    rates = {run["dirname"]: run for file in files for run in yaml.safe_load(file.read_text())}
    for run, cases, first, passed in kept(
        sqlite_database, home, "SELECT run, outcomes, approved_first, approved FROM events"
    ):
        assert abs(100 * first / cases - rates[run]["pass_rate_1"]) < 0.0501
        assert abs(100 * passed / cases - rates[run].get("pass_rate_2", rates[run]["pass_rate_1"])) < 0.0501


def test_a_vendors_charges_are_costs_to_the_nano_usd(sqlite_database: Database, home: Path, data_dir: Path) -> None:
    path = data_dir / "usage/focus_sample/focus_sample.csv"
    (found,) = twice(sqlite_database, home, [path], "focus")
    assert (found.events, found.quarantined) == (1_000, 0)
    with path.open(newline="") as stream:
        stated = sum(Decimal(row["EffectiveCost"]) for row in csv.DictReader(stream))
    ((total, records),) = kept(sqlite_database, home, "SELECT sum(cost_nano_usd), min(record) FROM events")
    assert abs(total - int(stated * 10**9)) <= 500  # half a nano-USD for each of a thousand rows
    assert records == "cost"
