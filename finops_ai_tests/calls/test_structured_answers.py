"""An endpoint is held to a form as strictly as it takes, and what it gives is checked whatever it promised."""

import json
from typing import Any

import pytest

from finops_ai.calls import CallFailed, CallRefused, FoundForms
from finops_ai.calls.structured import problem_of, told_in_words
from finops_ai.policy import Tier
from finops_ai.verification import RESPONSE_SCHEMA
from finops_ai_tests.calls.desk import MESSAGES, USED_NANO_USD, WORST_CASE, Desk, Reply, answer, error

USAGE = {"prompt_tokens": 30, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 10}}
SCHEMA = {
    "type": "object",
    "properties": {"cost": {"type": "integer"}},
    "required": ["cost"],
    "additionalProperties": False,
}
GOOD = answer('{"cost": 7}', usage=USAGE)
NO_SCHEMAS = "'type' of 'response_format' must be 'json_object'"
NO_FORMS = "response_format is not supported"


def forms_sent(desk: Desk) -> list[str]:
    return [request.get("response_format", {}).get("type", "plain") for request in desk.sent()]


def ask(desk: Desk, *replies: Reply, **tier: Any) -> Any:
    desk.provider.replies = replies
    return desk.ask(schema=SCHEMA, **tier)


# --- stepping down


def test_an_endpoint_that_takes_no_schema_is_asked_for_json_at_once(desk: Desk) -> None:
    found = ask(desk, error(400, NO_SCHEMAS), GOOD)
    assert (found.form, found.attempts, found.problem) == ("json_object", 2, "")
    assert forms_sent(desk) == ["json_schema", "json_object"]
    assert desk.slept == [], "nothing has to pass before another form is tried"
    assert desk.outcomes() == ["released", "settled"]
    assert desk.books() == (0, USED_NANO_USD, 0)


@pytest.mark.parametrize("status", [400, 415, 422, 501])
def test_an_endpoint_that_takes_no_form_is_told_in_words(desk: Desk, status: int) -> None:
    found = ask(desk, error(status, NO_FORMS), error(status, NO_FORMS), GOOD)
    assert (found.form, found.attempts) == ("plain", 3)
    assert forms_sent(desk) == ["json_schema", "json_object", "plain"]
    assert desk.outcomes() == ["released", "released", "settled"]


def test_an_error_500_that_names_the_form_steps_down_and_stays_in_suspense(desk: Desk) -> None:
    """It may have been served, whatever it says."""
    found = ask(desk, error(500, NO_SCHEMAS), GOOD)
    assert found.form == "json_object"
    assert desk.outcomes() == ["suspended", "settled"]
    assert desk.books() == (WORST_CASE, USED_NANO_USD, WORST_CASE)


def test_a_refusal_for_another_reason_does_not_step_down(desk: Desk) -> None:
    with pytest.raises(CallRefused):
        ask(desk, error(400, "no such model"))
    assert forms_sent(desk) == ["json_schema"]


def test_steps_count_as_attempts(desk: Desk) -> None:
    with pytest.raises(CallRefused, match="2 attempts failed"):
        ask(desk, error(400, NO_FORMS), attempts_max=2)
    assert len(desk.provider.requests) == 2


def test_below_plain_there_is_no_step(desk: Desk) -> None:
    with pytest.raises(CallRefused):
        ask(desk, error(400, NO_FORMS), attempts_max=9)
    assert forms_sent(desk) == ["json_schema", "json_object", "plain"]


def test_an_error_500_at_plain_is_an_error_like_any_other(desk: Desk) -> None:
    with pytest.raises(CallFailed):
        ask(desk, error(500, NO_FORMS), structured="none")
    assert forms_sent(desk) == ["plain"] * 3


def test_a_later_call_starts_where_the_first_one_arrived(desk: Desk) -> None:
    ask(desk, error(400, NO_SCHEMAS), GOOD)
    desk.provider.requests.clear()
    desk.provider.replies = [GOOD]
    desk.ask(schema=SCHEMA | {"title": "b"})
    assert forms_sent(desk) == ["json_object"]
    desk.ask(schema=SCHEMA, model="model-b")
    assert forms_sent(desk) == ["json_object", "json_schema"], "another model may take more"


