"""The one factory that turns a gate, which is data, into a Dagster check and a verdict, through Great Expectations.

Belongs here: what a rule, a gate and a verdict are, which suites are unsafe, running one. Does not: any particular gate
(`gates`), what a row means (the domain), what follows from a verdict (the asset that asked for it).

A gate fails closed: no rows, a missing column, an expectation without a result, an exception are all a failed verdict.
"""

import contextlib
import json
import os
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import dagster as dg

Severity = Literal["critical", "warning"]

ROW_COUNT = "expect_table_row_count_to_be_between"
NOT_NULL = "expect_column_values_to_not_be_null"
ABOUT_NULLS = {NOT_NULL, "expect_column_values_to_be_null", "expect_column_to_exist"}  # never skip a null

SAMPLES_MAX = 5  # per failure; the event log keeps them for ever
SAMPLE_CHARS_MAX = 80
ERROR_CHARS_MAX = 500
# BASIC is the cheapest format that still names what was unexpected; SUMMARY costs half as much again
RESULT_FORMAT = {"result_format": "BASIC", "partial_unexpected_count": SAMPLES_MAX}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One expectation, the reason it exists, and the control it serves."""

    type: str  # Great Expectations' snake_case name
    kwargs: Mapping[str, Any] = field(hash=False)  # plain JSON; sets become sorted lists
    why: str
    control: str
    severity: Severity

    def __post_init__(self) -> None:
        if not self.why.strip() or not self.control.strip():
            raise ValueError(f"{self.type}: a rule says why it exists and which control it serves")
        if "row_condition" in self.kwargs:
            raise ValueError(f"{self.type}: a row_condition that no row meets passes; filter where the rows are made")
        plain = json.loads(json.dumps(dict(self.kwargs), default=sorted, allow_nan=False))
        object.__setattr__(self, "kwargs", MappingProxyType(plain))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns whose values it judges; none for an expectation about the table."""
        single = (self.kwargs.get(name) for name in ("column", "column_A", "column_B"))
        return tuple(column for column in (*single, *self.kwargs.get("column_list", ())) if column)


def must(expectation: str, /, *, why: str, control: str, **kwargs: Any) -> Rule:
    """A rule whose miss stops the artifact."""
    return Rule(type=expectation, kwargs=kwargs, why=why, control=control, severity="critical")


