"""What shall become of each artifact of a simulated quarter: drawn from the seed before anything happens.

Belongs here: which briefs come when, how each of them shall end, what goes wrong on its way. Does not: making it happen
(`quarter_life`). The rarer ends and troubles are given out by number, not by chance, so that a small quarter has them too.
"""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from bench.quarter_ground import (
    ARTIFACTS_PER_DAY_MAX,
    BATCHED,
    LOOPS_MAX,
    TIER_OF_FORM,
    TIER_OF_IMPACT,
    WORKLOADS,
    Workload,
    days_in,
    is_unusual,
    volume,
)
from bench.quarter_sources import Document, library_of
from bench.quarter_truth import Ending
from finops_ai.briefs import Brief, Impact, Profile
from finops_ai.policy import TIER_ORDER, TierName

Fate = Literal[
    "published", "rejected", "refused by the policy gate", "out of loops", "failed", "unsigned", "approved",
    "publishing", "in a batch", "submitted",
]  # fmt: skip
Trouble = Literal["", "released", "suspended", "estimated", "overrun", "recovered"]

ARTIFACTS_MIN = 60
LATE: tuple[Fate, ...] = ("submitted", "in a batch", "publishing", "approved")  # these stand so as the quarter ends
SHARE_OF_FATE: dict[Fate, float] = {
    "submitted": 0.002,
    "in a batch": 0.002,
    "publishing": 0.002,
    "approved": 0.003,
    "rejected": 0.025,
    "refused by the policy gate": 0.03,
    "out of loops": 0.015,
    "failed": 0.006,
    "unsigned": 0.012,
}
SHARE_OF_TROUBLE: dict[Trouble, float] = {
    "suspended": 0.02,
    "estimated": 0.03,
    "released": 0.04,
    "recovered": 0.01,
    "overrun": 0.005,
}
TROUBLES_MIN = 3  # of each: of three in suspense one is billed, one is not, one is left
PUT_RIGHT_LATER: tuple[Trouble, ...] = ("suspended", "estimated")
CHANGES_SHARE = 0.14  # of packets that people review
HIGHER_TIER_SHARE = 0.3  # of requests for changes
INJECTED_SHARE = 0.05  # of briefs that people review
BUDGET_USD: dict[Impact, str] = {"low": "1.00", "medium": "3.00", "high": "4.00"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One artifact as it shall be."""

    number: int
    seed: str  # of everything that is drawn on its way
    workload: Workload
    created_at: datetime
    month: int  # of the quarter, from 0
    brief: Brief
    key: str
    documents: tuple[Document, ...]
    fate: Fate
    trouble: Trouble
    trouble_number: int  # among those with this trouble
    endings: tuple[Ending, ...]  # of its loops, as far as its fate lets it come
    higher_tier: tuple[bool, ...]  # asked for together with changes, by loop
    unusual: bool

    @property
    def injections(self) -> int:
        """Sources that address a model."""
        return sum(document.addresses_a_model for document in self.documents)


def tier_by_rule(plan: Plan) -> tuple[TierName, str]:
    """Where its first loop is served, and the reason on record; "" at economy."""
    asked = {
        TIER_OF_FORM.get(plan.brief.intent.form): "task_type",
        TIER_OF_IMPACT.get(plan.brief.impact): "impact_rule",
    }
    return next(((tier, asked[tier]) for tier in reversed(TIER_ORDER) if tier in asked), (TIER_ORDER[0], ""))


def plans(*, artifacts: int, seed: int, months: Sequence[str]) -> list[Plan]:
    """Every artifact of a quarter, in the order in which they are submitted. Raises ValueError for a number out of range."""
    rng = random.Random(seed)
    arrivals = _arrivals(rng, artifacts, months)
    traits = [_traits(rng, workload) for _, workload in arrivals]
    fates = _fates(rng, arrivals, traits)
    impacts = [_impact_for(fate, impact) for fate, (impact, _) in zip(fates, traits, strict=True)]
    profiles: list[Profile] = ["full" if f == "in a batch" else p for f, (_, p) in zip(fates, traits, strict=True)]
    able = [
        n
        for n, (_, workload) in enumerate(arrivals)
        if fates[n] in ("published", "out of loops") and not _is_batched(workload, impacts[n], profiles[n])
    ]
    early = {n for n in able if arrivals[n][0].strftime("%Y-%m") != months[-1]}
    troubles = _troubles(rng, able, early)
    return [
        _plan(
            number,
            f"{seed}/{months[0]}/{number}",
            arrival=arrivals[number],
            impact=impacts[number],
            profile=profiles[number],
            fate=fates[number],
            trouble=troubles.get(number, ("", 0)),
            months=months,
        )
        for number in range(artifacts)
    ]


def _arrivals(rng: random.Random, artifacts: int, months: Sequence[str]) -> list[tuple[datetime, Workload]]:
    days = days_in(months)
    cells = [(day, workload) for day in days for workload in WORKLOADS]
    weights = [
        volume(workload, day, number=number, months=months) for number, day in enumerate(days) for workload in WORKLOADS
    ]
    most = len(days) * len(WORKLOADS) * ARTIFACTS_PER_DAY_MAX // 2
    if not ARTIFACTS_MIN <= artifacts <= most:
        raise ValueError(f"a quarter of {artifacts} artifacts: give {ARTIFACTS_MIN} to {most}")
    count: Counter[int] = Counter()
    while (missing := artifacts - count.total()) > 0:
        count.update(rng.choices(range(len(cells)), weights, k=missing))
        for cell, found in count.items():
            if found >= ARTIFACTS_PER_DAY_MAX:  # full: what is too much comes on another day
                count[cell], weights[cell] = ARTIFACTS_PER_DAY_MAX, 0
    arrivals = [(_moment_on(rng, cells[cell][0]), cells[cell][1]) for cell in sorted(count) for _ in range(count[cell])]
    return sorted(arrivals, key=lambda arrival: arrival[0])


def _moment_on(rng: random.Random, day: date) -> datetime:
    return datetime.combine(day, time(7), UTC) + timedelta(microseconds=rng.randrange(11 * 3_600_000_000))


def _traits(rng: random.Random, workload: Workload) -> tuple[Impact, Profile]:
    impacts: tuple[Impact, ...] = ("low", "medium", "high")
    (impact,) = rng.choices(impacts, workload.impacts)
    return impact, "fast" if rng.random() < workload.fast_share else "full"


def _impact_for(fate: Fate, impact: Impact) -> Impact:
    """A person can only stop what a person reviews; what is approved by policy is so within minutes."""
    if fate in ("rejected", "unsigned"):
        return "medium" if impact == "low" else impact
    return "low" if fate in ("approved", "publishing", "in a batch") else impact


def _is_batched(workload: Workload, impact: Impact, profile: Profile) -> bool:
    tier = TIER_OF_IMPACT.get(impact) or TIER_OF_FORM.get(workload.form) or TIER_ORDER[0]
    return (tier, profile) == BATCHED


def _fates(
    rng: random.Random,
    arrivals: Sequence[tuple[datetime, Workload]],
    traits: Sequence[tuple[Impact, Profile]],
) -> list[Fate]:
    fates: list[Fate] = ["published"] * len(arrivals)
    free = list(range(len(arrivals)))
    for fate in LATE:
        able = [n for n in free if fate != "in a batch" or TIER_OF_FORM.get(arrivals[n][1].form) == BATCHED[0]]
        for n in able[-_number_of(SHARE_OF_FATE[fate], len(arrivals)) :]:
            fates[n] = fate
            free.remove(n)
    rng.shuffle(free)
    for fate, share in SHARE_OF_FATE.items():
        if fate in LATE:
            continue
        able = [n for n in free if fate != "failed" or not _is_batched(arrivals[n][1], *traits[n])]
        for n in able[: _number_of(share, len(arrivals))]:
            fates[n] = fate
            free.remove(n)
    return fates


def _troubles(rng: random.Random, able: Sequence[int], early: set[int]) -> dict[int, tuple[Trouble, int]]:
    """To artifacts that are `able`; what is put right later comes early enough for that."""
    free = rng.sample(able, len(able))
    given: dict[int, tuple[Trouble, int]] = {}
    for trouble, share in SHARE_OF_TROUBLE.items():
        fit = [n for n in free if n in early or trouble not in PUT_RIGHT_LATER]
        for number, n in enumerate(fit[: max(TROUBLES_MIN, _number_of(share, len(able)))]):
            given[n] = trouble, number
            free.remove(n)
    return given


def _number_of(share: float, artifacts: int) -> int:
    return max(1, round(share * artifacts))


def _plan(
    number: int,
    seed: str,
    *,
    arrival: tuple[datetime, Workload],
    impact: Impact,
    profile: Profile,
    fate: Fate,
    trouble: tuple[Trouble, int],
    months: Sequence[str],
) -> Plan:
    at, workload = arrival
    rng = random.Random(seed)
    month = months.index(at.strftime("%Y-%m"))
    documents = _documents(rng, workload, impact, fate)
    brief = _brief(rng, number, workload, at, impact=impact, profile=profile, documents=documents)
    endings = tuple(_endings(rng, fate, impact, profile, failing=workload.failing(month)))
    return Plan(
        number=number,
        seed=f"{seed}/life",
        workload=workload,
        created_at=at,
        month=month,
        brief=brief,
        key=brief.key,
        documents=documents,
        fate=fate,
        trouble=trouble[0],
        trouble_number=trouble[1],
        endings=endings,
        higher_tier=tuple(e == "request_changes" and rng.random() < HIGHER_TIER_SHARE for e in endings),
        unusual=is_unusual(workload, at.date(), months),
    )


def _documents(rng: random.Random, workload: Workload, impact: Impact, fate: Fate) -> tuple[Document, ...]:
    library = library_of(workload.name)
    found = [*rng.sample(library.primary, rng.randint(2, 3))]
    found += rng.sample(library.secondary, rng.choice((0, 0, 1)))
    found += rng.sample(library.rumors, rng.choice((0, 0, 0, 1)))
    if fate == "refused by the policy gate":
        # at low impact nobody would look at a source that addresses a model; else most sources cannot be read
        found += library.addressing[:1] if impact == "low" else library.gone
        return tuple(found[:2] + found[-3:]) if impact != "low" else tuple(found)
    if impact != "low" and rng.random() < INJECTED_SHARE:
        found += rng.sample(library.addressing, rng.randint(1, 2))
    return tuple(found)


def _endings(rng: random.Random, fate: Fate, impact: Impact, profile: Profile, *, failing: float) -> Iterable[Ending]:
    loops_max = LOOPS_MAX[profile]
    if fate in ("submitted", "refused by the policy gate"):
        return
    for _ in range(loops_max if fate != "in a batch" else 0):
        if fate == "out of loops" or rng.random() < failing:
            yield "failed_gate"
        elif impact != "low" and rng.random() < CHANGES_SHARE:
            yield "request_changes"
        else:
            break
    yield "failed_gate" if fate == "out of loops" else "reject" if fate == "rejected" else ""


def _brief(
    rng: random.Random,
    number: int,
    workload: Workload,
    at: datetime,
    *,
    impact: Impact,
    profile: Profile,
    documents: Sequence[Document],
) -> Brief:
    subject = workload.name.replace("-", " ")
    value = {
        "metric": rng.choice(("hours_saved", "revenue", "risk_avoided")),
        "expected_usd": str(rng.randrange(*workload.value_usd)),
        "basis": "as estimated by the owner before any money is spent",
    }
    return Brief.model_validate(
        {
            "topic": f"{subject.capitalize()} {at:%Y-%m-%d} number {number}",
            "objective": f"Say what changed for {subject} and what follows from it",
            "intent": {
                "decision": "whether anything is to be done this week",
                "audience": f"leads of {subject}",
                "value": value,
                "form": workload.form,
            },
            "owner": workload.owner,
            "cost_centre": workload.cost_centre,
            "workload": workload.name,
            "impact": impact,
            "profile": profile,
            "budget_usd": BUDGET_USD[impact],
            "sources": [{"uri": document.uri, "grade": document.grade} for document in documents],
        }
    )
