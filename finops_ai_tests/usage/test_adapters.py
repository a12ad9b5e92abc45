"""Every format against one contract, then what each of them has of its own.

Sums are taken from the raw rows (`samples`), not from what an adapter made of them.
"""

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from finops_ai.usage import FORMATS, Options, UsageError, UsageEvent
from finops_ai.usage.adapters import adapter
from finops_ai.usage.reading import Item, LogFile, Note, NotTheFormat, Rejected
from finops_ai_tests.usage import samples
from finops_ai_tests.usage.samples import SAMPLES, Sample


def items(path: Path, form: str, **options: Any) -> list[Item]:
    return list(adapter(form)(LogFile(path), Options(**options)))


def read(path: Path, form: str, **options: Any) -> list[UsageEvent]:
    return [item for item in items(path, form, **options) if isinstance(item, UsageEvent)]


def of_sample(sample: Sample, folder: Path) -> list[Item]:
    return items(sample.write(folder), sample.format, mapping=sample.mapping)


def written(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def of_type(found: list[Item], kind: type) -> Iterator[Any]:
    return (item for item in found if isinstance(item, kind))


class TestContract:
    """What holds of every format: a sample of each passes through the same tests."""

    @pytest.fixture(params=SAMPLES, ids=lambda sample: sample.format + Path(sample.name).suffix)
    def sample(self, request: pytest.FixtureRequest) -> Sample:
        found: Sample = request.param
        return found

    def test_sums_over_the_events_are_those_of_the_file(self, sample: Sample, tmp_path: Path) -> None:
        events = list(of_type(of_sample(sample, tmp_path), UsageEvent))
        assert len(events) == sample.events
        stated = dict.fromkeys(samples.TOKENS, 0) | dict(sample.sums)
        assert {name: sum(getattr(event, name) for event in events) for name in stated} == stated
        assert sum(event.cost_nano_usd or 0 for event in events) == sample.cost_nano_usd

    def test_what_is_cached_is_part_of_the_input(self, sample: Sample, tmp_path: Path) -> None:
        for event in of_type(of_sample(sample, tmp_path), UsageEvent):
            assert event.cached_input_tokens + event.cache_write_input_tokens <= event.input_tokens

    def test_a_bad_row_is_told_by_line_field_and_reason_and_stops_nothing(self, sample: Sample, tmp_path: Path) -> None:
        (bad,) = of_type(of_sample(sample, tmp_path), Rejected)
        assert bad.field == sample.bad_field
        assert bad.line >= 1
        assert bad.reason
        assert bad.raw

    def test_the_same_file_gives_the_same_ids_and_no_id_twice(self, sample: Sample, tmp_path: Path) -> None:
        first, second = (
            [event.event_id for event in of_type(of_sample(sample, tmp_path), UsageEvent)] for _ in range(2)
        )
        assert first == second
        assert len(set(first)) == len(first)
        assert all(event_id.startswith(f"{sample.format}:") for event_id in first)

    def test_an_event_names_its_format_and_its_time_is_utc(self, sample: Sample, tmp_path: Path) -> None:
        for event in of_type(of_sample(sample, tmp_path), UsageEvent):
            assert event.source == sample.format
            assert event.started_at.tzinfo is UTC

    def test_a_packed_file_gives_the_same_events(self, sample: Sample, tmp_path: Path) -> None:
        plain = of_sample(sample, tmp_path)
        packed = tmp_path / f"{sample.name}.gz"
        packed.write_bytes(gzip.compress(sample.content.encode()))
        assert items(packed, sample.format, mapping=sample.mapping) == plain

    def test_nothing_of_another_kind_of_file_becomes_an_event(self, sample: Sample, tmp_path: Path) -> None:
        for number, content in enumerate(
            ("", "just words\nand more\n", '{"a": 1}\n{"a": 2}\n', "a,b\n1,2\n", '{"data": [1, 2], "records": [1]}\n')
        ):
            path = written(tmp_path, f"{number}{Path(sample.name).suffix}", content)
            try:
                found = items(path, sample.format, mapping=sample.mapping)
            except NotTheFormat:
                continue
            assert found
            assert all(isinstance(item, Rejected) for item in found)


def test_every_format_has_a_sample() -> None:
    assert {sample.format for sample in SAMPLES} == set(FORMATS)


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="mooncake"):
        adapter("excel")


