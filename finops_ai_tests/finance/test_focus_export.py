"""The FOCUS file of a month: its columns, exact arithmetic in every row, and sums that are the ledger's."""

import csv
import json
from collections import defaultdict
from dataclasses import replace
from decimal import Context, Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from finops_ai import finance, ledger
from finops_ai.finance import Account, Exported
from finops_ai.finance.export import ExportDiffers
from finops_ai.store import Database, simulated, tables
from finops_ai_tests.finance.books import BUDGET, COMPUTE, NOVEMBER, OCTOBER, Books, at, booked, called, usage
from finops_ai_tests.records import payer, registered, without_guard

EXACT = Context(prec=80)
MANDATORY_IN_1_2 = {
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodStart", "BillingPeriodEnd",
    "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodStart", "ChargePeriodEnd", "ContractedCost",
    "EffectiveCost", "InvoiceIssuerName", "ListCost", "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName",
    "ServiceCategory", "ServiceName",
}  # fmt: skip
COSTS = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost", "PricingCurrencyEffectiveCost")

Row = dict[str, str]


def exported(database: Database, folder: Path, month: str, ending: str = "csv") -> tuple[Exported, list[Row]]:
    out = folder / f"{month}.{ending}"
    result = finance.export_focus(database, month=month, out=out, account=Account(id="acme", name="ACME"))
    with out.open(newline="", encoding="utf-8") as file:
        return result, list(csv.DictReader(file)) if ending == "csv" else []


@pytest.fixture
def october_rows(database: Database, books: Books, tmp_path: Path) -> list[Row]:
    return exported(database, tmp_path, OCTOBER)[1]


def only(rows: list[Row], **wanted: str) -> Row:
    (row,) = (row for row in rows if all(row[name] == value for name, value in wanted.items()))
    return row


def nano(usd: Decimal) -> Decimal:
    return EXACT.multiply(usd, Decimal(10**9))


def total(rows: list[Row], name: str = "BilledCost") -> Decimal:
    found = Decimal(0)
    for row in rows:
        found = EXACT.add(found, Decimal(row[name]))
    return found


def spent(database: Database, **where: Any) -> int:
    with database.read() as connection:
        return ledger.spent(connection, **where).cost_nano_usd


@pytest.mark.parametrize("month", [OCTOBER, NOVEMBER])
def test_the_file_comes_to_what_the_ledger_says_to_the_nano_dollar(
    database: Database, books: Books, tmp_path: Path, month: str
) -> None:
    result, rows = exported(database, tmp_path, month)
    booked_nano_usd = spent(database, month=month)
    for name in COSTS:
        assert nano(total(rows, name)) == booked_nano_usd
    assert (result.rows, result.total_nano_usd, result.ledger_nano_usd) == (len(rows), booked_nano_usd, booked_nano_usd)


@pytest.mark.parametrize("month", [OCTOBER, NOVEMBER])
def test_every_usage_row_costs_exactly_its_quantity_times_its_price(
    database: Database, books: Books, tmp_path: Path, month: str
) -> None:
    usages = [row for row in exported(database, tmp_path, month)[1] if row["ChargeCategory"] == "Usage"]
    assert usages
    for row in usages:
        quantity = Decimal(row["PricingQuantity"])
        assert EXACT.multiply(quantity, Decimal(row["ListUnitPrice"])) == Decimal(row["ListCost"])
        assert EXACT.multiply(quantity, Decimal(row["ContractedUnitPrice"])) == Decimal(row["ContractedCost"])
        assert {row[name] for name in COSTS} == {row["BilledCost"]}


def test_sums_by_artifact_cost_centre_and_kind_are_those_of_the_ledger(
    database: Database, october_rows: list[Row]
) -> None:
    """The rounding is kept where it arose: a slice of the file is as exact as the whole."""
    for column, name in (("x_Artifact", "artifact"), ("SubAccountId", "cost_centre"), ("x_Kind", "kind")):
        sums: dict[str, list[Row]] = defaultdict(list)
        for row in october_rows:
            sums[row[column]].append(row)
        for key, rows in sums.items():
            assert nano(total(rows)) == spent(database, month=OCTOBER, **{name: key})


