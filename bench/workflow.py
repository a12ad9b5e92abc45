"""What does the whole workflow cost over bare Dagster? Run by `python -m bench.workflow`, or `make bench`.

Belongs here: the rounds, the comparison and the report. Does not: what is timed (`one_process`), the empty graph that it
is compared with (`bare`).

Every measurement is a fresh process on a fresh home and database. Within a round all of them follow one another, and the
next round takes them in the opposite order, so that a machine that gets slower or faster favours nobody. A ratio is
formed within a round; its median and range are over the rounds.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.briefs import write_briefs
from bench.machine import machine, versions
from finops_ai_tests.postgres import PostgresServer, PostgresUnavailable, running_postgres

REPOSITORY = Path(__file__).resolve().parents[1]
SQLITE_RATIO_MAX = 1.5  # of bare Dagster
STOCK_RATIO_MAX = 1.0  # with all the real work faster than stock dagster-postgres with none
LOAD_RATIO_MAX = 1.3  # of `import dagster`
CLOCKS = ("wall_s", "cpu_s")  # the second is our own process: what a database server spends is in the first only

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Lane:
    """One of the things that are compared."""

    name: str
    what: str  # of `one_process`
    postgres: bool
    stock: bool = False  # dagster-postgres as it ships: a connection per statement


SQLITE = (Lane("bare", "bare", postgres=False), Lane("workflow", "workflow", postgres=False))
POSTGRES = (
    Lane("bare, stock storage", "bare", postgres=True, stock=True),
    Lane("bare, pooled storage", "bare", postgres=True),
    Lane("workflow", "workflow", postgres=True),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, then print a report, or with --json the figures."""
    options = _options(arguments)
    report: Figures = {
        "command": "python -m bench.workflow " + " ".join(sys.argv[1:] if arguments is None else arguments),
        "machine": machine(),
        "versions": versions(),
        "artifacts": options.artifacts,
        "rounds": options.rounds,
    }
    if options.storage in ("sqlite", "both"):
        report["sqlite"] = _on_sqlite(options.artifacts, options.rounds)
    if options.storage in ("postgresql", "both"):
        report["postgresql"] = _on_postgres(options.artifacts, options.rounds, report["versions"])
    report["load"] = _load(options.loads)
    report["aims"] = list(aims(report))
    print(json.dumps(report, indent=2) if options.json else "\n".join(_lines(report)))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.workflow", description="The workflow against bare Dagster.")
    parser.add_argument("--artifacts", type=int, default=8, help="per process, after the one that pays the imports")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--loads", type=int, default=9, help="pairs of loading the definitions and `import dagster`")
    parser.add_argument("--storage", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--json", action="store_true", help="print figures instead of a report")
    return parser.parse_args(arguments)


# --- measuring


def _on_sqlite(artifacts: int, rounds: int) -> Figures:
    found = _rounds(SQLITE, artifacts, rounds, server=None)
    ratios = {"workflow / bare": _ratio(found["workflow"], found["bare"])}
    return _summary(found) | {"ratios": ratios}


def _on_postgres(artifacts: int, rounds: int, into: dict[str, str]) -> Figures:
    try:
        with running_postgres(durable=True) as server:
            into["PostgreSQL"] = server.version()
            found = _rounds(POSTGRES, artifacts, rounds, server=server)
    except PostgresUnavailable as reason:
        return {"unavailable": str(reason)}
    workflow = found["workflow"]
    ratios = {
        "workflow / bare on stock storage": _ratio(workflow, found["bare, stock storage"]),
        "workflow / bare on pooled storage": _ratio(workflow, found["bare, pooled storage"]),
    }
    return _summary(found) | {"ratios": ratios}


def _rounds(
    lanes: Sequence[Lane], artifacts: int, rounds: int, *, server: PostgresServer | None
) -> dict[str, list[Figures]]:
    found: dict[str, list[Figures]] = {lane.name: [] for lane in lanes}
    for number in range(rounds):
        for lane in lanes if number % 2 == 0 else reversed(lanes):
            _say(f"round {number + 1} of {rounds}: {'PostgreSQL' if lane.postgres else 'SQLite'}, {lane.name}")
            with _fresh_home(lane, server, artifacts) as environment:
                found[lane.name].append(_measure(lane, artifacts, environment))
    return found


@contextmanager
def _fresh_home(lane: Lane, server: PostgresServer | None, artifacts: int) -> Iterator[dict[str, str]]:
    """The environment of a deployment that nothing was kept in yet."""
    with tempfile.TemporaryDirectory(prefix="finops-bench-") as folder:
        home = Path(folder)
        write_briefs(home / "briefs", artifacts + 1)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FINOPS_AI_")}
        environment |= {"FINOPS_AI_HOME": folder, "DAGSTER_HOME": folder, "GX_ANALYTICS_ENABLED": "false"}
        database = f"bench_{home.name}"
        if server:
            environment["FINOPS_AI_POSTGRES_URL"] = server.create_database(database)
        instance = yaml.safe_load((REPOSITORY / "dagster.yaml").read_text(encoding="utf-8"))
        if lane.stock:
            address = environment["FINOPS_AI_POSTGRES_URL"]
            instance["storage"] = {"postgres": {"postgres_url": address}}
        (home / "dagster.yaml").write_text(yaml.safe_dump(instance), encoding="utf-8")
        try:
            yield environment
        finally:
            if server:
                server.drop_database(database)


def _measure(lane: Lane, artifacts: int, environment: Mapping[str, str]) -> Figures:
    command = [sys.executable, "-m", "bench.one_process", lane.what, str(artifacts)]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-4000:]}")
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def _load(pairs: int) -> Figures:
    """Processor seconds of a whole process that only loads the code location, beside one that only imports dagster."""
    _say(f"loading the definitions, {pairs} pairs")
    statements = {"dagster": "import dagster", "definitions": "import finops_ai.definitions"}
    seconds: dict[str, list[float]] = {name: [] for name in statements}
    for number in range(-1, pairs):
        for name in statements if number % 2 == 0 else reversed(statements):
            spent = _cpu_of_child([sys.executable, "-c", statements[name]])
            if number >= 0:  # the first pair only fills the caches of file system and bytecode
                seconds[name].append(spent)
    ratios = [ours / bare for ours, bare in zip(seconds["definitions"], seconds["dagster"], strict=True)]
    return {name: spread(values) for name, values in seconds.items()} | {"ratio": spread(ratios)}


