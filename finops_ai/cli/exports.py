"""`export`, `ledger close`: the files that finance is given, and the month that does not change any more.

Belongs here: these commands. Does not: charges and their columns (`finance`), reading Dagster's metadata
(`orchestration.metadata_export`).
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
from rich.console import Console

from finops_ai.cli.shared import FAILED, Refused, command, open_records, print_json
from finops_ai.settings import load_settings

if TYPE_CHECKING:
    from finops_ai.finance import ClosedMonth


def month_option(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """Refuse what is not YYYY-MM."""
    from finops_ai.store import month_start

    try:
        return value if value is None else f"{month_start(value):%Y-%m}"
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command()
@click.option("--month", required=True, callback=month_option, help="YYYY-MM, UTC.")
@click.option("--format", "form", type=click.Choice(["metadata", "focus"]), required=True)
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="A .csv or .parquet file.")
@click.option("--account", metavar="ID", help="focus: the billing account's id.", show_default="finops-ai")
@click.option("--account-name", metavar="NAME", help="focus: its name.", show_default="FinOps AI")
@command
def export(month: str, form: str, out: Path, account: str | None, account_name: str | None, *, as_json: bool) -> None:
    """The exports for finance: a month's charges, or every materialization's cost metadata.

    focus: one row per day, artifact, step, loop, tier, model, price and meter, in the columns of FOCUS 1.2 and 1.4, equal to
    the ledger to the nano-USD. What corrects an earlier month is ChargeClass Correction. Exit 1 where a closed month is not
    what finance was given: nothing is written then.

    metadata: compared with the ledger, and what differs is listed.

    \b
    Example:
      finops-ai export --month 2026-11 --format focus --out charges.parquet
    """
    if out.suffix not in (".csv", ".parquet"):
        raise Refused([{"field": "--out", "reason": f"{out.name}: the file ends in .csv or .parquet"}])
    if not out.resolve().parent.is_dir():
        raise Refused([{"field": "--out", "reason": f"no such folder: {out.resolve().parent}"}])
    names = {"id": account, "name": account_name}
    try:
        if form == "metadata":
            _metadata(month, out.resolve(), as_json=as_json)
        else:
            _focus(month, out.resolve(), {key: value for key, value in names.items() if value}, as_json=as_json)
    except OSError as error:
        raise Refused([{"file": str(out), "field": "--out", "reason": error.strerror or str(error)}]) from None


def _focus(month: str, out: Path, account: dict[str, str], *, as_json: bool) -> None:
    from finops_ai.finance import Account, ClosedMonthChanged, ExportDiffers, UnpricedCharge, export_focus

    database = open_records().database
    try:
        with _progress(f"charges of {month}", as_json=as_json) as told:
            result = export_focus(database, month=month, out=out, account=Account(**account), told=told).as_dict()
    except (ClosedMonthChanged, ExportDiffers, UnpricedCharge) as error:
        _fail(error, as_json=as_json)
    if as_json:
        print_json(result | {"out": str(out)})
        return
    click.echo(f"{result['rows']} rows, {result['charges']} charges, to {out}")
    click.echo(f"total {result['total_usd']} USD, ledger {result['ledger_usd']} USD")
    click.echo(f"corrections of earlier months: {result['corrections']} rows, {result['corrected_usd']} USD")
    click.echo(f"rounding: {result['roundings']} rows, {result['rounding_usd']} USD")
    click.echo(f"not in it, since their end is unknown: calls of at most {result['suspense_usd']} USD")
    click.echo(f"{month} is " + (f"closed, digest {result['sha256']}" if result["closed"] else "open"))


def _metadata(month: str, out: Path, *, as_json: bool) -> None:
    from finops_ai.orchestration.lane import open_instance
    from finops_ai.orchestration.metadata_export import export_metadata
    from finops_ai.orchestration.workbench import open_workbench

    settings = load_settings()
    with open_instance(settings) as instance, _progress("materializations", as_json=as_json) as told:
        database = open_workbench(settings).database
        result = export_metadata(instance, database, month=month, out=out, told=lambda _asset, rows: told(rows, None))
    if as_json:
        print_json(result.as_dict() | {"out": str(out)})
        return
    click.echo(f"{result.rows} materializations to {out}")
    click.echo(f"metadata {result.metadata_usd} USD, ledger {result.ledger_usd} USD")
    for difference in result.unknown_to_dagster:
        click.echo(f"  not in a materialization: {difference}")
    for difference in result.unlike_the_ledger:
        click.echo(f"  not what the ledger says: {difference}")


@click.command()
@click.argument("month", callback=month_option)
@command
def close(month: str, *, as_json: bool) -> None:
    """Close a month that is over, once: the digest over its charges becomes part of the hash chain.

    From then on the database refuses an entry of that month, an export of it must be what finance was given, and whatever is
    corrected is booked in the month of the correction. `ledger check` proves closed months.

    \b
    Example:
      finops-ai ledger close 2026-10
    """
    from finops_ai import finance
    from finops_ai.store import LockTaken

    records = open_records()
    try:
        found = finance.close_month(records.database, month, by=records.settings.user)
    except (finance.ClosingRefused, LockTaken) as error:
        raise Refused([{"field": "MONTH", "reason": str(error)}]) from None
    shown = closed_row(found)
    if as_json:
        print_json(shown)
        return
    click.echo(f"{month} is closed: {shown['charges']} charges, {shown['total_usd']} USD, digest {shown['sha256']}")


def closed_row(month: "ClosedMonth") -> dict[str, Any]:
    """A closed month for `--json`."""
    from finops_ai.pricing import format_usd

    names = ("month", "charges", "sha256", "entry", "closed_by", "at")
    return {name: getattr(month, name) for name in names} | {"total_usd": format_usd(month.total_nano_usd)}


def _fail(error: Exception, *, as_json: bool) -> NoReturn:
    """The input was right, and what it asks for cannot be given."""
    if as_json:
        print_json({"error": [{"reason": str(error)}]})
    click.echo(f"error: {error}", err=True)
    sys.exit(FAILED)


@contextmanager
def _progress(what: str, *, as_json: bool) -> Iterator[Callable[[int, int | None], None]]:
    """A bar on stderr, where somebody watches."""
    from rich.progress import Progress

    watched = Console(stderr=True)
    with Progress(console=watched, disable=as_json or not watched.is_terminal, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)
