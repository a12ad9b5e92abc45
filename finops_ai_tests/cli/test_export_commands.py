"""Files for finance and closed months, as a person at a terminal meets them."""

import csv
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from finops_ai import ledger
from finops_ai.cli import main
from finops_ai.pricing import NANO
from finops_ai.store import preceding_month, simulated, tables, utc_now
from finops_ai_tests.deployment import Deployment, deployment
from finops_ai_tests.finance.books import COMPUTE, booked
from finops_ai_tests.records import payer, without_guard

Invoke = Callable[..., Result]
MONTH = utc_now()[:7]
BEFORE = preceding_month(MONTH)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """One published artifact of this month, and compute of the month before."""
    with deployment(tmp_path_factory.mktemp("exports")) as made:
        artifact = made.submit()
        made.run(artifact)
        with simulated(datetime.fromisoformat(f"{BEFORE}-03T12:00:00").replace(tzinfo=UTC)):
            booked(made.bench.database, payer(artifact, ("organisation/all", 10**12)), "compute", 10**7, COMPUTE)
        yield made


@pytest.fixture
def invoke(home: Deployment, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    monkeypatch.setenv("FINOPS_AI_HOME", str(home.bench.settings.home))
    monkeypatch.setenv("FINOPS_AI_USER", "controller")

    def call(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(main, list(arguments), catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result

    return call


def found(result: Result) -> Any:
    return json.loads(result.stdout)


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as opened:
        return list(csv.DictReader(opened))


def spent(home: Deployment, month: str) -> int:
    with home.bench.database.read() as connection:
        return ledger.spent(connection, month=month).cost_nano_usd


def test_charges_are_exported_with_a_summary(invoke: Invoke, home: Deployment, tmp_path: Path) -> None:
    out = tmp_path / "charges.csv"
    shown = found(
        invoke("export", "--month", MONTH, "--format", "focus", "--out", str(out), "--account", "acme", "--json")
    )
    rows = rows_of(out)
    total = sum(Decimal(row["BilledCost"]) for row in rows) * NANO
    assert total == spent(home, MONTH) == Decimal(shown["total_usd"]) * NANO != 0
    assert (shown["rows"], shown["closed"], shown["suspense_usd"]) == (len(rows), False, "0.00")
    assert {(row["BillingAccountId"], row["x_Approved"]) for row in rows} == {("acme", "true")}
    assert {row["x_PriceSource"] for row in rows if row["ChargeCategory"] == "Usage"} == {"policy"}
    text = invoke("export", "--month", MONTH, "--format", "focus", "--out", str(tmp_path / "c.parquet")).stdout
    assert f"{MONTH} is open" in text
    assert f"total {shown['total_usd']} USD, ledger {shown['ledger_usd']} USD" in text


def test_metadata_is_exported_and_compared_both_ways(invoke: Invoke, home: Deployment, tmp_path: Path) -> None:
    out = tmp_path / "metadata.csv"
    before = found(invoke("export", "--month", MONTH, "--format", "metadata", "--out", str(out), "--json"))
    rows = rows_of(out)
    assert before["differences"] == []
    assert before["metadata_usd"] == before["ledger_usd"]
    assert Decimal(before["ledger_usd"]) * NANO == spent(home, MONTH)
    assert before["rows"] == len(rows) == 11
    assert {row["asset"] for row in rows} >= {"brief", "draft", "published", "analytics"}
    assert all(row["run_id"] and row["data_version"] and row["at"].startswith(MONTH) for row in rows)

    booked(
        home.bench.database,
        payer(rows[0]["partition"], ("organisation/all", 10**12), step="late"),
        "compute",
        36_000,
        COMPUTE,
    )
    home.instance.report_runless_asset_event(
        dg.AssetMaterialization(
            asset_key="of_another_code_location",
            partition="p",
            metadata={"finops/cost_usd": 0.5, "finops/ledger_entries": rows[0]["ledger_entries"]},
        )
    )
    after = found(invoke("export", "--month", MONTH, "--format", "metadata", "--out", str(out), "--json"))
    (unknown,) = after["unknown_to_dagster"]
    assert "0.000001 USD, compute of" in unknown
    unlike, twice = after["unlike_the_ledger"]
    assert unlike.startswith("of_another_code_location of p (run ): 0.50 USD, its entries come to ")
    assert twice == f"entry {rows[0]['ledger_entries']}: named by 2 materializations"
    assert after["rows"] == 12
    text = invoke("export", "--month", MONTH, "--format", "metadata", "--out", str(tmp_path / "m.parquet")).stdout
    assert "not in a materialization: entry" in text
    assert "not what the ledger says: entry" in text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--month", "2026-13", "--out", "x.csv"), "is not a month"),
        (("--month", MONTH, "--out", "x.xlsx"), "ends in .csv or .parquet"),
        (("--month", MONTH, "--out", "nowhere/x.csv"), "no such folder"),
    ],
)
def test_wrong_input_is_refused(invoke: Invoke, arguments: tuple[str, ...], told: str) -> None:
    assert told in invoke("export", "--format", "focus", *arguments, code=2).stderr


def test_a_month_that_is_not_over_is_not_closed(invoke: Invoke) -> None:
    refused = found(invoke("ledger", "close", MONTH, "--json", code=2))
    assert "is not over" in refused["error"][0]["reason"]
    assert "is not a month" in invoke("ledger", "close", "October", code=2).stderr


def test_a_closed_month_is_proved_exported_again_and_its_change_is_seen(
    invoke: Invoke, home: Deployment, tmp_path: Path
) -> None:
    closed = found(invoke("ledger", "close", BEFORE, "--json"))
    assert (closed["charges"], closed["closed_by"]) == (1, "controller")
    assert "was closed by controller" in invoke("ledger", "close", BEFORE, code=2).stderr
    proof = found(invoke("ledger", "check", "--json"))
    assert proof["closed_months"] == [closed | {"problems": []}]
    assert f"{BEFORE}: as it was, closed by controller" in invoke("ledger", "check").stdout
    out = tmp_path / "closed.csv"
    wanted = ("export", "--month", BEFORE, "--format", "focus", "--out", str(out))
    assert found(invoke(*wanted, "--json"))["sha256"] == closed["sha256"]
    out.unlink()

    with home.bench.database.write() as tx:
        without_guard(tx, tables.entry)
        tx.execute(sa.update(tables.entry).where(tables.entry.c.month == BEFORE).values(quantity=1))
    assert "sha256" in found(invoke(*wanted, "--json", code=1))["error"][0]["reason"]
    assert not out.exists()
    (month,) = found(invoke("ledger", "check", "--json", code=1))["closed_months"]
    assert month["problems"]
    assert f"{BEFORE}: CHANGED" in invoke("ledger", "check", code=1).stdout


@pytest.mark.parametrize("form", ["focus", "metadata"])
def test_a_folder_that_takes_no_file_is_named_and_exits_2(form: str, invoke: Invoke) -> None:
    said = invoke("export", "--month", MONTH, "--format", form, "--out", "/proc/charges.csv", code=2).output
    assert "/proc/charges.csv: --out: " in said
