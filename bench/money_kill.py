"""Workers killed while they call a model: is every call that was served on the books?

Belongs here: the workers, the kills, recovery as the workflow does it, the comparison with what the endpoint served.
Does not: the endpoint (`money_endpoint`), the report (`money`).

Every worker has an artifact of its own, holds that artifact's lock and calls without a pause. A kill is a SIGKILL at a random
moment of a worker that is in its calls; whatever it left open is then suspended under the artifact's lock.
"""

import itertools
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event

import sqlalchemy as sa

from bench.money_endpoint import MODEL, RunningEndpoint, ServedCall, running_endpoint
from bench.money_ground import Deployment, Figures, payer
from finops_ai import ledger
from finops_ai.calls import PaidCalls
from finops_ai.calls.endpoint import endpoint_of
from finops_ai.ledger import AlreadySettled
from finops_ai.policy import Tier, TokenBounds
from finops_ai.settings import Settings
from finops_ai.store import Database, LockTaken, open_database, sha256_hex, tables
from finops_ai_tests.records import PLAIN_PRICE, brief, registered

WORKERS = 4
LATENCY_MS = 8
LIFE_S = (0.0, 0.2)  # from the moment a worker is about to make its first call
READY_S_MAX = 60
WORKER_S_MAX = 600  # a bench that is killed itself leaves nobody behind for longer
BOUNDS = TokenBounds(input_tokens_max=2_000, output_tokens_max=200)

_fork = multiprocessing.get_context("fork")


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that calls for one artifact."""

    artifact: str
    process: BaseProcess
    ready: Event


@dataclass(slots=True, kw_only=True)
class Tally:
    """What the kills met."""

    kills: int = 0
    with_open_reservation: int = 0
    recoveries_repeated: int = 0
    found_later: int = 0


def kill(where: Deployment, *, kills: int, seed: int, workers: int = WORKERS) -> Figures:
    """Kill workers so many times, then compare the endpoint's truth with the books."""
    chance = random.Random(seed)
    artifacts = [registered(where.database, brief(topic=f"Artifact {number}")) for number in range(min(workers, kills))]
    with running_endpoint(where.settings.home / "truth.jsonl", latency_ms=LATENCY_MS) as endpoint:
        endpoint_of(
            _tier(endpoint.url)
        )  # the workers are forked: they find the client's modules and the certificates loaded
        tally = _kill_all(where, endpoint, artifacts, kills, chance)
        time.sleep(2 * LATENCY_MS / 1000 + 0.1)  # what was asked before the last kill is answered by now
        tally.found_later = sum(_recovered(where.database, artifact, tally) for artifact in artifacts)
        served = endpoint.served()
    with where.database.read() as connection:
        return _compared(connection, served, tally)


def _kill_all(
    where: Deployment, endpoint: RunningEndpoint, artifacts: Sequence[str], kills: int, chance: random.Random
) -> Tally:
    numbers = itertools.count()
    running = [_started(where, artifact, endpoint.url, next(numbers)) for artifact in artifacts]
    tally = Tally()
    _wait_until_served(endpoint)
    while running:
        victim = running.pop(chance.randrange(len(running)))
        if not victim.ready.wait(READY_S_MAX):
            raise RuntimeError(f"the worker of {victim.artifact} never began")
        time.sleep(chance.uniform(*LIFE_S))
        _killed(victim)
        tally.kills += 1
        tally.with_open_reservation += bool(_recovered(where.database, victim.artifact, tally))
        if tally.kills + len(running) < kills:
            running.append(_started(where, victim.artifact, endpoint.url, next(numbers)))
    return tally


def _wait_until_served(endpoint: RunningEndpoint) -> None:
    """The kills begin when a first call has been served: on a slow machine a few could all come before that."""
    until = time.monotonic() + READY_S_MAX
    while not endpoint.served():
        if time.monotonic() > until:
            raise RuntimeError("the endpoint served nobody")
        time.sleep(0.005)


