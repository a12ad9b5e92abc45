"""`cost`, `ledger`: what things cost, and the proof.

Belongs here: these commands. Does not: sums (`ledger`), files for finance (`exports`).
"""

import contextlib
import sys
from typing import TYPE_CHECKING, Any

import click

from finops_ai.cli.exports import close, closed_row, month_option
from finops_ai.cli.reconcile import reconcile
from finops_ai.cli.shared import FAILED, command, open_records, print_json, print_table

if TYPE_CHECKING:
    from finops_ai.ledger import Chain, Check

GROUPS = ("artifact", "step", "loop", "workload", "cost_centre", "tier", "model", "kind", "month")


@click.command()
@click.option("--by", type=click.Choice(GROUPS), default="artifact", show_default=True, help="What the rows stand for.")
@click.option("--month", callback=month_option, help="YYYY-MM; without it, everything.")
@command
def cost(by: str, month: str | None, *, as_json: bool) -> None:
    """Cost, cost per approved artifact, rework share.

    \b
    Example:
      finops-ai cost --by step --month 2026-11
    """
    from finops_ai import ledger as books
    from finops_ai.artifacts import published_count
    from finops_ai.pricing import format_usd, multiply
    from finops_ai.routing import exception_counts

    records = open_records()
    with records.database.read() as connection:
        rows = [_row(row) for row in books.cost_rows(connection, by=by, month=month)]
        where = {"month": month} if month else {}
        total = books.spent(connection, **where)
        rework = sum(r["cost_nano_usd"] for r in books.cost_rows(connection, by="loop", month=month) if r["key"])
        approved = published_count(connection, month=month)
        exceptions = exception_counts(connection, month=month)
    summary = _row({"key": "total"} | {name: getattr(total, name) for name in total.__slots__}) | {
        "published_artifacts": approved,
        "cost_per_published_usd": format_usd(multiply(1, total.cost_nano_usd, approved)) if approved else None,
        "rework_usd": format_usd(rework),
        "rework_share": f"{rework / total.cost_nano_usd:.4f}" if total.cost_nano_usd else None,
        "tier_exceptions": exceptions,
        "not_booked": records.policy.rates.not_booked,
    }
    if as_json:
        print_json({"total": summary, "rows": rows})
        return
    columns = (by, "cost USD", "input tokens", "cached", "output tokens", "attempts", "suspense USD")
    names = ("key", "cost_usd", "input_tokens", "cached_input_tokens", "output_tokens", "attempts", "suspense_usd")
    print_table(columns, [[str(row[name]) for name in names] for row in [*rows, summary]], right=columns[1:])
    per_published = summary["cost_per_published_usd"]
    click.echo(
        f"\n{approved} published" + (f", {per_published} USD each, failed and held work included" if approved else "")
    )
    click.echo(f"rework: {summary['rework_usd']} USD")
    if exceptions:
        click.echo("tiers above economy: " + ", ".join(f"{count} by {reason}" for reason, count in exceptions.items()))
    if not_booked := summary["not_booked"]:
        click.echo(f"not in these figures, since the policy has no rate for it: {', '.join(not_booked)}")


def _row(row: Any) -> dict[str, Any]:
    from finops_ai.pricing import format_usd

    return {
        "key": "none" if row["key"] is None else str(row["key"]),
        "cost_usd": format_usd(row["cost_nano_usd"]),
        "input_tokens": int(row["input_tokens"]),
        "cached_input_tokens": int(row["cached_input_tokens"]),
        "output_tokens": int(row["output_tokens"]),
        "attempts": int(row["attempts"]),
        "suspense_usd": format_usd(row["suspense_nano_usd"]),
    }


@click.group()
def ledger() -> None:
    """Prove the books, and settle them with a provider's."""


@ledger.command()
@click.option("--head", help="A head of the chain that was noted earlier: it must still be part of it.")
@command
def check(head: str | None, *, as_json: bool) -> None:
    """Prove the books: accounts, budgets' counters, the hash chain over the entries, closed months. Exit 1 where one fails.

    What was booked since the last seal is sealed first. Note the head down somewhere else: with it, anybody can prove later
    that nothing before it was changed.

    \b
    Example:
      finops-ai ledger check
    """
    from finops_ai import finance
    from finops_ai import ledger as books
    from finops_ai.store import LockTaken

    database = open_records().database
    with contextlib.suppress(LockTaken):  # another process is sealing the same entries
        books.seal(database)
    with database.read() as connection:
        found, chain = books.check(connection), books.prove(connection, expected_head=head)
        months = {month: finance.verify_month(connection, month.month) for month in finance.closed(connection)}
    if as_json:
        print_json(
            _checked(found, chain) | {"closed_months": [closed_row(m) | {"problems": p} for m, p in months.items()]}
        )
    else:
        _print_check(found, chain)
        for month, problems in months.items():
            state = "CHANGED" if problems else "as it was"
            click.echo(f"{month.month}: {state}, closed by {month.closed_by} at {closed_row(month)['total_usd']} USD")
            for problem in problems:
                click.echo(f"  {problem}")
    if not (found.balanced and chain.ok) or any(months.values()):
        sys.exit(FAILED)


def _checked(found: "Check", chain: "Chain") -> dict[str, Any]:
    from finops_ai.pricing import format_usd

    return {
        "balanced": found.balanced,
        "chain_ok": chain.ok,
        "entries": found.entries,
        "open_reservations": found.open_reservations,
        "suspense_usd": format_usd(found.suspense_nano_usd),
        "seals": chain.seals,
        "unsealed_entries": chain.unsealed_entries,
        "head": chain.head,
        "problems": [*found.problems, *chain.problems],
    }


def _print_check(found: "Check", chain: "Chain") -> None:
    from finops_ai.pricing import format_usd

    click.echo(f"{'balanced' if found.balanced else 'NOT BALANCED'}: {found.entries} entries")
    click.echo(f"open reservations: {found.open_reservations}, suspense: {format_usd(found.suspense_nano_usd)} USD")
    state = "whole" if chain.ok else "BROKEN"
    click.echo(f"hash chain: {state}, {chain.sealed_entries} entries under {chain.seals} seals, head {chain.head}")
    for problem in (*found.problems, *chain.problems):
        click.echo(f"  {problem}")


@ledger.command()
@command
def budgets(*, as_json: bool) -> None:
    """Every budget that was touched, fullest first: limit, spent, held for calls whose end is not known.

    \b
    Example:
      finops-ai ledger budgets
    """
    from finops_ai import ledger as books
    from finops_ai.artifacts import budget_row

    with open_records().database.read() as connection:
        rows = [budget_row(state) for state in books.states(connection)]
    if as_json:
        print_json(rows)
        return
    columns = ("budget", "limit USD", "spent USD", "reserved USD", "spent %", "reached")
    names = ("id", "limit_usd", "spent_usd", "reserved_usd", "spent_percent", "reached")
    print_table(columns, [[str(row[name]) for name in names] for row in rows], right=columns[1:5])


ledger.add_command(reconcile)
ledger.add_command(close)
