"""The routes of an artifact: those it took, and the one it would take now.

Belongs here: gathering what the decision needs. Does not: the decision (`routing.choose_route`).
"""

from dataclasses import replace
from datetime import date

import sqlalchemy as sa

from finops_ai import ledger
from finops_ai.artifacts.progress import Progress
from finops_ai.policy import Policy, bounds_for, budgets_for
from finops_ai.routing import Route, choose_route, offers_of
from finops_ai.store import ObjectStore, tables

ROUTED_STEP = "draft"


def next_route(connection: sa.Connection, policy: Policy, progress: Progress, *, on: date) -> Route:
    """The route of the next draft on what is known now: earlier loops, prices of that day, what the tightest budget has."""
    brief = progress.brief
    bounds = bounds_for(policy, brief)
    budgets = budgets_for(
        policy, brief, artifact=progress.artifact, step=ROUTED_STEP, day=on.isoformat(), stage=progress.stage
    )
    return choose_route(
        brief,
        step=ROUTED_STEP,
        loop=min(progress.next_loop, progress.loops_max),
        past=[progress.ended[loop] for loop in sorted(progress.ended)],
        offers=offers_of(policy, brief, bounds=bounds, on=on),
        rules=policy.routing,
        bounds=bounds,
        budget_left_nano_usd=ledger.left_nano_usd(connection, budgets),
    )


def routes_of(connection: sa.Connection, objects: ObjectStore, artifact: str) -> list[tuple[Route, ledger.Spent]]:
    """The last route of each loop, with what its step spent in that loop: failed and wasted calls included."""
    row = tables.step_output
    query = sa.select(row.c.loop, row.c.output_sha256).where(row.c.artifact == artifact, row.c.step == "model_route")
    last = dict(connection.execute(query.order_by(row.c.id)).all())
    routes = [replace(Route.from_dict(objects.get_json(last[loop])), loop=loop) for loop in sorted(last)]
    return [(r, ledger.spent(connection, artifact=artifact, step=r.step, loop=r.loop)) for r in routes]
