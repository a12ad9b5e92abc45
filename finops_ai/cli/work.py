"""`submit`, `run`, `status`: an artifact's way through the workflow.

Belongs here: these commands. Does not: what they decide (`briefs`, `artifacts`, `orchestration.lane`).
"""

import contextlib
import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from finops_ai.cli.shared import (
    FAILED,
    Records,
    Refused,
    command,
    console,
    known_artifact,
    open_records,
    print_json,
    print_table,
    program,
)
from finops_ai.settings import load_settings

if TYPE_CHECKING:
    from finops_ai.artifacts import Overview
    from finops_ai.briefs import BriefFile
    from finops_ai.orchestration.lane import Done, Lane
    from finops_ai.orchestration.workbench import Workbench


@click.command()
@click.argument("briefs", nargs=-1, required=True, type=click.Path(path_type=Path))
@command
def submit(briefs: tuple[Path, ...], *, as_json: bool) -> None:
    """Check and register briefs; prints the artifact keys.

    All of them are registered, or, where one is wrong, none. The same brief again is the same artifact.

    \b
    Example:
      finops-ai submit examples/low-impact-retention-answer.yaml
    """
    from finops_ai.artifacts import take_in
    from finops_ai.briefs import BriefError

    records = open_records()
    files = _checked(records, briefs)
    try:
        registered = take_in(records.database, records.policy, files, submitted_by=records.settings.user, via="cli")
    except BriefError as error:
        raise Refused([dataclasses.asdict(problem) for problem in error.problems]) from None
    _show_in_dagster()
    if as_json:
        print_json([{"artifact": r.key, "new": r.new} for r in registered])
    for r in () if as_json else registered:
        click.echo(f"{r.key}  {'registered' if r.new else 'already registered: nothing changed'}")


def _checked(records: Records, paths: tuple[Path, ...]) -> "list[BriefFile]":
    from finops_ai.artifacts import accept_brief
    from finops_ai.briefs import BriefError

    found, problems = [], []
    for path in paths:
        try:
            found.append(accept_brief(path, records.policy))
        except BriefError as error:
            problems += error.problems
    if problems:
        raise Refused([dataclasses.asdict(problem) for problem in problems])
    return found


def _show_in_dagster() -> None:
    """The artifact is a partition that the web UI shows at once, whether or not a daemon is running."""
    from finops_ai.orchestration.lane import add_partitions, open_instance
    from finops_ai.orchestration.workbench import open_workbench

    settings = load_settings()
    with open_instance(settings) as instance:
        add_partitions(instance, open_workbench(settings))


@click.command()
@click.argument("artifacts", nargs=-1)
@command
def run(artifacts: tuple[str, ...], *, as_json: bool) -> None:
    """Take every artifact (or those named) as far as it can go without a person.

    Safe to repeat: what is done stays done, costs nothing and is published once. Naming an artifact that is held tries it
    again, after whatever stopped it was mended.

    \b
    Example:
      finops-ai run
    """
    from finops_ai.orchestration.workbench import open_workbench
    from finops_ai.policy import PolicyError

    settings = load_settings()
    try:
        bench = open_workbench(settings)
    except PolicyError as error:
        raise Refused(str(error)) from None
    chosen = _chosen(bench, artifacts)
    done = _work_through(bench, chosen, retry_held=bool(artifacts), quiet=as_json)
    _tell_of_budgets(bench)
    _demote(bench)
    records = Records(settings)
    overviews = [_overview(records, artifact) for artifact in chosen]
    if as_json:
        print_json([_as_json(o) | {"runs": sum(d.artifact == o.artifact for d in done)} for o in overviews])
    elif not done:
        click.echo("nothing to do: every artifact is finished or waits for a person")
    if any(overview.state == "failed" for overview in overviews):
        sys.exit(FAILED)