# --- reports of buckets


def test_a_cost_report_of_openai_is_a_cost_and_no_usage(tmp_path: Path) -> None:
    row = {"object": "organization.costs.result", "amount": {"value": 0.06, "currency": "usd"}, "line_item": "GPT-4o, input",
           "project_id": "proj_a"}  # fmt: skip
    (event,) = read(written(tmp_path, "costs.json", json.dumps(samples.openai_page([row]))), "openai")
    assert (event.record, event.cost_nano_usd, event.operation) == ("cost", 60_000_000, "GPT-4o, input")
    assert (event.requests, event.input_tokens) == (0, 0)


def test_a_cost_of_anthropic_is_in_cents(tmp_path: Path) -> None:
    row = {"amount": "123.78912", "currency": "USD", "cost_type": "tokens", "token_type": "output_tokens",
           "description": "Sonnet 4.5 - Output Tokens", "model": "claude-sonnet-4-5", "workspace_id": None}  # fmt: skip
    (event,) = read(written(tmp_path, "costs.json", json.dumps(samples.anthropic_page([row]))), "anthropic")
    assert (event.record, event.cost_nano_usd) == ("cost", 1_237_891_200)


def test_a_bucket_that_was_not_over_is_left_for_the_next_report(tmp_path: Path) -> None:
    """It goes on growing, and what is kept is never replaced."""
    now = int(datetime.now(UTC).timestamp())
    page = samples.openai_page(samples.OPENAI_ROWS, start=now - 3600)
    found = items(written(tmp_path, "usage.json", json.dumps(page)), "openai")
    assert [type(item) for item in found] == [Rejected]
    assert "not over" in next(of_type(found, Rejected)).reason


def test_a_batch_has_its_own_level(tmp_path: Path) -> None:
    assert [e.level for e in read(samples.OPENAI.write(tmp_path), "openai")] == ["standard", "batch"]
    assert [e.level for e in read(samples.ANTHROPIC.write(tmp_path), "anthropic")] == ["standard", "batch"]


def test_what_a_book_would_price_too_low_is_said(tmp_path: Path) -> None:
    """Audio tokens and writes for an hour cost more than the price that would be found for them."""
    audio = samples.OPENAI_ROWS[0] | {"input_audio_tokens": 5}
    found = items(written(tmp_path, "usage.json", json.dumps(samples.openai_page([audio]))), "openai")
    assert [type(item) for item in found] == [UsageEvent, Note]
    assert len(list(of_type(of_sample(samples.ANTHROPIC, tmp_path), Note))) == 1


# --- gateways and traces


def test_a_gateway_tells_latency_workload_user_and_failure(tmp_path: Path) -> None:
    first, second, failed = read(samples.LITELLM.write(tmp_path), "litellm")
    assert (first.latency_ms, first.first_token_ms, first.workload, first.user, first.run) == (
        2500,
        400,
        "support",
        "u-1",
        "s-1",
    )
    assert (second.first_token_ms, second.workload) == (
        None,
        "billing",
    )  # nothing was streamed; a tag stands for a team
    assert (failed.errors, failed.cost_nano_usd) == (1, 0)


def test_tokens_that_cost_nothing_at_a_gateway_are_unpriced(tmp_path: Path) -> None:
    """Its price map gives 0 for a model that it does not know, without any error."""
    silent = samples.LITELLM_ROWS[0] | {"spend": 0.0}
    from_cache = silent | {"request_id": "chatcmpl-9", "cache_hit": "True"}
    events = read(written(tmp_path, "spend.jsonl", samples.lines([silent, from_cache])), "litellm")
    assert [event.cost_nano_usd for event in events] == [None, 0]
    observation = samples.LANGFUSE_ROWS[1]
    (event,) = read(written(tmp_path, "one.jsonl", samples.lines([observation])), "langfuse")
    assert (event.cost_nano_usd, event.price_basis) == (None, "none")


