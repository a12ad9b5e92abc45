"""Every figure on both engines, against sums that are made here in plain Python.

The engines differ in what a sum of integers is, how they divide, and what they do with nothing: the tests are the same ones.
"""

import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from finops_ai.baseline import (
    DuckDB,
    Engine,
    EngineExhausted,
    Figures,
    Period,
    Spark,
    figures_by,
    figures_of,
    judged_runs,
    measured,
    reconciled,
    workload_baseline,
)
from finops_ai.usage import UsageEvent
from finops_ai_tests.baseline.sample import FIRST, event, many, write

Over = Callable[[Sequence[UsageEvent]], Engine]
SUMMED = (
    "requests", "errors", "retries", "input_tokens", "cached_input_tokens", "cache_write_input_tokens", "output_tokens",
    "reasoning_tokens", "outcomes", "approved", "approved_first",
)  # fmt: skip


def quantile(values: Sequence[float], share: float) -> float | None:
    """Interpolated between neighbours (type 7 of Hyndman and Fan, which both engines document)."""
    ordered = sorted(values)
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def expected(group: Sequence[UsageEvent]) -> dict[str, Any]:
    judgements = [o for o in group if not (o.model or o.requests or o.input_tokens or o.output_tokens)]
    unpriced = [one for one in group if one.cost_nano_usd is None and one not in judgements]
    costs = [one.cost_nano_usd for one in group if one.cost_nano_usd is not None]
    return {
        "events": len(group),
        **{name: sum(getattr(one, name) for one in group) for name in SUMMED},
        "cost_nano_usd": sum(costs) if costs else None,
        "unpriced_events": len(unpriced),
        "unpriced_requests": sum(one.requests for one in unpriced),
        "unpriced_tokens": sum(one.input_tokens + one.output_tokens for one in unpriced),
        "approved_priced": sum(one.approved for one in group if one not in unpriced),
    }


def grouped(events: Sequence[UsageEvent], *keys: str) -> dict[tuple[Any, ...], list[UsageEvent]]:
    groups = defaultdict(list)
    for one in events:
        if one.record == "usage":
            groups[tuple(getattr(one, key) for key in keys)].append(one)
    return groups


def by_key(found: Sequence[Figures]) -> dict[tuple[Any, ...], Figures]:
    return {tuple(figures.key.values()): figures for figures in found}


@pytest.mark.parametrize("keys", [("source", "workload"), ("model",), ("run",), ("day",), ()])
def test_sums_are_exact_for_every_group(over: Over, keys: tuple[str, ...]) -> None:
    events = many(600)
    found = by_key(measured(over(events), keys))
    groups = grouped(events, *keys)
    assert set(found) == set(groups)
    for key, group in groups.items():
        assert {name: getattr(found[key], name) for name in expected(group)} == expected(group), key


def test_the_baseline_of_a_workload_has_its_latencies(over: Over) -> None:
    events = many(600)
    keys = ("day", "workload", "model")
    found = [figures_of(row, keys) for row in over(events).rows(workload_baseline())]
    groups = grouped(events, *keys)
    assert [tuple(figures.key.values()) for figures in found] == sorted(groups)
    for figures in found:
        group = groups[tuple(figures.key.values())]
        latencies = [one.latency_ms for one in group if one.latency_ms is not None]
        first = [one.first_token_ms for one in group if one.first_token_ms is not None]
        wanted = tuple(quantile(latencies, share) for share in (0.5, 0.95, 0.99)) if latencies else None
        assert figures.latency_ms == (pytest.approx(wanted) if wanted else None)
        assert figures.first_token_ms_p95 == (pytest.approx(quantile(first, 0.95)) if first else None)
        cycles = [(one.cycle_s, one.outcomes) for one in group if one.cycle_s is not None and one.outcomes]
        mean = statistics.fmean([c for c, _ in cycles], [n for _, n in cycles]) if cycles else None
        assert figures.cycle_s == (pytest.approx(mean, abs=0.001) if mean is not None else None)


