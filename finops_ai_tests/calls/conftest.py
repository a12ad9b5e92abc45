"""A desk on a person's own machine: nothing here depends on the database."""

import pytest
from pytest_httpserver import HTTPServer

from finops_ai.calls import FoundForms, PaidCalls
from finops_ai.store import Database
from finops_ai_tests.calls.desk import LIMIT, Desk, Provider
from finops_ai_tests.records import payer, registered


@pytest.fixture
def desk(sqlite_database: Database, httpserver: HTTPServer) -> Desk:
    slept: list[float] = []
    calls = PaidCalls(
        database=sqlite_database,
        payer=payer(registered(sqlite_database), ("cost_centre", LIMIT)),
        sleep=slept.append,
        clock=lambda: sum(slept),
        forms=FoundForms(),  # of its own: every test has its endpoint at the same address
    )
    provider = Provider(httpserver)
    for path in ("/v1/chat/completions", "/v1/responses"):
        httpserver.expect_request(path, method="POST").respond_with_handler(provider.serve)
    return Desk(calls, provider, slept)
