"""`baseline import`: what it prints, what it refuses, and that a script can rely on it."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from finops_ai.cli import main
from finops_ai.cli.baseline import FORMATS as OFFERED
from finops_ai.cli.baseline import baseline as command
from finops_ai.usage import FORMATS
from finops_ai_tests.usage import samples


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("FINOPS_AI_HOME", str(tmp_path / "home"))

    def call(*arguments: str | Path, code: int = 0) -> Result:
        found = CliRunner().invoke(main, ["baseline", "import", *map(str, arguments)], catch_exceptions=False)
        assert found.exit_code == code, found.output
        return found

    return call


def test_the_formats_of_the_command_are_those_that_are_read() -> None:
    """The command names them itself, so that `--help` loads nothing."""
    assert tuple(FORMATS) == OFFERED


def test_an_import_gives_exact_integers(invoke: Any, tmp_path: Path) -> None:
    path = samples.LITELLM.write(tmp_path)
    (found,) = json.loads(invoke(path, "--format", "litellm", "--json").stdout)
    assert (found["rows"], found["events"], found["duplicates"], found["quarantined"], found["already"]) == (
        4,
        3,
        0,
        1,
        False,
    )
    assert found["bases"] == {"reported": 3}
    assert Path(found["quarantine"]).is_file()
    (again,) = json.loads(invoke(path, "--format", "litellm", "--json").stdout)
    assert again["already"] is True


def test_a_person_is_told_of_quarantine_unpriced_models_and_notes(invoke: Any, tmp_path: Path) -> None:
    told = invoke(samples.AIDER.write(tmp_path), "--format", "aider").stdout
    assert "1 row in quarantine" in told
    assert "unpriced: some-model (1)" in told
    assert "passed cases derived from a pass rate (1 row)" in told
    assert "imported before" in invoke(samples.AIDER.write(tmp_path), "--format", "aider").stdout


def test_a_trace_is_priced_as_declared(invoke: Any, tmp_path: Path) -> None:
    path = samples.AZURE_TRACE.write(tmp_path)
    rates = ("--input-usd-per-mtok", "2.5", "--output-usd-per-mtok", "10")
    (found,) = json.loads(invoke(path, "--format", "azure-trace", *rates, "--workload", "coding", "--json").stdout)
    assert found["bases"] == {"declared": 3}


def test_a_table_is_read_by_its_mapping_file(invoke: Any, tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(json.dumps(samples.CSV.mapping))
    (found,) = json.loads(invoke(samples.CSV.write(tmp_path), "--format", "csv", "--mapping", mapping, "--json").stdout)
    assert (found["events"], found["quarantined"]) == (3, 1)


WRONG: dict[str, tuple[tuple[str, ...], str, str]] = {
    "missing file": (("nowhere.csv", "--format", "azure-trace"), "", "No such file"),
    "wrong format": (("{trace}", "--format", "mooncake"), "", "not of the format mooncake"),
    "no mapping": (("{trace}", "--format", "csv"), "mapping.columns", "required"),
    "missing mapping": (("{trace}", "--format", "csv", "--mapping", "nowhere.yaml"), "--mapping", "No such file"),
    "unknown model": (("{trace}", "--format", "azure-trace", "--price-as", "no-such"), "price_as", "no-such"),
    "half a price": (
        ("{trace}", "--format", "azure-trace", "--input-usd-per-mtok", "1"),
        "--input-usd-per-mtok",
        "output",
    ),
    "two prices": (
        (
            "{trace}",
            "--format",
            "azure-trace",
            "--price-as",
            "gpt-4o",
            "--input-usd-per-mtok",
            "1",
            "--output-usd-per-mtok",
            "1",
        ),
        "price_as",
        "not both",
    ),
    "an option of another format": (
        ("{trace}", "--format", "azure-trace", "--start", "2026-11-01T00:00:00Z"),
        "start",
        "only the format mooncake",
    ),
    "no time": (("{trace}", "--format", "mooncake", "--start", "soon"), "--start", "no time"),
    "no zone": (("{trace}", "--format", "mooncake", "--start", "2026-11-01"), "--start", "no time zone"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_names_file_field_and_reason_and_keeps_nothing(case: str, invoke: Any, tmp_path: Path) -> None:
    arguments, field, reason = WRONG[case]
    trace = samples.AZURE_TRACE.write(tmp_path)
    filled = [argument.replace("{trace}", str(trace)) for argument in arguments]
    (problem,) = json.loads(invoke(*filled, "--json", code=2).stdout)["error"]
    assert problem.get("field", "") == field
    assert reason in problem["reason"]
    assert not list((tmp_path / "home").rglob("*.parquet"))


@pytest.mark.parametrize("amount", ["-1", "much", "NaN"])
def test_a_rate_is_an_amount(amount: str, invoke: Any, tmp_path: Path) -> None:
    found = invoke(
        samples.AZURE_TRACE.write(tmp_path), "--format", "azure-trace", "--input-usd-per-mtok", amount, code=2
    )
    assert "no amount of US dollars" in found.stderr


def test_the_group_is_open_for_more() -> None:
    """`baseline report` comes from a module of its own."""
    assert main.commands["baseline"] is command
    assert "import" in command.commands
