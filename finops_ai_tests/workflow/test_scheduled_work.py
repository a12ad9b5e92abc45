"""What runs on a schedule: measuring days, closing months, reviewing them; each partition with its cost and its own figures."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from finops_ai import finance, ledger
from finops_ai.orchestration.build import build_definitions
from finops_ai.orchestration.cost_metadata import KEYS
from finops_ai.store import month_start, preceding_month, simulated, today, utc_now
from finops_ai.usage import UsageEvent, keep_events
from finops_ai_tests.deployment import Deployment, deployment

LEADERS = {"Ines": "technology", "Sefa": "security", "Finn": "finance"}
MEASURED = ("usage_events", "workload_baseline", "spend_anomalies", "budget_forecast")


@pytest.fixture(params=["sqlite", "postgresql"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Deployment]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    with deployment(tmp_path, postgres_url=url) as found:
        yield found


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[Deployment]:
    """For what does not depend on the database."""
    with deployment(tmp_path) as found:
        yield found


def run(home: Deployment, job: str, *, tags: dict[str, str] | None = None, partition: str | None = None) -> bool:
    definitions = build_definitions({"workbench": home.bench})
    done = definitions.resolve_job_def(job).execute_in_process(
        partition_key=partition, instance=home.instance, tags=tags, raise_on_error=False
    )
    return done.success


def told(home: Deployment, asset: str) -> dict[str, dict[str, Any]]:
    """What the newest materialization of each partition says."""
    page = home.instance.fetch_materializations(dg.AssetKey(asset), limit=50, ascending=True)
    found = [record.asset_materialization for record in page.records]
    return {str(m.partition): {name: value.value for name, value in m.metadata.items()} for m in found if m}


def event(name: str, day: date, **more: Any) -> UsageEvent:
    fields: dict[str, Any] = {
        "event_id": name,
        "source": "test",
        "started_at": datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
        "workload": "support",
        "model": "model-a",
        "input_tokens": 900,
        "output_tokens": 100,
        "cost_nano_usd": 2_000_000_000,
        "price_basis": "reported",
    }
    return UsageEvent(**(fields | more))


def test_a_range_of_days_is_one_run_and_each_day_has_figures_and_cost_of_its_own(home: Deployment) -> None:
    first = date(2026, 3, 2)
    days = [first + timedelta(days=n) for n in range(3)]
    events = [event(f"{day} {n}", day) for count, day in enumerate(days) for n in range(count)]
    keep_events(home.bench.database, home.bench.settings.home, events, name="test")
    whole = {"dagster/asset_partition_range_start": str(days[0]), "dagster/asset_partition_range_end": str(days[-1])}
    assert run(home, "measure", tags=whole)
    for asset in MEASURED:
        found = told(home, asset)
        assert set(found) == {str(day) for day in days}
        for metadata in found.values():
            assert {f"finops/{key}" for key in KEYS} <= set(metadata), "no materialization is without its cost"
    assert [told(home, "usage_events")[str(day)]["events"] for day in days] == [0, 1, 2]
    assert [told(home, "workload_baseline")[str(day)]["spent usd"] for day in days] == [0, 2.0, 4.0]
    with home.bench.database.read() as connection:
        booked = {row["key"]: row["cost_nano_usd"] for row in ledger.cost_rows(connection, by="artifact")}
    assert set(booked) == {f"platform/{asset}/{day}" for asset in MEASURED for day in days}
    shown = {f"platform/{a}/{p}": m["finops/cost_usd"] for a in MEASURED for p, m in told(home, a).items()}
    assert {name: round(usd * 1e9) for name, usd in shown.items()} == booked


def test_the_trend_is_small_enough_for_the_page_itself(laptop: Deployment) -> None:
    """The web UI shows Markdown of less than 1,000 characters in place, and hides a longer one behind a link."""
    days = [date(2026, 3, 2) - timedelta(days=n) for n in range(28)]
    events = [event(str(day), day, cost_nano_usd=10**9 * (1 + day.day * 997 % 31)) for day in days]
    keep_events(laptop.bench.database, laptop.bench.settings.home, events, name="test")
    assert run(laptop, "measure", partition="2026-03-02")
    for asset in ("workload_baseline", "spend_anomalies"):
        shown = told(laptop, asset)["2026-03-02"]["four weeks"]
        assert len(shown) < 1_000
        assert shown.startswith("![](<data:image/svg+xml,"), "an address with spaces is one in angle brackets only"


def test_a_log_in_the_inbox_is_measured_once_and_a_broken_one_says_why(laptop: Deployment) -> None:
    inbox = laptop.bench.settings.home / "usage" / "inbox" / "azure-trace"
    inbox.mkdir(parents=True)
    (inbox / "AzureLLMInferenceTrace_code.csv").write_text(
        "TIMESTAMP,ContextTokens,GeneratedTokens\n"
        "2026-03-02 18:17:03.9799600,4808,10\n2026-03-02 18:17:04.0319600,3180,8\nnever,1,1\n"
    )
    (inbox / "other.csv").write_text("a,b\n1,2\n")
    assert run(laptop, "measure", partition="2026-03-02")
    first = told(laptop, "usage_events")["2026-03-02"]
    assert first["logs that arrived"] == "2, of which 1 were refused; 0 wait"
    assert first["rows in quarantine"] == 1
    assert run(laptop, "measure", partition="2026-03-02")
    found = told(laptop, "usage_events")["2026-03-02"]
    assert (found["events"], found["unpriced events"]) == (2, 2)
    assert (found["logs that arrived"], found["rows in quarantine"]) == ("0, of which 0 were refused; 0 wait", 0)
    assert (inbox / "accepted" / "AzureLLMInferenceTrace_code.csv").is_file()
    assert "format" in (inbox / "refused" / "other.csv.reason.txt").read_text()


def test_usage_without_a_price_is_told_and_is_not_free(laptop: Deployment) -> None:
    """Some reports count tokens and no requests: an unpriced event of theirs is one all the same."""
    day = date(2026, 3, 2)
    unpriced = event("a", day, requests=0, cost_nano_usd=None, price_basis="none", workload="", model="")
    keep_events(laptop.bench.database, laptop.bench.settings.home, [unpriced], name="test")
    assert run(laptop, "measure", partition=str(day))
    assert told(laptop, "usage_events")[str(day)]["unpriced events"] == 1
    found = told(laptop, "workload_baseline")[str(day)]
    assert (found["unpriced events"], found["spent usd"]) == (1, "unpriced")


def test_the_months_end_is_said_against_the_budget(laptop: Deployment) -> None:
    """500 USD in the policy as shipped, and 600 spent: whatever is to come, it is exceeded."""
    day = date(2026, 3, 2)
    spent = event("a", day, cost_nano_usd=600 * 10**9)
    keep_events(laptop.bench.database, laptop.bench.settings.home, [spent], name="test")
    assert run(laptop, "measure", partition=str(day))
    (row,) = (record.data for record in told(laptop, "budget_forecast")[str(day)]["forecast"].records)
    assert (row["of"], row["budget USD"], row["the budget"]) == ("everything", "500.00", "exceeded")


def test_our_own_outcomes_are_measured_beside_the_logs(laptop: Deployment) -> None:
    yesterday = today() - timedelta(days=1)
    with simulated(datetime(yesterday.year, yesterday.month, yesterday.day, 10, tzinfo=UTC)):
        artifact = laptop.submit()
        laptop.run(artifact)
    assert laptop.position(artifact).state == "published"
    keep_events(laptop.bench.database, laptop.bench.settings.home, [event("a", yesterday)], name="test")
    assert run(laptop, "measure", partition=str(yesterday))
    found = told(laptop, "usage_events")[str(yesterday)]
    sources = {record.data["source"]: record.data["events"] for record in found["by source"].records}
    assert sources == {"test": 1, "ledger": 1}  # it was written without a model: an outcome, and no call
    rows = {
        record.data["workload"]: record.data
        for record in told(laptop, "workload_baseline")[str(yesterday)]["baseline"].records
    }
    assert rows["finance-briefings"]["approved, first pass"] == "100.0%, 100.0%"
    assert rows["support"]["cost USD"] == "2.00"


@pytest.fixture
def last_month(home: Deployment) -> str:
    """A month that is over, with an artifact that was published in it."""
    month = preceding_month(utc_now()[:7])
    with simulated(datetime.combine(month_start(month), datetime.min.time(), UTC) + timedelta(days=9, hours=10)):
        artifact = home.submit()
        home.run(artifact)
    assert home.position(artifact).state == "published"
    return month


def test_a_month_that_is_over_is_closed_exported_reviewed_signed_and_published(
    home: Deployment, last_month: str
) -> None:
    assert run(home, "close_month", partition=last_month)
    exported = told(home, "finance_export")[last_month]
    (charges,) = (home.bench.settings.home / "exports" / last_month).glob("focus-*.parquet")
    with home.bench.database.read() as connection:
        given = finance.closed_month(connection, last_month)
        spent = ledger.spent(connection, month=last_month).cost_nano_usd
        assert finance.verify_month(connection, last_month) == []
    assert given is not None
    assert exported["charges sha256"] == given.sha256
    with duckdb.connect() as engine:
        ((billed,),) = engine.execute("SELECT sum(BilledCost) FROM read_parquet(?)", [str(charges)]).fetchall()
    assert billed * 10**9 == spent == given.total_nano_usd > 0

    artifact = told(home, "governance_review")[last_month]["artifact"]
    assert home.position(artifact).waiting_for == "sign-off by technology (1), security (1), finance (1)"
    for name, role in LEADERS.items():
        home.decide(artifact, "approve", name=name, role=role)
    home.run(artifact)
    assert home.position(artifact).state == "published"
    page = next(
        content for name, content in home.files().items() if name.startswith("governance") and name.endswith(".html")
    )
    assert "Governance review</h1>" in page.decode() or last_month in page.decode()


def test_closing_again_gives_finance_nothing_new_and_asks_for_no_second_signature(
    home: Deployment, last_month: str
) -> None:
    assert run(home, "close_month", partition=last_month)
    folder = home.bench.settings.home / "exports" / last_month
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    artifact = told(home, "governance_review")[last_month]["artifact"]
    home.decide(artifact, "approve", name="Ines", role="technology")
    digest = home.bench.progress(artifact).digest
    assert run(home, "close_month", partition=last_month)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == files
    assert home.bench.progress(artifact).digest == digest
    standing = home.bench.progress(artifact).standing
    assert standing is not None
    assert dict(standing.missing) == {"security": 1, "finance": 1}


def test_what_finance_was_given_stays_when_an_export_of_the_same_charges_differs(
    home: Deployment, last_month: str
) -> None:
    """Dagster's record may have been cleared since, or a new version may write other columns."""
    assert run(home, "close_month", partition=last_month)
    folder = home.bench.settings.home / "exports" / last_month
    (metadata,) = folder.glob("metadata-*")
    metadata.write_bytes(b"as it was given")
    assert run(home, "close_month", partition=last_month)
    assert metadata.read_bytes() == b"as it was given"
    assert (folder / f"2-{metadata.name}").is_file()
    assert len(list(folder.iterdir())) == 3


def test_a_review_does_not_count_itself_among_the_months_results(home: Deployment, last_month: str) -> None:
    assert run(home, "close_month", partition=last_month)
    table = told(home, "governance_review")[last_month]["figures"]
    rows = {record.data["figure"]: record.data for record in table.records}
    assert rows["Submitted"][last_month] == rows["Published"][last_month] == "1"
