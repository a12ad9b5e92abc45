"""What every step works with: the records, the objects, the policy; and the frame in which a step runs.

Belongs here: opening them once per process, and the frame (lock, loop, cost, failure) that all steps share. Does not: what
a step does (`assets`), how its metadata looks (`cost_metadata`).
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import dagster as dg
import sqlalchemy as sa

from finops_ai import ledger
from finops_ai.artifacts import Progress, progress_of, record_failure, record_output, record_verdict
from finops_ai.briefs import Brief
from finops_ai.calls import AnswerPending, CallError, Collected, collect
from finops_ai.ledger import BudgetExceeded, Payer
from finops_ai.orchestration.cost_metadata import cost_metadata
from finops_ai.orchestration.gate_factory import GateVerdict
from finops_ai.policy import CostKind, Policy, budgets_for, load_policy, rate_of
from finops_ai.publishing import PublishingRefused, TargetConflict
from finops_ai.settings import Settings, load_settings
from finops_ai.store import Database, LockTaken, ObjectStore, open_database, open_objects, utc_now

ERROR_CHARACTERS_MAX = 2000
LOGGED_EVERY = 10  # parts of a step
STEPS_OF_DOCUMENTS = ("published", "analytics")  # what comes before them, `documents.put_up` records


class StepRefused(Exception):
    """A step found something that trying again cannot mend. The message says what, and what to do."""


PERMANENT = (StepRefused, BudgetExceeded, PublishingRefused, TargetConflict)


@dataclass(frozen=True)
class Workbench:
    """One deployment's records. Opened once per process and safe to share; the policy is read anew by every run."""

    settings: Settings
    database: Database
    objects: ObjectStore
    policy: Policy
    on_step: Callable[[str, str], None] = lambda _artifact, _step: None  # told as each step begins
    on_progress: Callable[[str, str, int, int], None] = lambda _artifact, _step, _done, _of: (
        None
    )  # and within long ones

    def progress(self, artifact: str) -> Progress:
        """How far an artifact has come. Raises UnknownArtifact."""
        with self.database.read() as connection:
            return progress_of(connection, self.policy, artifact)

    def collect_batches(self, *, time_max_s: float | None = None) -> list[Collected]:
        """Close the calls that ended in a batch. One that ended without an answer is a failure of the step that asked."""

        def record_what_failed(tx: sa.Connection, found: Collected) -> None:
            if found.failed:
                payer = ledger.payer_of(tx, found.reservation)
                text = f"the provider's batch {found.batch_id}: {found.detail}"
                record_failure(tx, payer, text[:ERROR_CHARACTERS_MAX], permanent=found.permanent)

        return collect(self.database, also=record_what_failed, time_max_s=time_max_s)

    @contextlib.contextmanager
    def step(self, context: dg.AssetExecutionContext, name: str) -> "Iterator[Step]":
        """The frame of a step: under the artifact's lock, its time booked, its failure recorded.

        A step that raises leaves no materialization, so its cost would be invisible: it is in the ledger all the same.
        """
        artifact = context.partition_key
        self.on_step(artifact, name)
        try:
            with self.database.exclusive(f"artifact {artifact}"):
                progress = self.progress(artifact)
                if progress.brief.is_document and name not in STEPS_OF_DOCUMENTS:
                    raise StepRefused(f"{artifact} is written from the records: no {name} is made for it")
                step = Step(bench=self, name=name, progress=progress, run_id=context.run.run_id, log=context.log)
                try:
                    yield step
                except AnswerPending:
                    step.pause()
                    raise
                except Exception as error:
                    step.fail(error)
                    raise
        except LockTaken as error:
            raise dg.Failure(f"{error}; try again when it has finished", allow_retries=False) from None
        except AnswerPending as pending:
            # Dagster knows no run that waits: this one ends as failed, and another one goes on
            told = f"{pending}; nothing failed: the sensor batch_answers goes on when it is answered"
            raise dg.Failure(told, allow_retries=False) from None
        except (*PERMANENT, CallError) as error:
            raise dg.Failure(f"{type(error).__name__}: {error}", allow_retries=False) from error


