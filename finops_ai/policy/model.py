"""The policy: one YAML file that says what is allowed, what it may cost and who must agree.

Belongs here: its keys, their limits, loading and merging. Does not: applying it (`limits`, `risk`, and the packages
that take a part of it). Every record carries the SHA-256 of the policy that was in force.
"""

import hashlib
import ipaddress
import json
from collections.abc import Mapping
from decimal import Decimal
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from finops_ai.briefs import Form, Impact, Name, Profile, Usd

TierName = Literal["economy", "standard", "premium"]
TIER_ORDER: tuple[TierName, ...] = ("economy", "standard", "premium")
REQUIRED_GATES = ("policy", "quality", "readiness")  # of whatever is published: no policy can leave one out
LEADERS_MIN = 3  # who sign reviews and promotions, each in a role of their own: no policy opens a stage with fewer
Period = Literal["month", "day", "total"]
ServiceLevel = Literal["standard", "flex", "batch"]
Stage = Literal["pilot", "limited", "broad"]
STAGES: tuple[Stage, ...] = ("pilot", "limited", "broad")  # each allows more than the one before


class PolicyError(Exception):
    """The policy file cannot be used. The message names file, field and reason."""


def _decimal_text(value: object) -> object:
    return str(value) if isinstance(value, float | int) and not isinstance(value, bool) else value


def _network(value: str) -> str:
    ipaddress.ip_network(value, strict=False)
    return value


