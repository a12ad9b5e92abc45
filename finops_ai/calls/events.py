"""Server-sent events: the data of each, from bytes that may be cut anywhere.

Belongs here: lines and events. Does not: what the data means (`chat`, `responses`).
"""

import re

_LINE_END = re.compile(rb"\r\n|\n|\r")


class EventData:
    """Feed it bytes as they come; it gives the data of every event that is complete."""

    def __init__(self) -> None:
        self._unread = b""
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> list[bytes]:
        """The data of the events that these bytes complete."""
        found: list[bytes] = []
        *lines, self._unread = _LINE_END.split(self._unread + piece)
        if self._unread == b"" and piece.endswith(b"\r"):  # its "\n" may come with the next bytes
            self._unread = lines.pop() + b"\r"
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line.removeprefix(b"data:").removeprefix(b" "))
            elif not line and self._data:
                found.append(b"\n".join(self._data))
                self._data = []
        return found

    def rest(self) -> bytes:
        """The data that no empty line has completed: an event that was cut, or the last of a careless endpoint."""
        unread = self._unread.rstrip(b"\r")
        last = [unread.removeprefix(b"data:").removeprefix(b" ")] if unread.startswith(b"data:") else []
        return b"\n".join([*self._data, *last])
