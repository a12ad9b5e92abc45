"""What a model's opinion may do to a verdict: raise it where nothing deterministic speaks against it, and nothing else.

Belongs here: which claims may be asked about, and the one decision after the answer. Does not: asking (`asking`), what
speaks against a claim (`evidence.objections`).
"""

from dataclasses import replace

from finops_ai.evidence import SECOND_VOICE_MISSING, Claim, objections
from finops_ai.verification.model import ModelVerdict, Question


def may_be_raised(claim: Claim) -> bool:
    """It lacks a second voice and nothing else, and another voice speaks of the same: a hedge stays a hedge."""
    lacks_a_voice = all(reason.startswith(SECOND_VOICE_MISSING) for reason in claim.reasons)
    return claim.verdict == "needs_review" and lacks_a_voice and bool(claim.passages)


def question_of(claim: Claim) -> Question:
    """Raises ValueError for a claim whose verdict no model may raise: what is a rumor never enters a prompt."""
    if not may_be_raised(claim):
        raise ValueError(f"claim {claim.id} is {claim.verdict}: {'; '.join(claim.reasons)}")
    return Question(id=claim.id, claim=claim.text, passages=tuple(passage.context for passage in claim.passages))


def with_opinion(claim: Claim, opinion: ModelVerdict, *, model: str, about: str) -> Claim:
    """The claim after the model's verdict. Disagreement between model and veto is left to a person, with both sides.

    `about`: the whole text of the source that holds the passage; a name may stand there that the passage leaves out.
    """
    if opinion.verdict != "supported" or opinion.passage is None:
        return replace(claim, reasons=(*claim.reasons, f"{model}: {opinion.verdict.replace('_', ' ')}"))
    passage = claim.passages[opinion.passage - 1]
    if against := objections(claim.text, [passage.context], about=about):
        said = f"{model}: supported by {passage.uri}; but {'; '.join(against)}"
        return replace(claim, reasons=(*claim.reasons, said))
    return replace(
        claim,
        verdict="confirmed",
        reasons=(f"a second independent host in other words: {passage.uri}", f"{model}: supported; nothing objects"),
        voices=claim.voices + 1,
        raised_by=model,
    )
