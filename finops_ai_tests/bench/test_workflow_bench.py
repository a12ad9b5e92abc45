"""The benchmark measures both sides and reports them; the figures themselves are not judged here."""

import json
import subprocess
import sys

from finops_ai_tests.conftest import REPOSITORY


def test_one_artifact_on_sqlite_is_compared_with_bare_dagster() -> None:
    command = [sys.executable, "-m", "bench.workflow", "--artifacts", "1", "--rounds", "1", "--loads", "1"]
    done = subprocess.run(
        [*command, "--storage", "sqlite", "--json"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)

    assert {"command", "machine", "versions", "artifacts", "rounds", "sqlite", "load", "aims"} == set(report)
    assert {"python", "dagster", "dagster-postgres", "great-expectations", "SQLAlchemy"} <= set(report["versions"])
    assert set(report["sqlite"]["per artifact"]) == {"bare", "workflow"}
    for spread in (
        *report["sqlite"]["per artifact"]["bare"].values(),
        *report["sqlite"]["per artifact"]["workflow"].values(),
        *report["sqlite"]["ratios"]["workflow / bare"].values(),
        *report["sqlite"]["great_expectations"].values(),
        *report["load"].values(),
    ):
        assert 0 < spread["min"] <= spread["median"] <= spread["max"]
    assert {(aim["storage"], aim["at most"]) for aim in report["aims"]} == {("load", 1.3), ("sqlite", 1.5)}
    assert all(aim["holds"] == (aim["found"] <= aim["at most"]) for aim in report["aims"])
