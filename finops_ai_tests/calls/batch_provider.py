"""A provider with a Batch API: a real HTTP server that takes files and batches, and ends a batch when a test says so.

Belongs here: its four addresses, what it was sent, how a batch can end. Does not: what is expected of the books.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from finops_ai_tests.calls.faulty_endpoint import body_of

Writer = Callable[[Mapping[str, Any]], Mapping[str, Any]]  # the body of a request -> the body of its answer


def answering(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """20 tokens in and 5 out, in the words of the API that was asked."""
    return body_of("responses" if "input" in body else "chat")


@dataclass
class BatchProvider:
    """Batches wait until they are ended. `before` may answer a request in the place of the provider."""

    server: HTTPServer
    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    before: Callable[[Request], Response | None] = lambda _request: None
    requests: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server.expect_request("/v1/files", method="POST").respond_with_handler(self._upload)
        self.server.expect_request("/v1/batches", method="POST").respond_with_handler(self._create)
        for path, found in (
            (r"^/v1/batches/[^/]+$", self._retrieve),
            (r"^/v1/files/[^/]+/content$", self._content),
        ):
            self.server.expect_request(re.compile(path), method="GET").respond_with_handler(found)

    # --- what a test sees

    def lines(self) -> list[dict[str, Any]]:
        """The requests of all batches, in the order of their arrival."""
        return [self.asked(batch_id) for batch_id in self.batches]

    def asked(self, batch_id: str) -> dict[str, Any]:
        """The one request of a batch."""
        line: dict[str, Any] = json.loads(self.files[self.batches[batch_id]["input_file_id"]])
        return line

    # --- how a batch ends

    def answer(self, batch_id: str, writer: Writer = answering) -> None:
        """Completed, with an answer."""
        body = writer(self.asked(batch_id)["body"])
        self.end(batch_id, "completed", output=[self.line(batch_id, response={"status_code": 200, "body": body})])

    def line(self, batch_id: str, **said: Any) -> dict[str, Any]:
        """A line of a file that speaks of the request of this batch."""
        return {"id": "line-1", "custom_id": self.asked(batch_id)["custom_id"], "response": None, "error": None} | said

    def end(self, batch_id: str, status: str, *, output: Any = (), errors: Any = (), **said: Any) -> None:
        """Finished with this status and the lines of its two files."""
        batch = self.batches[batch_id] | {"status": status} | said
        for name, lines in (("output_file_id", output), ("error_file_id", errors)):
            if lines:
                batch[name] = self._kept("".join(json.dumps(line) + "\n" for line in lines).encode())
        self.batches[batch_id] = batch

    # --- its addresses

    def _upload(self, request: Request) -> Response:
        return self._said(request, lambda: {"id": self._kept(request.files["file"].read()), "object": "file"})

    def _create(self, request: Request) -> Response:
        asked = json.loads(request.get_data())

        def create() -> dict[str, Any]:
            batch = {"id": f"batch_{len(self.batches) + 1}", "object": "batch", "status": "validating", **asked}
            self.batches[batch["id"]] = batch
            return batch

        return self._said(request, create)

    def _retrieve(self, request: Request) -> Response:
        return self._said(request, lambda: self.batches.get(request.path.rsplit("/", 1)[1]))

    def _content(self, request: Request) -> Response:
        self.requests.append((request.method, request.path))
        content = self.files.get(request.path.split("/")[3])
        return self.before(request) or (_missing() if content is None else Response(content))

    def _said(self, request: Request, work: Callable[[], dict[str, Any] | None]) -> Response:
        request.get_data()
        self.requests.append((request.method, request.path))
        if instead := self.before(request):
            return instead
        found = work()
        return _missing() if found is None else Response(json.dumps(found), content_type="application/json")

    def _kept(self, content: bytes) -> str:
        name = f"file_{len(self.files) + 1}"
        self.files[name] = content
        return name


def refusing(path: str, status: int, message: str = "no") -> Callable[[Request], Response | None]:
    """Answers requests to this path with an error."""
    body = json.dumps({"error": {"message": message, "type": "test", "code": None}})

    def before(request: Request) -> Response | None:
        return Response(body, status=status, content_type="application/json") if request.path == path else None

    return before


def _missing() -> Response:
    return Response('{"error": {"message": "no such thing"}}', status=404, content_type="application/json")
