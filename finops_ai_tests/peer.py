"""A model endpoint that answers from the prompt it gets: a real HTTP server on 127.0.0.1 that remembers every request.

Belongs here: the peer. Does not: what is expected of its requests.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

Writer = Callable[[list[tuple[str, str]]], str]  # (label, text) of each fact in the prompt -> the answer
Verifier = Callable[[list[dict[str, Any]]], str]  # the questions of a verifying call -> the answer


def quoting(facts: list[tuple[str, str]]) -> str:
    """A careful model: a draft that only quotes."""
    return "## Findings\n\n" + "\n".join(f"- {text.rstrip('.')} [{label}]." for label, text in facts)


def inventing(facts: list[tuple[str, str]]) -> str:
    """A careless model: a number that no source holds, with a citation that looks right."""
    return "## Findings\n\n" + "\n".join(f"- The rate rose to 99 percent in 2031 [{label}]." for label, _ in facts)


def believing(questions: list[dict[str, Any]]) -> str:
    """A verifier that finds everything supported, by the first passage."""
    return json.dumps({"verdicts": [{"id": q["id"], "verdict": "supported", "passage": 1} for q in questions]})


def doubting(questions: list[dict[str, Any]]) -> str:
    """A verifier that finds nothing supported."""
    return json.dumps({"verdicts": [{"id": q["id"], "verdict": "not_supported", "passage": None} for q in questions]})


@dataclass
class Peer:
    """One endpoint; `writers` maps a model's name to how it writes."""

    server: HTTPServer
    writers: dict[str, Writer]
    verifier: Verifier = doubting
    requests: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server.expect_request("/v1/chat/completions", method="POST").respond_with_handler(self._answer)

    @property
    def base_url(self) -> str:
        return self.server.url_for("/v1")

    def tier(self, model: str) -> dict[str, Any]:
        """A policy's tier that this peer serves."""
        price = {"input_usd_per_mtok": 0.25, "cached_input_usd_per_mtok": 0.025, "output_usd_per_mtok": 2.0}
        return {"engine": "openai", "model": model, "base_url": self.base_url, "price": price}

    def _answer(self, request: Request) -> Response:
        body = json.loads(request.get_data())
        self.requests.append(body)
        asked = body["messages"][1]["content"]
        if asked.startswith("<questions>"):
            text = self.verifier(json.loads(asked.removeprefix("<questions>").removesuffix("</questions>")))
        else:
            text = self.writers[body["model"]](re.findall(r"^\[(F\d+)\] (.+)$", asked, flags=re.MULTILINE))
        usage = {
            "prompt_tokens": 900,
            "completion_tokens": 100,
            "total_tokens": 1000,
            "prompt_tokens_details": {"cached_tokens": 400},
        }
        answer = {
            "id": f"chatcmpl-{len(self.requests)}",
            "object": "chat.completion",
            "created": 1,
            "model": body["model"],
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
            "usage": usage,
        }
        return Response(json.dumps(answer), content_type="application/json")
