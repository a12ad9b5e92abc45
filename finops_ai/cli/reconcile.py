"""`ledger reconcile`: closing suspense against a provider's own usage report.

Belongs here: this command. Does not: reading reports, what follows from them (`reconciliation`).
"""

import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from finops_ai.cli.shared import FAILED, Refused, command, open_records, print_json

if TYPE_CHECKING:
    from finops_ai.reconciliation import Call, Difference, Reconciled


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option("--provider", "hosts", multiple=True, metavar="HOST", help="Whose calls these are: a gateway's host.")
@click.option(
    "--settled-after",
    type=click.IntRange(min=0),
    default=60,
    show_default=True,
    metavar="MINUTES",
    help="How long after its end a bucket may still grow.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be done, and change nothing.")
@command
def reconcile(
    files: tuple[Path, ...], hosts: tuple[str, ...], settled_after: int, *, dry_run: bool, as_json: bool
) -> None:
    """Close suspense against a provider's own count. Exit 1 where a call is left in suspense or a count differs.

    FILE is a usage report (OpenAI /organization/usage/completions, Anthropic usage_report/messages), all its pages, grouped
    by model and not filtered, or responses that the provider kept (id, model, usage). JSON or JSON lines. A file was fetched
    when it was written: a bucket that had ended less than --settled-after before is left for the next report.

    \b
    Example:
      finops-ai ledger reconcile usage-2026-11-24.json --dry-run
    """
    from finops_ai import reconciliation
    from finops_ai.store import LockTaken

    records = open_records()
    try:
        result = reconciliation.reconcile(
            records.database,
            records.objects,
            [reconciliation.report_file(path) for path in files],
            hosts=hosts,
            settled_after=timedelta(minutes=settled_after),
            dry_run=dry_run,
        )
    except reconciliation.ReportRefused as error:
        raise Refused(error.problems) from None
    except LockTaken as error:
        raise Refused(str(error)) from None
    shown = _shown(result)
    if as_json:
        print_json(shown)
    else:
        _print(shown, dry_run=dry_run)
    if not result.complete:
        sys.exit(FAILED)


def _shown(result: "Reconciled") -> dict[str, Any]:
    from finops_ai.pricing import format_usd

    decided = result.decided
    return {
        "resolved": [
            _call(item.call)
            | {
                "kind": "billed" if item.usage else "not_billed",
                "cost_usd": format_usd(item.cost_nano_usd),
                "released_usd": format_usd(item.released_nano_usd),
                "estimated": item.estimated,
                "how": item.how,
            }
            for one in decided
            for item in one.resolved
        ],
        "corrected": [
            _call(item.call)
            | {
                "before_usd": format_usd(item.before_nano_usd),
                "cost_usd": format_usd(item.cost_nano_usd),
                "how": item.how,
            }
            for one in decided
            for item in one.corrected
        ],
        "left": [{"reservation": item.call.reservation, "why": item.why} for one in decided for item in one.left],
        "differences": [_difference(item) for one in decided for item in one.differences],
        "suspense_usd": format_usd(result.suspense_nano_usd),
    }


def _call(call: "Call") -> dict[str, Any]:
    return {name: getattr(call, name) for name in ("reservation", "artifact", "step", "loop")}


def _difference(found: "Difference") -> dict[str, Any]:
    shown = {
        "provider": found.provider or None,
        "model": found.model,
        "from": found.start.isoformat() if found.start else None,
        "to": found.end.isoformat() if found.end else None,
        "report": found.report.as_dict(),
        "ledger": found.ledger.as_dict(),
        "why": found.why,
    }
    return shown | ({"response_id": found.response_id} if found.response_id else {})


def _print(shown: dict[str, Any], *, dry_run: bool) -> None:
    for item in shown["resolved"]:
        amounts = f"cost {item['cost_usd']} USD, released {item['released_usd']} USD"
        click.echo(f"resolved   {item['reservation']}: {amounts}; {item['how']}")
    for item in shown["corrected"]:
        click.echo(
            f"corrected  {item['reservation']}: {item['before_usd']} USD to {item['cost_usd']} USD; {item['how']}"
        )
    for item in shown["left"]:
        click.echo(f"left       {item['reservation']}: {item['why']}")
    for item in shown["differences"]:
        place = item.get("response_id") or f"from {item['from']} to {item['to']}"
        click.echo(f"differs    {item['model']} {place}: {item['why']}")
        for name in ("report", "ledger"):
            click.echo(f"           {name}: " + ", ".join(f"{key} {value}" for key, value in item[name].items()))
    if not (shown["resolved"] or shown["corrected"]):
        click.echo("nothing to change")
    elif dry_run:
        click.echo("dry run: nothing was changed")
    click.echo(f"suspense: {shown['suspense_usd']} USD")
