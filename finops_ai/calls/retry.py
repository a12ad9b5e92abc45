"""Whether a call is tried again, when, and in which form.

Belongs here: that decision and its limits. Does not: waiting and calling (`paid`), reading a refusal (`failures`).
"""

import random
from dataclasses import dataclass

from finops_ai.calls.failures import Failed
from finops_ai.calls.model import Form
from finops_ai.calls.structured import weaker

BACKOFF_FIRST_S = 0.5
BACKOFF_MAX_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Try again in this form, after this pause; None: at once."""

    form: Form
    pause_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """No further attempt. `permanent`: something must change first."""

    permanent: bool
    reason: str


def next_try(
    failed: Failed, *, form: Form, attempts: int, attempts_max: int, elapsed_s: float, time_max_s: float
) -> Again | Stop:
    """What follows a failure, after so many attempts and so many seconds since the first of them began."""
    step_down = weaker(form) if failed.refuses_form else None
    if failed.permanent and step_down is None:
        return Stop(permanent=True, reason=failed.error)
    if not failed.again and step_down is None:
        return Stop(permanent=False, reason=f"not tried again, as the endpoint asks: {failed.error}")
    if attempts >= attempts_max:
        return Stop(permanent=failed.permanent, reason=f"{attempts} attempts failed, the last with: {failed.error}")
    pause = None if step_down else pause_s(failed.wait_s, tries=attempts)
    start_s = elapsed_s + (pause or 0)
    if start_s > time_max_s:
        reason = f"the next attempt would start {start_s:.1f} s after the first, beyond the limit of {time_max_s:g} s"
        return Stop(permanent=False, reason=f"{reason}; the last failed with: {failed.error}")
    return Again(form=step_down or form, pause_s=pause)


def pause_s(wait_s: float | None, *, tries: int) -> float:
    """What the provider asked for, else exponential with full jitter between half and the whole."""
    if wait_s is not None:
        return wait_s
    exponential_s = BACKOFF_FIRST_S * 2.0 ** min(tries - 1, 10)
    return min(exponential_s, BACKOFF_MAX_S) * random.uniform(0.5, 1)  # noqa: S311 - jitter