def test_requests_without_an_id_are_not_lost(tmp_path: Path) -> None:
    """Two calls with an empty id are two calls."""
    rows = [samples.LITELLM_ROWS[0] | {"request_id": ""}] * 2
    assert (
        len({event.event_id for event in read(written(tmp_path, "spend.jsonl", samples.lines(rows)), "litellm")}) == 2
    )


def test_a_total_that_says_the_parts_are_inside_is_believed(tmp_path: Path) -> None:
    details = {"input": 100, "input_cached_tokens": 30, "output": 20, "total": 120}
    (event,) = read(
        written(tmp_path, "one.jsonl", samples.lines([samples.LANGFUSE_ROWS[0] | {"usageDetails": details}])),
        "langfuse",
    )
    assert (event.input_tokens, event.cached_input_tokens, event.output_tokens) == (100, 30, 20)


def test_spans_of_agents_are_left_out_and_said(tmp_path: Path) -> None:
    """They sum up the calls below them, which would count twice."""
    notes = Counter(note.text for note in of_type(of_sample(samples.OTEL, tmp_path), Note))
    assert notes == {"left out: spans of invoke_agent": 1, "left out: spans of no model call": 1}


def test_a_span_names_service_conversation_and_the_model_that_answered(tmp_path: Path) -> None:
    first, *_ = read(samples.OTEL.write(tmp_path), "otel")
    assert (first.workload, first.run, first.model) == ("shop-assistant", "c-1", "gpt-4o-2024-08-06")
    assert (first.latency_ms, first.started_at) == (1500, datetime(2025, 11, 4, 10, 0, 1, tzinfo=UTC))


def test_an_inference_profile_stays_part_of_the_models_name(tmp_path: Path) -> None:
    """A region of its own has a price of its own."""
    first, _ = read(samples.BEDROCK.write(tmp_path), "bedrock")
    assert (first.model, first.workload, first.latency_ms) == (
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "claims",
        842,
    )


def test_a_request_that_is_split_and_counted_in_two_ways_is_not_guessed(tmp_path: Path) -> None:
    rows = [samples.APIM_ROWS[0], samples.APIM_ROWS[0] | {"SequenceNumber": 1, "PromptTokens": 701}]
    found = items(written(tmp_path, "llm.jsonl", samples.lines(rows)), "azure-apim")
    assert [type(item) for item in found] == [UsageEvent, Rejected]


def test_diagnostic_records_are_read_like_rows_of_the_table(tmp_path: Path) -> None:
    record = {"time": "2025-11-06T06:00:00Z", "category": "GatewayLlmLogs", "correlationId": "c-1",
              "properties": {"RequestId": "r-1", "PromptTokens": 3, "CompletionTokens": 1, "ModelName": "gpt-4o"}}  # fmt: skip
    (event,) = read(written(tmp_path, "a.json", json.dumps({"records": [record]}, indent=1)), "azure-apim")
    assert (event.input_tokens, event.run) == (3, "c-1")


# --- charges


def test_other_charges_are_costs_and_tokens_are_usage(tmp_path: Path) -> None:
    events = read(samples.FOCUS.write(tmp_path), "focus")
    assert [event.record for event in events] == ["usage"] * 4 + ["cost"] * 2
    assert {(event.model, event.workload) for event in events[:4]} == {("claude-sonnet-4-5", "Support")}


def test_tokens_of_an_unknown_meter_keep_their_cost_and_are_said(tmp_path: Path) -> None:
    row = samples.charge("Tokens", "5", "Tokens", "0.1", ChargeDescription="thinking")
    event, note = items(written(tmp_path, "charges.csv", samples.table([row])), "focus")
    assert isinstance(event, UsageEvent)
    assert (event.record, event.cost_nano_usd, type(note)) == ("cost", 100_000_000, Note)


