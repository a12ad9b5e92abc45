"""Reviews and promotions are written by finops_ai itself: no brief may become one, whichever way it comes in."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from finops_ai.artifacts import accept_brief
from finops_ai.briefs import BriefError
from finops_ai.policy import load_policy
from finops_ai_tests.deployment import BRIEF, write_brief
from finops_ai_tests.records import brief


def in_form(form: str) -> dict[str, Any]:
    return {**BRIEF["intent"], "form": form}


@pytest.mark.parametrize("form", ["review", "promotion"])
def test_a_brief_cannot_ask_for_a_document(tmp_path: Path, form: str) -> None:
    with pytest.raises(BriefError) as refused:
        accept_brief(write_brief(tmp_path, impact="governance", intent=in_form(form)), load_policy())
    assert {problem.field for problem in refused.value.problems} == {"impact", "intent.form"}


@pytest.mark.parametrize(("impact", "form"), [("low", "promotion"), ("high", "review"), ("governance", "briefing")])
def test_only_what_three_leaders_sign_is_a_document(tmp_path: Path, impact: str, form: str) -> None:
    """A promotion of low impact would be signed by the policy itself: there is no such brief, not even in the records."""
    with pytest.raises(BriefError) as refused:
        accept_brief(write_brief(tmp_path, impact=impact, intent=in_form(form)), load_policy())
    assert {problem.field for problem in refused.value.problems} == {"impact"}
    with pytest.raises(ValidationError, match="governance"):
        brief(impact=impact, intent={"form": form})
