"""The organisation whose quarter is simulated: its policy and prices, its workloads, its people, its calendar.

Belongs here: constants, and pure functions of them. Does not: what happens to one artifact (`quarter_plan`,
`quarter_life`). The arithmetic of money is written out here once more, on purpose: what the simulation says a thing cost
must not come from the code that books it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from finops_ai.briefs import Form, Impact
from finops_ai.policy import ServiceLevel, TierName
from finops_ai.store import days_of, following_month

TOKENS_PER_RATE = 1_000_000
MICROSECONDS_PER_HOUR = 3_600_000_000
SECONDS_PER_HOUR = 3_600
BYTES_PER_GB = 1_000_000_000

COMPUTE_NANO_USD_PER_HOUR = 100_000_000
REVIEW_NANO_USD_PER_HOUR = 24_000_000_000
RETRIEVAL_NANO_USD_PER_GB = 100_000_000

ARTIFACTS_PER_DAY_MAX = 20  # of one workload
REVIEW_NANO_USD_PER_DAY_MAX = 4_000_000_000  # of one workload: then its reviewers go on with it on another day

PROVIDER = "models.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Nano-USD per million tokens."""

    input_tokens: int
    cached_input_tokens: int
    output_tokens: int


MODELS: Mapping[TierName, str] = {"economy": "small-1", "standard": "medium-1", "premium": "large-1"}
RATES: Mapping[tuple[TierName, ServiceLevel], Rate] = {
    # 37.5 and 9.375 nano-USD per token: amounts that have to be rounded
    ("economy", "standard"): Rate(input_tokens=37_500_000, cached_input_tokens=9_375_000, output_tokens=300_000_000),
    ("standard", "standard"): Rate(
        input_tokens=1_250_000_000, cached_input_tokens=125_000_000, output_tokens=10_000_000_000
    ),
    ("standard", "batch"): Rate(input_tokens=625_000_000, cached_input_tokens=62_500_000, output_tokens=5_000_000_000),
    ("premium", "standard"): Rate(
        input_tokens=5_000_000_000, cached_input_tokens=500_000_000, output_tokens=25_000_000_000
    ),
}
BATCHED: tuple[TierName, str] = ("standard", "full")  # this tier answers this profile in batches

TIER_OF_IMPACT: Mapping[Impact, TierName] = {"high": "premium"}
TIER_OF_FORM: Mapping[Form, TierName] = {"report": "standard"}
QUORUM: Mapping[Impact, tuple[str, ...]] = {"low": (), "medium": ("business",), "high": ("legal", "business")}
LOOPS_MAX = {"fast": 1, "full": 2}

