"""An endpoint that fails in every way we know of, on real sockets, and counts what it served under each key.

Belongs here: the server, the exchanges it plays, its own books. Does not: what ours must say to them (`faults`).

It speaks both APIs. Its model writes the words of `WORDS`, one token each; whatever then becomes of the connection, it
has billed the prompt and every token that it wrote: an answer that is not streamed is written before it is sent.
"""

import json
import socket
import socketserver
import struct
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, Self

WORDS = ("One ", "tenth ", "of the ", "uncached ", "price.")
INPUT_TOKENS = 20
MODEL = "model-a"
SETTLE_S = 0.02  # what was sent must arrive before the connection is reset

Play = Callable[["Exchange"], None]
Json = dict[str, Any]


@dataclass(slots=True)
class Billed:
    """What was served under one idempotency key."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


@dataclass(slots=True)
class Exchange:
    """One request, and what to answer it with."""

    connection: socket.socket
    path: str
    headers: Mapping[str, str]
    body: Json
    billed: Billed
    released: Event  # set when the server ends: nobody waits for a hanging answer

    @property
    def api(self) -> str:
        return "responses" if self.path.endswith("/responses") else "chat"

    @property
    def streamed(self) -> bool:
        return self.body.get("stream") is True

    def bill(self, words: int = len(WORDS)) -> None:
        """The model has read the prompt and written so many words."""
        self.billed.input_tokens += INPUT_TOKENS
        self.billed.output_tokens += words

    def send(self, content: bytes) -> None:
        self.connection.sendall(content)

    def head(self, status: int = 200, *, media_type: str = "application/json", **headers: str) -> None:
        named = {"Content-Type": media_type, "Connection": "close"}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = [f"HTTP/1.1 {status} -", *(f"{name}: {value}" for name, value in named.items()), "", ""]
        self.send("\r\n".join(lines).encode())

    def reply(self, status: int, content: bytes, *, media_type: str = "application/json", **headers: str) -> None:
        """A whole answer."""
        headers.setdefault("Content_Length", str(len(content)))
        self.head(status, media_type=media_type, **headers)
        self.send(content)

    def refuse(self, status: int, message: str = "no", *, code: str | None = None, **headers: str) -> None:
        error = {"error": {"message": message, "type": "test", "code": code}}
        self.reply(status, json.dumps(error).encode(), **headers)

    def chunk(self, content: bytes) -> None:
        """One piece of a chunked body."""
        self.send(f"{len(content):x}\r\n".encode() + content + b"\r\n")

    def last_chunk(self) -> None:
        self.send(b"0\r\n\r\n")

    def begin_stream(self, *, chunked: bool = True) -> None:
        if chunked:
            self.head(media_type="text/event-stream", Transfer_Encoding="chunked")
        else:
            self.head(media_type="text/event-stream")

    def hang(self) -> None:
        self.released.wait(10)

    def reset(self) -> None:
        """RST instead of FIN: the client is told that something broke, not that the answer is over."""
        time.sleep(SETTLE_S)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


@dataclass
class FaultyEndpoint:
    """A server on 127.0.0.1. Requests are answered by `plays` in turn, the last one again and again."""

    plays: Sequence[Play] = ()
    billed: dict[str, Billed] = field(default_factory=dict)
    requests: list[Exchange] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._lock = Lock()
        self._released = Event()
        endpoint = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                endpoint._serve(self.request)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A client that hung up is what many faults are about."""

            def shutdown_request(self, request: Any) -> None:
                self.close_request(request)

        self._server = Server(("127.0.0.1", 0), Handler)
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def play(self, *plays: Play) -> None:
        """From now on, with nothing billed and nothing remembered."""
        self.plays, self.billed, self.requests = plays, {}, []

    def _serve(self, connection: socket.socket) -> None:
        path, headers, body = _request(connection)
        with self._lock:
            billed = self.billed.setdefault(headers.get("idempotency-key", ""), Billed())
            billed.requests += 1
            exchange = Exchange(connection, path, headers, body, billed, self._released)
            self.requests.append(exchange)
            play = self.plays[min(len(self.requests), len(self.plays)) - 1]
        play(exchange)