def test_the_columns_are_those_that_both_versions_demand(data_dir: Path, october_rows: list[Row]) -> None:
    model = json.loads((data_dir / "focus" / "focus_1_4_model.json").read_text())
    known = model["datasets"]["Cost and Usage"]["columns"]
    columns = set(october_rows[0])
    assert columns >= MANDATORY_IN_1_2
    assert columns >= {
        name for name, column in known.items() if column["feature_level"] in ("Mandatory", "Recommended")
    }
    assert {c for c in columns - set(known) if not c.startswith("x_")} == {"ProviderName", "PublisherName"}
    for row in october_rows:
        for name in columns & set(known):
            assert row[name] or known[name]["allows_nulls"], name
            assert not row[name] or row[name] in (known[name]["allowed_values"] or [row[name]]), name
        assert model["service_subcategory_parents"][row["ServiceSubcategory"]] == row["ServiceCategory"]


def test_a_call_is_written_with_its_provider_sku_price_and_place(books: Books, october_rows: list[Row]) -> None:
    row = only(october_rows, x_Model="model-a", SkuMeter="Cached Input Tokens")
    expected = {
        "BilledCost": Decimal("0.00000015"),  # 300 tokens at half a nano-USD
        "PricingQuantity": Decimal("0.0003"),
        "ListUnitPrice": Decimal("0.0005"),
        "ConsumedQuantity": Decimal(300),
    }
    assert {name: Decimal(row[name]) for name in expected} == expected
    texts = {
        "BillingAccountId": "acme", "BillingPeriodStart": "2026-10-01T00:00:00Z", "BillingPeriodEnd": "2026-11-01T00:00:00Z",
        "ChargePeriodStart": "2026-10-05T00:00:00Z", "ChargePeriodEnd": "2026-10-06T00:00:00Z", "ChargeClass": "",
        "ConsumedUnit": "Tokens", "PricingUnit": "1000000 Tokens", "PricingCategory": "Standard",
        "ServiceProviderName": "provider.example", "SkuId": "provider.example/model-a/cached-input-tokens",
        "SkuPriceId": "provider.example/model-a/cached-input-tokens/standard/0.000500000", "SubAccountId": "cc-4711",
        "ResourceId": books.artifact, "x_Step": "draft", "x_Loop": "0", "x_Tier": "standard", "x_Approved": "false",
        "x_PriceSource": "test", "x_PriceVersion": "1",
    }  # fmt: skip
    assert {name: row[name] for name in texts} == texts
    assert json.loads(row["Tags"])["artifact"] == books.artifact


def test_a_batch_price_is_another_price_of_the_same_sku_and_each_tier_is_one_more(october_rows: list[Row]) -> None:
    rows = [r for r in october_rows if r["x_Model"] == "model-b" and r["SkuMeter"] == "Input Tokens"]
    assert {r["SkuId"] for r in rows} == {"other.example/model-b/input-tokens"}
    assert {r["SkuPriceId"].removeprefix("other.example/model-b/input-tokens/") for r in rows} == {
        "batch/0.000333333",
        "batch/0.000700001",
    }
    assert {(r["PricingCategory"], r["SkuPriceDetails"]) for r in rows} == {("Standard", '{"x_ServiceLevel":"batch"}')}


def test_hours_and_gigabytes_are_written_at_the_rate_of_their_booking(october_rows: list[Row]) -> None:
    """61 seconds are no finite decimal of an hour: cut off at 15 decimals, the rest is in the rounding."""
    review = only(october_rows, SkuMeter="Review Time")
    assert review["PricingQuantity"] == "0.016944444444444"
    assert (review["PricingUnit"], review["ConsumedUnit"]) == ("Hours", "Seconds")
    assert (Decimal(review["ListUnitPrice"]), review["SubAccountId"]) == (Decimal(90), "cc-0815")
    fetched = only(october_rows, SkuMeter="Retrieved Bytes")
    assert (Decimal(fetched["PricingQuantity"]), fetched["PricingUnit"]) == (Decimal("0.000987654"), "GB")
    kept, derived = (
        only(october_rows, SkuMeter="Compute Time", ChargePeriodStart=f"2026-10-{day}T00:00:00Z")
        for day in ("05", "31")
    )
    assert (kept["x_PriceSource"], Decimal(kept["ListUnitPrice"])) == ("policy", Decimal("0.1"))
    assert derived["x_PriceSource"] == "amount by quantity"
    assert abs(Decimal(derived["ListUnitPrice"]) - Decimal("0.1")) < Decimal("0.000001")


