"""`readiness`: what a workload's next stage asks for, and how far it has come.

Belongs here: this command. Does not: the criteria and the figures (`rollout`).
"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from finops_ai.cli.shared import Refused, command, print_json, print_table, program, workbench

if TYPE_CHECKING:
    from finops_ai.orchestration.documents import PutUp
    from finops_ai.orchestration.workbench import Workbench
    from finops_ai.rollout import Scorecard, Today


@click.command()
@click.argument("workload")
@click.option("--propose", is_flag=True, help="Ask the three leaders to sign the promotion to the next stage.")
@click.option("--demote", "why", metavar="REASON", help="Take the workload back by one stage, for this reason.")
@command
def readiness(workload: str, propose: bool, why: str | None, *, as_json: bool) -> None:  # noqa: FBT001 - click passes it
    """The stage of a workload, today's use of its limits, and every criterion of the next stage with its evidence.

    The stage in force is the lower of the one that the policy grants and the one that was earned. Exit 0 whether the workload
    is ready or not.

    \b
    Example:
      finops-ai readiness finance-briefings
    """
    from finops_ai.rollout import is_known

    if propose and why is not None:
        raise Refused([{"field": "--demote", "reason": "a workload goes up or down: --propose is the other way"}])
    bench = workbench()
    with bench.database.read() as connection:
        known = is_known(connection, bench.policy, workload)
    if not known:
        reason = f"no workload {workload}: the policy does not name it, and no artifact has it"
        raise Refused([{"field": "WORKLOAD", "reason": reason}])
    if why is not None:
        _demote(bench, workload, why)
    asked = _propose(bench, workload) if propose else None
    card, today = _looked_up(bench, workload)
    if as_json:
        packet = {"artifact": asked.artifact, "digest": asked.digest, "passed": asked.passed} if asked else None
        print_json(card.as_dict() | {"today": _today_row(today), "packet": packet})
        return
    _print(card, today)
    if asked and asked.passed:
        click.echo(f"\nto sign it: {program()} decide {asked.artifact} approve --digest {asked.digest} --reason …")
    elif asked:
        click.echo(f"\n{asked.artifact} cannot be signed: a criterion is not met")


def _propose(bench: "Workbench", workload: str) -> "PutUp":
    from finops_ai.orchestration.documents import AlreadyPublished
    from finops_ai.orchestration.lane import add_partitions, open_instance
    from finops_ai.orchestration.promotions import propose
    from finops_ai.rollout import StageError
    from finops_ai.store import LockTaken

    try:
        asked = propose(bench, workload, run_id="finops-ai readiness --propose")
    except (StageError, AlreadyPublished, LockTaken) as error:
        raise Refused([{"field": "--propose", "reason": str(error)}]) from None
    with open_instance(bench.settings) as instance:
        add_partitions(instance, bench)
    return asked


def _demote(bench: "Workbench", workload: str, why: str) -> None:
    from finops_ai.rollout import StageError, request_demotion

    try:
        demotion = request_demotion(bench.database, bench.policy, workload, why=why, by=bench.settings.user)
    except StageError as error:
        raise Refused([{"field": "--demote", "reason": str(error)}]) from None
    click.echo(f"{workload}: {demotion.from_stage} to {demotion.to_stage} ({demotion.detail})", err=True)


def _looked_up(bench: "Workbench", workload: str) -> "tuple[Scorecard, Today]":
    from finops_ai.orchestration.promotions import scorecard_of
    from finops_ai.rollout import today_of

    with bench.database.read() as connection:
        today = today_of(connection, bench.policy, workload)
    return scorecard_of(bench, workload), today


def _today_row(today: "Today") -> dict[str, Any]:
    from finops_ai.pricing import format_usd

    row = {name: value for name, value in asdict(today).items() if not name.endswith("_nano_usd")}
    return row | {
        "spent_usd": format_usd(today.spent_nano_usd),
        "reserved_usd": format_usd(today.reserved_nano_usd),
        "limit_usd": None if today.limit_nano_usd is None else format_usd(today.limit_nano_usd),
    }


def _print(card: "Scorecard", today: "Today") -> None:
    row = _today_row(today)
    click.echo(f"{card.workload}: stage {card.stage} (the policy grants {card.ceiling}, {card.earned} is earned)")
    click.echo(f"  new artifacts on {today.day}: {_of(row['artifacts'], row['artifacts_max'])}")
    reserved = f", {row['reserved_usd']} reserved" if today.reserved_nano_usd else ""
    if row["limit_usd"] is None:
        click.echo("  USD: budgets alone limit it")
    else:
        click.echo(f"  USD spent on {today.day}: {row['spent_usd']} of {row['limit_usd']}{reserved}")
    if card.next_stage is None:
        click.echo("\nthere is no stage above; what its figures show:")
    else:
        click.echo(
            f"\n{len(card.criteria) - len(card.unmet)} of {len(card.criteria)} criteria of {card.next_stage} are met:"
        )
    print_table(
        ("", "criterion", "found", "needed"),
        [("✔" if c.met else "✘", c.name, c.evidence, "" if c.met else c.needed) for c in card.criteria],
    )
    click.echo(f"\nevidence from {card.since} to {card.at}")


def _of(count: int, limit: int | None) -> str:
    return f"{count}, without a limit" if limit is None else f"{count} of {limit}"
