"""Is money safe under fire, and what does its safety cost? Run by `python -m bench.money`, or `make bench-money`.

Belongs here: the sections, their aims and the report. Does not: what is measured (`money_race`, `money_kill`,
`money_speed`, `money_overhead`, `money_faults`), the databases it runs on (`money_ground`).

Every section has a deployment of its own on a database that syncs its commits. Quote the ratios: they are formed within a
round, while seconds depend on the machine and on what else it does.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bench.machine import machine, versions
from bench.money_faults import faults
from bench.money_ground import STORAGES, Deployment, Figures, deployment, server_for
from bench.money_kill import kill
from bench.money_overhead import overhead
from bench.money_race import race
from bench.money_speed import speed, top_costs
from finops_ai_tests.postgres import PostgresServer, PostgresUnavailable

PACKAGES = ("SQLAlchemy", "psycopg2-binary", "openai", "httpx2")
SQLITE_ONLY = ("overhead", "faults")  # what they look at does not depend on the database
SPEED_RATIO_MIN = 0.8  # pairs/s over half the bare durable commits/s
OVERHEAD_MS_MAX = 5.0

Section = Callable[[Deployment], Figures]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, then print a report, or with --json the figures. Exit 1 where PostgreSQL is asked for and cannot be had."""
    options = _options(arguments)
    report: Figures = {
        "command": "python -m bench.money " + " ".join(sys.argv[1:] if arguments is None else arguments),
        "machine": machine(),
        "versions": versions(PACKAGES),
    }
    try:
        with server_for(options.storage) as server:
            if server:
                report["versions"]["PostgreSQL"] = server.version()
            for name, section in _sections(options).items():
                report[name] = dict(_on_each(name, section, options.storage, server))
    except PostgresUnavailable as reason:
        sys.exit(f"{reason}; --storage sqlite measures the rest")
    report["aims"] = list(aims(report))
    print(json.dumps(report, indent=2) if options.json else "\n".join(_lines(report)))


def aims(report: Figures) -> Iterator[Figures]:
    """Each figure that was aimed at, as far as it was measured."""
    for storage in STORAGES:
        if race := report.get("race", {}).get(storage):
            yield _aim(f"race, {storage}: nano-USD over the limit", race["nano-USD over the limit"], at_most=0)
            yield _aim(
                f"race, {storage}: calls through beside those that fit", race["through beside fitting"], at_most=0
            )
            yield _aim(f"race, {storage}: problems of the books", race["problems of the books"], at_most=0)
        if kill := report.get("kill", {}).get(storage):
            yield _aim(f"kill, {storage}: calls served but invisible", kill["served but invisible"], at_most=0)
            yield _aim(f"kill, {storage}: problems of the books", kill["problems of the books"], at_most=0)
        if speed := report.get("speed", {}).get(storage):
            ratio = speed["1 client"]["ratio"]["median"]
            yield _aim(f"speed, {storage}: pairs over half the bare commits", ratio, at_least=SPEED_RATIO_MIN)
        if paid := report.get("overhead", {}).get(storage):
            yield _aim(f"overhead, {storage}: ms of a call", paid["overhead, ms"]["median"], at_most=OVERHEAD_MS_MAX)
        if matrix := report.get("faults", {}).get(storage):
            yield _aim(f"faults, {storage}: tokens booked wrong and not marked", matrix["unmarked"], at_most=0)
            yield _aim(f"faults, {storage}: unhandled errors", matrix["unhandled"], at_most=0)


def _aim(name: str, found: float, *, at_least: float | None = None, at_most: float = 0) -> Figures:
    return {
        "figure": name,
        "found": found,
        "aim": f"≤ {at_most:g}" if at_least is None else f"≥ {at_least:g}",
        "holds": found <= at_most if at_least is None else found >= at_least,
    }


def _on_each(
    name: str, section: Section, storages: Sequence[str], server: PostgresServer | None
) -> Iterator[tuple[str, Figures]]:
    for storage in storages:
        if storage == "sqlite" or name not in SQLITE_ONLY:
            print(f"{name}, {storage} …", file=sys.stderr, flush=True)
            started = time.perf_counter()
            with deployment(storage, server) as where:
                figures = section(where)
            yield storage, figures | {"seconds": round(time.perf_counter() - started, 1)}


def _sections(options: argparse.Namespace) -> dict[str, Section]:
    sections: dict[str, Section] = {
        "race": lambda where: race(where, processes=options.processes, calls=options.calls, fits=options.fits),
        "kill": lambda where: kill(where, kills=options.kills, seed=options.seed),
        "speed": lambda where: speed(where, rounds=options.rounds, pairs=options.pairs, clients=options.clients),
        "top costs": lambda where: top_costs(where, pairs=options.pairs),
        "overhead": lambda where: overhead(where, calls=options.paid_calls),
        "faults": faults,
    }
    return {name: sections[name] for name in options.only or sections}


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.money", description="Money under fire, and its price.")
    names = ("race", "kill", "speed", "top costs", "overhead", "faults")
    parser.add_argument("--only", action="append", choices=names, help="measure this section; may be repeated")
    parser.add_argument("--storage", action="append", choices=STORAGES, help="both, where none is named")
    parser.add_argument("--processes", type=int, default=16, help="that race for one budget")
    parser.add_argument("--calls", type=int, default=5000, help="of all racing processes")
    parser.add_argument("--fits", type=int, default=3000, help="how many of them the budget holds")
    parser.add_argument("--kills", type=int, default=200, help="of workers, per database")
    parser.add_argument("--seed", type=int, default=1, help="of the victims and the moments")
    parser.add_argument("--rounds", type=int, default=7, help="of the speed")
    parser.add_argument("--pairs", type=int, default=200, help="of reserving and settling, per part of a round")
    parser.add_argument("--clients", type=int, default=8, help="of PostgreSQL, for the speed under contention")
    parser.add_argument("--paid-calls", type=int, default=200, help="and as many bare ones")
    parser.add_argument("--json", action="store_true", help="print figures instead of a report")
    options = parser.parse_args(arguments)
    options.storage = options.storage or list(STORAGES)
    return options


def _lines(report: Figures) -> Iterator[str]:
    yield f"$ {report['command']}"
    yield ", ".join(f"{name} {value}" for name, value in {**report["machine"], **report["versions"]}.items())
    yield "spreads are: median (min to max)"
    for name, found in report.items():
        if name not in ("command", "machine", "versions", "aims"):
            for storage, figures in found.items():
                yield f"\n{name}, {storage}"
                yield from _figure_lines(figures, "  ")
    yield "\naims"
    for aim in report["aims"]:
        yield f"  {'✔' if aim['holds'] else '✘'} {aim['figure']}: {_shown(aim['found'])} (aim {aim['aim']})"


def _figure_lines(figures: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, value in figures.items():
        if isinstance(value, list):
            yield f"{indent}{name}:"
            yield from (f"{indent}  {line}" for line in value)
        elif isinstance(value, dict) and "median" not in value:
            yield f"{indent}{name}:"
            yield from _figure_lines(value, indent + "  ")
        else:
            yield f"{indent}{name}: {_shown(value)}"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return f"{_shown(value['median'])} ({_shown(value['min'])} to {_shown(value['max'])})"
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
    return str(value)


if __name__ == "__main__":
    main()
