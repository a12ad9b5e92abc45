"""The code location that `workspace.yaml` and `dagster dev` load."""

from finops_ai.orchestration.build import build_definitions

defs = build_definitions()
