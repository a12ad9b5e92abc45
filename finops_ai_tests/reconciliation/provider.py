"""A provider's usage reports, as small as they can be.

Belongs here: builders of report files. Does not: assertions.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from finops_ai.reconciliation import ReportFile
from finops_ai.store import sha256_hex

START = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
NOW = START + timedelta(days=5)


def file_of(value: Any, *, name: str = "report.json", fetched_at: datetime = NOW) -> ReportFile:
    """A file with this JSON, or with these bytes."""
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return ReportFile(name=name, content=content, sha256=sha256_hex(content), fetched_at=fetched_at)


def openai_row(
    model: str, requests: int, tokens: Sequence[int], **more: Any
) -> dict[str, Any]:  # tokens: input, cached, written, output
    """One result of a bucket."""
    names = ("input_tokens", "input_cached_tokens", "input_cache_write_tokens", "output_tokens")
    return {"model": model, "num_model_requests": requests} | dict(zip(names, tokens, strict=True)) | more


def openai_page(hours: Mapping[int, Sequence[Mapping[str, Any]]], next_page: str | None = None) -> dict[str, Any]:
    """A page of buckets of one hour: number of the hour since START -> its results."""
    buckets = [
        {
            "object": "bucket",
            "start_time": int((START + hour * HOUR).timestamp()),
            "end_time": int((START + (hour + 1) * HOUR).timestamp()),
            "results": list(results),
        }
        for hour, results in hours.items()
    ]
    return {"object": "page", "data": buckets, "has_more": next_page is not None, "next_page": next_page}


def anthropic_page(hours: Mapping[int, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """The same of Anthropic."""
    buckets = [
        {
            "starting_at": (START + hour * HOUR).isoformat().replace("+00:00", "Z"),
            "ending_at": (START + (hour + 1) * HOUR).isoformat().replace("+00:00", "Z"),
            "results": list(results),
        }
        for hour, results in hours.items()
    ]
    return {"data": buckets, "has_more": False, "next_page": None}
