"""Thirty calls, priced as published; every figure that differs says why."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bench import prices
from bench.prices import CASES, Case


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name} {case.tokens}")
def test_a_call_costs_what_its_provider_publishes_or_it_is_said_why_not(case: Case) -> None:
    """A reason where nothing differs is one that nobody needs any more: the book was corrected."""
    agrees = prices.ours_usd(case) == case.expected_usd
    assert agrees != bool(case.ours_differs), (prices.ours_usd(case), case.expected_usd)


def test_the_bench_says_what_agrees_and_what_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(CASES) == 30
    assert prices.main([]) == 0
    printed = capsys.readouterr().out
    assert "ours against published: {'agrees': 27, 'explained': 3, 'UNEXPLAINED': 0}" in printed
    assert "gateway against ours" not in printed


def test_a_disagreement_without_a_reason_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong: Any = replace(CASES[0], rates=("3", "3", "3", "3"))
    monkeypatch.setattr(prices, "CASES", (wrong,))
    assert prices.main([]) == 1


def test_a_zero_of_the_gateway_is_no_agreement_with_unpriced() -> None:
    assert prices.verdict(Decimal(0), None, None) == "UNEXPLAINED"
    assert prices.verdict(None, None, None) == "agrees"
    assert prices.verdict(Decimal("0.1000000001"), Decimal("0.1"), None, noise=Decimal("1e-9")) == "agrees"


def test_a_gateway_that_does_not_answer_is_not_a_disagreement(capsys: pytest.CaptureFixture[str]) -> None:
    assert prices.main(["--gateway", "http://127.0.0.1:1/v1"]) == 2
    assert "did not answer" in capsys.readouterr().err
