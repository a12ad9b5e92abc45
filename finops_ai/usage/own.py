"""The project's own workloads as usage events, so that they are measured beside all others.

Belongs here: our books and our records of artifacts, read as a log. Does not: keeping what is read (`importing`), the books
themselves (`ledger`).

A call is one reservation, in the day in which it was made, once it is known what it cost: a batch ends on another day, and a
suspense when the provider's report says so. What a provider refused is an error that cost nothing. An artifact is one outcome, in
the day in which it was published or rejected; one that is held or failed has not ended, since somebody may mend it.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from finops_ai.store import tables
from finops_ai.usage.fields import milliseconds
from finops_ai.usage.model import UsageEvent

SOURCE = "ledger"


def own_events(connection: sa.Connection, day: date) -> Iterator[UsageEvent]:
    """The known calls that were made in a UTC day, those of days before whose cost became known in it, the artifacts that ended.

    Whoever asks for every day once has every call, whenever it ended.
    """
    yield from _calls(connection, day)
    yield from _endings(connection, day)


def unknown_calls(connection: sa.Connection, day: date) -> int:
    """How many calls that were made in a UTC day are in no event yet: under way, or in suspense."""
    made = _within(tables.reservation.c.at, day)
    query = sa.select(sa.func.count()).select_from(_ends()).where(made, sa.not_(_KNOWN))
    return connection.scalar(query) or 0


def _within(column: sa.ColumnElement[str], day: date) -> sa.ColumnElement[bool]:
    """Times are text that sorts as it reads, and begins with its day."""
    return sa.and_(column >= f"{day}T", column < f"{day + timedelta(days=1)}T")


# --- calls ----------------------------------------------------------------------------------------------------------------


_KNOWN = sa.and_(
    tables.outcome.c.kind.is_not(None),
    sa.or_(tables.outcome.c.kind != "suspended", tables.resolution.c.kind.is_not(None)),
)


def _ends() -> sa.Join:
    """Calls with what became of them, as far as they have ended."""
    held, outcome, resolution = tables.reservation, tables.outcome, tables.resolution
    return held.outerjoin(outcome, outcome.c.reservation == held.c.key).outerjoin(
        resolution, resolution.c.reservation == held.c.key
    )


def _of(day: date) -> sa.ColumnElement[bool]:
    times = (tables.reservation.c.at, tables.outcome.c.at, tables.resolution.c.at)
    return sa.and_(_KNOWN, sa.or_(*(_within(at, day) for at in times)))


def _calls(connection: sa.Connection, day: date) -> Iterator[UsageEvent]:
    held, outcome, batch = tables.reservation, tables.outcome, tables.batch_call
    query = (
        sa.select(held, outcome.c.kind, outcome.c.at.label("ended_at"), batch.c.batch_id)
        .select_from(_ends().outerjoin(batch, batch.c.reservation == held.c.key))
        .where(_of(day))
        .order_by(held.c.at, held.c.key)
    )
    entries = _entries(connection, day)
    for row in connection.execute(query):
        yield _call(row, entries[row.key])


def _entries(connection: sa.Connection, day: date) -> Mapping[str, list[sa.Row[Any]]]:
    entry = tables.entry
    keys = sa.select(tables.reservation.c.key).select_from(_ends()).where(_of(day))
    query = sa.select(entry).where(entry.c.reservation.in_(keys), entry.c.kind.in_(("hold", "call")))
    found: dict[str, list[sa.Row[Any]]] = defaultdict(list)
    for row in connection.execute(query.order_by(entry.c.id)):
        found[row.reservation].append(row)
    return found


def _call(held: sa.Row[Any], entries: Sequence[sa.Row[Any]]) -> UsageEvent:
    booked = [row for row in entries if row.kind == "call"]
    tokens: dict[str, int] = defaultdict(int)
    for row in booked:
        tokens[row.unit] += -row.quantity if row.reverses else row.quantity
    failed = held.kind != "settled"
    price = next((row.price for row in reversed(booked) if row.price), held.terms["price"])
    start, end = datetime.fromisoformat(held.at), datetime.fromisoformat(held.ended_at)
    return UsageEvent(
        event_id=f"{SOURCE}:{held.key}",
        source=SOURCE,
        started_at=start,
        ended_at=end,
        provider=held.terms["provider"],
        model=held.terms["model"],
        workload=next((row.workload for row in entries), ""),
        run=held.artifact,
        operation=held.step,
        level=held.terms.get("level", "standard"),
        errors=int(failed),
        retries=int(held.attempt > 1 and not failed),
        input_tokens=tokens["input_tokens"] + tokens["cached_input_tokens"] + tokens["cache_write_input_tokens"],
        cached_input_tokens=tokens["cached_input_tokens"],
        cache_write_input_tokens=tokens["cache_write_input_tokens"],
        output_tokens=tokens["output_tokens"],
        # the end of a batch is when somebody collected it, and that of a suspense when somebody noticed
        latency_ms=milliseconds(start, end, "at") if not held.batch_id and held.kind != "suspended" else None,
        cost_nano_usd=sum(-row.amount_nano_usd if row.reverses else row.amount_nano_usd for row in booked),
        price_basis="declared" if price["source"] == "policy" else "book",  # a contract is no list price
        price_version=f"{price['source']} {price['version']}",
    )


# --- artifacts ------------------------------------------------------------------------------------------------------------


def _endings(connection: sa.Connection, day: date) -> Iterator[UsageEvent]:
    published, rejected = _publications(), _rejections()
    for kind, found in (("published", published), ("rejected", rejected)):
        query = (
            sa.select(found.c.artifact, found.c.at, found.c.loop, tables.artifact.c.brief, tables.artifact.c.created_at)
            .join(tables.artifact, tables.artifact.c.key == found.c.artifact)
            .where(_within(found.c.at, day))
            .order_by(found.c.at, found.c.artifact)
        )
        for row in connection.execute(query):
            yield _ending(row, kind)


def _publications() -> sa.Subquery:
    """The first receipt of each artifact; a packet is published once, so its loop is that of the packet."""
    publication, receipt, packet = tables.publication, tables.receipt, tables.packet
    return (
        sa.select(
            publication.c.artifact, sa.func.min(receipt.c.at).label("at"), sa.func.min(packet.c.loop).label("loop")
        )
        .join(receipt, receipt.c.publication_key == publication.c.key)
        .join(packet, packet.c.digest == publication.c.packet_digest)
        .group_by(publication.c.artifact)
        .subquery()
    )


def _rejections() -> sa.Subquery:
    """A veto is final."""
    decision, packet = tables.decision, tables.packet
    return (
        sa.select(decision.c.artifact, sa.func.min(decision.c.at).label("at"), sa.func.min(packet.c.loop).label("loop"))
        .join(packet, packet.c.digest == decision.c.packet_digest)
        .where(decision.c.verdict == "reject")
        .group_by(decision.c.artifact)
        .subquery()
    )


def _ending(row: Any, kind: str) -> UsageEvent:
    start, end = datetime.fromisoformat(row.created_at), datetime.fromisoformat(row.at)
    approved = int(kind == "published")
    return UsageEvent(
        event_id=f"{SOURCE}:{row.artifact}/{kind}",
        source=SOURCE,
        started_at=end,
        ended_at=end,
        workload=row.brief["workload"],
        run=row.artifact,
        operation=kind,
        requests=0,
        outcomes=1,
        approved=approved,
        approved_first=int(approved and row.loop == 0),
        cycle_s=(end - start).total_seconds(),
    )
