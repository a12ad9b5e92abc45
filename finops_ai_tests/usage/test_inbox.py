"""Logs that are dropped into a folder: taken once, with the options beside them, or refused with a reason."""

from pathlib import Path

import pytest

from finops_ai.store import Database, LockTaken
from finops_ai.usage import LakeFailed, import_inbox, importing, lake
from finops_ai_tests.usage import samples
from finops_ai_tests.usage.test_importing import count, kept, rows, trace


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def inbox(home: Path, form: str = "azure-trace", options: str = "") -> Path:
    folder = home / "usage" / "inbox" / form
    folder.mkdir(parents=True, exist_ok=True)
    if options:
        (folder / "options.yaml").write_text(options)
    return folder


def test_an_empty_home_has_nothing_due(sqlite_database: Database, home: Path) -> None:
    assert import_inbox(sqlite_database, home) == []


def test_a_file_is_taken_once_with_the_options_beside_it(sqlite_database: Database, home: Path) -> None:
    folder = inbox(home, options="workload: support\nrates: {input_usd_per_mtok: 1, output_usd_per_mtok: 2.5}\n")
    trace(folder, rows(3))
    (taken,) = import_inbox(sqlite_database, home)
    assert taken.imported
    assert taken.imported.events == 3
    assert Path(taken.file) == folder / "accepted" / "trace_code.csv"
    stated = [("support", 1_000 * (100 + n) + 2_500 * n, "declared") for n in range(3)]
    assert (
        kept(sqlite_database, home, "SELECT workload, cost_nano_usd, price_basis FROM events ORDER BY started_at")
        == stated
    )
    assert import_inbox(sqlite_database, home) == []


def test_a_mapping_lies_in_the_options(sqlite_database: Database, home: Path) -> None:
    folder = inbox(home, "csv", "mapping: {columns: {started_at: at, input_tokens: given}, time: {zone: UTC}}\n")
    (folder / "a.csv").write_text("at,given\n2025-11-01T00:00:00,5\n")
    (taken,) = import_inbox(sqlite_database, home)
    assert taken.imported
    assert kept(sqlite_database, home, "SELECT input_tokens FROM events") == [(5,)]


def test_a_file_that_cannot_be_read_is_moved_with_its_reason_and_stops_nothing(
    sqlite_database: Database, home: Path
) -> None:
    folder = inbox(home)
    (folder / "a.csv").write_text("x,y\n1,2\n")
    trace(folder, rows(2))
    refused, taken = import_inbox(sqlite_database, home)
    assert "TIMESTAMP" in refused.refused
    assert taken.imported
    assert "TIMESTAMP" in (folder / "refused" / "a.csv.reason.txt").read_text()
    assert sorted(path.name for path in folder.iterdir()) == ["accepted", "refused"]


@pytest.mark.parametrize(
    "options",
    [
        "colour: red",
        "start: sometime",
        "start: 2025-11-01T00:00:00Z",
        "rates: {input_usd_per_mtok: -1}",
        "[1",
        "price_as: no-such",
        "mapping: {1: 2.5}",
    ],
)
def test_options_that_cannot_hold_refuse_the_file(options: str, sqlite_database: Database, home: Path) -> None:
    folder = inbox(home, options=options)
    trace(folder, rows(1))
    (refused,) = import_inbox(sqlite_database, home)
    assert refused.imported is None
    assert (folder / "refused" / "trace_code.csv").is_file()
    assert count(sqlite_database, home) == 0


def test_a_folder_of_no_format_refuses_what_is_in_it(sqlite_database: Database, home: Path) -> None:
    (inbox(home, "excel") / "a.xls").write_text("x")
    (refused,) = import_inbox(sqlite_database, home)
    assert "mooncake" in refused.refused


def test_an_earlier_file_of_the_same_name_is_not_lost(sqlite_database: Database, home: Path) -> None:
    """Exports are often called the same every day."""
    folder = inbox(home)
    for first in (0, 5):
        trace(folder, rows(2, first=first))
        import_inbox(sqlite_database, home)
    assert sorted(path.name for path in (folder / "accepted").iterdir()) == ["2-trace_code.csv", "trace_code.csv"]
    assert count(sqlite_database, home) == 4


def test_what_is_still_being_written_waits(sqlite_database: Database, home: Path) -> None:
    path = trace(inbox(home), rows(1), name=".trace_code.csv")
    assert import_inbox(sqlite_database, home) == []
    path.rename(path.with_name("trace_code.csv"))
    assert len(import_inbox(sqlite_database, home)) == 1


def test_a_tick_takes_no_more_than_it_may(sqlite_database: Database, home: Path) -> None:
    for number in range(3):
        trace(inbox(home), rows(1, first=number), name=f"{number}_code.csv")
    assert [len(import_inbox(sqlite_database, home, files_max=2)) for _ in range(3)] == [2, 1, 0]


def test_while_another_process_imports_everything_stays(sqlite_database: Database, home: Path) -> None:
    path = trace(inbox(home), rows(1))
    with sqlite_database.exclusive(importing.LOCK), pytest.raises(LockTaken):
        import_inbox(sqlite_database, home)
    assert path.is_file()


@pytest.mark.parametrize("harm", ["gone", "damaged"])
def test_a_file_is_not_blamed_for_what_happened_to_the_events_that_are_kept(
    harm: str, sqlite_database: Database, home: Path
) -> None:
    """It would lie among the refused ones, and nobody would import it when the others are mended."""
    trace(inbox(home), rows(1))
    import_inbox(sqlite_database, home)
    (part,) = lake.folder_of(home).rglob("*.parquet")
    part.unlink() if harm == "gone" else part.write_bytes(b"PAR1")
    waiting = trace(inbox(home), rows(1, first=3), name="b_code.csv")
    with pytest.raises(LakeFailed):
        import_inbox(sqlite_database, home)
    assert waiting.is_file()


def test_samples_of_every_format_can_arrive(sqlite_database: Database, home: Path) -> None:
    for sample in samples.SAMPLES:
        if not sample.mapping:
            sample.write(inbox(home, sample.format))
    assert all(arrival.imported for arrival in import_inbox(sqlite_database, home))