REVIEWERS: Mapping[str, tuple[str, ...]] = {
    "legal": ("Lena Vogt", "Omar Haddad"),
    "business": ("Bea Lindqvist", "Tomasz Zieliński", "Grace Okafor"),
    "technology": ("Ines Moreau", "Paul Adeyemi"),
    "security": ("Sofia Rossi",),
    "finance": ("Femi Balogun",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What one team asks for, how often, and how well it goes. Shares are of 1."""

    name: str
    cost_centre: str
    owner: str
    form: Form
    weight: int  # of the artifacts, against the others'
    fast_share: float
    impacts: tuple[int, int, int]  # weights of low, medium, high
    failing_share: float  # drafts that the quality gate refuses, in the first month
    failing_drift: float  # added in each following month
    value_usd: tuple[int, int]

    def failing(self, month: int) -> float:
        """The share of drafts that fail in a month of the quarter, from 0."""
        return self.failing_share + self.failing_drift * month


def _workload(name: str, cost_centre: str, form: Form, weight: int, **rest: Any) -> Workload:
    usual: dict[str, Any] = {"fast_share": 0.3, "impacts": (4, 5, 1), "failing_share": 0.12, "failing_drift": 0.0}
    return Workload(
        name=name, cost_centre=cost_centre, owner=f"{name}-team", form=form, weight=weight, **(usual | rest)
    )


BETTER, WORSE, UNUSUAL = "policy-briefings", "supplier-reports", "support-answers"
WORKLOADS = (
    _workload("finance-briefings", "cc-4711", "briefing", 16, value_usd=(300, 1_200)),
    _workload("market-reports", "cc-4711", "report", 10, value_usd=(600, 2_500), fast_share=0.2),
    _workload(UNUSUAL, "cc-4720", "answer", 22, value_usd=(60, 200), fast_share=0.7, impacts=(7, 3, 0)),
    _workload("product-pages", "cc-4730", "page", 14, value_usd=(150, 700), impacts=(3, 6, 1)),
    _workload("release-notes", "cc-4730", "page", 9, value_usd=(80, 300), impacts=(8, 2, 0)),
    _workload(
        BETTER, "cc-4740", "briefing", 11, value_usd=(400, 1_500), impacts=(1, 5, 4), failing_share=0.40,
        failing_drift=-0.17,
    ),
    _workload(
        WORSE, "cc-4740", "report", 9, value_usd=(300, 1_000), fast_share=0.25, failing_share=0.05, failing_drift=0.17
    ),
    _workload("engineering-answers", "cc-4750", "answer", 9, value_usd=(50, 250), fast_share=0.6, impacts=(6, 4, 0)),
)  # fmt: skip


# --- the policy ---------------------------------------------------------------------------------------------------------


def policy_record() -> dict[str, Any]:
    """The keys of the policy in which the simulated deployment differs from the shipped one."""
    per_workload, names = 200, [workload.name for workload in WORKLOADS]
    return {
        "tiers": {name: _tier(name) for name in MODELS},
        "profiles": {profile: {"loops_max": loops} for profile, loops in LOOPS_MAX.items()},
        "budgets": {
            "organisation": {"month_usd": per_workload * len(names)},
            "cost_centres": {workload.cost_centre: {"month_usd": 2 * per_workload} for workload in WORKLOADS},
            "workloads": {name: {"month_usd": per_workload, "stage": "pilot"} for name in names},
        },
        "approvals": {
            impact: {"quorum": dict.fromkeys(roles, 1)} if roles else {"by_policy": True}
            for impact, roles in QUORUM.items()
        },
        "routing": {"impacts": dict(TIER_OF_IMPACT), "forms": dict(TIER_OF_FORM), "owner": "model-office"},
        "rates": {
            "compute_usd_per_hour": _usd(COMPUTE_NANO_USD_PER_HOUR),
            "review_usd_per_hour": _usd(REVIEW_NANO_USD_PER_HOUR),
            "retrieval_usd_per_gb": _usd(RETRIEVAL_NANO_USD_PER_GB),
        },
    }


def _tier(name: TierName) -> dict[str, Any]:
    levels = {level: _rates(rate) for (tier, level), rate in RATES.items() if tier == name and level != "standard"}
    batched, profile = BATCHED
    return {
        "engine": "openai",
        "model": MODELS[name],
        "base_url": f"https://{PROVIDER}/v1",
        "price": _rates(RATES[name, "standard"]) | {"levels": levels},
        "service_levels": {profile: "batch"} if name == batched else {},
    }


def _rates(rate: Rate) -> dict[str, str]:
    names = ("input", "cached_input", "output")
    return {f"{name}_usd_per_mtok": _usd(getattr(rate, f"{name}_tokens")) for name in names}


def _usd(nano_usd: int) -> str:
    return format(Decimal(nano_usd).scaleb(-9), "f")


# --- money --------------------------------------------------------------------------------------------------------------


def half_up(quantity: int, nano_usd: int, per: int) -> int:
    """`quantity` units at `nano_usd` for every `per`, to the nearest nano-USD, half a one upwards."""
    whole, rest = divmod(quantity * nano_usd, per)
    return whole + (2 * rest >= per)


def call_nano_usd(tier: TierName, level: ServiceLevel, tokens: Mapping[str, int]) -> dict[str, int]:
    """What each meter of a call costs."""
    rate = RATES[tier, level]
    return {meter: half_up(count, getattr(rate, meter), TOKENS_PER_RATE) for meter, count in tokens.items()}


def worst_case_nano_usd(tier: TierName, level: ServiceLevel, *, input_tokens: int, output_tokens: int) -> int:
    """What is held: both bounds in full, upwards, and one more where meters of input are rounded each by itself."""
    rate = RATES[tier, level]
    apart = 1 if rate.input_tokens % TOKENS_PER_RATE else 0
    parts = ((input_tokens, rate.input_tokens), (output_tokens, rate.output_tokens))
    return apart + sum(-(-count * price // TOKENS_PER_RATE) for count, price in parts)


# --- the calendar -------------------------------------------------------------------------------------------------------

OFFICE_OPENS, OFFICE_CLOSES = time(8), time(18)


def months_from(first_month: str) -> tuple[str, str, str]:
    """The quarter that begins with this month (YYYY-MM)."""
    second = following_month(first_month)
    return first_month, second, following_month(second)


def days_in(months: Sequence[str]) -> list[date]:
    """Each day of them, in order."""
    return [day for month in months for day in days_of(month)]


def unusual_week(months: Sequence[str]) -> tuple[date, date]:
    """Monday and Sunday of the second whole week of the second month: then one workload is dear, and asked for often."""
    first = next(day for day in days_of(months[1]) if day.weekday() == 0) + timedelta(days=7)
    return first, first + timedelta(days=6)


def is_unusual(workload: Workload, day: date, months: Sequence[str]) -> bool:
    """In the week and of the workload that stand out."""
    first, last = unusual_week(months)
    return workload.name == UNUSUAL and first <= day <= last


def volume(workload: Workload, day: date, *, number: int, months: Sequence[str]) -> float:
    """How much of a workload is asked for on a day, the `number`th of the quarter, against other days and workloads."""
    by_weekday = 0.15 if day.weekday() == 5 else 0.08 if day.weekday() == 6 else 1.0
    growth = 1 + 0.004 * number
    return workload.weight * by_weekday * growth * (1.8 if is_unusual(workload, day, months) else 1.0)


def at_the_office(moment: datetime) -> datetime:
    """This moment, or the next at which people work: Monday to Friday, 8 to 18 o'clock UTC."""
    if moment.time() >= OFFICE_CLOSES:
        moment = datetime.combine(moment.date() + timedelta(days=1), OFFICE_OPENS, UTC) + _minutes(moment)
    elif moment.time() < OFFICE_OPENS:
        moment = datetime.combine(moment.date(), OFFICE_OPENS, UTC) + _minutes(moment)
    return moment + timedelta(days=max(0, 7 - moment.weekday())) if moment.weekday() >= 5 else moment


def _minutes(moment: datetime) -> timedelta:
    """So that not everybody begins on the stroke of the hour."""
    return timedelta(minutes=moment.minute, seconds=moment.second, microseconds=moment.microsecond)