@dataclass
class Step:
    """One step of one artifact while it runs."""

    bench: Workbench
    name: str
    progress: Progress
    run_id: str
    log: dg.DagsterLogManager  # what an operator reads in the run's log
    started: float = field(default_factory=time.perf_counter)

    @property
    def artifact(self) -> str:
        """The partition."""
        return self.progress.artifact

    @property
    def brief(self) -> Brief:
        """The artifact's brief."""
        return self.progress.brief

    @cached_property
    def loop(self) -> int:
        """The loop this step works for; never one that the profile does not allow."""
        return min(self.progress.next_loop, self.progress.loops_max)

    @cached_property
    def payer(self) -> Payer:
        """On whose account the step works."""
        policy = self.bench.policy
        return Payer(
            artifact=self.artifact,
            step=self.name,
            loop=self.loop,
            cost_centre=self.brief.cost_centre,
            workload=self.brief.workload,
            budgets=budgets_for(
                policy,
                self.brief,
                artifact=self.artifact,
                step=self.name,
                day=utc_now()[:10],
                stage=self.progress.stage,
            ),
            policy_sha256=policy.sha256,
            run_id=self.run_id,
        )

    def digest_of(self, step: str) -> str:
        """The digest of an earlier step's newest output. Raises StepRefused where it never ran."""
        digest = self.progress.output(step)
        if digest is None:
            raise StepRefused(f"{step} has no output for {self.artifact} yet; run the job `produce`")
        return digest

    def input(self, step: str) -> Any:
        """An earlier step's newest output."""
        return self.bench.objects.get_json(self.digest_of(step))

    def require_gate(self, gate: str, subject_sha256: str) -> None:
        """Dagster's blocking check holds only inside one run; this holds in every run. Raises StepRefused."""
        record = self.progress.gates.get(gate)
        if record is None or record.subject_sha256 != subject_sha256 or not record.passed:
            state = "has no verdict on what is current" if record is None or record.passed else "failed"
            raise StepRefused(f"the {gate} gate {state}; {self.name} does not run without it")

    def suspend_abandoned_calls(self) -> None:
        """Under the artifact's lock no call of it can be under way: a reservation without an outcome is an abandoned one."""
        with self.bench.database.write() as tx:
            for key in ledger.suspend_open(tx, self.payer):
                self.log.warning("call %s was abandoned: its worst case is in suspense until it is reconciled", key)

    def progressed(self, done: int, of: int) -> None:
        """Tell whoever watches how far a step with many parts has come."""
        self.bench.on_progress(self.artifact, self.name, done, of)
        if done == of or done % LOGGED_EVERY == 0:
            self.log.info("%s: %d of %d", self.name, done, of)

    def finish(
        self,
        output: Any,
        *,
        metadata: Mapping[str, Any] = {},
        verdict: GateVerdict | None = None,
        subject_sha256: str | None = None,
        also: Callable[[sa.Connection], None] = lambda _tx: None,
        model: str | None = None,
        tier: str | None = None,
        body: Mapping[str, Any] = {},
    ) -> dg.MaterializeResult[Any]:
        """Record the output, the gate's verdict on it and the step's cost in one transaction; describe it for the UI.

        `metadata` comes first on the page, then the cost, then `body` (what is long). A verdict is about
        `subject_sha256`, by default the output itself.
        """
        objects = self.bench.objects
        digest = objects.put_json(output)
        verdict_sha256 = objects.put_json(verdict.as_dict()) if verdict else ""
        seconds = time.perf_counter() - self.started
        with self.bench.database.write() as tx:
            also(tx)
            record_output(tx, self.payer, digest)
            if verdict:
                record_verdict(
                    tx,
                    self.payer,
                    gate=verdict.gate,
                    subject_sha256=subject_sha256 or digest,
                    passed=verdict.passed,
                    verdict_sha256=verdict_sha256,
                )
            book_compute(tx, self.bench.policy, self.payer, seconds)
            cost = cost_metadata(
                tx, self.payer, seconds=seconds, budget_usd=self.brief.budget_usd, model=model, tier=tier
            )
        head = {"gate": _gate_line(verdict)} if verdict else {}
        return dg.MaterializeResult(
            metadata={**head, **metadata, **cost, **body},
            check_results=[verdict.to_check_result()] if verdict else [],
            data_version=dg.DataVersion(digest),
        )

    def pause(self) -> None:
        """A provider answers later: what the step cost so far is booked, and nothing has failed."""
        with self.bench.database.write() as tx:
            book_compute(tx, self.bench.policy, self.payer, time.perf_counter() - self.started)

    def fail(self, error: Exception) -> None:
        """Record why, and what it cost so far."""
        permanent = isinstance(error, PERMANENT) or getattr(error, "permanent", False)
        text = f"{error}" if permanent else f"{type(error).__name__}: {error}"
        with self.bench.database.write() as tx:
            record_failure(tx, self.payer, text[:ERROR_CHARACTERS_MAX], permanent=permanent)
            if isinstance(error, BudgetExceeded):
                ledger.record_refusal(tx, error)
            book_compute(tx, self.bench.policy, self.payer, time.perf_counter() - self.started)

    def book_retrieval(self, tx: sa.Connection, size_bytes: int) -> None:
        """What fetching sources cost, at the policy's rate."""
        if size_bytes:
            book_at_rate(tx, self.bench.policy, self.payer, "retrieval", size_bytes)