def test_both_engines_give_the_same_values_of_the_same_types(over: Over) -> None:
    (figures,) = measured(
        over([event(input_tokens=3, cost_nano_usd=7, latency_ms=2.5)]), ("day", "workload"), quantiles=True
    )
    assert type(figures.cost_nano_usd) is type(figures.requests) is type(figures.unpriced_requests) is int
    assert figures.key == {"day": FIRST.date(), "workload": "w"}
    assert type(figures.key["day"]) is date
    assert figures.latency_ms == (2.5, 2.5, 2.5)


def test_money_beyond_what_a_float_can_hold_stays_exact(over: Over) -> None:
    (figures,) = measured(over([event(n, cost_nano_usd=2**53 + 1) for n in range(3)]), ())
    assert figures.cost_nano_usd == 3 * 2**53 + 3


def test_what_has_no_price_is_counted_and_is_not_0(over: Over) -> None:
    priced = event(1, model="priced", requests=2, input_tokens=10, output_tokens=1, cost_nano_usd=500)
    free = event(2, model="free", cost_nano_usd=0)
    unpriced = event(3, model="unpriced", requests=3, input_tokens=70, output_tokens=7)
    found = by_key(measured(over([priced, free, unpriced]), ("model",)))
    assert found["unpriced",].cost_nano_usd is None
    assert (found["unpriced",].unpriced_requests, found["unpriced",].unpriced_tokens) == (3, 77)
    assert (found["free",].cost_nano_usd, found["free",].unpriced_requests) == (0, 0)
    assert (found["priced",].cost_nano_usd, found["priced",].unpriced_requests) == (500, 0)


def test_a_run_without_a_price_does_not_make_others_cheap(over: Over) -> None:
    """A leaderboard counts outcomes and no requests. Nine approved for nothing known, one for 900: 900 each, and not 90."""
    unpriced = event(1, model="a", run="1", requests=0, outcomes=10, approved=9)
    priced = event(2, model="b", run="2", requests=0, outcomes=10, approved=1, cost_nano_usd=900)
    (found,) = measured(over([unpriced, priced]), ())
    assert (found.unpriced_events, found.unpriced_requests, found.cost_per_approved_nano_usd) == (1, 0, 900)


def test_a_result_is_judged_in_one_event_and_paid_for_in_others(over: Over) -> None:
    """As our own books tell of an artifact: calls, and its end, which has no model and nothing that could cost."""
    calls = [event(n, run="art-1", model=model, cost_nano_usd=100) for n, model in enumerate("ab")]
    failed = event(7, run="art-2", model="a", cost_nano_usd=100)
    ends = [
        event(n, run=run, model="", requests=0, outcomes=1, approved=approved)
        for n, run, approved in ((8, "art-1", 1), (9, "art-2", 0))
    ]
    engine = over([*calls, failed, *ends])
    (whole,) = measured(engine, ("workload",))
    assert (whole.cost_per_approved_nano_usd, whole.unpriced_events) == (300, 0)
    first, second = judged_runs(engine)
    assert (first.key, first.cost_per_approved_nano_usd) == ({"workload": "w", "run": "art-1", "model": "several"}, 200)
    assert (second.key["model"], second.cost_per_approved_nano_usd, second.outcomes) == ("a", None, 1)


def test_a_cost_report_is_never_added_to_usage(over: Over) -> None:
    """The same money twice is what a baseline that mixes them would show."""
    engine = over([event(1, cost_nano_usd=500), event(2, record="cost", cost_nano_usd=510)])
    (figures,) = measured(engine, ())
    assert (figures.events, figures.requests, figures.cost_nano_usd) == (1, 1, 500)


def test_a_period_includes_both_of_its_days(over: Over) -> None:
    days = [FIRST + timedelta(days=n) for n in range(5)]
    engine = over([event(n, started_at=day) for n, day in enumerate(days)])
    found = measured(engine, ("day",), Period(days[1].date(), days[3].date()))
    assert [figures.key["day"] for figures in found] == [day.date() for day in days[1:4]]


