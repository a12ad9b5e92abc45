"""Usage events for the tests, and the Parquet files that hold them.

Belongs here: making and writing events. Does not: any figure over them; the tests add up for themselves.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from finops_ai.usage import COLUMNS, UsageEvent

FIRST = datetime(2026, 9, 28, tzinfo=UTC)
_TYPES = {"string": "VARCHAR", "int64": "BIGINT", "float64": "DOUBLE", "timestamp": "TIMESTAMP", "date": "DATE"}


def event(number: int = 0, **fields: Any) -> UsageEvent:
    """One event; what the test does not care about is filled in."""
    priced = {"price_basis": "reported"} if fields.get("cost_nano_usd") is not None else {}
    defaults = {
        "event_id": f"e{number}",
        "source": "test",
        "started_at": FIRST,
        "workload": "w",
        "model": "m",
        "provider": "p",
    }
    return UsageEvent(**{**defaults, **priced, **fields})


def on(day: date, hour: int = 12) -> datetime:
    """A moment of a day."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def many(count: int, *, seed: int = 7) -> list[UsageEvent]:
    """Events with every field in use: priced and not, judged and not, timed and not, some of a cost report."""
    draw = random.Random(seed)
    return [_any(draw, number) for number in range(count)]


def _any(draw: random.Random, number: int) -> UsageEvent:
    tokens, output = draw.choice([0, draw.randint(1, 9000)]), draw.choice([0, draw.randint(1, 900)])
    cached = draw.randint(0, tokens)
    requests, outcomes = draw.choice([0, 1, 1, 1, 40]), draw.choice([0, 0, 1, 3])
    errors = draw.randint(0, requests)
    approved = draw.randint(0, outcomes)
    cost = draw.choice([None, 0, draw.randint(1, 10**12)])
    return event(
        number,
        source=draw.choice(["litellm", "otel"]),
        record="cost" if cost is not None and draw.random() < 0.1 else "usage",
        started_at=FIRST + timedelta(minutes=draw.randint(0, 60 * 24 * 12)),
        provider=draw.choice(["openai", "anthropic"]),
        model=draw.choice(["small", "large", ""]),
        workload=draw.choice(["support", "briefings"]),
        run=f"run-{draw.randint(1, 5)}",
        requests=requests,
        errors=errors,
        retries=draw.randint(0, requests - errors),
        input_tokens=tokens,
        cached_input_tokens=cached,
        cache_write_input_tokens=draw.randint(0, tokens - cached),
        output_tokens=output,
        reasoning_tokens=draw.randint(0, output),
        latency_ms=draw.choice([None, draw.uniform(20, 9000)]),
        first_token_ms=draw.choice([None, draw.uniform(20, 900)]),
        outcomes=outcomes,
        approved=approved,
        approved_first=draw.randint(0, approved),
        cycle_s=draw.choice([None, draw.uniform(1, 500)]),
        cost_nano_usd=cost,
    )


def write(folder: Path, events: Sequence[UsageEvent], *, by_day: bool = False) -> list[Path]:
    """Parquet files in the canonical columns: one, or one for every day in a folder `day=YYYY-MM-DD`."""
    lines = folder / "events.ndjson"
    lines.write_text("".join(json.dumps(_row(one)) + "\n" for one in events), encoding="utf-8")
    columns = {name: _TYPES[kind] for name, kind in COLUMNS.items()}
    with duckdb.connect() as connection:
        connection.read_json(str(lines), columns=columns, format="newline_delimited").create_view("read")
        lake = folder / "lake"
        if by_day:
            connection.execute(f"COPY (FROM read) TO '{lake}' (FORMAT parquet, PARTITION_BY (day))")
        else:
            lake.mkdir()
            connection.execute(f"COPY (FROM read) TO '{lake / 'events.parquet'}' (FORMAT parquet)")
    return sorted(lake.rglob("*.parquet"))


def _row(one: UsageEvent) -> dict[str, Any]:
    times = {
        name: moment and moment.replace(tzinfo=None).isoformat(sep=" ")
        for name, moment in (("started_at", one.started_at), ("ended_at", one.ended_at))
    }
    return {**asdict(one), **times, "day": one.day.isoformat()}
