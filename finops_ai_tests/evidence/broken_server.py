"""A real HTTP server on 127.0.0.1 whose pages fail, each path in a way of its own.

Belongs here: the server and its paths. Does not: what is expected of whoever asks.
"""

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from finops_ai_tests.evidence.inputs import pdf

GOOD_PAGE = "<html><head><title>T</title></head><body><article><p>{}</p></article></body></html>"


class Broken(BaseHTTPRequestHandler):
    """Paths /good/N answer; every other path fails in a way of its own."""

    def log_message(self, *_arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        kind = self.path.split("/")[1]
        getattr(self, f"_{kind.replace('-', '_')}", self._status)()

    def _send(self, body: bytes, content_type: str = "text/html", status: int = 200, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def _good(self) -> None:
        number = self.path.rpartition("/")[2]
        self._send(
            GOOD_PAGE.format(f"The plant number {number} of the company makes {number} parts in an hour.").encode()
        )

    def _status(self) -> None:
        self._send(b"no", status=int(self.path.split("/")[1]))

    def _empty(self) -> None:
        self._send(b"")

    def _image(self) -> None:
        self._send(b"\x89PNG\r\n\x1a\n", "image/png")

    def _zip(self) -> None:
        self._send(b"PK\x03\x04nonsense", "application/zip")

    def _fake_pdf(self) -> None:
        self._send(b"hello", "application/pdf")

    def _broken_pdf(self) -> None:
        self._send(pdf("Hello there")[:150], "application/pdf")

    def _latin(self) -> None:
        self._send("Über die Anlage.".encode("latin-1"), "text/plain; charset=utf-8")

    def _charset(self) -> None:
        self._send(b"hello", "text/plain; charset=klingon")

    def _loop(self) -> None:
        self._send(b"", status=302, Location="/loop/x")

    def _private(self) -> None:
        self._send(b"", status=302, Location="http://10.0.0.1/")

    def _scheme(self) -> None:
        self._send(b"", status=302, Location="file:///etc/passwd")

    def _bomb(self) -> None:
        self._send(gzip.compress(b"0" * 30_000_000), "text/plain", Content_Encoding="gzip")

    def _broken_gzip(self) -> None:
        self._send(b"\x1f\x8b\x08nonsense", "text/plain", Content_Encoding="gzip")

    def _brotli(self) -> None:
        self._send(b"x", "text/plain", Content_Encoding="br")

    def _large(self) -> None:
        self._send(b"x " * 1_500_000, "text/plain")

    def _cut(self) -> None:
        self._send(b"short", "text/plain", Content_Length="5000")

    def _hidden(self) -> None:
        self._send(b"<html><body style='display:none'><p>Nobody sees this text here.</p></body></html>")

    def _nothing(self) -> None:
        self._send(b"<html><body><script>1</script></body></html>")

    def _feed(self) -> None:
        self._send(b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><rss>&b;</rss>', "application/rss+xml")

    def _xml(self) -> None:
        self._send(b'<?xml version="1.0"?><other/>', "application/xml")

    def _docx(self) -> None:
        self._send(b"PK\x03\x04", "application/vnd.openxmlformats-officedocument.wordprocessingml.document")

    def _csv(self) -> None:
        self._send(b"one column only\nand nothing else\n", "text/csv")

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.connection.close()


BROKEN_PATHS = [
    *(f"{status}/{n}" for status in (400, 401, 403, 404, 410, 418, 451) for n in range(2)),
    "500/0", "503/0", "empty", "image", "zip", "fake-pdf", "broken-pdf", "latin", "charset", "loop/x", "private", "scheme",
    "bomb", "broken-gzip", "brotli", "large", "cut", "hidden", "nothing", "feed", "xml", "docx", "csv", "reset",
]  # fmt: skip


@contextmanager
def broken_pages() -> Iterator[Callable[[str], str]]:
    """The address of a path while the server runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Broken)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield lambda path: f"http://127.0.0.1:{server.server_port}/{path}"
    server.shutdown()
    server.server_close()
