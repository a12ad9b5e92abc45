"""The `brief` step: the intake record, shown to the operator."""

from typing import Any

import dagster as dg

from finops_ai.orchestration.workbench import Step


def brief(step: Step) -> dg.MaterializeResult[Any]:
    """The record as it was registered, and the same for people."""
    record = step.brief
    sources = "\n".join(f"- `{source.uri}` ({source.grade})" for source in record.sources)
    text = (
        f"**{record.topic}**\n\n{record.objective}\n\n- decision: {record.intent.decision}\n"
        f"- audience: {record.intent.audience}\n"
        f"- value: {record.intent.value.expected_usd} USD, {record.intent.value.metric} ({record.intent.value.basis})\n"
        f"- owner: {record.owner}\n\nSources:\n\n{sources}"
    )
    return step.finish(
        record.canonical(),
        metadata={"impact": record.impact, "profile": record.profile},
        body={"brief": dg.MetadataValue.md(text)},
    )
