"""From the books to decisions and back: reads the calls, applies what was decided.

Belongs here: queries, the lock, one transaction for what belongs together. Does not: any decision (`matching`), the
entries themselves (`ledger`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from finops_ai import ledger
from finops_ai.pricing import Usage
from finops_ai.reconciliation.matching import (
    CALL_SECONDS_MAX,
    SETTLED_AFTER,
    Call,
    Corrected,
    Decided,
    Resolved,
    State,
    decide,
)
from finops_ai.reconciliation.reports import ReportFile, ReportRefused, Reports, Shape, read_reports
from finops_ai.store import Database, ObjectStore, sha256_hex, tables, utc_now

LOCK = "reconcile"
PROVIDERS: Mapping[Shape, frozenset[str]] = {
    "openai": frozenset({"openai", "api.openai.com"}),  # the first is the name where a tier has no base_url
    "anthropic": frozenset({"api.anthropic.com"}),
}
_KEYS_PER_QUERY = 500
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What was decided and, unless it was a dry run, applied. `suspense_nano_usd`: what is in suspense after it."""

    decided: tuple[Decided, ...]
    suspense_nano_usd: int

    @property
    def complete(self) -> bool:
        """Nothing was left and nothing differs."""
        return not any(one.left or one.differences for one in self.decided)


def report_file(path: Path) -> ReportFile:
    """The bytes of a report. Raises ReportRefused where there are none to be read."""
    try:
        content, written_s = path.read_bytes(), path.stat().st_mtime
    except OSError as error:
        raise ReportRefused([{"file": str(path), "reason": error.strerror or str(error)}]) from None
    fetched_at = datetime.fromtimestamp(written_s, UTC)
    return ReportFile(name=str(path), content=content, sha256=sha256_hex(content), fetched_at=fetched_at)


def reconcile(
    database: Database,
    objects: ObjectStore,
    files: Sequence[ReportFile],
    *,
    hosts: Collection[str] = (),
    now: datetime | None = None,
    settled_after: timedelta = SETTLED_AFTER,
    dry_run: bool = False,
) -> Reconciled:
    """Close what the reports explain. `hosts` stand in the place of the provider's own, as for a gateway.

    Raises ReportRefused before anything is changed, LockTaken where another process reconciles.
    """
    reports = read_reports(files)
    providers = _providers(reports, hosts)
    with database.exclusive(LOCK):
        with database.read() as connection:
            calls = _calls(connection, reports, providers)
            suspense_nano_usd = ledger.spent(connection).suspense_nano_usd
        decided = decide(reports, calls, providers=providers, now=now or datetime.now(UTC), settled_after=settled_after)
        if not dry_run:
            _keep(objects, files, decided)
            for one in decided:
                _apply(database, objects, one)
    closed = sum(item.call.held_nano_usd for one in decided for item in one.resolved)
    return Reconciled(decided=tuple(decided), suspense_nano_usd=suspense_nano_usd - closed)


def _providers(reports: Reports, hosts: Collection[str]) -> Mapping[Shape, frozenset[str]]:
    if not hosts:
        return PROVIDERS
    shapes = sorted({bucket.shape for bucket in reports.buckets})
    if len(shapes) > 1:
        files = ", ".join(sorted({bucket.file for bucket in reports.buckets}))
        reason = f"reports of {' and '.join(shapes)} cannot both speak for {', '.join(hosts)}: give one at a time"
        raise ReportRefused([{"file": files, "field": "--provider", "reason": reason}])
    return {shape: frozenset(hosts) for shape in shapes}


# --- applying -----------------------------------------------------------------------------------------------------------


def _keep(objects: ObjectStore, files: Sequence[ReportFile], decided: Sequence[Decided]) -> None:
    """The reports that something was decided on, before the books refer to them."""
    used = {digest for one in decided for item in one.changes for digest in item.report_sha256s}
    for file in files:
        if file.sha256 in used:
            objects.put(file.content)


def _apply(database: Database, objects: ObjectStore, one: Decided) -> None:
    if not one.changes:
        return
    digest_of = {item.call.reservation: _one_digest(objects, item) for item in one.changes}
    with database.write() as tx:
        for item in one.resolved:
            key = item.call.reservation
            ledger.resolve(tx, key, item.usage, detail=item.how, report_sha256=digest_of[key], estimated=item.estimated)
        for corrected in one.corrected:
            key = corrected.call.reservation
            ledger.correct(tx, key, corrected.usage, report_sha256=digest_of[key])


def _one_digest(objects: ObjectStore, item: Resolved | Corrected) -> str:
    """The report's; where a window reaches over several files, that of a list of them."""
    if len(item.report_sha256s) == 1:
        return item.report_sha256s[0]
    return objects.put_json({"reports": list(item.report_sha256s)})


# --- reading the books --------------------------------------------------------------------------------------------------