def _started(where: Deployment, artifact: str, url: str, number: int) -> Worker:
    where.database.engine.dispose()  # a forked child must not find connections of its parent
    ready = _fork.Event()
    process = _fork.Process(target=_work, args=(where.settings, artifact, url, number, ready), daemon=True)
    process.start()
    return Worker(artifact, process, ready)


def _work(settings: Settings, artifact: str, url: str, number: int, ready: Event) -> None:
    database = open_database(settings)
    until = time.monotonic() + WORKER_S_MAX
    calls = PaidCalls(database=database, payer=payer(artifact))
    with database.exclusive(artifact):
        ready.set()
        for call in itertools.count():
            prompt = f"worker {number}, question {call}"
            calls.complete(
                [{"role": "user", "content": prompt}],
                tier_name="standard",
                tier=_tier(url),
                bounds=BOUNDS,
                price=PLAIN_PRICE,
            )
            if time.monotonic() > until:
                return


def _tier(url: str) -> Tier:
    return Tier.model_validate({"engine": "openai", "model": MODEL, "base_url": url, "attempts_max": 1})


def _killed(victim: Worker) -> None:
    assert victim.process.pid is not None
    if victim.process.exitcode is not None:
        raise RuntimeError(f"the worker of {victim.artifact} ended by itself: {victim.process.exitcode}")
    os.kill(victim.process.pid, signal.SIGKILL)
    victim.process.join()


def _recovered(database: Database, artifact: str, tally: Tally) -> int:
    """Suspend what the dead worker left open, as the next run of the artifact's step does; how many calls that were."""
    until = time.monotonic() + READY_S_MAX
    while True:
        try:
            with database.exclusive(artifact), database.write() as tx:
                return len(ledger.suspend_open(tx, payer(artifact)))
        except (LockTaken, AlreadySettled) as error:
            # a server notices the death of its client a moment later: it holds the lock, or is still committing
            tally.recoveries_repeated += isinstance(error, AlreadySettled)
            if time.monotonic() > until:
                raise
            time.sleep(0.002)


# --- comparing


def sent_as(key: str) -> str:
    """The Idempotency-Key under which a reservation's call is sent: no word of the artifact leaves the house."""
    return sha256_hex(key.encode())[:32]


def _compared(connection: sa.Connection, served: Sequence[ServedCall], tally: Tally) -> Figures:
    outcome = tables.outcome
    kinds = {sent_as(row.reservation): row.kind for row in connection.execute(sa.select(outcome))}
    keys = {call.key for call in served}
    suspended = {key for key, kind in kinds.items() if kind == "suspended"}
    books = ledger.check(connection)
    return {
        "kills": tally.kills,
        "of them during an open reservation": tally.with_open_reservation,
        "served": len(served),
        "served twice under one key": len(served) - len(keys),
        "settled": sum(kind == "settled" for kind in kinds.values()),
        "suspended": len(suspended),
        "suspended but never served": len(suspended - keys),
        "served but invisible": sum(kinds.get(key) not in ("settled", "suspended") for key in keys),
        "settled but never served": sum(kind == "settled" and key not in keys for key, kind in kinds.items()),
        "settled at other counts than served": _miscounted(connection, served, kinds),
        "problems of the books": len(books.problems) + books.open_reservations,
        "recoveries repeated, as a commit was still under way": tally.recoveries_repeated,
        "left open by the first recovery, suspended by the next": tally.found_later,
    }


def _miscounted(connection: sa.Connection, served: Sequence[ServedCall], kinds: dict[str, str]) -> int:
    entry = tables.entry
    booked: dict[str, dict[str, int]] = {}
    for row in connection.execute(sa.select(entry).where(entry.c.kind == "call")):
        booked.setdefault(sent_as(row.reservation), {})[row.unit] = row.quantity
    return sum(
        booked.get(call.key) != {"input_tokens": call.input_tokens, "output_tokens": call.output_tokens}
        for call in served
        if kinds.get(call.key) == "settled"
    )
