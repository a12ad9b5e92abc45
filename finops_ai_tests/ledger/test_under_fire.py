"""Many processes on one budget, and processes killed in mid-call: what the books say afterwards.

The counts are small here and the seed is fixed; `FINOPS_AI_TESTS_LONG=1` has the counts of `bench.money`.
"""

import os

import pytest

from bench.money_ground import Deployment
from bench.money_kill import kill
from bench.money_race import race
from finops_ai.settings import Settings
from finops_ai.store import Database

LONG = bool(os.environ.get("FINOPS_AI_TESTS_LONG"))
PROCESSES, CALLS, FITS = (16, 5_000, 3_000) if LONG else (8, 320, 190)
KILLS = 200 if LONG else 6
SEED = 20_261_124


@pytest.fixture
def where(settings: Settings, database: Database) -> Deployment:
    return Deployment(settings, database)


def test_what_fits_a_hard_budget_goes_through_and_nothing_else_does(where: Deployment) -> None:
    """A guard that reads, compares and writes lets two through at once; one that locks too much lets too few."""
    found = race(where, processes=PROCESSES, calls=CALLS, fits=FITS)
    assert found["calls"] == CALLS
    assert found["went through"] == FITS
    assert found["nano-USD over the limit"] == 0
    assert found["problems of the books"] == 0


def test_a_call_that_was_served_is_on_the_books_whenever_its_process_was_killed(where: Deployment) -> None:
    """The provider bills what it served, whether or not anybody lived to hear the answer."""
    found = kill(where, kills=KILLS, seed=SEED)
    assert found["kills"] == KILLS
    assert found["served"] > 0
    assert found["served but invisible"] == 0
    assert found["settled but never served"] == 0
    assert found["settled at other counts than served"] == 0
    assert found["served twice under one key"] == 0
    assert found["problems of the books"] == 0
    assert found["settled"] + found["suspended"] - found["suspended but never served"] == found["served"]
