"""Reading a log: its file as rows, and what may come of a row.

Belongs here: files as JSON documents and CSV rows, streamed; the values that an adapter yields; the errors of this package.
Does not: what a field means (`adapters`), single values (`fields`), keeping anything (`lake`).

A row that cannot be read is a value, so that the rows after it are read all the same. A file that is not of the format, or
that breaks off, is an error, so that nothing of it is kept.
"""

import csv
import gzip
import json
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any

from finops_ai.pricing import Price
from finops_ai.store import canonical_json, sha256_hex
from finops_ai.usage.model import UsageEvent

TEXT_AT_ONCE_MAX = 64 * 1024 * 1024  # characters of one line, one document, one element of an array
FIELD_CHARS_MAX = 16 * 1024 * 1024  # of one CSV field: gateways keep whole conversations in one
RAW_CHARS_MAX = 20_000  # of a bad row, as it is shown again
ALIKE_ROWS_APART_MAX = 200_000
WORKLOAD_CHARS_MAX = 200
_CHUNK = 1024 * 1024


class UsageError(Exception):
    """Parent of what is refused as a whole. `problems`: one each, with file, field and reason."""

    def __init__(self, problems: Sequence[dict[str, Any]]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(f"{p.get('file', '')}: {p.get('field', '')}: {p['reason']}" for p in self.problems))


class NotTheFormat(Exception):
    """The file as a whole cannot be read as this format: nothing of it is kept."""

    def __init__(self, field: str, reason: str) -> None:
        self.field, self.reason = field, reason
        super().__init__(f"{field}: {reason}" if field else reason)


