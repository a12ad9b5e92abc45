"""A draft that has not the form that was asked for fails before anybody reads it, and before a dearer model is asked."""

import pytest

from finops_ai.generation import Assignment, form_rows, messages_for, select_facts
from finops_ai.policy import DraftForm, TokenBounds
from finops_ai_tests.records import brief, fact

DRAFT = "## Findings\n\nIt cost ten. [F1]\n\n### Next steps ###\n\n- Ask again. [F1]\n"


def findings(markdown: str, **form: object) -> list[str]:
    return [row["finding"] for row in form_rows(markdown, DraftForm.model_validate(form))]


def test_without_a_form_in_the_policy_any_plain_draft_will_do() -> None:
    assert findings(DRAFT) == []


@pytest.mark.parametrize("sections", [["Findings"], ["findings", "Next steps"]])
def test_sections_are_found_by_their_headings(sections: list[str]) -> None:
    assert findings(DRAFT, sections=sections) == []


def test_a_section_that_is_only_mentioned_is_missing() -> None:
    assert findings("## Findings\n\nRisks are none. [F1]", sections=["Findings", "Risks"]) == [
        "form: the section “Risks” is missing"
    ]


def test_a_draft_may_have_so_many_words_and_not_one_more() -> None:
    words = len(DRAFT.split())
    assert findings(DRAFT, words_max=words) == []
    assert findings(DRAFT, words_max=words - 1) == [f"form: {words} words, at most {words - 1}"]


@pytest.mark.parametrize(
    ("markdown", "what"),
    [
        ("| a | b |\n|---|---|\n| 1 | 2 |", "a table"),
        ("a | b\n--- | ---\n1 | 2", "a table"),
        ("```\nx\n```", "a code block"),
    ],
)
def test_what_the_prompt_forbids_is_found(markdown: str, what: str) -> None:
    assert findings(markdown) == [f"form: it holds {what}"]


def test_the_form_is_asked_for_in_the_prompt_after_what_never_changes() -> None:
    bounds = TokenBounds(input_tokens_max=6000, output_tokens_max=1200)
    selection = select_facts([fact(1, "It cost ten.")], brief(), bounds=bounds)
    form = DraftForm(sections=["Findings", "Risks"], words_max=300)
    system, user = messages_for(Assignment(brief=brief(), selection=selection, bounds=bounds, form=form))
    assert "## Findings, ## Risks" in user["content"]
    assert "at most 300 words" in user["content"]
    assert "300" not in system["content"]
