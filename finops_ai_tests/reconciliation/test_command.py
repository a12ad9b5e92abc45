"""The command, as a person or a script sees it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from finops_ai.cli.reconcile import reconcile
from finops_ai.settings import Settings
from finops_ai.store import Database, open_database, open_objects
from finops_ai_tests.reconciliation.provider import openai_page
from finops_ai_tests.reconciliation.test_applying import Books, used


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    monkeypatch.setenv("FINOPS_AI_HOME", str(tmp_path / "home"))
    opened = open_database(Settings(home=tmp_path / "home", user="operator"))
    yield opened
    opened.engine.dispose()


@pytest.fixture
def books(home: Database, tmp_path: Path) -> Books:
    return Books(home, open_objects(Settings(home=tmp_path / "home")))


def run(folder: Path, report: Any, *options: str) -> Result:
    file = folder / "usage.json"
    file.write_text(json.dumps(report))
    return CliRunner().invoke(reconcile, [str(file), *options])


def test_json_names_what_was_resolved_and_the_suspense_after_it(books: Books, tmp_path: Path) -> None:
    key = books.call()
    report = openai_page({0: [used(1)]})
    dry = run(tmp_path, report, "--json", "--dry-run")
    found = run(tmp_path, report, "--json")
    assert (dry.exit_code, found.exit_code) == (0, 0)
    shown = json.loads(found.stdout)
    assert shown == json.loads(dry.stdout)
    (item,) = shown["resolved"]
    assert (item["reservation"], item["kind"], item["step"], item["loop"]) == (key, "billed", "draft", 0)
    assert (item["cost_usd"], item["released_usd"]) == ("0.0000001", "0.0000009")
    assert shown["suspense_usd"] == "0.00"
    again = run(tmp_path, report)
    assert (again.exit_code, again.stdout.splitlines()[0]) == (0, "nothing to change")


def test_what_is_left_or_differs_ends_with_1(books: Books, tmp_path: Path) -> None:
    books.call()
    books.call()
    found = run(tmp_path, openai_page({0: [used(1)]}))
    assert found.exit_code == 1
    assert found.stdout.count("left ") == 2
    assert "report: requests 1, input_tokens 100" in found.stdout


def test_wrong_input_ends_with_2_and_names_its_place(books: Books, tmp_path: Path) -> None:
    found = run(tmp_path, openai_page({0: [used(1) | {"model": None}]}), "--json")
    assert found.exit_code == 2
    (error,) = json.loads(found.stdout)["error"]
    assert (Path(error["file"]).name, error["field"]) == ("usage.json", "data[0].results[0].model")
    assert CliRunner().invoke(reconcile, [str(tmp_path / "missing.json")]).exit_code == 2


def test_the_help_ends_with_an_example() -> None:
    assert "finops-ai ledger reconcile" in CliRunner().invoke(reconcile, ["--help"]).stdout.partition("Example:")[2]
