"""What moves artifacts on while nobody watches: briefs that arrive, work that is due, packets that are signed.

Belongs here: asking for runs; what a tick needs beyond that, it imports itself. Does not: any right. A sensor's cursor can
be edited by everybody who sees the web UI, so a wrong request must cost a refused run and no more: every step verifies what
it needs.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from finops_ai.orchestration.jobs import produce, rework
from finops_ai.orchestration.partitions import ARTIFACT_TAG, ARTIFACTS, LOOP_TAG, WORKLOAD_TAG

if TYPE_CHECKING:
    from finops_ai.artifacts import Progress
    from finops_ai.orchestration.workbench import Workbench
    from finops_ai.signoff import Decision

    WorkbenchParam = dg.ResourceParam[Workbench]
else:
    WorkbenchParam = dg.ResourceParam[object]  # Dagster reads this while it loads; who it is, is known when a tick runs

BRIEFS_PER_TICK_MAX = 20
ARTIFACTS_PER_TICK_MAX = 50
COLLECT_TIME_MAX_S = 20.0
CLOSED_AGAIN = timedelta(minutes=10)  # looked at again by the next tick: a time is taken before its row can be seen
DECISIONS_PER_TICK_MAX = 100  # a tick is cut at 60 s; a backlog is worked off over several ticks


@dg.sensor(
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Takes briefs from the inbox folder of the home; one that is wrong goes to inbox/refused with its reason.",
    job_name="produce",
)
def inbox(context: dg.SensorEvaluationContext, workbench: WorkbenchParam) -> dg.SensorResult | dg.SkipReason:  # noqa: ARG001 - Dagster passes it
    """A brief that was taken moves to `accepted`, so that it is not read again; its sources stay where they are."""
    folder = workbench.settings.inbox
    files = sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])[:BRIEFS_PER_TICK_MAX] if folder.is_dir() else []
    keys = [key for file in files if (key := take_brief(workbench, file))]
    if not files:
        return dg.SkipReason(f"no brief in {folder}")
    return dg.SensorResult(dynamic_partitions_requests=[ARTIFACTS.build_add_request(keys)] if keys else [])


def take_brief(bench: "Workbench", file: Path) -> str | None:
    """Register one brief of the inbox. None: it was refused, and lies in `refused` beside a file that says why."""
    from finops_ai.artifacts import accept_brief, take_in
    from finops_ai.briefs import BriefError

    try:
        found = accept_brief(file, bench.policy)
        (registered,) = take_in(bench.database, bench.policy, [found], submitted_by=bench.settings.user, via="inbox")
    except BriefError as error:
        refused = _move(file, "refused")
        refused.with_suffix(".reason.txt").write_text(f"{error}\n", encoding="utf-8")
        return None
    _move(file, "accepted")
    return registered.key


def _move(file: Path, folder: str) -> Path:
    target = file.parent / folder / file.name
    target.parent.mkdir(exist_ok=True)
    return file.replace(target)


@dg.sensor(
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts the first run of every submitted artifact, and the next loop of one that needs rework.",
    jobs=[produce, rework],
)
def work_due(context: dg.SensorEvaluationContext, workbench: WorkbenchParam) -> dg.SensorResult | dg.SkipReason:
    """Looks at a window of artifacts per tick, oldest first, and goes round."""
    from finops_ai.briefs import artifact_keys

    with workbench.database.read() as connection:
        keys = artifact_keys(connection)
    start = int(context.cursor or 0) % max(len(keys), 1)
    window = [*keys[start:], *keys[:start]][:ARTIFACTS_PER_TICK_MAX]
    requests = [request for key in window if (request := due(workbench.progress(key)))]
    if not requests:
        return dg.SensorResult(skip_reason="no artifact is due", cursor=str(start + len(window)))
    return dg.SensorResult(
        run_requests=requests,
        cursor=str(start + len(window)),
        dynamic_partitions_requests=[ARTIFACTS.build_add_request([str(r.partition_key) for r in requests])],
    )


def due(progress: "Progress") -> dg.RunRequest | None:
    """The run that this artifact waits for, at most once per loop and policy: what failed is retried by a person."""
    from finops_ai.artifacts import position

    here = position(progress)
    if here.job not in ("produce", "rework") or here.state == "failed":
        return None
    loop = progress.next_loop
    return dg.RunRequest(
        job_name=here.job,
        partition_key=progress.artifact,
        run_key=f"{here.job}:{progress.artifact}:{loop}:{progress.policy_sha256[:12]}",
        tags=run_tags(progress, loop),
    )


def run_tags(progress: "Progress", loop: int) -> dict[str, str]:
    """Few and short: the list of runs shows two of them beside the partition."""
    return {WORKLOAD_TAG: progress.brief.workload, LOOP_TAG: str(loop), ARTIFACT_TAG: progress.artifact}


@dg.sensor(
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Asks for a publication when the decisions on a packet reach its quorum.",
    job_name="publish",
)
def sign_off(context: dg.SensorEvaluationContext, workbench: WorkbenchParam) -> dg.SensorResult | dg.SkipReason:
    """A digest short of its quorum is not remembered: the decision that completes it is a new row in the stream."""
    from finops_ai.signoff import decisions_after, standing_of, to_publish

    with workbench.database.read() as connection:
        decisions = decisions_after(connection, int(context.cursor or 0), limit=DECISIONS_PER_TICK_MAX)
        if not decisions:
            return dg.SkipReason("no decision since the last tick")
        standings = {
            d.packet_digest: standing_of(
                connection, workbench.policy, artifact=d.artifact, packet_digest=d.packet_digest
            )
            for d in decisions
        }
    requests = [_publish_request(workbench, decision) for decision in to_publish(decisions, standings)]
    return dg.SensorResult(cursor=str(decisions[-1].id), run_requests=[request for request in requests if request])


def _publish_request(bench: "Workbench", decision: "Decision") -> dg.RunRequest | None:
    """The key names packet and decision: a run key is remembered for ever, and a later decision must be heard.

    None: there is nothing left to publish, since another lane was quicker.
    """
    from finops_ai.artifacts import position

    progress = bench.progress(decision.artifact)
    if progress.digest != decision.packet_digest or position(progress).job != "publish":
        return None
    return dg.RunRequest(
        partition_key=decision.artifact,
        run_key=f"publish:{decision.artifact}:{decision.packet_digest}:{decision.id}",
        tags=run_tags(progress, progress.loop),
    )


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells the addresses in FINOPS_AI_NOTIFY_URLS of budgets that passed a threshold or refused a call.",
)
def budget_alerts(context: dg.SensorEvaluationContext, workbench: WorkbenchParam) -> dg.SkipReason:
    """Asks for no run: telling is all that it does. What an address refuses is tried again at the next tick."""
    from finops_ai.notify import deliver_alerts
    from finops_ai.store import LockTaken

    try:
        found = deliver_alerts(workbench.database, workbench.settings.notify_urls)
    except LockTaken:
        return dg.SkipReason("another process is telling them")
    for alert in found.told:
        context.log.info("told of %s: %s", alert.budget_id, alert.level)
    if found.kept and workbench.settings.notify_urls:
        context.log.warning("%d alerts could not be told and are kept", len(found.kept))
    where = "" if workbench.settings.notify_urls else "; FINOPS_AI_NOTIFY_URLS names nobody to tell"
    return dg.SkipReason(f"{len(found.told)} alerts told, {len(found.kept)} kept{where}")


@dg.sensor(
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Collects what providers answered in a batch, and goes on with the artifacts that waited for it.",
    job_name="produce",
)
def batch_answers(context: dg.SensorEvaluationContext, workbench: WorkbenchParam) -> dg.SensorResult:
    """Looks at every call that was closed since the last tick, whoever closed it, and asks once for each."""
    from finops_ai.calls import closed_batches
    from finops_ai.store import utc_now

    begun = datetime.now(UTC)
    for found in workbench.collect_batches(time_max_s=COLLECT_TIME_MAX_S):
        context.log.info("%s: batch %s: %s %s", found.artifact, found.batch_id, found.state, found.detail)
    with workbench.database.read() as connection:
        closed = dict(closed_batches(connection, since=context.cursor or ""))
    requests = [request for artifact, key in closed.items() if (request := _answered(workbench, artifact, key))]
    return dg.SensorResult(
        run_requests=requests,
        cursor=utc_now(begun - CLOSED_AGAIN),
        skip_reason=None if requests else "no artifact waits for an answer that is there",
    )


def _answered(bench: "Workbench", artifact: str, reservation: str) -> dg.RunRequest | None:
    """Under a key of its own: the run that handed the call over has used the one of its loop."""
    from finops_ai.artifacts import position

    progress = bench.progress(artifact)
    if position(progress).job != "produce":
        return None
    tags = run_tags(progress, progress.next_loop)
    return dg.RunRequest(partition_key=artifact, run_key=f"answered:{reservation}", tags=tags)


SENSORS = [inbox, work_due, sign_off, budget_alerts, batch_answers]
