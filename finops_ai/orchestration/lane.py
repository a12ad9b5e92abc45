"""The workflow without the daemon: artifacts taken as far as they can go in this process, one run after another.

Belongs here: opening the instance, running jobs in process, tidying up after a process that was killed. Does not: which
job is next (`artifacts.position`). A run here is a run like any other: the web UI shows it with its gates and cost.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import dagster as dg

from finops_ai.artifacts import position, retry
from finops_ai.briefs import artifact_keys
from finops_ai.calls import Collected
from finops_ai.orchestration.build import build_definitions
from finops_ai.orchestration.partitions import ARTIFACTS
from finops_ai.orchestration.sensors import run_tags
from finops_ai.orchestration.workbench import Workbench
from finops_ai.settings import Settings, environment_of
from finops_ai.store import create_file

LANE_TAG = "finops/lane"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}  # the event log keeps everything
UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One job that the lane ran."""

    artifact: str
    job: str
    succeeded: bool
    run_id: str


def prepare_home(settings: Settings) -> None:
    """Make the home usable by every process: its folders, and the files that Dagster looks for in it."""
    settings.inbox.mkdir(parents=True, exist_ok=True)
    for name in ("dagster.yaml", "workspace.yaml"):
        if not (settings.home / name).exists():  # an operator may have changed it
            create_file(settings.home / name, shipped_file(name).encode())  # whole, or not there: others may be reading


def shipped_file(name: str) -> str:
    """`dagster.yaml` or `workspace.yaml` as it ships: in the package of a wheel, at the top of a checkout."""
    inside = files("finops_ai") / name
    return inside.read_text() if inside.is_file() else (Path(__file__).parents[2] / name).read_text()


@contextmanager
def open_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """Dagster's instance of this home, the same that the web UI and the daemon open."""
    prepare_home(settings)
    os.environ.update(environment_of(settings))  # the storage class named in dagster.yaml reads the environment
    with dg.DagsterInstance.from_config(str(settings.home)) as instance:
        yield instance


def add_partitions(instance: dg.DagsterInstance, bench: Workbench) -> None:
    """Every registered artifact has its partition; adding one again changes nothing."""
    with bench.database.read() as connection:
        keys = artifact_keys(connection)
    known = set(instance.get_dynamic_partitions(str(ARTIFACTS.name)))
    if missing := [key for key in keys if key not in known]:
        instance.add_dynamic_partitions(str(ARTIFACTS.name), missing)


class Lane:
    """Runs jobs of this deployment in this process."""

    def __init__(self, instance: dg.DagsterInstance, bench: Workbench) -> None:
        self.instance = instance
        self.bench = bench
        self.definitions = build_definitions({"workbench": bench})

    def collect(self) -> list[Collected]:
        """What the sensor `batch_answers` does where a daemon runs: once, before artifacts are advanced."""
        return self.bench.collect_batches()

    def advance(self, artifact: str, *, retry_held: bool = False) -> list[Done]:
        """Run what can be run without a person, until nothing can. `retry_held`: a person asked for another try.

        Raises LockTaken where another process is at this artifact.
        """
        done: list[Done] = []
        tried: set[tuple[str, int]] = set()
        with self.bench.database.exclusive(f"lane {artifact}"):
            self._close_abandoned(artifact)
            # a job that is asked for again in the same loop has changed nothing: leave it to a person or a later run
            while (due := self._due(artifact, retry_held=retry_held and not tried)) and due not in tried:
                tried.add(due)
                done.append(self.run(artifact, due[0]))
        return done

    def run(self, artifact: str, job: str) -> Done:
        """One run of one job for one artifact."""
        progress = self.bench.progress(artifact)
        tags = run_tags(progress, progress.next_loop) | {LANE_TAG: f"{socket.gethostname()}:{os.getpid()}"}
        result = self.definitions.resolve_job_def(job).execute_in_process(
            partition_key=artifact, instance=self.instance, tags=tags, run_config=QUIET, raise_on_error=False
        )
        return Done(artifact=artifact, job=job, succeeded=result.success, run_id=result.run_id)

    def _due(self, artifact: str, *, retry_held: bool) -> tuple[str, int] | None:
        """The job that can be run without a person, and the loop it is for."""
        progress = self.bench.progress(artifact)
        here = position(progress)
        job = retry(progress) if retry_held and here.state == "held" else here.job
        return (job, progress.next_loop) if job else None

    def _close_abandoned(self, artifact: str) -> None:
        """A killed process cannot say that its run ended. Under the lane's lock no other lane runs this artifact."""
        filters = dg.RunsFilter(statuses=UNFINISHED, tags={"dagster/partition": artifact})
        for run in self.instance.get_runs(filters):
            if LANE_TAG in run.tags:
                self.instance.report_run_failed(run, "the process that ran this ended without a word; it is run again")
