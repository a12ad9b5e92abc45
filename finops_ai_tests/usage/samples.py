"""A small log of each format, in the shape that its documentation gives, with one bad row and the sums that it states.

Belongs here: rows, and the sums over the good ones, taken straight from the rows. Does not: assertions.
"""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TOKENS = ("input_tokens", "cached_input_tokens", "cache_write_input_tokens", "output_tokens", "reasoning_tokens")


@dataclass(frozen=True, kw_only=True)
class Sample:
    """`sums` are those of the good rows; `bad_field` is named when the one bad row is rejected."""

    format: str
    name: str
    content: str
    events: int
    sums: Mapping[str, int]
    cost_nano_usd: int = 0  # as the log reports it
    bad_field: str
    mapping: Mapping[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        path = folder / self.name
        path.write_text(self.content, encoding="utf-8")
        return path


def total(rows: Sequence[Mapping[str, Any]], count: Callable[[Mapping[str, Any]], int]) -> int:
    return sum(count(row) for row in rows)


def lines(rows: Sequence[Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


# --- buckets

OPENAI_ROWS: list[dict[str, Any]] = [
    {"object": "organization.usage.completions.result", "input_tokens": 5000, "output_tokens": 900, "input_cached_tokens": 4000,
     "input_audio_tokens": 0, "output_audio_tokens": 0, "num_model_requests": 5, "project_id": "proj_a", "user_id": None,
     "api_key_id": None, "model": "gpt-4o-2024-08-06", "batch": False, "service_tier": "default"},
    {"object": "organization.usage.completions.result", "input_tokens": 700, "output_tokens": 70, "input_cached_tokens": 0,
     "input_audio_tokens": 0, "output_audio_tokens": 0, "num_model_requests": 7, "project_id": "proj_a", "user_id": None,
     "api_key_id": None, "model": "gpt-4o-2024-08-06", "batch": True, "service_tier": None},
]  # fmt: skip
_OPENAI_BAD = OPENAI_ROWS[0] | {"model": "gpt-4o-mini-2024-07-18", "input_cached_tokens": 5001}


def openai_page(results: Sequence[Mapping[str, Any]], *, start: int = 1730419200) -> dict[str, Any]:
    bucket = {"object": "bucket", "start_time": start, "end_time": start + 86400, "results": list(results)}
    return {"object": "page", "data": [bucket], "has_more": False, "next_page": None}


OPENAI = Sample(
    format="openai",
    name="usage.json",
    content=json.dumps(openai_page([*OPENAI_ROWS, _OPENAI_BAD]), indent=1),
    events=2,
    sums={
        "input_tokens": total(OPENAI_ROWS, lambda r: r["input_tokens"]),
        "cached_input_tokens": total(OPENAI_ROWS, lambda r: r["input_cached_tokens"]),
        "output_tokens": total(OPENAI_ROWS, lambda r: r["output_tokens"]),
        "requests": total(OPENAI_ROWS, lambda r: r["num_model_requests"]),
    },
    bad_field="data[0].results[2].cached and written input",
)

ANTHROPIC_ROWS: list[dict[str, Any]] = [
    {"uncached_input_tokens": 1500, "cache_creation": {"ephemeral_1h_input_tokens": 1000, "ephemeral_5m_input_tokens": 500},
     "cache_read_input_tokens": 200, "output_tokens": 500, "server_tool_use": {"web_search_requests": 10},
     "api_key_id": None, "workspace_id": "wrkspc_1", "model": "claude-sonnet-4-5-20250929", "service_tier": "standard",
     "context_window": "0-200k"},
    {"uncached_input_tokens": 10, "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 0},
     "cache_read_input_tokens": 90, "output_tokens": 7, "server_tool_use": {"web_search_requests": 0},
     "api_key_id": None, "workspace_id": None, "model": "claude-haiku-4-5-20251001", "service_tier": "batch",
     "context_window": "0-200k"},
]  # fmt: skip
_ANTHROPIC_BAD = ANTHROPIC_ROWS[0] | {"model": "claude-opus-4-1-20250805", "output_tokens": "many"}


def anthropic_page(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    bounds = {"starting_at": "2025-11-01T00:00:00Z", "ending_at": "2025-11-02T00:00:00Z"}
    return {"data": [bounds | {"results": list(results)}], "has_more": False, "next_page": None}


def _written(row: Mapping[str, Any]) -> int:
    return int(sum(row["cache_creation"].values()))


ANTHROPIC = Sample(
    format="anthropic",
    name="usage.jsonl",
    content=lines([anthropic_page(ANTHROPIC_ROWS[:1]), anthropic_page([*ANTHROPIC_ROWS[1:], _ANTHROPIC_BAD])]),
    events=2,
    sums={
        "input_tokens": total(
            ANTHROPIC_ROWS, lambda r: r["uncached_input_tokens"] + r["cache_read_input_tokens"] + _written(r)
        ),
        "cached_input_tokens": total(ANTHROPIC_ROWS, lambda r: r["cache_read_input_tokens"]),
        "cache_write_input_tokens": total(ANTHROPIC_ROWS, _written),
        "output_tokens": total(ANTHROPIC_ROWS, lambda r: r["output_tokens"]),
        "requests": 0,
    },
    bad_field="data[0].results[1].output_tokens",
)

# --- gateways and traces

LITELLM_ROWS: list[dict[str, Any]] = [
    {"request_id": "chatcmpl-1", "call_type": "acompletion", "api_key": "88dc28", "spend": 0.00123456, "total_tokens": 1200,
     "prompt_tokens": 1000, "completion_tokens": 200, "startTime": "2025-11-03T10:00:00.000Z",
     "endTime": "2025-11-03T10:00:02.500Z", "completionStartTime": "2025-11-03T10:00:00.400Z", "model": "gpt-4o-2024-08-06",
     "custom_llm_provider": "openai", "user": "u-1", "team_id": "support", "cache_hit": "False", "session_id": "s-1",
     "request_tags": ["x"], "status": "success",
     "metadata": {"usage_object": {"prompt_tokens": 1000, "completion_tokens": 200,
                                   "prompt_tokens_details": {"cached_tokens": 600},
                                   "completion_tokens_details": {"reasoning_tokens": 50}}}},
    {"request_id": "chatcmpl-2", "call_type": "anthropic_messages", "api_key": "88dc28", "spend": 0.02, "total_tokens": 950,
     "prompt_tokens": 900, "completion_tokens": 50, "startTime": "2025-11-03T11:00:00.000Z",
     "endTime": "2025-11-03T11:00:01.000Z", "completionStartTime": "2025-11-03T11:00:01.000Z",
     "model": "claude-sonnet-4-5-20250929", "custom_llm_provider": "anthropic", "user": "", "team_id": None,
     "cache_hit": "None", "session_id": None, "request_tags": ["billing"], "status": "success",
     "metadata": {"usage_object": {"cache_read_input_tokens": 300, "cache_creation_input_tokens": 100}}},
    {"request_id": "chatcmpl-3", "call_type": "acompletion", "api_key": "88dc28", "spend": 0.0, "total_tokens": 0,
     "prompt_tokens": 0, "completion_tokens": 0, "startTime": "2025-11-03T12:00:00.000Z",
     "endTime": "2025-11-03T12:00:01.000Z", "completionStartTime": None, "model": "gpt-4o-2024-08-06",
     "custom_llm_provider": "openai", "user": "u-1", "team_id": "support", "cache_hit": None, "session_id": "s-1",
     "request_tags": [], "status": "failure", "metadata": {}},
]  # fmt: skip
_LITELLM_BAD = LITELLM_ROWS[0] | {"request_id": "chatcmpl-4", "startTime": "yesterday"}
LITELLM_SUMS = {
    "input_tokens": total(LITELLM_ROWS, lambda r: r["prompt_tokens"]),
    "cached_input_tokens": 600 + 300,
    "cache_write_input_tokens": 100,
    "output_tokens": total(LITELLM_ROWS, lambda r: r["completion_tokens"]),
    "reasoning_tokens": 50,
    "requests": 3,
    "errors": 1,
}
LITELLM = Sample(
    format="litellm",
    name="spend.json",
    content=json.dumps([*LITELLM_ROWS, _LITELLM_BAD]),
    events=3,
    sums=LITELLM_SUMS,
    cost_nano_usd=1_234_560 + 20_000_000,
    bad_field="startTime",
)
LITELLM_CSV = Sample(
    format="litellm",
    name="spend.csv",
    content=table(
        [
            row | {name: json.dumps(row[name]) for name in ("metadata", "request_tags")}
            for row in [*LITELLM_ROWS, _LITELLM_BAD]
        ]
    ),
    events=3,
    sums=LITELLM_SUMS,
    cost_nano_usd=1_234_560 + 20_000_000,
    bad_field="startTime",
)

LANGFUSE_ROWS: list[dict[str, Any]] = [
    {"id": "obs-1", "traceId": "t-1", "type": "GENERATION", "name": "answer", "startTime": "2025-11-04T08:00:00.000Z",
     "endTime": "2025-11-04T08:00:03.000Z", "completionStartTime": "2025-11-04T08:00:01.000Z",
     "providedModelName": "claude-sonnet-4-5-20250929", "level": "DEFAULT", "statusMessage": None, "environment": "production",
     "traceName": "support-bot", "userId": "u-9", "sessionId": None,
     "usageDetails": {"input": 100, "cache_read_input_tokens": 800, "cache_creation_input_tokens": 50, "output": 60, "total": 1010},
     "totalCost": 0.0015},
    {"id": "obs-2", "traceId": "t-2", "type": "GENERATION", "name": "answer", "startTime": "2025-11-04T09:00:00.000Z",
     "endTime": "2025-11-04T09:00:01.000Z", "completionStartTime": None, "providedModelName": "o3-2025-04-16", "level": "ERROR",
     "environment": "production", "traceName": "support-bot", "userId": None, "sessionId": "s-2",
     "usageDetails": {"input": 40, "input_cached_tokens": 10, "output": 5, "output_reasoning_tokens": 20, "total": 75},
     "totalCost": 0},
]  # fmt: skip
_LANGFUSE_SPAN = {
    "id": "obs-3",
    "traceId": "t-2",
    "type": "SPAN",
    "startTime": "2025-11-04T09:00:00.000Z",
    "name": "retrieve",
}
_LANGFUSE_BAD = LANGFUSE_ROWS[0] | {"id": "obs-4", "usageDetails": {"input": -1}}
LANGFUSE = Sample(
    format="langfuse",
    name="observations.json",
    content=json.dumps({"data": [*LANGFUSE_ROWS, _LANGFUSE_SPAN, _LANGFUSE_BAD], "meta": {"page": 1}}, indent=2),
    events=2,
    sums={
        "input_tokens": 100 + 800 + 50 + 40 + 10,
        "cached_input_tokens": 800 + 10,
        "cache_write_input_tokens": 50,
        "output_tokens": 60 + 5 + 20,
        "reasoning_tokens": 20,
        "errors": 1,
    },
    cost_nano_usd=1_500_000,
    bad_field="usageDetails.input",
)


def otel_span(number: int, **attributes: Any) -> dict[str, Any]:
    def value(found: Any) -> dict[str, Any]:
        return {"intValue": str(found)} if isinstance(found, int) else {"stringValue": found}

    start = 1762250400000000000 + number * 1_000_000_000
    return {
        "traceId": "5b8efff798038103d269b633813fc60c", "spanId": f"{number:016x}", "name": "chat", "kind": 3,
        "startTimeUnixNano": str(start), "endTimeUnixNano": str(start + 1_500_000_000),
        "attributes": [{"key": name.replace("__", "."), "value": value(found)} for name, found in attributes.items()],
        "status": {},
    }  # fmt: skip


def otel_export(spans: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop-assistant"}}]}
    return {
        "resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "openai"}, "spans": list(spans)}]}]
    }


_CHAT = {"gen_ai__operation__name": "chat", "gen_ai__provider__name": "openai", "gen_ai__request__model": "gpt-4o",
         "gen_ai__response__model": "gpt-4o-2024-08-06"}  # fmt: skip
OTEL_SPANS = [
    otel_span(1, **_CHAT, gen_ai__usage__input_tokens=2000, gen_ai__usage__cache_read__input_tokens=1500,
              gen_ai__usage__output_tokens=300, gen_ai__conversation__id="c-1"),
    otel_span(2, **_CHAT, error__type="429"),
    otel_span(3, gen_ai__system="anthropic", gen_ai__request__model="claude-haiku-4-5", gen_ai__usage__prompt_tokens=11,
              gen_ai__usage__completion_tokens=4),
]  # fmt: skip
_OTEL_LEFT_OUT = [
    otel_span(4, gen_ai__operation__name="invoke_agent", gen_ai__usage__input_tokens=2000),
    otel_span(5, http__method="GET"),
]
_OTEL_BAD = otel_span(6, **_CHAT, gen_ai__usage__input_tokens=10, gen_ai__usage__cache_read__input_tokens=11)
OTEL = Sample(
    format="otel",
    name="spans.jsonl",
    content=lines([otel_export([*OTEL_SPANS[:2], *_OTEL_LEFT_OUT]), otel_export([OTEL_SPANS[2], _OTEL_BAD])]),
    events=3,
    sums={"input_tokens": 2011, "cached_input_tokens": 1500, "output_tokens": 304, "errors": 1, "requests": 3},
    bad_field="resourceSpans[0].scopeSpans[0].spans[1].cached and written input",
)

BEDROCK_ROWS: list[dict[str, Any]] = [
    {"schemaType": "ModelInvocationLog", "schemaVersion": "1.0", "timestamp": "2025-11-05T07:00:00Z", "accountId": "111122223333",
     "identity": {"arn": "arn:aws:sts::111122223333:assumed-role/app/session"}, "region": "us-east-1", "requestId": "req-1",
     "operation": "Converse",
     "modelId": "arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
     "requestMetadata": {"workload": "claims"},
     "input": {"inputContentType": "application/json", "inputTokenCount": 20, "cacheReadInputTokenCount": 300,
               "cacheWriteInputTokenCount": 40},
     "output": {"outputContentType": "application/json", "outputTokenCount": 15,
                "outputBodyJson": {"metrics": {"latencyMs": 842}}}},
    {"schemaType": "ModelInvocationLog", "schemaVersion": "1.0", "timestamp": "2025-11-05T07:01:00Z", "accountId": "111122223333",
     "identity": {"arn": "arn:aws:iam::111122223333:user/ops"}, "region": "us-east-1", "requestId": "req-2",
     "operation": "InvokeModel", "modelId": "anthropic.claude-haiku-4-5-20251001-v1:0", "errorCode": "ThrottlingException",
     "input": {"inputContentType": "application/json"}, "output": {}},
]  # fmt: skip
_BEDROCK_BAD = BEDROCK_ROWS[0] | {"requestId": None}
BEDROCK = Sample(
    format="bedrock",
    name="invocations.jsonl",
    content=lines([*BEDROCK_ROWS, _BEDROCK_BAD]),
    events=2,
    sums={
        "input_tokens": 20 + 300 + 40,
        "cached_input_tokens": 300,
        "cache_write_input_tokens": 40,
        "output_tokens": 15,
        "errors": 1,
    },
    bad_field="requestId",
)

APIM_ROWS: list[dict[str, Any]] = [
    {"TimeGenerated": "2025-11-06T06:00:00.1234567Z", "CorrelationId": "c-1", "RequestId": "r-1", "SequenceNumber": 0,
     "OperationName": "ChatCompletions_Create", "ModelName": "gpt-4o-2024-08-06", "DeploymentName": "chat",
     "PromptTokens": 700, "CompletionTokens": 80, "TotalTokens": 780, "_SubscriptionId": "sub-1"},
    {"TimeGenerated": "2025-11-06T06:00:05Z", "CorrelationId": "c-2", "RequestId": "r-2", "SequenceNumber": 0,
     "OperationName": "ChatCompletions_Create", "ModelName": "gpt-4o-2024-08-06", "DeploymentName": "chat",
     "PromptTokens": 30, "CompletionTokens": 2, "TotalTokens": 32, "_SubscriptionId": "sub-1"},
]  # fmt: skip
_APIM_PARTS = [
    APIM_ROWS[0] | {"SequenceNumber": 1},
    APIM_ROWS[0] | {"SequenceNumber": 2, "PromptTokens": None, "CompletionTokens": None},
]
_APIM_BAD = APIM_ROWS[1] | {"RequestId": "r-3", "PromptTokens": 1.5}
APIM_SUMS = {
    "input_tokens": total(APIM_ROWS, lambda r: r["PromptTokens"]),
    "output_tokens": total(APIM_ROWS, lambda r: r["CompletionTokens"]),
    "requests": 2,
}
APIM = Sample(
    format="azure-apim",
    name="llm.jsonl",
    content=lines([APIM_ROWS[0], *_APIM_PARTS, APIM_ROWS[1], _APIM_BAD]),
    events=2,
    sums=APIM_SUMS,
    bad_field="PromptTokens",
)
APIM_CSV = Sample(
    format="azure-apim",
    name="llm.csv",
    content=table([APIM_ROWS[0], *_APIM_PARTS, APIM_ROWS[1], _APIM_BAD]),
    events=2,
    sums=APIM_SUMS,
    bad_field="PromptTokens",
)

# --- charges


def charge(meter: str, quantity: str, unit: str, cost: str, **changes: Any) -> dict[str, Any]:
    return {
        "BilledCost": cost, "EffectiveCost": cost, "BillingCurrency": "USD", "ChargeCategory": "Usage",
        "ChargeDescription": f"{meter} of claude-sonnet-4-5", "ChargePeriodStart": "2025-11-07T00:00:00Z",
        "ChargePeriodEnd": "2025-11-08T00:00:00Z", "ConsumedQuantity": quantity, "ConsumedUnit": unit, "ProviderName": "Vendor",
        "ServiceName": "Claude API", "SkuId": "vendor/claude-sonnet-4-5", "SkuMeter": meter,
        "SkuPriceDetails": '{"x_Model": "claude-sonnet-4-5"}', "SubAccountId": "cc-1", "SubAccountName": "Support", "Tags": "{}",
    } | changes  # fmt: skip


FOCUS_ROWS = [
    charge("Input Tokens", "182000.0", "Tokens", "0.546"),
    charge("Cached-input Tokens", "900", "1000 Tokens", "0.27"),
    charge("Cache Write Tokens", "0.05", "1M Tokens", "0.1875"),
    charge("Output Tokens", "12000", "Tokens", "0.18"),
    charge("Storage", "3.5", "GB Hours", "0.0000012345", ChargeDescription="files"),
    charge("Credit", "", "", "-0.10", ChargeCategory="Credit"),
]
_FOCUS_BAD = charge("Input Tokens", "1", "Tokens", "0.5", BillingCurrency="EUR")
FOCUS = Sample(
    format="focus",
    name="charges.csv",
    content=table([*FOCUS_ROWS, _FOCUS_BAD]),
    events=6,
    sums={
        "input_tokens": 182_000 + 900_000 + 50_000,
        "cached_input_tokens": 900_000,
        "cache_write_input_tokens": 50_000,
        "output_tokens": 12_000,
        "requests": 0,
    },
    cost_nano_usd=546_000_000
    + 270_000_000
    + 187_500_000
    + 180_000_000
    + 1_235
    - 100_000_000,  # half a nano-USD goes up
    bad_field="BillingCurrency",
)

# --- tables and traces

CSV = Sample(
    format="csv",
    name="own.csv",
    content="when;engine;fresh;hit;made;usd;state\n"
    "01.11.2025 09:00:00;gpt-4o-2024-08-06;100;40;7;0.001;ok\n"
    "01.11.2025 09:00:00;gpt-4o-2024-08-06;100;40;7;0.001;ok\n"
    "01.11.2025 09:00:01;gpt-4o-2024-08-06;5;0;0;;timeout\n"
    "2025-11-01;gpt-4o-2024-08-06;5;0;0;;ok\n",
    events=3,
    sums={"input_tokens": 140 + 140 + 5, "cached_input_tokens": 80, "output_tokens": 14, "errors": 1, "requests": 3},
    cost_nano_usd=2_000_000,
    bad_field="started_at",
    mapping={
        "columns": {
            "started_at": "when", "model": "engine", "input_tokens": "fresh", "cached_input_tokens": "hit",
            "output_tokens": "made", "cost_usd": "usd",
        },
        "constants": {"provider": "openai", "workload": "support-bot"},
        "time": {"format": "%d.%m.%Y %H:%M:%S", "zone": "Europe/Berlin"},
        "input_includes_cached": False,
        "failed": {"column": "state", "unless": ["ok"]},
        "delimiter": ";",
    },
)  # fmt: skip

AZURE_TRACE = Sample(
    format="azure-trace",
    name="AzureLLMInferenceTrace_code.csv",
    content="TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:15:46.6805900,374,44\r\n"
    "2023-11-16 18:15:46.6805900,374,44\r\n2023-11-16 18:15:50.9951690,-1,109\r\n2023-11-16 18:15:51.2225670,879,55",
    events=3,
    sums={"input_tokens": 374 + 374 + 879, "output_tokens": 44 + 44 + 55, "requests": 3},
    bad_field="ContextTokens",
)

MOONCAKE = Sample(
    format="mooncake",
    name="conversation_trace.jsonl",
    content=lines(
        [
            {"timestamp": 0, "input_length": 1100, "output_length": 10, "hash_ids": [0, 1, 2]},
            {
                "timestamp": 5,
                "input_length": 1030,
                "output_length": 20,
                "hash_ids": [0, 1, 2],
            },  # all of it, not 3 * 512
            {"timestamp": 9, "input_length": 1600, "output_length": 30, "hash_ids": [0, 7, 2, 8]},  # a prefix ends at 7
            {"timestamp": 10, "input_length": 512, "output_length": 1, "hash_ids": "none"},
        ]
    ),
    events=3,
    sums={"input_tokens": 1100 + 1030 + 1600, "cached_input_tokens": 1030 + 512, "output_tokens": 60},
    bad_field="hash_ids",
)

AIDER = Sample(
    format="aider",
    name="polyglot_leaderboard.yml",
    content="""
- dirname: 2025-08-23-15-47-21--gpt-5-medium
  test_cases: 225
  model: gpt-5 (medium)
  pass_num_1: 112
  pass_num_2: 195
  prompt_tokens: 2827261
  completion_tokens: 2634061
  seconds_per_case: 118.7
  total_cost: 17.6930
- dirname: 2024-12-21-18-41-18--rates-only
  test_cases: 133
  model: some-model
  pass_rate_1: 62.4
  pass_rate_2: 80.5
  total_cost: 0.0000
- dirname: nobody-knows-when
  test_cases: 10
  pass_num_1: 1
  pass_num_2: 2
""",
    events=2,
    sums={
        "input_tokens": 2827261, "output_tokens": 2634061, "requests": 0, "outcomes": 225 + 133,
        "approved_first": 112 + 83, "approved": 195 + 107,  # 83 / 133 = 62.41 %, 107 / 133 = 80.45 %
    },
    cost_nano_usd=17_693_000_000,
    bad_field="dirname",
)  # fmt: skip

SAMPLES = [
    OPENAI, ANTHROPIC, LITELLM, LITELLM_CSV, LANGFUSE, OTEL, BEDROCK, APIM, APIM_CSV, FOCUS, CSV, AZURE_TRACE, MOONCAKE, AIDER,
]  # fmt: skip
