"""What Dagster is told, as a whole, and what it costs to tell it.

A change of the graph, a gate or a sensor shows in `definitions.json`, so that it is read before it is merged.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg

from finops_ai.artifacts import STEPS
from finops_ai.orchestration.assets import ASSETS, WORKFLOW
from finops_ai.orchestration.assets._step import function_of
from finops_ai.orchestration.build import build_definitions
from finops_ai.orchestration.gates import policy_gate, quality_gate
from finops_ai.policy import load_policy

SNAPSHOT = Path(__file__).with_name("definitions.json")
UPDATE = "python -m finops_ai_tests.orchestration.test_definitions"

HEAVY = {"great_expectations", "pandas", "openai", "trafilatura", "pypdf", "duckdb"}
NEEDED_BY_RUNS_ONLY = {"sqlalchemy", "alembic", "psycopg2", "dagster_postgres", "finops_ai.store", "finops_ai.policy"}


def snapshot() -> dict[str, Any]:
    """The definitions as an operator would list them."""
    definitions = build_definitions()
    repository = definitions.get_repository_def()
    graph = definitions.resolve_asset_graph()
    return {
        "executor": getattr(definitions.executor, "name", None),
        "assets": {
            key.to_user_string(): {
                "group": node.group_name,
                "deps": sorted(parent.to_user_string() for parent in node.parent_keys),
                "kinds": sorted(node.kinds),
                "partitions": _partitions(node.partitions_def),
                "description": str(node.description).splitlines(),
            }
            for key, node in ((key, graph.get(key)) for key in graph.toposorted_asset_keys)
        },
        "checks": {
            f"{key.asset_key.to_user_string()}: {key.name}": {
                "blocking": graph.get(key).blocking,
                "partitions": _partitions(graph.get(key).partitions_def),
                "description": graph.get(key).description,
            }
            for key in sorted(graph.asset_check_keys)
        },
        "jobs": {
            job.name: sorted(job.graph.node_names())
            for job in sorted(repository.get_all_jobs(), key=lambda job: job.name)
            if not job.name.startswith("__")
        },
        "sensors": {
            sensor.name: {
                "jobs": sorted(target.job_name for target in sensor.targets),
                "seconds": sensor.minimum_interval_seconds,
                "default": sensor.default_status.value,
            }
            for sensor in sorted(repository.sensor_defs, key=lambda sensor: sensor.name)
        },
        "schedules": sorted(schedule.name for schedule in repository.schedule_defs),
        "resources": sorted(definitions.resources or {}),
    }


def _partitions(definition: dg.PartitionsDefinition[Any] | None) -> str:
    return f"dynamic: {definition.name}" if isinstance(definition, dg.DynamicPartitionsDefinition) else str(definition)


def _text() -> str:
    return json.dumps(snapshot(), indent=2, ensure_ascii=False) + "\n"


def test_the_definitions_are_those_that_were_agreed_on() -> None:
    assert json.loads(SNAPSHOT.read_text(encoding="utf-8")) == json.loads(_text()), (
        f"the definitions differ from {SNAPSHOT.name}. If that is what you want, run `{UPDATE}` and review the difference"
    )


def test_every_step_of_the_workflow_is_an_asset_with_something_to_do() -> None:
    """The assets name their functions by text, which no type checker follows."""
    assert {asset.key.to_user_string() for asset in WORKFLOW} == set(STEPS)
    for asset in ASSETS:
        assert callable(function_of(asset.key.to_user_string()))


def test_a_declared_gate_reads_like_the_one_that_judges() -> None:
    """It is declared without a policy: nothing an operator reads about it may hang on a threshold."""
    gates = load_policy().gates
    for declared, judging in (
        (policy_gate(), policy_gate(**dict(gates.policy))),
        (quality_gate(), quality_gate(**dict(gates.quality))),
    ):
        assert declared.spec(None) == judging.spec(None)
        assert declared.controls == judging.controls


def test_loading_the_definitions_imports_nothing_that_only_a_run_needs() -> None:
    """Every Dagster process loads them, at each start and reload: code server, web UI, daemon, run worker."""
    listed = "import finops_ai.definitions, sys; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", listed], capture_output=True, text=True, check=True)
    assert set(done.stdout.splitlines()) & (HEAVY | NEEDED_BY_RUNS_ONLY) == set()


if __name__ == "__main__":
    SNAPSHOT.write_text(_text(), encoding="utf-8")
