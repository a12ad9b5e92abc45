"""Endpoints that fail in every known way: is what they served on the books?

Belongs here: the figures of the matrix. Does not: the faults and the comparison (`finops_ai_tests.calls.faults`).
"""

from collections.abc import Sequence

from bench.money_ground import Deployment, Figures, payer
from finops_ai_tests.calls.faults import Row, run_matrix
from finops_ai_tests.records import registered


def faults(where: Deployment) -> Figures:
    """Every fault on both APIs, streamed and not."""
    rows = run_matrix(where.database, payer(registered(where.database)))
    return figures_of(rows)


def figures_of(rows: Sequence[Row]) -> Figures:
    """What the rows amount to. `unmarked`: tokens booked otherwise than served, neither estimated nor in suspense."""
    apart = [abs(row.served_tokens - row.booked_tokens) for row in rows if not (row.estimated or row.suspended)]
    return {
        "faults played": len(rows),
        "tokens served": sum(row.served_tokens for row in rows),
        "tokens booked": sum(row.booked_tokens for row in rows),
        "rows with an estimate": sum(row.estimated for row in rows),
        "rows with a suspense": sum(bool(row.suspended) for row in rows),
        "rows with fewer tokens booked than served": sum(row.booked_tokens < row.served_tokens for row in rows),
        "unmarked": sum(apart),
        "unhandled": sum(bool(row.unhandled) for row in rows),
        "keys with something wrong": sum(len(row.uncovered) for row in rows),
        "matrix": [_line(row) for row in rows],
    }


def _line(row: Row) -> str:
    how = " streamed" if row.stream else ""
    marks = ["estimated"] if row.estimated else []
    marks += [f"{row.suspended} suspended"] if row.suspended else []
    marks += [text for text in (row.unhandled, *row.uncovered) if text]
    end = f"{row.outcome} after {row.attempts}"
    return "; ".join(
        [f"{row.api}{how}: {row.fault}: {row.served_tokens} served, {row.booked_tokens} booked", end, *marks]
    )
