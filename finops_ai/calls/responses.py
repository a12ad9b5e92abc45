"""The words of the Responses API.

Belongs here: request bodies, what a response or an event says. Does not: sending (`endpoint`), whether a count is
believed (`metering`). Nothing is stored at the provider, and the output is always bounded: an endpoint that is not told
where to stop has been seen to run until its client gave up.
"""

import json
from collections.abc import Mapping
from typing import Any

from finops_ai.calls.structured import told_in_words
from finops_ai.calls.wire import Asked, Counts, Gathering, Reading, error_in, member, text_at

_FINISH = {"completed": "stop", "max_output_tokens": "length", "content_filter": "content_filter"}


def request_body(asked: Asked) -> dict[str, Any]:
    """The body of a request."""
    in_words = asked.schema is not None and asked.form != "json_schema"
    messages = told_in_words(asked.messages, asked.schema or {}) if in_words else asked.messages
    body: dict[str, Any] = {
        "model": asked.model,
        "input": [{"role": message["role"], "content": message["content"]} for message in messages],
        "max_output_tokens": asked.output_tokens_max,
        "store": False,
    }
    if asked.schema is not None and asked.form != "plain":
        body["text"] = {"format": _form(asked, asked.schema)}
    if asked.level == "flex":
        body["service_tier"] = "flex"
    if asked.stream:
        body["stream"] = True  # its last event always carries the usage
    return body


def read(body: Mapping[str, Any]) -> Reading:
    """What a response says."""
    items = body.get("output")
    text, beside, refusal = "", "", ""
    for item in items if isinstance(items, list) else []:
        parts = member(item, "content")
        spoken = parts if isinstance(parts, list) and member(item, "type") in ("message", None) else []
        for part in spoken:
            text += text_at(part, "text")
            refusal += text_at(part, "refusal")
        beside += "" if spoken else _all_texts(item)
    return Reading(
        text=text,
        beside=beside + refusal,
        refusal=refusal,
        response_id=text_at(body, "id"),
        model=text_at(body, "model"),
        finish=_finish(body),
        level=text_at(body, "service_tier"),
        counts=_counts(body.get("usage")),
        error=error_in(body),
    )


def gathering() -> Gathering:
    """For the events of one response."""
    return _Events()


class _Events:
    """The last event holds the whole response; before it, what the deltas said."""

    def __init__(self) -> None:
        self.ended = False
        self._head: dict[str, Any] = {}
        self._text = ""
        self._beside = ""
        self._whole: Mapping[str, Any] = {}

    def add(self, event: Mapping[str, Any]) -> None:
        kind, response = text_at(event, "type"), event.get("response")
        for name in ("id", "model", "service_tier"):
            if not self._head.get(name) and text_at(response, name):
                self._head[name] = text_at(response, name)
        if kind == "response.output_text.delta":
            self._text += text_at(event, "delta")
        elif kind.endswith(".delta"):
            self._beside += text_at(event, "delta")
        if kind in ("response.completed", "response.incomplete", "response.failed") and isinstance(response, Mapping):
            self._whole = response
            self.ended = True

    def body(self) -> dict[str, Any]:
        body = {"object": "response", "status": "in_progress", **self._head, **self._whole}
        said = read(body)
        if not said.text and self._text:
            body["output"] = [{"type": "message", "content": [{"type": "output_text", "text": self._text}]}]
        if not said.beside and self._beside:
            hidden = {"type": "reasoning", "content": [{"type": "reasoning_text", "text": self._beside}]}
            body["output"] = [hidden, *(body.get("output") or [])]
        return body


def _form(asked: Asked, schema: Mapping[str, Any]) -> dict[str, Any]:
    if asked.form == "json_object":
        return {"type": "json_object"}
    return {"type": "json_schema", "name": "answer", "strict": True, "schema": dict(schema)}


def _counts(usage: Any) -> Counts | None:
    if not isinstance(usage, Mapping):
        return None
    return Counts(
        input_tokens=usage.get("input_tokens"),
        cached_input_tokens=member(usage, "input_tokens_details", "cached_tokens"),
        cache_write_input_tokens=member(usage, "input_tokens_details", "cache_write_tokens"),
        output_tokens=usage.get("output_tokens"),
    )


def _finish(body: Mapping[str, Any]) -> str:
    reason = text_at(body, "incomplete_details", "reason") or text_at(body, "status")
    return _FINISH.get(reason, reason)


def _all_texts(item: Any) -> str:
    """What a model wrote in an item that is no message; its size is what matters."""
    written = [member(item, name) for name in ("content", "summary", "arguments", "input") if member(item, name)]
    return json.dumps(written) if written else ""
