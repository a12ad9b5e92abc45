"""A simulated quarter: thousands of artifacts through the workflow's core, with seeded outcomes and a known truth.

Run by `python -m bench.quarter --home DIR`; afterwards the deployment in DIR can be looked at like any other.

Belongs here: opening a fresh home, letting the quarter pass, the summary. Does not: the organisation (`quarter_ground`), what
shall happen (`quarter_plan`), its happening (`quarter_life`), what happened (`quarter_truth`).

Everything that is recorded goes through the functions that the workflow's steps call, under a simulated clock, so its records
are those of a real quarter. Not simulated: Dagster, retrieval and extraction, the writing of drafts and pages, Great
Expectations (the plan says how a gate decides, and a verdict in its stored form is kept), locks between processes, refused
budgets, revoked reviewers, the platform's own costs. Nothing is synced to the disk, and a day is one transaction
(`quarter_store`): a quarter that a power cut destroys is simulated again.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from bench.machine import machine
from bench.quarter_agenda import Agenda, Way
from bench.quarter_ground import REVIEWERS, WORKLOADS, days_in, months_from, policy_record
from bench.quarter_life import life_of, lived_by
from bench.quarter_plan import plans
from bench.quarter_sources import library_of
from bench.quarter_store import DayByDay, UnsyncedFolder, UnsyncedObjects
from bench.quarter_truth import Lived
from bench.quarter_walk import Ground, Walk
from finops_ai import ledger
from finops_ai.briefs import artifact_keys
from finops_ai.policy import Policy, load_policy
from finops_ai.pricing import format_usd
from finops_ai.provenance import open_signing_key
from finops_ai.settings import Settings, SettingsError, load_settings
from finops_ai.signoff import Reviewer, by_name, grant
from finops_ai.store import (
    Database,
    ObjectStore,
    month_bounds,
    open_database,
    open_objects,
    preceding_month,
    simulated,
    today,
)

ARTIFACTS = 2_100
SEED = 20_261_127


@dataclass(frozen=True, kw_only=True)
class Quarter:
    """A deployment with three months of records, and what really happened in them."""

    settings: Settings
    database: Database
    objects: ObjectStore
    policy: Policy
    months: tuple[str, str, str]  # YYYY-MM
    lived: tuple[Lived, ...]  # in the order in which they were submitted


def simulate(
    home: Path,
    *,
    artifacts: int = ARTIFACTS,
    seed: int = SEED,
    first_month: str | None = None,
    postgres_url: str | None = None,
    on_progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> Quarter:
    """Let a quarter pass in a fresh home. The same seed and month give the same records, but for tokens and signatures.

    `first_month` (YYYY-MM): by default such that the quarter's three months have just ended. `on_progress` is told how many
    artifacts of how many were submitted. Raises ValueError for a home or database in use, a number out of range.
    """
    months = months_from(first_month or months_before(today().strftime("%Y-%m")))
    planned = plans(artifacts=artifacts, seed=seed, months=months)
    settings = _fresh(home, postgres_url)
    database, objects = DayByDay(settings), UnsyncedObjects(settings.home / "objects")
    with database.read() as connection:
        in_use = bool(artifact_keys(connection))
    if in_use:
        database.close()
        raise ValueError("there are artifacts in this database; a quarter needs one of its own")
    begin, end = month_bounds(months[0])[0], month_bounds(months[-1])[1]
    policy = load_policy(settings.policy_path)
    agenda = Agenda(end)
    ground = Ground(
        folder=settings.home / "briefs",
        database=database,
        objects=objects,
        policy=policy,
        policy_sha256=policy.sha256,
        targets={"local": UnsyncedFolder(settings.published)},
        key=open_signing_key(settings.home / "keys"),
        reviewers=_granted(database, begin),
        agenda=agenda,
    )
    _keep_sources(objects)
    walks = [Walk.of(ground, plan) for plan in planned]
    for number, walk in enumerate(walks):
        agenda.add(_told(life_of(walk), lambda done=number: on_progress(done + 1, artifacts)))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
    for day in days_in(months):
        agenda.add(_sealed(database, datetime(day.year, day.month, day.day, 23, 7, tzinfo=UTC)))
    agenda.run()
    database.close()
    return Quarter(
        settings=settings,
        database=open_database(settings),
        objects=open_objects(settings),
        policy=policy,
        months=months,
        lived=tuple(lived_by(walk) for walk in walks),
    )


def months_before(month: str) -> str:
    """The first of the three whole months before this one."""
    return preceding_month(preceding_month(preceding_month(month)))


def _fresh(home: Path, postgres_url: str | None) -> Settings:
    home = home.resolve()
    if home.exists() and any(home.iterdir()):
        raise ValueError(f"{home} is not empty; a quarter needs a home of its own")
    home.mkdir(parents=True, exist_ok=True)
    policy = home / "policy.yaml"
    policy.write_text(yaml.safe_dump(policy_record(), sort_keys=False), encoding="utf-8")
    environment = {"FINOPS_AI_HOME": str(home), "FINOPS_AI_POLICY": str(policy), "FINOPS_AI_USER": "simulation"}
    return load_settings(environment | ({"FINOPS_AI_POSTGRES_URL": postgres_url} if postgres_url else {}))


def _granted(database: Database, at: datetime) -> dict[str, Reviewer]:
    found = {}
    with simulated(at):
        for role, names in REVIEWERS.items():
            for name in names:
                grant(database, name=name, role=role, by="simulation")
                with database.read() as connection:
                    found[name] = by_name(connection, name)
    return found


def _keep_sources(objects: ObjectStore) -> None:
    for workload in WORKLOADS:
        for document in library_of(workload.name).documents:
            objects.put(document.snapshot)
            objects.put(document.text.encode())


def _told(way: Way, submitted: Callable[[], None]) -> Way:
    yield next(way)
    submitted()
    yield from way


def _sealed(database: DayByDay, at: datetime) -> Way:
    yield at
    database.commit()
    ledger.seal(database)
    database.commit()


# --- the command


def main(arguments: Sequence[str] | None = None) -> int:
    """Let a quarter pass and say what was made. 2: it cannot be, for the reason on standard error."""
    options = _options(arguments)
    started, began_with = time.perf_counter(), machine()
    try:
        quarter = simulate(
            options.home,
            artifacts=options.artifacts,
            seed=options.seed,
            first_month=options.first_month,
            postgres_url=options.postgres_url,
            on_progress=_shown,
        )
    except (ValueError, SettingsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(file=sys.stderr)
    print("\n".join(summary(quarter)))
    print(f"\nin {time.perf_counter() - started:.1f} s, on " + ", ".join(f"{k}: {v}" for k, v in began_with.items()))
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.quarter", description="A simulated quarter in a fresh home.")
    parser.add_argument("--home", type=Path, required=True, help="a folder that is empty or does not exist")
    parser.add_argument("--artifacts", type=int, default=ARTIFACTS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument(
        "--first-month", help="YYYY-MM; by default the three whole months before this one are simulated"
    )
    parser.add_argument("--postgres-url", help="an empty database, instead of SQLite")
    return parser.parse_args(arguments)


def _shown(done: int, of: int) -> None:
    if done % 50 == 0 or done == of:
        print(f"\r{done} of {of} artifacts submitted", end="", file=sys.stderr, flush=True)


def summary(quarter: Quarter) -> list[str]:
    """What was made, and where to look at it."""
    lived = quarter.lived
    spent: Counter[str] = Counter()
    for one in lived:
        for cost in one.costs:
            spent[cost.month] += cost.amount_nano_usd
    by_month = Counter(one.created_at[:7] for one in lived)
    environment = f"FINOPS_AI_HOME={quarter.settings.home} FINOPS_AI_POLICY={quarter.settings.policy_path}"
    if quarter.settings.postgres_url:
        environment += " FINOPS_AI_POSTGRES_URL=…"  # it may hold a password
    return [
        f"{len(lived)} artifacts, {format_usd(spent.total())} USD",
        "by state: " + _counts(Counter(one.state for one in lived)),
        "by workload: " + _counts(Counter(one.workload for one in lived)),
        "by month: " + ", ".join(f"{m} {by_month[m]} ({format_usd(spent[m])} USD)" for m in quarter.months),
        "loops ended by: " + _counts(Counter(by for one in lived for by in one.ended_by if by)),
        f"look at it: {environment} finops-ai status | cost | ledger check",
    ]


def _counts(found: Counter[Any]) -> str:
    return ", ".join(f"{name} {count}" for name, count in found.most_common())


if __name__ == "__main__":
    sys.exit(main())
