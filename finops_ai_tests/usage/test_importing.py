"""What an import leaves behind: every event once, as a whole or not at all, and what did not fit with its reason."""

import csv
import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from finops_ai.settings import Settings
from finops_ai.store import Database, LockTaken, open_database, tables
from finops_ai.usage import (
    COLUMNS,
    Imported,
    ImportRefused,
    Options,
    PartMissing,
    UsageError,
    UsageEvent,
    damaged,
    import_files,
    importing,
    keep_events,
    lake,
    paths,
)
from finops_ai_tests.usage import samples


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def kept(database: Database, home: Path, select: str, **days: date) -> list[tuple[Any, ...]]:
    """A query over the events that count, as a reader asks it."""
    import duckdb

    with database.read() as connection:
        files = [str(path) for path in paths(connection, home, **days)]
    if not files:
        return []
    with duckdb.connect() as reader:
        query = select.replace("events", "read_parquet($files, hive_partitioning=false)")
        return reader.execute(query, {"files": files}).fetchall()


def count(database: Database, home: Path) -> int:
    found = kept(database, home, "SELECT count(*) FROM events")
    return int(found[0][0]) if found else 0


def trace(folder: Path, rows: Sequence[tuple[str, int, int]], name: str = "trace_code.csv") -> Path:
    path = folder / name
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("TIMESTAMP", "ContextTokens", "GeneratedTokens"))
        writer.writerows(rows)
    return path


def rows(number: int, *, first: int = 0) -> list[tuple[str, int, int]]:
    start = datetime(2025, 11, 1, 23, 50)  # noqa: DTZ001 - as the log writes it
    return [((start + timedelta(minutes=n)).isoformat(" "), 100 + n, n) for n in range(first, first + number)]


def imported(database: Database, home: Path, *files: Path, form: str = "azure-trace", **options: Any) -> list[Imported]:
    return import_files(database, home, files, format=form, options=Options(**options))


def quarantine(found: Imported) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(found.quarantine).read_text().splitlines()]


# --- what is kept


def test_events_lie_in_a_folder_for_each_day_sorted_by_time(database: Database, home: Path, tmp_path: Path) -> None:
    (found,) = imported(database, home, trace(tmp_path, rows(20)[::-1]))
    assert (found.rows, found.events, found.days, found.quarantined) == (20, 20, 2, 0)
    with database.read() as connection:
        files = paths(connection, home)
    assert [file.parent.name for file in files] == ["day=2025-11-01", "day=2025-11-02"]
    days = (date(2025, 11, 1), date(2025, 11, 2))
    times = [kept(database, home, "SELECT started_at FROM events", first=day, last=day) for day in days]
    assert [len(day) for day in times] == [10, 10]
    assert all(day == sorted(day) for day in times)


def test_the_files_have_exactly_the_columns_of_the_contract(
    sqlite_database: Database, home: Path, tmp_path: Path
) -> None:
    imported(sqlite_database, home, trace(tmp_path, rows(1)))
    names = {"string": "VARCHAR", "timestamp": "TIMESTAMP", "int64": "BIGINT", "float64": "DOUBLE", "date": "DATE"}
    found = [(row[0], row[1]) for row in kept(sqlite_database, home, "DESCRIBE SELECT * FROM events")]
    assert found == [(name, names[kind]) for name, kind in COLUMNS.items()]


def test_every_value_comes_back_as_it_went_in(sqlite_database: Database, home: Path) -> None:
    """Text with all that a CSV could trip over, absent values, fractions, amounts beyond a double."""
    event = UsageEvent(
        event_id="x:1", source="x", started_at=datetime(2025, 11, 1, 1, 2, 3, 456789, tzinfo=UTC), ended_at=None,
        provider='a "quoted", \\ name', model="", workload="NULL", user="ümläut ☃", run="'; DROP", operation="\\N",
        requests=0, input_tokens=10**12, output_tokens=7, latency_ms=0.1 + 0.2, first_token_ms=None, cycle_s=1e-7,
        cost_nano_usd=9_007_199_254_740_993, price_basis="reported",
    )  # fmt: skip
    keep_events(sqlite_database, home, [event], name="one")
    (row,) = kept(sqlite_database, home, "SELECT * FROM events")
    found = dict(zip(COLUMNS, row, strict=True))
    stated = {name: getattr(event, name) for name in COLUMNS}
    assert found == stated | {"started_at": event.started_at.replace(tzinfo=None), "day": date(2025, 11, 1)}


