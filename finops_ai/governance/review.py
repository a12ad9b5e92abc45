"""The monthly governance review as a value: every figure with its formula and the rows it can be computed from.

Belongs here: `review_of`, its record for JSON, its checks. Does not: reading records (`reading`), pages (`rendering`). Everything
is a pure function of the values, and no clock is read: equal records make an equal review, byte for byte.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from finops_ai.governance.controls import Month, Supported, supported_by
from finops_ai.governance.economics import DIMENSIONS, Dimension, Economics, bought, economics_of, grouped, rework_of
from finops_ai.governance.figures import Definition, Of, Value
from finops_ai.governance.finance import FINANCE
from finops_ai.governance.model import Baseline, Given, Ratio, Values
from finops_ai.governance.needs import Need, needs_of
from finops_ai.governance.rows import Table, as_record, recomputed, tables_of
from finops_ai.governance.safeguards import Safeguards, safeguards_of
from finops_ai.governance.security import SECURITY
from finops_ai.governance.technology import TECHNOLOGY
from finops_ai.governance.wording import change, direction, shown, usd

READY = "ready"
SCHEMA = "finops-ai/review/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of the month under review, with the months before it and its baseline."""

    definition: Definition
    trend: tuple[Value, ...]  # a value for each month shown; the last is the month's own
    baseline: Value = None

    @property
    def value(self) -> Value:
        """Of the month."""
        return self.trend[-1]

    @property
    def previous(self) -> Value:
        """Of the month before; None where there are no records of it."""
        return self.trend[-2] if len(self.trend) > 1 else None

    @property
    def shown(self) -> str:
        """As people read it."""
        return shown(self.value, self.definition.unit)

    @property
    def change(self) -> str:
        """Against the month before."""
        return change(self.value, self.previous, self.definition.unit)

    @property
    def against_baseline(self) -> str:
        """Against the baseline; "" where there is none."""
        return change(self.value, self.baseline, self.definition.unit)

    @property
    def is_better(self) -> bool | None:
        """Than in the month before; None where nothing can be said."""
        moved = direction(self.value, self.previous)
        if not moved or not self.definition.better:
            return None
        return (moved > 0) == (self.definition.better == "up")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One value of a property, such as a workload, with its share of the month."""

    name: str
    economics: Economics
    baseline: Baseline | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What led to rework."""

    name: str
    loops: int
    cost_nano_usd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionSum:
    """What exceptions of one tier and reason bought."""

    tier: str
    reason: str
    uses: int
    passed: int
    unjudged: int
    cost_nano_usd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A month as its leaders are asked to sign it."""

    values: Values
    given: Given
    economics: tuple[Economics, ...]  # of each month shown
    safeguards: Safeguards
    figures: Mapping[str, Figure]
    parts: Mapping[Dimension, tuple[Part, ...]]  # dearest first
    causes: tuple[Cause, ...]  # dearest first
    exceptions: tuple[ExceptionSum, ...]
    stops: tuple[tuple[str, str, str, int], ...]  # (gate, why, control, how often)
    controls: tuple[Supported, ...]
    needs: tuple[Need, ...]
    tables: Mapping[str, Table]

    @property
    def month(self) -> str:
        """YYYY-MM."""
        return self.values.view.month

    @property
    def months(self) -> tuple[str, ...]:
        """Those that are shown, oldest first."""
        return tuple(view.month for view in self.values.months)

    @property
    def closed(self) -> tuple[str, int, int, str, str] | None:
        """(month, charges, nano-USD, by whom, SHA-256), where finance has closed the month."""
        return next((row for row in self.values.books.closed if row[0] == self.month), None)


def review_of(values: Values, given: Given | None = None) -> Review:
    """The review of the last month of the values."""
    given = given or Given()
    economics = tuple(economics_of(view) for view in values.months)
    guards = tuple(safeguards_of(view, values.quorums) for view in values.months)
    sources = tuple(map(Of, economics, guards))
    month = Month(economics=economics[-1], safeguards=guards[-1], books=values.books)
    before = economics[-2] if len(economics) > 1 else None
    return Review(
        values=values,
        given=given,
        economics=economics,
        safeguards=guards[-1],
        figures={
            one.id: Figure(definition=one, trend=_trend(one, sources), baseline=_baseline(one, given))
            for one in (*TECHNOLOGY, *SECURITY, *FINANCE)
        },
        parts={by: tuple(_parts(values, by, given)) for by in DIMENSIONS},
        causes=tuple(_causes(values)),
        exceptions=tuple(_exceptions(values)),
        stops=tuple((*key, count) for key, count in Counter(values.view.reasons).most_common()),
        controls=tuple(supported_by(month)),
        needs=tuple(needs_of(values, given, economics[-1], guards[-1], before)),
        tables=tables_of(values, guards[-1]),
    )


_RISK_IS_READ_OF = 2  # months: assessments are objects, each to be fetched
_OF_RISK = ("addressing-sources", "addressed-share")


def _trend(definition: Definition, sources: tuple[Of, ...]) -> tuple[Value, ...]:
    unknown = max(0, len(sources) - _RISK_IS_READ_OF) if definition.id in _OF_RISK else 0
    return tuple(None if n < unknown else definition.value(of) for n, of in enumerate(sources))


def _baseline(definition: Definition, given: Given) -> Value:
    if given.baseline is None:
        return None
    return {"unit-cost": given.baseline.unit_cost, "first-pass-yield": given.baseline.quality}.get(definition.id)


def _parts(values: Values, by: Dimension, given: Given) -> list[Part]:
    found = [
        Part(name=name, economics=economics_of(view), baseline=given.baselines.get(name) if by == "workload" else None)
        for name, view in grouped(values.view, by).items()
    ]
    active = [one for one in found if one.economics.spend_nano_usd or one.economics.ended or one.economics.submitted]
    return sorted(active, key=lambda one: (-one.economics.spend_nano_usd, one.name))


def _causes(values: Values) -> list[Cause]:
    loops: Counter[str] = Counter()
    cost: Counter[str] = Counter()
    for one in rework_of(values.view):
        loops[one.cause] += 1
        cost[one.cause] += one.cost_nano_usd
    found = [Cause(name=name, loops=loops[name], cost_nano_usd=cost[name]) for name in loops]
    return sorted(found, key=lambda one: (-one.cost_nano_usd, one.name))


def _exceptions(values: Values) -> list[ExceptionSum]:
    groups = defaultdict(list)
    for one in bought(values.view):
        groups[one.premium.tier, one.premium.reason].append(one)
    return [
        ExceptionSum(
            tier=tier,
            reason=reason,
            uses=len(found),
            passed=sum(one.passed is True for one in found),
            unjudged=sum(one.passed is None for one in found),
            cost_nano_usd=sum(one.cost_nano_usd for one in found),
        )
        for (tier, reason), found in sorted(groups.items())
    ]


# --- what the gates of the document judge


def checks(review: Review) -> list[dict[str, str]]:
    """Rows for a gate: an item, and `ready` or what is wrong with it."""
    return [*record_checks(review), *figure_checks(review)]


def record_checks(review: Review) -> list[dict[str, str]]:
    """Of the records behind the figures. What may be open (suspense, a month that is not closed) is said in the item."""
    values, economics, guards = review.values, review.economics[-1], review.safeguards
    books = values.books
    unsealed = "" if books.seal_sha256 or not books.last_entry else "not yet; `finops-ai ledger check` seals them"
    suspense = f"suspense is said: {usd(economics.suspense_nano_usd)}" if economics.suspense_nano_usd else "no suspense"
    found = {
        f"{review.month} is over": "" if values.over else "it is not over: its figures will still change",
        "books balanced, hash chain whole": "; ".join(books.problems),
        "every entry of the month is sealed": unsealed,
        "the month is closed" if review.closed else "the month is said to be open": _unlike_closed(review),
        suspense: "",
        "no call without a price": f"{economics.unpriced} without one" if economics.unpriced else "",
        "nothing was published against a gate": ", ".join(guards.unguarded[:5]),
        "records of gates and risk are at hand": f"{values.unreadable} are not" if values.unreadable else "",
    }
    return [{"item": item, "state": wrong or READY} for item, wrong in found.items()]


def _unlike_closed(review: Review) -> str:
    """What finance was given must be what this review says was spent."""
    given, spend = review.closed, review.economics[-1].spend_nano_usd
    return f"closed with {given[2]} nano-USD, spent are {spend}" if given and given[2] != spend else ""


def figure_checks(review: Review) -> list[dict[str, str]]:
    """Of every figure, computed anew from its rows; and of every breakdown, whose parts make the whole."""
    return [*_figures_from_rows(review), *_parts_make_the_whole(review)]


def _figures_from_rows(review: Review) -> Iterator[dict[str, str]]:
    for name, figure in review.figures.items():
        found = recomputed(review.tables, figure.definition.of, figure.definition.per)
        same = found == figure.value
        yield {"item": name, "state": READY if same else f"its rows say {found}, the figure says {figure.value}"}


def _parts_make_the_whole(review: Review) -> Iterator[dict[str, str]]:
    whole = review.economics[-1]
    for by, parts in review.parts.items():
        spend = sum(part.economics.spend_nano_usd for part in parts)
        published = sum(part.economics.published for part in parts)
        same = (spend, published) == (whole.spend_nano_usd, whole.published)
        wrong = f"its parts have {published} published for {spend} nano-USD, the month {whole.published} for {whole.spend_nano_usd}"
        yield {"item": f"the parts by {by} make the whole", "state": READY if same else wrong}


# --- the record


def figures(review: Review, *, rows: bool = True) -> dict[str, Any]:
    """Everything the pages show, for JSON without floats: amounts in nano-USD, ratios as two integers.

    With `rows`, whoever has this record alone can compute every figure anew.
    """
    values, books = review.values, review.values.books
    return {
        "schema": SCHEMA,
        "month": review.month,
        "months": list(review.months),
        "ends_at": values.view.ends_at,
        "over": values.over,
        "policy_sha256": values.policy_sha256,
        "not_booked": list(values.not_booked),
        "figures": [_figure_record(figure) for figure in review.figures.values()],
        "by": {by: [_part_record(part) for part in parts] for by, parts in review.parts.items()},
        "rework_causes": [
            {"cause": one.name, "loops": one.loops, "cost_nano_usd": one.cost_nano_usd} for one in review.causes
        ],
        "exceptions": [{name: getattr(one, name) for name in one.__slots__} for one in review.exceptions],
        "gates": {gate: {"passed": ok, "stopped": no} for gate, (ok, no) in review.safeguards.by_gate.items()},
        "stops": [{"gate": gate, "why": why, "control": c, "count": n} for gate, why, c, n in review.stops],
        "approvals": dict(review.safeguards.approvals),
        "controls": [_control_record(one) for one in review.controls],
        "needs": [{name: getattr(need, name) for name in need.__slots__} for need in review.needs],
        "books": {
            "problems": list(books.problems),
            "last_entry": books.last_entry,
            "seal_sha256": books.seal_sha256,
            "closed": [list(row) for row in books.closed],
            "resolved": [list(row) for row in books.resolved],
        },
        "alerts": [list(row) for row in values.alerts],
        "stages": [list(row) for row in values.stages],
        "baselines": _baseline_records(review.given),
        "forecasts": [{name: getattr(one, name) for name in one.__slots__} for one in review.given.forecasts],
        "checks": checks(review),
        "tables": {name: _table_record(table, rows=rows) for name, table in review.tables.items()},
    }


def _figure_record(figure: Figure) -> dict[str, Any]:
    one = figure.definition
    return {
        "id": one.id,
        "part": one.part,
        "name": one.name,
        "unit": one.unit,
        "value": plain(figure.value),
        "shown": figure.shown,
        "change": figure.change,
        "baseline": plain(figure.baseline),
        "trend": [plain(value) for value in figure.trend],
        "formula": one.formula,
        "of": [term._asdict() | {"where": list(term.where or ())} for term in one.of],
        "per": [term._asdict() | {"where": list(term.where or ())} for term in one.per],
    }


def _part_record(part: Part) -> dict[str, Any]:
    found = part.economics
    return {
        "name": part.name,
        "published": found.published,
        "spend_nano_usd": found.spend_nano_usd,
        "unit_cost": plain(found.unit_cost),
        "rework_share": plain(found.rework_share),
        "first_pass_yield": plain(found.first_pass_yield),
        "exception_rate": plain(found.exception_rate),
        "cost_to_value": plain(found.cost_to_value),
    }


def _control_record(one: Supported) -> dict[str, str]:
    control = one.control
    ids = {name: getattr(control, name) for name in ("step", "nist", "iso", "owasp", "eu")}
    return ids | {"evidence": one.evidence}


def _baseline_records(given: Given) -> dict[str, Any]:
    found = dict(given.baselines) | ({"": given.baseline} if given.baseline else {})
    return {
        name: {"unit_cost": plain(one.unit_cost), "quality": plain(one.quality), "source": one.source}
        for name, one in sorted(found.items())
    }


def _table_record(table: Table, *, rows: bool) -> dict[str, Any]:
    record = as_record(table)
    return record if rows else {name: value for name, value in record.items() if name != "rows"}


def plain(value: Value) -> int | dict[str, int] | None:
    """For JSON."""
    return value._asdict() if isinstance(value, Ratio) else value
