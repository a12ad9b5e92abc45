"""Lines over labels, with bands and marks.

Belongs here: `line_chart`. Does not: which points are marked, how wide a band is.
"""

from collections.abc import Sequence
from itertools import chain

from finops_ai.charts.scale import Scale, compact, shown_labels, value_ticks
from finops_ai.charts.svg import (
    GRID,
    PALETTE,
    Series,
    checked,
    drawing,
    heading,
    hint,
    legend,
    runs,
    tag,
    text_width,
    words,
)

DOTS_MAX = 62  # with more values than that, dots would be the line
_DASHES = (None, "7 3", "2 3", "9 3 2 3", "4 2", "12 4", "1 2", "6 2 2 2")
_DASHED = "5 4"


def line_chart(
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    title: str,
    unit: str,
    marked: str = "anomaly",
    width: int = 760,
    height: int = 280,
) -> str:
    """Every series over the same labels. `marked` is what a mark is called in the legend.

    Raises ValueError for series that do not fit the labels, or for more of them than can be told apart.
    """
    checked(labels, series)
    ticks = value_ticks(chain.from_iterable((*one.values, *one.low, *one.high) for one in series))
    keys, top = legend(_entries(series, marked), width, 34)
    half_label = max(map(text_width, labels), default=0.0) / 2  # the first and the last stand half outside of the plot
    left = max(half_label, *(text_width(compact(tick)) + 10 for tick in ticks))
    right = max(half_label, 12.0)
    down = Scale(ticks, height - 24, top)
    step = (width - left - right) / max(1, len(labels) - 1)
    places = [left + step * n if len(labels) > 1 else (left + width - right) / 2 for n in range(len(labels))]
    parts = [heading(title, unit, width), *keys, *_grid(down, left, width - right)]
    parts += [
        words(places[n], height - 6, labels[n], text_anchor="middle", fill_opacity=0.8)
        for n in shown_labels(labels, step)
    ]
    for number, one in enumerate(series):
        parts += _band(one, PALETTE[number], places, down)
    for number, one in enumerate(series):
        parts += _line(one, number, labels, places, down)
    return drawing(*parts, width=width, height=height, title=title, description=_description(labels, series, unit))


def _entries(series: Sequence[Series], marked: str) -> list[tuple[str, str]]:
    """One series without a mark or a band needs no legend: the title names it."""
    entries = [(_key(number, one), one.name) for number, one in enumerate(series)]
    if any(one.marks for one in series):
        entries.append((_ring(9, 0), marked))
    return entries if len(entries) > 1 or any(one.low for one in series) else []


def _key(number: int, one: Series) -> str:
    band = [tag("rect", x=0, y=-6, width=18, height=12, fill=PALETTE[number], fill_opacity=0.18)] if one.low else []
    return "".join([*band, tag("path", d="M0 0H18", **_stroke(number, one))])


def _stroke(number: int, one: Series) -> dict[str, object]:
    dashes = _DASHED if one.dashed else _DASHES[number]
    return {"fill": "none", "stroke": PALETTE[number], "stroke_width": 2, "stroke_dasharray": dashes}


def _grid(down: Scale, left: float, right: float) -> list[str]:
    parts: list[str] = []
    for tick in down.ticks:
        y = down(tick)
        ink = GRID if tick else {"stroke": "currentColor", "stroke_opacity": 0.6}
        parts.append(tag("line", x1=left, x2=right, y1=y, y2=y, **ink))
        parts.append(words(left - 6, y + 4, compact(tick), text_anchor="end", fill_opacity=0.8))
    return parts


def _band(one: Series, colour: str, places: Sequence[float], down: Scale) -> list[str]:
    both = [None if None in pair else 0.0 for pair in zip(one.low, one.high, strict=True)]
    found: list[str] = []
    for run in runs(both):
        positions = [position for position, _ in run]
        upper = [(places[n], down(one.high[n] or 0.0)) for n in positions]
        lower = [(places[n], down(one.low[n] or 0.0)) for n in reversed(positions)]
        if len(positions) == 1:  # one day has no width of its own
            (x, high), (_, low) = upper[0], lower[0]
            upper, lower = [(x - 3, high), (x + 3, high)], [(x + 3, low), (x - 3, low)]
        found.append(tag("path", d=_path([*upper, *lower]) + "Z", fill=colour, fill_opacity=0.18))
    return found


def _line(one: Series, number: int, labels: Sequence[str], places: Sequence[float], down: Scale) -> list[str]:
    parts: list[str] = []
    for run in runs(one.values):
        points = [(places[n], down(value)) for n, value in run]
        if len(points) > 1:
            parts.append(tag("path", d=_path(points), stroke_linejoin="round", **_stroke(number, one)))
        for (n, value), (x, y) in zip(run, points, strict=True):
            said = f"{labels[n]}, {one.name}: {compact(value)}"
            if n in one.marks:
                parts.append(_ring(x, y, f"{said} ({one.marks[n]})"))
            elif len(points) == 1 or len(labels) <= DOTS_MAX:
                parts.append(tag("circle", hint(said), cx=x, cy=y, r=2.5, fill=PALETTE[number]))
    return parts


def _ring(x: float, y: float, said: str = "") -> str:
    inner = [hint(said)] if said else []
    return tag(
        "circle", *inner, cx=x, cy=y, r=5, fill="none", pointer_events="all", stroke="currentColor", stroke_width=2
    )


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points)


def _description(labels: Sequence[str], series: Sequence[Series], unit: str) -> str:
    over = f"{len(labels)} values from {labels[0]} to {labels[-1]}" if labels else "no values"
    return ". ".join([f"Lines, in {unit}, {over}", *map(_summary, series)]) + "."


def _summary(one: Series) -> str:
    known = [value for value in one.values if value is not None]
    if not known:
        return f"{one.name}: nothing is known"
    range_ = f"{one.name}: lowest {compact(min(known))}, highest {compact(max(known))}, last {compact(known[-1])}"
    unknown = len(one.values) - len(known)
    return range_ + (f", {unknown} unknown" if unknown else "") + (f", {len(one.marks)} marked" if one.marks else "")
