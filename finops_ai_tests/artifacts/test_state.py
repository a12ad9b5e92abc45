"""Where an artifact stands: every state, and which rule wins where several apply."""

from typing import Any, get_args

import pytest

from finops_ai.artifacts import Position, Progress, State, StepFailure, StepOutput, position
from finops_ai.publishing import GateRecord, Receipt
from finops_ai.routing import EndedLoop
from finops_ai.signoff import Standing
from finops_ai_tests.records import brief

POLICY = "e" * 64
PRODUCED = (
    "brief",
    "sources",
    "claims",
    "confirmed_facts",
    "rumors",
    "risk_assessment",
    "model_route",
    "draft",
    "review_packet",
)


def outputs(*steps: str, loop: int = 0, policy: str = POLICY) -> dict[str, StepOutput]:
    return {
        step: StepOutput(id=n, step=step, loop=loop, output_sha256=step, policy_sha256=policy, at=f"2026-01-{n:02}")
        for n, step in enumerate(steps, 1)
    }


def gate(name: str, subject: str, *, passed: bool = True) -> dict[str, GateRecord]:
    return {name: GateRecord(gate=name, passed=passed, subject_sha256=subject, verdict_sha256="v")}


def failure(step: str, *, permanent: bool, policy: str = POLICY) -> StepFailure:
    return StepFailure(step=step, error="boom", permanent=permanent, policy_sha256=policy, at="2026-02-01")


GATES = gate("policy", "claims") | gate("quality", "draft") | gate("readiness", "packet")
WAITING = Standing(approved=False, rejected=False, changes_requested=False, missing={"legal": 1, "business": 2})
APPROVED = Standing(approved=True, rejected=False, changes_requested=False)
REJECTED = Standing(approved=False, rejected=True, changes_requested=False)
RECEIPT = Receipt(target="local", packet_digest="packet", files=(), at="2026-01-20")
GATE_FAILED = EndedLoop(loop=0, ended_by="failed_gate", detail="the quality gate failed")
CHANGES = EndedLoop(loop=0, ended_by="request_changes", detail="ana: name the period")

NEW: dict[str, Any] = {
    "artifact": "a",
    "brief": brief(),
    "loops_max": 2,
    "policy_sha256": POLICY,
    "stage": "pilot",
    "outputs": {},
    "failure": None,
    "gates": {},
    "ended": {},
    "digest": None,
    "standing": None,
    "permitted": False,
    "delivery_open": False,
    "receipts": (),
}
READY = NEW | {"outputs": outputs(*PRODUCED), "gates": GATES, "digest": "packet", "standing": WAITING}
DELIVERED = READY | {"permitted": True, "receipts": (RECEIPT,), "standing": APPROVED}


def at(base: dict[str, Any], **changes: Any) -> Position:
    return position(Progress(**base | changes))


TABLE: list[tuple[dict[str, Any], dict[str, Any], str, str | None, str]] = [
    # base, what differs, state, job, part of what it waits for
    (NEW, {}, "submitted", "produce", "first run"),
    (NEW, {"outputs": outputs("brief", "sources")}, "producing", "produce", "rest of its run"),
    (READY, {}, "awaiting_sign_off", None, "legal (1), business (2)"),
    (READY, {"standing": APPROVED}, "approved", "publish", "publication"),
    (READY, {"standing": REJECTED}, "rejected", None, "veto"),
    (READY, {"permitted": True}, "publishing", "publish", "delivery"),
    (READY, {"permitted": True, "delivery_open": True, "receipts": (RECEIPT,)}, "publishing", "publish", "delivery"),
    (DELIVERED, {}, "published", "publish", "nothing"),  # its figures are still missing
    (DELIVERED, {"outputs": outputs(*PRODUCED, "published", "analytics")}, "published", None, "nothing"),
    (NEW, {"failure": failure("sources", permanent=False)}, "failed", "produce", "another run (sources: boom)"),
    (READY, {"failure": failure("published", permanent=False)}, "failed", "publish", "published: boom"),
    (READY, {"failure": failure("analytics", permanent=False)}, "failed", "publish", "analytics: boom"),
    (NEW, {"failure": failure("draft", permanent=True)}, "held", None, "a person: draft: boom"),
    (READY, {"ended": {0: CHANGES}}, "producing", "rework", "name the period"),
    (READY, {"ended": {0: GATE_FAILED}}, "producing", "rework", "quality gate failed"),
    (READY, {"ended": {0: GATE_FAILED}, "loops_max": 0}, "held", None, "no loop is left (of 0 reworks)"),
    (READY, {"gates": GATES | gate("policy", "claims", passed=False)}, "held", None, "the policy gate failed"),
    (READY, {"gates": GATES | gate("readiness", "packet", passed=False)}, "held", None, "the readiness gate failed"),
]


