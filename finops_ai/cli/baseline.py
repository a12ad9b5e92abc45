"""`baseline`: AI workloads from their usage logs. `import` reads logs into events.

Belongs here: the group, and this command. Does not: `report` (`baseline_report`), formats, keeping events (`usage`).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from finops_ai.cli.baseline_report import report
from finops_ai.cli.shared import Refused, command, open_records, print_json, print_table

if TYPE_CHECKING:
    from finops_ai.usage import Imported, Options, Progress

FORMATS = (
    "openai", "anthropic", "litellm", "langfuse", "otel", "bedrock", "azure-apim", "focus", "csv", "azure-trace", "mooncake",
    "aider",
)  # fmt: skip
RATES = ("input", "cached_input", "cache_write", "output")


@click.group()
def baseline() -> None:
    """AI workloads by their usage logs: cost, quality, cycle time."""


baseline.add_command(report)


class _Usd(click.ParamType[Decimal]):
    name = "USD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        try:
            found = Decimal(str(value))
        except InvalidOperation:
            found = Decimal(-1)
        if not (found.is_finite() and found >= 0):
            self.fail(f"{value!r} is no amount of US dollars", param, ctx)
        return found


@baseline.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(FORMATS), required=True, help="What wrote the log.")
@click.option("--workload", default="", metavar="NAME", help="The workload of every event, whatever the log says.")
@click.option("--price-as", default="", metavar="MODEL", help="Without a cost in the log: priced as this public model.")
@click.option(
    "--input-usd-per-mtok", "input", type=_Usd(), help="Or at rates of your own: per million tokens of input,"
)
@click.option("--cached-input-usd-per-mtok", "cached_input", type=_Usd(), help="read from a cache (default: as input),")
@click.option("--cache-write-usd-per-mtok", "cache_write", type=_Usd(), help="written to one (default: as input),")
@click.option("--output-usd-per-mtok", "output", type=_Usd(), help="and of output.")
@click.option(
    "--mapping", type=click.Path(path_type=Path, dir_okay=False), help="csv: a YAML file that maps columns to fields."
)
@click.option("--start", default="", metavar="ISO", help="mooncake: when the trace began, which it does not say.")
@command
def import_(
    files: tuple[Path, ...],
    form: str,
    workload: str,
    price_as: str,
    mapping: Path | None,
    start: str,
    *,
    as_json: bool,
    **rates: Any,
) -> None:
    """Read usage logs into events, priced and kept by day. All of the files are imported or, where one is wrong, none.

    A cost that the log gives is kept. Else tokens are priced as declared (--price-as, or your own rates), else by the public price
    book, by dated model, day and service level; what has no price stays unpriced, and is said. A bad row goes to quarantine and
    stops nothing; so does an event that is kept already with other figures. The same file again adds nothing.

    \b
    Example:
      finops-ai baseline import AzureLLMInferenceTrace_code.csv --format azure-trace --price-as gpt-4o
    """
    from finops_ai.store import LockTaken
    from finops_ai.usage import UsageError, import_files

    records = open_records()
    try:
        options = _options(workload=workload, price_as=price_as, rates=rates, mapping=mapping, start=start)
        with _progress(shown=not as_json) as progress:
            found = import_files(
                records.database, records.settings.home, files, format=form, options=options, progress=progress
            )
    except UsageError as error:
        raise Refused(error.problems) from None
    except LockTaken as error:
        raise Refused(str(error)) from None
    if as_json:
        print_json([one.as_dict() for one in found])
    else:
        _print(found)


def _options(
    *, workload: str, price_as: str, rates: Mapping[str, Decimal | None], mapping: Path | None, start: str
) -> "Options":
    from finops_ai.usage import Options, declared_price

    given = {f"{name}_usd_per_mtok": rate for name, rate in rates.items() if rate is not None}
    if given and not {"input_usd_per_mtok", "output_usd_per_mtok"} <= set(given):
        raise Refused([{"field": "--input-usd-per-mtok", "reason": "rates of your own need input and output"}])
    return Options(
        workload=workload,
        price_as=price_as,
        price=declared_price(given) if given else None,
        mapping=_mapping(mapping) if mapping else {},
        start=_time(start) if start else None,
    )


def _time(written: str) -> datetime:
    """A bare time would be somebody's own."""
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        raise Refused([{"field": "--start", "reason": f"{written!r} is no time; write 2026-11-01T00:00:00Z"}]) from None
    if found.tzinfo is None:
        raise Refused([{"field": "--start", "reason": f"{written} has no time zone; add Z for UTC"}])
    return found.astimezone(UTC)


def _mapping(file: Path) -> dict[str, Any]:
    import yaml

    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise Refused([{"file": str(file), "field": "--mapping", "reason": error.strerror or str(error)}]) from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise Refused([{"file": str(file), "field": "--mapping", "reason": f"not valid YAML: {error}"}]) from None
    if not isinstance(found, dict):
        raise Refused(
            [{"file": str(file), "field": "--mapping", "reason": "a mapping is expected: columns, constants, time"}]
        )
    return found


@contextmanager
def _progress(*, shown: bool) -> Iterator["Progress | None"]:
    """A bar for each file, on stderr; none where nobody looks."""
    if not shown:
        yield None
        return
    from rich import progress
    from rich.console import Console

    columns = (progress.TextColumn("{task.description}"), progress.BarColumn(), progress.TaskProgressColumn())
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[Path, progress.TaskID] = {}

        def advance(file: Path, read: int, total: int) -> None:
            if file not in tasks:
                tasks[file] = bars.add_task(file.name, total=total)
            bars.update(tasks[file], completed=read, total=total)

        yield advance


def _print(found: "Sequence[Imported]") -> None:
    columns = ("file", "rows", "events", "duplicates", "quarantined", "days", "unpriced")
    rows = [
        [
            Path(one.file).name,
            *(
                f"{value:,}"
                for value in (one.rows, 0 if one.already else one.events, one.duplicates, one.quarantined, one.days)
            ),
            "" if one.already else f"{one.bases.get('none', 0):,}",
        ]
        for one in found
    ]
    print_table(columns, rows, right=columns[1:])
    for one in found:
        name = Path(one.file).name
        if one.already:
            click.echo(f"{name}: imported before in this way; nothing was added")
        if one.quarantine:
            click.echo(f"{name}: {_rows(one.quarantined)} in quarantine, with why: {one.quarantine}")
        if one.unpriced:
            models = ", ".join(
                f"{model or 'no model named'} ({count:,})" for model, count in list(one.unpriced.items())[:5]
            )
            click.echo(f"{name}: unpriced: {models}{' …' if len(one.unpriced) > 5 else ''}")
        for note, count in one.notes.items():
            click.echo(f"{name}: {note} ({_rows(count)})")


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
