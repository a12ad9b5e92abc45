"""The expression and a query written by hand give the same table, in small; what the bench reports follows from its rounds."""

from pathlib import Path

import pytest

from bench import baseline
from bench.baseline_events import write_events
from bench.baseline_process import by_expression, by_hand


def test_the_expression_gives_the_rows_of_a_query_written_by_hand(tmp_path: Path) -> None:
    files = write_events(tmp_path, rows=200_000)
    ours, theirs = by_expression(files, threads=2), by_hand(files, threads=2)
    assert len(ours) == 122 * 4 * 3
    assert sum(row["events"] for row in ours) == 200_000
    for our, their in zip(ours, theirs, strict=True):
        assert our == their


def test_the_same_number_of_events_is_the_same_events(tmp_path: Path) -> None:
    """Else two runs of the bench could not be compared."""
    first, second = (by_hand(write_events(tmp_path / name, rows=2_000), threads=2) for name in "ab")
    assert first == second


def test_a_ratio_is_formed_within_its_round() -> None:
    def way(seconds: float) -> dict[str, object]:
        return {"seconds": seconds, "peak_mb": 1.0, "groups": 1, "sha256": "x"}

    rounds = [
        {"expression": way(2.0), "hand-written": way(1.0)},
        {"expression": way(9.0), "hand-written": way(3.0)},
        {"expression": way(4.0), "hand-written": way(4.0)},
    ]
    found = baseline.summary(rounds, rows=100)
    assert found["seconds, expression / hand-written"] == {"median": 2.0, "min": 1.0, "max": 3.0}
    assert found["expression"]["rows/s"] == pytest.approx({"median": 25.0, "min": 100 / 9, "max": 50.0})
    assert found["the same rows"] is True
    rounds[1]["hand-written"]["sha256"] = "y"
    assert baseline.summary(rounds, rows=100)["the same rows"] is False
