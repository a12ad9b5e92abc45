"""What a report explains is booked once, and nothing else changes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from finops_ai import ledger
from finops_ai.pricing import Usage
from finops_ai.reconciliation import Reconciled, ReportFile, ReportRefused, reconcile
from finops_ai.store import Database, LockTaken, ObjectStore, tables, utc_now
from finops_ai_tests.reconciliation.provider import HOUR, NOW, START, file_of, openai_page, openai_row
from finops_ai_tests.records import PLAIN_TERMS, brief, hold_of, payer, registered

HELD = 1000
USED = Usage(input_tokens=100, cached_input_tokens=40, output_tokens=10)  # 60 + 20 + 20 nano-USD


class Books:
    """Calls of one artifact, made at the times that a test says."""

    def __init__(self, database: Database, objects: ObjectStore, *, provider: str = "openai") -> None:
        self.database, self.objects = database, objects
        self.terms = replace(PLAIN_TERMS, provider=provider)
        self.budget = f"organisation/{provider}"
        self.payer = payer(registered(database, brief(topic=provider)), (self.budget, 100_000))
        self.calls = 0

    def call(self, *, at: datetime = START + HOUR / 2, **how: Any) -> str:
        """Settled where a usage is given, else in suspense."""
        self.calls += 1
        with pytest.MonkeyPatch.context() as patch, self.database.write() as tx:
            patch.setattr("finops_ai.ledger.calls.utc_now", lambda: utc_now(at))
            operation = ledger.open_operation(tx, self.payer, request_sha256=f"{self.calls:016d}")
            hold = hold_of(operation, HELD, terms=self.terms)
            ledger.reserve(tx, self.payer, hold)
            if usage := how.pop("usage", None):
                ledger.settle(tx, self.payer, hold.key, usage, answer=None, **how)
            elif not how.pop("open", False):
                ledger.suspend(tx, self.payer, hold.key, why="time-out", **how)
        return hold.key

    def reconcile(self, *files: ReportFile, **how: Any) -> Reconciled:
        return reconcile(self.database, self.objects, files, now=NOW, **how)

    def rows(self, table: sa.Table) -> Sequence[sa.Row[Any]]:
        with self.database.read() as connection:
            return connection.execute(sa.select(table)).all()

    def balanced(self, *, cost: int, reserved: int, suspense: int) -> None:
        with self.database.read() as connection:
            checked, spent = ledger.check(connection), ledger.spent(connection, artifact=self.payer.artifact)
            (state,) = ledger.states(connection, [self.budget])
        assert not checked.problems
        assert (spent.cost_nano_usd, state.spent_nano_usd) == (cost, cost)
        assert (state.reserved_nano_usd, spent.suspense_nano_usd) == (reserved, suspense)


@pytest.fixture
def books(database: Database, objects: ObjectStore) -> Books:
    return Books(database, objects)


@pytest.fixture
def own_books(sqlite_database: Database, objects: ObjectStore) -> Books:
    return Books(sqlite_database, objects)


def used(times: int, *, requests: int | None = None) -> dict[str, Any]:
    tokens = [times * count for count in (100, 40, 0, 10)]
    return openai_row("model-a-2026-01-01", times if requests is None else requests, tokens)


def test_a_report_closes_suspense_and_the_second_time_changes_nothing(books: Books) -> None:
    books.call(usage=USED)
    billed = books.call()
    lost = books.call(at=START + 3.5 * HOUR)
    report = file_of(openai_page({0: [used(2)], 1: [], 2: [], 3: []}))
    first = books.reconcile(report)
    assert first.complete
    assert first.suspense_nano_usd == 0
    by_key = {row.reservation: row for row in books.rows(tables.resolution)}
    assert {key: row.kind for key, row in by_key.items()} == {billed: "billed", lost: "not_billed"}
    assert {row.report_sha256 for row in by_key.values()} == {report.sha256}
    assert books.objects.get(report.sha256) == report.content
    books.balanced(cost=200, reserved=0, suspense=0)
    entries = len(books.rows(tables.entry))
    again = books.reconcile(report)
    assert again.complete
    assert not any(one.changes for one in again.decided)
    assert len(books.rows(tables.entry)) == entries


def test_a_total_over_several_files_is_divided_and_marked_as_estimated(own_books: Books) -> None:
    own_books.call(at=START + HOUR - timedelta(minutes=5))
    own_books.call(at=START + HOUR + timedelta(minutes=5))
    files = [file_of(openai_page({0: [], 1: [used(2)]})), file_of(openai_page({2: []}))]
    own_books.reconcile(*files)
    standing = [row for row in own_books.rows(tables.entry) if row.kind == "call"]
    assert {row.estimated for row in standing} == {True}
    assert sum(row.quantity for row in standing if row.unit == "cached_input_tokens") == 80
    own_books.balanced(cost=200, reserved=0, suspense=0)


def test_a_window_over_two_files_refers_to_both(own_books: Books) -> None:
    own_books.call(at=START + HOUR - timedelta(minutes=5))
    files = [file_of(openai_page({0: []})), file_of(openai_page({1: [used(1)]}))]
    own_books.reconcile(*files)
    (row,) = own_books.rows(tables.resolution)
    assert own_books.objects.get_json(row.report_sha256) == {"reports": [file.sha256 for file in files]}


def test_a_response_resolves_suspense_and_corrects_an_estimate_once(books: Books) -> None:
    books.call(usage=replace(USED, output_tokens=500), estimated=True, response_id="resp-1")
    books.call(response_id="resp-2")
    usage = {"input_tokens": 100, "output_tokens": 10, "input_tokens_details": {"cached_tokens": 40}}
    report = file_of([{"id": name, "model": "model-a", "usage": usage} for name in ("resp-1", "resp-2", "resp-3")])
    first = books.reconcile(report)
    assert [len(one.changes) for one in first.decided] == [1, 1, 0]
    assert not first.complete, "nobody knows resp-3"
    books.balanced(cost=200, reserved=0, suspense=0)
    entries = len(books.rows(tables.entry))
    assert not any(one.changes for one in books.reconcile(report).decided)
    assert len(books.rows(tables.entry)) == entries


def test_an_estimate_by_division_gives_way_to_the_response(own_books: Books) -> None:
    for name in ("resp-1", "resp-2"):
        own_books.call(response_id=name)
    own_books.reconcile(file_of(openai_page({0: [used(2)]})))
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "prompt_tokens_details": {"cached_tokens": 40}}
    found = own_books.reconcile(file_of({"id": "resp-1", "model": "model-a", "usage": usage}))
    assert [len(one.corrected) for one in found.decided] == [1]
    own_books.balanced(cost=200, reserved=0, suspense=0)


def test_what_is_left_keeps_its_hold(own_books: Books) -> None:
    own_books.call()
    own_books.call()
    found = own_books.reconcile(file_of(openai_page({0: [used(1)]})))
    assert not found.complete
    assert found.suspense_nano_usd == 2 * HELD
    own_books.balanced(cost=0, reserved=2 * HELD, suspense=2 * HELD)


def test_a_call_without_an_outcome_is_seen(own_books: Books) -> None:
    own_books.call()
    own_books.call(open=True)
    (one,) = own_books.reconcile(file_of(openai_page({0: [used(1)]}))).decided
    assert "no outcome" in one.left[0].why


def test_a_batch_call_of_the_day_before_is_seen(own_books: Books) -> None:
    key = own_books.call(at=START - 20 * HOUR, open=True)
    with own_books.database.write() as tx:
        row = {"reservation": key, "batch_id": "b", "endpoint": {}, "at": utc_now(START)}
        tx.execute(tables.batch_call.insert().values(row))
    own_books.call()
    (one,) = own_books.reconcile(file_of(openai_page({0: [used(1)]}))).decided
    assert "beyond the edge" in one.left[0].why


def test_a_dry_run_decides_the_same_and_changes_nothing(own_books: Books) -> None:
    own_books.call()
    report = file_of(openai_page({0: [used(1)]}))
    dry = own_books.reconcile(report, dry_run=True)
    own_books.balanced(cost=0, reserved=HELD, suspense=HELD)
    assert not own_books.objects.root.exists() or not list(own_books.objects.root.rglob(report.sha256))
    assert own_books.reconcile(report) == dry


def test_one_wrong_file_among_good_ones_changes_nothing(own_books: Books) -> None:
    own_books.call()
    with pytest.raises(ReportRefused):
        own_books.reconcile(file_of(openai_page({0: [used(1)]})), file_of(b"{", name="broken.json"))
    own_books.balanced(cost=0, reserved=HELD, suspense=HELD)


def test_a_gateway_is_named_and_then_stands_for_nobody_else(own_books: Books) -> None:
    own_books.call()
    report = file_of(openai_page({0: [used(1)]}))
    assert not any(one.changes for one in own_books.reconcile(report, hosts=["gateway.example"]).decided)
    assert own_books.reconcile(report, hosts=["openai"]).complete


def test_two_never_reconcile_at_once(own_books: Books) -> None:
    with own_books.database.exclusive("reconcile"), pytest.raises(LockTaken):
        own_books.reconcile(file_of(openai_page({0: []})))


_worlds = count()
# minute, settled, billed, output tokens
truths = st.lists(
    st.tuples(st.integers(1, 168), st.booleans(), st.booleans(), st.integers(1, 9)), min_size=1, max_size=4
)


@given(truth=truths)
@hypothesis_settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_was_billed_is_booked_and_the_books_balance(
    sqlite_database: Database, objects: ObjectStore, truth: list[tuple[int, bool, bool, int]]
) -> None:
    host = f"host-{next(_worlds)}"
    books = Books(sqlite_database, objects, provider=host)
    billed: dict[int, list[int]] = {0: [], 1: [], 2: []}
    for minute, is_settled, is_billed, output in truth:
        usage = Usage(input_tokens=10, cached_input_tokens=0, output_tokens=output)
        books.call(at=START + timedelta(minutes=minute), **({"usage": usage} if is_settled else {}))
        if is_settled or is_billed:
            billed[minute // 60].append(output)
    rows = {
        hour: [openai_row("model-a", len(used), (10 * len(used), 0, 0, sum(used)))] for hour, used in billed.items()
    }
    found = books.reconcile(file_of(openai_page(rows)), hosts=[host])
    left = sum(len(one.left) for one in found.decided)
    cost = sum(
        row.amount_nano_usd * (-1 if row.reverses else 1)
        for row in books.rows(tables.entry)
        if row.kind == "call" and row.artifact == books.payer.artifact
    )
    books.balanced(cost=cost, reserved=left * HELD, suspense=left * HELD)
    if not left:
        assert cost == sum(10 + 2 * output for used in billed.values() for output in used)
