"""Unusual days are found, usual ones are left alone: counted on series whose anomalies are known, because they were put in."""

import random
from datetime import date, timedelta

import pytest

from finops_ai.baseline import spend_anomalies
from finops_ai_tests.baseline.simulated import OFFICE, daily_spend

FIRST = date(2026, 6, 1)
PAIR = ("support", "gpt-5-mini")


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def steady(days: int = 60, usd: int = 100) -> dict[date, int]:
    """Weeks without any noise: what is unusual can be seen by eye."""
    return {day(n): round(usd * 10**9 * OFFICE[day(n).weekday()]) for n in range(days)}


@pytest.mark.parametrize(("noise", "recall_min"), [(0.10, 0.98), (0.15, 0.95), (0.25, 0.7)])
def test_injected_days_are_found_and_others_are_left_alone(noise: float, recall_min: float) -> None:
    """90 anomalies of 2.5, 3, 0.3 and 0.2 times the usual among 2,670 days. With noise of a quarter, 0.3 is often noise."""
    draw = random.Random(5)
    injected = hits = judged = false = 0
    for _ in range(30):
        series = daily_spend(draw, 120, first=FIRST, noise=noise)
        wrong = {day(n): draw.choice([2.5, 3, 0.3, 0.2]) for n in draw.sample(range(30, 120), 3)}
        series |= {at: round(series[at] * factor) for at, factor in wrong.items()}
        found = {one.day for one in spend_anomalies({PAIR: series}, since=day(28), until=day(119))}
        injected, hits = injected + len(wrong), hits + len(found & set(wrong))
        judged, false = judged + 92 - len(wrong), false + len(found - set(wrong))
    assert hits / injected >= recall_min
    assert false / judged <= 0.008


def test_a_weekend_is_no_anomaly() -> None:
    assert spend_anomalies({PAIR: steady()}, since=day(28), until=day(59)) == []


def test_a_working_day_on_a_sunday_is_one() -> None:
    """The same spend on a Monday would be the usual."""
    series = steady()
    sunday = next(day(n) for n in range(40, 60) if day(n).weekday() == 6)
    series[sunday] = 100 * 10**9
    (found,) = spend_anomalies({PAIR: series}, since=day(28), until=day(59))
    assert (found.day, found.direction, found.usual_nano_usd) == (sunday, "above", 30 * 10**9)


def test_an_unusual_day_says_which_workload_on_which_model_made_it() -> None:
    calm, wild = steady(), steady(usd=50)
    wednesday = next(day(n) for n in range(40, 60) if day(n).weekday() == 2)
    wild[wednesday] *= 5
    new = {wednesday: 20 * 10**9}
    pairs = {("search", "small"): calm, ("coding", "large"): wild, ("coding", "new"): new}
    (found,) = spend_anomalies(pairs, since=day(28), until=day(59))
    assert (found.day, found.of, found.direction) == (wednesday, None, "above")
    assert [(one.workload, one.model, one.gap_nano_usd) for one in found.contributions] == [
        ("coding", "large", 220 * 10**9),
        ("coding", "new", 20 * 10**9),
    ]
    assert found.contributions[1].usual_nano_usd is None


def test_a_small_workload_is_seen_beside_a_large_one() -> None:
    """Five times of little is nothing in the whole, and everything to its owner."""
    small = steady(usd=1)
    small[day(45)] *= 5
    (found,) = spend_anomalies({("search", "m"): steady(), ("probe", "m"): small}, since=day(28), until=day(59))
    assert (found.day, found.of) == (day(45), ("probe", "m"))


def test_a_day_without_a_line_between_others_is_a_day_without_spend() -> None:
    series = steady()
    del series[day(45)]
    (found,) = spend_anomalies({PAIR: series}, since=day(28), until=day(59))
    assert (found.day, found.direction, found.spent_nano_usd) == (day(45), "below", 0)


def test_an_unknown_day_is_not_judged_and_not_taken_for_0() -> None:
    series: dict[date, int | None] = {**steady(), day(45): None}
    assert spend_anomalies({PAIR: series}, since=day(28), until=day(59)) == []


def test_nothing_is_said_before_there_are_three_weeks() -> None:
    series = steady()
    series[day(10)] *= 20
    assert spend_anomalies({PAIR: series}, since=day(0), until=day(20)) == []


def test_a_new_level_is_the_usual_one_after_a_week() -> None:
    series = {at: value * (3 if at >= day(60) else 1) for at, value in steady(100).items()}
    found = [one.day for one in spend_anomalies({PAIR: series}, since=day(28), until=day(99))]
    assert found[0] == day(60)
    assert found[-1] <= day(67)


def test_a_cent_is_no_anomaly() -> None:
    series = dict.fromkeys(steady(), 1000000) | {day(45): 9_000_000}
    assert spend_anomalies({PAIR: series}, since=day(28), until=day(59)) == []


def test_no_series_are_no_anomalies() -> None:
    assert spend_anomalies({}, since=day(0), until=day(9)) == []
    assert spend_anomalies({PAIR: {}}, since=day(0), until=day(9)) == []


def test_a_job_that_runs_every_eighth_day_has_no_shape_of_the_week() -> None:
    """It falls on each weekday in turn: beside its week, every usual day is next to nothing."""
    series = {day(n): (1_000 if n % 8 == 0 else 1) * 10**9 for n in range(70)}
    found = spend_anomalies({PAIR: series}, since=day(57), until=day(69))
    assert {one.day for one in found} == {day(64)}


@pytest.mark.parametrize("paid_back_usd", [1, 500])
def test_a_day_on_which_more_is_paid_back_than_spent_is_below_the_usual(paid_back_usd: int) -> None:
    """A log may hold refunds; a logarithm of less than nothing is none."""
    series = steady() | {day(45): -paid_back_usd * 10**9}
    (found,) = spend_anomalies({PAIR: series}, since=day(45), until=day(45))
    assert (found.direction, found.spent_nano_usd) == ("below", -paid_back_usd * 10**9)


def test_of_what_is_only_paid_back_nothing_is_judged() -> None:
    refunds = {at: -spent for at, spent in steady().items()} | {day(45): 10**12}
    assert spend_anomalies({PAIR: refunds}, since=day(28), until=day(59)) == []
