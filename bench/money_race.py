"""Many processes and one hard budget: does exactly what fits go through?

Belongs here: the processes, what each of them got, what the books say afterwards. Does not: the report (`money`).
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from bench.money_ground import Deployment, Figures
from finops_ai import ledger
from finops_ai.ledger import BudgetExceeded, Payer
from finops_ai.pricing import Usage
from finops_ai.store import open_database, sha256_hex, tables
from finops_ai_tests.records import at_once, hold_of, payer, registered

BUDGET = "organisation/2026-11"
HOLD = Usage(input_tokens=10, cached_input_tokens=0, output_tokens=0)  # at the plain price a nano-USD each
HOLD_NANO_USD = 10
ROUND_CALLS_MAX = 500  # `at_once` waits a minute for its processes, and a slow disk may not make more in it


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one process got in one round."""

    through: int
    refused: int
    seconds: float


def race(where: Deployment, *, processes: int, calls: int, fits: int) -> Figures:
    """`calls` calls of as many processes against a budget that holds `fits` of them, each settled at its full hold."""
    artifact = registered(where.database)
    where.database.engine.dispose()  # a forked child must not find connections of its parent
    who = payer(artifact, (BUDGET, fits * HOLD_NANO_USD + HOLD_NANO_USD - 1), ("artifact/" + artifact, 10**12))
    rounds = [_round(where, who, processes, begin, end) for begin, end in _rounds(calls)]
    shares = [share for shares in rounds for share in shares]
    with where.database.read() as connection:
        row = connection.execute(sa.select(tables.budget).where(tables.budget.c.id == BUDGET)).one()
        books = ledger.check(connection)
    through = sum(share.through for share in shares)
    seconds = sum(max(share.seconds for share in shares) for shares in rounds)
    return {
        "processes": processes,
        "calls": sum(share.through + share.refused for share in shares),
        "fit": fits,
        "went through": through,
        "through beside fitting": abs(through - min(fits, calls)),
        "nano-USD over the limit": max(0, row.spent_nano_usd + row.reserved_nano_usd - row.limit_nano_usd),
        "problems of the books": len(books.problems) + books.open_reservations,
        "pairs/s": through / seconds,
        "calls/s, refusals counted": calls / seconds,
    }


def _rounds(calls: int) -> Iterator[tuple[int, int]]:
    """Half-open ranges of call numbers."""
    for begin in range(0, calls, ROUND_CALLS_MAX):
        yield begin, min(begin + ROUND_CALLS_MAX, calls)


def _round(where: Deployment, who: Payer, processes: int, begin: int, end: int) -> list[Share]:
    def work(number: int) -> Share:
        database = open_database(where.settings)
        through = refused = 0
        started = time.perf_counter()
        for call in range(begin + number, end, processes):
            try:
                with database.write() as tx:
                    operation = ledger.open_operation(tx, who, request_sha256=sha256_hex(str(call).encode()))
                    held = hold_of(operation, HOLD_NANO_USD)
                    ledger.reserve(tx, who, held)
            except BudgetExceeded:
                refused += 1
                continue
            with database.write() as tx:
                ledger.settle(tx, who, held.key, HOLD, answer=None)
            through += 1
        return Share(through=through, refused=refused, seconds=time.perf_counter() - started)

    return at_once(work, processes)
