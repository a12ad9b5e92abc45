"""Figures over canonical usage events: what AI workloads cost, how good and how quick they are, what is unusual, what is to come.

Belongs here: expressions that are written once for every engine, pure functions over their rows, the report. Does not:
reading logs and keeping events (`usage`), the ledger of our own calls (`ledger`).
"""

from finops_ai.baseline.engine import DuckDB, Engine, EngineExhausted, EngineUnavailable, Spark, events, spark_sql
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
    "KEYS",
    "Compared",
    "DuckDB",
    "Engine",
    "EngineExhausted",
    "EngineUnavailable",
    "Figures",
    "Period",
    "Spark",
    "events",
    "figures_by",
    "figures_of",
    "measured",
    "reconciled",
    "reconciliation",
    "spark_sql",
    "workload_baseline",
]