def test_a_policy_is_never_stepped_up() -> None:
    forms = FoundForms()
    strict, loose = (Tier(engine="openai", model="m", structured=form) for form in ("json_schema", "none"))
    forms.found(strict, "json_object")
    assert (forms.start(strict), forms.start(loose)) == ("json_object", "plain")


def test_the_same_call_is_the_same_in_whatever_form_it_was_answered(desk: Desk) -> None:
    """What an endpoint takes may change between two runs; what was paid must still be found."""
    first = ask(desk, error(400, NO_FORMS), error(400, NO_FORMS), GOOD)
    again = desk.ask(schema=SCHEMA, structured="json_object")
    assert (again.text, again.reused, again.form, again.attempts) == (first.text, True, "plain", 0)
    assert desk.books() == (0, USED_NANO_USD, 0)


# --- in words


def test_a_schema_is_told_after_the_first_system_message(desk: Desk) -> None:
    """The stable part stays first, where a prefix cache finds it."""
    ask(desk, GOOD, structured="none")
    rules, told, question = desk.sent()[0]["messages"]
    assert [rules, question] == MESSAGES
    assert told["role"] == "system"
    assert json.dumps(SCHEMA) in told["content"]
    assert told_in_words(MESSAGES[1:], SCHEMA) == [told, question]


def test_a_strict_endpoint_is_not_told_twice(desk: Desk) -> None:
    ask(desk, GOOD)
    assert desk.sent()[0]["messages"] == MESSAGES


# --- the check


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"cost": 7}', ""),
        (' {"cost": 7}\n', ""),
        ('```json\n{"cost": 7}\n```', ""),
        ('```\n{"cost": 7}\n```\n', ""),
        ('{"cost": "7"}', "$.cost: '7' is not of type 'integer'"),
        ("{}", "$: 'cost' is a required property"),
        ('{"cost": 7, "more": 1}', "Additional properties"),
        ('Here it is: {"cost": 7}', "no JSON"),
        ('{"cost": 7', "no JSON"),
        ('{"cost": NaN}', "no JSON: NaN"),
        ("[" * 100_000, "no JSON"),
        ("", "no JSON"),
        ("null", "$: None is not of type 'object'"),
    ],
)
def test_a_text_is_held_against_its_schema(text: str, problem: str) -> None:
    found = problem_of(text, SCHEMA)
    assert problem in found
    assert bool(found) == bool(problem)


def test_the_schema_of_the_model_verifier_can_be_checked() -> None:
    good = {"verdicts": [{"id": "c-1", "verdict": "supported", "passage": 1}]}
    assert problem_of(json.dumps(good), RESPONSE_SCHEMA) == ""
    good["verdicts"][0]["verdict"] = "perhaps"
    assert "'perhaps' is not one of" in problem_of(json.dumps(good), RESPONSE_SCHEMA)


@pytest.mark.parametrize("schema", [{"type": 7}, {"$ref": "http://127.0.0.1:9/never-fetched"}])
def test_a_schema_that_cannot_be_used_is_a_problem_and_no_crash(schema: dict[str, Any]) -> None:
    assert problem_of("{}", schema).startswith("the schema cannot be used")


def test_an_answer_that_breaks_its_form_was_paid_and_says_why(desk: Desk) -> None:
    found = ask(desk, answer("Seven.", usage=USAGE))
    assert (found.text, found.problem[:7], found.attempts) == ("Seven.", "no JSON", 1)
    again = desk.ask(schema=SCHEMA)
    assert (again.reused, again.problem) == (True, found.problem)
    assert desk.books() == (0, USED_NANO_USD, 0)


def test_without_a_schema_only_silence_is_a_problem(desk: Desk) -> None:
    desk.provider.replies = [answer("", usage=USAGE)]
    assert desk.ask().problem == "the answer holds no text"


def test_a_refusal_of_the_model_is_told(desk: Desk) -> None:
    status, body, headers = answer("", usage=USAGE)
    record = json.loads(body)
    record["choices"][0]["message"] |= {"content": None, "refusal": "I cannot help with that."}
    desk.provider.replies = [(status, json.dumps(record), headers)]
    assert desk.ask().problem == "the model refused: I cannot help with that."
