"""The bench of the export measures what it says: as many charges as asked for, the same rows on both sides."""

import json

import pytest

from bench import exports
from finops_ai import finance
from finops_ai.store import Database


def test_it_makes_as_many_charges_as_it_is_asked_for(sqlite_database: Database) -> None:
    exports.make_charges(sqlite_database, 123)
    with sqlite_database.read() as connection, finance.charges(connection, exports.MONTH) as charges:
        found = list(charges)
    assert len(found) == 123
    assert {charge.kind for charge in found} == {"call", "compute"}


def test_the_report_says_how_and_on_what_it_was_measured(capsys: pytest.CaptureFixture[str]) -> None:
    exports.main(["--charges", "100", "--rounds", "1", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert report["command"] == "python -m bench.exports --charges 100 --rounds 1 --json"
    assert {"python", "duckdb"} <= set(report["versions"])
    assert "load average (1, 5, 15 min)" in report["machine"]
    for form in exports.FORMS:
        found = report[form]
        assert found["rows"] > 100, "roundings too"
        ratio = found["export, seconds"]["median"] / found["copy, seconds"]["median"]
        assert found["ratio of seconds"]["median"] == pytest.approx(ratio)
