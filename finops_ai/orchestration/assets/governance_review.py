"""Scheduled: the month's review, put up for the signatures of its three leaders."""

from finops_ai.governance import Review
from finops_ai.orchestration.documents import AlreadyPublished, PutUp
from finops_ai.orchestration.lane import add_partitions
from finops_ai.orchestration.platform import PlatformWork
from finops_ai.orchestration.reviews import put_up_review
from finops_ai.orchestration.workbench import table


def governance_review(work: PlatformWork) -> None:
    """Running it again asks for no second signature, unless a figure has changed."""
    try:
        review, put_up = put_up_review(work.bench, work.partition, run_id=work.run_id)
    except AlreadyPublished as error:
        work.tell(state=f"{error}")
        return
    add_partitions(work.instance, work.bench)
    for verdict in put_up.verdicts:
        if not verdict.passed:
            work.log.error("%s gate: %s", verdict.gate, verdict.line)
    work.tell(
        state=_state(put_up),
        artifact=put_up.artifact,
        packet_digest=put_up.digest,
        needs_a_decision=table([{"part": n.part, "what": n.text} for n in review.needs]),
        figures=table(_figures(review)),
    )


def _state(put_up: PutUp) -> str:
    if not put_up.passed:
        return "held: " + "; ".join(f"{v.gate} gate: {v.line}" for v in put_up.verdicts if not v.passed)
    return "waits for its signatures" if put_up.new else "unchanged: the decisions on it go on counting"


def _figures(review: Review) -> list[dict[str, str]]:
    return [
        {"figure": figure.definition.name, review.month: figure.shown, "change": figure.change}
        for figure in review.figures.values()
    ]
