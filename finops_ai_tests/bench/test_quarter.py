"""A simulated quarter is a real deployment's records, and its truth agrees with them without having asked them."""

import os
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bench.quarter import Quarter, main, simulate
from bench.quarter_agenda import Agenda, Way
from bench.quarter_ground import (
    ARTIFACTS_PER_DAY_MAX,
    BETTER,
    UNUSUAL,
    WORKLOADS,
    WORSE,
    at_the_office,
    call_nano_usd,
    days_in,
    half_up,
    months_from,
    unusual_week,
    worst_case_nano_usd,
)
from bench.quarter_plan import Plan, plans
from bench.quarter_truth import Cost, Lived
from finops_ai import ledger
from finops_ai.artifacts import position, progress_of
from finops_ai.briefs import artifact_keys
from finops_ai.provenance import verify_file
from finops_ai.routing import exceptions_of
from finops_ai.signoff import decisions_of
from finops_ai.store import now, tables
from finops_ai_tests.conftest import REPOSITORY

ARTIFACTS, SEED, FIRST_MONTH = 90, 7, "2026-05"
MONTHS = months_from(FIRST_MONTH)
CPU_SECONDS_MAX = 30  # of a process that simulates 60 artifacts; most of it is spent on imports


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def quarter(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quarter]:
    url, server = None, None
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        url = server.create_database("quarter")
    home = tmp_path_factory.mktemp("quarter") / "home"
    found = simulate(home, artifacts=ARTIFACTS, seed=SEED, first_month=FIRST_MONTH, postgres_url=url)
    yield found
    found.database.engine.dispose()
    if server:
        server.drop_database("quarter")


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> Quarter:
    home = tmp_path_factory.mktemp("again") / "home"
    return simulate(home, artifacts=ARTIFACTS, seed=SEED, first_month=FIRST_MONTH)


def test_every_artifact_stands_where_it_was_meant_to(quarter: Quarter) -> None:
    with quarter.database.read() as connection:
        found = {one.key: position(progress_of(connection, quarter.policy, one.key)).state for one in quarter.lived}
        assert artifact_keys(connection) == [one.key for one in quarter.lived]
    assert found == {one.key: one.state for one in quarter.lived}
    assert len(found) == ARTIFACTS


def test_even_a_small_quarter_has_every_state_and_every_way_there(quarter: Quarter) -> None:
    lived = quarter.lived
    assert {one.state for one in lived} == {
        "submitted", "producing", "held", "awaiting_sign_off", "approved", "publishing", "published", "rejected",
        "failed",
    }  # fmt: skip
    assert {by for one in lived for by in one.ended_by} == {"failed_gate", "request_changes", "reject", ""}
    served = {(way.tier, way.level, way.exception) for one in lived for way in one.tiers}
    assert {("economy", "standard", ""), ("premium", "standard", "impact_rule")} <= served
    assert {("standard", "batch", "task_type"), ("standard", "standard", "failed_gate")} <= served
    assert {said.role for one in lived for said in one.decisions} >= {"policy", "legal", "business"}
    assert any(one.injections and one.state == "published" for one in lived)
    assert any(one.injections and one.state == "held" for one in lived)


def test_the_books_balance_and_their_chain_is_whole(quarter: Quarter) -> None:
    ledger.seal(quarter.database)
    with quarter.database.read() as connection:
        books, chain = ledger.check(connection), ledger.prove(connection)
    assert (books.problems, chain.problems, chain.unsealed_entries) == ((), (), 0)
    assert chain.seals > len({cost.at[:10] for _, cost in costs(quarter)}) // 2  # not all at once at the end
    in_suspense = sum(cost.amount_nano_usd for one in quarter.lived for cost in one.suspense)
    assert books.suspense_nano_usd == in_suspense > 0


@pytest.mark.parametrize(
    "by", ["month", "kind", "workload", "cost_centre", "loop", "tier", "model", "step", "artifact"]
)
def test_the_truth_and_the_ledger_agree_to_the_nano_usd(quarter: Quarter, by: str) -> None:
    """The truth was computed from tokens, seconds and rates; the ledger was never asked for it."""
    expected: Counter[Any] = Counter()
    for one, cost in costs(quarter):
        of_artifact = {"workload": one.workload, "cost_centre": one.cost_centre, "artifact": one.key}
        expected[of_artifact.get(by) if by in of_artifact else getattr(cost, by)] += cost.amount_nano_usd
    with quarter.database.read() as connection:
        rows = ledger.cost_rows(connection, by=by)
    assert {row["key"]: row["cost_nano_usd"] for row in rows if row["cost_nano_usd"]} == {
        key: amount for key, amount in expected.items() if amount
    }


