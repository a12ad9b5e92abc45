"""Azure's LLM inference trace of 2023: TIMESTAMP (UTC, written without a zone), ContextTokens, GeneratedTokens.

Belongs here: this CSV. Does not: costs, which it has none of. The workload is the word after the last underscore of the file's
name: `code` or `conv`. Source: Azure/AzurePublicDataset, AzureLLMInferenceTrace_*.csv.
"""

from collections.abc import Iterator
from datetime import UTC

from finops_ai.usage.fields import count, time
from finops_ai.usage.model import UsageEvent
from finops_ai.usage.reading import Item, LogFile, Numbered, Options, Row, csv_rows, judged

_COLUMNS = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")


def read(log: LogFile, options: Options) -> Iterator[Item]:
    """One request for each row. Equal rows are requests of their own."""
    ids = Numbered("azure-trace")
    workload = log.stem.rpartition("_")[2]

    def event(row: Row) -> list[UsageEvent]:
        values = [row.values[column] for column in _COLUMNS]
        return [
            UsageEvent(
                event_id=ids.id(workload, *values),
                source="azure-trace",
                started_at=time(row.values, "TIMESTAMP", zone=UTC),
                provider="azure",
                workload=workload,
                input_tokens=count(row.values, "ContextTokens"),
                output_tokens=count(row.values, "GeneratedTokens"),
            )
        ]

    return judged(csv_rows(log, needs=_COLUMNS), event)
