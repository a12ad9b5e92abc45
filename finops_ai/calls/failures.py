"""How one attempt failed, as a value: what it means for the books and for the next try.

Belongs here: reading a refusal. Does not: whether there is a next try (`retry`), the connection (`endpoint`).

| what came back | the books |
|---|---|
| a refusal (4xx), 501, no connection at all | released: the provider did not serve it |
| time-out, broken connection, 408, 409, 5xx, a body that is no answer | suspense: it may have been served |
| the same, but with a count, or after a part of the answer | settled at that, without an answer |
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from finops_ai.calls.metering import Metered
from finops_ai.calls.structured import speaks_of_form

RATE_LIMITED, NOT_IMPLEMENTED = 429, 501
MAY_HAVE_BEEN_SERVED = (408, 409)
REFUSES_A_FORM = (400, 415, 422, 500, 501)
MESSAGE_CHARACTERS_MAX = 300

# what no repetition mends, whatever status it comes with
_PERMANENT = {
    "context_length_exceeded": "context overflow",
    "exceed_context_size_error": "context overflow",
    "content_filter": "content policy",
    "content_policy_violation": "content policy",
    "responsibleaipolicyviolation": "content policy",
    "insufficient_quota": "quota used up",
    "billing_hard_limit_reached": "quota used up",
}
_OVERFLOW = re.compile(r"context (length|window|size)|maximum context|too many tokens", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """An attempt without an answer."""

    error: str
    served: bool  # may the provider have done (and billed) the work?
    again: bool  # may another try help?
    permanent: bool = False  # the request itself was refused
    refuses_form: bool = False
    wait_s: float | None = None  # the provider's own wish
    cost: Metered | None = None  # what it cost all the same, as far as that is known
    response_id: str = ""
    raised: BaseException | None = None  # what ended it from our side; to be raised once the books are closed


def of_status(
    status: int, message: str, record: Mapping[str, Any], headers: Mapping[str, str], *, now: datetime
) -> Failed:
    """Of an answer with an error status."""
    kind = _kind(record, message if 400 <= status < 500 else "")
    may_pass = status in (*MAY_HAVE_BEEN_SERVED, RATE_LIMITED) or status >= 500
    permanent = bool(kind) or not may_pass
    told = f"HTTP {status}: {message[:MESSAGE_CHARACTERS_MAX]}"
    return Failed(
        error=f"{kind}: {told}" if kind else told,
        served=(status >= 500 and status != NOT_IMPLEMENTED) or status in MAY_HAVE_BEEN_SERVED,
        again=not permanent and headers.get("x-should-retry", "").lower() != "false",
        permanent=permanent,
        refuses_form=status in REFUSES_A_FORM and speaks_of_form(message),
        wait_s=retry_after_s(headers, now=now),
    )


def of_record(record: Mapping[str, Any], *, cost: Metered | None, response_id: str) -> Failed:
    """Of an error object that came with status 200: that it was not served, nobody has said."""
    message = str(record.get("message") or record)
    kind = _kind(record, message)
    return Failed(
        error=f"{kind or 'error in a response'}: {message[:MESSAGE_CHARACTERS_MAX]}",
        served=True,
        again=not kind,
        permanent=bool(kind),
        cost=cost,
        response_id=response_id,
    )


def retry_after_s(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """The wait that a provider asks for: milliseconds, seconds or a date. Never negative; None where it names none."""
    if (ms := _number(headers.get("retry-after-ms"))) is not None:
        return max(ms / 1000, 0.0)
    header = headers.get("retry-after")
    if (seconds := _number(header)) is not None:
        return max(seconds, 0.0)
    try:
        until = parsedate_to_datetime(header or "")
    except ValueError:
        return None
    return max((until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds(), 0.0)


def _kind(record: Mapping[str, Any], message: str) -> str:
    """The name of a refusal that no repetition mends; "" for any other."""
    for name in ("code", "type"):
        if found := _PERMANENT.get(str(record.get(name)).lower()):
            return found
    return "context overflow" if _OVERFLOW.search(message) else ""


def _number(header: str | None) -> float | None:
    try:
        value = float(header or "")
    except ValueError:
        return None
    return value if value == value else None  # nan is no time
