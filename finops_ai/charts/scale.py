"""Axes: where ticks stand, what they read, which labels have room.

Belongs here: numbers to places and to text. Does not: elements (`svg`).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from finops_ai.charts.svg import text_width

_SUFFIXES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


def nice_ticks(low: float, high: float, *, count: int = 5) -> list[float]:
    """About `count` round numbers that enclose the range and 0: an axis that does not begin at 0 exaggerates.

    Steps are 1, 2, 2.5 or 5 times a power of ten (after Heckbert, "Nice numbers for graph labels", Graphics Gems, 1990).
    """
    low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        high = 1.0
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = power * next((nice for nice in (1, 2, 2.5, 5) if nice * power >= raw * (1 - 1e-9)), 10)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [_clean(number * step) for number in range(first, last + 1)]


def compact(value: float) -> str:
    """A number as short as people say it: `950`, `1.25k`, `14.3M`, `0.0031`. Four digits that count."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    size, suffix = next(((size, suffix) for size, suffix in _SUFFIXES if abs(value) >= size * 0.99995), (1.0, ""))
    scaled = value / size
    if abs(scaled) < 1e-6:
        return f"{value:.2e}"
    decimals = max(0, 3 - math.floor(math.log10(abs(scaled)) + 1e-12))
    text = f"{scaled:.{decimals}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) + suffix


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to pixels, in either direction of the screen."""

    ticks: Sequence[float]
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        low, high = self.ticks[0], self.ticks[-1]
        return self.start + (value - low) / (high - low) * (self.end - self.start)


def value_ticks(values: Iterable[float | None], *, count: int = 5) -> list[float]:
    """Ticks for all that is to be drawn. Raises ValueError for what is not a number."""
    known = [float(value) for value in values if value is not None]
    if not all(map(math.isfinite, known)):
        raise ValueError("a chart draws finite numbers; None is unknown")
    return nice_ticks(min(known, default=0.0), max(known, default=0.0), count=count)


def shown_labels(labels: Sequence[str], step_px: float, *, gap_px: float = 12) -> list[int]:
    """Positions of the labels that fit side by side: every n-th, counted from the first."""
    widest = max(map(text_width, labels), default=0)
    every = max(1, math.ceil((widest + gap_px) / step_px)) if step_px > 0 else 1
    return list(range(0, len(labels), every))


def _clean(value: float) -> float:
    """0.30000000000000004 is 0.3."""
    return float(f"{value:.12g}")