def test_each_entry_has_its_cost_in_the_truth_with_time_meter_and_quantity(quarter: Quarter) -> None:
    entry = tables.entry
    spending = sa.select(entry).where(entry.c.kind.in_(("call", "compute", "review", "retrieval", "suspense")))
    with quarter.database.read() as connection:
        found = Counter(
            (
                row.artifact, row.at, row.kind, row.step, row.loop, row.tier, row.model, row.unit or "",
                -row.quantity if row.reverses else row.quantity, -row.amount_nano_usd if row.reverses else row.amount_nano_usd,
            )
            for row in connection.execute(spending)
        )  # fmt: skip
    meant = Counter(
        (
            one.key, cost.at, cost.kind, cost.step, cost.loop, cost.tier, cost.model, cost.unit, cost.quantity,
            cost.amount_nano_usd,
        )
        for one in quarter.lived
        for cost in (*one.costs, *one.suspense)
    )  # fmt: skip
    assert found == meant


def test_decisions_exceptions_and_publications_are_those_of_the_truth(quarter: Quarter) -> None:
    receipt, publication = tables.receipt, tables.publication
    published = sa.select(publication.c.artifact, receipt.c.at).join(
        receipt, receipt.c.publication_key == publication.c.key
    )
    with quarter.database.read() as connection:
        receipts = {row.artifact: row.at for row in connection.execute(published)}
        for one in quarter.lived:
            found = [(d.at, d.reviewer, d.role, d.verdict, d.higher_tier) for d in decisions_of(connection, one.key)]
            assert found == [(s.at, s.reviewer, s.role, s.verdict, s.higher_tier) for s in one.decisions]
            above = {(e["loop"], e["tier"], e["reason"]) for e in exceptions_of(connection, artifact=one.key)}
            assert above == {(way.loop, way.tier, way.exception) for way in one.tiers if way.exception}
    assert receipts == {one.key: one.published_at for one in quarter.lived if one.published_at}
    assert all((one.state == "published") == (one.published_at is not None) for one in quarter.lived)


def test_corrections_fall_into_a_later_month_than_what_they_correct(quarter: Quarter) -> None:
    back = [cost for _, cost in costs(quarter) if cost.kind == "call" and cost.amount_nano_usd < 0]
    booked = {(one.key, cost.unit, cost.amount_nano_usd): cost for one, cost in costs(quarter)}
    for one, cost in costs(quarter):
        if cost in back:
            assert booked[one.key, cost.unit, -cost.amount_nano_usd].month < cost.month
    assert len(back) >= 4  # input and output of two calls


def test_every_published_file_is_signed_and_holds_what_was_approved(quarter: Quarter) -> None:
    keys = quarter.settings.home / "keys"
    files = sorted(quarter.settings.published.rglob("*.md"))
    assert len(files) == sum(one.state == "published" for one in quarter.lived)
    for file in files[:10]:
        checks = verify_file(file, keys=keys, objects=quarter.objects)
        assert [check for check in checks if not check.passed] == []


def test_no_workload_comes_near_the_daily_limits_of_a_pilot(quarter: Quarter) -> None:
    submitted = Counter((one.workload, one.created_at[:10]) for one in quarter.lived)
    spent: Counter[tuple[str, str]] = Counter()
    for one, cost in costs(quarter):
        spent[one.workload, cost.at[:10]] += cost.amount_nano_usd
    assert max(submitted.values()) <= ARTIFACTS_PER_DAY_MAX
    assert max(spent.values()) < 5_000_000_000
    assert {one.workload for one in quarter.lived} == {workload.name for workload in WORKLOADS}


def test_no_budget_is_overdrawn(quarter: Quarter) -> None:
    """What is over its hold on purpose (one output longer than its bound) still fits every budget."""
    with quarter.database.read() as connection:
        states = ledger.states(connection)
    assert [state.id for state in states if state.spent_nano_usd + state.reserved_nano_usd > state.limit_nano_usd] == []


