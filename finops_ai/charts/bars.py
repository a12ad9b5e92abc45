"""Bars: side by side or stacked, standing over labels or lying beside them.

Belongs here: `bar_chart`. Does not: which bars, and in which order.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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
    shortened,
    tag,
    text_width,
    words,
)

_ROW_PX = 22
_NAME_PX_MAX = 300
_LABEL_PX_MIN = 84  # room for a day; narrower steps show every n-th label
_WIDE = 56  # a single bar of this many pixels looks like a bar, and wider like a wall


@dataclass(frozen=True, slots=True)
class _Bar:
    label: int
    slot: int  # beside the others of its label
    series: int
    start: float
    end: float
    value: float


def bar_chart(
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    title: str,
    unit: str,
    stacked: bool = False,
    lying: bool = False,
    width: int = 760,
    height: int = 280,
) -> str:
    """A bar for every value; an unknown one has none. `lying`: a row per label with its name in full, as high as it needs;
    use it where names are long. Raises ValueError as `line_chart` does, and for a stack that would hide a negative part.
    """
    checked(labels, series)
    bars = list(_bars(series, stacked=stacked))
    if stacked and any(bar.value < 0 for bar in bars):
        raise ValueError("a stack cannot show parts below 0")
    keys, top = legend([(_key(n), one.name) for n, one in enumerate(series)] if len(series) > 1 else [], width, 34)
    ticks = value_ticks(end for bar in bars for end in (bar.start, bar.end))
    slots = 1 if stacked else max(1, len(series))
    said = {"title": title, "description": _description(labels, series, unit)}
    head = [heading(title, unit, width), *keys]
    if lying:
        rows = _ROW_PX if slots == 1 else slots * 14 + 8
        height = round(top + rows * len(labels) + 26)
        body = _lying(labels, series, bars, Scale(ticks, *_across(labels, width)), top, rows, slots)
    else:
        body = _standing(labels, series, bars, Scale(ticks, height - 24, top), width, slots)
    return drawing(*head, *body, width=width, height=height, **said)


def _bars(series: Sequence[Series], *, stacked: bool) -> Iterator[_Bar]:
    ends: dict[int, float] = {}
    for number, one in enumerate(series):
        for label, value in enumerate(one.values):
            if value is None:
                continue
            start = ends.get(label, 0.0) if stacked else 0.0
            ends[label] = start + value
            yield _Bar(label, 0 if stacked else number, number, start, start + value, value)


def _standing(
    labels: Sequence[str], series: Sequence[Series], bars: Sequence[_Bar], down: Scale, width: float, slots: int
) -> list[str]:
    widest = min(max(map(text_width, labels), default=0.0), _LABEL_PX_MIN)
    beyond = (widest - width / max(1, len(labels))) / 2  # of the first and the last label, outside of the plot
    left = max(beyond, *(text_width(compact(tick)) + 10 for tick in down.ticks))
    right = max(beyond, 8.0)
    step = (width - left - right) / max(1, len(labels))
    thick = min(_WIDE, step * 0.76) / slots
    parts = []
    for tick in down.ticks:
        y = down(tick)
        parts += [
            tag("line", x1=left, x2=width - right, y1=y, y2=y, **_ink(tick)),
            words(left - 6, y + 4, compact(tick), text_anchor="end", fill_opacity=0.8),
        ]
    for bar in bars:
        x = left + step * (bar.label + 0.5) - thick * slots / 2 + thick * bar.slot
        y, y2 = sorted((down(bar.start), down(bar.end)))
        parts.append(_shape(bar, labels, series, x=x, y=y, width=max(thick - 1, 0.75), height=y2 - y))
    shorter = [shortened(label, max(step - 8, _LABEL_PX_MIN)) for label in labels]
    for n in shown_labels(shorter, step, gap_px=8):
        x = left + step * (n + 0.5)
        parts.append(words(x, down.start + 18, shorter[n], text_anchor="middle", fill_opacity=0.8))
    return parts


def _across(labels: Sequence[str], width: float) -> tuple[float, float]:
    """Names to the left, and to the right room for the figure at the end of the longest bar."""
    names = min(_NAME_PX_MAX, width * 0.42, max(map(text_width, labels), default=0.0) + 10)
    return names, width - 56.0


def _lying(
    labels: Sequence[str],
    series: Sequence[Series],
    bars: Sequence[_Bar],
    across: Scale,
    top: float,
    rows: float,
    slots: int,
) -> list[str]:
    bottom = top + rows * len(labels)
    thick = (rows - 6) / slots
    parts = [tag("line", x1=x, x2=x, y1=top, y2=bottom, **_ink(tick)) for tick in across.ticks for x in [across(tick)]]
    step = (across.end - across.start) / max(1, len(across.ticks) - 1)
    read = [compact(tick) for tick in across.ticks]
    parts += [
        words(across(across.ticks[n]), bottom + 16, read[n], text_anchor="middle", fill_opacity=0.8)
        for n in shown_labels(read, step)
    ]
    for n, label in enumerate(labels):
        shown = shortened(label, across.start - 8)
        parts.append(words(across.start - 8, top + rows * (n + 0.5) + 4, shown, text_anchor="end"))
    ends: dict[tuple[int, int], _Bar] = {}
    for bar in bars:
        y = top + rows * bar.label + 3 + thick * bar.slot
        x, x2 = sorted((across(bar.start), across(bar.end)))
        parts.append(_shape(bar, labels, series, x=x, y=y, width=x2 - x, height=thick - 1))
        ends[bar.label, bar.slot] = bar
    for bar in ends.values():
        y = top + rows * bar.label + 3 + thick * (bar.slot + 0.5) + 3.5
        parts.append(words(max(across(bar.end), across(0)) + 5, y, compact(bar.end), fill_opacity=0.8))
    return parts


def _shape(bar: _Bar, labels: Sequence[str], series: Sequence[Series], **box: float) -> str:
    said = f"{labels[bar.label]}, {series[bar.series].name}: {compact(bar.value)}"
    return tag("rect", hint(said), **box, fill=PALETTE[bar.series])


def _ink(tick: float) -> dict[str, object]:
    return dict(GRID) if tick else {"stroke": "currentColor", "stroke_opacity": 0.6}


def _key(number: int) -> str:
    return tag("rect", x=0, y=-6, width=18, height=12, fill=PALETTE[number])


def _description(labels: Sequence[str], series: Sequence[Series], unit: str) -> str:
    sums = []
    for one in series:
        known = [(value, label) for value, label in zip(one.values, labels, strict=True) if value is not None]
        if not known:
            sums.append(f"{one.name}: nothing is known")
            continue
        (low, lowest), (high, highest) = min(known), max(known)
        sums.append(f"{one.name}: lowest {compact(low)} ({lowest}), highest {compact(high)} ({highest})")
    return ". ".join([f"Bars, in {unit}, for {len(labels)} labels", *sums]) + "."
