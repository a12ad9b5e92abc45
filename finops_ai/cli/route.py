"""`route`: which tier serves an artifact, and why.

Belongs here: these commands. Does not: the decision (`routing`), gathering what it needs (`artifacts`).
"""

import dataclasses
from typing import TYPE_CHECKING, Any

import click

from finops_ai.cli.shared import command, known_artifact, open_records, print_json, print_table

if TYPE_CHECKING:
    from finops_ai.ledger import Spent
    from finops_ai.routing import Route


@click.group()
def route() -> None:
    """Which model writes, and why."""


@route.command()
@click.argument("artifact")
@command
def explain(artifact: str, *, as_json: bool) -> None:
    """Every loop's tier with its reason, the alternatives with their cost, and what a next loop would get.

    The cost of an alternative is its worst case: all of the token bound, no cached input. What a loop spent is what was
    booked, failed and wasted calls included.

    \b
    Example:
      finops-ai route explain KEY
    """
    from finops_ai.artifacts import next_route, progress_of, routes_of
    from finops_ai.store import today

    records = open_records()
    with known_artifact(), records.database.read() as connection:
        progress = progress_of(connection, records.policy, artifact)
        taken = routes_of(connection, records.objects, artifact)
        following = next_route(connection, records.policy, progress, on=today())
    may_follow = following.loop not in {route.loop for route, _ in taken}
    if as_json:
        rows = [_row(*pair) for pair in taken]
        print_json({"artifact": artifact, "routes": rows, "next": _row(following) if may_follow else None})
        return
    for pair in taken:
        _print(*pair)
    if may_follow:
        _print(following)


def _row(route: "Route", spent: "Spent | None" = None) -> dict[str, Any]:
    from finops_ai.pricing import format_usd

    row = dataclasses.asdict(route)
    return row | ({"spent_usd": format_usd(spent.cost_nano_usd)} if spent else {})


def _print(route: "Route", spent: "Spent | None" = None) -> None:
    from finops_ai.pricing import format_usd

    cost = f", spent {format_usd(spent.cost_nano_usd)} USD" if spent else ", not routed yet"
    click.echo(f"{route.step}, loop {route.loop}: {route.tier} ({route.level} service){cost}")
    click.echo(f"  {route.reason}")
    if route.exception:
        click.echo(f"  {route.exception.reason}, answered for by {route.exception.owner}")
    click.echo(f"  at most {route.bounds.input_tokens_max} tokens in, {route.bounds.output_tokens_max} out")
    columns = ("  tier", "model", "at most USD", "")
    rows = [(f"  {a.tier}", a.model, a.worst_case_usd or "unpriced", a.why) for a in route.alternatives]
    print_table(columns, rows, right=("at most USD",))
    click.echo()
