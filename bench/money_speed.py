"""How fast is a call held and settled, beside what the database can commit at all?

Belongs here: rounds of bare commits and of pairs, and where a pair's time goes. Does not: the report (`money`).

A pair is two durable transactions: the operation and its hold on five budgets; the settlement. It is compared with two
transactions that insert one small row each, on the same database, in the same round: bare, pairs, pairs, bare, so that a
machine that gets slower or faster favours nobody.
"""

import cProfile
import itertools
import os
import pstats
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from bench.money_ground import USAGE, Deployment, Figures, payer, spread
from finops_ai import ledger
from finops_ai.ledger import Hold, Payer
from finops_ai.store import Database, open_database, sha256_hex
from finops_ai_tests.records import at_once, hold_of, registered

HOLD_NANO_USD = 2_000
BARE_PER_PAIR = 2  # as many commits as a pair makes
TOP = 12

T = TypeVar("T")

_numbers = itertools.count()
_scratch = sa.Table("bench_scratch", sa.MetaData(), sa.Column("number", sa.BigInteger), sa.Column("note", sa.Text))


def speed(where: Deployment, *, rounds: int, pairs: int, clients: int) -> Figures:
    """Pairs per second of one client, and of several where rows are locked and not the file; each against bare commits."""
    with where.database.write() as tx:
        _scratch.create(tx)
    who = payer(registered(where.database))
    several = () if where.database.is_sqlite else (clients,)
    found = {f"{n} client{'s' * (n > 1)}": _rounds(where, who, rounds, pairs, n) for n in (1, *several)}
    return found | {"where a transaction's time goes": _parts(where, who, pairs)}


def top_costs(where: Deployment, *, pairs: int) -> Figures:
    """Functions by their own time while holding, and while settling; a profiler makes Python's share look larger."""
    who = payer(registered(where.database))
    _pair(where.database, who)  # compiled statements are cached from here on
    holding, settling = cProfile.Profile(), cProfile.Profile()
    for _ in range(pairs):
        held = holding.runcall(_hold, where.database, who)
        settling.runcall(_settle, where.database, who, held)
    return {"hold": _top(holding, pairs), "settle": _top(settling, pairs)}


# --- what is timed


def _bare(database: Database) -> None:
    with database.write() as tx:
        tx.execute(_scratch.insert().values(number=1, note="one small row"))


def _pair(database: Database, who: Payer) -> None:
    _settle(database, who, _hold(database, who))


def _hold(database: Database, who: Payer) -> Hold:
    request = sha256_hex(f"{os.getpid()} {next(_numbers)}".encode())
    wanted = hold_of(ledger.operation_key(who, request), HOLD_NANO_USD)
    with database.write() as tx:
        ledger.reserve(tx, who, wanted, request_sha256=request)
    return wanted


def _settle(database: Database, who: Payer, held: Hold) -> None:
    with database.write() as tx:
        ledger.settle(tx, who, held, USAGE, answer="{}")


# --- rounds


def _rounds(where: Deployment, who: Payer, rounds: int, pairs: int, clients: int) -> Figures:
    def pair(database: Database) -> None:
        _pair(database, who)

    bare_s: list[float] = []
    pair_s: list[float] = []
    _pair(where.database, who)
    for _ in range(rounds):
        before_s = _seconds(where, _bare, BARE_PER_PAIR * pairs, clients)
        pair_s.append(_seconds(where, pair, pairs, clients) + _seconds(where, pair, pairs, clients))
        bare_s.append(before_s + _seconds(where, _bare, BARE_PER_PAIR * pairs, clients))
    return {
        "bare commits/s": spread([2 * BARE_PER_PAIR * pairs / seconds for seconds in bare_s]),
        "pairs/s": spread([2 * pairs / seconds for seconds in pair_s]),
        # within each round, so that what a round met, both met
        "ratio": spread([bare / pair for bare, pair in zip(bare_s, pair_s, strict=True)]),
    }