@pytest.mark.parametrize(("base", "changes", "state", "job", "waits_for"), TABLE)
def test_where_an_artifact_stands(
    base: dict[str, Any], changes: dict[str, Any], state: str, job: str | None, waits_for: str
) -> None:
    found = at(base, **changes)
    assert (found.state, found.job) == (state, job)
    assert waits_for in found.waiting_for


def test_every_state_can_be_reached() -> None:
    assert {row[2] for row in TABLE} == set(get_args(State))


FAILED = failure("draft", permanent=False)
STOPPED = failure("draft", permanent=True)


@pytest.mark.parametrize(
    ("base", "changes", "state", "why"),
    [
        (
            READY,
            {"permitted": True, "standing": REJECTED},
            "publishing",
            "what was begun is completed: the veto came too late",
        ),
        (DELIVERED, {"failure": FAILED, "standing": REJECTED}, "published", "what is out is out"),
        (READY, {"standing": REJECTED, "failure": FAILED}, "rejected", "nothing is tried again after a veto"),
        (READY, {"standing": REJECTED, "ended": {0: CHANGES}}, "rejected", "a veto beats a request for changes"),
        (READY, {"ended": {0: CHANGES}, "loops_max": 0, "failure": FAILED}, "held", "another run would begin no loop"),
        (READY, {"ended": {0: CHANGES}, "failure": FAILED}, "failed", "the failure is newer than what ended the loop"),
        (READY, {"standing": APPROVED, "failure": STOPPED}, "held", "an approval mends nothing that failed"),
        (READY, {"standing": APPROVED, "ended": {0: CHANGES}}, "producing", "changes were asked for"),
        (READY, {"standing": APPROVED, "policy_sha256": "f" * 64}, "producing", "signed under another policy"),
        (READY, {"failure": STOPPED, "policy_sha256": "f" * 64}, "producing", "the policy that stopped it has changed"),
        (
            NEW,
            {"failure": failure("brief", permanent=True, policy="0")},
            "submitted",
            "the policy that stopped it has changed",
        ),
        (
            READY,
            {"standing": APPROVED, "gates": GATES | gate("quality", "draft", passed=False)},
            "held",
            "a gate failed",
        ),
    ],
)
def test_which_rule_wins(base: dict[str, Any], changes: dict[str, Any], state: str, why: str) -> None:
    assert at(base, **changes).state == state, why


@pytest.mark.parametrize("gate_name", ["policy", "quality", "readiness"])
def test_a_verdict_about_something_else_holds_nothing_up(gate_name: str) -> None:
    """An old draft's failed gate says nothing about the new one."""
    old = GATES | gate(gate_name, "older", passed=False)
    assert at(READY, gates=old).state == "awaiting_sign_off"


@pytest.mark.parametrize("step", ["claims", "risk_assessment", "model_route", "draft", "review_packet"])
def test_a_step_that_is_missing_is_produced(step: str) -> None:
    left = {name: output for name, output in READY["outputs"].items() if name != step}
    found = at(READY, outputs=left)
    assert (found.state, found.job) == ("producing", "produce")


@pytest.mark.parametrize("step", ["claims", "risk_assessment", "model_route", "draft"])
def test_a_step_that_is_newer_than_the_packet_asks_for_another_packet(step: str) -> None:
    """Otherwise people would sign what would not be published."""
    newer = outputs(*(name for name in PRODUCED if name != step), step)
    assert at(READY, outputs=newer, standing=APPROVED).state == "producing"


def test_a_packet_whose_readiness_nobody_judged_is_not_ready() -> None:
    absent = {name: record for name, record in GATES.items() if name != "readiness"}
    assert at(READY, gates=absent, standing=APPROVED).state == "producing"


def test_a_publication_that_a_person_must_look_at_is_not_tried_again() -> None:
    found = at(READY, permitted=True, failure=failure("published", permanent=True))
    assert (found.state, found.job) == ("publishing", None)
    assert "a person" in found.waiting_for


@pytest.mark.parametrize(
    ("ended", "loop", "next_loop", "left"),
    [({}, 0, 0, True), ({0: CHANGES}, 0, 1, True), ({0: CHANGES}, 1, 1, True), ({2: CHANGES}, 2, 3, False)],
)
def test_a_new_draft_belongs_to_the_loop_after_the_one_that_ended(
    ended: dict[int, EndedLoop], loop: int, next_loop: int, *, left: bool
) -> None:
    progress = Progress(**READY | {"ended": ended, "outputs": outputs(*PRODUCED, loop=loop)})
    assert (progress.loop, progress.next_loop, progress.loops_left) == (loop, next_loop, left)
