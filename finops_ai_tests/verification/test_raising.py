"""A model's opinion raises a verdict where nothing objects; it lowers none, and touches no rumor."""

from dataclasses import replace

import pytest

from finops_ai.evidence import Claim, claims_of
from finops_ai.verification import ModelVerdict, may_be_raised, question_of, with_opinion
from finops_ai_tests.evidence.inputs import source

TEXT = "The plant in Ulm employs 1,300 people."
OTHER = "Some 1,300 people are employed at the plant in Ulm."
SUPPORTED = ModelVerdict(id="x", verdict="supported", passage=1)


@pytest.fixture
def claim() -> Claim:
    a, b = source("https://a.org/", "secondary", host="a.org"), source("https://b.org/", "secondary", host="b.org")
    return claims_of([(a, TEXT), (b, OTHER)])[0]


def test_a_supported_claim_without_objection_is_confirmed_and_says_by_whom(claim: Claim) -> None:
    raised = with_opinion(claim, SUPPORTED, model="small", about=OTHER)
    assert (raised.verdict, raised.raised_by, raised.voices) == ("confirmed", "small", 2)
    assert raised.reasons == (
        "a second independent host in other words: https://b.org/",
        "small: supported; nothing objects",
    )


@pytest.mark.parametrize("verdict", ["not_supported", "unclear"])
def test_any_other_opinion_is_noted_and_changes_nothing(claim: Claim, verdict: str) -> None:
    opinion = replace(SUPPORTED, verdict=verdict, passage=None)  # type: ignore[arg-type]  # one of the three
    kept = with_opinion(claim, opinion, model="small", about=OTHER)
    assert kept.verdict == "needs_review"
    assert kept.reasons[-1] == f"small: {verdict.replace('_', ' ')}"


@pytest.mark.parametrize(
    "other",
    [
        OTHER.replace("1,300", "1,400"),
        OTHER.replace("Ulm", "Bonn"),
        OTHER.replace("are employed", "are not employed"),
    ],
)
def test_a_number_a_name_or_a_negation_vetoes_the_model(claim: Claim, other: str) -> None:
    passage = replace(claim.passages[0], text=other, context=other)
    kept = with_opinion(replace(claim, passages=(passage,)), SUPPORTED, model="small", about=other)
    assert kept.verdict == "needs_review"
    assert "small: supported by https://b.org/; but" in kept.reasons[-1]
    assert kept.raised_by == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": "rumor"},
        {"verdict": "contradicted"},
        {"verdict": "confirmed"},
        {"reasons": ("hedged: 'may'",)},
        {"reasons": ("only in a source that addresses a model",)},
        {"passages": ()},
    ],
)
def test_nothing_else_is_asked_about(claim: Claim, changes: dict[str, object]) -> None:
    other = replace(claim, **changes)  # type: ignore[arg-type]  # a test's own changes
    assert may_be_raised(claim)
    assert not may_be_raised(other)
    with pytest.raises(ValueError, match=claim.id):
        question_of(other)
