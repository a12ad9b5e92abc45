"""Where an artifact stands and what can be done about it without a person: one pure function.

Belongs here: the states, the order in which they are decided, the next job. Does not: reading records (`progress`), doing
the job (`orchestration`). The command line, the sensors and the status page all ask here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from finops_ai.artifacts.progress import Progress

State = Literal[
    "submitted", "producing", "held", "awaiting_sign_off", "approved", "publishing", "published", "rejected", "failed"
]
Job = Literal["produce", "rework", "publish"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A state, what it waits for, and the job that moves it on; None: only a person can."""

    state: State
    waiting_for: str
    job: Job | None = None


def position(progress: Progress) -> Position:
    """The first rule that applies decides. A document is put up again, by a person or the asset that wrote it: no job does."""
    found = next(_rules(progress))
    if progress.brief.is_document and found.job in ("produce", "rework"):
        return Position(state=found.state, waiting_for=f"being put up again: {found.waiting_for}")
    return found


def retry(progress: Progress) -> Job | None:
    """What another try of a held artifact is, where a person asks for it. None: a document is put up again, or waits."""
    if not progress.brief.is_document:
        return "produce"
    return "publish" if progress.standing and progress.standing.approved else None


def _rules(p: Progress) -> Iterator[Position]:
    yield from _published(p)
    if p.standing and p.standing.rejected:
        yield Position(state="rejected", waiting_for="nothing: a reviewer rejected it, and a veto is final")
    yield from _exhausted(p)
    risk = p.outputs.get("risk_assessment")
    if risk and risk.policy_sha256 != p.policy_sha256:
        yield Position(state="producing", waiting_for="a run under the policy that is in force now", job="produce")
    if p.pending_batch:
        yield Position(state="producing", waiting_for=f"the provider's batch {p.pending_batch}")
    yield from _failed(p)
    if not p.outputs:
        yield Position(state="submitted", waiting_for="a first run", job="produce")
    if p.loop in p.ended:
        yield Position(state="producing", waiting_for=f"rework: {p.ended[p.loop].detail}", job="rework")
    yield from _gate(p, "policy", p.output("claims"))
    yield from _gate(p, "quality", _draft_of_this_loop(p))
    yield from _gate(p, "readiness", p.digest)
    if _unfinished(p):
        yield Position(state="producing", waiting_for="the rest of its run", job="produce")
    yield from _sign_off(p)


def _published(p: Progress) -> Iterator[Position]:
    if p.permitted and (p.delivery_open or not p.receipts):
        if p.failure and p.failure.permanent:
            yield Position(state="publishing", waiting_for=f"a person: {p.failure.error}")
        yield Position(state="publishing", waiting_for="its delivery", job="publish")
    if p.permitted:
        yield Position(state="published", waiting_for="nothing", job=None if "analytics" in p.outputs else "publish")


def _failed(p: Progress) -> Iterator[Position]:
    failure = p.failure
    if failure is None:
        return
    where = f"{failure.step}: {failure.error}"
    if not failure.permanent:
        job: Job = "publish" if failure.step in ("published", "analytics") else "produce"
        yield Position(state="failed", waiting_for=f"another run ({where})", job=job)
    elif failure.policy_sha256 == p.policy_sha256:
        yield Position(state="held", waiting_for=f"a person: {where}")


def _exhausted(p: Progress) -> Iterator[Position]:
    if p.loop in p.ended and not p.loops_left:
        why = f"{p.ended[p.loop].detail}, and no loop is left (of {p.loops_max} reworks)"
        yield Position(state="held", waiting_for=f"a person: {why}")


def _gate(p: Progress, gate: str, subject: str | None) -> Iterator[Position]:
    record = p.gates.get(gate)
    if record and subject and record.subject_sha256 == subject and not record.passed:
        yield Position(state="held", waiting_for=f"a person: the {gate} gate failed")


def _draft_of_this_loop(p: Progress) -> str | None:
    """A verdict on the draft before says nothing of a loop that has a route and, so far, no draft: a provider answers later,
    or a process died in between.
    """
    draft = p.outputs.get("draft")
    return draft.output_sha256 if draft and draft.loop == p.loop else None


def _unfinished(p: Progress) -> bool:
    """A step is missing, or an earlier step has a newer output than the packet."""
    produced = [p.outputs.get(step) for step in ("claims", "risk_assessment", "model_route", "draft", "review_packet")]
    ids = [output.id if output else None for output in produced]
    return None in ids or "readiness" not in p.gates or max(i for i in ids if i) != ids[-1]


def _sign_off(p: Progress) -> Iterator[Position]:
    if p.standing and p.standing.approved:
        yield Position(state="approved", waiting_for="its publication", job="publish")
    missing = p.standing.missing if p.standing else {}
    roles = ", ".join(f"{role} ({count})" for role, count in missing.items())
    yield Position(state="awaiting_sign_off", waiting_for=f"sign-off by {roles}")