def test_a_range_of_days_names_only_its_files(database: Database, home: Path, tmp_path: Path) -> None:
    imported(database, home, trace(tmp_path, rows(20)))
    with database.read() as connection:
        assert len(paths(connection, home, first=date(2025, 11, 2))) == 1
        assert len(paths(connection, home, last=date(2025, 11, 1))) == 1
        assert paths(connection, home, first=date(2025, 11, 3)) == []


def test_a_file_that_is_gone_is_an_error_and_one_that_changed_is_found(
    database: Database, home: Path, tmp_path: Path
) -> None:
    """Figures without it would be too low, and nobody would know."""
    imported(database, home, trace(tmp_path, rows(20)))
    with database.read() as connection:
        first, second = paths(connection, home)
        assert damaged(connection, home) == []
        first.write_bytes(first.read_bytes()[:-1])
        assert damaged(connection, home) == [str(first.relative_to(lake.folder_of(home)))]
        second.unlink()
        with pytest.raises(PartMissing, match="gone"):
            paths(connection, home)


def test_a_damaged_file_stops_the_next_import_and_nothing_of_it_counts(
    sqlite_database: Database, home: Path, tmp_path: Path
) -> None:
    """What is kept cannot be compared with what is new."""
    imported(sqlite_database, home, trace(tmp_path, rows(2)))
    with sqlite_database.read() as connection:
        (file,) = paths(connection, home)
    whole = file.read_bytes()
    file.write_bytes(b"PAR1 nonsense")
    with pytest.raises(UsageError, match="could not be sorted"):
        imported(sqlite_database, home, trace(tmp_path, rows(4)))
    file.write_bytes(whole)
    assert count(sqlite_database, home) == 2


def test_a_name_that_is_no_text_loses_no_row(sqlite_database: Database, home: Path, tmp_path: Path) -> None:
    """File names are bytes; what is kept of them must be text."""
    path = tmp_path / os.fsdecode(b"trace_\xff.csv")
    trace(tmp_path, [*rows(2), ("never", 1, 1)]).rename(path)
    (found,) = imported(sqlite_database, home, path)
    assert (found.events, found.quarantined) == (2, 1)
    assert quarantine(found)[0]["file"].endswith("trace_?.csv")


# --- once


def test_the_same_file_again_adds_nothing_under_any_name(database: Database, home: Path, tmp_path: Path) -> None:
    path = trace(tmp_path, rows(5))
    imported(database, home, path)
    (again,) = imported(database, home, path)
    assert (again.already, again.events) == (True, 5)
    (renamed,) = imported(database, home, path.rename(tmp_path / "other_code.csv"))
    assert renamed.already
    assert count(database, home) == 5


def test_a_file_that_is_named_twice_is_read_once(sqlite_database: Database, home: Path, tmp_path: Path) -> None:
    path = trace(tmp_path, rows(5))
    first, second = imported(sqlite_database, home, path, path)
    assert (first.already, second.already) == (False, True)
    assert count(sqlite_database, home) == 5


def test_a_log_that_grew_adds_what_is_new(database: Database, home: Path, tmp_path: Path) -> None:
    imported(database, home, trace(tmp_path, rows(5)))
    (grown,) = imported(database, home, trace(tmp_path, rows(8)))
    assert (grown.rows, grown.events, grown.duplicates, grown.quarantined) == (8, 3, 5, 0)
    assert count(database, home) == 8


def test_two_files_of_one_call_that_overlap_count_once(sqlite_database: Database, home: Path, tmp_path: Path) -> None:
    first, second = (trace(tmp_path, rows(5, first=n), f"{n}_code.csv") for n in (0, 3))
    found = imported(sqlite_database, home, first, second)
    assert [(one.events, one.duplicates) for one in found] == [(5, 0), (3, 2)]
    assert count(sqlite_database, home) == 8


