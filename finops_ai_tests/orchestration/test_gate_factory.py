"""A gate passes only what it has looked at: everything else, from an empty table to a crash, has failed."""

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any

import dagster as dg
import pytest

from finops_ai.orchestration import gate_factory
from finops_ai.orchestration.gate_factory import Gate, GateVerdict, Rule, judge, must, should
from finops_ai_tests.conftest import REPOSITORY

ARTIFACTS = dg.DynamicPartitionsDefinition(name="artifacts")
SOURCES = "NIST AI 600-1 MS-2.5-003"
LENGTH = "OWASP LLM09"

ROWS = must("expect_table_row_count_to_be_between", min_value=1, why="an empty draft holds every rule", control=SOURCES)
CITED = must("expect_column_values_to_not_be_null", column="citation", why="a null is skipped", control=SOURCES)
HELD = must(
    "expect_column_values_to_be_in_set",
    column="citation",
    value_set={"held", "states_no_fact"},
    why="a stated fact cites an id that holds it",
    control=SOURCES,
)
WRITTEN = must("expect_column_values_to_not_be_null", column="sentence", why="a null is skipped", control=SOURCES)
SHORT = should(
    "expect_column_value_lengths_to_be_between",
    column="sentence",
    max_value=20,
    why="reviewers read by sentence",
    control=LENGTH,
)


def gate(*rules: Rule, **more: Any) -> Gate:
    return Gate(name="quality", description="Every sentence is held.", asset="draft", rules=rules, **more)


QUALITY = gate(ROWS, CITED, HELD, WRITTEN, SHORT)

Rows = Sequence[Mapping[str, Any]]


def sentences(*citations: object, text: object = "It grew by 4 %.") -> Rows:
    return [{"citation": citation, "sentence": text} for citation in citations]


def missed(verdict: GateVerdict) -> list[tuple[str, str, str]]:
    return [(failure.expectation, failure.column, failure.severity) for failure in verdict.failures]


# --- what a verdict says


def test_rows_that_hold_every_rule_pass() -> None:
    verdict = judge(QUALITY, sentences("held", "states_no_fact"))
    assert verdict == GateVerdict(gate="quality", passed=True, evaluated=5, controls=(SOURCES, LENGTH))


def test_a_miss_names_the_rule_its_column_how_many_rows_a_sample_and_the_control() -> None:
    (failure,) = judge(QUALITY, sentences("held", "not_held", "not_held")).failures
    assert (failure.expectation, failure.column, failure.severity) == (HELD.type, "citation", "critical")
    assert (failure.unexpected, failure.sample) == (2, "'not_held' | 'not_held'")
    assert (failure.control, failure.why) == (SOURCES, HELD.why)


def test_no_rows_fail_and_the_verdict_says_so() -> None:
    verdict = judge(QUALITY, [])
    assert not verdict.passed
    assert [failure.sample for failure in verdict.failures] == ["no rows"]
    assert verdict.error == "", "an empty draft is a finding, not a broken gate"


def test_a_column_of_nulls_fails_although_every_other_rule_holds_it() -> None:
    verdict = judge(QUALITY, sentences(None, None))
    assert not verdict.passed
    assert missed(verdict) == [(CITED.type, "citation", "critical")]


@pytest.mark.parametrize("null", [None, float("nan")])
def test_a_single_null_among_good_values_fails(null: object) -> None:
    assert missed(judge(QUALITY, sentences("held", null))) == [(CITED.type, "citation", "critical")]


def test_a_missing_column_is_a_gate_that_could_not_run_not_a_finding() -> None:
    verdict = judge(QUALITY, [{"citation": "held"}])
    assert not verdict.passed
    assert 'The column "sentence" in BatchData does not exist' in verdict.error
    assert missed(verdict) == [(WRITTEN.type, "sentence", "error"), (SHORT.type, "sentence", "error")]
    assert verdict.evaluated == 3
    assert verdict.line.startswith("could not run: ")


