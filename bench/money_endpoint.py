"""A model's endpoint in a process of its own, which remembers what it served: `python -m bench.money_endpoint TRUTH MS`.

Belongs here: one answer in the shape of OpenAI's chat completions, its latency, the file of truth. Does not: faults
(`finops_ai_tests.calls.faulty_endpoint`), whoever calls.

Every answer is first appended to the file of truth: a caller that dies before it hears the answer was served all the same.
"""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

MODEL = "model-a"
HOST = "127.0.0.1"
REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedCall:
    """A line of the file of truth."""

    key: str  # the Idempotency-Key it came with
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class RunningEndpoint:
    """Where it listens, and what it has served so far."""

    url: str
    truth: Path

    def served(self) -> list[ServedCall]:
        """In the order in which it was served."""
        return [ServedCall(**json.loads(line)) for line in self.truth.read_text(encoding="utf-8").splitlines()]


@contextmanager
def running_endpoint(truth: Path, *, latency_ms: int) -> Iterator[RunningEndpoint]:
    """Start it, wait until it listens, stop it at the end."""
    truth.parent.mkdir(parents=True, exist_ok=True)
    truth.touch()
    command = [sys.executable, "-m", "bench.money_endpoint", str(truth), str(latency_ms)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield RunningEndpoint(f"http://{HOST}:{int(process.stdout.readline())}/v1", truth)
        finally:
            process.terminate()


def answer_to(prompt: str) -> dict[str, Any]:
    """An answer whose id and counts depend on the prompt: no two are the same object, or booked at the same counts."""
    usage = {"prompt_tokens": 20 + len(prompt), "completion_tokens": 1 + sum(prompt.encode()) % 9}
    return {
        "id": f"chatcmpl-{hashlib.sha256(prompt.encode()).hexdigest()[:24]}",
        "object": "chat.completion",
        "created": 1,
        "model": MODEL,
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Yes. [F1]"}}],
        "usage": usage | {"total_tokens": sum(usage.values()), "prompt_tokens_details": {"cached_tokens": 0}},
    }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave together
    server: "_Server"

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = answer_to(request["messages"][-1]["content"])
        time.sleep(self.server.latency_s)
        self.server.remember(self.headers.get("Idempotency-Key") or "", body["usage"])
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Nothing: what was served is in the file of truth."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, truth: Path, latency_s: float) -> None:
        super().__init__((HOST, 0), _Handler)
        self.latency_s = latency_s
        self._truth = os.open(truth, os.O_WRONLY | os.O_APPEND)

    def remember(self, key: str, usage: dict[str, int]) -> None:
        line = {"key": key, "input_tokens": usage["prompt_tokens"], "output_tokens": usage["completion_tokens"]}
        os.write(self._truth, f"{json.dumps(line)}\n".encode())  # one append: lines of two threads do not mix

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that was killed in mid-answer is what this is for."""


def main() -> None:
    """Serve until terminated. The port is the first line of the output."""
    server = _Server(Path(sys.argv[1]), int(sys.argv[2]) / 1000)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
