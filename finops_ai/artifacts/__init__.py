"""An artifact's way through the workflow: what its steps recorded, and where that leaves it.

Belongs here: progress and state. Does not: doing any step, and nothing of Dagster.
"""

from finops_ai.artifacts.intake import accept_brief, take_in
from finops_ai.artifacts.overview import Overview, budget_row, overview_of, published_count
from finops_ai.artifacts.progress import STEPS, Progress, StepFailure, StepOutput, ended_loops, progress_of
from finops_ai.artifacts.recording import record_failure, record_output, record_verdict
from finops_ai.artifacts.routes import next_route, routes_of
from finops_ai.artifacts.state import Job, Position, State, position, retry

__all__ = [
    "STEPS",
    "Job",
    "Overview",
    "Position",
    "Progress",
    "State",
    "StepFailure",
    "StepOutput",
    "accept_brief",
    "budget_row",
    "ended_loops",
    "next_route",
    "overview_of",
    "position",
    "progress_of",
    "published_count",
    "record_failure",
    "record_output",
    "record_verdict",
    "retry",
    "routes_of",
    "take_in",
]
