"""Mooncake's request traces: timestamp (ms from the start), input_length, output_length, hash_ids of 512-token prefix blocks.

Belongs here: these JSON lines, and what an unlimited prefix cache would have served. Does not: costs, which it has none of.
A block's hash covers all blocks before it, so the blocks that were seen before are a prefix: those that lead, as many as were
seen. The hit is at most the input, since the last block may be only partly filled. Source: kvcache-ai/Mooncake, FAST '25 traces.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any

from finops_ai.store import sha256_hex
from finops_ai.usage.fields import count, count_of, find
from finops_ai.usage.model import UsageEvent
from finops_ai.usage.reading import Item, LogFile, Note, Numbered, Options, Row, WrongValue, documents, judged

BLOCK_TOKENS = 512
DEFAULT_START = datetime(
    2025, 2, 25, tzinfo=UTC
)  # the trace has no date: the day that FAST '25 began, where it was published


def read(log: LogFile, options: Options) -> Iterator[Item]:
    """One request for each line; the start of the trace is the option `start`, else DEFAULT_START, which is noted."""
    ids = Numbered("mooncake")
    seen: set[int] = set()  # as large as the cache that it stands for
    start = options.start or DEFAULT_START
    workload = log.stem.removesuffix("_trace")

    def event(row: Row) -> list[Item]:
        if not isinstance(row.values, Mapping):
            raise WrongValue("timestamp", "an object is expected")
        offset_ms, given = count(row.values, "timestamp"), count(row.values, "input_length")
        came, blocks = count(row.values, "output_length"), _blocks(row.values)
        hits = sum(1 for _ in takewhile(seen.__contains__, blocks))
        found = UsageEvent(
            event_id=ids.id(workload, offset_ms, given, came, sha256_hex(",".join(map(str, blocks)).encode())),
            source="mooncake",
            started_at=_moment(start, offset_ms),
            provider="moonshotai",
            workload=workload,
            input_tokens=given,
            cached_input_tokens=min(hits * BLOCK_TOKENS, given),
            output_tokens=came,
        )
        seen.update(blocks)
        return (
            [found]
            if options.start
            else [found, Note(f"the trace has no date: it was taken to begin at {start.isoformat()}")]
        )

    return judged(documents(log), event)


def _blocks(values: Mapping[str, Any]) -> list[int]:
    found = find(values, "hash_ids")
    if not isinstance(found, list):
        raise WrongValue("hash_ids", "a list of block numbers is expected")
    return [count_of(block, "hash_ids") for block in found]


def _moment(start: datetime, offset_ms: int) -> datetime:
    try:
        return start.astimezone(UTC) + timedelta(milliseconds=offset_ms)
    except OverflowError:
        raise WrongValue("timestamp", f"{offset_ms} ms is no time after the start") from None