def test_a_row_that_lacks_a_column_is_a_null_in_it() -> None:
    rows = [{"citation": "held", "sentence": "a"}, {"citation": "held"}]
    assert missed(judge(QUALITY, rows)) == [(WRITTEN.type, "sentence", "critical")]


def test_a_miss_of_a_warning_is_listed_and_stops_nothing() -> None:
    verdict = judge(QUALITY, sentences("held", text="x" * 21))
    assert verdict.passed
    assert missed(verdict) == [(SHORT.type, "sentence", "warning")]
    assert verdict.to_check_result().passed
    assert verdict.line == (
        f"passed: 5 expectations; warnings: sentence is {'x' * 21!r}: reviewers read by sentence [{LENGTH}]"
    )


def test_a_warning_beside_a_failure_does_not_soften_it() -> None:
    verdict = judge(QUALITY, sentences("not_held", text="x" * 21))
    assert not verdict.passed
    assert verdict.to_check_result().severity is dg.AssetCheckSeverity.ERROR


def test_integers_beside_a_null_are_judged_exactly() -> None:
    """Guessed types would turn the column into floats, in which these two integers are the same."""
    exact = must("expect_column_values_to_be_in_set", column="nano_usd", value_set=[2**53], why="w", control=SOURCES)
    there = must("expect_column_values_to_not_be_null", column="nano_usd", why="w", control=SOURCES)
    verdict = judge(gate(ROWS, there, exact), [{"nano_usd": 2**53 + 1}, {"nano_usd": None}])
    assert [failure.sample for failure in verdict.failures] == ["None", str(2**53 + 1)]


def test_a_rule_about_two_columns_names_both() -> None:
    rules = [must(CITED.type, column=column, why="w", control=SOURCES) for column in ("cost", "limit")]
    below = must(
        "expect_column_pair_values_a_to_be_greater_than_b", column_A="limit", column_B="cost", why="w", control=SOURCES
    )
    (failure,) = judge(gate(ROWS, *rules, below), [{"cost": 3, "limit": 2}]).failures
    assert (failure.column, failure.unexpected) == ("limit, cost", 1)


@pytest.mark.parametrize(("cost", "passed"), [(4, True), (6, False)])
def test_a_rule_about_a_whole_column_shows_what_was_observed(cost: int, passed: bool) -> None:
    there = must(CITED.type, column="cost", why="w", control=SOURCES)
    mean = must("expect_column_mean_to_be_between", column="cost", max_value=5, why="w", control=SOURCES)
    verdict = judge(gate(ROWS, there, mean), [{"cost": cost}])
    assert verdict.passed is passed
    assert [failure.sample for failure in verdict.failures] == ([] if passed else ["6.0"])


def test_samples_are_few_short_and_show_invisible_characters() -> None:
    """They come from sources that nobody trusts, and the event log keeps them for ever."""
    (failure,) = judge(QUALITY, sentences(*["\u202e" + "x" * 9_999] * 50)).failures
    assert failure.unexpected == 50
    assert failure.sample.startswith(r"'\u202exxx")
    assert len(failure.sample) < 500


def test_a_verdict_as_a_dict_is_json_and_is_the_same_for_the_same_rows() -> None:
    """It becomes part of the packet's digest."""
    first, second = (judge(QUALITY, sentences("not_held", text="x" * 21)).as_dict() for _ in range(2))
    assert json.loads(json.dumps(first)) == first == second
    assert first["failures"][0]["unexpected"] == 1


def test_the_check_result_leads_with_the_verdict_and_plots_nothing() -> None:
    """The web UI keeps the order, and draws a chart for every number."""
    metadata = judge(QUALITY, sentences("not_held")).to_check_result().metadata
    assert list(metadata) == ["verdict", "controls", "failures", "evaluated"]
    assert not [value for value in metadata.values() if isinstance(value, dg.IntMetadataValue | dg.FloatMetadataValue)]
    table = metadata["failures"]
    assert isinstance(table, dg.TableMetadataValue)
    columns = ["column", "sample", "why", "control", "unexpected", "severity", "expectation"]
    assert list(table.records[0].data) == columns


