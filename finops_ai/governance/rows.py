"""The rows behind the figures of a month: tables whose sums, counts and percentiles are the figures.

Belongs here: what a row is, and a figure computed anew from rows. Does not: the figures themselves (`figures`), which come
from the values by another way, so that comparing the two proves something.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

from finops_ai.governance.economics import (
    bought,
    exceptions_in,
    is_allocated,
    percentile,
    rework_of,
    seconds_between,
    state_of,
)
from finops_ai.governance.model import Artifact, Ratio, Spend, Values, View
from finops_ai.governance.safeguards import Safeguards, is_guarded
from finops_ai.signoff import POLICY_ROLE
from finops_ai.store import canonical_json, sha256_hex

Cell = str | int
Unit = Literal["text", "at", "count", "usd", "seconds", "tokens", "id"]
_WAITS_FOR = {"open": "its next run", "held": "a person", "failed": "another try"}
How = Literal["sum", "count", "p50", "p90", "max"]


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of equal length. `columns`: name and unit; amounts are nano-USD."""

    name: str
    title: str
    columns: tuple[tuple[str, Unit], ...]
    rows: tuple[tuple[Cell, ...], ...]

    @cached_property
    def sha256(self) -> str:
        """Of the rows: two reviews with equal hashes speak of the same ones."""
        return sha256_hex(canonical_json([list(row) for row in self.rows]))

    def column(self, name: str) -> list[Cell]:
        """Its cells, in order. Raises ValueError where there is none of this name."""
        position = [column for column, _ in self.columns].index(name)
        return [row[position] for row in self.rows]

    def totals(self) -> tuple[Cell, ...]:
        """The sum of each column that can be summed; "" under the others."""
        return tuple(
            sum(value for value in self.column(name) if isinstance(value, int))
            if unit in ("count", "usd", "tokens")
            else ""
            for name, unit in self.columns
        )


class Term(NamedTuple):
    """How a number is computed from a table: over one column, of all rows or of those with a value in another column."""

    table: str
    column: str = ""
    how: How = "sum"
    where: tuple[str, str] | None = None

    def of(self, tables: Mapping[str, Table]) -> int | None:
        """The number. A percentile of no rows is None."""
        table = tables[self.table]
        chosen = table.column(self.where[0]) if self.where else []
        kept = [not self.where or chosen[n] == self.where[1] for n in range(len(table.rows))]
        if self.how == "count":
            return sum(kept)
        cells = [cell for cell, keep in zip(table.column(self.column), kept, strict=True) if keep]
        values = [cell for cell in cells if isinstance(cell, int)]
        if self.how == "sum":
            return sum(values)
        return percentile(values, {"p50": 50, "p90": 90, "max": 100}[self.how])

    @property
    def words(self) -> str:
        """The term as people read it."""
        what = "rows" if self.how == "count" else f"{self.how} of {self.column}"
        return f"{what} in {self.table}" + (f" where {self.where[0]} is {self.where[1]}" if self.where else "")


def recomputed(tables: Mapping[str, Table], of: Sequence[Term], per: Sequence[Term]) -> int | Ratio | None:
    """A figure from its rows: a sum of terms, or one sum over another."""
    if per:
        return Ratio(_sum(tables, of), _sum(tables, per))
    return of[0].of(tables) if len(of) == 1 else _sum(tables, of)


def _sum(tables: Mapping[str, Table], terms: Sequence[Term]) -> int:
    return sum(term.of(tables) or 0 for term in terms)


def tables_of(values: Values, guards: Safeguards) -> dict[str, Table]:
    """Every table of the month under review, by name."""
    view = values.view
    made = [
        _outcomes(view), _submitted(view), _unfinished(view, guards), _work(view), _rework(view), _exceptions(view),
        _suspense(view), _estimated(view), _verdicts(guards), _decisions(guards), _signed(guards), _waiting(guards), _files(guards),
        _sources(view), _failures(guards), _budgets(values),
    ]  # fmt: skip
    return {table.name: table for table in made}


def _table(
    name: str, title: str, columns: str, rows: Iterator[tuple[Cell, ...]] | Sequence[tuple[Cell, ...]], *, by: str = ""
) -> Table:
    """`columns`: "artifact loop:count cost:usd"; without a unit it is text. `by`: what is greatest in it stands first."""
    pairs = [column.partition(":") for column in columns.split()]
    typed: list[tuple[str, Unit]] = [(name, unit or "text") for name, _, unit in pairs]  # type: ignore[misc]  # `or` widens the literal to str
    ordered = list(rows)
    if by:
        position = [column for column, _ in typed].index(by)
        ordered.sort(key=lambda row: (-int(row[position]), row[0]))
    return Table(name=name, title=title, columns=tuple(typed), rows=tuple(ordered))


