"""`readiness`: what a workload's next stage asks for, and how far it has come.

Belongs here: this command. Does not: the criteria and the figures (`rollout`).
"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from finops_ai.cli.shared import Records, Refused, command, open_records, print_json, print_table

if TYPE_CHECKING:
    from finops_ai.rollout import Scorecard, Today


@click.command()
@click.argument("workload")
@click.option("--demote", "why", metavar="REASON", help="Take the workload back by one stage, for this reason.")
@command
def readiness(workload: str, why: str | None, *, as_json: bool) -> None:
    """The stage of a workload, today's use of its limits, and every criterion of the next stage with its evidence.

    The stage in force is the lower of the one that the policy grants and the one that was earned. Exit 0 whether the workload
    is ready or not.

    \b
    Example:
      finops-ai readiness finance-briefings
    """
    from finops_ai.rollout import is_known

    records = open_records()
    with records.database.read() as connection:
        known = is_known(connection, records.policy, workload)
    if not known:
        reason = f"no workload {workload}: the policy does not name it, and no artifact has it"
        raise Refused([{"field": "WORKLOAD", "reason": reason}])
    if why is not None:
        _demote(records, workload, why)
    card, today = _looked_up(records, workload)
    if as_json:
        print_json(card.as_dict() | {"today": _today_row(today)})
    else:
        _print(card, today)


def _demote(records: Records, workload: str, why: str) -> None:
    from finops_ai.rollout import StageError, request_demotion

    try:
        demotion = request_demotion(records.database, records.policy, workload, why=why, by=records.settings.user)
    except StageError as error:
        raise Refused([{"field": "--demote", "reason": str(error)}]) from None
    click.echo(f"{workload}: {demotion.from_stage} to {demotion.to_stage} ({demotion.detail})", err=True)


def _looked_up(records: Records, workload: str) -> "tuple[Scorecard, Today]":
    from finops_ai.rollout import evidence_of, scorecard, today_of
    from finops_ai.store import now

    with records.database.read() as connection:
        evidence = evidence_of(connection, records.policy, workload, now())
        today = today_of(connection, records.policy, workload)
    return scorecard(evidence, records.policy.rollout, baseline=None, sign_off=None), today


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
