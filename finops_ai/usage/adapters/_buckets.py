"""What the usage and cost reports of OpenAI and Anthropic have in common: pages of buckets of results.

Belongs here: walking through them, ids of results, buckets that are not over. Does not: the fields of a provider.

A bucket counts many calls, so there is no request id and no latency. The same bucket asked for with another grouping has other
results, and would count twice: ask always with the same.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from finops_ai.store import canonical_json, sha256_hex
from finops_ai.usage.fields import find, listed
from finops_ai.usage.reading import Item, LogFile, Rejected, Row, WrongValue, documents, judged, raw_text

Bounds = Callable[[Mapping[str, Any]], tuple[datetime, datetime]]
Result = Callable[[Mapping[str, Any], datetime, datetime], Iterable[Item]]


def read_pages(log: LogFile, *, bounds: Bounds, result: Result) -> Iterator[Item]:
    """Every result of every bucket of every page. A bucket may also stand alone, without its page."""
    written_at = datetime.fromtimestamp(log.written_at, UTC)

    def page(row: Row) -> Iterable[Item]:
        for place, bucket in _buckets(row.values):
            yield from _bucket(row, place, bucket, bounds, result, written_at)

    return judged(documents(log), page)


def _buckets(document: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(document, Mapping) and "data" in document:
        yield from listed(document, "data")
    elif isinstance(document, Mapping) and "results" in document:
        yield "", document
    else:
        raise WrongValue("data", "no page of a report: it has a list of buckets here")


def _bucket(
    row: Row, place: str, bucket: Mapping[str, Any], bounds: Bounds, result: Result, written_at: datetime
) -> Iterator[Item]:
    """One result that cannot be read does not take the others of its bucket with it."""
    try:
        start, end = bounds(bucket)
        if start >= end:
            raise WrongValue("end", f"it ends at {end.isoformat()}, which is not after its start")
        if end > written_at:
            raise WrongValue(
                "end", f"not over when the file was written ({written_at.isoformat()}); fetch it again later"
            )
        results = list(listed(bucket, "results"))
    except WrongValue as wrong:
        yield _rejected(row, f"{place}.{wrong.field}", wrong.reason, bucket)
        return
    for inner, values in results:
        at = f"{place}.{inner}".lstrip(".")
        try:
            yield from result(values, start, end)
        except WrongValue as wrong:
            yield _rejected(row, f"{at}.{wrong.field}", wrong.reason, values)
        except ValueError as impossible:  # of UsageEvent
            name, _, reason = str(impossible).partition(": ")
            yield _rejected(row, f"{at}.{name}", reason, values)


def _rejected(row: Row, field: str, reason: str, values: Any) -> Rejected:
    return Rejected(line=row.line, field=field.lstrip("."), reason=reason, raw=raw_text(values))


def bucket_id(
    source: str, kind: str, start: datetime, end: datetime, values: Mapping[str, Any], keys: Iterable[str]
) -> str:
    """The bucket, and what its results are grouped by."""
    group = {key: str(value) for key in keys if (value := find(values, key)) is not None}
    named = {"kind": kind, "start": start.isoformat(), "end": end.isoformat(), "group": group}
    return f"{source}:{sha256_hex(canonical_json(named))[:32]}"
