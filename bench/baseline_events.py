"""Canonical usage events in any number, for measuring the baseline: the same ones for the same number.

Belongs here: how they are drawn, and the files they are written to, one a day. Does not: measuring (`baseline`).

Token counts are pairs drawn from the Azure LLM inference traces of 2023 where those are at hand, else from a lognormal
distribution of about their shape. Everything else is made up: four workloads on three models over 122 days, one in twenty
requests without a price, one in twenty without a latency, one in ten judged.
"""

import random
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

DAYS = 122
FIRST = date(2026, 7, 1)
_TRACES = "usage/azure_llm_2023/AzureLLMInferenceTrace_*.csv"
_PAIRS = 28_185  # as many as the traces have

_FROM_TRACES = """
INSERT INTO pairs SELECT row_number() OVER (ORDER BY "TIMESTAMP", ContextTokens, GeneratedTokens) - 1,
  ContextTokens, GeneratedTokens
FROM read_csv(?)
"""

# One event per number `n`. hash() is DuckDB's: each draw takes another seed, and no draw depends on threads.
_EVENTS = """
WITH drawn AS (
  SELECT n, input, output,
    CAST(hash(n, 1) % 4 AS BIGINT) AS w, CAST(hash(n, 2) % 3 AS BIGINT) AS m, (hash(n, 3) % 1000000) / 1e6 AS u,
    (hash(n, 4) % 1000000) / 1e6 AS v
  FROM range($first, $last) AS numbers(n) JOIN pairs ON pairs.place = hash(n, 0) % $pairs
)
SELECT
  'e' || n AS event_id, 'bench' AS source, 'usage' AS record,
  CAST($day AS DATE) + INTERVAL (CAST(floor(u * 86400) AS BIGINT)) SECOND AS started_at, CAST(NULL AS TIMESTAMP) AS ended_at,
  ['openai', 'anthropic', 'local'][m + 1] AS provider,
  ['gpt-5-mini-2025-08-07', 'claude-sonnet-4-5-20250929', 'llama-3.3-70b'][m + 1] AS model,
  ['support', 'briefings', 'coding', 'search'][w + 1] AS workload,
  '' AS "user", 'run-' || (n // 1000) AS run, 'chat' AS operation, 'standard' AS level,
  1 AS requests, CAST(u < 0.01 AS BIGINT) AS errors, CAST(v < 0.02 AND u >= 0.01 AS BIGINT) AS retries,
  input AS input_tokens, CAST(floor(input * v * 0.6) AS BIGINT) AS cached_input_tokens,
  CAST(0 AS BIGINT) AS cache_write_input_tokens,
  output AS output_tokens, output // 3 AS reasoning_tokens,
  CASE WHEN hash(n, 5) % 20 > 0 THEN 150 + input * 0.05 + output * (8 + 20 * u) END AS latency_ms,
  CASE WHEN hash(n, 5) % 20 > 0 THEN 100 + input * 0.05 + 300 * v END AS first_token_ms,
  CAST(hash(n, 6) % 10 = 0 AS BIGINT) AS outcomes, CAST(hash(n, 6) % 10 = 0 AND u < 0.8 AS BIGINT) AS approved,
  CAST(hash(n, 6) % 10 = 0 AND u < 0.5 AS BIGINT) AS approved_first,
  CASE WHEN hash(n, 6) % 10 = 0 THEN 30 + 600 * v END AS cycle_s,
  CASE WHEN hash(n, 7) % 20 > 0 THEN input * [250, 3000, 100][m + 1] + output * [2000, 15000, 400][m + 1] END AS cost_nano_usd,
  CASE WHEN hash(n, 7) % 20 > 0 THEN 'declared' ELSE 'none' END AS price_basis, '' AS price_version,
  CAST($day AS DATE) AS day
FROM drawn
"""


def write_events(folder: Path, *, rows: int, data: Path | None = None) -> list[Path]:
    """Writes `rows` events to Parquet, a file for each of 122 days, and says where. `data`: the reference data's folder."""
    import duckdb

    with duckdb.connect(config={"threads": 2, "memory_limit": "1GB"}) as connection:
        connection.execute("CREATE TABLE pairs (place BIGINT, input BIGINT, output BIGINT)")
        traces = sorted(data.glob(_TRACES)) if data else []
        if traces:
            connection.execute(_FROM_TRACES, [[str(trace) for trace in traces]])
        else:
            connection.execute(
                "INSERT INTO pairs SELECT unnest(?), unnest(?), unnest(?)", [list(part) for part in _made_up()]
            )
        (pairs,) = connection.execute("SELECT count(*) FROM pairs").fetchone() or (0,)
        return [
            _one_day(
                connection, folder, number, first=rows * number // DAYS, last=rows * (number + 1) // DAYS, pairs=pairs
            )
            for number in range(DAYS)
        ]


def _made_up(seed: int = 20231116) -> tuple[Iterable[int], Iterable[int], Iterable[int]]:
    draw = random.Random(seed)
    inputs = [min(14_050, 1 + round(draw.lognormvariate(7.0, 1.1))) for _ in range(_PAIRS)]
    outputs = [min(1_000, 1 + round(draw.lognormvariate(4.2, 1.3))) for _ in range(_PAIRS)]
    return range(_PAIRS), inputs, outputs


def _one_day(connection: object, folder: Path, number: int, *, first: int, last: int, pairs: int) -> Path:
    import duckdb

    assert isinstance(connection, duckdb.DuckDBPyConnection)
    day = FIRST + timedelta(days=number)
    file = folder / f"day={day}" / "events.parquet"
    file.parent.mkdir(parents=True)
    values = {"first": first, "last": last, "pairs": pairs, "day": day.isoformat()}
    connection.execute(f"COPY ({_EVENTS}) TO '{file}' (FORMAT parquet, COMPRESSION zstd)", values)
    return file