def test_parquet_gives_the_same_charges_as_csv(tmp_path: Path) -> None:
    import duckdb

    plain, packed = samples.FOCUS.write(tmp_path), tmp_path / "charges.parquet"
    duckdb.sql(f"COPY (FROM read_csv('{plain}', all_varchar=true)) TO '{packed}' (FORMAT PARQUET)")
    assert read(packed, "focus") == read(plain, "focus")


def test_what_is_no_parquet_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotTheFormat, match="Parquet"):
        items(written(tmp_path, "charges.parquet", "PAR1 nonsense"), "focus")


# --- a table with a mapping


def test_a_local_time_is_kept_in_utc(tmp_path: Path) -> None:
    first, *_ = of_type(of_sample(samples.CSV, tmp_path), UsageEvent)
    assert first.started_at == datetime(2025, 11, 1, 8, tzinfo=UTC)
    assert (first.provider, first.workload) == ("openai", "support-bot")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"columns": {"model": "engine"}}, "started_at"),
        ({"columns": {"started_at": "when", "colour": "made"}}, "colour"),
        ({"time": {"zone": "Mars/Olympus"}}, "mapping.time.zone"),
        ({"unknown": 1}, "mapping.unknown"),
        ({"constants": {"model": "x"}}, "model"),
    ],
)
def test_a_mapping_that_cannot_hold_names_what_is_wrong(change: dict[str, Any], field: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=field):
        items(samples.CSV.write(tmp_path), "csv", mapping={**samples.CSV.mapping, **change})


def test_a_column_that_is_not_there_is_another_file(tmp_path: Path) -> None:
    columns = {**samples.CSV.mapping["columns"], "user": "who"}
    with pytest.raises(NotTheFormat, match="who"):
        items(samples.CSV.write(tmp_path), "csv", mapping={**samples.CSV.mapping, "columns": columns})


def test_a_time_without_a_zone_is_not_guessed(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "when\n2025-11-01T10:00:00\n")
    (bad,) = items(path, "csv", mapping={"columns": {"started_at": "when"}})
    assert isinstance(bad, Rejected)
    assert "no time zone" in bad.reason


# --- traces and boards


def test_a_trace_without_a_date_begins_where_the_caller_says(tmp_path: Path) -> None:
    path = samples.MOONCAKE.write(tmp_path)
    declared = read(path, "mooncake", start=datetime(2025, 1, 2, tzinfo=UTC))
    assert [e.started_at.microsecond for e in declared] == [0, 5000, 9000]
    assert {e.day.isoformat() for e in declared} == {"2025-01-02"}
    assumed = items(path, "mooncake")
    assert {e.day.isoformat() for e in of_type(assumed, UsageEvent)} == {"2025-02-25"}
    assert any("no date" in note.text for note in of_type(assumed, Note))


def test_a_runs_cost_of_0_is_no_price_and_its_counts_are_said_to_be_derived(tmp_path: Path) -> None:
    found = of_sample(samples.AIDER, tmp_path)
    first, second = of_type(found, UsageEvent)
    assert (first.workload, first.cycle_s, first.started_at) == (
        "polyglot",
        118.7,
        datetime(2025, 8, 23, 15, 47, 21, tzinfo=UTC),
    )
    assert (second.cost_nano_usd, second.price_basis, second.cycle_s) == (None, "none", None)
    assert [note.text for note in of_type(found, Note)] == ["passed cases derived from a pass rate"]


def test_a_rate_that_no_whole_number_of_cases_gives_is_a_bad_row(tmp_path: Path) -> None:
    run = "- {dirname: 2024-04-10-13-26-18--x, test_cases: 88, pass_rate_1: 21.4}\n"
    (bad,) = items(written(tmp_path, "refactor_leaderboard.yml", run), "aider")
    assert isinstance(bad, Rejected)
    assert bad.field == "pass_rate_1"
