"""Whatever an endpoint does, nothing that it served is missing from the books; over real sockets."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from finops_ai.settings import Settings
from finops_ai.store import open_database
from finops_ai_tests.calls.faults import Row, run_matrix
from finops_ai_tests.records import payer, registered

LIMIT = 10_000_000


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Row]]:
    """Played once: each test asks the same rows something else."""
    settings = Settings(home=tmp_path_factory.mktemp("home"), user="operator")
    database = open_database(settings)
    artifact = registered(database)

    @sa.event.listens_for(database.engine, "checkout")
    def faster(connection: Any, _record: object, _proxy: object) -> None:
        connection.execute("PRAGMA synchronous=OFF")  # no power fails here

    yield run_matrix(database, payer(artifact, ("cost_centre", LIMIT)))
    database.engine.dispose()


def test_every_fault_is_played_in_every_mode(rows: list[Row]) -> None:
    """A matrix that is empty holds every promise."""
    played = Counter((row.api, row.stream) for row in rows)
    assert min(played.values()) > 60
    assert len(played) == 4
    assert len({(row.api, row.stream, row.fault) for row in rows}) == len(rows)


def test_no_fault_raises_what_a_caller_does_not_expect_or_leaves_the_books_open(rows: list[Row]) -> None:
    assert not [row for row in rows if row.unhandled]


def test_what_was_served_under_a_key_is_booked_under_it(rows: list[Row]) -> None:
    """More may be booked only where it is marked: as an estimate, or in suspense."""
    assert not [row for row in rows if row.uncovered]


def test_what_nobody_counted_is_marked(rows: list[Row]) -> None:
    unmarked = [
        row for row in rows if row.served_tokens != row.booked_tokens and not row.estimated and not row.suspended
    ]
    assert not unmarked


def test_a_fault_that_may_pass_is_followed_by_an_answer(rows: list[Row]) -> None:
    """Where the time-out is short, a machine at work elsewhere may miss it again: those are left out."""
    hurried = ("hang", "drip", "left open")
    calm = [row for row in rows if not any(word in row.fault for word in hurried)]
    assert {row.outcome for row in calm} == {"answer", "CallRefused", "CallFailed", "KeyboardInterrupt"}
    without = {row.fault for row in calm if row.outcome in ("CallRefused", "CallFailed")}
    assert without == {
        "400 context_length_exceeded",
        "401",
        "403 a proxy's page",
        "404",
        "422",
        "429 Retry-After of a day",
        "429 insufficient_quota",
        "500 not to be tried again",
        "redirect to itself",
    }


def test_a_stream_that_breaks_after_its_first_event_is_paid_as_far_as_it_came(rows: list[Row]) -> None:
    """Nothing received at all is the only case in which its worst case has to be held."""
    for row in rows:
        if row.stream and row.fault.startswith(("cut after", "ends after", "reset after")):
            events, of = (int(word) for word in row.fault.split() if word.isdigit())
            assert (row.suspended, row.estimated) == ((1, False) if events == 0 else (0, events < of)), row


def test_a_stream_whose_answer_was_complete_is_not_asked_for_again(rows: list[Row]) -> None:
    """Only its last word was missing, or the empty line after it."""
    complete = [row for row in rows if row.fault in ("cut inside the last word", "no empty line at the end")]
    assert [(row.attempts, row.estimated) for row in complete] == [(1, False)] * 4


def test_an_interrupted_call_is_booked_before_it_ends_the_program(rows: list[Row]) -> None:
    interrupted = [row for row in rows if row.outcome == "KeyboardInterrupt"]
    assert len(interrupted) == 2 * (1 + 4)
    assert all(row.attempts == 1 and row.booked_tokens >= row.served_tokens > 0 for row in interrupted)
