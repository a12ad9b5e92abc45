"""Reading a model's answer: exactly what was asked for, or nothing of it.

Belongs here: turning text into verdicts. Does not: what becomes of a question without one (`asking`). A half-right
answer is not mended: who breaks the form may have followed a passage instead of the rules.
"""

import json
from collections.abc import Mapping, Sequence
from reprlib import repr as shown  # short, whatever an answer holds
from typing import Any, NoReturn, get_args

from finops_ai.verification.model import ModelVerdict, Question, Support, UnusableAnswer

_FENCE, _FENCE_END = "```json", "```"


def parse(text: str, questions: Sequence[Question]) -> dict[str, ModelVerdict]:
    """Verdicts by id; a question that the answer leaves out is absent. Raises UnusableAnswer, and nothing else."""
    asked = {question.id: question for question in questions}
    entries = _members(_json(_without_fence(text)), {"verdicts"})["verdicts"]
    if not isinstance(entries, list):
        raise UnusableAnswer("`verdicts` is no list")
    verdicts: dict[str, ModelVerdict] = {}
    for entry in entries:
        verdict = _verdict(entry, asked)
        if verdict.id in verdicts:
            raise UnusableAnswer(f"two verdicts for {shown(verdict.id)}")
        verdicts[verdict.id] = verdict
    return verdicts


def _verdict(entry: Any, asked: Mapping[str, Question]) -> ModelVerdict:
    given = _members(entry, {"id", "verdict", "passage"})
    name, verdict, passage = given["id"], given["verdict"], given["passage"]
    if not isinstance(name, str) or name not in asked:
        raise UnusableAnswer(f"{shown(name)} is the id of no question")
    if verdict not in get_args(Support):
        raise UnusableAnswer(f"{shown(verdict)} is no verdict")
    if passage is not None and type(passage) is not int:  # True is an int as well
        raise UnusableAnswer(f"passage {shown(passage)} is no number")
    if passage is not None and not 1 <= passage <= len(asked[name].passages):
        raise UnusableAnswer(f"{shown(name)} has no passage {shown(passage)}")
    if passage is None and verdict == "supported":
        raise UnusableAnswer(f"{shown(name)} is supported by no passage")
    return ModelVerdict(id=name, verdict=verdict, passage=passage)


def _members(value: Any, names: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != names:
        raise UnusableAnswer(f"{shown(value)} is no object of {', '.join(sorted(names))}")
    return value


def _json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:  # nested a hundred thousand deep is the second
        raise UnusableAnswer(f"no JSON: {error}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A name that is given twice would be read by its last value, and by another reader by its first."""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise UnusableAnswer("a name is given twice in one object")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise UnusableAnswer(f"{name} is no JSON")


def _without_fence(text: str) -> str:
    stripped = text.strip()
    if stripped.startswith(_FENCE) and stripped.endswith(_FENCE_END):
        return stripped.removeprefix(_FENCE).removesuffix(_FENCE_END)
    return stripped