def _tell_of_budgets(bench: "Workbench") -> None:
    """What the sensor `budget_alerts` does where a daemon runs."""
    from finops_ai.notify import deliver_alerts
    from finops_ai.store import LockTaken

    if not bench.settings.notify_urls:
        return
    with contextlib.suppress(LockTaken):  # another process is telling them
        if kept := deliver_alerts(bench.database, bench.settings.notify_urls).kept:
            click.echo(f"{len(kept)} budget alerts could not be told and are kept for the next time", err=True)


def _demote(bench: "Workbench") -> None:
    """What the job `check_stages` does where a daemon runs."""
    from finops_ai.orchestration.promotions import demote

    for demotion in demote(bench):
        told = f"{demotion.workload} goes back from {demotion.from_stage} to {demotion.to_stage}: {demotion.detail}"
        click.echo(told, err=True)


def _chosen(bench: "Workbench", artifacts: tuple[str, ...]) -> list[str]:
    from finops_ai.briefs import artifact_keys

    with bench.database.read() as connection:
        keys = artifact_keys(connection)
    if unknown := [artifact for artifact in artifacts if artifact not in keys]:
        reason = "no artifact {}; `finops-ai status` lists them"
        raise Refused([{"field": "ARTIFACT", "reason": reason.format(name)} for name in unknown])
    return list(artifacts) or keys


