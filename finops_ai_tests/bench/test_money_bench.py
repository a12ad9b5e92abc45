"""Every section of the money bench runs and reports; the arithmetic of its aims. Its figures are judged in the ledger's tests."""

import json
import subprocess
import sys
from typing import Any

import pytest

from bench.money import aims
from bench.money_faults import figures_of
from bench.money_ground import spread
from finops_ai_tests.calls.faults import Row
from finops_ai_tests.conftest import REPOSITORY

QUICK = ("--storage=sqlite", "--processes=2", "--calls=6", "--fits=4", "--kills=2", "--rounds=1", "--pairs=4")
SECTIONS = ("race", "kill", "speed", "top costs", "overhead")  # the faults are played by the tests of calls


@pytest.fixture(scope="module")
def report() -> Any:
    command = [sys.executable, "-m", "bench.money", *QUICK, "--paid-calls=4", "--json"]
    for section in SECTIONS:
        command += ["--only", section]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_report_says_how_and_on_what_each_section_was_measured(report: Any) -> None:
    assert set(report) == {"command", "machine", "versions", *SECTIONS, "aims"}
    assert report["command"].startswith("python -m bench.money --storage=sqlite")
    assert {"python", "SQLAlchemy", "openai"} <= set(report["versions"])
    assert all(set(report[section]) == {"sqlite"} for section in SECTIONS)


def test_the_safety_sections_report_what_was_asked_of_them(report: Any) -> None:
    race, kill = report["race"]["sqlite"], report["kill"]["sqlite"]
    assert (race["calls"], race["went through"], race["nano-USD over the limit"]) == (6, 4, 0)
    assert (kill["kills"], kill["served but invisible"]) == (2, 0)


def test_the_sections_of_cost_compare_with_what_is_bare(report: Any) -> None:
    speed, paid = report["speed"]["sqlite"], report["overhead"]["sqlite"]
    one = speed["1 client"]
    assert one["ratio"]["median"] == pytest.approx(one["pairs/s"]["median"] / (one["bare commits/s"]["median"] / 2))
    parts = speed["where a transaction's time goes"]
    assert parts["hold"]["statements"] > parts["bare"]["statements"] > 0
    assert all(part["ms"] > part["ms in the commit, to the end"] > 0 for part in parts.values())
    assert paid["calls each"] == 4
    assert paid["overhead, ms"]["median"] > 0
    assert all(report["top costs"]["sqlite"][part] for part in ("hold", "settle"))


def test_an_aim_holds_at_its_bound_and_not_beyond() -> None:
    def verdicts(ratio: float, overhead_ms: float) -> list[bool]:
        measured = {
            "speed": {"sqlite": {"1 client": {"ratio": spread([ratio])}}},
            "overhead": {"sqlite": {"overhead, ms": spread([overhead_ms])}},
        }
        return [aim["holds"] for aim in aims(measured)]

    assert verdicts(0.8, 5.0) == [True, True]
    assert verdicts(0.79, 5.01) == [False, False]


def test_one_call_too_many_and_one_too_few_miss_the_aim_of_the_race() -> None:
    def holds(**changes: int) -> bool:
        found = {"nano-USD over the limit": 0, "through beside fitting": 0, "problems of the books": 0} | changes
        return all(aim["holds"] for aim in aims({"race": {"postgresql": found}}))

    assert holds()
    assert not holds(**{"nano-USD over the limit": 1})
    assert not holds(**{"through beside fitting": 1})


@pytest.mark.parametrize(
    ("served", "booked", "marks", "unmarked"),
    [
        (25, 25, {}, 0),
        (25, 24, {}, 1),
        (25, 36, {}, 11),
        (25, 36, {"estimated": True}, 0),
        (25, 150, {"suspended": 1}, 0),
    ],
)
def test_a_wrong_count_is_excused_by_its_mark_alone(
    served: int, booked: int, marks: dict[str, Any], unmarked: int
) -> None:
    common: dict[str, Any] = {"fault": "f", "api": "chat", "stream": False, "estimated": False, "suspended": 0}
    common |= {"unhandled": "", "attempts": 1, "outcome": "answer", "uncovered": ()}
    assert figures_of([Row(**common | marks, served_tokens=served, booked_tokens=booked)])["unmarked"] == unmarked
