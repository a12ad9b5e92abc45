"""The brief: what is wanted, why, for whom, from which sources, at what cost.

Belongs here: the record's fields and limits, and its identity. Does not: reading YAML (`reading`), what the policy says
about a brief (`policy`).
"""

import hashlib
import json
import re
import unicodedata
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

Impact = Literal["low", "medium", "high", "governance"]  # the last: reviews and promotions, which no brief asks for
Profile = Literal["fast", "full"]
Form = Literal["briefing", "report", "answer", "page", "review", "promotion"]  # the last two: as above
DOCUMENTS: tuple[Form, ...] = ("review", "promotion")
Grade = Literal["primary", "secondary", "rumor"]

SLUG_LENGTH_MAX = 40
_REORDERING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}  # text that is shown in another order
KEY_DIGITS = 10  # of the brief's SHA-256: 40 bits, one accidental clash in about a million briefs of the same title


def _money(value: object) -> Decimal:
    """YAML reads 0.50 as a float; its text form is the amount that was meant."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError("an amount in US dollars is expected, such as 0.50")
    try:
        amount = Decimal(str(value))
    except ArithmeticError:
        raise ValueError(f"{value!r} is not an amount in US dollars") from None
    if not amount.is_finite():
        raise ValueError(f"{value} is not an amount in US dollars")
    return amount


def _plain_text(value: str) -> str:
    """One visible line that reads as it is stored: these texts are shown in tables, file names and prompts."""
    categories = [unicodedata.category(c) for c in value]
    if {"Cc", "Cs", "Co"} & {*categories} or any(unicodedata.bidirectional(c) in _REORDERING for c in value):
        raise ValueError("control characters, line breaks and reordering marks are not allowed here")
    if all(category[0] in "CZ" for category in categories):
        raise ValueError("must not be blank")
    return " ".join(value.split())


Usd = Annotated[Decimal, BeforeValidator(_money), Field(gt=0, le=1_000_000, decimal_places=9)]
Plain = AfterValidator(_plain_text)
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Value(_Record):
    """What the result is worth, declared before anything is spent."""

    metric: Name
    expected_usd: Usd
    basis: Annotated[str, Field(max_length=500), Plain]


class Intent(_Record):
    """The business intent: the decision that the artifact serves."""

    decision: Annotated[str, Field(max_length=500), Plain]
    audience: Annotated[str, Field(max_length=200), Plain]
    value: Value
    form: Form = "briefing"


class SourceRef(_Record):
    """A source to read. A relative path is resolved against the brief's folder."""

    uri: Annotated[str, Field(max_length=2000), Plain]
    grade: Grade = "secondary"


class Brief(_Record):
    """The intake record. Two briefs with equal content are one artifact."""

    topic: Annotated[str, Field(max_length=200), Plain]
    objective: Annotated[str, Field(max_length=1000), Plain]
    intent: Intent
    owner: Annotated[str, Field(max_length=100), Plain]
    cost_centre: Name
    workload: Name
    impact: Impact
    profile: Profile = "full"
    budget_usd: Usd
    sources: Annotated[list[SourceRef], Field(min_length=1, max_length=500)]
    targets: Annotated[list[Name], Field(min_length=1, max_length=10)] = ["local"]

    @field_validator("impact")
    @classmethod
    def _of_documents(cls, impact: Impact, info: ValidationInfo) -> Impact:
        """A document with another impact would be signed by others than its three leaders, or by nobody."""
        intent = info.data.get("intent")  # absent: wrong by itself
        if isinstance(intent, Intent) and (intent.form in DOCUMENTS) != (impact == "governance"):
            raise ValueError("governance is for the forms review and promotion, and they are of no other impact")
        return impact

    def canonical(self) -> dict[str, Any]:
        """The form that is stored and hashed: defaults filled in, amounts as decimal text."""
        record = self.model_dump(mode="json")
        record["budget_usd"] = _plain_decimal(self.budget_usd)
        record["intent"]["value"]["expected_usd"] = _plain_decimal(self.intent.value.expected_usd)
        return record

    @property
    def is_document(self) -> bool:
        """Written by finops_ai from its own records: no sources are read for it, and no model is asked."""
        return self.intent.form in DOCUMENTS

    @property
    def sha256(self) -> str:
        """The identity of the content."""
        text = json.dumps(self.canonical(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def key(self) -> str:
        """The artifact's key: readable, unique, the same for the same content, and never changed afterwards."""
        ascii_topic = unicodedata.normalize("NFKD", self.topic).encode("ascii", "ignore").decode().lower()
        slug = re.sub(r"[^a-z0-9]+", "-", ascii_topic).strip("-")[:SLUG_LENGTH_MAX].strip("-") or "artifact"
        return f"{slug}-{self.sha256[:KEY_DIGITS]}"

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Brief":
        """The value of a stored `canonical` form."""
        return cls.model_validate(record)


def _plain_decimal(amount: Decimal) -> str:
    return format(amount.normalize(), "f")
