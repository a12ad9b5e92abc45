"""What the sections of the money bench stand on: a database of their own, somebody who pays, the spread of figures.

Belongs here: opening and leaving a deployment that nothing was kept in, one payer, one usage. Does not: measuring
anything.
"""

import itertools
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finops_ai.ledger import Budget, Payer
from finops_ai.pricing import Usage
from finops_ai.settings import Settings
from finops_ai.store import Database, open_database
from finops_ai_tests.postgres import PostgresServer, running_postgres

Figures = dict[str, Any]

STORAGES = ("sqlite", "postgresql")
PLENTY_NANO_USD = 10**15
USAGE = Usage(input_tokens=900, cached_input_tokens=300, output_tokens=200)
_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where a section keeps its records. A forked child opens the database by itself, from these settings."""

    settings: Settings
    database: Database


@contextmanager
def server_for(storages: Sequence[str]) -> Iterator[PostgresServer | None]:
    """A PostgreSQL that syncs its commits, where one is asked for. Raises PostgresUnavailable."""
    if "postgresql" not in storages:
        yield None
        return
    with running_postgres(durable=True) as server:
        yield server


@contextmanager
def deployment(storage: str, server: PostgresServer | None) -> Iterator[Deployment]:
    """A fresh one, gone at the end. `server` is needed for PostgreSQL only."""
    with tempfile.TemporaryDirectory(prefix="finops-money-") as folder:
        name = f"money_{next(_numbers)}"
        url = server.create_database(name) if server and storage == "postgresql" else None
        settings = Settings(home=Path(folder), postgres_url=url, user="bench")
        database = open_database(settings)
        try:
            yield Deployment(settings, database)
        finally:
            database.engine.dispose()
            if server and url:
                server.drop_database(name)


def payer(artifact: str, *, limit_nano_usd: int = PLENTY_NANO_USD) -> Payer:
    """A step with the five nested budgets that the shipped policy gives it; the limit is that of the widest one."""
    alerts = (50, 80, 100)
    narrower = ("cost_centre/cc-4711/2026-11", "workload/briefings/2026-11-24", f"artifact/{artifact}")
    names = (*narrower, f"step/{artifact}/draft")
    return Payer(
        artifact=artifact,
        step="draft",
        loop=0,
        cost_centre="cc-4711",
        workload="briefings",
        budgets=(
            Budget(id="organisation/2026-11", limit_nano_usd=limit_nano_usd, alerts_percent=alerts),
            *(Budget(id=name, limit_nano_usd=PLENTY_NANO_USD, alerts_percent=alerts) for name in names),
        ),
        policy_sha256="p" * 64,
        run_id="run-1",
    )


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, smallest, largest."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}
