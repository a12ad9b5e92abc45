"""What a provider says was used: its usage reports, and single responses that it kept.

Belongs here: reading the bytes of a file into values, refusing what cannot be read or is not complete. Does not: the
books (`applying`), what follows from a report (`matching`).

Input is the whole input in every value here, with the tokens read from a cache and those written to one. OpenAI counts
so; Anthropic gives the three parts, and they are added up.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from finops_ai.pricing import Usage

COUNT_MAX = 10**12  # more tokens than anybody was billed; what they cost still fits into a database's integer

YEAR_MIN, YEAR_MAX = 1970, 9999

Shape = Literal["openai", "anthropic"]


class ReportRefused(Exception):
    """A report that cannot be read or is not complete. `problems`: one each, with file, field and reason."""

    def __init__(self, problems: Sequence[dict[str, Any]]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(f"{p['file']}: {p.get('field', '')}: {p['reason']}" for p in self.problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Counts of many calls, or a difference between two such counts: then they may be negative.

    `requests` is None where the report does not count them.
    """

    requests: int | None = None
    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_input_tokens: int = 0
    output_tokens: int = 0

    @property
    def tokens(self) -> tuple[int, int, int, int]:
        """Input, of which cached and written, output."""
        return (self.input_tokens, self.cached_input_tokens, self.cache_write_input_tokens, self.output_tokens)

    def combined(self, other: "Tally", sign: int = 1) -> "Tally":
        """The sum, or with `sign` -1 the difference. Requests are known where both know them."""
        known = self.requests is not None and other.requests is not None
        requests = (self.requests or 0) + sign * (other.requests or 0) if known else None
        return _tally(requests, [mine + sign * its for mine, its in zip(self.tokens, other.tokens, strict=True)])

    @property
    def usage(self) -> Usage | None:
        """The tokens as those of calls; None where no calls can have had them."""
        plain, cached, written, output = self.tokens
        try:
            return Usage(
                input_tokens=plain,
                cached_input_tokens=cached,
                cache_write_input_tokens=written,
                output_tokens=output,
            )
        except ValueError:
            return None

    def as_dict(self) -> dict[str, int]:
        """For a report to people and machines; requests only where they are counted."""
        names = ("input_tokens", "cached_input_tokens", "cache_write_input_tokens", "output_tokens")
        tokens = dict(zip(names, self.tokens, strict=True))
        return tokens if self.requests is None else {"requests": self.requests} | tokens


def tally_of(usages: Sequence[Usage], *, requests_counted: bool) -> Tally:
    """The sum of single calls."""
    sums = [
        sum(usage.input_tokens for usage in usages),
        sum(usage.cached_input_tokens for usage in usages),
        sum(usage.cache_write_input_tokens for usage in usages),
        sum(usage.output_tokens for usage in usages),
    ]
    return _tally(len(usages) if requests_counted else None, sums)