def book_compute(tx: sa.Connection, policy: Policy, payer: Payer, seconds: float) -> None:
    """What the time of a step or of scheduled work cost, at the policy's rate."""
    book_at_rate(tx, policy, payer, "compute", round(seconds * 1_000_000))


def book_at_rate(tx: sa.Connection, policy: Policy, payer: Payer, kind: CostKind, quantity: int) -> None:
    """Book a cost beside tokens, where the policy has a rate for it."""
    if rate := rate_of(policy, kind):
        amount = rate.cost_nano_usd(quantity)
        ledger.book(tx, payer, kind=kind, quantity=quantity, unit=rate.unit, amount_nano_usd=amount, rate=rate)


def _gate_line(verdict: GateVerdict) -> str:
    """The first thing an operator reads on a partition that Dagster shows as green either way."""
    word = "PASSED" if verdict.passed else "FAILED, nothing goes on from here"
    return f"{word} ({verdict.gate} gate; {verdict.line})"


def open_workbench(settings: Settings | None = None) -> Workbench:
    """The records of the deployment that the environment names."""
    settings = settings or load_settings()
    database, objects = _opened(settings)
    return Workbench(settings=settings, database=database, objects=objects, policy=load_policy(settings.policy_path))


@lru_cache(maxsize=8)
def _opened(settings: Settings) -> tuple[Database, ObjectStore]:
    """Connections outlive runs: a long-lived worker opens them once."""
    return open_database(settings), open_objects(settings)


def table(rows: Sequence[Mapping[str, Any]]) -> dg.MetadataValue:
    """Rows as a grid in the web UI. An empty grid cannot be drawn: text then."""
    if not rows:
        return dg.MetadataValue.text("none")
    return dg.MetadataValue.table([dg.TableRecord(dict(row)) for row in rows])


def picture(uri: str, alt: str) -> dg.MetadataValue:
    """A picture as data. The web UI shows Markdown of less than 1,000 characters in the page, a longer one behind a link.

    In angle brackets, where an address may hold spaces.
    """
    return dg.MetadataValue.md(f"![{alt}](<{uri}>)")
