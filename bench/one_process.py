"""One measurement, in a process of its own: artifacts through bare Dagster, or through the workflow.

Belongs here: what is timed. Does not: how often, in which order, and what follows from it (`workflow`).
Run by `bench.workflow`; prints one JSON document. The first artifact pays for imports and is reported apart.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg


@dataclass
class Spent:
    """Seconds on the clock, and seconds of this process on a processor (user and system, all its threads)."""

    wall_s: float = 0.0
    cpu_s: float = 0.0

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Add what the block takes."""
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.wall_s += time.perf_counter() - wall
            self.cpu_s += time.process_time() - cpu

    def as_dict(self, *, over: int = 1) -> dict[str, float]:
        """Per one of `over` equal parts."""
        return {"wall_s": self.wall_s / over, "cpu_s": self.cpu_s / over}


def measured(one: Callable[[int], object], artifacts: int) -> dict[str, Any]:
    """The first call apart, the mean of the others."""
    first, others = Spent(), Spent()
    with first.counting():
        one(0)
    with others.counting():
        for number in range(1, artifacts + 1):
            one(number)
    return {"first": first.as_dict(), "artifact": others.as_dict(over=artifacts)}


def bare(home: Path, artifacts: int) -> dict[str, Any]:
    """Empty assets on the storage that the home's dagster.yaml names."""
    from bench.bare import jobs, run

    wanted = jobs()
    with dg.DagsterInstance.from_config(str(home)) as instance:
        return measured(lambda number: run(instance, wanted, f"artifact-{number}"), artifacts)


def workflow(home: Path, artifacts: int) -> dict[str, Any]:
    """Submit and advance, from a brief's file to published files with their signed statements."""
    judging = _count_judging()
    from finops_ai.artifacts import position
    from finops_ai.briefs import read_brief, register
    from finops_ai.orchestration.lane import Lane, add_partitions, open_instance
    from finops_ai.orchestration.workbench import open_workbench
    from finops_ai.settings import load_settings

    settings = load_settings()
    bench = open_workbench(settings)
    with open_instance(settings) as instance:
        lane = Lane(instance, bench)

        def one(number: int) -> None:
            found = read_brief(home / "briefs" / f"{number}.yaml")
            (registered,) = register(bench.database, [found], submitted_by="bench", via="bench")
            add_partitions(instance, bench)
            lane.advance(registered.key)
            if number == 0:  # from here on, what a warm process spends on gates
                judging["first"], judging["others"] = judging["others"], Spent()
            stands = position(bench.progress(registered.key))
            assert stands.state == "published", f"{registered.key} is {stands.state}: {stands.waiting_for}"

        figures = measured(one, artifacts)
    return figures | {
        "judge_first": judging["first"].as_dict(),
        "judge": judging["others"].as_dict(over=artifacts),
    }


def _count_judging() -> dict[str, Spent]:
    """Time spent in Great Expectations, by wrapping the one function that asks it, before anybody imports it."""
    from finops_ai.orchestration import gate_factory

    counted = {"first": Spent(), "others": Spent()}
    judge = gate_factory.judge

    def counting(*arguments: Any, **named: Any) -> gate_factory.GateVerdict:
        with counted["others"].counting():
            return judge(*arguments, **named)

    gate_factory.judge = counting
    return counted


def main() -> None:
    """What is measured, from the command line; where, from the environment."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("bare", "workflow"))
    parser.add_argument("artifacts", type=int)
    arguments = parser.parse_args()
    home = Path(os.environ["FINOPS_AI_HOME"])
    measure = {"bare": bare, "workflow": workflow}[arguments.what]
    print(json.dumps(measure(home, arguments.artifacts)))


if __name__ == "__main__":
    main()