# --- confidential columns


def test_samples_of_a_confidential_column_never_leave_the_gate() -> None:
    verdict = judge(gate(*QUALITY.rules, confidential=frozenset({"citation"})), sentences("top-secret"))
    assert missed(verdict) == [(HELD.type, "citation", "critical")]
    assert "top-secret" not in repr(verdict)


def test_an_error_does_not_quote_a_confidential_value() -> None:
    ordered = must("expect_column_values_to_be_between", column="citation", max_value=5, why="w", control=SOURCES)
    secretive = gate(ROWS, CITED, ordered, confidential=frozenset({"citation"}))
    assert judge(secretive, sentences("top-secret")).error.endswith("(message withheld: confidential columns)")
    assert "top-secret" not in repr(judge(secretive, ["top-secret"]))  # type: ignore[list-item]


# --- a gate that cannot be run


def test_an_exception_in_the_library_is_a_failed_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("metric registry is gone")

    monkeypatch.setattr(gate_factory, "_validate", broken)
    verdict = judge(QUALITY, sentences("held"))
    assert not verdict.passed
    assert verdict.error == "RuntimeError: metric registry is gone"


def test_an_expectation_without_a_result_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    complete = gate_factory._validate

    def forgetful(*arguments: Any) -> dict[int, Any]:
        return {position: result for position, result in complete(*arguments).items() if position != 2}

    monkeypatch.setattr(gate_factory, "_validate", forgetful)
    verdict = judge(QUALITY, sentences("held"))
    assert not verdict.passed
    assert verdict.error == f"{HELD.type}(citation): no result"


@pytest.mark.parametrize(
    "mistyped",
    [
        must("expect_column_values_to_be_in_sett", column="citation", value_set=["held"], why="w", control=SOURCES),
        must("expect_column_values_to_be_in_set", column="citation", values=["held"], why="w", control=SOURCES),
        must("expect_column_values_to_be_in_set", column="citation", why="w", control=SOURCES),
    ],
)
def test_a_rule_the_library_does_not_understand_fails_instead_of_being_ignored(mistyped: Rule) -> None:
    verdict = judge(gate(ROWS, CITED, mistyped), sentences("held"))
    assert not verdict.passed
    assert verdict.error


@pytest.mark.parametrize("rows", [None, 7, [7], ["held"], [None]])
def test_rows_that_are_no_rows_are_a_failed_verdict(rows: Any) -> None:
    assert not judge(QUALITY, rows).passed


# --- a suite that could pass without having looked


@pytest.mark.parametrize(
    "no_guard",
    [
        (),
        (should(ROWS.type, min_value=1, why="w", control=SOURCES),),
        (must(ROWS.type, min_value=0, why="w", control=SOURCES),),
        (must(ROWS.type, max_value=9, why="w", control=SOURCES),),
    ],
)
def test_a_gate_that_would_pass_an_empty_table_cannot_be_made(no_guard: tuple[Rule, ...]) -> None:
    with pytest.raises(ValueError, match="quality could pass without having looked: no must"):
        gate(*no_guard, CITED, HELD)


@pytest.mark.parametrize(
    "no_guard",
    [
        (),
        (WRITTEN,),
        (should(CITED.type, column="citation", why="w", control=SOURCES),),
        (must(CITED.type, column="citation", mostly=0.5, why="w", control=SOURCES),),
    ],
)
def test_a_gate_that_would_pass_a_column_of_nulls_cannot_be_made(no_guard: tuple[Rule, ...]) -> None:
    with pytest.raises(ValueError, match=r"no rule of its severity demands .*column='citation'"):
        gate(ROWS, *no_guard, HELD)


