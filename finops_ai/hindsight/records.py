"""The past, read from the records.

Belongs here: queries, and stored objects as values. Does not: anything that depends on a policy.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

import sqlalchemy as sa

from finops_ai.artifacts import ended_loops
from finops_ai.briefs import brief_of, is_result
from finops_ai.facts import facts_of
from finops_ai.generation import Draft, sentence_rows
from finops_ai.hindsight.model import Assessed, Month, Past, PastCall, PastCost, PastDraft
from finops_ai.ledger import Terms
from finops_ai.policy import Assessment, Stage
from finops_ai.pricing import Usage
from finops_ai.store import ObjectStore, month_bounds, tables, utc_now

_METERS = ("input_tokens", "cached_input_tokens", "cache_write_input_tokens", "output_tokens")


def assessed_in(connection: sa.Connection, month: str) -> list[Assessed]:
    """Artifacts with a risk assessment in this month (YYYY-MM), by the newest of them; oldest first.

    A document of our own has none: no policy decides about it.
    """
    row, artifact = tables.step_output, tables.artifact
    start, end = map(utc_now, month_bounds(month))
    newest = (
        sa.select(sa.func.max(row.c.id))
        .join(artifact, artifact.c.key == row.c.artifact)
        .where(row.c.step == "risk_assessment", row.c.at >= start, row.c.at < end, is_result())
        .group_by(row.c.artifact)
    )
    query = sa.select(*(row.c[name] for name in Assessed.__slots__)).where(row.c.id.in_(newest)).order_by(row.c.id)
    return [Assessed(**found) for found in connection.execute(query).mappings()]


def past_of(connection: sa.Connection, objects: ObjectStore, assessed: Assessed) -> Past:
    """Everything that the steps and the ledger recorded of it. Raises ObjectMissing where a stored output is gone."""
    artifact = assessed.artifact
    outputs = _outputs(connection, artifact)
    return Past(
        artifact=artifact,
        brief=brief_of(connection, artifact),
        assessed_on=assessed.at[:10],
        assessed_loop=assessed.loop,
        assessment=Assessment.from_dict(objects.get_json(assessed.output_sha256)),
        loops=tuple(sorted({row.loop for row in outputs if row.step in ("model_route", "draft")})),
        ended=ended_loops(connection, artifact),
        drafts=tuple(_drafts(connection, objects, artifact, outputs)),
        calls=tuple(_calls(connection, artifact)),
        costs=tuple(_costs(connection, artifact)),
    )


def month_of(connection: sa.Connection, month: str) -> Month:
    """New artifacts per workload and day, and every change of stage."""
    artifact, change = tables.artifact, tables.stage_change
    start, end = map(utc_now, month_bounds(month))
    created = sa.select(artifact.c.brief["workload"].as_string().label("workload"), artifact.c.created_at)
    rows = connection.execute(created.where(artifact.c.created_at >= start, artifact.c.created_at < end, is_result()))
    registered = Counter((row.workload, row.created_at[:10]) for row in rows)
    changes = connection.execute(sa.select(change).order_by(change.c.id))
    return Month(
        registered=registered,
        stage_changes=tuple((row.workload, row.at[:10], cast("Stage", row.to_stage)) for row in changes),
    )


def _outputs(connection: sa.Connection, artifact: str) -> Sequence[sa.Row[Any]]:
    row = tables.step_output
    steps = ("claims", "model_route", "draft")
    query = sa.select(row).where(row.c.artifact == artifact, row.c.step.in_(steps))
    return connection.execute(query.order_by(row.c.id)).all()


def _drafts(
    connection: sa.Connection, objects: ObjectStore, artifact: str, outputs: Sequence[sa.Row[Any]]
) -> list[PastDraft]:
    """The newest of each loop, with the facts of the claims that were current then."""
    newest: dict[int, tuple[str, str]] = {}
    claims = ""
    for row in outputs:
        if row.step == "claims":
            claims = row.output_sha256
        elif row.step == "draft":
            newest[row.loop] = (row.output_sha256, claims)
    found = []
    for loop, (draft_sha256, claims_sha256) in sorted(newest.items()):
        markdown = Draft.from_dict(objects.get_json(draft_sha256)).markdown
        sentences = sentence_rows(markdown, facts_of(connection, artifact, claims_sha256))
        found.append(PastDraft(loop=loop, markdown=markdown, sentences=tuple(sentences)))
    return found


def _calls(connection: sa.Connection, artifact: str) -> list[PastCall]:
    """One per reservation that was booked: its entries less what was reversed."""
    entry, reservation = tables.entry, tables.reservation
    query = (
        sa.select(entry, reservation.c.at.label("reserved_at"), reservation.c.terms)
        .join(reservation, reservation.c.key == entry.c.reservation)
        .where(entry.c.artifact == artifact, entry.c.kind == "call")
        .order_by(entry.c.id)
    )
    rows: dict[str, list[sa.Row[Any]]] = {}
    for row in connection.execute(query):
        rows.setdefault(row.reservation, []).append(row)
    return [_call_of(entries) for entries in rows.values()]


def _call_of(entries: Sequence[sa.Row[Any]]) -> PastCall:
    tokens: Counter[str] = Counter()
    for row in entries:
        tokens[row.unit] += -row.quantity if row.reverses else row.quantity
    plain, cached, written, output = (tokens[meter] for meter in _METERS)
    last = entries[-1]
    return PastCall(
        day=last.reserved_at[:10],
        step=last.step,
        loop=last.loop,
        tier=last.tier,
        model=last.model,
        level=Terms.from_dict(last.terms).level,
        usage=Usage(
            input_tokens=plain + cached + written,
            cached_input_tokens=cached,
            output_tokens=output,
            cache_write_input_tokens=written,
        ),
        estimated=last.estimated,
    )


def _costs(connection: sa.Connection, artifact: str) -> list[PastCost]:
    entry = tables.entry
    kinds = ("compute", "review", "retrieval")
    query = sa.select(entry).where(entry.c.artifact == artifact, entry.c.kind.in_(kinds)).order_by(entry.c.id)
    return [
        PastCost(
            day=row.at[:10],
            step=row.step,
            loop=row.loop,
            kind=row.kind,
            quantity=-row.quantity if row.reverses else row.quantity,
        )
        for row in connection.execute(query)
    ]
