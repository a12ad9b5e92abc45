"""Scheduled: a month that is over is closed, and exported for finance."""

import filecmp
from pathlib import Path
from tempfile import TemporaryDirectory

from finops_ai import finance
from finops_ai.orchestration.metadata_export import export_metadata
from finops_ai.orchestration.platform import PlatformWork
from finops_ai.orchestration.workbench import table
from finops_ai.pricing import format_usd
from finops_ai.store import Database


def finance_export(work: PlatformWork) -> None:
    """Both files carry the digest of the month's charges in their names: what finance was given is never written over."""
    bench, month = work.bench, work.partition
    given = closed(bench.database, month, by=f"the asset {work.asset}")
    folder = bench.settings.home / "exports" / month
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix=".") as aside:
        charges, metadata = (Path(aside) / f"{of}-{month}-{given.sha256[:12]}.parquet" for of in ("focus", "metadata"))
        exported = finance.export_focus(bench.database, month=month, out=charges)
        compared = export_metadata(work.instance, bench.database, month=month, out=metadata)
        files = [_handed_out(file, folder) for file in (charges, metadata)]
    work.tell(
        closed=f"{given.at} by {given.closed_by}",
        charges_sha256=given.sha256,
        total=f"{format_usd(given.total_nano_usd)} USD in {given.charges} charges",
        corrections=f"{exported.corrections} rows",
        in_suspense=f"{format_usd(exported.suspense_nano_usd)} USD, not in the export until they are resolved",
        files=table([{"file": str(file), "bytes": file.stat().st_size} for file in files]),
        in_no_materialization=f"{len(compared.unknown_to_dagster)} entries: failed steps, decisions",
        unlike_the_ledger="; ".join(compared.unlike_the_ledger) or "no materialization",
    )


def _handed_out(made: Path, folder: Path) -> Path:
    """The file under its name; where another lies there already, with other bytes, that one stays and this has a number."""
    target, number = folder / made.name, 1
    while target.exists():
        if filecmp.cmp(made, target, shallow=False):
            return target
        number += 1
        target = folder / f"{number}-{made.name}"
    return made.replace(target)


def closed(database: Database, month: str, *, by: str) -> finance.ClosedMonth:
    """The month as it was closed, by this run or by an earlier one. Raises ClosingRefused for one that is not over."""
    with database.read() as connection:
        found = finance.closed_month(connection, month)
    return found or finance.close_month(database, month, by)