def test_rounding_is_a_row_only_where_there_is_some_and_less_than_a_nano_dollar_an_entry(
    october_rows: list[Row],
) -> None:
    roundings = [row for row in october_rows if row["ChargeCategory"] == "Adjustment"]
    assert roundings
    assert all(Decimal(row["BilledCost"]) != 0 for row in roundings)
    entries = sum(int(row["x_LedgerEntries"] or 0) for row in october_rows)
    assert sum(abs(nano(Decimal(row["BilledCost"]))) for row in roundings) < entries
    assert not [row for row in roundings if row["ServiceProviderName"] == "provider.example"], "whole nano-USD a token"


def test_a_correction_of_an_earlier_month_is_classed_as_one(database: Database, books: Books, tmp_path: Path) -> None:
    result, rows = exported(database, tmp_path, NOVEMBER)
    row = only(rows, ChargeClass="Correction")
    assert (row["ChargePeriodStart"], row["BillingPeriodStart"]) == ("2026-10-05T00:00:00Z", "2026-11-01T00:00:00Z")
    assert Decimal(row["BilledCost"]) == Decimal("-0.00000002")
    assert (result.corrections, result.corrected_usd) == (1, Decimal("-0.00000002"))
    assert result.suspense_nano_usd == 5_000, "not in the file, and not hidden"


def test_csv_and_parquet_hold_the_same_rows(database: Database, books: Books, tmp_path: Path) -> None:
    import duckdb

    _, rows = exported(database, tmp_path, OCTOBER)
    exported(database, tmp_path, OCTOBER, "parquet")
    with duckdb.connect() as engine:
        found = engine.execute("FROM read_parquet(?)", [str(tmp_path / f"{OCTOBER}.parquet")])
        names = [column[0] for column in found.description or ()]
        values = found.fetchall()
        types = dict(
            engine.execute(
                "SELECT name, type FROM parquet_schema(?)", [str(tmp_path / f"{OCTOBER}.parquet")]
            ).fetchall()
        )
    assert [dict(zip(names, map(as_text, row), strict=True)) for row in values] == rows
    assert not {"DOUBLE", "FLOAT"} & set(types.values())
    assert all("." in row["ConsumedQuantity"] for row in rows if row["ConsumedQuantity"]), (
        "else a reader takes it for an integer"
    )


def as_text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)


def test_an_artifact_is_approved_when_it_was_published_by_the_end_of_the_month(
    database: Database, books: Books, tmp_path: Path
) -> None:
    """Not when it is so today: the file of a closed month must not change."""
    publish(database, books.artifact, at="2026-10-31T23:59:59.000000Z")
    publish(database, books.other, at="2026-11-01T00:00:00.000000Z")
    approved = {row["x_Artifact"]: row["x_Approved"] for row in exported(database, tmp_path, OCTOBER)[1]}
    assert approved == {books.artifact: "true", books.other: "false"}


def publish(database: Database, artifact: str, *, at: str) -> None:
    digest = artifact.ljust(64, "0")
    with database.write() as tx:
        tx.execute(tables.packet.insert().values(digest=digest, artifact=artifact, loop=0, created_at=at))
        tx.execute(
            tables.permit.insert().values(packet_digest=digest, artifact=artifact, decision_ids=[], run_id="r", at=at)
        )
        key = {"key": f"p/{artifact}", "packet_digest": digest, "artifact": artifact, "target": "local", "at": at}
        tx.execute(tables.publication.insert().values(key))
        tx.execute(tables.receipt.insert().values(publication_key=key["key"], files=[], run_id="r", at=at))


def test_a_charge_without_a_price_is_an_error_and_leaves_no_file(
    database: Database, books: Books, tmp_path: Path
) -> None:
    with database.write() as tx:
        without_guard(tx, tables.entry)
        tx.execute(sa.update(tables.entry).where(tables.entry.c.kind == "call").values(price={}))
    with pytest.raises(finance.UnpricedCharge, match="call"):
        exported(database, tmp_path, OCTOBER)
    assert not list(tmp_path.glob(".charges-*"))
    assert not list(tmp_path.glob("2026-10*"))


