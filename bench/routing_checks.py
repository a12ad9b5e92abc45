"""Deterministic checks of a worked answer to a word problem: is its arithmetic right, does it end, does it use what was given?

Belongs here: one graded figure per check, from the question and the cheap answer alone. Does not: how much each check weighs
(`routing_models` fits that).
"""

import ast
import math
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bench.routing_outcomes import Questions, Vector

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_ANNOTATION = re.compile(r"<<([^<>=]*)=([^<>]*)>>")
_WRITTEN_OUT = re.compile(
    r"((?:\$?\d[\d,.]*%?\s*[-+*/x×÷]\s*)+\$?\d[\d,.]*%?)\s*(?:[a-z]+ )?=\s*\$?(-?\d[\d,]*(?:\.\d+)?)"
)
_FINAL = re.compile(r"####\s*(.*)")
_HEDGE = re.compile(
    r"however|assum|but |actually|correct|mistake|not possible|cannot|approximately|round|wait|let me|note",
    re.IGNORECASE,
)
_ALGEBRA = re.compile(r"\blet\b|equation|solve|\bx\b *=|denote", re.IGNORECASE)
_MONEY = re.compile(r"\$|dollar|cost|price|earn|pay|money", re.IGNORECASE)
_RELATION = re.compile(
    r"\b(?:half|twice|double|triple|quarter|third|fourth|fifth|more than|less than|fewer than|older|younger|percent|each"
    r"|every|per|times)\b|%|\d/\d",
    re.IGNORECASE,
)
_FRACTION = re.compile(r"\d/\d|half|third|quarter|fourth|fifth", re.IGNORECASE)
_MULTIPLE = re.compile(r"times|twice|double|triple", re.IGNORECASE)
_COMPARISON = re.compile(r"more than|less than|fewer|older|younger", re.IGNORECASE)
_NUMBER_WORDS = {
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "dozen": 12,
    "half": 0.5,
    "twice": 2,
    "double": 2,
    "triple": 3,
    "quarter": 0.25,
}
_EVERYBODY_KNOWS = frozenset(map(float, [*range(11), 12, 24, 7, 30, 52, 60, 100, 365]))
_OPERATIONS: dict[type[ast.AST], Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_CLOSE = 0.01
_EXPRESSION_CHARACTERS_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Calculation:
    """One calculation of an answer. `right` is None where it cannot be evaluated."""

    operands: tuple[float, ...]
    value: float | None
    right: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkedAnswer:
    """A cheap answer, taken apart."""

    text: str
    body: str  # before the final answer, without annotations
    annotated: tuple[Calculation, ...]
    written_out: tuple[Calculation, ...]
    final_text: str | None  # what follows ####
    final: float | None

    @property
    def values(self) -> tuple[float, ...]:
        """Everything it says it computed."""
        return tuple(c.value for c in (*self.annotated, *self.written_out) if c.value is not None)


def check_figures(questions: Questions) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """One row per question, one column per check."""
    pairs = zip(questions.prompts, questions.cheap_answers, strict=True)
    return np.array([list(checks(prompt, answer).values()) for prompt, answer in pairs], dtype=float)


def checks(prompt: str, answer: str) -> dict[str, float]:
    """Every check by name; larger means more of what the name says."""
    worked = taken_apart(answer)
    return (
        _of_its_end(prompt, worked)
        | _of_its_steps(worked)
        | _of_what_was_given(prompt, worked)
        | _of_words(prompt, worked)
    )


def taken_apart(answer: str) -> WorkedAnswer:
    """Calculations annotated as <<a=b>>, those written out as a*b=c, and the final answer after ####."""
    final = _FINAL.search(answer)
    final_numbers = numbers(final[1]) if final else []
    plain = re.sub(r"<<[^<>]*>>", "", answer)
    return WorkedAnswer(
        text=answer,
        body=plain.partition("####")[0],
        annotated=tuple(_calculation(left, right) for left, right in _ANNOTATION.findall(answer)),
        written_out=tuple(_calculation(left.rstrip("."), right) for left, right in _WRITTEN_OUT.findall(plain)),
        final_text=final[1] if final else None,
        final=final_numbers[0] if final_numbers else None,
    )


def numbers(text: str) -> list[float]:
    """Unsigned, commas of thousands understood, none too large to compute with."""
    return [value for found in _NUMBER.findall(text) if math.isfinite(value := float(found.replace(",", "")))]


def evaluated(expression: str) -> float | None:
    """The value of + − × ÷ on numbers, a percent sign read as hundredths; None for anything else."""
    plain = expression.replace(",", "").replace("$", "").replace("%", "/100")
    plain = re.sub("[x×]", "*", plain).replace("÷", "/").strip()
    if len(plain) > _EXPRESSION_CHARACTERS_MAX or not re.fullmatch(r"[-+*/(). \d]+", plain):
        return None
    try:
        value = _value(ast.parse(plain, mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError, OverflowError, RecursionError):
        return None
    return value if math.isfinite(value) else None


def _value(node: ast.AST) -> float:
    match node:
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATIONS:
            return _OPERATIONS[type(op)](_value(left), _value(right))
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _OPERATIONS:
            return _OPERATIONS[type(op)](_value(operand))
    raise ValueError("not plain arithmetic")


def _calculation(left: str, right: str) -> Calculation:
    expected = evaluated(left)
    try:
        value: float | None = float(right.replace(",", "").replace("$", "").strip())
    except ValueError:
        value = None
    if value is not None and not math.isfinite(value):
        value = None
    right_value = None if expected is None or value is None else _same(expected, value)
    return Calculation(operands=tuple(numbers(left)), value=value, right=right_value)


def _same(expected: float, value: float) -> bool:
    """A value that was rounded may differ by more than one that was not."""
    rounded = not (value.is_integer() and expected.is_integer())
    return abs(expected - value) <= _CLOSE + (0.01 * abs(value) if rounded else 0)


def _among(value: float, others: Sequence[float]) -> bool:
    return any(abs(value - other) < _CLOSE for other in others)


def _of_its_end(prompt: str, worked: WorkedAnswer) -> dict[str, float]:
    final, asked = worked.final, prompt.strip().split(". ")[-1]
    broken = final is not None and not final.is_integer()
    in_body = numbers(worked.body)
    return {
        "no final answer": final is None,
        "no mark of a final answer": worked.final_text is None,
        "final answer is the last number": final is not None and _among(final, in_body[-1:]),
        "final answer was computed": final is not None and _among(final, worked.values),
        "final answer was computed last": final is not None and _among(final, worked.values[-1:]),
        "final answer is in the text": final is not None and _among(final, in_body),
        "final answer is of the question": final is not None and final in numbers(prompt),
        "final answer is broken": broken,
        "final answer is broken, not money": broken and not _MONEY.search(asked),
        "words in the final answer": bool(re.search(r"[A-Za-z]{2,}", worked.final_text or "")),
        "text after the final answer": len(worked.text.rpartition("####")[2].strip()) > 30 and final is not None,
        "size of the final answer": math.log1p(abs(final)) if final is not None else 0,
        "negative result": (worked.final_text or "").lstrip(" $").startswith("-") or any(v < 0 for v in worked.values),
    }


def _of_its_steps(worked: WorkedAnswer) -> dict[str, float]:
    annotated, written_out = worked.annotated, worked.written_out
    sentences = [part for part in re.split(r"\n|\. ", worked.body.strip()) if part]
    return {
        "annotations": math.log1p(len(annotated)),
        "no annotation": not annotated,
        "wrong annotation": any(c.right is False for c in annotated),
        "annotation that cannot be evaluated": any(c.right is None for c in annotated),
        "annotation left open": worked.text.count("<<") != worked.text.count(">>"),
        "calculations written out": math.log1p(len(written_out)),
        "written out, not annotated": math.log1p(max(0, len(written_out) - len(annotated))),
        "wrong calculation written out": any(c.right is False for c in written_out),
        "broken intermediate result": any(not value.is_integer() for value in worked.values),
        "many decimals": bool(re.search(r"\d\.\d{3,}", worked.text)),
        "results never used": math.log1p(len(list(_dangling(worked)))),
        "sentences without a calculation": sum("=" not in part for part in sentences) / max(1, len(sentences)),
        "length of the answer": math.log1p(len(worked.text)),
    }


def _dangling(worked: WorkedAnswer) -> Iterator[float]:
    """Results that no later step takes up and that are not the answer."""
    steps = worked.annotated or worked.written_out
    for position, step in enumerate(steps[:-1]):
        later = [operand for other in steps[position + 1 :] for operand in other.operands]
        if step.value is not None and not _among(abs(step.value), later) and step.value != worked.final:
            yield step.value


def _of_what_was_given(prompt: str, worked: WorkedAnswer) -> dict[str, float]:
    given = set(numbers(prompt))
    said = {value for word, value in _NUMBER_WORDS.items() if re.search(rf"\b{word}\b", prompt, re.IGNORECASE)}
    operands = [operand for c in (*worked.annotated, *worked.written_out) for operand in c.operands]
    in_answer = set(numbers(worked.text))
    explained = given | said | set(worked.values) | _EVERYBODY_KNOWS
    return {
        "numbers given": math.log1p(len(numbers(prompt))),
        "given numbers not in the answer": len(given - in_answer),
        "share of given numbers not in the answer": len(given - in_answer) / max(1, len(given)),
        "share of given numbers in no calculation": len(given - set(operands)) / max(1, len(given)),
        "numbers from nowhere": math.log1p(sum(operand not in explained for operand in operands)),
    }


def _of_words(prompt: str, worked: WorkedAnswer) -> dict[str, float]:
    return {
        "hedged": bool(_HEDGE.search(worked.text)),
        "algebra": bool(_ALGEBRA.search(worked.text)),
        "length of the question": math.log(1 + len(prompt)),
        "answer longer than the question": math.log((1 + len(worked.text)) / (1 + len(prompt))),
        "relations in the question": len(_RELATION.findall(prompt)),
        "fraction": bool(_FRACTION.search(prompt)),
        "multiple": bool(_MULTIPLE.search(prompt)),
        "comparison": bool(_COMPARISON.search(prompt)),
        "ratio": "ratio" in prompt,
        "rest": bool(re.search(r"left|remain", prompt, re.IGNORECASE)),
        "percent": bool(re.search(r"%|percent", prompt, re.IGNORECASE)),
    }


def lengths(questions: Questions) -> Vector:
    """Of the prompts, in characters: the simplest router."""
    return np.array([len(prompt) for prompt in questions.prompts], dtype=float)
