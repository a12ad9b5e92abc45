"""Files as rows: streamed, whole or refused, and single values that are what they say."""

import csv
import json
import random
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from finops_ai.usage import fields, reading
from finops_ai.usage.reading import LogFile, NotTheFormat, Numbered, Rejected, Row, WrongValue, csv_rows, documents


def log(folder: Path, content: str) -> LogFile:
    path = folder / "log"
    path.write_text(content, encoding="utf-8")
    return LogFile(path)


def values(rows: Any) -> list[Any]:
    return [row.values if isinstance(row, Row) else f"bad line {row.line}" for row in rows]


OBJECTS = [
    {"n": number, "text": 'a, ] } [ { \\ " ü' * (number % 7), "deep": [[{}], {"x": 1.25}]} for number in range(60)
]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("chunk", [1, 7, 64, 1_000_000])
def test_an_array_is_read_in_pieces_as_it_is_read_whole(
    chunk: int, indent: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_CHUNK", chunk)
    content = json.dumps(OBJECTS, indent=indent)
    assert values(documents(log(tmp_path, f" \n{content}\n"))) == json.loads(content, parse_float=Decimal)


def test_no_more_of_an_array_is_held_than_a_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The array is longer than anything that may be held at once, and each element is not."""
    monkeypatch.setattr(reading, "_CHUNK", 256)
    monkeypatch.setattr(reading, "TEXT_AT_ONCE_MAX", 2_000)
    for indent in (None, 1):
        content = json.dumps(OBJECTS, indent=indent)
        assert len(content) > 2 * 2_000
        assert len(values(documents(log(tmp_path, content)))) == 60
    with pytest.raises(NotTheFormat, match="one piece"):
        values(documents(log(tmp_path, json.dumps([1, "x" * 5_000]))))


def test_reading_an_array_takes_no_longer_than_its_length(tmp_path: Path) -> None:
    """What an API gives is an array in one line; each element read must not copy all that is left of it."""
    rows = [{"n": number, "text": "x" * 300} for number in range(30_000)]
    begun = time.process_time()
    assert sum(1 for _ in documents(log(tmp_path, json.dumps(rows)))) == 30_000
    assert time.process_time() - begun < 3  # many times what it needs, and a small part of what copying would


@pytest.mark.parametrize("chunk", [1, 5, 9, 10, 11, 1_000])
def test_lines_are_told_apart_however_long_a_piece_is(
    chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_CHUNK", chunk)
    assert values(documents(log(tmp_path, '\n{"a": 12}\n{"b": 3}\n'))) == [{"a": 12}, {"b": 3}]


@pytest.mark.parametrize("cut", [1, 5, 40, 200])
def test_an_array_that_breaks_off_is_half_a_file(cut: int, tmp_path: Path) -> None:
    """What was read of it must not pass for the whole."""
    with pytest.raises(NotTheFormat):
        values(documents(log(tmp_path, json.dumps(OBJECTS)[:-cut])))


@pytest.mark.parametrize("content", ["[1 2]", "[1,, 2]", '[{"a": 1}', "[", '{\n "a": 1,\n', "[1, 2] trailing"])
def test_what_is_no_json_is_refused(content: str, tmp_path: Path) -> None:
    with pytest.raises(NotTheFormat):
        values(documents(log(tmp_path, content)))


def test_a_line_that_is_no_json_stops_nothing(tmp_path: Path) -> None:
    found = values(documents(log(tmp_path, '{"a": 1}\n{"a": \n\n{"a": 3}')))
    assert found == [{"a": 1}, "bad line 2", {"a": 3}]


def test_one_document_over_many_lines_is_one(tmp_path: Path) -> None:
    assert values(documents(log(tmp_path, '\n{\n "a": [1,\n 2]\n}\n'))) == [{"a": [1, 2]}]


def test_amounts_keep_their_digits(tmp_path: Path) -> None:
    (row,) = values(documents(log(tmp_path, '{"a": 0.1000000000000000055}')))
    assert row == {"a": Decimal("0.1000000000000000055")}


def test_a_row_of_a_csv_that_does_not_fit_its_header_is_bad_and_stops_nothing(tmp_path: Path) -> None:
    found = values(csv_rows(log(tmp_path, 'a,b\n1,2\n1\n\n"x\ny",3\n'), needs=["a"]))
    assert found == [{"a": "1", "b": "2"}, "bad line 3", {"a": "x\ny", "b": "3"}]


def test_a_field_that_is_too_long_is_bad_and_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "FIELD_CHARS_MAX", 100)
    found = values(csv_rows(log(tmp_path, f"a,b\n1,{'x' * 101}\n3,4\n")))
    assert found == ["bad line 2", {"a": "3", "b": "4"}]


def test_reading_a_log_leaves_the_limit_of_the_process_alone(tmp_path: Path) -> None:
    """It is one for all readers of CSV, and the reader of sources relies on it."""
    before = csv.field_size_limit()
    for _ in csv_rows(log(tmp_path, "a,b\n1,2\n3,4\n")):
        assert csv.field_size_limit() == before


def test_bytes_that_are_no_text_cost_their_row_alone(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"a,b\n1,\xff\xfe\n2,ok\n")
    first, second = csv_rows(LogFile(path))
    assert isinstance(first, Row)
    with pytest.raises(WrongValue, match="printable"):
        fields.text(first.values, "b")
    assert isinstance(second, Row)
    assert first.raw.encode()  # and its row can be written down
    assert not isinstance(second, Rejected)


def test_alike_rows_get_numbers_and_the_same_numbers_again() -> None:
    rows = random.Random(5).choices(["a", "b", "c"], k=50)
    first, second = ([ids.id(row) for row in rows] for ids in (Numbered("x"), Numbered("x")))
    assert first == second
    assert len(set(first)) == 50


def test_what_is_remembered_of_rows_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "ALIKE_ROWS_APART_MAX", 10)
    ids = Numbered("x")
    for number in range(100):
        ids.id(number)
    assert len(ids._seen) == 10


@pytest.mark.parametrize("good", [12, "12", 12.0, "12.0", Decimal(12), Decimal("12.000")])
def test_a_count_may_be_written_in_several_ways(good: Any) -> None:
    assert fields.count({"n": good}, "n") == 12


@pytest.mark.parametrize(
    "bad", [-1, "-1", 1.5, "1.5", True, "many", [], float("nan"), Decimal("Infinity"), 10**13, "9" * 50]
)
def test_what_is_no_count_is_refused_with_its_field(bad: Any) -> None:
    with pytest.raises(WrongValue, match="n: "):
        fields.count({"n": bad}, "n")


@pytest.mark.parametrize(
    ("written", "nano"),
    [
        ("0.06", 60_000_000),
        (Decimal("0.0000000005"), 1),
        ("0.00000000049", 0),
        ("-0.10", -100_000_000),
        ("1e-3", 1_000_000),
    ],
)
def test_an_amount_is_rounded_to_the_nearest_nano_usd(written: Any, nano: int) -> None:
    assert fields.nano_usd(written, "cost") == nano


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "free", True, 10**10, {}])
def test_what_is_no_amount_is_refused(bad: Any) -> None:
    with pytest.raises(WrongValue):
        fields.nano_usd(bad, "cost")


@pytest.mark.parametrize(
    "bad", ["yesterday", 5, "0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59-12:00", "2025-11-01"]
)
def test_what_is_no_time_with_a_zone_is_refused(bad: Any) -> None:
    with pytest.raises(WrongValue):
        fields.time({"at": bad}, "at")


@pytest.mark.parametrize("bad", ["-1", "x", 1.5, True, 10**19])
def test_what_is_no_unix_time_is_refused(bad: Any) -> None:
    with pytest.raises(WrongValue):
        fields.unix_time({"at": bad}, "at")
