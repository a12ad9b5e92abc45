"""`review`: the governance review of a month.

Belongs here: this command. Does not: any figure (`governance`), putting the document up for sign-off (`orchestration`).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from finops_ai.cli.shared import Refused, command, open_records, print_json, print_table

if TYPE_CHECKING:
    from finops_ai.governance import Review

HEADLINES = (
    "published", "spend", "unit-cost", "cost-to-value", "rework-share", "first-pass-yield", "exception-rate", "cached-input",
    "unallocated", "suspense", "reconciliation-gap", "cycle-p50", "sign-p50", "waiting", "blocked", "provenance",
)  # fmt: skip


@click.command()
@click.option("--month", required=True, help="YYYY-MM, UTC.")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Write the HTML and the Markdown into it."
)
@click.option("--rows", metavar="TABLE", help="Print every row of a table behind the figures instead.")
@command
def review(month: str, out: Path | None, rows: str | None, *, as_json: bool) -> None:
    """The governance review of a month: what approved results cost, what was stopped, who signed, what needs a decision.

    Computed from the records until the month ended. --json prints all figures with the hashes of their rows.

    \b
    Example:
      finops-ai review --month 2026-11 --out reviews/
    """
    from finops_ai.governance import figures, read_values, review_of

    records = open_records()
    try:
        values = read_values(records.database, records.objects, records.policy, month=month)
    except ValueError as error:
        raise Refused([{"field": "--month", "reason": str(error)}]) from None
    found = review_of(values)
    if rows:
        _print_rows(found, rows, as_json=as_json)
        return
    files = _write(found, out) if out else []
    if as_json:
        print_json(figures(found, rows=False) | {"files": [str(file) for file in files]})
        return
    _show(found)
    for file in files:
        click.echo(file)


def _write(found: "Review", folder: Path) -> list[Path]:
    from finops_ai.governance import render_html, render_markdown

    files = {
        folder / f"review-{found.month}.html": render_html(found),
        folder / f"review-{found.month}.md": render_markdown(found),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in files.items():
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refused([{"field": "--out", "reason": f"{error.filename}: {error.strerror}"}]) from None
    return list(files)


def _show(found: "Review") -> None:
    from finops_ai.governance import checks

    values = found.values
    click.echo(f"Governance review {found.month}{'' if values.over else ' (the month is not over)'}\n")
    figures = [found.figures[name] for name in HEADLINES]
    print_table(
        ("figure", found.month, "change"),
        [(figure.definition.name, figure.shown, figure.change) for figure in figures],
        right=(found.month, "change"),
    )
    click.echo("\nneeds a decision:" if found.needs else "\nnothing needs a decision")
    for need in found.needs:
        click.echo(f"  {need.grade:<7} {need.part}: {need.text}")
    judged = checks(found)
    wrong = [row for row in judged if row["state"] != "ready"]
    click.echo(f"\n{len(judged) - len(wrong)} of {len(judged)} checks hold")
    for row in wrong:
        click.echo(f"  {row['item']}: {row['state']}")
    if not found.given.baseline:
        click.echo("no baseline to compare with")


def _print_rows(found: "Review", name: str, *, as_json: bool) -> None:
    from finops_ai.governance import cell

    table = found.tables.get(name)
    if table is None:
        raise Refused([{"field": "--rows", "reason": f"no table {name}; there are {', '.join(found.tables)}"}])
    names = [column for column, _ in table.columns]
    if as_json:
        rows: list[dict[str, Any]] = [dict(zip(names, row, strict=True)) for row in table.rows]
        print_json({"table": name, "title": table.title, "sha256": table.sha256, "rows": rows})
        return
    units = [unit for _, unit in table.columns]
    click.echo(f"{table.title}: {len(table.rows)} rows")
    click.echo("\t".join(names))
    for row in table.rows:
        click.echo("\t".join(cell(value, unit) for value, unit in zip(row, units, strict=True)))