def test_an_event_that_is_kept_with_other_figures_is_never_replaced(
    database: Database, home: Path, tmp_path: Path
) -> None:
    row = samples.LITELLM_ROWS[0]
    first, second = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    first.write_text(samples.lines([row]))
    second.write_text(samples.lines([row | {"completion_tokens": 999}]))
    imported(database, home, first, form="litellm")
    (found,) = imported(database, home, second, form="litellm")
    assert (found.events, found.duplicates, found.quarantined) == (0, 0, 1)
    (bad,) = quarantine(found)
    assert (bad["field"], bad["reason"]) == ("output_tokens", "litellm:chatcmpl-1 is kept with other figures")
    assert json.loads(bad["raw"])["output_tokens"] == 999
    assert kept(database, home, "SELECT output_tokens FROM events") == [(200,)]


def test_one_file_that_says_two_things_of_one_request_keeps_the_first(
    sqlite_database: Database, home: Path, tmp_path: Path
) -> None:
    path = tmp_path / "1.jsonl"
    row = samples.LITELLM_ROWS[0]
    path.write_text(samples.lines([row, row | {"spend": 5}, row]))
    (found,) = imported(sqlite_database, home, path, form="litellm")
    assert (found.rows, found.events, found.duplicates, found.quarantined) == (3, 1, 1, 1)
    assert quarantine(found)[0]["field"] == "cost_nano_usd"


def test_the_same_log_read_in_another_way_is_said_and_changes_nothing(
    sqlite_database: Database, home: Path, tmp_path: Path
) -> None:
    path = trace(tmp_path, rows(3))
    imported(sqlite_database, home, path, workload="first")
    (found,) = imported(sqlite_database, home, path, workload="second")
    assert (found.already, found.events, found.quarantined) == (False, 0, 3)
    assert {bad["field"] for bad in quarantine(found)} == {"workload"}


def test_another_edition_of_a_price_book_with_the_same_price_is_the_same_event(
    sqlite_database: Database, home: Path
) -> None:
    """Else every rolling export would land in quarantine after an upgrade."""
    event = UsageEvent(event_id="x:1", source="x", started_at=datetime(2025, 11, 1, tzinfo=UTC), cost_nano_usd=5,
                       price_basis="book", price_version="1")  # fmt: skip
    keep_events(sqlite_database, home, [event], name="one")
    assert keep_events(sqlite_database, home, [replace(event, price_version="2")], name="two").duplicates == 1
    assert keep_events(sqlite_database, home, [replace(event, cost_nano_usd=6)], name="three").quarantined == 1


# --- what does not fit


def test_bad_rows_go_to_quarantine_with_file_line_field_and_reason(
    sqlite_database: Database, home: Path, tmp_path: Path
) -> None:
    path = trace(tmp_path, [*rows(2), ("never", 5, 5), *rows(1, first=5)])
    (found,) = imported(sqlite_database, home, path)
    assert (found.rows, found.events, found.quarantined) == (4, 3, 1)
    (bad,) = quarantine(found)
    assert (bad["file"], bad["line"], bad["field"]) == (str(path), 4, "TIMESTAMP")
    assert "never" in bad["reason"]
    assert "never" in bad["raw"]


def test_one_wrong_file_keeps_all_of_its_call_out(database: Database, home: Path, tmp_path: Path) -> None:
    good, wrong, missing = trace(tmp_path, rows(3)), tmp_path / "wrong.csv", tmp_path / "missing.csv"
    wrong.write_text("a,b\n1,2\n")
    with pytest.raises(ImportRefused) as refused:
        imported(database, home, good, wrong)
    (problem,) = refused.value.problems
    assert (problem["file"], problem["field"]) == (str(wrong), "TIMESTAMP")
    with pytest.raises(ImportRefused, match="No such file"):
        imported(database, home, good, missing)
    assert count(database, home) == 0
    assert list((home / "usage" / "staging").glob("*")) == []


def test_a_file_none_of_whose_rows_can_be_read_is_of_another_format(
    sqlite_database: Database, home: Path, tmp_path: Path
) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"a": 1}\n{"a": 2}\n')
    with pytest.raises(ImportRefused) as refused:
        imported(sqlite_database, home, path, form="bedrock")
    (problem,) = refused.value.problems
    assert (problem["line"], problem["field"]) == (1, "modelId")
    assert "none of its 2 rows" in problem["reason"]


def test_half_a_file_is_not_kept(sqlite_database: Database, home: Path, tmp_path: Path) -> None:
    path = tmp_path / "spend.json"
    path.write_text(json.dumps(samples.LITELLM_ROWS)[:-20])
    with pytest.raises(ImportRefused, match="not valid JSON"):
        imported(sqlite_database, home, path, form="litellm")
    path = tmp_path / "spend.json.gz"
    path.write_bytes(b"\x1f\x8b nonsense")
    with pytest.raises(ImportRefused, match="cannot be read"):
        imported(sqlite_database, home, path, form="litellm")


