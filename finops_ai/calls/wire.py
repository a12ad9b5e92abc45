"""What is said to an endpoint and what is heard from it, in terms that hold for every API.

Belongs here: the values between one attempt (`endpoint`) and one API's own words (`chat`, `responses`). Does not: those
words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from finops_ai.calls.model import Form, Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one attempt asks for."""

    model: str
    messages: Sequence[Mapping[str, str]]
    schema: Mapping[str, Any] | None
    form: Form
    output_tokens_max: int
    max_tokens_parameter: str
    level: Level
    stream: bool
    input_tokens: int  # our upper estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """A usage record as it came: numbers, nulls, nonsense. `metering` decides whether it is believed."""

    input_tokens: Any
    cached_input_tokens: Any
    cache_write_input_tokens: Any
    output_tokens: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a response body says, "" where it does not say it."""

    text: str
    beside: str  # written and billed, but no part of the text: reasoning, a refusal, calls of tools
    refusal: str
    response_id: str
    model: str
    finish: str
    level: str
    counts: Counts | None
    error: Mapping[str, Any] | None  # what stands where an answer should


class Gathering(Protocol):
    """The events of one stream, put together."""

    ended: bool  # the provider has said that the answer is complete

    def add(self, event: Mapping[str, Any]) -> None:
        """Take the next event. Never raises: whatever an event holds, what was received must be booked."""

    def body(self) -> dict[str, Any]:
        """What was received so far, in the form of a response that was not streamed."""


class Api(Protocol):
    """One API's own words. A module is one."""

    def request_body(self, asked: Asked) -> dict[str, Any]:
        """The body of a request. It always bounds the output."""

    def read(self, body: Mapping[str, Any]) -> Reading:
        """What a response body says. Never raises."""

    def gathering(self) -> Gathering:
        """An empty one."""


def member(record: Any, *path: str | int) -> Any:
    """What stands at a path in a JSON value; None where the path ends early, whatever stands there."""
    for step in path:
        if isinstance(step, int):
            record = record[step] if isinstance(record, list) and len(record) > step else None
        else:
            record = record.get(step) if isinstance(record, Mapping) else None
    return record


def text_at(record: Any, *path: str | int) -> str:
    """The text at a path; "" where there is none."""
    found = member(record, *path)
    return found if isinstance(found, str) else ""


def error_in(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The error object of a body or an event; a bare text is one too."""
    found = body.get("error")
    if isinstance(found, str) and found:
        return {"message": found}
    return found if isinstance(found, Mapping) and found else None