def _cpu_of_child(command: Sequence[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


# --- comparing: pure functions of the figures


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, smallest, largest."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def _ratio(ours: Sequence[Figures], theirs: Sequence[Figures]) -> Figures:
    """Within each round, so that what a round met, both met."""
    pairs = list(zip(ours, theirs, strict=True))
    return {
        clock: spread([our["artifact"][clock] / their["artifact"][clock] for our, their in pairs]) for clock in CLOCKS
    }


def _summary(found: Mapping[str, Sequence[Figures]]) -> Figures:
    """Per artifact; and, of the workflow, what Great Expectations takes of it."""
    lanes = {
        name: {clock: spread([figures["artifact"][clock] for figures in rounds]) for clock in CLOCKS}
        for name, rounds in found.items()
    }
    return {"per artifact": lanes, "great_expectations": _judging(found["workflow"])}


def _judging(rounds: Sequence[Figures]) -> Figures:
    def over(value: Callable[[Figures], float]) -> dict[str, float]:
        return spread([value(figures) for figures in rounds])

    return {
        "first artifact of a process, cpu_s": over(lambda f: f["judge_first"]["cpu_s"] - f["judge"]["cpu_s"]),
        "first artifact of a process, wall_s": over(lambda f: f["judge_first"]["wall_s"] - f["judge"]["wall_s"]),
        "per artifact, cpu_s": over(lambda f: f["judge"]["cpu_s"]),
        "per artifact, wall_s": over(lambda f: f["judge"]["wall_s"]),
        "share of the workflow's cpu": over(lambda f: f["judge"]["cpu_s"] / f["artifact"]["cpu_s"]),
    }


def aims(report: Figures) -> Iterator[Figures]:
    """What is promised, what was found (medians), whether it holds."""
    wanted = [("load", "definitions / import dagster, cpu", LOAD_RATIO_MAX, report["load"]["ratio"])]
    for storage, pair, clocks, limit in (
        ("sqlite", "workflow / bare", CLOCKS, SQLITE_RATIO_MAX),
        ("postgresql", "workflow / bare on stock storage", ("wall_s",), STOCK_RATIO_MAX),
    ):
        if ratios := report.get(storage, {}).get("ratios"):
            wanted += [(storage, f"{pair}, {clock[:-2]}", limit, ratios[pair][clock]) for clock in clocks]
    for storage, aim, limit, found in wanted:
        yield {
            "storage": storage,
            "aim": aim,
            "at most": limit,
            "found": found["median"],
            "holds": found["median"] <= limit,
        }


# --- showing


def _lines(report: Figures) -> Iterator[str]:
    yield f"$ {report['command']}"
    yield from (f"{name}: {value}" for name, value in (report["machine"] | report["versions"]).items())
    yield f"{report['artifacts']} artifacts per process after a first one, {report['rounds']} rounds; median (min to max)"
    for storage in ("sqlite", "postgresql"):
        if storage in report:
            yield from ("", storage, *_storage_lines(report[storage]))
    load = report["load"]
    yield from ("", "loading, CPU seconds of a process")
    yield from (f"  {name:<44}{_shown(load[name], '.2f')}" for name in ("dagster", "definitions", "ratio"))
    yield from ("", "aims")
    for aim in report["aims"]:
        verdict = "holds" if aim["holds"] else "MISSED"
        yield f"  {aim['storage'] + ': ' + aim['aim']:<52}{aim['found']:.2f}, at most {aim['at most']:.2f}: {verdict}"


def _storage_lines(found: Figures) -> Iterator[str]:
    if "unavailable" in found:
        yield f"  not measured: {found['unavailable']}"
        return
    for name, clocks in found["per artifact"].items():
        for clock in CLOCKS:
            label = f"{name}, {clock[:-2]} s per artifact"
            yield f"  {label:<44}{_shown(clocks[clock], '.3f')}"
    for name, clocks in found["ratios"].items():
        for clock in CLOCKS:
            yield f"  {name + ', ' + clock[:-2]:<44}{_shown(clocks[clock], '.2f')}"
    for name, values in found["great_expectations"].items():
        yield f"  {'gates: ' + name:<44}{_shown(values, '.3f')}"


def _shown(values: Mapping[str, float], form: str) -> str:
    return f"{values['median']:{form}} ({values['min']:{form}} to {values['max']:{form}})"


def _say(line: str) -> None:
    """Progress goes to stderr, so that stdout is the report and nothing else."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