Rate = Annotated[Decimal, BeforeValidator(_decimal_text), Field(ge=0, decimal_places=9)]
OptionalRate = Annotated[Rate | None, BeforeValidator(lambda value: None if value == "none" else value)]
Share = Annotated[Decimal, BeforeValidator(_decimal_text), Field(ge=0, decimal_places=6)]
AtMostAll = Annotated[Share, Field(le=1)]
Role = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
Tokens = Annotated[int, Field(ge=1, le=2_000_000)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TokenRates(_Part):
    """US dollars per million tokens. No cached price: no discount. No price of cache writes: they cost the input price."""

    input_usd_per_mtok: Rate
    cached_input_usd_per_mtok: Rate | None = None
    cache_write_usd_per_mtok: Rate | None = None
    output_usd_per_mtok: Rate


class ContextRates(TokenRates):
    """Rates of a call with more than `input_tokens` of input: for all of its tokens."""

    input_tokens: Tokens


class LevelPrice(TokenRates):
    """Rates, and those above given lengths of the input, ascending."""

    above: tuple[ContextRates, ...] = ()

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        starts = [tier.input_tokens for tier in self.above]
        if starts != sorted(set(starts)):
            raise ValueError(f"above: input_tokens must ascend, not {starts}")
        return self


class TierPrice(LevelPrice):
    """It comes before every other price book. Flex and batch without `levels`: the standard price, no discount is assumed.

    Priority costs more than standard: without `levels` it is unpriced.
    """

    levels: dict[Literal["flex", "batch", "priority"], LevelPrice] = {}

    @model_validator(mode="after")
    def _tiers_at_every_level(self) -> Self:
        silent = [name for name, price in self.levels.items() if "above" not in price.model_fields_set]
        if self.above and silent:
            raise ValueError(f"levels {silent}: say `above` too ([] for none), as the standard price does")
        return self


class Tier(_Part):
    """Who serves a tier: our own extractive writer, or any OpenAI-compatible endpoint."""

    engine: Literal["extractive", "openai"]
    model: str = "extractive"
    base_url: str | None = None
    api_key_env: str | None = None  # the NAME of the variable; the key itself never enters the policy
    price: TierPrice | None = None  # none: the public price book; not found there either: unpriced, which blocks
    api: Literal["chat", "responses"] = "chat"
    stream: bool = False  # a broken answer is then paid as far as it came, and not held at its worst case
    max_tokens_parameter: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"  # of the chat API
    structured: Literal["json_schema", "json_object", "none"] = "json_schema"  # at best: a refusal steps down from it
    timeout_s: Annotated[float, Field(ge=0.1, le=600)] = 60  # of one attempt
    attempts_max: Annotated[int, Field(ge=1, le=10)] = 3
    time_max_s: Annotated[float, Field(ge=1, le=86_400)] = 300  # no attempt starts later than this after the first
    service_levels: dict[Profile, ServiceLevel] = {}  # a profile that is not named: standard

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.engine == "openai" and self.model == "extractive":
            raise ValueError("engine openai needs a model")
        if self.service_levels.get("fast", "standard") != "standard":
            raise ValueError("service_levels: the fast profile is answered at once; flex and batch are for full")
        return self


class ProfileRule(_Part):
    """How much rework a profile allows after loop 0."""

    loops_max: Annotated[int, Field(ge=0, le=10)]


class Narrowing(_Part):
    """A smaller bound for one form or profile."""

    input_tokens_max: Tokens | None = None
    output_tokens_max: Tokens | None = None


class StepBounds(_Part):
    """Tokens that one call of a step may take in and give out."""

    input_tokens_max: Tokens
    output_tokens_max: Tokens
    forms: dict[Form, Narrowing] = {}
    profiles: dict[Profile, Narrowing] = {}


class Bounds(_Part):
    """Bounds per step that calls a model."""

    claims: StepBounds
    draft: StepBounds


class DraftForm(_Part):
    """What a draft of one form (of the brief's intent) must look like."""

    sections: list[Annotated[str, Field(min_length=1, max_length=100)]] = []  # headings that must be there
    words_max: Annotated[int, Field(ge=1)] | None = None


class Limit(_Part):
    """At most this much per calendar month, per day (both UTC) or altogether; each that is given holds by itself."""

    month_usd: Usd | None = None
    day_usd: Usd | None = None
    total_usd: Usd | None = None

    @model_validator(mode="after")
    def _limited(self) -> Self:
        if not self.given:
            raise ValueError("give at least one of month_usd, day_usd and total_usd: nothing is without a limit")
        return self

    @property
    def given(self) -> dict[Period, Decimal]:
        """The limits that hold, in US dollars."""
        limits: dict[Period, Decimal | None] = {"month": self.month_usd, "day": self.day_usd, "total": self.total_usd}
        return {period: usd for period, usd in limits.items() if usd is not None}


class WorkloadLimit(Limit):
    """A workload also has a rollout stage: the ceiling, which it reaches by earning it."""

    stage: Stage = "pilot"


class DefaultBudgets(_Part):
    """Limits of cost centres and workloads that are not named."""

    cost_centre: Limit
    workload: WorkloadLimit


class Budgets(_Part):
    """Nested: a call is held against all of them that it touches."""

    organisation: Limit
    cost_centres: dict[str, Limit] = {}
    workloads: dict[str, WorkloadLimit] = {}
    defaults: DefaultBudgets
    steps: dict[str, Usd] = {}  # per artifact and step
    alerts_percent: list[Annotated[int, Field(ge=1, le=1000)]] = []  # of a limit: who is told, is a setting


class Approval(_Part):
    """Who must agree: a quorum by role, or the policy itself."""

    by_policy: bool = False
    quorum: dict[Role, Annotated[int, Field(ge=1, le=20)]] = {}

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.by_policy == bool(self.quorum):
            raise ValueError("give either by_policy: true or a quorum of at least one role")
        return self


class PolicyGateLimits(_Part):
    """Thresholds of the policy gate, judged before any model is routed or called."""

    confirmed_facts_min: Annotated[int, Field(ge=1)]
    failed_sources_share_max: Share
    addressing_sources_max: Annotated[int, Field(ge=0)]
    cost_to_value_max: Share


class QualityGateLimits(_Part):
    """Thresholds of the quality gate, judged on every sentence of the draft."""

    sentences_min: Annotated[int, Field(ge=1)]
    sentence_characters_max: Annotated[int, Field(ge=50)]


class GateLimits(_Part):
    """Thresholds that a policy may move. That a gate blocks is not one of them."""

    policy: PolicyGateLimits
    quality: QualityGateLimits


class Network(_Part):
    """Private addresses or networks that sources may be fetched from."""

    allow_private: list[Annotated[str, AfterValidator(_network)]] = []


class Files(_Part):
    """What may be read beside the brief's own folder: folders, and prefixes of object stores."""

    roots: list[Path] = []
    stores: list[Annotated[str, Field(pattern=r"^[a-z][a-z0-9+.-]*://[^*?\[\s]+$")]] = []


class Retrieval(_Part):
    """Limits of retrieving one source; see `evidence.RetrievalRules`."""

    robots: bool
    host_delay_s: Annotated[float, Field(ge=0, le=60)]
    attempts_max: Annotated[int, Field(ge=1, le=10)]
    timeout_s: Annotated[float, Field(gt=0, le=600)]
    extract_s: Annotated[float, Field(ge=1, le=3_600)]
    bytes_max: Annotated[int, Field(ge=1_000, le=1_000_000_000)]
    pages_max: Annotated[int, Field(ge=1, le=10_000)]
    expand_max: Annotated[int, Field(ge=1, le=1_000)]


class Verification(_Part):
    """Asking the economy tier's model about claims that need review. It can raise a verdict, never against the veto."""

    by: Literal["economy", "none"]
    claims_per_call_max: Annotated[int, Field(ge=1, le=100)]
    claims_max: Annotated[int, Field(ge=1, le=5_000)]  # of one artifact; the rest stays with a person


class Rates(_Part):
    """Costs beside tokens. None: this kind of cost is not booked, and every report of costs says so."""

    compute_usd_per_hour: OptionalRate
    review_usd_per_hour: OptionalRate
    retrieval_usd_per_gb: OptionalRate  # of 10^9 bytes of sources

    @property
    def not_booked(self) -> list[str]:
        """The kinds of cost that this policy leaves out."""
        return [name.partition("_")[0] for name, rate in self if rate is None]


class Routing(_Part):
    """Which work is served above economy from the start. Each use is an exception with a reason and an owner."""

    impacts: dict[Impact, TierName] = {}
    forms: dict[Form, TierName] = {}  # the task type: the form of the brief's intent
    owner: str = ""  # who answers for exceptions that a rule makes; "": the owner of the brief


class StageLimits(_Part):
    """What a workload may do on one UTC day while it is in a stage. Without one of the two, budgets alone limit it."""

    artifacts_day_max: Annotated[int, Field(ge=1)] | None = None  # new ones
    day_usd: Usd | None = None


class Rollout(_Part):
    """The stages of a workload, and what it must have shown before the next one is opened to it."""

    stages: dict[Stage, StageLimits]
    window_days: Annotated[int, Field(ge=1, le=366)]  # evidence is no older, nor older than the last change of stage
    artifacts_min: Annotated[int, Field(ge=1)]  # ended in the window: fewer say nothing, for better or worse
    approved_share_min: AtMostAll  # of the artifacts that ended
    first_pass_yield_min: AtMostAll  # of the artifacts that ended: approved without rework
    cost_to_value_max: Share  # whole cost of what was published over the value that its briefs declare
    unit_cost_to_baseline_max: Share  # cost per approved artifact over what the same outcome cost before
    suspense_days_max: Annotated[int, Field(ge=0, le=366)]  # open for longer: the workload goes back by a stage

    @model_validator(mode="after")
    def _every_stage(self) -> Self:
        if missing := [stage for stage in STAGES if stage not in self.stages]:
            raise ValueError(f"stages: {', '.join(missing)} is missing; {{}} says that budgets alone limit it")
        return self

    @model_validator(mode="after")
    def _each_stage_allows_more(self) -> Self:
        for below, above in pairwise(STAGES):
            allowed, then = dict(self.stages[below]), dict(self.stages[above])
            less = [name for name, limit in then.items() if limit and (allowed[name] is None or limit < allowed[name])]
            if less:
                raise ValueError(f"stages: {above} allows less than {below}: {', '.join(less)}")
        return self


class Platform(_Part):
    """Who pays for what no artifact does: measuring, exporting, reviewing."""

    cost_centre: Name = "finops-platform"
    workload: Name = "finops-platform"


class Policy(_Part):
    """What is in force."""

    tiers: dict[TierName, Tier]
    profiles: dict[Profile, ProfileRule]
    bounds: Bounds
    drafts: dict[Form, DraftForm] = {}
    budgets: Budgets
    approvals: dict[Impact, Approval]
    gates: GateLimits
    network: Network
    files: Files
    retrieval: Retrieval
    verification: Verification
    routing: Routing
    rates: Rates
    rollout: Rollout
    platform: Platform

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for name, given, needed in (
            ("tiers", self.tiers, ("economy",)),
            ("profiles", self.profiles, ("fast", "full")),
            ("approvals", self.approvals, ("low", "medium", "high", "governance")),
        ):
            if missing := [key for key in needed if key not in given]:
                raise ValueError(f"{name}: {', '.join(missing)} is missing")
        if len(self.approvals["governance"].quorum) < LEADERS_MIN:
            raise ValueError("approvals.governance: a quorum of at least three roles, whatever they are called here")
        return self

    @property
    def sha256(self) -> str:
        """The identity of the policy in force, whatever file it came from."""
        text = json.dumps(self.model_dump(), sort_keys=True, separators=(",", ":"), default=_plain)
        return hashlib.sha256(text.encode()).hexdigest()


def load_policy(path: Path | None = None) -> Policy:
    """The shipped policy, or it with the keys of another file in their place. Raises PolicyError."""
    record = _read(files("finops_ai.policy").joinpath("default.yaml").read_text(), "the shipped policy")
    if path is not None:
        try:
            own = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise PolicyError(f"{path}: {error}") from None
        record = merge(record, _read(own, str(path)))
    try:
        return Policy.model_validate(record)
    except ValidationError as error:
        lines = [f"{path}: {'.'.join(map(str, e['loc']))}: {_reason(e['msg'])}" for e in error.errors()]
        raise PolicyError("\n".join(lines)) from None


def merge(shipped: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Key by key, two levels deep: an entry such as `approvals.high` is replaced whole, never mixed with the shipped one."""
    merged = dict(shipped)
    for key, value in own.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = {**merged[key], **value} if both else value
    return merged


def _read(text: str, name: str) -> dict[str, Any]:
    try:
        record = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise PolicyError(f"{name}: not valid YAML: {error}") from None
    if not isinstance(record, dict):
        raise PolicyError(f"{name}: a policy is a mapping of keys")
    return record


def _plain(value: object) -> str:
    """40, 40.0 and 40.00 are one amount, and so one policy."""
    return format(value.normalize(), "f") if isinstance(value, Decimal) else str(value)


def _reason(message: str) -> str:
    return "unknown key" if message == "Extra inputs are not permitted" else message.removeprefix("Value error, ")
