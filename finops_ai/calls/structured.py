"""Holding a model to a form: the strictest way its endpoint takes, and a check of what came back.

Belongs here: the ways and their order, the schema told in words, what an endpoint was found to take, the check. Does
not: how an API writes a form into its request (`chat`, `responses`), when to step down (`retry`).
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from finops_ai.calls.model import Form
from finops_ai.policy import Tier

_STEPS: tuple[Form, ...] = ("json_schema", "json_object", "plain")  # the strictest first
_SPEAKS_OF_FORM = re.compile(r"response_format|json_schema|json_object|text\.format|structured.?output", re.IGNORECASE)
_FENCED = re.compile(r"\s*```(?:json)?[ \t]*\n(.*?)\n?\s*```\s*", re.DOTALL)
_IN_WORDS = "Answer with JSON that is valid against this schema, and nothing else:\n"
PROBLEM_CHARACTERS_MAX = 300


@dataclass(frozen=True, slots=True)
class FoundForms:
    """The form that each endpoint was found to take after it had refused a stricter one."""

    by_endpoint: dict[tuple[str | None, str, str], Form] = field(default_factory=dict)

    def start(self, tier: Tier) -> Form:
        """The form to try first: the policy's, or the weaker one that this endpoint was found to take."""
        wanted: Form = "plain" if tier.structured == "none" else tier.structured
        found = self.by_endpoint.get(_endpoint(tier), wanted)
        return max(wanted, found, key=_STEPS.index)

    def found(self, tier: Tier, form: Form) -> None:
        """Start there the next time."""
        if form in _STEPS and form != self.start(tier):
            self.by_endpoint[_endpoint(tier)] = form


FOUND_IN_THIS_PROCESS = FoundForms()


def weaker(form: Form) -> Form | None:
    """The next way down; None where there is none."""
    return _STEPS[_STEPS.index(form) + 1] if form in _STEPS[:-1] else None


def speaks_of_form(refusal: str) -> bool:
    """Does an endpoint's refusal name what holds it to a form?"""
    return bool(_SPEAKS_OF_FORM.search(refusal))


def told_in_words(messages: Sequence[Mapping[str, str]], schema: Mapping[str, Any]) -> list[dict[str, str]]:
    """The messages with the schema as a further system message, after the first one: the stable part stays first."""
    told = {"role": "system", "content": _IN_WORDS + json.dumps(schema)}
    first = 1 if messages and messages[0]["role"] == "system" else 0
    return [*map(dict, messages[:first]), told, *map(dict, messages[first:])]


def problem_of(text: str, schema: Mapping[str, Any]) -> str:
    """Why a text is no value of this schema; "" where it is one. A Markdown fence around it is allowed."""
    try:
        value = json.loads(without_fence(text), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:  # nested a hundred thousand deep is the second
        return f"no JSON: {error}"[:PROBLEM_CHARACTERS_MAX]
    return _broken_rule(value, schema)[:PROBLEM_CHARACTERS_MAX]


def without_fence(text: str) -> str:
    """The inside of a text that is one Markdown fence; any other text as it is."""
    fenced = _FENCED.fullmatch(text)
    return fenced[1] if fenced else text


def _broken_rule(value: Any, schema: Mapping[str, Any]) -> str:
    import jsonschema  # a tenth of a second, paid only where a form was asked for
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    checker = jsonschema.Draft202012Validator(schema, registry=Registry())  # empty: a schema names no address to fetch
    try:
        checker.check_schema(schema)
        broken = jsonschema.exceptions.best_match(checker.iter_errors(value))
    except (jsonschema.SchemaError, Unresolvable, RecursionError) as error:
        return f"the schema cannot be used: {str(error) or type(error).__name__}"
    return f"{broken.json_path}: {broken.message}" if broken else ""


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _endpoint(tier: Tier) -> tuple[str | None, str, str]:
    return tier.base_url, tier.model, tier.api
