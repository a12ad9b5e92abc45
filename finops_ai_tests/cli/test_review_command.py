"""The monthly review as a person at a terminal, a script and a browser meet it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from finops_ai import ledger
from finops_ai.cli import main
from finops_ai.settings import Settings
from finops_ai.store import open_database, open_objects, simulated
from finops_ai_tests.governance.ground import Ground

Invoke = Callable[..., Result]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """One artifact that was published in November 2025, its books sealed."""
    settings = Settings(home=tmp_path_factory.mktemp("review"), user="operator")
    ground = Ground(open_database(settings), open_objects(settings), at=datetime(2025, 11, 3, 9, tzinfo=UTC))
    artifact = ground.submit(impact="medium")
    ground.assess(artifact)
    ground.judge(artifact, "policy")
    ground.call(artifact, (1_000, 0, 100))
    ground.draft(artifact)
    ground.put_up(artifact)
    ground.wait(hours=2)
    ground.decide(artifact, "Bob", seconds=60)
    ground.publish(artifact)
    with simulated(ground.at):
        ledger.seal(ground.database)
    return ground


@pytest.fixture
def invoke(made: Ground, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    monkeypatch.setenv("FINOPS_AI_HOME", str(Path(str(made.objects.root)).parent))

    def call(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(main, ["review", *arguments], catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result

    return call


def test_it_says_the_figures_and_what_needs_a_decision(invoke: Invoke) -> None:
    text = invoke("--month", "2025-11").stdout
    assert "Governance review 2025-11\n" in text
    assert "1.50 USD" in text
    assert "The month is not closed" in text
    assert "checks hold" in text
    assert "no baseline" in text


def test_it_writes_a_page_and_its_markdown(invoke: Invoke, tmp_path: Path) -> None:
    out = tmp_path / "new" / "reviews"
    text = invoke("--month", "2025-11", "--out", str(out)).stdout
    files = sorted(file.name for file in out.iterdir())
    assert files == ["review-2025-11.html", "review-2025-11.md"]
    assert str(out / "review-2025-11.html") in text
    assert "Governance review 2025-11" in (out / "review-2025-11.md").read_text()
    first = (out / "review-2025-11.html").read_bytes()
    invoke("--month", "2025-11", "--out", str(out))
    assert (out / "review-2025-11.html").read_bytes() == first


def test_its_json_is_the_ledgers(invoke: Invoke, made: Ground) -> None:
    record = json.loads(invoke("--month", "2025-11", "--json").stdout)
    value = {figure["id"]: figure["value"] for figure in record["figures"]}
    with made.database.read() as connection:
        spent = ledger.spent(connection, month="2025-11").cost_nano_usd
    assert value["spend"] == spent == int(Decimal("1.50045") * 10**9)
    assert value["unit-cost"] == {"numerator": spent, "denominator": 1}
    assert all(row["state"] == "ready" for row in record["checks"])
    assert "rows" not in record["tables"]["work"]


def test_the_rows_behind_a_figure_can_be_listed(invoke: Invoke, made: Ground) -> None:
    (artifact,) = made.briefs
    assert artifact in invoke("--month", "2025-11", "--rows", "work").stdout
    table = json.loads(invoke("--month", "2025-11", "--rows", "work", "--json").stdout)
    record = json.loads(invoke("--month", "2025-11", "--json").stdout)
    assert [row["artifact"] for row in table["rows"]] == [artifact]
    assert table["sha256"] == record["tables"]["work"]["sha256"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--month", "2025-13"), "is not a month; write YYYY-MM"),
        (("--month", "2025-11", "--rows", "nothing"), "no table nothing; there are outcomes, "),
    ],
)
def test_wrong_input_is_refused_with_its_field(invoke: Invoke, arguments: tuple[str, ...], reason: str) -> None:
    (error,) = json.loads(invoke(*arguments, "--json", code=2).stdout)["error"]
    assert error["field"] == arguments[-2]
    assert reason in error["reason"]


def test_a_folder_that_cannot_be_written_is_refused(invoke: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    assert "--out" in invoke("--month", "2025-11", "--out", str(file / "x"), code=2).stderr


@pytest.mark.parametrize("other", [("--put-up",), ("--out", "reviews")])
def test_rows_are_printed_instead_of_anything_else(invoke: Invoke, other: tuple[str, ...]) -> None:
    """Whoever asks for signatures and for rows at once must not believe that both were done."""
    assert "--rows" in invoke("--month", "2025-11", "--rows", "work", *other, code=2).output
