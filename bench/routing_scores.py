"""How good a router is: RouteLLM's curve, CPT and APGR, the interval of APGR, and what a cascade costs and recovers.

Belongs here: arithmetic on scores and outcomes. Does not: how a router finds its scores, reading files. A score is higher the
more a question needs the premium model.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.routing_outcomes import Benchmark, Vector

CALL_PRICE_RATIO = 20  # a premium call costs as much as so many cheap calls
COST_SHARE_MAX = 0.45  # of sending everything to the premium model
ESCALATED_SHARE_MAX = COST_SHARE_MAX - 1 / CALL_PRICE_RATIO
ESCALATED_SHARE_AIM = ESCALATED_SHARE_MAX - 0.01

Point = tuple[float, float]  # share of calls to the premium model, accuracy; both in %


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """CPT: share of premium calls (%) that closes 20, 50, 80 % of the gap. APGR: mean share of the gap closed."""

    apgr: float
    cpt20: float
    cpt50: float
    cpt80: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cascade:
    """Shares of 1. Cost is relative to sending every question to the premium model, every cheap call included."""

    cost_share: float
    gap_recovered: float
    escalated_share: float


def curve(score: Vector, weak: Vector, strong: Vector, *, bins: int = 10) -> list[Point]:
    """Points at the edges of equally filled bins of the score, from all premium to none. Equal edges give one point."""
    edges = np.unique(pd.qcut(score, bins, retbins=True, duplicates="drop")[1])
    if len(edges) == 1:
        return [(100.0, 100 * float(strong.mean())), (0.0, 100 * float(weak.mean()))]
    chosen = [score >= edge for edge in edges[:-1]] + [score > edges[-1]]
    return [(100 * float(c.mean()), 100 * float(np.where(c, strong, weak).mean())) for c in chosen]


def cpt_apgr(points: Sequence[Point], *, weak_percent: float, strong_percent: float) -> Score:
    """Score of a curve. CPT interpolates as if accuracy rose with the share of calls. Raises ValueError without a gap."""
    share, accuracy = (np.array(values) for values in zip(*sorted(points, key=lambda point: point[0]), strict=True))
    gap, width = strong_percent - weak_percent, share[-1] - share[0]
    if gap == 0 or width == 0:
        raise ValueError(f"no gap between the models ({weak_percent} %), or a curve of one point")
    area = float(np.sum(np.diff(share) * (accuracy[1:] + accuracy[:-1]) / 2))
    cpt20, cpt50, cpt80 = (float(np.interp(weak_percent + part * gap, accuracy, share)) for part in (0.2, 0.5, 0.8))
    return Score(apgr=float((area - weak_percent * width) / (gap * width)), cpt20=cpt20, cpt50=cpt50, cpt80=cpt80)


def scored(score: Vector, benchmark: Benchmark) -> Score:
    """Of one router on all questions of a benchmark."""
    return _scored(score, benchmark.weak, benchmark.strong)


def random_expected(benchmark: Benchmark) -> Score:
    """A router that draws lots moves on the straight line between the models."""
    weak, strong = 100 * float(benchmark.weak.mean()), 100 * float(benchmark.strong.mean())
    return cpt_apgr([(0.0, weak), (100.0, strong)], weak_percent=weak, strong_percent=strong)


def apgr_interval(
    score: Vector, benchmark: Benchmark, *, resamples: int = 400, seed: int = 7
) -> tuple[float, float] | None:
    """95 % bootstrap interval over questions, scores held fixed. None where most resamples have no gap."""
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(resamples):
        rows = generator.integers(len(score), size=len(score))
        weak, strong = benchmark.weak[rows], benchmark.strong[rows]
        if strong.mean() > weak.mean():
            found.append(_scored(score[rows], weak, strong).apgr)
    if len(found) < resamples / 2:
        return None
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


def threshold_for(score: Vector, *, escalated_share: float = ESCALATED_SHARE_AIM) -> float:
    """The score above which that share of these questions lies."""
    return float(np.quantile(score, 1 - escalated_share))


def escalations(score: Vector, threshold: float, arrival: Vector) -> Vector:
    """1.0 where a question is escalated: its score passes the threshold, and the budget is not spent yet.

    The budget is a hard cap, as a ledger keeps it: once the share of premium calls is used up, later arrivals stay cheap.
    """
    asked = score > threshold
    calls_max = int(ESCALATED_SHARE_MAX * len(score))
    before = np.empty(len(score))
    order = np.argsort(arrival, kind="stable")
    before[order] = np.cumsum(asked[order]) - asked[order]
    return np.asarray(asked & (before < calls_max), dtype=float)


def cascade(escalated: Vector, weak: Vector, strong: Vector) -> Cascade:
    """Every question is asked cheaply, the escalated ones once more."""
    share = float(escalated.mean())
    gain = strong - weak
    return Cascade(
        cost_share=1 / CALL_PRICE_RATIO + share,
        gap_recovered=float((gain * escalated).sum() / gain.sum()),
        escalated_share=share,
    )


def _scored(score: Vector, weak: Vector, strong: Vector) -> Score:
    points = curve(score, weak, strong)
    return cpt_apgr(points, weak_percent=100 * float(weak.mean()), strong_percent=100 * float(strong.mean()))