def should(expectation: str, /, *, why: str, control: str, **kwargs: Any) -> Rule:
    """A rule whose miss is reported and stops nothing."""
    return Rule(type=expectation, kwargs=kwargs, why=why, control=control, severity="warning")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A named set of rules about one asset. Raises ValueError for a suite that could pass without having looked."""

    name: str
    description: str
    asset: str
    rules: tuple[Rule, ...]
    confidential: frozenset[str] = frozenset()  # columns whose values never become metadata, nor part of an error

    def __post_init__(self) -> None:
        if weaknesses := list(_weaknesses(self.rules)):
            raise ValueError(f"gate {self.name} could pass without having looked: {'; '.join(weaknesses)}")

    @property
    def controls(self) -> tuple[str, ...]:
        """Every control its rules serve, in the order in which they are first named."""
        return tuple(dict.fromkeys(rule.control for rule in self.rules))

    def spec(self, partitions_def: dg.PartitionsDefinition[str] | None) -> dg.AssetCheckSpec:
        """The check as the asset declares it: blocking, and with a verdict of its own for every partition."""
        with warnings.catch_warnings():
            # known and wanted; a test of Dagster's facts fails when the preview changes or ends
            message = "Specifying a partitions_def on an AssetCheckSpec"
            warnings.filterwarnings("ignore", message=message, category=dg.PreviewWarning)
            return dg.AssetCheckSpec(
                self.name,
                asset=dg.AssetKey.from_user_string(self.asset),
                description=_description(self),
                blocking=True,
                partitions_def=partitions_def,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One expectation that did not hold, or (severity `error`) that gave no answer."""

    # in the order in which the web UI shows them: a reader wants the reason before the machinery
    column: str  # several are joined by a comma; empty for an expectation about the table
    sample: str
    why: str
    control: str
    unexpected: int  # rows; 0 for an expectation about the table or about a whole column
    severity: Severity | Literal["error"]
    expectation: str

    @property
    def line(self) -> str:
        """What was found, why that matters, which control it serves."""
        found = (
            f"{self.column or self.expectation} is {self.sample}" if self.sample else self.column or self.expectation
        )
        return f"{found}: {self.why} [{self.control}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateVerdict:
    """What a gate found."""

    gate: str
    passed: bool
    evaluated: int  # expectations that gave an answer
    failures: tuple[Failure, ...] = ()
    error: str = ""  # not empty: the gate could not run, and so did not pass
    controls: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The verdict as one line, for lists and for the head of the check's metadata."""
        if self.error:
            return f"could not run: {self.error}"
        head = f"passed: {self.evaluated} expectations" if self.passed else f"failed: {self._lines('critical')}"
        warned = self._lines("warning")
        return f"{head}; warnings: {warned}" if warned else head

    def _lines(self, severity: Severity) -> str:
        return "; ".join(failure.line for failure in self.failures if failure.severity == severity)

    def to_check_result(self, asset_key: dg.AssetKey | None = None) -> dg.AssetCheckResult:
        """For Dagster. `asset_key` is needed only where one step declares checks on several assets.

        Severity is always ERROR: a failed check of severity WARN would block nothing.
        """
        metadata: dict[str, dg.MetadataValue] = {
            "verdict": dg.MetadataValue.text(self.line),
            "controls": dg.MetadataValue.text(", ".join(self.controls)),
        }
        if self.failures:
            metadata["failures"] = dg.MetadataValue.table(
                [dg.TableRecord(asdict(failure)) for failure in self.failures]
            )
        metadata["evaluated"] = dg.MetadataValue.text(f"{self.evaluated} expectations")  # a number would be plotted
        return dg.AssetCheckResult(
            passed=self.passed,
            asset_key=asset_key,
            check_name=self.gate,
            severity=dg.AssetCheckSeverity.ERROR,
            description=self.line,
            metadata=metadata,
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values in rule order, so that equal verdicts have equal digests."""
        failures = [asdict(failure) for failure in self.failures]
        return {**asdict(self), "failures": failures, "controls": list(self.controls)}


def judge(gate: Gate, rows: Sequence[Mapping[str, Any]]) -> GateVerdict:
    """Hold the rows against the gate. Never raises: whatever goes wrong is a verdict that did not pass."""
    try:
        kept = list(rows)
        return _judged(gate, _validate(gate, kept)) if kept else _without_rows(gate)
    except Exception as error:  # noqa: BLE001  # a gate that breaks must not look like one that was never there
        message = _shown_error(gate, f"{type(error).__name__}: {error}", instead=type(error).__name__)
        return GateVerdict(gate=gate.name, passed=False, evaluated=0, error=message, controls=gate.controls)


def _weaknesses(rules: Sequence[Rule]) -> Iterator[str]:
    """An empty table and a column of nulls hold (nearly) every expectation, so both need a rule of their own."""
    if not any(_demands_rows(rule) for rule in rules):
        yield f"no must({ROW_COUNT}, min_value=1)"
    guarded = {(column, rule.severity) for rule in rules if _demands_values(rule) for column in rule.columns}
    for rule in rules:
        for column in () if rule.type in ABOUT_NULLS else rule.columns:
            if not guarded & {(column, "critical"), (column, rule.severity)}:
                yield f"{rule.type} skips nulls, and no rule of its severity demands {NOT_NULL}(column={column!r})"


def _demands_rows(rule: Rule) -> bool:
    return rule.type == ROW_COUNT and rule.severity == "critical" and (rule.kwargs.get("min_value") or 0) >= 1


def _demands_values(rule: Rule) -> bool:
    return rule.type == NOT_NULL and rule.kwargs.get("mostly", 1) == 1


def _description(gate: Gate) -> str:
    """Plain sentences: the page of a check shows Markdown as it is written."""
    return (
        f"{gate.description} Serves {', '.join(gate.controls)}. "
        f"A green partition of {gate.asset} means produced, not approved: this check is the gate. "
        "A failure is an ERROR and stops the run. A verdict that is missing, or shown as Execution failed, counts as "
        "failed. To judge again, materialize the partition again."
    )


def _without_rows(gate: Gate) -> GateVerdict:
    """Judged without asking: a table without rows has no columns either, and would read as a gate that is broken."""
    rule = next(rule for rule in gate.rules if _demands_rows(rule))
    failure = _failure(rule, severity="critical", sample="no rows")
    return GateVerdict(gate=gate.name, passed=False, evaluated=1, failures=(failure,), controls=gate.controls)


def _judged(gate: Gate, results: Mapping[int, Any]) -> GateVerdict:
    """From Great Expectations' results, by the position of their rule, to ours."""
    failures, errors = [], []
    for position, rule in enumerate(gate.rules):
        result: Any = results.get(position)
        if problem := _no_answer(result):
            errors.append(f"{rule.type}({', '.join(rule.columns)}): {_shown_error(gate, problem, instead='no answer')}")
            failures.append(_failure(rule, severity="error"))
        elif not result.success:
            failures.append(_missed(gate, rule, result.result))
    return GateVerdict(
        gate=gate.name,
        passed=not errors and not any(failure.severity == "critical" for failure in failures),
        evaluated=len(gate.rules) - len(errors),
        failures=tuple(failures),
        error="; ".join(errors),
        controls=gate.controls,
    )


def _no_answer(result: Any) -> str | None:
    """Why there is no answer; None when there is one.

    An expectation that raised, as it does on a missing column, comes back as `success=False` like any other miss. What
    tells is `exception_info`, in one of two shapes: flat, or keyed by metric.
    """
    if result is None:
        return "no result"
    info = result.exception_info or {}
    parts = [info] if "raised_exception" in info else info.values()
    return next((part.get("exception_message") or "it raised" for part in parts if part.get("raised_exception")), None)


def _missed(gate: Gate, rule: Rule, found: Mapping[str, Any]) -> Failure:
    unexpected = found.get("partial_unexpected_list", [found["observed_value"]] if "observed_value" in found else [])
    sample = "(confidential)" if gate.confidential & {*rule.columns} else " | ".join(map(_shown, unexpected))
    return _failure(rule, severity=rule.severity, unexpected=int(found.get("unexpected_count") or 0), sample=sample)


def _failure(rule: Rule, *, severity: Severity | Literal["error"], unexpected: int = 0, sample: str = "") -> Failure:
    return Failure(
        expectation=rule.type,
        column=", ".join(rule.columns),
        severity=severity,
        unexpected=unexpected,
        sample=sample,
        control=rule.control,
        why=rule.why,
    )


def _shown(value: Any) -> str:
    """`repr` of text makes invisible and direction-changing characters visible: samples come from untrusted sources."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= SAMPLE_CHARS_MAX else f"{text[: SAMPLE_CHARS_MAX - 1]}…"


def _shown_error(gate: Gate, message: str, *, instead: str) -> str:
    """An exception may quote the value it stumbled over."""
    return f"{instead} (message withheld: confidential columns)" if gate.confidential else message[:ERROR_CHARS_MAX]


# --- Great Expectations, imported by the first verdict of a process: it costs four seconds and 200 MB

_own = threading.local()  # a batch definition per thread: a shared one gives false passes, it keeps the frame itself
_first = threading.Lock()  # the import and the first context fill registries that all threads share


def _validate(gate: Gate, rows: list[Mapping[str, Any]]) -> dict[int, Any]:
    """Great Expectations' result for each rule, by its position: the results come in an order of their own."""
    with _first:
        if not hasattr(_own, "batch_definition"):
            _own.batch_definition = _new_batch_definition()
    import pandas as pd

    # dtype=object: a column keeps its Python values. Guessing would make a column of integers with one null floats.
    frame = pd.DataFrame(rows, dtype=object)
    batch = _own.batch_definition.get_batch({"dataframe": frame})
    validated = batch.validate(_suite(gate), result_format=RESULT_FORMAT)
    return {result.expectation_config.meta["rule"]: result for result in validated.results}


def _new_batch_definition() -> Any:
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")  # read while it is imported
    with _unseen("pyspark", "pyspark.sql.connect"):
        import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("gate").add_dataframe_asset("rows")
    return asset.add_batch_definition_whole_dataframe("all")


@contextlib.contextmanager
def _unseen(*modules: str) -> Iterator[None]:
    """Where the `spark` extra is installed, Great Expectations imports Spark's client, which no gate needs.

    That takes a second, and in a process without a main file (`python -c`, a spawned one) it *ends the process* with exit
    code 0 (pyspark 4.3, `check_dependencies`): a gate that ends its run as if all were well is the worst that can happen.
    """
    kept = {name: sys.modules[name] for name in modules if name in sys.modules}
    sys.modules.update(dict.fromkeys(modules, None))  # type: ignore[arg-type]  # None: an ImportError for who asks
    try:
        yield
    finally:
        for name in modules:
            del sys.modules[name]
        sys.modules.update(kept)


def _suite(gate: Gate) -> Any:
    """Made anew for every verdict: it takes a hundredth of the validation, and cannot be stale."""
    import great_expectations as gx
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    expectations = [
        ExpectationConfiguration(type=rule.type, kwargs=dict(rule.kwargs), meta={"rule": position}).to_domain_obj()
        for position, rule in enumerate(gate.rules)
    ]
    return gx.ExpectationSuite(gate.name, expectations=expectations)
