"""A sentence of a draft stands only on what it cites: a table of ways to say more than the source."""

import pytest

from finops_ai.generation import cited_sentences, sentence_rows
from finops_ai_tests.records import fact

FACTS = [
    fact(1, "The cached part of the input was billed at one tenth of the full price in March."),
    fact(2, "The measured hit rate rose from 0 to 58 percent after Nordwind moved the date."),
    fact(3, "The provider does not keep an unused prefix for more than ten minutes."),
]
QUOTE = FACTS[0].text


@pytest.mark.parametrize(
    ("sentence", "verdict"),
    [
        (f"“{QUOTE}” [F1]", "held"),
        (f"{QUOTE} [F1]", "held"),
        ("The cached input was billed at one tenth of the full price. [F1]", "held"),
        ("The cached input was billed at one tenth of the full price [F1].", "held"),  # citation before the full stop
        ("The hit rate measured rose to 58 percent. [F2]", "held"),
        ("The provider does not keep an unused prefix for more than ten minutes. [F3]", "held"),
        (
            "Cached input was billed at one tenth of the price, and the measured hit rate rose to 58 percent. [F1, F2]",
            "held",
        ),
        (
            "Cached input was billed at one tenth of the price [F1], and the measured hit rate rose to 58 percent [F2].",
            "held",
        ),
        # nothing, or nothing known, is cited
        ("The cached input was billed at one tenth of the full price.", "missing"),
        ("The cached input was billed at one tenth of the full price. [1]", "missing"),
        ("The cached input was billed at one tenth of the full price. [F9]", "unknown_id"),
        ("The cached input was billed at one tenth of the full price. [F1, F9]", "unknown_id"),
        ("The cached input was billed at one tenth of the full price. [F0]", "unknown_id"),
        ("The cached input was billed at one tenth of the full price. [F01]", "unknown_id"),
        # another number, a number that nobody gave
        ("The measured hit rate rose from 0 to 85 percent. [F2]", "not_held"),
        ("The measured hit rate rose from 0 to 5.8 percent. [F2]", "not_held"),
        ("The measured hit rate rose from 0 to 58,000 percent. [F2]", "not_held"),
        ("The cached part of the input was billed at 10 percent of the full price. [F1]", "not_held"),
        # a negation added or lost
        ("The cached part of the input was not billed at one tenth of the full price. [F1]", "not_held"),
        ("The cached part of the input wasn't billed at one tenth of the full price. [F1]", "not_held"),
        ("The provider keeps an unused prefix for more than ten minutes. [F3]", "not_held"),
        # a name from elsewhere
        ("The cached part of the input was billed by Acme at one tenth of the full price. [F1]", "not_held"),
        ("The cached part of the input was billed at one tenth of the full price in April. [F1]", "not_held"),
        # the wrong fact, and other words
        ("The cached part of the input was billed at one tenth of the full price. [F2]", "not_held"),
        ("Everybody should move house before winter comes. [F1]", "not_held"),
        (f"{QUOTE[:-1]}, which proves that cloud vendors exploit their largest customers. [F1]", "not_held"),
        (f"“{QUOTE.replace('one tenth', 'two tenths')}” [F1]", "not_held"),
    ],
)
def test_what_a_citation_holds(sentence: str, verdict: str) -> None:
    rows = sentence_rows(sentence, FACTS)
    assert {row["citation"] for row in rows} == {verdict}


def test_each_sentence_answers_for_itself() -> None:
    """One citation at the end of a paragraph does not cover the sentences before it."""
    text = (
        "The cached input was billed at one tenth of the full price. [F1] The measured hit rate rose to 58 percent. "
        "The provider does not keep an unused prefix for more than ten minutes. [F3]"
    )
    assert [row["citation"] for row in sentence_rows(text, FACTS)] == ["held", "missing", "held"]


def test_headings_are_no_sentences_and_everything_else_is() -> None:
    text = f"## Findings\n\n- {QUOTE} [F1]\n- Without a source\n1. Neither this\n\n> Nor a quotation\n\nNor a last line"
    assert [(row["sentence"], row["citation"]) for row in sentence_rows(text, FACTS)] == [
        (QUOTE, "held"),
        ("Without a source", "missing"),
        ("Neither this", "missing"),
        ("Nor a quotation", "missing"),
        ("Nor a last line", "missing"),
    ]


def test_an_empty_draft_has_no_rows() -> None:
    """The gate asks for rows: nothing said is not nothing wrong."""
    assert sentence_rows("", FACTS) == []
    assert sentence_rows("## Only a heading\n", FACTS) == []


def test_a_sentence_over_several_lines_is_one() -> None:
    text = "The cached input was billed\nat one tenth of the full price.\n[F1]"
    assert list(cited_sentences(text)) == [("The cached input was billed at one tenth of the full price.", ["F1"])]


def test_a_finding_names_the_sentence_that_is_not_held() -> None:
    """The gate shows samples of this column: an operator must read which sentence failed, not only how."""
    held, wrong = sentence_rows(f"{QUOTE} [F1]\n\nThe moon is made of invoices.", FACTS)
    assert (held["finding"], wrong["finding"]) == ("held", "missing: The moon is made of invoices.")