def test_the_same_seed_and_month_give_the_same_records(quarter: Quarter, again: Quarter) -> None:
    """But for tokens, signatures and the folder they lie in; on PostgreSQL those of SQLite."""
    assert again.lived == quarter.lived
    for name in (
        "gate_verdict",
        "decision",
        "tier_exception",
        "reservation",
        "outcome",
        "resolution",
        "budget",
        "entry",
    ):
        assert rows_of(again, name) == rows_of(quarter, name)
    outputs = [[row for row in rows_of(one, "step_output") if "published" not in row] for one in (again, quarter)]
    assert outputs[0] == outputs[1]  # a receipt names the folder


def test_another_seed_or_month_gives_another_quarter() -> None:
    keys = [
        {plan.key for plan in plans(artifacts=ARTIFACTS, seed=seed, months=months_from(month))}
        for seed, month in ((1, FIRST_MONTH), (2, FIRST_MONTH), (1, "2026-06"))
    ]
    assert keys[0].isdisjoint(keys[1])
    assert keys[0].isdisjoint(keys[2])


def test_a_home_in_use_and_impossible_numbers_are_refused_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "finops_ai.db").touch()
    with pytest.raises(ValueError, match="not empty"):
        simulate(tmp_path / "used", artifacts=ARTIFACTS)
    for artifacts in (10, 100_000):
        with pytest.raises(ValueError, match=f"a quarter of {artifacts} artifacts: give 60 to"):
            simulate(tmp_path / "new", artifacts=artifacts)
    with pytest.raises(ValueError, match="write YYYY-MM"):
        simulate(tmp_path / "new", first_month="2026-5")
    assert not (tmp_path / "new").exists()


def test_a_deployment_that_holds_artifacts_is_left_alone(quarter: Quarter, tmp_path: Path) -> None:
    url = quarter.settings.postgres_url
    with pytest.raises(ValueError, match=r"needs (a home|one) of its own"):
        simulate(tmp_path / "new" if url else quarter.settings.home, artifacts=60, postgres_url=url)


# --- what a whole quarter is like: read from its plans, which take no time


@pytest.fixture(scope="module")
def whole() -> list[Plan]:
    return plans(artifacts=2_100, seed=20_261_127, months=MONTHS)


def test_weekends_are_quiet_and_the_quarter_grows(whole: list[Plan]) -> None:
    by_day = Counter(plan.created_at.date() for plan in whole)
    weekdays = [by_day[day] for day in days_in(MONTHS) if day.weekday() < 5]
    weekends = [by_day[day] for day in days_in(MONTHS) if day.weekday() >= 5]
    assert max(weekends) < min(weekdays)
    assert sum(weekdays[:20]) * 1.1 < sum(weekdays[-20:])


def test_one_workload_gets_better_and_one_gets_worse(whole: list[Plan]) -> None:
    """The share of first drafts that the quality gate refuses, month by month."""
    shares = {name: [failing_share(whole, name, month) for month in range(3)] for name in (BETTER, WORSE)}
    assert shares[BETTER][0] > 2 * shares[BETTER][2]
    assert shares[WORSE][2] > 2 * shares[WORSE][0]


def test_one_week_of_one_workload_stands_out(whole: list[Plan]) -> None:
    first, last = unusual_week(MONTHS)
    assert (first.weekday(), (last - first).days, first.strftime("%Y-%m")) == (0, 6, MONTHS[1])
    of_it = Counter(plan.created_at.date().isocalendar().week for plan in whole if plan.workload.name == UNUSUAL)
    week = first.isocalendar().week
    assert of_it[week] > 1.3 * max(of_it[week - 1], of_it[week + 1])
    assert {plan.created_at.date().isocalendar().week for plan in whole if plan.unusual} == {week}


def test_its_calls_are_dear_then(quarter: Quarter) -> None:
    """Against the same tier in other weeks: more input, nothing of it cached."""
    first, last = (day.isoformat() for day in unusual_week(quarter.months))
    drafts = [c for one, c in costs(quarter) if (one.workload, c.step, c.tier) == (UNUSUAL, "draft", "economy")]
    within = [c for c in drafts if first <= c.at[:10] <= last and c.unit == "input_tokens" and not c.estimated]
    without = [c for c in drafts if not first <= c.at[:10] <= last and c.unit == "input_tokens" and not c.estimated]
    assert within
    assert min(c.quantity for c in within) > sum(c.quantity for c in without) / len(without)


