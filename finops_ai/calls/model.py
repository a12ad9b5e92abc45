"""What a call gives, and why one does not.

Belongs here: the answer and the errors of the package. Does not: making a call (`paid`), how one attempt failed
(`failures`).
"""

from dataclasses import dataclass
from typing import Literal

Form = Literal["json_schema", "json_object", "plain", "none"]
"""How an endpoint was held to a schema; `plain`: told in words only; `none`: no schema was given."""

Level = Literal["standard", "flex", "batch"]
"""The level of service: `flex` is cheaper, slower and may be refused when the provider is busy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A model's text and how it came about. It was paid whether or not it can be used; `problem` says why it cannot."""

    text: str
    reused: bool  # an earlier payment covered it
    model: str  # as the endpoint names it, which may be another than the one asked; "" where it names none
    finish: str  # "stop", "length", "content_filter", …; "" where the endpoint does not say
    attempts: int  # made by this call; 0 where the answer was reused
    estimated: bool  # its cost is our estimate, or the endpoint did not serve what was agreed
    problem: str  # "" where nothing is wrong with it
    form: Form


class CallError(Exception):
    """Parent of what stops a call. `permanent`: trying again cannot help, something must change first."""

    permanent = False


class NotPriced(CallError):
    """No price is known for the model: a call whose cost cannot be held must not be made."""

    permanent = True


class CallRefused(CallError):
    """The provider refused the request itself (a 4xx other than a rate limit), or it was never fit to be sent."""

    permanent = True


class AnswerPending(CallError):
    """The provider answers later, in a batch: the call is held, nothing has failed, and asking again costs nothing."""

    def __init__(self, *, batch_id: str, since: str) -> None:
        self.batch_id, self.since = batch_id, since
        super().__init__(f"waits for the provider's batch {batch_id} since {since}")


class CallFailed(CallError):
    """The attempts or their time were used up by time-outs, rate limits, broken connections, errors of the provider."""