def _outcomes(view: View) -> Table:
    return _table(
        "outcomes",
        "Artifacts whose outcome is in the month",
        "artifact workload cost_centre impact profile tier state at:at loop:id published:count first_pass:count "
        "rejected:count held:count failed:count unguarded:count cycle_s:seconds value:usd whole_life_cost:usd",
        (_outcome(one) for one in view.ended),
        by="whole_life_cost",
    )


def _outcome(one: Artifact) -> tuple[Cell, ...]:
    intake, is_published = one.intake, one.state == "published"
    return (
        one.key, intake.workload, intake.cost_centre, intake.impact, intake.profile, one.tier, one.state, one.outcome_at,
        one.loop, int(is_published), int(one.first_pass), int(one.state == "rejected"), int(one.state == "held"),
        int(one.state == "failed"), int(is_published and not is_guarded(one)),
        seconds_between(intake.at, one.outcome_at) if is_published else "",
        intake.value_nano_usd if is_published else 0, one.cost_nano_usd,
    )  # fmt: skip


def _submitted(view: View) -> Table:
    rows = ((one.key, one.intake.topic, one.intake.workload, one.intake.at) for one in view.artifacts)
    month = view.month
    return _table(
        "submitted", "Briefs taken in during the month", "artifact topic workload at:at",
        [row for row in rows if row[3][:7] == month],
    )  # fmt: skip


def _unfinished(view: View, guards: Safeguards) -> Table:
    waiting = {one.artifact: f"signatures: {one.missing}" for one in guards.waiting}
    unfinished = [one for one in view.artifacts if one.state in _WAITS_FOR]
    return _table(
        "unfinished", "Artifacts that were neither published nor rejected when the month ended",
        "artifact workload submitted:at loop:id state since:at waits_for",
        [
            (
                one.key, one.intake.workload, one.intake.at, one.loop, one.state, one.outcome_at,
                waiting.get(one.key, _WAITS_FOR[one.state]),
            )
            for one in sorted(unfinished, key=lambda one: (one.state, one.intake.at, one.key))
        ],
    )  # fmt: skip


def _work(view: View) -> Table:
    """One row per artifact and account: an artifact whose entries name two cost centres has two."""
    rows: dict[tuple[str, str, str], list[Spend]] = defaultdict(list)
    for row in view.spend:
        rows[row.artifact, row.workload, row.cost_centre].append(row)
    premium = {one.artifact for one in exceptions_in(view)}
    return _table(
        "work",
        "What was booked in the month, by artifact",
        "artifact workload cost_centre state first_entry:id last_entry:id entries:count cost:usd call:usd compute:usd "
        "retrieval:usd review:usd rework:usd approved:usd never_approved:usd unallocated:usd confirmed:usd "
        "input:tokens cached:tokens output:tokens calls:count overruns:count unpriced:count artifacts:count exception:count",
        (_worked(view, key, found, premium) for key, found in rows.items()),
        by="cost",
    )


def _worked(view: View, key: tuple[str, str, str], rows: list[Spend], premium: set[str]) -> tuple[Cell, ...]:
    state = state_of(view, rows[0])

    def cost(keep: Callable[[Spend], bool]) -> int:
        return sum(row.amount_nano_usd for row in rows if keep(row))

    kinds = [cost(lambda row, kind=kind: row.kind == kind) for kind in ("call", "compute", "retrieval", "review")]  # type: ignore[misc]  # mypy cannot infer a lambda with a default
    whole = cost(lambda _: True)
    return (
        *key, state, min(row.first_entry for row in rows), max(row.last_entry for row in rows),
        sum(row.entries for row in rows), whole, *kinds, cost(lambda row: row.loop > 0),
        whole if state == "published" else 0, whole if state in ("rejected", "held", "failed") else 0,
        cost(lambda row: not is_allocated(view, row)), cost(lambda row: row.kind == "call" and not row.estimated),
        sum(row.input_tokens for row in rows), sum(row.cached_input_tokens for row in rows),
        sum(row.output_tokens for row in rows), sum(row.calls for row in rows), sum(row.overruns for row in rows),
        sum(row.unpriced for row in rows), int(key[0] in view.states), int(key[0] in premium),
    )  # fmt: skip


def _rework(view: View) -> Table:
    return _table(
        "rework", "Loops after the first, with what caused them",
        "artifact loop:id cause cost:usd first_entry:id last_entry:id",
        [(one.artifact, one.loop, one.cause, one.cost_nano_usd, one.first_entry, one.last_entry) for one in rework_of(view)],
        by="cost",
    )  # fmt: skip


