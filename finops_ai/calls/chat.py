"""The words of Chat Completions, the API that nearly every endpoint speaks.

Belongs here: request bodies, what a response or a chunk says. Does not: sending (`endpoint`), whether a count is
believed (`metering`).
"""

import json
from collections.abc import Mapping
from typing import Any

from finops_ai.calls.structured import told_in_words
from finops_ai.calls.wire import Asked, Counts, Gathering, Reading, error_in, member, text_at

_BESIDE = ("refusal", "reasoning_content", "reasoning")  # names that endpoints give to what is written beside the text


def request_body(asked: Asked) -> dict[str, Any]:
    """The body of a request."""
    body: dict[str, Any] = {
        "model": asked.model,
        "messages": list(asked.messages),
        asked.max_tokens_parameter: asked.output_tokens_max,
    }
    if asked.schema is not None:
        body |= _held_to(asked, asked.schema)
    if asked.level == "flex":
        body["service_tier"] = "flex"
    if asked.stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return body


def read(body: Mapping[str, Any]) -> Reading:
    """What a completion says."""
    message = member(body, "choices", 0, "message")
    return Reading(
        text=_content(member(message, "content")),
        beside="".join(text_at(message, name) for name in _BESIDE) + _calls(member(message, "tool_calls")),
        refusal=text_at(message, "refusal"),
        response_id=text_at(body, "id"),
        model=text_at(body, "model"),
        finish=text_at(body, "choices", 0, "finish_reason"),
        level=text_at(body, "service_tier"),
        counts=_counts(body.get("usage")),
        error=error_in(body),
    )


def gathering() -> Gathering:
    """For the chunks of one completion."""
    return _Chunks()


class _Chunks:
    """Text is added up, of everything else the last that was said counts; the first names the response."""

    def __init__(self) -> None:
        self.ended = False
        self._head: dict[str, Any] = {}
        self._said: dict[str, str] = {}
        self._usage: Any = None
        self._finish: str | None = None

    def add(self, event: Mapping[str, Any]) -> None:
        for name in ("id", "model", "service_tier"):
            if not self._head.get(name) and text_at(event, name):
                self._head[name] = event[name]
        if isinstance(event.get("usage"), Mapping):
            self._usage = event["usage"]
        delta = member(event, "choices", 0, "delta")
        for name in ("content", *_BESIDE):
            if added := _content(member(delta, name)):
                self._said[name] = self._said.get(name, "") + added
        if called := _calls(member(delta, "tool_calls")):
            self._said["reasoning"] = self._said.get("reasoning", "") + called
        if finish := text_at(event, "choices", 0, "finish_reason"):
            self._finish = finish
            self.ended = True

    def body(self) -> dict[str, Any]:
        message = {"role": "assistant", "content": "", **self._said}
        choice = {"index": 0, "finish_reason": self._finish, "message": message}
        return {"object": "chat.completion", **self._head, "choices": [choice], "usage": self._usage}


def _held_to(asked: Asked, schema: Mapping[str, Any]) -> dict[str, Any]:
    if asked.form == "json_schema":
        named = {"name": "answer", "strict": True, "schema": dict(schema)}
        return {"response_format": {"type": "json_schema", "json_schema": named}}
    told: dict[str, Any] = {"messages": told_in_words(asked.messages, schema)}
    return told | ({"response_format": {"type": "json_object"}} if asked.form == "json_object" else {})


def _counts(usage: Any) -> Counts | None:
    if not isinstance(usage, Mapping):
        return None
    return Counts(
        input_tokens=usage.get("prompt_tokens"),
        cached_input_tokens=member(usage, "prompt_tokens_details", "cached_tokens"),
        cache_write_input_tokens=member(usage, "prompt_tokens_details", "cache_write_tokens"),
        output_tokens=usage.get("completion_tokens"),
    )


def _content(content: Any) -> str:
    """A text, or the texts of a list of parts."""
    if isinstance(content, list):
        return "".join(text_at(part, "text") for part in content)
    return content if isinstance(content, str) else ""


def _calls(calls: Any) -> str:
    return json.dumps(calls) if calls else ""
