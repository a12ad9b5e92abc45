"""The benchmark of evidence runs on any files of the same schema; the aims on the real ones are asserted where they are held."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from finops_ai_tests.conftest import REPOSITORY

ARTICLE = [
    "The plant in Ulm was opened in March 2021.",
    "It employs 300 people on two floors.",
    "The mayor of Ulm gave a short speech at the gate.",
    "A bakery stands across the street from the plant.",
]
WICE = [
    {
        "label": "supported",
        "claim": "The Ulm plant opened in 2021.",
        "supporting_sentences": [[0]],
        "evidence": ARTICLE,
    },
    {
        "label": "not_supported",
        "claim": "The Ulm plant employs 900 people.",
        "supporting_sentences": [],
        "evidence": ARTICLE,
    },
]
SUMMEDITS = [
    {
        "doc": " ".join(ARTICLE),
        "summary": "The plant in Ulm was opened in April 2021.",
        "original_summary": "The plant in Ulm was opened in March 2021.",
        "label": 0,
    }
]


def run(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.evidence", *arguments, "--json"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_it_runs_on_other_files_of_the_same_schema(tmp_path: Path) -> None:
    (tmp_path / "wice.jsonl").write_text("\n".join(map(json.dumps, WICE)) + "\n")
    (tmp_path / "edits.json").write_text(json.dumps(SUMMEDITS))
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "a.md").write_text("\n\n".join(ARTICLE))
    report = run(
        *("--wice", str(tmp_path / "wice.jsonl"), "--summedits", str(tmp_path / "edits.json")),
        *("--sources", str(tmp_path / "sources"), "--pages", "20", "--pairs", "4"),
    )
    assert report["wice"]["claims"] == 2
    assert report["wice"]["coverage"] == 1.0
    assert report["summedits"]["corrupted sentences"] == 1
    assert report["veto"]["vetoed of the others"] == 1.0
    assert report["real sources"]["offsets that resolve"] == 1.0
    assert len(report["aims"]) == 12
    assert all(set(aim) == {"figure", "found", "aim", "holds"} for aim in report["aims"])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench.evidence", "--wice", str(tmp_path / "nothing.jsonl")]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "nothing.jsonl" in done.stderr


SECTIONS = ["summedits", "veto", "injections"]
LONG_SECTIONS = ["wice", "contradictions", "real sources"] if os.environ.get("FINOPS_AI_TESTS_LONG") else []


@pytest.mark.parametrize("section", SECTIONS + LONG_SECTIONS)
def test_the_aims_hold_on_the_reference_data(section: str, data_dir: Path) -> None:
    """A change that lets one corrupted sentence through is seen here, not in the next report."""
    del data_dir
    report = run("--only", section)
    assert report["aims"], "nothing was measured"
    assert [aim for aim in report["aims"] if not aim["holds"]] == []