class WrongValue(Exception):
    """One field of one row."""

    def __init__(self, field: str, reason: str) -> None:
        self.field, self.reason = field, reason
        super().__init__(f"{field}: {reason}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`line`: of the file, from 1; in an array or a list of runs, the number of the element."""

    line: int
    values: Any

    @property
    def raw(self) -> str:
        """As it is shown to whoever mends it."""
        return raw_text(self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A row that became no event."""

    line: int
    field: str
    reason: str
    raw: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something about a row that whoever reads the figures must know: it is counted by its text."""

    text: str


Item = UsageEvent | Rejected | Note


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a file is to be read, beyond its format. Equal options have an equal digest."""

    workload: str = ""  # of every event, whatever the log says
    price_as: str = ""  # priced as this model of the public book where the log gives no cost
    price: Price | None = None  # or at these rates
    mapping: Mapping[str, Any] = field(default_factory=dict)  # of a plain CSV
    start: datetime | None = None  # of a trace whose times are relative

    def __post_init__(self) -> None:
        if self.price_as and self.price:
            raise UsageError([{"field": "price_as", "reason": "a model or rates of your own, not both"}])
        if not (self.workload.isprintable() and len(self.workload) <= WORKLOAD_CHARS_MAX):
            reason = f"a name of at most {WORKLOAD_CHARS_MAX} printable characters is expected"
            raise UsageError([{"field": "workload", "reason": reason}])
        if self.start and self.start.tzinfo is None:
            raise UsageError(
                [{"field": "start", "reason": f"{self.start.isoformat()} has no time zone; add Z for UTC"}]
            )
        try:
            canonical_json(dict(self.mapping))
        except TypeError as error:
            raise UsageError(
                [{"field": "mapping", "reason": f"only texts, whole numbers, lists, mappings: {error}"}]
            ) from None

    @property
    def sha256(self) -> str:
        """Part of what makes an import the same import."""
        stated = {
            "workload": self.workload,
            "price_as": self.price_as,
            "price": self.price.as_dict() if self.price else None,
            "mapping": self.mapping,
            "start": self.start.isoformat() if self.start else None,
        }
        return sha256_hex(canonical_json(stated))


class LogFile:
    """One file, opened once. A name that ends in .gz is unpacked on the way."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bytes_total = path.stat().st_size
        self._raw: IO[bytes] | None = None

    @property
    def written_at(self) -> float:
        """Unix seconds. What is reported here is not known any later."""
        return self.path.stat().st_mtime

    @property
    def stem(self) -> str:
        """The name without its endings."""
        return raw_text(self.path.name).removesuffix(".gz").rsplit(".", 1)[0]

    @property
    def bytes_read(self) -> int:
        """Of `bytes_total`, so far."""
        return self._raw.tell() if self._raw and not self._raw.closed else self.bytes_total

    @contextmanager
    def text(self) -> Iterator[TextIOWrapper]:
        """Bytes that are no UTF-8 come through as they are, so that a field is refused and not the file."""
        with self.path.open("rb") as raw:
            self._raw = raw
            stream = gzip.GzipFile(fileobj=raw) if self.path.name.endswith(".gz") else raw
            with TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
                yield text


def raw_text(values: Any) -> str:
    """JSON, or the text itself; cut where it is very long, and of characters that any file can take."""
    text = values if isinstance(values, str) else json.dumps(values, default=str, ensure_ascii=False)
    return text.encode(errors="replace").decode()[:RAW_CHARS_MAX]


def judged(rows: Iterable[Row | Rejected], read: Callable[[Row], Iterable[Item]]) -> Iterator[Item]:
    """What `read` makes of each row; a value that cannot be is the end of its row and of no other."""
    for row in rows:
        if isinstance(row, Rejected):
            yield row
        else:
            yield from _judged_one(row, read)


def _judged_one(row: Row, read: Callable[[Row], Iterable[Item]]) -> list[Item]:
    try:
        return list(read(row))
    except WrongValue as wrong:
        return [rejected(row, wrong.field, wrong.reason)]
    except ValueError as impossible:  # of UsageEvent: parts that are more than their whole
        name, _, reason = str(impossible).partition(": ")
        return [rejected(row, name, reason or name)]


def rejected(row: Row, field: str, reason: str) -> Rejected:
    """The row, with why."""
    return Rejected(line=row.line, field=field, reason=reason, raw=row.raw)


class Numbered:
    """Ids for rows that have none of their own: from all that they say, and a number where several say the same.

    Rows that are alike in everything, time included, and lie more than ALIKE_ROWS_APART_MAX different rows apart are taken for
    one: what is remembered is bounded.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._seen: OrderedDict[bytes, int] = OrderedDict()

    def id(self, *parts: Any) -> str:
        """The same for the same row of the same log, whichever file holds it."""
        digest = sha256("\x1f".join(map(str, parts)).encode(errors="surrogatepass")).digest()[:16]
        before = self._seen.pop(digest, 0)
        self._seen[digest] = before + 1
        if len(self._seen) > ALIKE_ROWS_APART_MAX:
            self._seen.popitem(last=False)
        return f"{self._source}:{digest.hex()}" + (f"/{before + 1}" if before else "")


# --- JSON -----------------------------------------------------------------------------------------------------------------

_DECODER = json.JSONDecoder(
    parse_float=Decimal, parse_constant=lambda name: name
)  # an amount of money is no binary fraction


def documents(log: LogFile) -> Iterator[Row | Rejected]:
    """The elements of an array, the lines of JSON lines, or the one document that there is.

    In JSON lines a line that is no JSON is rejected. An array or a document that breaks off raises NotTheFormat: it is
    half a file. So does one thing that is longer than TEXT_AT_ONCE_MAX.
    """
    with log.text() as stream:
        begun = stream.readline(_CHUNK)
        while begun and not begun.strip():
            begun = stream.readline(_CHUNK)
        if not begun:
            raise NotTheFormat("", "the file is empty")
        if begun.lstrip().startswith("["):  # often all of it in one line, which need not fit into memory
            yield from _elements(stream, begun.lstrip()[1:])
            return
        whole = len(begun) < _CHUNK or begun.endswith("\n")
        first = begun if whole else begun + _line(stream)
        if _is_json(first):
            yield from _lines(stream, first)
        else:
            yield Row(line=1, values=_whole(stream, first))


def rows_of(log: LogFile, name: str) -> Iterator[Row | Rejected]:
    """The same, where a document may also be a page that holds its rows in a list of this name."""
    for row in documents(log):
        inner = row.values.get(name) if isinstance(row, Row) and isinstance(row.values, dict) else None
        if isinstance(inner, list):
            yield from (Row(line=index, values=item) for index, item in enumerate(inner, start=1))
        else:
            yield row


def _line(stream: TextIOWrapper) -> str:
    line = stream.readline(TEXT_AT_ONCE_MAX + 1)
    if len(line) > TEXT_AT_ONCE_MAX:
        raise _too_long()
    return line


def _too_long() -> NotTheFormat:
    return NotTheFormat("", f"longer than {TEXT_AT_ONCE_MAX:,} characters in one piece; give it as JSON lines")


def _is_json(text: str) -> bool:
    try:
        _DECODER.decode(text)
    except (ValueError, RecursionError):
        return False
    return True


def _lines(stream: TextIOWrapper, line: str) -> Iterator[Row | Rejected]:
    number = 0
    while line:
        number += 1
        if line.strip():
            try:
                yield Row(line=number, values=_DECODER.decode(line))
            except (ValueError, RecursionError) as error:
                yield Rejected(line=number, field="", reason=f"not valid JSON: {error}", raw=raw_text(line))
        line = _line(stream)


def _whole(stream: TextIOWrapper, text: str) -> Any:
    text += stream.read(TEXT_AT_ONCE_MAX)
    if len(text) > TEXT_AT_ONCE_MAX:
        raise _too_long()
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise NotTheFormat("", f"not valid JSON: {error}") from None


def _elements(stream: TextIOWrapper, text: str) -> Iterator[Row]:
    """One element after another, with no more of the array in memory than one chunk and the element at hand."""
    number, at = 0, 0
    while True:
        text, at = _after_space(stream, text, at)
        if text[at] == "]":
            if text[at + 1 :].strip() or stream.read(_CHUNK).strip():
                raise NotTheFormat("", f"not valid JSON: there is more after the array of {number} elements")
            return
        if number:
            if text[at] != ",":
                raise NotTheFormat("", f"not valid JSON after element {number}: a comma or a bracket is expected")
            text, at = _after_space(stream, text, at + 1)
        number += 1
        value, text, at = _element(stream, text, at, number)
        yield Row(line=number, values=value)


def _after_space(stream: TextIOWrapper, text: str, at: int) -> tuple[str, int]:
    """Where something stands, at or after this place. What lies before it is let go only with its chunk: copying costs most."""
    while True:
        while at < len(text) and text[at].isspace():
            at += 1
        if at < len(text):
            return text, at
        text, at = stream.read(_CHUNK), 0
        if not text:
            raise NotTheFormat("", "not valid JSON: the array has no end; the file breaks off")


def _element(stream: TextIOWrapper, text: str, at: int, number: int) -> tuple[Any, str, int]:
    size = _CHUNK
    while True:
        problem = ""
        try:
            value, end = _DECODER.raw_decode(text, at)
            if end < len(text):  # a number at the very end may go on
                return value, text, end
        except (ValueError, RecursionError) as error:
            problem = str(error)
        more = stream.read(size)
        if not more:
            raise NotTheFormat("", f"not valid JSON in element {number}: {problem or 'the file breaks off'}")
        text, at, size = text[at:] + more, 0, size * 2  # twice as much each time: decoding anew stays linear
        if len(text) > 2 * TEXT_AT_ONCE_MAX:
            raise _too_long()


# --- CSV ------------------------------------------------------------------------------------------------------------------


def csv_rows(log: LogFile, *, needs: Sequence[str] = (), delimiter: str = ",") -> Iterator[Row | Rejected]:
    """A mapping for each row below the header. Raises NotTheFormat for a header that lacks one of `needs`."""
    with log.text() as stream:
        reader = csv.reader(stream, delimiter=delimiter)
        try:
            header = [name.strip() for name in _next_row(reader)]
        except StopIteration:
            header = []
        except csv.Error as error:
            raise NotTheFormat("", f"not a CSV: {error}") from None
        _check_header(header, needs)
        while True:
            try:
                cells = _next_row(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Rejected(line=reader.line_num, field="", reason=f"not a row of a CSV: {error}", raw="")
                continue
            if len(cells) == len(header):
                yield Row(line=reader.line_num, values=dict(zip(header, cells, strict=True)))
            elif cells:
                reason = f"{len(cells)} fields, the header has {len(header)}"
                yield Rejected(line=reader.line_num, field="", reason=reason, raw=raw_text(delimiter.join(cells)))


def _next_row(reader: Iterator[list[str]]) -> list[str]:
    """With our own limit of a field for as long as it takes: the module knows one for the whole process, and others rely on it."""
    before = csv.field_size_limit(FIELD_CHARS_MAX)
    try:
        return next(reader)
    finally:
        csv.field_size_limit(before)


def _check_header(header: Sequence[str], needs: Sequence[str]) -> None:
    if not any(header):
        raise NotTheFormat("", "the file is empty")
    if missing := next((name for name in needs if name not in header), None):
        found = raw_text(", ".join(header))[:200]
        raise NotTheFormat(missing, f"no column of this name; the header has: {found}")
    if twice := next((name for name in header if name and header.count(name) > 1), None):
        raise NotTheFormat(twice, "two columns have this name")