_PASSED = {True: "passed the quality gate", False: "failed it again", None: "not judged yet"}


def _exceptions(view: View) -> Table:
    return _table(
        "exceptions", "Uses of a tier above economy, and what each bought",
        "artifact step loop:id tier reason owner bought passed:count cost:usd",
        [
            (p.artifact, p.step, p.loop, p.tier, p.reason, p.owner, _PASSED[one.passed], int(bool(one.passed)), one.cost_nano_usd)
            for one in bought(view)
            for p in [one.premium]
        ],
        by="cost",
    )  # fmt: skip


def _suspense(view: View) -> Table:
    return _table(
        "suspense", "Calls whose outcome is not known, when the month ended",
        "artifact loop:id amount:usd first_entry:id last_entry:id",
        [(row.artifact, row.loop, row.amount_nano_usd, row.first_entry, row.last_entry) for row in view.suspense],
        by="amount",
    )  # fmt: skip


def _estimated(view: View) -> Table:
    return _table(
        "estimated", "Calls that stand at our own count, when the month ended",
        "artifact loop:id amount:usd first_entry:id last_entry:id",
        [(row.artifact, row.loop, row.amount_nano_usd, row.first_entry, row.last_entry) for row in view.estimated],
        by="amount",
    )  # fmt: skip


def _verdicts(guards: Safeguards) -> Table:
    return _table(
        "verdicts", "Gate verdicts of the month", "artifact loop:id gate passed:count stopped:count at:at",
        [(v.artifact, v.loop, v.gate, int(v.passed), int(not v.passed), v.at) for v in guards.verdicts], by="stopped",
    )  # fmt: skip


def _decisions(guards: Safeguards) -> Table:
    return _table(
        "decisions", "Decisions of the month",
        "artifact digest reviewer role verdict by:text approve:count request_changes:count reject:count "
        "review_s:count without_time:count at:at",
        [
            (
                d.artifact, d.packet_digest[:12], d.reviewer, d.role, d.verdict, "policy" if d.role == POLICY_ROLE else "person",
                int(d.verdict == "approve"), int(d.verdict == "request_changes"), int(d.verdict == "reject"),
                d.review_seconds, int(d.role != POLICY_ROLE and not d.review_seconds), d.at,
            )
            for d in guards.decisions
        ],
    )  # fmt: skip


def _signed(guards: Safeguards) -> Table:
    return _table(
        "signed", "Packets that people signed, from ready to the last signature", "artifact digest ready:at signed:at time:seconds",
        [(one.artifact, one.digest[:12], one.ready_at, one.signed_at, one.seconds) for one in guards.signed], by="time",
    )  # fmt: skip


def _waiting(guards: Safeguards) -> Table:
    return _table(
        "waiting", "Packets that wait for signatures when the month ends", "artifact digest since:at age:seconds missing",
        [(one.artifact, one.digest[:12], one.since, one.seconds, one.missing) for one in guards.waiting],
    )  # fmt: skip


def _files(guards: Safeguards) -> Table:
    return _table(
        "files", "Files published in the month", "artifact target file statement:count",
        [(one.artifact, one.target, one.name, int(one.has_statement)) for one in guards.files],
    )  # fmt: skip


def _sources(view: View) -> Table:
    return _table(
        "sources", "Artifacts whose sources were assessed in the month", "artifact addressing_sources:count affected:count",
        [(key, count, int(count > 0)) for key, count in view.addressing.items() if count is not None],
        by="addressing_sources",
    )  # fmt: skip


def _failures(guards: Safeguards) -> Table:
    return _table(
        "failures", "Steps that failed in the month", "artifact step permanent:count passing:count unpriced:count at:at",
        [(f.artifact, f.step, int(f.permanent), int(not f.permanent), int(f.unpriced), f.at) for f in guards.failures],
    )  # fmt: skip


def _budgets(values: Values) -> Table:
    return _table(
        "budgets", "Budgets of the month", "budget limit:usd spent:usd reserved:usd",
        [(b.id, b.limit_nano_usd, b.spent_nano_usd, b.reserved_nano_usd) for b in values.budgets],
    )  # fmt: skip


def as_record(table: Table) -> dict[str, Any]:
    """For JSON."""
    return {
        "title": table.title,
        "columns": [{"name": name, "unit": unit} for name, unit in table.columns],
        "rows": [list(row) for row in table.rows],
        "count": len(table.rows),
        "sha256": table.sha256,
    }