def _seconds(where: Deployment, work: Callable[[Database], None], times: int, clients: int) -> float:
    """To do it so many times in all, from the first client's begin to the last one's end. Several are processes."""
    if clients == 1:
        begun_s, ended_s = _repeated(where.database, work, times)
        return ended_s - begun_s
    where.database.engine.dispose()  # a forked child must not find connections of its parent

    def client(number: int) -> tuple[float, float]:
        own = open_database(where.settings)
        return _repeated(own, work, len(range(number, times, clients)))

    spans: list[tuple[float, float]] = at_once(client, clients)
    return max(ended_s for _, ended_s in spans) - min(begun_s for begun_s, _ in spans)


def _repeated(database: Database, work: Callable[[Database], None], times: int) -> tuple[float, float]:
    """When it began and ended, on the clock that all processes share."""
    with database.read():  # connected, before the clock runs
        begun_s = time.perf_counter()
    for _ in range(times):
        work(database)
    return begun_s, time.perf_counter()


# --- where the time goes


@dataclass(slots=True)
class Clock:
    """Where the time of transactions of one kind went, in seconds. One thread."""

    transactions: int = 0
    statements: int = 0
    executing_s: float = 0
    committing_s: float = 0
    whole_s: float = 0

    def figures(self) -> Figures:
        """Per transaction."""
        return {
            "statements": self.statements / self.transactions,
            "ms": 1e3 * self.whole_s / self.transactions,
            "ms in the driver's execute": 1e3 * self.executing_s / self.transactions,
            "ms in the commit, to the end": 1e3 * self.committing_s / self.transactions,
        }


def _parts(where: Deployment, who: Payer, pairs: int) -> Figures:
    clocks = {name: Clock() for name in ("hold", "settle", "bare")}
    for _ in range(pairs):
        held = _clocked(where.database, clocks["hold"], lambda: _hold(where.database, who))
        _clocked(where.database, clocks["settle"], lambda held=held: _settle(where.database, who, held))  # type: ignore[misc]  # a lambda with a default has no type
        _clocked(where.database, clocks["bare"], lambda: _bare(where.database))
    return {name: clock.figures() for name, clock in clocks.items()}


def _clocked(database: Database, clock: Clock, work: Callable[[], T]) -> T:
    """Do one transaction. The driver's time is what lies between SQLAlchemy's own work before and after it."""
    begun_s = committing_s = 0.0

    def executes(*_: object) -> None:
        nonlocal begun_s
        begun_s = time.perf_counter()

    def executed(*_: object) -> None:
        clock.executing_s += time.perf_counter() - begun_s
        clock.statements += 1

    def commits(_: object) -> None:
        nonlocal committing_s
        committing_s = time.perf_counter()

    listeners: dict[str, Callable[..., None]] = {
        "before_cursor_execute": executes,
        "after_cursor_execute": executed,
        "commit": commits,
    }
    for name, listener in listeners.items():
        sa.event.listen(database.engine, name, listener)
    started_s = time.perf_counter()
    found = work()
    ended_s = time.perf_counter()
    for name, listener in listeners.items():
        sa.event.remove(database.engine, name, listener)
    clock.transactions += 1
    clock.committing_s += ended_s - committing_s
    clock.whole_s += ended_s - started_s
    return found


def _top(profile: cProfile.Profile, times: int) -> list[str]:
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]  # not in the stubs
    dearest = sorted(stats.items(), key=lambda item: item[1][2], reverse=True)[:TOP]
    return [
        f"{1e3 * own_s / times:.3f} ms in {count / times:.0f} calls: {_place(*place)}"
        for place, (_, count, own_s, _, _) in dearest
    ]


def _place(file: str, line: int, function: str) -> str:
    return function if file == "~" else f"{'/'.join(Path(file).parts[-2:])}:{line} {function}"