def failing_share(whole: list[Plan], workload: str, month: int) -> float:
    mine = [plan for plan in whole if (plan.workload.name, plan.month) == (workload, month) and plan.endings]
    return sum(plan.endings[0] == "failed_gate" for plan in mine) / len(mine)


# --- time and money, by hand


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-05-06T12:30:00", "2026-05-06T12:30:00"),  # a Wednesday
        ("2026-05-06T18:10:05", "2026-05-07T08:10:05"),
        ("2026-05-06T03:20:00", "2026-05-06T08:20:00"),
        ("2026-05-08T19:00:00", "2026-05-11T08:00:00"),  # Friday evening: Monday
        ("2026-05-10T11:00:00", "2026-05-11T11:00:00"),
    ],
)
def test_people_decide_in_office_hours(moment: str, expected: str) -> None:
    found = at_the_office(datetime.fromisoformat(moment).replace(tzinfo=UTC))
    assert found.isoformat() == f"{expected}+00:00"


def test_amounts_are_rounded_half_up_and_holds_upwards() -> None:
    assert [half_up(n, 37_500_000, 1_000_000) for n in (0, 1, 2, 3)] == [0, 38, 75, 113]
    tokens = {"input_tokens": 1_001, "cached_input_tokens": 7, "output_tokens": 10}
    # 37_537.5, 65.625, 3_000
    assert call_nano_usd("economy", "standard", tokens) == {
        "input_tokens": 37_538, "cached_input_tokens": 66, "output_tokens": 3_000,
    }  # fmt: skip
    # 37_537.5 upwards, 3_000, and one: 37.5 is no whole amount, and the input may be rounded in several meters
    assert worst_case_nano_usd("economy", "standard", input_tokens=1_001, output_tokens=10) == 40_539


def test_time_only_moves_forward_and_stops_at_the_end() -> None:
    start = datetime(2026, 5, 1, tzinfo=UTC)
    seen: list[tuple[str, datetime]] = []

    def way(name: str, *hours: int) -> Way:
        for hour in hours:
            yield start + timedelta(hours=hour)
            seen.append((name, now()))

    agenda = Agenda(start + timedelta(hours=10))
    for name, hours in (("a", (1, 5, 12)), ("b", (2, 3, 9)), ("c", (10,))):
        agenda.add(way(name, *hours))
    agenda.run()
    assert [(name, (at - start) / timedelta(hours=1)) for name, at in seen] == [
        ("a", 1), ("b", 2), ("b", 3), ("a", 5), ("b", 9),
    ]  # fmt: skip


def test_a_moment_that_is_past_is_an_error() -> None:
    start = datetime(2026, 5, 1, tzinfo=UTC)

    def way(*hours: int) -> Way:
        for hour in hours:
            yield start + timedelta(hours=hour)

    agenda = Agenda(start + timedelta(days=1))
    agenda.add(way(2, 1))
    with pytest.raises(ValueError, match=r"2026-05-01 01:00:00.* is past"):
        agenda.run()


# --- the command


def test_the_command_says_what_it_made_and_where_to_look(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench.quarter", "--home", str(tmp_path / "home"), "--artifacts", "60"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime < CPU_SECONDS_MAX
    assert done.stdout.startswith("60 artifacts, ")
    for part in ("by state: published", "by workload: ", "by month: ", "loops ended by: ", "cores: "):
        assert part in done.stdout
    environment = {"FINOPS_AI_HOME": str(tmp_path / "home"), "FINOPS_AI_POLICY": str(tmp_path / "home/policy.yaml")}
    checked = subprocess.run(
        [sys.executable, "-c", "from finops_ai.cli import main; main()", "ledger", "check"],
        cwd=REPOSITORY, env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_command_refuses_what_cannot_be_simulated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", str(tmp_path / "home"), "--artifacts", "5"]) == 2
    assert "give 60 to" in capsys.readouterr().err


# --- what the tests share


def costs(quarter: Quarter) -> list[tuple[Lived, Cost]]:
    return [(one, cost) for one in quarter.lived for cost in one.costs]


def rows_of(quarter: Quarter, name: str) -> list[tuple[Any, ...]]:
    """Every row as it stands, in order; but for ids of PostgreSQL, which may leave gaps."""
    table = tables.metadata.tables[name]
    columns = [column for column in table.columns if column.name not in ("id", "reverses")]
    with quarter.database.read() as connection:
        return [tuple(row) for row in connection.execute(sa.select(*columns).order_by(*table.primary_key.columns))]