def _calls(connection: sa.Connection, reports: Reports, providers: Mapping[Shape, frozenset[str]]) -> list[Call]:
    """Every call that a bucket or a response may speak of."""
    reservation, outcome = tables.reservation, tables.outcome
    conditions: list[sa.ColumnElement[bool]] = []
    if reports.buckets:
        first = min(bucket.start for bucket in reports.buckets) - timedelta(seconds=CALL_SECONDS_MAX)
        last = max(bucket.end for bucket in reports.buckets)
        ended_late = sa.or_(
            tables.batch_call.c.reservation.is_not(None),
            outcome.c.at >= utc_now(first),
            reservation.c.at >= utc_now(first),
        )
        conditions.append(sa.and_(reservation.c.at < utc_now(last), ended_late))
    ids = [response.id for response in reports.responses]
    parts = (ids[start : start + _KEYS_PER_QUERY] for start in range(0, len(ids), _KEYS_PER_QUERY))
    conditions.extend(outcome.c.response_id.in_(part) for part in parts)
    hosts = frozenset().union(*(providers[shape] for shape in providers))
    found: dict[str, Call] = {}
    for condition in conditions:
        booked = _booked(connection, condition)
        for row in connection.execute(_reservations(condition)):
            if row.terms["provider"] in hosts or row.response_id:
                found[row.key] = _call(row, booked.get(row.key, ()))
    return sorted(found.values(), key=lambda call: (call.at, call.reservation))


def _joined() -> sa.Join:
    reservation, outcome, batched = tables.reservation, tables.outcome, tables.batch_call
    return (
        reservation.join(tables.operation, tables.operation.c.key == reservation.c.operation)
        .outerjoin(outcome, outcome.c.reservation == reservation.c.key)
        .outerjoin(batched, batched.c.reservation == reservation.c.key)
    )


def _reservations(condition: sa.ColumnElement[bool]) -> sa.Select[Any]:
    reservation, outcome = tables.reservation, tables.outcome
    return (
        sa.select(
            *(reservation.c[name] for name in ("key", "artifact", "step", "amount_nano_usd", "terms", "at")),
            tables.operation.c.loop,
            outcome.c.kind,
            outcome.c.response_id,
            outcome.c.at.label("ended_at"),
            tables.batch_call.c.batch_id,
        )
        .select_from(_joined())
        .where(condition)
    )


def _booked(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> dict[str, list[sa.Row[Any]]]:
    """The standing entries per reservation: what was reversed, and the reversals, cancel each other out."""
    entry, reversal = tables.entry, tables.entry.alias()
    names = ("reservation", "kind", "quantity", "unit", "estimated")
    query = (
        sa.select(*(entry.c[name] for name in names))
        .select_from(
            _joined()
            .join(entry, entry.c.reservation == tables.reservation.c.key)
            .outerjoin(reversal, reversal.c.reverses == entry.c.id)
        )
        .where(condition, entry.c.kind.in_(("call", "suspense")), entry.c.reverses.is_(None), reversal.c.id.is_(None))
    )
    found: dict[str, list[sa.Row[Any]]] = {}
    for row in connection.execute(query):
        found.setdefault(row.reservation, []).append(row)
    return found


def _call(row: sa.Row[Any], booked: Sequence[sa.Row[Any]]) -> Call:
    terms = ledger.Terms.from_dict(row.terms)
    calls = [entry for entry in booked if entry.kind == "call"]
    return Call(
        reservation=row.key,
        artifact=row.artifact,
        step=row.step,
        loop=row.loop,
        provider=terms.provider,
        model=terms.model,
        price=terms.price,
        held_nano_usd=row.amount_nano_usd,
        at=datetime.fromisoformat(row.at),
        until=_billed_until(row, terms.level),
        state=_state(row, booked),
        usage=_usage(calls) if calls else None,
        estimated=any(entry.estimated for entry in calls),
        response_id=row.response_id or "",
    )


def _state(row: sa.Row[Any], booked: Sequence[sa.Row[Any]]) -> State:
    kinds = {entry.kind for entry in booked}
    if "call" in kinds:
        return "settled"
    if "suspense" in kinds:
        return "suspended"
    if row.kind is None:
        return "open"
    return "released" if row.kind == "released" else "not_billed"


def _billed_until(row: sa.Row[Any], level: str) -> datetime:
    """A batch may be billed until its result was seen; a call in suspense was seen by nobody."""
    soon = datetime.fromisoformat(row.at) + timedelta(seconds=CALL_SECONDS_MAX)
    if row.batch_id is not None or level == "batch":
        return max(soon, datetime.fromisoformat(row.ended_at)) if row.ended_at else _NEVER
    return max(soon, datetime.fromisoformat(row.ended_at)) if row.kind == "settled" else soon


def _usage(entries: Sequence[sa.Row[Any]]) -> Usage:
    counted: dict[str, int] = {}
    for entry in entries:
        counted[entry.unit] = counted.get(entry.unit, 0) + int(entry.quantity)
    cached, written = counted.get("cached_input_tokens", 0), counted.get("cache_write_input_tokens", 0)
    return Usage(
        input_tokens=counted.get("input_tokens", 0) + cached + written,
        cached_input_tokens=cached,
        cache_write_input_tokens=written,
        output_tokens=counted.get("output_tokens", 0),
    )
