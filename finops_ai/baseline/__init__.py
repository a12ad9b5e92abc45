"""Figures over canonical usage events: what AI workloads cost, how good and how quick they are, what is unusual, what is to come.

Belongs here: expressions that are written once for every engine, pure functions over their rows, the report. Does not:
reading logs and keeping events (`usage`), the ledger of our own calls (`ledger`).
"""

from finops_ai.baseline.anomalies import Anomaly, Contribution, spend_anomalies
from finops_ai.baseline.engine import DuckDB, Engine, EngineExhausted, EngineUnavailable, Spark, events, spark_sql
from finops_ai.baseline.forecast import COVERAGE, Forecast, Step, budget_forecast
from finops_ai.baseline.measures import (
    ALWAYS,
    KEYS,
    Figures,
    Period,
    figures_by,
    figures_of,
    measured,
    workload_baseline,
)
from finops_ai.baseline.reconciling import Compared, reconciled, reconciliation

__all__ = [
    "ALWAYS",
    "COVERAGE",
    "KEYS",
    "Anomaly",
    "Compared",
    "Contribution",
    "DuckDB",
    "Engine",
    "EngineExhausted",
    "EngineUnavailable",
    "Figures",
    "Forecast",
    "Period",
    "Spark",
    "Step",
    "budget_forecast",
    "events",
    "figures_by",
    "figures_of",
    "measured",
    "reconciled",
    "reconciliation",
    "spark_sql",
    "spend_anomalies",
    "workload_baseline",
]