def test_no_events_are_no_rows(over: Over) -> None:
    engine = over([])
    assert measured(engine, ()) == []
    assert measured(engine, ("day", "workload", "model"), quantiles=True) == []
    assert reconciled(engine) == []


def test_usage_is_compared_with_the_report_by_provider_and_month(over: Over) -> None:
    october = FIRST + timedelta(days=10)
    engine = over(
        [
            event(1, provider="openai", cost_nano_usd=900),
            event(2, provider="openai", requests=0, input_tokens=7),
            event(3, provider="openai", record="cost", cost_nano_usd=1200),
            event(4, provider="openai", started_at=october, cost_nano_usd=50),
            event(5, provider="anthropic", record="cost", cost_nano_usd=7),
        ]
    )
    anthropic, september, later = reconciled(engine)
    assert (september.provider, september.month, september.gap_nano_usd) == ("openai", "2026-09", -300)
    assert (september.gap_percent, september.unpriced_events) == (Decimal("-25.00"), 1)
    assert (later.month, later.reported_nano_usd, later.gap_nano_usd, later.gap_percent) == (
        "2026-10",
        None,
        None,
        None,
    )
    assert (anthropic.usage_nano_usd, anthropic.reported_nano_usd, anthropic.gap_nano_usd) == (None, 7, None)


@pytest.mark.parametrize("open_engine", [DuckDB, Spark])
def test_a_day_may_stand_in_the_path_only(open_engine: Any, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if open_engine is Spark:
        request.getfixturevalue("spark_running")
    files = write(tmp_path, [event(n, started_at=FIRST + timedelta(days=n)) for n in range(3)], by_day=True)
    assert len(files) == 3
    with open_engine(files[:2]) as engine:
        found = measured(engine, ("day",))
    assert [figures.key["day"] for figures in found] == [FIRST.date(), FIRST.date() + timedelta(days=1)]


def figures(**sums: Any) -> Figures:
    zero: dict[str, Any] = dict.fromkeys(Figures.__slots__, 0) | {"key": {}, "cost_nano_usd": None, "latency_ms": None}
    return Figures(**{**zero, **sums})


def test_cost_per_approved_is_of_everything_that_was_paid() -> None:
    """Two of three failed and were paid for all the same."""
    assert figures(cost_nano_usd=900, outcomes=3, approved=1, approved_priced=1).cost_per_approved_nano_usd == 900


def test_cost_per_approved_leaves_out_what_has_no_price() -> None:
    """Of 10 approved 6 were of unpriced runs: dividing by 10 would make the rest look cheap."""
    assert figures(cost_nano_usd=800, outcomes=12, approved=10, approved_priced=4).cost_per_approved_nano_usd == 200
    assert figures(cost_nano_usd=None, outcomes=6, approved=6, approved_priced=0).cost_per_approved_nano_usd is None
    assert figures(cost_nano_usd=800, outcomes=6, approved=0, approved_priced=0).cost_per_approved_nano_usd is None


def test_shares_are_of_their_wholes_and_of_nothing_none() -> None:
    some = figures(
        requests=40,
        errors=4,
        retries=2,
        input_tokens=100,
        cached_input_tokens=25,
        outcomes=8,
        approved=6,
        approved_first=2,
    )
    assert (some.error_rate, some.retry_rate, some.cache_share) == (0.1, 0.05, 0.25)
    assert (some.approved_share, some.first_pass_yield) == (0.75, 0.25)
    nothing = figures()
    assert {nothing.error_rate, nothing.cache_share, nothing.approved_share, nothing.cycle_s} == {None}


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValueError, match="colour"):
        figures_by(("day", "colour"))


def test_too_little_memory_is_an_error_and_not_an_approximation(tmp_path: Path) -> None:
    from bench.baseline_events import write_events

    files = write_events(tmp_path, rows=400_000)
    with DuckDB(files, threads=1, memory_limit="12MB") as engine, pytest.raises(EngineExhausted, match="fewer days"):
        engine.rows(workload_baseline())
