"""`review`: the governance review of a month.

Belongs here: this command. Does not: any figure (`governance`), putting the document up for sign-off (`orchestration`).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from finops_ai.cli.shared import Refused, command, print_json, print_table, program, workbench

if TYPE_CHECKING:
    from finops_ai.governance import Review
    from finops_ai.orchestration.documents import PutUp
    from finops_ai.orchestration.workbench import Workbench

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
@click.option("--put-up", "put_up", is_flag=True, help="Ask the three leaders to sign it, as the monthly job does.")
@command
def review(month: str, out: Path | None, rows: str | None, put_up: bool, *, as_json: bool) -> None:  # noqa: FBT001 - click passes it
    """The governance review of a month: what approved results cost, what was stopped, who signed, what needs a decision.

    Computed from the records until the month ended. --json prints all figures with the hashes of their rows.

    \b
    Example:
      finops-ai review --month 2026-11 --out reviews/
    """
    from finops_ai.governance import figures
    from finops_ai.orchestration.reviews import review_for

    if rows and (out or put_up):
        raise Refused(
            [{"field": "--rows", "reason": "prints a table instead of the review: --out and --put-up need it"}]
        )
    bench = workbench()
    try:
        found = review_for(bench, month)
    except ValueError as error:
        raise Refused([{"field": "--month", "reason": str(error)}]) from None
    if rows:
        _print_rows(found, rows, as_json=as_json)
        return
    files = _write(found, out) if out else []
    asked = _put_up(bench, found) if put_up else None
    if as_json:
        packet = {"artifact": asked.artifact, "digest": asked.digest, "passed": asked.passed} if asked else None
        print_json(figures(found, rows=False) | {"files": [str(file) for file in files], "packet": packet})
        return
    _show(found)
    for file in files:
        click.echo(file)
    if asked:
        click.echo(_how_to_sign(asked))


def _put_up(bench: "Workbench", found: "Review") -> "PutUp":
    from finops_ai.orchestration.documents import AlreadyPublished, put_up
    from finops_ai.orchestration.lane import add_partitions, open_instance
    from finops_ai.orchestration.reviews import document_of
    from finops_ai.store import LockTaken

    try:
        asked = put_up(bench, document_of(bench, found), run_id="finops-ai review --put-up")
    except (AlreadyPublished, LockTaken) as error:
        raise Refused([{"field": "--put-up", "reason": str(error)}]) from None
    with open_instance(bench.settings) as instance:
        add_partitions(instance, bench)
    return asked


def _how_to_sign(asked: "PutUp") -> str:
    if not asked.passed:
        failed = "; ".join(f"{v.gate} gate: {v.line}" for v in asked.verdicts if not v.passed)
        return f"\n{asked.artifact} cannot be signed: {failed}"
    return f"\nto sign it: {program()} decide {asked.artifact} approve --digest {asked.digest} --reason …"


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