def _request(connection: socket.socket) -> tuple[str, dict[str, str], Json]:
    with connection.makefile("rb") as file:
        path = file.readline().split()[1].decode()
        headers: dict[str, str] = {}
        while line := file.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return path, headers, json.loads(file.read(int(headers.get("content-length", 0))))


# --- what the model would say


def usage_of(api: str, **changes: Any) -> Json:
    """The true count, in the API's own names; changes are given as `read`, `written`, `cached`."""
    read = changes.get("read", INPUT_TOKENS)
    written = changes.get("written", len(WORDS))
    names = ("input_tokens", "output_tokens") if api == "responses" else ("prompt_tokens", "completion_tokens")
    usage = {names[0]: read, names[1]: written, "total_tokens": 0}
    if "cached" in changes:
        usage[names[0].replace("tokens", "tokens_details")] = {"cached_tokens": changes["cached"]}
    return usage


def body_of(api: str, **changes: Any) -> Json:
    """A whole answer; `usage=…`, `model=…`, `text=…` replace their parts."""
    text = changes.pop("text", "".join(WORDS))
    common = {"model": MODEL, "usage": usage_of(api)}
    if api == "responses":
        message = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}
        return {"id": "resp-1", "object": "response", "status": "completed", "output": [message], **common, **changes}
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    return {"id": "chat-1", "object": "chat.completion", "created": 1, "choices": [choice], **common, **changes}


def events_of(api: str, **changes: Any) -> list[tuple[Json, int]]:
    """The events of a stream, each with the number of tokens written for it."""
    return list(_responses_events(changes) if api == "responses" else _chat_chunks(changes))


def event(data: Json | str, *, kind: str = "") -> bytes:
    named = f"event: {kind}\n" if kind else ""
    return f"{named}data: {data if isinstance(data, str) else json.dumps(data)}\n\n".encode()


def _chat_chunks(changes: Json) -> Iterator[tuple[Json, int]]:
    head = {"id": "chat-1", "object": "chat.completion.chunk", "created": 1, "model": changes.get("model", MODEL)}

    def chunk(delta: Json, finish: str | None = None) -> Json:
        return head | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "usage": None}

    yield chunk({"role": "assistant", "content": ""}), 0
    for word in WORDS:
        yield chunk({"content": word}), 1
    yield chunk({}, "stop"), 0
    if (usage := changes.get("usage", usage_of("chat"))) is not None:
        yield head | {"choices": [], "usage": usage}, 0


def _responses_events(changes: Json) -> Iterator[tuple[Json, int]]:
    begun = {"id": "resp-1", "model": changes.get("model", MODEL), "status": "in_progress", "usage": None}
    yield {"type": "response.created", "response": begun}, 0
    for word in WORDS:
        yield {"type": "response.output_text.delta", "item_id": "m", "delta": word}, 1
    yield {"type": "response.output_text.done", "item_id": "m", "text": "".join(WORDS)}, 0
    yield {"type": "response.completed", "response": body_of("responses", **changes)}, 0


# --- good answers, whole and streamed


def answers(**changes: Any) -> Play:
    """A good answer as it was asked for; `usage=…` and so on make it less good."""

    def play(exchange: Exchange) -> None:
        if exchange.streamed:
            streams(**changes)(exchange)
            return
        exchange.bill()
        exchange.reply(200, json.dumps(body_of(exchange.api, **changes)).encode())

    return play


def streams(
    *,
    until: int | None = None,
    chunked: bool = True,
    then: Play | None = None,
    edit: Callable[[list[bytes]], list[bytes]] | None = None,
    done: bool = True,
    **changes: Any,
) -> Play:
    """A stream of events: all, or `until` that many of them were sent; `then` says how the connection ends."""

    def play(exchange: Exchange) -> None:
        exchange.bill(words=0)
        exchange.begin_stream(chunked=chunked)
        send = exchange.chunk if chunked else exchange.send
        planned = [
            (event(data, kind=str(data.get("type", ""))), words) for data, words in events_of(exchange.api, **changes)
        ]
        if until is None and done:
            planned.append((event("[DONE]"), 0))
        contents = [content for content, _ in planned[:until]]
        exchange.billed.output_tokens += sum(words for _, words in planned[:until])
        for content in edit(contents) if edit else contents:
            send(content)
        if then:
            then(exchange)
        elif until is None and chunked:
            exchange.last_chunk()

    return play
