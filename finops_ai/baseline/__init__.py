"""Figures over canonical usage events: what AI workloads cost, how good and how quick they are, what is unusual, what is to come.

Belongs here: expressions that are written once for every engine, pure functions over their rows, the report. Does not:
reading logs and keeping events (`usage`), the ledger of our own calls (`ledger`).
"""

from finops_ai.baseline.anomalies import Anomaly, Contribution, spend_anomalies
from finops_ai.baseline.document import as_json
from finops_ai.baseline.engine import (
    DuckDB,
    Engine,
    EngineExhausted,
    EngineUnavailable,
    EventsUnreadable,
    Spark,
    events,
    spark_sql,
)
from finops_ai.baseline.forecast import COVERAGE, Forecast, Step, budget_forecast
from finops_ai.baseline.measures import (
    ALWAYS,
    KEYS,
    Figures,
    Period,
    figures_by,
    figures_of,
    judged_runs,
    measured,
    workload_baseline,
)
from finops_ai.baseline.pages import report_page
from finops_ai.baseline.reconciling import Compared, reconciled, reconciliation
from finops_ai.baseline.report import HISTORY_DAYS, Report, build_report, daily_series, notes, whole, with_history
from finops_ai.baseline.wording import milliseconds, named, percent, usd
from finops_ai.baseline.yardsticks import Yardstick, yardsticks

__all__ = [
    "ALWAYS",
    "COVERAGE",
    "HISTORY_DAYS",
    "KEYS",
    "Anomaly",
    "Compared",
    "Contribution",
    "DuckDB",
    "Engine",
    "EngineExhausted",
    "EngineUnavailable",
    "EventsUnreadable",
    "Figures",
    "Forecast",
    "Period",
    "Report",
    "Spark",
    "Step",
    "Yardstick",
    "as_json",
    "budget_forecast",
    "build_report",
    "daily_series",
    "events",
    "figures_by",
    "figures_of",
    "judged_runs",
    "measured",
    "milliseconds",
    "named",
    "notes",
    "percent",
    "reconciled",
    "reconciliation",
    "report_page",
    "spark_sql",
    "spend_anomalies",
    "usd",
    "whole",
    "with_history",
    "workload_baseline",
    "yardsticks",
]
