"""`policy diff`: what another policy would have done to a month's artifacts.

Belongs here: this command. Does not: judging (`orchestration.policy_diff`), comparing (`hindsight`).
"""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from finops_ai.cli.shared import Refused, command, console, print_json, print_table
from finops_ai.settings import load_settings

if TYPE_CHECKING:
    from finops_ai.hindsight import Comparison, LimitHit
    from finops_ai.policy import Policy


@click.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option("--month", metavar="YYYY-MM", help="UTC; without it, the month before this one.")
@command
def diff(old: Path, new: Path, month: str | None, *, as_json: bool) -> None:
    """What NEW would have done to a month's artifacts that OLD would not, and the other way round.

    Gates, routes, cost, approvals and limits of every artifact that was assessed in the month, under both files. Nothing is
    recorded, and no model is called.

    \b
    Example:
      finops-ai policy diff my-policy.yaml stricter-policy.yaml --month 2026-10
    """
    before, after = _loaded(old, new)
    month = _month(month)
    found = _compare(before, after, month, quiet=as_json)
    if as_json:
        print_json(_as_json(found, month, before, after))
    else:
        _print(found, month)


def _loaded(*files: Path) -> "list[Policy]":
    from finops_ai.policy import PolicyError, load_policy

    found, problems = [], []
    for file in files:
        try:
            found.append(load_policy(file))
        except PolicyError as error:
            problems += [{"reason": line} for line in str(error).splitlines()]
    if problems:
        raise Refused(problems)
    return found


def _month(given: str | None) -> str:
    from finops_ai.store import month_start, preceding_month, today

    if given is None:
        return preceding_month(f"{today():%Y-%m}")
    try:
        month_start(given)
    except ValueError as error:
        raise Refused([{"field": "--month", "reason": str(error)}]) from None
    return given


def _compare(before: "Policy", after: "Policy", month: str, *, quiet: bool) -> "Comparison":
    from rich.progress import Progress

    from finops_ai.orchestration.policy_diff import compare_policies
    from finops_ai.store import open_database, open_objects

    settings = load_settings()
    with Progress(console=console(), disable=quiet, transient=True) as progress:
        bar = progress.add_task("judging again", total=None)

        def on_progress(done: int, of: int) -> None:
            progress.update(bar, completed=done, total=of)

        database, objects = open_database(settings), open_objects(settings)
        return compare_policies(database, objects, before, after, month=month, on_progress=on_progress)


def _as_json(found: "Comparison", month: str, before: "Policy", after: "Policy") -> dict[str, Any]:
    from finops_ai.hindsight import ASSUMPTIONS

    return {
        "month": month,
        "old": before.sha256,
        "new": after.sha256,
        "artifacts": found.artifacts,
        "sums": {name: {"old": was, "new": would} for name, was, would in found.sums},
        "differences": [dataclasses.asdict(difference) for difference in found.differences],
        "limits_passed": {
            "old": [_limit_row(hit) for hit in found.limits_old],
            "new": [_limit_row(hit) for hit in found.limits_new],
        },
        "assumptions": list(ASSUMPTIONS),
    }


def _limit_row(hit: "LimitHit") -> dict[str, str]:
    from finops_ai.pricing import format_usd

    told = str if hit.id.startswith("artifacts/") else format_usd
    return {"id": hit.id, "limit": told(hit.limit), "found": told(hit.found)}


def _print(found: "Comparison", month: str) -> None:
    from finops_ai.hindsight import ASSUMPTIONS

    click.echo(f"artifacts assessed in {month}: {found.artifacts}")
    if not found.artifacts:
        return
    print_table((month, "OLD", "NEW"), found.sums, right=("OLD", "NEW"))
    for name, hits in (("OLD", found.limits_old), ("NEW", found.limits_new)):
        rows = [_limit_row(hit) for hit in hits]
        if rows:
            click.echo(f"\nlimits of {name} that are passed:")
            print_table(("limit", "allows", "found"), [tuple(row.values()) for row in rows], right=("allows", "found"))
    if found.differences:
        click.echo("\nartifacts that the two treat differently:")
        print_table(("artifact", "what", "OLD", "NEW"), [dataclasses.astuple(d) for d in found.differences])
    else:
        click.echo("\nno artifact is treated differently")
    click.echo("\n" + "\n".join(ASSUMPTIONS))
