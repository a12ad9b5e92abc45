"""Asking: as few calls as the bounds allow, and every question accounted for.

Belongs here: putting questions into calls, and what each answer means for them. Does not: paying (`calls`, inside the
`ask` of the caller), reading an answer (`answers`), the veto of rules over a model's opinion (the caller's).
"""

from collections.abc import Callable, Sequence

from finops_ai.calls import estimated_input_tokens
from finops_ai.verification.answers import parse
from finops_ai.verification.model import Batches, ModelVerdict, Outcome, Question, UnusableAnswer
from finops_ai.verification.prompt import RESPONSE_SCHEMA, messages_for

NOT_MENTIONED = "the answer does not mention it"


def batches(questions: Sequence[Question], *, tokens_max: int, per_call_max: int) -> Batches:
    """Questions in their order, at most `per_call_max` (at least 1) to a call and as many as its input bound takes.

    The bound counts rules and schema too, as `PaidCalls` does; `per_call_max` is what keeps the answer inside the bound
    on output. What cannot be asked is left out whole, never cut.
    """
    calls: list[list[Question]] = []
    left_out: dict[str, str] = {}
    for question in questions:
        if reason := _reason_to_leave_out(question, tokens_max):
            left_out[question.id] = reason
        elif calls and len(calls[-1]) < per_call_max and _tokens([*calls[-1], question]) <= tokens_max:
            calls[-1].append(question)
        else:
            calls.append([question])
    return Batches(calls=calls, left_out=left_out)


def verify(
    questions: Sequence[Question],
    ask: Callable[[list[dict[str, str]]], str],
    *,
    tokens_max: int,
    per_call_max: int,
) -> Outcome:
    """One `ask` per batch, which must have booked the call before it returns the text: an unusable answer was paid too.

    A passage that misleads the model can reach every answer of its batch; `per_call_max=1` keeps questions apart.
    Raises ValueError where two questions share an id, and whatever `ask` raises: answers that came before are then on
    the books, so that asking again does not pay for them again.
    """
    if len({question.id for question in questions}) < len(questions):
        raise ValueError("two questions have one id: a verdict on one would be taken for the other's")
    planned = batches(questions, tokens_max=tokens_max, per_call_max=per_call_max)
    verdicts: dict[str, ModelVerdict] = {}
    unverified = dict(planned.left_out)
    for batch in planned.calls:
        found, reason = _read(ask(messages_for(batch)), batch)
        verdicts |= found
        unverified |= {question.id: reason for question in batch if question.id not in found}
    return Outcome(verdicts=verdicts, unverified=unverified, calls=len(planned.calls))


def _read(text: str, batch: Sequence[Question]) -> tuple[dict[str, ModelVerdict], str]:
    """(verdicts, why the rest of the batch has none)."""
    try:
        return parse(text, batch), NOT_MENTIONED
    except UnusableAnswer as error:
        return {}, f"unusable answer: {error}"


def _reason_to_leave_out(question: Question, tokens_max: int) -> str | None:
    if not question.passages:
        return "no passage to judge it from"
    if (tokens := _tokens([question])) > tokens_max:
        return f"it may take {tokens} tokens, more than the bound of {tokens_max}"
    return None


def _tokens(batch: Sequence[Question]) -> int:
    return estimated_input_tokens(messages_for(batch), RESPONSE_SCHEMA)
