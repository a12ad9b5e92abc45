"""One measurement of the baseline, in a process of its own: time from opening the engine to the last row, and peak memory.

Belongs here: both ways to the same rows. Does not: rounds and report (`baseline`). Run by `bench.baseline`; by hand,
`python -m bench.baseline_process expression FOLDER`.
"""

import argparse
import hashlib
import json
import resource
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from finops_ai.baseline import DuckDB, workload_baseline

Rows = list[dict[str, Any]]

# What somebody would write who needs this table once.
HAND_WRITTEN = """
SELECT day, workload, model, count(*) AS events,
  sum(requests) AS requests, sum(errors) AS errors, sum(retries) AS retries, sum(input_tokens) AS input_tokens,
  sum(cached_input_tokens) AS cached_input_tokens, sum(cache_write_input_tokens) AS cache_write_input_tokens,
  sum(output_tokens) AS output_tokens, sum(reasoning_tokens) AS reasoning_tokens, sum(outcomes) AS outcomes,
  sum(approved) AS approved, sum(approved_first) AS approved_first, sum(cost_nano_usd) AS cost_nano_usd,
  count(*) FILTER (unpriced) AS unpriced_events, sum(requests) FILTER (unpriced) AS unpriced_requests,
  sum(input_tokens + output_tokens) FILTER (unpriced) AS unpriced_tokens,
  sum(approved) FILTER (NOT unpriced) AS approved_priced,
  sum(outcomes) FILTER (cycle_s IS NOT NULL) AS timed_outcomes,
  sum(CAST(floor(cycle_s * 1000 + 0.5) AS BIGINT) * outcomes) AS cycle_ms_sum,
  quantile_cont(latency_ms, [0.5, 0.95, 0.99]) AS latency_ms, quantile_cont(first_token_ms, 0.95) AS first_token_ms_p95
FROM (
  SELECT *, cost_nano_usd IS NULL AND NOT (model = '' AND requests = 0 AND input_tokens + output_tokens = 0) AS unpriced
  FROM read_parquet(?, hive_partitioning = true)
) WHERE record = 'usage' GROUP BY ALL ORDER BY ALL
"""


def by_expression(files: Sequence[Path], *, threads: int, memory_limit: str | None = None) -> Rows:
    """As the product does it."""
    with DuckDB(files, threads=threads, memory_limit=memory_limit) as engine:
        return engine.rows(workload_baseline())


def by_hand(files: Sequence[Path], *, threads: int, memory_limit: str | None = None) -> Rows:
    """The same table from the query above."""
    import duckdb

    given = {"memory_limit": memory_limit} if memory_limit else {}
    with duckdb.connect(config={"threads": threads, **given}) as connection:
        cursor = connection.execute(HAND_WRITTEN, [[str(file) for file in files]])
        names = [column[0] for column in cursor.description or ()]
        return [
            {name: tuple(value) if isinstance(value, list) else value for name, value in zip(names, row, strict=True)}
            for row in cursor.fetchall()
        ]


WAYS: dict[str, Callable[..., Rows]] = {"expression": by_expression, "hand-written": by_hand}


def main() -> None:
    """Prints one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory-limit")
    chosen = parser.parse_args()
    import duckdb  # noqa: F401 - importing is not what is measured
    import ibis  # noqa: F401 - as above

    files = sorted(chosen.folder.rglob("*.parquet"))
    begun = time.perf_counter()
    rows = WAYS[chosen.way](files, threads=chosen.threads, memory_limit=chosen.memory_limit)
    seconds = time.perf_counter() - begun
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000  # kB on Linux
    digest = hashlib.sha256(repr(rows).encode()).hexdigest()
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb, "groups": len(rows), "sha256": digest}))


if __name__ == "__main__":
    main()
