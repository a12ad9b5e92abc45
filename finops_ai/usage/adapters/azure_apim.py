"""Azure API Management's log of model calls (the table ApiManagementGatewayLlmLog), as CSV, an array, JSON lines or `records`.

Belongs here: its fields. Does not: the gateway's own log, which knows status and latency. A long message is split over several
rows (SequenceNumber) of one RequestId, and each may repeat the counts: a request is counted once.
Field names: azure-monitor, ApiManagementGatewayLlmLog.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC
from typing import Any

from finops_ai.usage.fields import count, find, needed_text, text, time
from finops_ai.usage.model import UsageEvent
from finops_ai.usage.reading import Item, LogFile, Note, Options, WrongValue, csv_rows, judged, rows_of

REQUESTS_REMEMBERED_MAX = 200_000  # parts of one request lie close together
_PARTS = Note("parts of a request that was counted already")


def read(log: LogFile, options: Options) -> Iterator[Item]:
    """By the file's ending: .csv, or JSON."""
    is_csv = log.path.name.removesuffix(".gz").endswith(".csv")
    rows = csv_rows(log, needs=("RequestId", "PromptTokens", "CompletionTokens")) if is_csv else rows_of(log, "records")
    seen: OrderedDict[str, tuple[int, int]] = OrderedDict()
    return judged(rows, lambda row: [_item(row.values, seen)])


def _item(row: Any, seen: OrderedDict[str, tuple[int, int]]) -> Item:
    flat = _flat(row)
    if "RequestId" not in flat:
        raise WrongValue("RequestId", "no row of ApiManagementGatewayLlmLog: it has the id of its request here")
    if find(flat, "PromptTokens") is None and find(flat, "CompletionTokens") is None:
        return Note("parts of a message that carry no counts")
    request = needed_text(flat, "RequestId")
    counts = (count(flat, "PromptTokens", 0), count(flat, "CompletionTokens", 0))
    before = seen.get(request)
    if before is not None and before != counts:
        raise WrongValue(
            "RequestId",
            f"{request} was counted before as {before[0]} and {before[1]} tokens, now as {counts[0]} and {counts[1]}",
        )
    seen[request] = counts
    if len(seen) > REQUESTS_REMEMBERED_MAX:
        seen.popitem(last=False)
    return _event(flat, request, counts) if before is None else _PARTS


def _event(flat: Mapping[str, Any], request: str, counts: tuple[int, int]) -> UsageEvent:
    return UsageEvent(
        event_id=f"azure-apim:{request}",
        source="azure-apim",
        started_at=time(flat, "TimeGenerated" if "TimeGenerated" in flat else "TimeGenerated [UTC]", zone=UTC),
        provider="azure",
        model=text(flat, "ModelName", "DeploymentName"),
        workload=text(flat, "_SubscriptionId", "SubscriptionId", "ApiId"),
        run=text(flat, "CorrelationId"),
        operation=text(flat, "OperationName"),
        input_tokens=counts[0],
        output_tokens=counts[1],
    )


def _flat(row: Any) -> Mapping[str, Any]:
    """A diagnostic record keeps the columns of the table below `properties`."""
    if not isinstance(row, Mapping):
        return {}
    inner = row.get("properties")
    named: Iterable[tuple[str, str]] = (("time", "TimeGenerated"), ("correlationId", "CorrelationId"))
    renamed = {ours: row[theirs] for theirs, ours in named if theirs in row}
    return {**renamed, **row, **inner} if isinstance(inner, Mapping) else row
