"""A transaction is whole or absent, and a lock ends with its process, however that ends."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from multiprocessing.context import ForkProcess

import pytest
import sqlalchemy as sa

from finops_ai.settings import Settings
from finops_ai.store import Database, LockTaken, insert_once, open_database, tables, utc_now
from finops_ai_tests.records import at_once

FREED_SECONDS_MAX = 10  # PostgreSQL ends a session when it notices that the socket is closed


@contextmanager
def process_holding(settings: Settings, name: str) -> Iterator[ForkProcess]:
    """Another process that holds a lock until it is killed."""
    fork = multiprocessing.get_context("fork")
    held = fork.Event()

    def work() -> None:
        with open_database(settings).exclusive(name):
            held.set()
            time.sleep(60)

    process = fork.Process(target=work)
    process.start()
    try:
        assert held.wait(20)
        yield process
    finally:
        process.kill()
        process.join()


def test_what_a_failed_transaction_wrote_is_gone(database: Database) -> None:
    def fail_half_way() -> None:
        with database.write() as tx:
            tx.execute(tables.budget.insert().values(id="b", limit_nano_usd=1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    with database.read() as connection:
        assert connection.execute(sa.select(tables.budget)).all() == []


def test_a_killed_writer_leaves_nothing(settings: Settings, database: Database) -> None:
    def work(_number: int) -> None:
        if os.fork() == 0:
            with open_database(settings).write() as tx:
                tx.execute(tables.budget.insert().values(id="b", limit_nano_usd=1))
                os.kill(os.getpid(), signal.SIGKILL)
        os.wait()

    at_once(work, 1)
    with database.write() as tx:
        assert insert_once(tx, tables.budget, id="b", limit_nano_usd=1)


def test_inserting_the_same_key_again_keeps_the_first_row(database: Database) -> None:
    with database.write() as tx:
        assert [insert_once(tx, tables.budget, id="b", limit_nano_usd=n) for n in (1, 2)] == [True, False]
        assert tx.scalar(sa.select(tables.budget.c.limit_nano_usd)) == 1


def test_writers_wait_for_each_other_and_lose_nothing(settings: Settings, database: Database) -> None:
    """SQLite refuses a reader that becomes a writer; every write begins as one, so it waits instead."""
    with database.write() as tx:
        insert_once(tx, tables.budget, id="b", limit_nano_usd=1)

    def work(_number: int) -> None:
        own = open_database(settings)
        for _ in range(10):
            with own.write() as tx:
                spent = tx.scalar(sa.select(tables.budget.c.spent_nano_usd).with_for_update()) or 0
                tx.execute(tables.budget.update().values(spent_nano_usd=spent + 1))

    at_once(work, 4)
    with database.read() as connection:
        assert connection.scalar(sa.select(tables.budget.c.spent_nano_usd)) == 40


def test_a_lock_is_refused_to_another_process_and_freed_by_its_death(settings: Settings, database: Database) -> None:
    """Nobody cleans up after a kill -9: a lock that stayed would stop its artifact for good."""
    with process_holding(settings, "artifact a") as holder:
        with pytest.raises(LockTaken, match="artifact a"), database.exclusive("artifact a"):
            pass
        with database.exclusive("artifact b"):
            pass
        holder.kill()
        holder.join()
        assert holder.exitcode == -signal.SIGKILL
    deadline = time.monotonic() + FREED_SECONDS_MAX
    while True:
        try:
            with database.exclusive("artifact a"):
                return
        except LockTaken:
            assert time.monotonic() < deadline, "the lock outlived its process"
            time.sleep(0.02)


def test_a_lock_is_refused_to_another_thread_of_the_same_process_too(database: Database) -> None:
    with database.exclusive("a"), pytest.raises(LockTaken), database.exclusive("a"):
        pass


def test_a_lock_is_free_again_after_its_block_failed(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.exclusive("a"):
        raise ZeroDivisionError
    with database.exclusive("a"):
        pass


def test_times_are_utc_and_sort_as_they_read() -> None:
    east = datetime(2026, 3, 1, 0, 30, 0, 7, tzinfo=timezone(timedelta(hours=2)))
    assert utc_now(east) == "2026-02-28T22:30:00.000007Z"
    assert utc_now(datetime(2026, 1, 9, tzinfo=UTC)) < utc_now(datetime(2026, 1, 10, tzinfo=UTC)) < utc_now()