@pytest.mark.parametrize(
    "blind",
    [
        must("expect_column_sum_to_be_between", column="cost", max_value=5, why="w", control=SOURCES),
        must("expect_column_distinct_values_to_be_in_set", column="cost", value_set=[1], why="w", control=SOURCES),
        must("expect_compound_columns_to_be_unique", column_list=["cost"], why="w", control=SOURCES),
    ],
)
def test_rules_about_a_whole_column_or_several_need_the_guard_too(blind: Rule) -> None:
    """The sum of nothing is 0, and an empty set lies in every set."""
    with pytest.raises(ValueError, match="column='cost'"):
        gate(ROWS, blind)


def test_a_rule_that_selects_its_rows_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="row_condition"):
        must(HELD.type, column="citation", value_set=["held"], row_condition="a==1", why="w", control=SOURCES)


@pytest.mark.parametrize("blank", ["why", "control"])
def test_a_rule_without_a_reason_or_a_control_cannot_be_made(blank: str) -> None:
    with pytest.raises(ValueError, match="which control it serves"):
        must(CITED.type, column="citation", **{"why": "w", "control": SOURCES, blank: " "})


def test_a_gate_can_be_hashed_and_cannot_be_changed_through_what_it_was_made_of() -> None:
    allowed = ["held"]
    rule = must(HELD.type, column="citation", value_set=allowed, why="w", control=SOURCES)
    allowed.append("anything")
    assert rule.kwargs["value_set"] == ["held"]
    with pytest.raises(TypeError):
        rule.kwargs["value_set"] = ["anything"]  # type: ignore[index]
    assert {gate(ROWS, CITED, rule)}


# --- threads


def test_threads_never_get_each_others_verdict() -> None:
    """One batch definition for all threads gets this wrong without an exception: bad rows pass, good ones fail."""
    verdicts_per_thread = 100 if os.environ.get("FINOPS_AI_TESTS_LONG") else 12

    def wrong(thread: int) -> int:
        cases = [(sentences("held"), True), (sentences("not_held"), False)]
        turns = (cases[(thread + turn) % 2] for turn in range(verdicts_per_thread))
        return sum(judge(QUALITY, rows).passed is not expected for rows, expected in turns)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(wrong, range(8))) == 0


# --- in Dagster

DRAFTS = {"art-good": sentences("held"), "art-bad": sentences("not_held")}


@dg.asset(partitions_def=ARTIFACTS, check_specs=[QUALITY.spec(ARTIFACTS)])
def draft(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]
    verdict = judge(QUALITY, DRAFTS[context.partition_key])
    return dg.MaterializeResult(check_results=[verdict.to_check_result()])


@dg.asset(partitions_def=ARTIFACTS, deps=[draft])
def published() -> None: ...


@pytest.fixture
def instance() -> dg.DagsterInstance:
    instance = dg.DagsterInstance.ephemeral()
    instance.add_dynamic_partitions("artifacts", list(DRAFTS))
    return instance


def run(instance: dg.DagsterInstance, artifact: str) -> dg.ExecuteInProcessResult:
    return dg.materialize([draft, published], partition_key=artifact, instance=instance, raise_on_error=False)


def test_a_passed_gate_lets_the_next_step_run(instance: dg.DagsterInstance) -> None:
    result = run(instance, "art-good")
    assert result.success
    assert result.asset_materializations_for_node("published")


def test_a_failed_gate_fails_the_run_and_the_next_step_does_not_run(instance: dg.DagsterInstance) -> None:
    result = run(instance, "art-bad")
    assert not result.success
    assert result.asset_materializations_for_node("draft"), "what was produced stays visible"
    assert not result.asset_materializations_for_node("published")


def test_the_evaluation_carries_its_artifact_and_its_findings(instance: dg.DagsterInstance) -> None:
    (evaluation,) = run(instance, "art-bad").get_asset_check_evaluations()
    assert (evaluation.partition, evaluation.passed, evaluation.blocking) == ("art-bad", False, True)
    assert evaluation.severity is dg.AssetCheckSeverity.ERROR
    assert evaluation.metadata["verdict"].value == f"failed: citation is 'not_held': {HELD.why} [{HELD.control}]"


