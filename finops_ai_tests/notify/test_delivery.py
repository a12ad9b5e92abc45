"""Every address hears of every alert; what could not be told is told later. Over a real HTTP connection."""

import json
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from finops_ai import ledger
from finops_ai.ledger import BudgetExceeded
from finops_ai.notify import body_of, deliver_alerts
from finops_ai.store import Database


@pytest.fixture
def webhook(httpserver: HTTPServer) -> HTTPServer:
    httpserver.expect_request("/hook", method="POST").respond_with_data("")
    httpserver.expect_request("/broken", method="POST").respond_with_data("", status=500)
    return httpserver


def address(server: HTTPServer, path: str = "/hook") -> str:
    return server.url_for(path).replace("http://", "json://")


def refuse(database: Database, budget: str) -> None:
    with database.write() as tx:
        error = BudgetExceeded(budget_id=budget, limit=2_000_000_000, spent=1, reserved=0, asked=2_000_000_000)
        ledger.record_refusal(tx, error)


def heard(server: HTTPServer) -> list[Any]:
    return [json.loads(request.get_data()) for request, _ in server.log]


def test_an_alert_goes_to_every_address_once(sqlite_database: Database, webhook: HTTPServer) -> None:
    refuse(sqlite_database, "workload/w/2026-11")
    urls = f"{address(webhook)} {address(webhook)}?:name=second"
    assert [alert.budget_id for alert in deliver_alerts(sqlite_database, urls).told] == ["workload/w/2026-11"]
    assert [message["title"] for message in heard(webhook)] == [
        "finops_ai: budget workload/w/2026-11: refused a call"
    ] * 2
    assert "limit 2.00 USD" in heard(webhook)[0]["message"]
    assert deliver_alerts(sqlite_database, urls).told == ()
    assert len(webhook.log) == 2


def test_an_address_that_refuses_leaves_the_alert_for_the_next_time(
    sqlite_database: Database, webhook: HTTPServer
) -> None:
    for budget in ("a", "b"):
        refuse(sqlite_database, budget)
    found = deliver_alerts(sqlite_database, address(webhook, "/broken"))
    assert (found.told, [alert.budget_id for alert in found.kept]) == ((), ["a", "b"])
    assert len(deliver_alerts(sqlite_database, address(webhook)).told) == 2


@pytest.mark.parametrize("urls", ["", "  ", "no address at all"])
def test_without_an_address_that_can_be_read_nothing_counts_as_told(sqlite_database: Database, urls: str) -> None:
    refuse(sqlite_database, "a")
    found = deliver_alerts(sqlite_database, urls)
    assert (len(found.told), len(found.kept)) == (0, 1)


def test_a_threshold_says_that_nothing_was_stopped() -> None:
    alert = ledger.Alert(
        id=1, budget_id="b", level="80%", limit_nano_usd=10, spent_nano_usd=8, reserved_nano_usd=0, at="now"
    )
    assert "Nothing was stopped" in body_of(alert)
