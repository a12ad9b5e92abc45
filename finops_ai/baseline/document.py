"""The report as one JSON document.

Belongs here: money and tokens as exact integers, amounts in USD as exact decimal text beside them. Does not: which figures
(`report`).
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from finops_ai.baseline.anomalies import Anomaly
from finops_ai.baseline.forecast import Forecast
from finops_ai.baseline.measures import Figures
from finops_ai.baseline.reconciling import Compared
from finops_ai.baseline.report import Report, notes
from finops_ai.pricing import format_usd

_EXACT = (
    "events", "requests", "errors", "retries", "input_tokens", "cached_input_tokens", "cache_write_input_tokens",
    "output_tokens", "reasoning_tokens", "cost_nano_usd", "unpriced_events", "unpriced_requests", "unpriced_tokens", "outcomes",
    "approved", "approved_first", "cost_per_approved_nano_usd",
)  # fmt: skip
_SHARES = ("cache_share", "error_rate", "retry_rate", "approved_share", "first_pass_yield")


def as_json(report: Report, *, by: str, rows: Sequence[Figures]) -> dict[str, Any]:
    """Everything; `rows` are those that were asked for, `by` what they stand for."""
    return {
        "first": report.first and report.first.isoformat(),
        "last": report.last and report.last.isoformat(),
        "total": _total(report, report.total) if report.total else None,
        "by": by,
        "rows": [_row(one) for one in rows],
        "totals": [_row(one) for one in report.totals],
        "models": [_row(one) for one in report.models],
        "runs": [_row(one) for one in report.runs],
        "prices": [_row(one) for one in report.prices],
        "reconciliation": [_compared(one) for one in report.comparisons],
        "anomalies": [_anomaly(one) for one in report.anomalies],
        "forecast": _forecast(report.forecast) if report.forecast else None,
        "notes": notes(report),
    }


def _row(one: Figures) -> dict[str, Any]:
    key = {name: named_or_day.isoformat() if name == "day" else named_or_day for name, named_or_day in one.key.items()}
    shares = {name: share if share is None else round(share, 6) for name in _SHARES for share in [getattr(one, name)]}
    row = key | {name: getattr(one, name) for name in _EXACT} | _in_usd(one) | shares | {"cycle_s": one.cycle_s}
    if one.latency_ms is not None or one.first_token_ms_p95 is not None:
        p50, p95, p99 = one.latency_ms or (None, None, None)
        row |= {"latency_ms_p50": p50, "latency_ms_p95": p95, "latency_ms_p99": p99}
        row |= {"first_token_ms_p95": one.first_token_ms_p95}
    return row


def _total(report: Report, total: Figures) -> dict[str, Any]:
    judged = report.cost_per_approved_nano_usd
    return _row(total) | {"cost_per_approved_nano_usd": judged, "cost_per_approved_usd": _exact(judged)}


def _in_usd(one: Figures) -> dict[str, str | None]:
    return {"cost_usd": _exact(one.cost_nano_usd), "cost_per_approved_usd": _exact(one.cost_per_approved_nano_usd)}


def _exact(nano_usd: int | None) -> str | None:
    return None if nano_usd is None else format_usd(nano_usd)


def _compared(one: Compared) -> dict[str, Any]:
    gap = one.gap_percent
    return {
        "provider": one.provider,
        "month": one.month,
        "usage_nano_usd": one.usage_nano_usd,
        "reported_nano_usd": one.reported_nano_usd,
        "gap_nano_usd": one.gap_nano_usd,
        "gap_percent": None if gap is None else str(gap),
        "unpriced_events": one.unpriced_events,
    }


def _anomaly(one: Anomaly) -> dict[str, Any]:
    workload, model = one.of or (None, None)
    return {
        "day": one.day.isoformat(),
        "workload": workload,
        "model": model,
        "direction": one.direction,
        "spent_nano_usd": one.spent_nano_usd,
        "usual_nano_usd": one.usual_nano_usd,
        "gap_nano_usd": one.gap_nano_usd,
        "score": round(one.score, 2),
        "contributions": [asdict(part) | {"gap_nano_usd": part.gap_nano_usd} for part in one.contributions],
    }


def _forecast(one: Forecast) -> dict[str, Any]:
    steps = [asdict(step) | {"day": step.day.isoformat()} for step in one.steps]
    found = asdict(one) | {"known_until": one.known_until.isoformat(), "steps": steps}
    del found["budget_nano_usd"]  # logs know no budget; the asset `budget_forecast` compares with those of the policy
    return found
