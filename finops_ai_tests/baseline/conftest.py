"""Both engines for the tests of the baseline.

Belongs here: opening an engine over files. Does not: events (`sample`).
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from finops_ai.baseline import DuckDB, Engine, EngineUnavailable, Spark
from finops_ai.usage import UsageEvent
from finops_ai_tests.baseline.sample import write
from finops_ai_tests.conftest import cannot_test

if TYPE_CHECKING:
    Over = Callable[[Sequence[UsageEvent]], Engine]


@pytest.fixture(scope="session")
def spark_running() -> Iterator[None]:
    """Spark takes ten seconds to start: once for all tests."""
    if shutil.which("java") is None:
        cannot_test("no Java for Spark; 17 or newer")
    try:
        with Spark([], master="local[1]") as started:
            _quick(started)
            yield
    except EngineUnavailable as unavailable:
        cannot_test(str(unavailable))


def _quick(started: Any) -> None:
    """200 tasks to shuffle thirty rows are Spark's default."""
    started._session.conf.set("spark.sql.shuffle.partitions", "1")
    started._session.sparkContext.setLogLevel("ERROR")


@pytest.fixture(params=["duckdb", "spark"])
def over(request: pytest.FixtureRequest, tmp_path: Path) -> "Iterator[Over]":
    """Opens the engine over events that were written to a Parquet file."""
    if request.param == "spark":
        request.getfixturevalue("spark_running")
    with ExitStack() as opened:

        def engine(events: Sequence[UsageEvent]) -> Engine:
            files = write(tmp_path, events) if events else []
            started: Engine = Spark(files) if request.param == "spark" else DuckDB(files, threads=1)
            if isinstance(started, Spark):
                _quick(started)
            return opened.enter_context(started)

        yield engine