def test_an_amount_without_quantity_and_price_is_an_error(sqlite_database: Database, tmp_path: Path) -> None:
    """Nothing says what a unit of it costs. It is no rounding of another charge either."""
    who = payer(registered(sqlite_database), BUDGET)
    with simulated(at(OCTOBER, 5)), sqlite_database.write() as tx:
        ledger.book(tx, who, kind="compute", quantity=0, unit=COMPUTE.unit, amount_nano_usd=5, rate=None)
    with pytest.raises(finance.UnpricedCharge, match="an amount, no quantity and no price"):
        exported(sqlite_database, tmp_path, OCTOBER)
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_what_was_taken_back_whole_needs_no_price(sqlite_database: Database, tmp_path: Path) -> None:
    """Only what is charged is priced."""
    who = payer(registered(sqlite_database), BUDGET)
    with simulated(at(OCTOBER, 5)):
        booked(sqlite_database, who, "compute", 3_600_000, COMPUTE)
        called(sqlite_database, who, usage(10, 0))
    row = tables.entry
    with sqlite_database.write() as tx:
        without_guard(tx, row)
        call = tx.execute(sa.select(row).where(row.c.unit == "input_tokens")).mappings().one()
        tx.execute(sa.update(row).where(row.c.id == call["id"]).values(price={}))
        turned = {"debit": call["credit"], "credit": call["debit"], "reverses": call["id"], "price": {}}
        tx.execute(row.insert().values({name: call[name] for name in call if name != "id"} | turned))
    result, _ = exported(sqlite_database, tmp_path, OCTOBER)
    assert (result.charges, result.total_nano_usd) == (1, 100_000)


def test_a_file_that_differs_from_the_ledger_is_not_left_behind(
    sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The two are read in different ways; whatever makes them differ, an older file stays as it is."""
    who = payer(registered(sqlite_database), BUDGET)
    with simulated(at(OCTOBER, 5)):
        called(sqlite_database, who, usage(10, 1))
    out = tmp_path / "o.csv"
    out.write_text("older")
    monkeypatch.setattr("finops_ai.finance.export.booked_nano_usd", lambda *_: 13)
    with pytest.raises(ExportDiffers, match=r"0\.000000012"):
        finance.export_focus(sqlite_database, month=OCTOBER, out=out)
    assert out.read_text() == "older"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "o.csv"]


def test_progress_counts_entries_up_to_all_of_them(sqlite_database: Database, tmp_path: Path) -> None:
    who = payer(registered(sqlite_database), BUDGET)
    with simulated(at(OCTOBER, 5)):
        booked(sqlite_database, who, "compute", 3_600_000, COMPUTE)
    told: list[tuple[int, int]] = []
    finance.export_focus(
        sqlite_database, month=OCTOBER, out=tmp_path / "o.parquet", told=lambda done, of: told.append((done, of))
    )
    assert told[-1] == (1, 1)


def test_a_month_without_charges_is_a_file_with_columns_and_no_rows(sqlite_database: Database, tmp_path: Path) -> None:
    for ending in ("csv", "parquet"):
        result, _ = exported(sqlite_database, tmp_path, OCTOBER, ending)
        assert (result.rows, result.total_nano_usd) == (0, 0)
    assert (tmp_path / "2026-10.csv").read_text().startswith("AllocatedMethodDetails,")


@pytest.mark.parametrize(
    "workload", ['a "quoted", name', "two\nlines", "2026-10-05", "\\N", "null", "=1+1", "日本", "\x1b[0m"]
)
def test_any_name_of_a_workload_comes_through_as_it_is(
    sqlite_database: Database, tmp_path: Path, workload: str
) -> None:
    who = replace(payer(registered(sqlite_database), BUDGET), workload=workload)
    with simulated(at(OCTOBER, 5)):
        called(sqlite_database, who, usage(10, 1))
    _, rows = exported(sqlite_database, tmp_path, OCTOBER)
    assert {row["x_Workload"] for row in rows} == {workload}
    assert json.loads(rows[0]["Tags"])["workload"] == workload


def test_another_ending_is_refused(sqlite_database: Database, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.csv or \.parquet"):
        finance.export_focus(sqlite_database, month=OCTOBER, out=tmp_path / "o.xlsx")