def _tally(requests: int | None, tokens: Sequence[int]) -> Tally:
    whole, cached, written, output = tokens
    return Tally(
        requests=requests,
        input_tokens=whole,
        cached_input_tokens=cached,
        cache_write_input_tokens=written,
        output_tokens=output,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFile:
    """The bytes of one file and where they come from. `fetched_at`: when it was written; the report knows nothing later."""

    name: str
    content: bytes
    sha256: str
    fetched_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """What was used from `start` until before `end`, per model as the provider names it. A model without a row: nothing."""

    shape: Shape
    start: datetime
    end: datetime
    by_model: Mapping[str, Tally]
    file: str
    report_sha256: str
    fetched_at: datetime

    @property
    def requests_counted(self) -> bool:
        """Does this kind of report count requests?"""
        return self.shape == "openai"


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One response as the provider kept it."""

    id: str
    model: str
    usage: Usage
    file: str
    report_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """Everything that the files say. Buckets ascend and do not overlap within one shape."""

    buckets: tuple[Bucket, ...]
    responses: tuple[Response, ...]


def read_reports(files: Sequence[ReportFile]) -> Reports:
    """All files, or none: raises ReportRefused with every file that cannot be used."""
    problems: list[dict[str, Any]] = []
    pages: list[_Page] = []
    responses: dict[str, Response] = {}
    for file in {file.sha256: file for file in files}.values():
        try:
            for found in _documents(file):
                if isinstance(found, Response):
                    _add_response(responses, found)
                else:
                    pages.append(found)
        except _Unreadable as error:
            problems.append({"file": file.name, "field": error.field, "reason": error.reason})
    if not problems:
        problems = [*_missing_pages(pages), *_overlaps(pages)]
    if problems:
        raise ReportRefused(problems)
    buckets = sorted((bucket for page in pages for bucket in page.buckets), key=lambda b: (b.shape, b.start))
    return Reports(buckets=tuple(buckets), responses=tuple(responses.values()))


class _Unreadable(Exception):
    def __init__(self, field: str, reason: str) -> None:
        self.field, self.reason = field, reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    file: str
    buckets: tuple[Bucket, ...]
    next_page: str | None  # None: it is the last one


def _add_response(known: dict[str, Response], found: Response) -> None:
    before = known.setdefault(found.id, found)
    if before.usage != found.usage:
        raise _Unreadable("usage", f"response {found.id} stands twice, with another usage each time")


def _missing_pages(pages: Sequence[_Page]) -> Iterator[dict[str, Any]]:
    starts = {(bucket.shape, bucket.start) for page in pages for bucket in page.buckets}
    for page in pages:
        last = max(page.buckets, key=lambda bucket: bucket.end, default=None)
        if page.next_page is not None and (last is None or (last.shape, last.end) not in starts):
            where = f" (the buckets from {last.end.isoformat()} on)" if last else ""
            reason = f"the report is not complete: page {page.next_page or '?'}{where} is missing; give all its pages"
            yield {"file": page.file, "field": "has_more", "reason": reason}


def _overlaps(pages: Sequence[_Page]) -> Iterator[dict[str, Any]]:
    latest: dict[Shape, Bucket] = {}
    for bucket in sorted((b for page in pages for b in page.buckets), key=lambda b: (b.shape, b.start, b.end)):
        before = latest.get(bucket.shape)
        if before and bucket.start < before.end:
            reason = f"the bucket from {bucket.start.isoformat()} overlaps another one of {before.file}"
            yield {"file": bucket.file, "field": "start", "reason": f"{reason}: it would count twice"}
        latest[bucket.shape] = max(before or bucket, bucket, key=lambda b: b.end)


# --- one file -----------------------------------------------------------------------------------------------------------


def _documents(file: ReportFile) -> Iterator["_Page | Response"]:
    found = False
    for field, document in _json_values(file.content):
        found = True
        if isinstance(document, Mapping) and isinstance(document.get("data"), list):
            if document.get("object") == "list":
                for number, item in enumerate(document["data"]):
                    yield _response(file, item, f"{field}data[{number}].")
            else:
                yield _page(file, document, field)
        else:
            yield _response(file, document, field)
    if not found:
        raise _Unreadable("", "there is nothing in it")


def _json_values(content: bytes) -> Iterator[tuple[str, Any]]:
    """JSON values with the place of each: the file's one value, the members of its list, or one per line."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _Unreadable("", f"not UTF-8 text: {error}") from None
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as error:
        lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
        if len(lines) < 2:  # one line that is no JSON is no JSON lines either
            raise _Unreadable("", f"neither JSON nor JSON lines: {error}") from None
        yield from ((f"line {number}: ", _line(number, line)) for number, line in lines)
        return
    if isinstance(whole, list):
        yield from ((f"[{number}].", item) for number, item in enumerate(whole))
    else:
        yield "", whole


def _line(number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _Unreadable(f"line {number}", f"neither JSON nor JSON lines: {error}") from None


def _page(file: ReportFile, page: Mapping[str, Any], field: str) -> _Page:
    more = page.get("has_more", False)
    if not isinstance(more, bool):
        raise _Unreadable(f"{field}has_more", f"{more!r} is neither true nor false")
    buckets = tuple(_bucket(file, item, f"{field}data[{number}].") for number, item in enumerate(page["data"]))
    return _Page(file=file.name, buckets=buckets, next_page=str(page.get("next_page") or "") if more else None)


def _bucket(file: ReportFile, bucket: Any, field: str) -> Bucket:
    row = _mapping(bucket, field)
    shape: Shape
    read: Callable[[Mapping[str, Any], str], Tally]
    if "start_time" in row:
        shape, read = "openai", _openai_tally
        start, end = (_unix_time(row, name, field) for name in ("start_time", "end_time"))
    elif "starting_at" in row:
        shape, read = "anthropic", _anthropic_tally
        start, end = (_iso_time(row, name, field) for name in ("starting_at", "ending_at"))
    else:
        raise _Unreadable(field.rstrip(".: "), "no bucket of a usage report: neither start_time nor starting_at")
    if start >= end:
        raise _Unreadable(field.rstrip(".: "), f"it ends at {end.isoformat()}, which is not after its start")
    return Bucket(
        shape=shape,
        start=start,
        end=end,
        by_model=_per_model(row, field, shape, read),
        file=file.name,
        report_sha256=file.sha256,
        fetched_at=file.fetched_at,
    )


def _per_model(
    bucket: Mapping[str, Any], field: str, shape: Shape, read: Callable[[Mapping[str, Any], str], Tally]
) -> dict[str, Tally]:
    """Groups by project, key or level add up: the books know none of them."""
    results = bucket.get("results")
    if not isinstance(results, list):
        raise _Unreadable(f"{field}results", "a list is expected")
    sums: dict[str, Tally] = {}
    for number, item in enumerate(results):
        place = f"{field}results[{number}]."
        row = _mapping(item, place)
        if row.get("model") is None:
            grouping = "group_by=model" if shape == "openai" else "group_by[]=model"
            raise _Unreadable(f"{place}model", f"not grouped by model; ask for the report again with {grouping}")
        model, tally = _text(row["model"], f"{place}model"), read(row, place)
        sums[model] = sums[model].combined(tally) if model in sums else tally
    return sums


def _openai_tally(row: Mapping[str, Any], field: str) -> Tally:
    written = _count(row, "input_cache_write_tokens", field, default=0)
    tokens = [
        _count(row, "input_tokens", field),
        _count(row, "input_cached_tokens", field, default=0),
        written,
        _count(row, "output_tokens", field),
    ]
    return _possible(_tally(_count(row, "num_model_requests", field), tokens), f"{field}input_tokens")


def _anthropic_tally(row: Mapping[str, Any], field: str) -> Tally:
    created = row.get("cache_creation") or {}
    inner = f"{field}cache_creation."
    names = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
    written = sum(_count(_mapping(created, inner), name, inner, default=0) for name in names)
    cached = _count(row, "cache_read_input_tokens", field, default=0)
    whole = _count(row, "uncached_input_tokens", field) + cached + written
    return _tally(None, [whole, cached, written, _count(row, "output_tokens", field)])


def _response(file: ReportFile, item: Any, field: str) -> Response:
    row = _mapping(item, field)
    if "usage" not in row:
        reason = "neither a page of a usage report (data) nor a response (id, model, usage)"
        raise _Unreadable(field.rstrip(".: "), reason)
    names = {name: _text(row.get(name), f"{field}{name}") for name in ("id", "model")}
    usage = _response_tally(_mapping(row["usage"], f"{field}usage."), f"{field}usage.").usage
    assert usage is not None
    return Response(id=names["id"], model=names["model"], usage=usage, file=file.name, report_sha256=file.sha256)


def _response_tally(usage: Mapping[str, Any], field: str) -> Tally:
    if "prompt_tokens" in usage:
        given, came, details = "prompt_tokens", "completion_tokens", "prompt_tokens_details"
    else:
        given, came, details = "input_tokens", "output_tokens", "input_tokens_details"
    inner = f"{field}{details}."
    parts = _mapping(usage.get(details) or {}, inner)
    whole, output = _count(usage, given, field), _count(usage, came, field)
    if given == "input_tokens" and {"cache_read_input_tokens", "cache_creation_input_tokens"} & set(usage):
        cached = _count(usage, "cache_read_input_tokens", field, default=0)  # Anthropic: the input is without them
        written = _count(usage, "cache_creation_input_tokens", field, default=0)
        return _tally(1, [whole + cached + written, cached, written, output])
    cached = _count(parts, "cached_tokens", inner, default=0)
    written = _count(parts, "cache_write_tokens", inner, default=0)
    return _possible(_tally(1, [whole, cached, written, output]), f"{field}{given}")


def _possible(tally: Tally, field: str) -> Tally:
    if tally.usage is None:
        parts = f"{tally.cached_input_tokens} cached and {tally.cache_write_input_tokens} written"
        raise _Unreadable(field, f"{tally.input_tokens} is less than its parts, {parts}")
    return tally


# --- one value ----------------------------------------------------------------------------------------------------------


def _mapping(value: Any, field: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _Unreadable(field.rstrip(".: "), "an object is expected")
    return value


def _text(value: Any, field: str) -> str:
    """Text that any database and any terminal can take."""
    if not isinstance(value, str) or not value or not value.isprintable():
        raise _Unreadable(field, "a text is expected")
    return value


def _count(row: Mapping[str, Any], name: str, field: str, *, default: int | None = None) -> int:
    value = row.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= COUNT_MAX:
        found = "missing" if name not in row else repr(value)[:40]
        raise _Unreadable(f"{field}{name}", f"{found}: a whole number from 0 to {COUNT_MAX} is expected")
    return value


def _unix_time(row: Mapping[str, Any], name: str, field: str) -> datetime:
    seconds = _count(row, name, field)
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        raise _Unreadable(f"{field}{name}", f"{seconds} is no time in seconds") from None


def _iso_time(row: Mapping[str, Any], name: str, field: str) -> datetime:
    try:
        found = datetime.fromisoformat(row[name])
    except (KeyError, TypeError, ValueError):
        raise _Unreadable(f"{field}{name}", f"{row.get(name)!r} is no time (ISO 8601)") from None
    if found.tzinfo is None:
        raise _Unreadable(f"{field}{name}", f"{row[name]} has no time zone")
    if not YEAR_MIN < found.year < YEAR_MAX:  # the ends of the calendar cannot be moved to another time zone
        raise _Unreadable(f"{field}{name}", f"nothing was billed in {row[name]}")
    return found.astimezone(UTC)
