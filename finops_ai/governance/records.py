"""Reading the records for a review: a fixed number of queries over whole tables, however many artifacts there are.

Belongs here: SQL, and the objects behind verdicts and risk. Does not: the state of an artifact (`views`), figures. Only what
was recorded before the month ended is read, so that the review of a month stays what it was when later months are written;
what its budgets hold, whether it is closed, and the proof of the books are those of now.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

import sqlalchemy as sa

from finops_ai import ledger
from finops_ai.governance.model import (
    Books,
    BudgetOfMonth,
    Decided,
    Delivered,
    Failure,
    Intake,
    Output,
    Packed,
    Permitted,
    Premium,
    Spend,
    StepOutput,
    Verdict,
)
from finops_ai.pricing import to_nano_usd
from finops_ai.store import Database, ObjectStore, StoreError, following_month, tables

READERS = 8  # of objects: a bucket answers slowly, and many at once
UNPRICED = "no price is known for"  # how calls.NotPriced begins
_ALWAYS_ENTERED = "output_tokens"  # one entry of each booked call counts in this unit
_INPUT = ("input_tokens", "cached_input_tokens", "cache_write_input_tokens")

Row = TypeVar("Row", bound=Any)
ByArtifact = Mapping[str, Sequence[Row]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """Everything until a month ended, by artifact, oldest first."""

    month: str
    intakes: tuple[Intake, ...]
    spend: ByArtifact[Spend]  # under "" and other keys that are no artifact, too
    outputs: ByArtifact[Output]
    verdicts: ByArtifact[Verdict]
    failures: ByArtifact[Failure]
    packets: ByArtifact[Packed]
    decisions: ByArtifact[Decided]
    permits: ByArtifact[Permitted]
    delivered: ByArtifact[Delivered]
    premiums: ByArtifact[Premium]
    steps: ByArtifact[StepOutput]  # of review_packet and risk_assessment
    assessments: Mapping[str, Any]  # by digest: the risk that was assessed in the last months; None: not at hand
    failed: Mapping[str, Any]  # by digest: the failed verdicts of the month
    budgets: tuple[BudgetOfMonth, ...]
    alerts: tuple[tuple[str, str, str], ...]
    stages: tuple[tuple[str, str, str, str], ...]
    books: Books


def read_records(database: Database, objects: ObjectStore, *, month: str, months_with_risk: Sequence[str]) -> Records:
    """Raises ValueError for what is not a month."""
    before = following_month(month)  # times are text: all of the month sorts before it
    with database.read() as connection:
        steps = list(_steps(connection, before))
        verdicts = list(_verdicts(connection, before))
        rows: dict[str, Any] = {
            "intakes": tuple(_intakes(connection, before)),
            "spend": _by_artifact(_spend(connection, month)),
            "outputs": _by_artifact(_outputs(connection, before)),
            "verdicts": _by_artifact(verdicts),
            "failures": _by_artifact(_failures(connection, before)),
            "packets": _by_artifact(_packets(connection, before)),
            "decisions": _by_artifact(_decisions(connection, before)),
            "permits": _by_artifact(_permits(connection, before)),
            "delivered": _by_artifact(_delivered(connection, before)),
            "premiums": _by_artifact(_premiums(connection, before)),
            "steps": _by_artifact(steps),
            "budgets": tuple(_budgets(connection, month)),
            "alerts": tuple(_alerts(connection, month)),
            "stages": tuple(_stages(connection, month)),
            "books": _books(connection, month),
        }
    risk = [s.output_sha256 for s in steps if s.step == "risk_assessment" and s.at[:7] in months_with_risk]
    failed = [v.verdict_sha256 for v in verdicts if not v.passed and v.at[:7] == month]
    return Records(month=month, assessments=_load(objects, risk), failed=_load(objects, failed), **rows)


def _by_artifact(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.artifact].append(row)
    return dict(found)


def _load(objects: ObjectStore, digests: Iterable[str]) -> dict[str, Any]:
    """None for one that is not at hand: the review says so, and is not ready."""

    def load(digest: str) -> Any:
        try:
            return objects.get_json(digest)
        except (StoreError, ValueError):
            return None

    wanted = list(dict.fromkeys(digests))
    with ThreadPoolExecutor(READERS) as pool:
        return dict(zip(wanted, pool.map(load, wanted), strict=True))


def _select(row: type[Row], table: sa.Table, **renamed: sa.ColumnElement[Any]) -> sa.Select[Any]:
    return sa.select(*(renamed[name].label(name) if name in renamed else table.c[name] for name in row._fields))


def _rows(connection: sa.Connection, row: type[Row], query: sa.Select[Any]) -> Iterator[Row]:
    return (row(*found) for found in connection.execute(query))


# --- intake and workflow


def _intakes(connection: sa.Connection, before: str) -> Iterator[Intake]:
    artifact = tables.artifact
    query = sa.select(artifact.c.key, artifact.c.brief, artifact.c.created_at).where(artifact.c.created_at < before)
    for key, brief, at in connection.execute(query.order_by(artifact.c.created_at, artifact.c.key)):
        if brief["impact"] == "governance":  # a review or a promotion: the platform's own paper, nobody's result
            continue
        yield Intake(
            key=key,
            topic=brief["topic"],
            workload=brief["workload"],
            cost_centre=brief["cost_centre"],
            impact=brief["impact"],
            profile=brief["profile"],
            value_nano_usd=to_nano_usd(Decimal(brief["intent"]["value"]["expected_usd"])),
            at=at,
        )


def _outputs(connection: sa.Connection, before: str) -> Iterator[Output]:
    row = tables.step_output
    month = sa.func.substr(row.c.at, 1, 7)
    query = sa.select(row.c.artifact, sa.func.max(row.c.loop), sa.func.max(row.c.at).label("newest"))
    query = query.where(row.c.at < before).group_by(row.c.artifact, month)
    return _rows(connection, Output, query.order_by("newest"))


def _steps(connection: sa.Connection, before: str) -> Iterator[StepOutput]:
    row = tables.step_output
    query = _select(StepOutput, row).where(row.c.at < before, row.c.step.in_(("review_packet", "risk_assessment")))
    return _rows(connection, StepOutput, query.order_by(row.c.id))


def _verdicts(connection: sa.Connection, before: str) -> Iterator[Verdict]:
    row = tables.gate_verdict
    return _rows(connection, Verdict, _select(Verdict, row).where(row.c.at < before).order_by(row.c.id))


def _failures(connection: sa.Connection, before: str) -> Iterator[Failure]:
    row = tables.step_failure
    query = _select(Failure, row, unpriced=row.c.error.contains(UNPRICED)).where(row.c.at < before)
    for found in connection.execute(query.order_by(row.c.id)):
        yield Failure(found.artifact, found.step, bool(found.permanent), bool(found.unpriced), found.at)


def _packets(connection: sa.Connection, before: str) -> Iterator[Packed]:
    row = tables.packet
    query = _select(Packed, row, at=row.c.created_at).where(row.c.created_at < before)
    return _rows(connection, Packed, query.order_by(row.c.created_at, row.c.loop))


def _decisions(connection: sa.Connection, before: str) -> Iterator[Decided]:
    row = tables.decision
    return _rows(connection, Decided, _select(Decided, row).where(row.c.at < before).order_by(row.c.id))


def _permits(connection: sa.Connection, before: str) -> Iterator[Permitted]:
    row = tables.permit
    return _rows(connection, Permitted, _select(Permitted, row).where(row.c.at < before).order_by(row.c.at))


def _delivered(connection: sa.Connection, before: str) -> Iterator[Delivered]:
    publication, receipt = tables.publication, tables.receipt
    joined = receipt.join(publication, publication.c.key == receipt.c.publication_key)
    query = sa.select(publication.c.artifact, publication.c.target, receipt.c.files, receipt.c.at).select_from(joined)
    query = query.where(receipt.c.at < before).order_by(receipt.c.at, publication.c.key)
    for artifact, target, files, at in connection.execute(query):
        yield Delivered(artifact, target, tuple(file["name"] for file in files), at)


def _premiums(connection: sa.Connection, before: str) -> Iterator[Premium]:
    row = tables.tier_exception
    query = _select(Premium, row).where(row.c.at < before)
    return _rows(connection, Premium, query.order_by(row.c.at, row.c.artifact, row.c.step, row.c.loop, row.c.tier))


def _stages(connection: sa.Connection, month: str) -> Iterator[tuple[str, str, str, str]]:
    row = tables.stage_change
    query = sa.select(row.c.workload, row.c.from_stage, row.c.to_stage, row.c.reason)
    return (tuple(found) for found in connection.execute(query.where(row.c.at.startswith(month)).order_by(row.c.id)))


# --- money


def _spend(connection: sa.Connection, month: str) -> Iterator[Spend]:
    """Summed by the database: there are some hundred entries to an artifact."""
    entry = tables.entry
    sign = sa.case((entry.c.reverses.is_(None), 1), else_=-1)
    is_call = sa.and_(entry.c.kind == "call", entry.c.unit == _ALWAYS_ENTERED)

    def quantity(*units: str) -> sa.ColumnElement[int]:
        return sa.func.sum(sa.case((entry.c.unit.in_(units), sign * entry.c.quantity), else_=0))

    def count(*conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.sum(sa.case((sa.and_(is_call, *conditions), sign), else_=0))

    tier = sa.func.coalesce(entry.c.tier, "")
    keys = (entry.c.month, entry.c.artifact, entry.c.workload, entry.c.cost_centre, entry.c.kind, entry.c.loop, tier)
    sums = (
        sa.func.sum(sign * entry.c.amount_nano_usd),
        quantity(*_INPUT),
        quantity("cached_input_tokens"),
        quantity("output_tokens"),
        count(),
        count(entry.c.overrun),
        count(sa.cast(entry.c.price, sa.Text) == "{}"),
        sa.func.count(),
        sa.func.min(entry.c.id).label("first"),
        sa.func.max(entry.c.id),
    )
    query = sa.select(*keys, entry.c.estimated, *sums)
    query = query.where(entry.c.month <= month, entry.c.kind.in_((*ledger.SPEND_KINDS, "suspense")))
    for row in connection.execute(query.group_by(*keys, entry.c.estimated).order_by("first")):
        yield Spend._make([*row[:7], bool(row[7]), *map(int, row[8:])])  # PostgreSQL sums bigints as NUMERIC


def _budgets(connection: sa.Connection, month: str) -> Iterator[BudgetOfMonth]:
    for state in ledger.states(connection):
        if state.id.endswith(f"/{month}"):
            yield BudgetOfMonth(
                id=state.id,
                limit_nano_usd=state.limit_nano_usd,
                spent_nano_usd=state.spent_nano_usd,
                reserved_nano_usd=state.reserved_nano_usd,
            )


def _alerts(connection: sa.Connection, month: str) -> Iterator[tuple[str, str, str]]:
    row = tables.budget_alert
    query = sa.select(row.c.budget_id, row.c.level, row.c.at).where(row.c.at.startswith(month)).order_by(row.c.id)
    return (tuple(found) for found in connection.execute(query))


def _books(connection: sa.Connection, month: str) -> Books:
    entry, seal, closed = tables.entry, tables.seal, tables.closed_month
    checked, chain = ledger.check(connection), ledger.prove(connection)
    last = connection.scalar(sa.select(sa.func.max(entry.c.id)).where(entry.c.month <= month)) or 0
    covering = sa.select(seal.c.sha256).where(seal.c.last_entry >= last, sa.literal(last) > 0).order_by(seal.c.id)
    names = ("month", "charges", "total_nano_usd", "closed_by", "sha256")
    months = sa.select(*(closed.c[name] for name in names)).where(closed.c.month <= month).order_by(closed.c.month)
    return Books(
        problems=(*checked.problems, *chain.problems),
        last_entry=last,
        seal_sha256=connection.scalar(covering.limit(1)) or "",
        closed=tuple(tuple(row) for row in connection.execute(months)),
        resolved=tuple(_resolved(connection, month)),
    )


def _resolved(connection: sa.Connection, month: str) -> Iterator[tuple[str, str, int]]:
    """What left suspense in the month: the amount that had been held."""
    resolution, reservation = tables.resolution, tables.reservation
    joined = resolution.join(reservation, reservation.c.key == resolution.c.reservation)
    query = sa.select(resolution.c.reservation, resolution.c.kind, reservation.c.amount_nano_usd).select_from(joined)
    query = query.where(resolution.c.at.startswith(month)).order_by(resolution.c.reservation)
    return (tuple(found) for found in connection.execute(query))
