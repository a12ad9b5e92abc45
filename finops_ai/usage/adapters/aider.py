"""Aider's leaderboards: one run of a benchmark for each entry, with its cost, what passed and how long a case took.

Belongs here: this YAML. Does not: comparing runs. A case that passes is an approved outcome; at the first try, approved at
first. `total_cost` 0 or missing means unknown or free: unpriced. Requests are not counted. A board with a single try has no
rework: what passes, passes at first. Where there are only pass rates, a count is derived if one whole number of cases alone
gives the rate, to its one decimal; a rate that none gives is a bad row. Source: Aider-AI/aider, website/_data/*.yml.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from finops_ai.usage.fields import count, find, needed_text, number, text, usd
from finops_ai.usage.model import UsageEvent
from finops_ai.usage.reading import Item, LogFile, Note, NotTheFormat, Options, Row, WrongValue, judged

CHARS_MAX = 16 * 1024 * 1024
DERIVED = Note("passed cases derived from a pass rate")
_STARTED = "%Y-%m-%d-%H-%M-%S"  # a run's folder begins with it
_HALF = Decimal("0.05")  # a rate is written with one decimal


def read(log: LogFile, options: Options) -> Iterator[Item]:
    """The workload is the board's name: the file's, without `_leaderboard`."""
    workload = log.stem.removesuffix("_leaderboard")
    return judged(_runs(log), lambda row: _items(row.values, workload))


def _runs(log: LogFile) -> Iterator[Row]:
    import yaml

    with log.text() as stream:
        written = stream.read(CHARS_MAX + 1)
    if len(written) > CHARS_MAX:
        raise NotTheFormat("", f"longer than {CHARS_MAX:,} characters")
    try:
        runs = yaml.load(written, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise NotTheFormat("", f"not valid YAML: {error}") from None
    if not isinstance(runs, list):
        raise NotTheFormat("", "no leaderboard: a list of runs is expected")
    yield from (Row(line=index, values=run) for index, run in enumerate(runs, start=1))


def _items(run: Any, workload: str) -> list[Item]:
    if not isinstance(run, Mapping):
        raise WrongValue("dirname", "a run with its fields is expected")
    folder, cases = needed_text(run, "dirname"), count(run, "test_cases")
    first, passed, derived = _passes(run, cases)
    cost = usd(run, "total_cost") or None
    event = UsageEvent(
        event_id=f"aider:{workload}/{folder}",
        source="aider",
        started_at=_started_at(folder),
        model=text(run, "model"),
        workload=workload,
        run=folder,
        operation=text(run, "edit_format"),
        requests=0,
        input_tokens=count(run, "prompt_tokens", 0),
        output_tokens=count(run, "completion_tokens", 0),
        outcomes=cases,
        approved=passed,
        approved_first=first,
        cycle_s=number(run, "seconds_per_case") or None,
        cost_nano_usd=cost,
        price_basis="none" if cost is None else "reported",
    )
    return [event, DERIVED] if derived else [event]


def _passes(run: Mapping[str, Any], cases: int) -> tuple[int, int, bool]:
    """Passed at the first try, passed in the end, and whether a count had to be derived."""
    tries = 2 if "pass_num_2" in run or "pass_rate_2" in run else 1
    counted = [find(run, f"pass_num_{nth}") is not None for nth in (1, tries)]
    first, last = (_passed(run, nth, cases) for nth in (1, tries))
    return first, last, not all(counted)


def _passed(run: Mapping[str, Any], nth: int, cases: int) -> int:
    if find(run, f"pass_num_{nth}") is not None:
        return count(run, f"pass_num_{nth}")
    name = f"pass_rate_{nth}"
    if (rate := number(run, name)) is None:
        raise WrongValue(name, "neither passed cases nor a pass rate")
    percent = Decimal(str(rate))
    near = int(percent * cases / 100)
    fitting = (
        [n for n in (near - 1, near, near + 1) if abs(Decimal(100 * n) / cases - percent) <= _HALF] if cases else []
    )
    if len(fitting) != 1:
        raise WrongValue(name, f"{percent} % of {cases} cases is not one whole number of cases")
    return fitting[0]


def _started_at(folder: str) -> datetime:
    try:
        return datetime.strptime(folder[:19], _STARTED).replace(tzinfo=UTC)
    except ValueError:
        raise WrongValue("dirname", f"{folder[:40]!r} does not begin with a time (YYYY-MM-DD-hh-mm-ss)") from None