@pytest.mark.parametrize("order", [["art-good", "art-bad"], ["art-bad", "art-good"]])
def test_the_latest_verdicts_of_two_artifacts_are_not_mixed(instance: dg.DagsterInstance, order: list[str]) -> None:
    from dagster._core.event_api import PartitionKeyFilter

    for artifact in order:
        run(instance, artifact)
    key = dg.AssetCheckKey(dg.AssetKey("draft"), "quality")
    statuses = {}
    for artifact in [*order, "art-never-judged"]:
        latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(
            [key], partition_filter=PartitionKeyFilter(key=artifact)
        )
        statuses[artifact] = latest[key].status.value if key in latest else None
    assert statuses == {"art-good": "SUCCEEDED", "art-bad": "FAILED", "art-never-judged": None}


def test_a_step_that_forgets_its_verdict_fails_the_run(instance: dg.DagsterInstance) -> None:
    quality = Gate(name="quality", description="d", asset="forgetful", rules=QUALITY.rules)

    @dg.asset(partitions_def=ARTIFACTS, check_specs=[quality.spec(ARTIFACTS)])
    def forgetful() -> dg.MaterializeResult:  # type: ignore[type-arg]
        return dg.MaterializeResult()

    @dg.asset(partitions_def=ARTIFACTS, deps=[forgetful])
    def after() -> None: ...

    result = dg.materialize([forgetful, after], partition_key="art-good", instance=instance, raise_on_error=False)
    assert not result.success
    assert not result.asset_materializations_for_node("after")


def test_the_check_says_what_green_means_and_which_controls_it_serves() -> None:
    spec = QUALITY.spec(ARTIFACTS)
    assert (spec.blocking, spec.partitions_def, spec.key.name) == (True, ARTIFACTS, "quality")
    assert spec.description is not None
    for part in ("Every sentence is held.", SOURCES, LENGTH, "produced, not approved"):
        assert part in spec.description


def test_the_warning_about_partitioned_checks_is_silenced() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", dg.PreviewWarning)

        @dg.asset(partitions_def=ARTIFACTS, check_specs=[QUALITY.spec(ARTIFACTS)])
        def draft() -> dg.MaterializeResult: ...  # type: ignore[type-arg,empty-body]

        dg.Definitions.validate_loadable(dg.Definitions([draft]))


def test_no_other_warning_is_silenced(monkeypatch: pytest.MonkeyPatch) -> None:
    def spec(*_: object, **__: object) -> None:
        warnings.warn("Blocking checks are now a preview", dg.PreviewWarning, stacklevel=2)

    monkeypatch.setattr(dg, "AssetCheckSpec", spec)
    with pytest.warns(dg.PreviewWarning, match="Blocking checks"):
        QUALITY.spec(ARTIFACTS)


def test_loading_gates_imports_neither_great_expectations_nor_pandas() -> None:
    """They cost four seconds, and every process that loads the definitions would pay."""
    code = (
        "import sys;"
        "from finops_ai_tests.orchestration.test_gate_factory import ARTIFACTS, QUALITY, judge;"
        "QUALITY.spec(ARTIFACTS); judge(QUALITY, []);"
        "print(sorted({'pandas', 'great_expectations', 'openai'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert done.stdout.strip() == "[]"


def test_a_gate_judges_in_a_process_without_a_main_file_where_spark_is_installed() -> None:
    """Great Expectations imports Spark's client, which ends such a process with exit code 0: a run that ended at its gate
    would look like one that passed it.
    """
    assert find_spec("pyspark"), "the development requirements bring it"
    script = """
from finops_ai.orchestration.gate_factory import judge
from finops_ai.orchestration.gates import readiness_gate
import sys
verdict = judge(readiness_gate(), [{"item": "draft", "state": "missing"}])
print("judged", verdict.passed, "pyspark" in sys.modules)
"""
    command = [sys.executable, "-W", "ignore", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert done.stdout.split() == ["judged", "False", "False"]
