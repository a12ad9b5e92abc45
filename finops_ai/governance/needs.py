"""What a month asks of its leaders: the few things that somebody has to decide, gravest first.

Belongs here: the rules and their thresholds, as pure functions of the figures. Does not: the figures, pages.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from finops_ai.governance.economics import Economics
from finops_ai.governance.figures import Part
from finops_ai.governance.model import Given, Ratio, Values
from finops_ai.governance.safeguards import Safeguards
from finops_ai.governance.wording import change, duration, number, percent, usd

WAITING_SECONDS_MAX = 3 * 86_400  # a packet that waits longer than this is worth a leader's word
UNIT_COST_RISE_MAX = Ratio(1, 5)  # against the month before
BUDGET_NEARLY_SPENT = Ratio(9, 10)
Grade = Literal["fault", "decide", "note"]
_GRADES: tuple[Grade, ...] = ("fault", "decide", "note")


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One thing to decide, with the figure that says so."""

    grade: Grade  # a fault must not be signed over; a note is only to be known
    part: Part  # whose decision it is
    text: str
    figure: str  # its id; "" where it stands in no figure


def needs_of(
    values: Values, given: Given, economics: Economics, guards: Safeguards, before: Economics | None
) -> list[Need]:
    """Faults, then decisions, then notes."""
    found = [
        *_faults(values, economics, guards),
        *_people(economics, guards),
        *_money(values, given, economics, before),
    ]
    return sorted(found, key=lambda need: _GRADES.index(need.grade))


def _faults(values: Values, economics: Economics, guards: Safeguards) -> Iterator[Need]:
    for problem in values.books.problems[:3]:
        yield Need(grade="fault", part="finance", text=f"The books do not hold: {problem}.", figure="")
    if guards.unguarded:
        text = f"{_things(len(guards.unguarded), 'artifact')} published against a gate. Find out how, before anything else."
        yield Need(grade="fault", part="security", text=text, figure="against-gates")
    if economics.unpriced:
        text = f"{_things(economics.unpriced, 'call')} booked without a price: their cost is not in these figures."
        yield Need(grade="fault", part="finance", text=text, figure="unpriced")
    if missing := len(guards.files) - guards.with_statement:
        text = f"{_things(missing, 'published file')} without a signed statement beside it."
        yield Need(grade="fault", part="security", text=text, figure="provenance")
    if values.unreadable:
        text = f"{_things(values.unreadable, 'record')} of gates or risk not at hand: counts of injections and reasons lack them."
        yield Need(grade="fault", part="security", text=text, figure="addressing-sources")


def _people(economics: Economics, guards: Safeguards) -> Iterator[Need]:
    if overdue := [one for one in guards.waiting if one.seconds > WAITING_SECONDS_MAX]:
        text = (
            f"{_things(len(overdue), 'packet')} waiting for signatures for more than {duration(WAITING_SECONDS_MAX)}, "
            f"the oldest for {duration(overdue[0].seconds)}: sign, reject, or name more reviewers."
        )
        yield Need(grade="decide", part="security", text=text, figure="waiting-oldest")
    if economics.held_at_end:
        text = (
            f"{_things(economics.held_at_end, 'artifact')} held for a person, {number(economics.held)} of them since this "
            "month: change what stopped them, or give them up."
        )
        yield Need(grade="decide", part="technology", text=text, figure="held-at-end")
    if guards.addressed:
        text = (
            f"{_things(guards.addressed, 'artifact')} with a source that addresses a model "
            f"({_things(guards.addressing_sources, 'source')}). Such a source confirms nothing by itself."
        )
        yield Need(grade="note", part="security", text=text, figure="addressing-sources")


def _money(values: Values, given: Given, economics: Economics, before: Economics | None) -> Iterator[Need]:
    for one in given.forecasts:
        if one.expected_nano_usd > one.limit_nano_usd:
            expected = f"{usd(one.expected_nano_usd)} of {usd(one.limit_nano_usd)}"
            text = f"{one.budget} is expected to end at {expected}: raise it, or cut work."
            yield Need(grade="decide", part="finance", text=text, figure="spend")
    yield from _budgets(values)
    if economics.suspense_nano_usd:
        text = f"{usd(economics.suspense_nano_usd)} in suspense: reconcile it with the provider's report."
        yield Need(grade="decide", part="finance", text=text, figure="suspense")
    if economics.unallocated_nano_usd:
        amount = usd(economics.unallocated_nano_usd)
        text = f"{amount} on cost centres or workloads that the policy does not name: give them an owner."
        yield Need(grade="decide", part="finance", text=text, figure="unallocated")
    if before and _has_risen(before.unit_cost, economics.unit_cost):
        moved = change(economics.unit_cost, before.unit_cost, "usd_each")
        text = f"The cost per approved artifact changed by {moved} against the month before."
        yield Need(grade="decide", part="finance", text=text, figure="unit-cost")
    if values.over and values.view.month not in {month for month, *_ in values.books.closed}:
        text = "The month is not closed: its charges may still change."
        yield Need(grade="note", part="finance", text=text, figure="spend")
    if values.not_booked:
        text = f"The policy has no rate for {', '.join(values.not_booked)}: that cost is in no figure."
        yield Need(grade="note", part="finance", text=text, figure="spend")


def _budgets(values: Values) -> Iterator[Need]:
    """One line for all of them: the table has each."""
    shares = [(Ratio(b.spent_nano_usd, b.limit_nano_usd), b) for b in values.budgets]
    if full := [(share, budget) for share, budget in shares if _at_least(share, BUDGET_NEARLY_SPENT)]:
        share, first = full[0]
        text = (
            f"{_things(len(full), 'budget')} at {percent(BUDGET_NEARLY_SPENT)} of the limit or above, {first.id} at "
            f"{percent(share)} of {usd(first.limit_nano_usd)}: is the limit still right?"
        )
        yield Need(grade="decide", part="finance", text=text, figure="spend")


def _has_risen(before: Ratio, now: Ratio) -> bool:
    """By more than the threshold."""
    if not before.denominator or not now.denominator or not before.numerator:
        return False
    rise = now.numerator * before.denominator - before.numerator * now.denominator
    return rise * UNIT_COST_RISE_MAX.denominator > UNIT_COST_RISE_MAX.numerator * before.numerator * now.denominator


def _at_least(value: Ratio, least: Ratio) -> bool:
    return value.numerator * least.denominator >= least.numerator * value.denominator


def _things(count: int, name: str) -> str:
    return f"{number(count)} {name}{'' if count == 1 else 's'}"


def by_part(needs: list[Need]) -> Mapping[Part, list[Need]]:
    """For each leader their own."""
    return {part: [need for need in needs if need.part == part] for part in ("technology", "security", "finance")}
