"""`baseline report`: what AI workloads cost, how good and how quick they are.

Belongs here: the command, its tables. Does not: figures, pages (`baseline`), importing logs.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from finops_ai.cli.shared import Refused, command, open_records, print_json, print_table

if TYPE_CHECKING:
    from rich.status import Status

    from finops_ai.baseline import Engine, Figures, Period, Report

BY = ("workload", "model", "run", "day", "source")
UNUSUAL_MAX = 10  # in the terminal; JSON and the page have all


@click.command("report")
@click.option("--by", type=click.Choice(BY), default="workload", show_default=True, help="What the rows stand for.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="The first UTC day; without it, the first there is.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The last UTC day; without it, the last there is.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write the whole report as one page.")
@click.option(
    "--engine", type=click.Choice(["duckdb", "spark"]), default="duckdb", show_default=True, help="Where it runs."
)
@command
def report(
    by: str, since: datetime | None, until: datetime | None, html: Path | None, engine: str, *, as_json: bool
) -> None:
    """Cost, quality, rework and latency of AI workloads, from the logs that were imported.

    With every report come what has no price, which prices are assumptions, unusual days and what the month will have cost.

    \b
    Example:
      finops-ai baseline report --by run --since 2026-10-01 --html baseline.html
    """
    from finops_ai.baseline import EngineExhausted, EngineUnavailable, EventsUnreadable, Period, build_report, measured
    from finops_ai.baseline import as_json as to_json
    from finops_ai.store import today

    period = Period(since and since.date(), until and until.date())
    _refuse(period, html)
    files = _event_files(period)
    try:
        with _working(), _opened(engine, files) as running:
            found = build_report(running, period, today=today())
            rows = found.workloads if by == "workload" else measured(running, (by,), period)
    except (EngineUnavailable, EngineExhausted) as error:
        raise Refused([{"field": "--engine", "reason": str(error)}]) from None
    except EventsUnreadable as error:
        raise Refused([{"reason": f"a file of usage events cannot be read: {error}"}]) from None
    if html:
        _write(html, found)
    if as_json:
        print_json(to_json(found, by=by, rows=rows) | ({"html": str(html)} if html else {}))
        return
    _print(found, by, rows)
    if html:
        click.echo(f"\nthe whole report: {html}")


def _event_files(period: "Period") -> list[Path]:
    """The Parquet files of the period and of the weeks before it, which say what is usual."""
    from finops_ai.baseline import with_history
    from finops_ai.usage import UsageError, paths

    wider, records = with_history(period), open_records()
    try:
        with records.database.read() as connection:
            return paths(connection, records.settings.home, first=wider.since, last=wider.until)
    except UsageError as error:
        raise Refused(error.problems) from None


def _refuse(period: "Period", html: Path | None) -> None:
    if period.since and period.until and period.since > period.until:
        raise Refused([{"field": "--until", "reason": f"{period.until} is before {period.since}"}])
    if html and not html.resolve().parent.is_dir():
        raise Refused([{"field": "--html", "reason": f"no such folder: {html.resolve().parent}"}])


def _opened(engine: str, files: Sequence[Path]) -> "Engine":
    from finops_ai.baseline import DuckDB, Spark

    return Spark(files) if engine == "spark" else DuckDB(files)


def _working() -> "Status":
    from rich.console import Console

    return Console(stderr=True).status("reading usage events")


def _write(html: Path, found: "Report") -> None:
    """Aside first: somebody may be reading the report of yesterday under the same name."""
    from finops_ai.baseline import report_page
    from finops_ai.store import now

    aside = html.with_name(f".{html.name}.tmp")
    page = report_page(found, made_at=f"{now():%Y-%m-%d %H:%M}")
    try:
        aside.write_text(page, encoding="utf-8")
        aside.replace(html)
    except OSError as error:
        raise Refused([{"file": str(html), "field": "--html", "reason": error.strerror or str(error)}]) from None


def _print(found: "Report", by: str, rows: Sequence["Figures"]) -> None:
    from finops_ai.baseline import notes

    if found.total is None:
        click.echo("no usage in this period; `finops-ai baseline import FILE --format FORMAT` brings logs in")
        return
    click.echo(f"{found.first} to {found.last}, UTC days, {found.total.events:,} events\n")
    columns = (
        by, "cost USD", "unpriced", "events", "requests", "input tokens", "cached",
        "output tokens", "errors", "approved", "first pass",
        "USD/approved", "p50", "p95",
    )  # fmt: skip
    total = _cells(found.total, "", each=found.cost_per_approved_nano_usd)
    print_table(columns, [*(_cells(row, by) for row in rows), total], right=columns[1:])
    if by != "run":
        _print_runs(found)
    _print_outlook(found)
    for note in notes(found):
        click.echo(f"\n{note}")


def _cells(row: "Figures", by: str, *, each: int | None = None) -> list[str]:
    from finops_ai.baseline import milliseconds, named, percent, usd

    p50, p95, _ = row.latency_ms or (None, None, None)
    each = row.cost_per_approved_nano_usd if by else each
    return [
        named(row.key[by]) if by else "total",
        usd(row.cost_nano_usd),
        f"{row.unpriced_events:,}",
        f"{row.events:,}",
        f"{row.requests:,}",
        f"{row.input_tokens:,}",
        percent(row.cache_share),
        f"{row.output_tokens:,}",
        percent(row.error_rate),
        percent(row.approved_share),
        percent(row.first_pass_yield),
        "–" if each is None else usd(each),
        milliseconds(p50),
        milliseconds(p95),
    ]


def _print_runs(found: "Report") -> None:
    """The ends of the leaderboard in one line; `--by run` and the page have the rest."""
    from finops_ai.baseline import named, usd

    if board := found.leaderboard:
        ends = [f"{named(one.key['run'])} {usd(one.cost_per_approved_nano_usd)}" for one in (board[0], board[-1])]
        click.echo(f"\nUSD per approved outcome of {len(board)} runs: cheapest {ends[0]}, dearest {ends[1]}")


def _print_outlook(found: "Report") -> None:
    from finops_ai.baseline import named, usd

    month = found.forecast
    if month and month.days_left and month.expected_nano_usd is not None:
        between = (
            f", 80 %: {usd(month.low_nano_usd)} to {usd(month.high_nano_usd)}" if month.low_nano_usd is not None else ""
        )
        click.echo(f"\n{month.month} at its end: {usd(month.expected_nano_usd)} USD{between}; {month.why}")
    for one in found.anomalies[-UNUSUAL_MAX:]:
        of = " on ".join(map(named, one.of)) if one.of else "everything"
        parts = [
            f"{named(part.workload)} on {named(part.model)} {usd(part.gap_nano_usd)}" for part in one.contributions[:3]
        ]
        because = f" ({', '.join(parts)})" if one.of is None else ""
        click.echo(
            f"unusual: {one.day}, {of}, {usd(one.spent_nano_usd)} USD, usually {usd(one.usual_nano_usd)}{because}"
        )
    for gap in found.comparisons:
        difference = "" if gap.gap_percent is None else f", {gap.gap_percent} %"
        sides = f"usage {usd(gap.usage_nano_usd)}, reported {usd(gap.reported_nano_usd)} USD"
        unpriced = f"; {gap.unpriced_events:,} events of usage have no price" if gap.unpriced_events else ""
        click.echo(f"{named(gap.provider)}, {gap.month}: {sides}{difference}{unpriced}")