def _work_through(bench: "Workbench", artifacts: list[str], *, retry_held: bool, quiet: bool) -> "list[Done]":
    """One artifact after another, under a bar that names the step at work."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from finops_ai.orchestration.lane import Lane, add_partitions, open_instance

    text, count = TextColumn("{task.description}"), MofNCompleteColumn()
    columns = (SpinnerColumn(), text, BarColumn(), count, TimeElapsedColumn())
    done: list[Done] = []
    with open_instance(bench.settings) as instance, Progress(*columns, console=console(), disable=quiet) as progress:
        add_partitions(instance, bench)
        bar = progress.add_task("running", total=len(artifacts))
        parts_bar = progress.add_task("", total=None, visible=False)

        def on_step(artifact: str, step: str) -> None:
            progress.update(bar, description=f"{artifact[:48]}: {step}")

        def on_progress(_artifact: str, step: str, parts: int, of: int) -> None:
            progress.update(parts_bar, description=f"  {step}", completed=parts, total=of, visible=parts < of)

        lane = Lane(instance, dataclasses.replace(bench, on_step=on_step, on_progress=on_progress))
        for found in lane.collect():
            if found.state != "waiting" and not quiet:
                told = f"{found.artifact}: the provider's batch {found.batch_id}: {found.state} {found.detail}".rstrip()
                progress.console.print(told, markup=False)
        for artifact in artifacts:
            ran = _advance(lane, artifact, retry_held=retry_held)
            done += ran
            progress.advance(bar)
            if ran and not quiet:
                progress.console.print(f"{artifact}: {_told(ran)}", markup=False)
    return done


def _advance(lane: "Lane", artifact: str, *, retry_held: bool) -> "list[Done]":
    from finops_ai.store import LockTaken

    try:
        return list(lane.advance(artifact, retry_held=retry_held))
    except LockTaken:
        click.echo(f"{artifact}: another process is at it; skipped", err=True)
        return []


def _told(ran: "list[Done]") -> str:
    return ", ".join(f"{done.job} {'done' if done.succeeded else 'stopped'}" for done in ran)


@click.command()
@click.argument("artifact", required=False)
@command
def status(artifact: str | None, *, as_json: bool) -> None:
    """State, gates, loop, cost, and what each artifact waits for.

    \b
    Example:
      finops-ai status
    """
    from finops_ai.briefs import artifact_keys

    records = open_records()
    with records.database.read() as connection:
        keys = [artifact] if artifact else artifact_keys(connection)
    with known_artifact():
        overviews = [_overview(records, key) for key in keys]
    if as_json:
        print_json([_as_json(overview) for overview in overviews])
        return
    if not overviews:
        click.echo("no artifact yet; `finops-ai submit BRIEF.yaml` registers one")
        return
    print_table(
        ("artifact", "state", "gates", "loop", "cost USD", "waits for"),
        [
            (o.artifact, o.state, _gates(o), str(o.loop), f"{o.cost_usd} of {o.budget_usd}", o.waiting_for)
            for o in overviews
        ],
    )
    for overview in overviews:
        for line in _next_lines(overview):
            click.echo(line)
    for line in _budget_lines(overviews):
        click.echo(line)
    click.echo("\ngates: P policy, Q quality, R readiness; ✔ passed, ✘ failed, · no verdict")


def _overview(records: Records, artifact: str) -> "Overview":
    from finops_ai.artifacts import overview_of

    with records.database.read() as connection:
        return overview_of(connection, records.objects, records.policy, artifact)


def _as_json(overview: "Overview") -> dict[str, object]:
    return dataclasses.asdict(overview)


def _gates(overview: "Overview") -> str:
    marks = {True: "✔", False: "✘", None: "·"}
    return " ".join(f"{gate['name'][0].upper()}{marks[gate['passed']]}" for gate in overview.gates)


def _next_lines(overview: "Overview") -> list[str]:
    """What stopped it, what a person types next, where the files are."""
    lines = [f"\n{overview.artifact}  ({overview.topic})"]
    for gate in overview.gates:
        if gate["error"]:
            lines.append(f"  ✘ {gate['name']} gate could not run: {gate['error']}")
        lines += [
            f"  ✘ {gate['name']} gate: {failure['column'] or failure['expectation']} is {failure['sample']}: "
            f"{failure['why']}  [{failure['control']}]"
            for failure in gate["failures"]
        ]
    if overview.look_first:
        lines.append(f"  look first: {'; '.join(overview.look_first)}  ({program()} evidence {overview.artifact})")
    lines += [
        f"  {e['tier']} instead of economy in loop {e['loop']}: {e['reason']}: {e['detail']} (owner {e['owner']})"
        for e in overview.exceptions
    ]
    lines += [f"  {d['verdict']} by {d['reviewer']} ({d['role']}): {d['reason']}" for d in overview.decisions]
    if overview.state == "held" and "no loop is left" not in overview.waiting_for:
        lines.append(f"  once the cause is mended: {_another_try(overview)}")
    if overview.state == "awaiting_sign_off":
        lines += _signing_lines(overview)
    lines += [f"  {file}" for file in overview.files]
    return lines if len(lines) > 1 else []


def _another_try(overview: "Overview") -> str:
    """A document that its gates stopped is no step's to try again: what it says must change."""
    if overview.impact == "governance" and not all(gate["passed"] for gate in overview.gates):
        return f"put it up again, with {program()} review --put-up or {program()} readiness --propose"
    return f"{program()} run {overview.artifact}"


def _budget_lines(overviews: "list[Overview]") -> list[str]:
    """Budgets that passed a threshold, each once, fullest first."""
    budgets = {budget["id"]: budget for overview in overviews for budget in overview.budgets if budget["reached"]}
    fullest_first = sorted(budgets.values(), key=lambda budget: -budget["spent_percent"])
    lines = [
        f"  {b['id']}: {b['spent_percent']} % of {b['limit_usd']} USD spent, {b['reserved_usd']} reserved"
        for b in fullest_first
    ]
    return ["\nbudgets beyond a threshold:", *lines] if lines else []


def _signing_lines(overview: "Overview") -> list[str]:
    """The exact commands, for each role that is missing."""
    lines = ["  to sign it:"]
    lines += [
        f"    {program()} reviewer add {role}-reviewer --role {role}     # once; prints the token"
        for role in overview.missing_roles
    ]
    lines.append(
        f"    FINOPS_AI_REVIEWER_TOKEN=… {program()} decide {overview.artifact} approve "
        f"--digest {overview.digest} --reason '…'"
    )
    lines.append(f"    then: {program()} run        (in the web UI: the same decide with --launchpad prints a link)")
    return lines