def test_a_file_that_changes_while_it_is_read_is_not_kept(
    sqlite_database: Database, home: Path, tmp_path: Path
) -> None:
    path = trace(tmp_path, rows(importing.ROWS_PER_STEP + 1))

    def grow(file: Path, _read: int, _total: int) -> None:
        with file.open("a") as stream:
            stream.write("2025-12-01 00:00:00,1,1\n")

    with pytest.raises(ImportRefused, match="changed while"):
        import_files(sqlite_database, home, [path], format="azure-trace", progress=grow)
    assert count(sqlite_database, home) == 0


def test_progress_ends_at_the_whole_file(sqlite_database: Database, home: Path, tmp_path: Path) -> None:
    path = trace(tmp_path, rows(importing.ROWS_PER_STEP + 1))
    told: list[tuple[int, int]] = []
    import_files(
        sqlite_database,
        home,
        [path],
        format="azure-trace",
        progress=lambda _file, read, total: told.append((read, total)),
    )
    assert [read for read, _ in told] == sorted(read for read, _ in told)
    assert told[-1] == (path.stat().st_size, path.stat().st_size)


def test_options_that_cannot_hold_are_refused(sqlite_database: Database, home: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no-such-model"):
        imported(sqlite_database, home, trace(tmp_path, rows(1)), price_as="no-such-model")
    with pytest.raises(UsageError, match="time zone"):
        Options(start=datetime(2025, 1, 1))  # noqa: DTZ001 - what is refused
    with pytest.raises(UsageError, match="printable"):
        Options(workload="two\nlines")
    with pytest.raises(UsageError, match="columns"):
        imported(sqlite_database, home, trace(tmp_path, rows(1)), form="csv")


def test_two_imports_at_once_wait_for_each_other(
    database: Database, settings: Settings, home: Path, tmp_path: Path
) -> None:
    other = open_database(settings)
    with other.exclusive(importing.LOCK), pytest.raises(LockTaken):
        imported(database, home, trace(tmp_path, rows(1)))
    other.engine.dispose()
    assert imported(database, home, trace(tmp_path, rows(1)))[0].events == 1


# --- a crash


def _killed_at(where: str, settings: Settings, home: Path, files: list[Path]) -> None:
    """An import in a process of its own, which is killed at a certain point."""

    def die(*_: Any, **__: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    if where == "before the second file is written":
        calls: list[int] = []
        write: Callable[..., Any] = lake._made_durable

        def second(*arguments: Any) -> Any:
            calls.append(1)
            return write(*arguments) if len(calls) < 2 else die()

        lake._made_durable = second  # type: ignore[assignment]  # of a process that dies here
    else:
        importing._register = die
    imported(open_database(settings), home, *files)


@pytest.mark.parametrize("where", ["before the second file is written", "before the import is registered"])
def test_a_crash_leaves_nothing_visible_and_the_same_import_completes_it(
    where: str, database: Database, settings: Settings, home: Path, tmp_path: Path
) -> None:
    files = [trace(tmp_path, rows(20)), trace(tmp_path, rows(20, first=10), "b_code.csv")]
    process = multiprocessing.get_context("spawn").Process(target=_killed_at, args=(where, settings, home, files))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert list(lake.folder_of(home).glob("day=*/*.parquet"))  # it was killed in the middle
    assert count(database, home) == 0
    imported(database, home, *files)
    assert count(database, home) == 30
    assert list((home / "usage" / "staging").glob("*")) == []


def test_imports_are_records_that_cannot_be_changed(database: Database, home: Path, tmp_path: Path) -> None:
    imported(database, home, trace(tmp_path, rows(1)))
    with pytest.raises(sa.exc.DBAPIError, match="only ever added"), database.write() as tx:
        tx.execute(sa.update(tables.usage_import).values(events=2))


def test_what_waits_to_be_read_is_not_open(tmp_path: Path) -> None:
    """A gateway writes a file an hour: one import may have more of them than a process may open."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    waiting = [lake.Staging(tmp_path / str(number)) for number in range(5)]
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert [one.close().read_text() for one in waiting] == [""] * 5
