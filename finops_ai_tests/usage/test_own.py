"""Our own books, read as the log of a workload: what was called, what it cost, what became of each artifact."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from finops_ai import ledger
from finops_ai.pricing import Usage, own_price
from finops_ai.store import Database, sha256_hex, simulated, tables, utc_now
from finops_ai.usage import UsageEvent, keep_events, own_events, unknown_calls
from finops_ai_tests.records import PLAIN_TERMS, brief, hold_of, payer, registered
from finops_ai_tests.usage.test_importing import kept

DAY = date(2025, 11, 3)
MORNING = datetime(2025, 11, 3, 9, tzinfo=UTC)
BUDGET = ("artifact/a", 10**9)
USAGE = Usage(input_tokens=1_000, cached_input_tokens=300, cache_write_input_tokens=100, output_tokens=50)
COST = 600 * 1 + 300 // 2 + 100 * 1 + 50 * 2  # at one nano-USD a token, half for cached ones, two for output


@pytest.fixture(autouse=True)
def morning() -> Iterator[None]:
    with simulated(MORNING):
        yield


@pytest.fixture
def artifact(database: Database) -> str:
    return registered(database)


def held(
    database: Database, who: ledger.Payer, *, attempt: int = 1, request: str = "r", terms: ledger.Terms = PLAIN_TERMS
) -> str:
    with database.write() as tx:
        operation = ledger.open_operation(tx, who, request_sha256=sha256_hex(request.encode()))
        wanted = hold_of(operation, 5_000, attempt=attempt, terms=terms)
        ledger.reserve(tx, who, wanted)
    return wanted.key


def own(database: Database, day: date = DAY) -> list[UsageEvent]:
    with database.read() as connection:
        return list(own_events(connection, day))


def unknown(database: Database, day: date = DAY) -> int:
    with database.read() as connection:
        return unknown_calls(connection, day)


def test_a_settled_call_is_one_request_with_its_cost_and_time(database: Database, artifact: str) -> None:
    who = payer(artifact, BUDGET)
    key = held(database, who)
    with simulated(MORNING + timedelta(seconds=3)), database.write() as tx:
        ledger.settle(tx, who, key, USAGE, answer="{}")
    (event,) = own(database)
    assert (event.input_tokens, event.cached_input_tokens, event.cache_write_input_tokens) == (1_000, 300, 100)
    assert (event.output_tokens, event.cost_nano_usd, event.price_basis) == (50, COST, "book")
    assert (event.workload, event.run, event.model, event.operation) == (
        "finance-briefings",
        artifact,
        "model-a",
        "draft",
    )
    assert (event.latency_ms, event.requests, event.errors, event.retries) == (3_000, 1, 0, 0)
    assert event.price_version == "test 1"


def test_a_price_of_the_policy_is_declared_and_no_list_price(database: Database, artifact: str) -> None:
    """The report says of the one that it is an assumption, and of the other that it is without any discount."""
    contract = own_price(
        input_usd_per_mtok=Decimal(1), cached_input_usd_per_mtok=None, output_usd_per_mtok=Decimal(2), version="v"
    )
    key = held(database, who := payer(artifact, BUDGET), terms=replace(PLAIN_TERMS, price=contract))
    with database.write() as tx:
        ledger.settle(tx, who, key, USAGE, answer="{}")
    (event,) = own(database)
    assert (event.price_basis, event.price_version) == ("declared", "policy v")
    assert event.cost_nano_usd == 1_000 * 1_000 + 50 * 2_000


def test_sums_are_those_of_the_books(database: Database, artifact: str) -> None:
    who = payer(artifact, BUDGET)
    for number in range(4):
        key = held(database, who, request=str(number))
        with database.write() as tx:
            ledger.settle(
                tx, who, key, Usage(input_tokens=7 * number, cached_input_tokens=number, output_tokens=3), answer="{}"
            )
    with database.read() as connection:
        spent = ledger.spent(connection)
    events = own(database)
    assert sum(event.cost_nano_usd or 0 for event in events) == spent.cost_nano_usd
    assert sum(event.input_tokens for event in events) == spent.input_tokens
    assert sum(event.requests for event in events) == spent.attempts == 4


def test_a_refused_call_is_an_error_that_cost_nothing_and_its_second_try_is_a_retry(
    database: Database, artifact: str
) -> None:
    who = payer(artifact, BUDGET)
    first, second = held(database, who), held(database, who, attempt=2)
    with database.write() as tx:
        ledger.release(tx, who, first, proof="429 from the provider")
        ledger.settle(tx, who, second, USAGE, answer="{}")
    events = {event.event_id: event for event in own(database)}
    refused, served = events[f"ledger:{first}"], events[f"ledger:{second}"]
    assert (refused.errors, refused.retries, refused.cost_nano_usd, refused.price_basis) == (1, 0, 0, "book")
    assert (served.errors, served.retries, served.cost_nano_usd) == (0, 1, COST)


def test_a_suspense_is_told_when_the_provider_has_said_what_it_cost(database: Database, artifact: str) -> None:
    """A cost that nobody knows would be kept as unknown, and what it came to would contradict what is kept."""
    who = payer(artifact, BUDGET)
    billed, free, open_still = (held(database, who, request=name) for name in "abc")
    with database.write() as tx:
        for key in (billed, free, open_still):
            ledger.suspend(tx, who, key, why="the connection broke")
    assert (own(database), unknown(database)) == ([], 3)
    with simulated(MORNING + timedelta(days=2)), database.write() as tx:
        ledger.resolve(tx, billed, USAGE, detail="by id", report_sha256="s" * 64)
        ledger.resolve(tx, free, None, detail="not in the report", report_sha256="s" * 64)
    told = own(database, DAY + timedelta(days=2))
    assert {event.event_id: (event.errors, event.cost_nano_usd) for event in told} == {
        f"ledger:{billed}": (1, COST),
        f"ledger:{free}": (1, 0),
    }
    assert {event.day for event in told} == {DAY}, "a call belongs to the day in which it was made"
    assert own(database) == told
    assert own(database, DAY + timedelta(days=1)) == []
    assert unknown(database) == 1


def test_a_call_that_ends_on_another_day_is_kept_once_by_measuring_every_day_once(
    database: Database, artifact: str, tmp_path: Path
) -> None:
    """Answers of a batch come up to a day later: measuring the day in which it was sent alone would never see them."""
    who, home = payer(artifact, BUDGET), tmp_path / "home"
    key = held(database, who)

    def measure(day: date) -> tuple[int, int]:
        done = keep_events(database, home, own(database, day), name=f"own {day}")
        return (0 if done.already else done.events), done.quarantined

    assert measure(DAY) == (0, 0)
    with simulated(MORNING + timedelta(days=1)), database.write() as tx:
        ledger.settle(tx, who, key, USAGE, answer="{}")
    assert measure(DAY + timedelta(days=1)) == (1, 0)
    assert measure(DAY) == (0, 0)
    assert kept(database, home, "SELECT CAST(day AS VARCHAR), cost_nano_usd FROM events") == [(str(DAY), COST)]


def test_a_call_that_is_under_way_is_not_told_yet(database: Database, artifact: str) -> None:
    held(database, payer(artifact, BUDGET))
    assert (own(database), unknown(database), unknown(database, DAY + timedelta(days=1))) == ([], 1, 0)


def test_a_day_ends_at_midnight_utc(database: Database, artifact: str) -> None:
    who = payer(artifact, BUDGET)
    for number, at in enumerate(("2025-11-03T00:00:00", "2025-11-03T23:59:59.999999", "2025-11-04T00:00:00")):
        with simulated(datetime.fromisoformat(at).replace(tzinfo=UTC)):
            key = held(database, who, request=str(number))
            with database.write() as tx:
                ledger.settle(tx, who, key, USAGE, answer="{}")
    assert [len(own(database, DAY + timedelta(days=n))) for n in (-1, 0, 1)] == [0, 2, 1]


def ended(database: Database, artifact: str, *, loop: int, published: bool, after: timedelta) -> None:
    """The rows that a publication, or a veto, leaves."""
    digest = sha256_hex(f"{artifact}{loop}".encode())
    with simulated(MORNING + after), database.write() as tx:
        at = utc_now()

        def add(table: Any, **values: Any) -> None:
            tx.execute(table.insert().values(**values, at=at))

        tx.execute(tables.packet.insert().values(digest=digest, artifact=artifact, loop=loop, created_at=at))
        if not published:
            add(tables.decision, packet_digest=digest, artifact=artifact, reviewer="r", role="legal", verdict="reject",
                reason="no", identified_by="token")  # fmt: skip
            return
        add(tables.permit, packet_digest=digest, artifact=artifact, decision_ids=[], run_id="run-1")
        for target in ("local", "bucket"):
            add(tables.publication, key=f"{digest}/{target}", packet_digest=digest, artifact=artifact, target=target)
            add(tables.receipt, publication_key=f"{digest}/{target}", files=[], run_id="run-1")


def test_an_artifact_is_one_outcome_on_the_day_it_was_published_or_rejected(database: Database) -> None:
    first, reworked, rejected, waiting = (
        registered(database, brief(topic=f"Topic {n}", workload=f"w-{n}")) for n in range(4)
    )
    ended(database, first, loop=0, published=True, after=timedelta(minutes=10))
    ended(database, reworked, loop=1, published=True, after=timedelta(hours=2))
    ended(database, rejected, loop=0, published=False, after=timedelta(days=1))
    today, tomorrow = own(database), own(database, DAY + timedelta(days=1))
    stated = [
        (e.run, e.workload, e.outcomes, e.approved, e.approved_first, e.cycle_s, e.requests)
        for e in (*today, *tomorrow)
    ]
    assert stated == [
        (first, "w-0", 1, 1, 1, 600, 0),
        (reworked, "w-1", 1, 1, 0, 7_200, 0),
        (rejected, "w-2", 1, 0, 0, 86_400, 0),
    ]
    assert waiting not in {event.run for event in (*today, *tomorrow)}


def test_our_own_events_are_kept_beside_the_others_once(database: Database, artifact: str, tmp_path: Path) -> None:
    who = payer(artifact, BUDGET)
    key = held(database, who)
    with database.write() as tx:
        ledger.settle(tx, who, key, USAGE, answer="{}")
    home = tmp_path / "home"
    found = [keep_events(database, home, own(database), name=f"own {DAY}") for _ in range(2)]
    assert [(one.already, one.events) for one in found] == [(False, 1), (True, 1)]
    assert kept(database, home, "SELECT source, cost_nano_usd FROM events") == [("ledger", COST)]
