"""A word-sized line, for a cell of a table.

Belongs here: `sparkline`.
"""

from collections.abc import Sequence

from finops_ai.charts.scale import Scale, compact, value_ticks
from finops_ai.charts.svg import PALETTE, drawing, runs, tag


def sparkline(values: Sequence[float | None], *, title: str = "", width: int = 120, height: int = 24) -> str:
    """The run of the values from 0 up, its last one dotted. It has no axis: the numbers stand beside it."""
    ticks = value_ticks(values, count=1)
    known = [value for value in values if value is not None]
    extent = [min(0.0, *known), max(0.0, *known)] if any(known) else [ticks[0], ticks[-1]]
    down = Scale(extent, height - 3, 3)
    step = (width - 6) / max(1, len(values) - 1)
    parts = []
    for run in runs(values):
        points = [(3 + step * n, down(value)) for n, value in run]
        if len(points) > 1:
            way = "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points)
            parts.append(tag("path", d=way, fill="none", stroke=PALETTE[0], stroke_width=1.5, stroke_linejoin="round"))
        if len(points) == 1 or run[-1][0] == len(values) - 1:
            parts.append(tag("circle", cx=points[-1][0], cy=points[-1][1], r=2.5, fill=PALETTE[0]))
    ends = (
        f"from {compact(known[0])} to {compact(known[-1])}, highest {compact(max(known))}" if known else "nothing known"
    )
    return drawing(
        *parts, width=width, height=height, title=title or ends, description=f"{len(values)} values, {ends}."
    )
