"""The commands: what they print, what they refuse, how they fail."""

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from finops_ai.cli import main
from finops_ai_tests.deployment import write_brief


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Commands in this process: quick, for everything that does not need one of its own."""
    monkeypatch.setenv("FINOPS_AI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FINOPS_AI_USER", "operator")

    def call(*arguments: str | Path, code: int = 0) -> Result:
        result = CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result

    return call


def commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    found = []
    for name, command in group.commands.items():
        found += commands(command, (*path, name)) if isinstance(command, click.Group) else [((*path, name), command)]
    return found


@pytest.mark.parametrize(
    ("path", "command"), commands(main), ids=lambda value: "-".join(value) if isinstance(value, tuple) else ""
)
def test_every_command_explains_itself(path: tuple[str, ...], command: click.Command) -> None:
    """With an example that can be typed, or by saying that it is not there yet; and each takes --json but `ui`."""
    text = command.help or ""
    assert "Example:" in text or "not yet" in text, path
    assert path == ("ui",) or any("--json" in parameter.opts for parameter in command.params)


MALFORMED: dict[str, tuple[str, str, str]] = {
    "wrong type": ("budget_usd: [1]", "budget_usd", "amount in US dollars"),
    "unknown field": ("colour: red", "colour", "unknown field"),
    "missing source file": ("sources: [{uri: nowhere.md}]", "sources.0.uri", "no such file"),
    "file outside": ("sources: [{uri: /etc/passwd}]", "sources.0.uri", "outside"),
    "negative budget": ("budget_usd: -1", "budget_usd", "greater than 0"),
    "budget above the month": ("budget_usd: 450", "budget_usd", "may spend in a month"),
    "not a number": ("budget_usd: .nan", "budget_usd", "not an amount"),
    "unknown target": ("targets: [moon]", "targets.0", "unknown target"),
    "1 MB topic": (f"topic: {'x' * 1_000_000}", "", "larger than"),
    "long topic": (f"topic: {'x' * 1_000}", "topic", "at most 200 characters"),
    "YAML bomb": ("a: &a [x, x]\nb: &b [*a, *a]\ntopic: *b", "", "anchors, aliases and tags"),
    "tag": ("topic: !!python/object/apply:os.system [ls]", "", "anchors, aliases and tags"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_brief_names_file_field_and_reason_and_registers_nothing(
    case: str, invoke: Any, tmp_path: Path
) -> None:
    line, field, reason = MALFORMED[case]
    path = write_brief(tmp_path)
    name = line.partition(":")[0]
    kept = [old for old in path.read_text().split("\n") if not old.startswith(f"{name}:")]
    if name == "sources":
        kept = [old for old in kept if not old.startswith("- ") and not old.startswith("  uri")]
    path.write_text("\n".join([*kept, line]))
    good = write_brief(tmp_path, name="good.yaml", topic="Another topic")
    problems = json.loads(invoke("submit", good, path, "--json", code=2).stdout)["error"]
    assert {problem["file"] for problem in problems} == {str(path)}
    assert field in {problem["field"] for problem in problems}
    assert reason in " ".join(problem["reason"] for problem in problems)
    assert json.loads(invoke("status", "--json").stdout) == []


def test_a_missing_brief_is_wrong_input(invoke: Any, tmp_path: Path) -> None:
    result = invoke("submit", tmp_path / "none.yaml", code=2)
    assert "No such file" in result.stderr


@pytest.mark.parametrize("arguments", [("run", "nothing"), ("status", "nothing"), ("verify", "nothing.md")])
def test_what_does_not_exist_is_wrong_input(arguments: tuple[str, ...], invoke: Any) -> None:
    assert json.loads(invoke(*arguments, "--json", code=2).stdout)["error"][0]["reason"]


def test_production_without_a_database_refuses_to_start(invoke: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINOPS_AI_ENV", "production")
    assert "FINOPS_AI_POSTGRES_URL" in invoke("status", code=2).stderr


def test_a_policy_with_an_unknown_key_is_refused_by_name(invoke: Any, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("approvals: {high: {quorum: {legal: 1}, timeout: approve}}\n")
    assert "approvals.high.timeout: unknown key" in invoke("policy", "check", path, code=2).stderr


def test_signing_needs_a_token_that_is_known(invoke: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ("decide", "x", "approve", "--digest", "d", "--reason", "checked")
    assert "FINOPS_AI_REVIEWER_TOKEN" in invoke(*arguments, code=2).stderr
    monkeypatch.setenv("FINOPS_AI_REVIEWER_TOKEN", "fai_guess")
    assert "no active reviewer" in invoke(*arguments, code=2).stderr


def test_a_reviewers_token_is_shown_once_and_kept_nowhere(invoke: Any, tmp_path: Path) -> None:
    token = json.loads(invoke("reviewer", "add", "Ana", "--role", "legal", "--json").stdout)["token"]
    assert token not in invoke("reviewer", "list", "--json").stdout
    kept = b"".join(path.read_bytes() for path in (tmp_path / "home").glob("*.db*"))
    assert token.encode() not in kept


def test_the_doctor_finds_nothing_wrong_with_a_fresh_home(invoke: Any) -> None:
    assert all(finding["ok"] for finding in json.loads(invoke("doctor", "--json").stdout))


def test_the_doctor_finds_a_file_of_usage_events_that_is_not_what_was_written(invoke: Any, tmp_path: Path) -> None:
    """A changed file can be read as well as ever: only its registered bytes tell."""
    log = tmp_path / "trace_code.csv"
    log.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03,4808,10\n")
    invoke("baseline", "import", str(log), "--format", "azure-trace")
    assert "1 files, as they were written" in invoke("doctor").stdout
    (part,) = (tmp_path / "home" / "usage" / "events").rglob("*.parquet")
    part.write_bytes(part.read_bytes() + b" ")
    assert "1 damaged or gone: day=2023-11-16/" in invoke("doctor", code=1).stdout


def test_the_doctor_counts_addresses_and_shows_none(invoke: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address holds a password."""
    assert "nobody is told of budgets" in invoke("doctor").stdout
    monkeypatch.setenv("FINOPS_AI_NOTIFY_URLS", "json://user:hunter2@localhost/a json://localhost/b")
    shown = invoke("doctor").stdout
    assert "2 addresses" in shown
    assert "hunter2" not in shown
    monkeypatch.setenv("FINOPS_AI_NOTIFY_URLS", "no address")
    assert "cannot be read" in invoke("doctor", code=1).stdout


def test_the_doctor_finds_a_tier_that_no_book_prices(
    invoke: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = tmp_path / "policy.yaml"
    tier = "{engine: openai, model: our-own, base_url: 'http://127.0.0.1:1/v1'}"
    policy.write_text(f"tiers: {{premium: {tier}}}\nrates: {{review_usd_per_hour: none}}\n")
    monkeypatch.setenv("FINOPS_AI_POLICY", str(policy))
    shown = invoke("doctor", code=1).stdout
    assert "no price is known" in shown
    assert "none for review" in shown
    assert "no rate for review" in invoke("policy", "check").stdout
