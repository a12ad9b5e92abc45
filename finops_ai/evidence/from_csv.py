"""The rows of a CSV or TSV table as text, each cell behind the name of its column.

Belongs here: the delimiter, what makes a table, which cell is prose. Does not: character sets (`media`), what a number
means (`values`).
"""

import csv
import re
from collections.abc import Iterator
from io import StringIO
from itertools import islice

from finops_ai.evidence.cleaning import blocks_to_text, fold
from finops_ai.evidence.model import EvidenceError, Extraction

ROWS_MAX = 100_000
ROWS_TRIED = 50  # with each delimiter
PROSE_WORDS_MIN = 5
_DELIMITERS = "\t;|,"  # the comma last: it also stands in decimals and in prose
_ENDS_SENTENCE = re.compile(r"[.!?…][\"'\u201d\u2019»)\]]*\Z")


def read_csv(source: str) -> Extraction:
    """A block per row. Raises EvidenceError for what is no table: one column, uneven rows, too many, no rows."""
    if "\0" in source:
        raise EvidenceError("a table with NUL bytes; save it as UTF-8")
    rows = _rows(source, _delimiter(source))
    header = next(rows, [])
    if len(header) < 2:
        raise EvidenceError("no table: it has a single column; save prose as .txt or .md")
    blocks = [" | ".join(filter(None, header))]
    for number, row in enumerate(rows, start=1):
        if number > ROWS_MAX:
            raise EvidenceError(f"more than {ROWS_MAX:,} rows")
        if len(row) != len(header):
            raise EvidenceError(f"row {number} below the header has {len(row)} cells, the header {len(header)}")
        blocks.extend(_blocks(header, row))
    if len(blocks) == 1:
        raise EvidenceError("a table without rows below its header")
    return Extraction(text=blocks_to_text(blocks), title="", warnings=())


def _delimiter(source: str) -> str:
    """The first one that gives equal rows, else the first that cuts the header.

    csv.Sniffer is not asked: it also takes ' for a quotation mark, and guesses where no table is.
    """
    counts = {delimiter: _cells_per_row(source, delimiter) for delimiter in _DELIMITERS}
    cutting = [delimiter for delimiter in _DELIMITERS if counts[delimiter][0] > 1]
    even = [delimiter for delimiter in cutting if len(set(counts[delimiter])) == 1]
    return (even or cutting or [","])[0]


def _cells_per_row(source: str, delimiter: str) -> list[int]:
    """Of the first rows; 0 stands for one that cannot be read."""
    counts: list[int] = []
    try:
        counts.extend(map(len, islice(_rows(source, delimiter), ROWS_TRIED)))
    except EvidenceError:
        counts.append(0)
    return counts or [0]


def _rows(source: str, delimiter: str) -> Iterator[list[str]]:
    """Blank lines are left out."""
    reader = csv.reader(StringIO(source, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        for row in reader:
            if row:
                yield [fold(cell) for cell in row]
    except csv.Error as problem:  # also for a field longer than csv.field_size_limit
        raise EvidenceError(f"a broken table: line {reader.line_num}: {problem}") from None


def _blocks(header: list[str], row: list[str]) -> Iterator[str]:
    """Prose after its row, so that no column's name is taken for the beginning of a sentence."""
    named = [(name, cell) for name, cell in zip(header, row, strict=True) if cell]
    yield " | ".join(f"{name}: {cell}" if name else cell for name, cell in named if not _is_prose(cell))
    yield from (cell for _, cell in named if _is_prose(cell))


def _is_prose(cell: str) -> bool:
    return len(cell.split()) >= PROSE_WORDS_MIN and bool(_ENDS_SENTENCE.search(cell))
