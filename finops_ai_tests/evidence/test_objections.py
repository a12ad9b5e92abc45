"""The veto: what speaks against a statement being held by its evidence, whatever a model says of it."""

import pytest

from finops_ai.evidence import objections

PASSAGE = "Acme opened its plant in Ulm in March 2021 and employs 300 people there."


@pytest.mark.parametrize(
    "held",
    [
        "Acme opened a plant in Ulm in March 2021.",
        "In 2021, Acme's plant in Ulm opened.",
        "The Ulm plant of Acme has 300 employees.",
        "Three hundred people work for Acme in Ulm.",
    ],
)
def test_a_statement_with_the_same_numbers_dates_and_names_is_not_objected_to(held: str) -> None:
    assert objections(held, [PASSAGE]) == ()


@pytest.mark.parametrize(
    ("statement", "objection"),
    [
        ("Acme employs 400 people in Ulm.", "the number '400' is not in the evidence"),
        ("Acme opened its plant in Ulm in April 2021.", "the date 'April 2021' is not in the evidence"),
        ("Acme opened its plant in Bonn in March 2021.", "the name 'bonn' is not in the evidence"),
        ("Acme never opened its plant in Ulm.", "'never' stands in the statement and not in the evidence"),
    ],
)
def test_what_the_evidence_does_not_hold_is_named(statement: str, objection: str) -> None:
    assert objection in objections(statement, [PASSAGE])


def test_a_negation_in_the_evidence_that_the_statement_drops_is_an_objection() -> None:
    passage = "The council did not approve the new plant in Ulm."
    assert objections("The council approved the new plant in Ulm.", [passage])
    assert not objections("The council did not approve the new plant in Ulm.", [passage])


def test_two_numbers_that_change_places_are_an_objection() -> None:
    """Each of them stands in the evidence, so that looking for numbers alone finds nothing."""
    passage = "Revenue grew by 5 percent while costs grew by 7 percent."
    assert objections("Revenue grew by 7 percent while costs grew by 5 percent.", [passage])
    assert not objections("Revenue grew by 5 percent while costs grew by 7 percent.", [passage])
    assert not objections("Costs grew by 7 percent while revenue grew by 5 percent.", [passage])


def test_a_name_may_stand_elsewhere_in_the_source() -> None:
    """A passage says "the company" where the headline says who that is."""
    passage = "The company opened its plant in March 2021."
    assert objections("Acme opened its plant in March 2021.", [passage])
    assert not objections("Acme opened its plant in March 2021.", [passage], about="Acme: a history. " + passage)


def test_without_evidence_there_is_nothing_that_could_hold() -> None:
    assert objections("Anything at all.", []) == ("no passage to hold it",)
