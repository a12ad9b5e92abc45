"""What must hold at the moment of publishing, each guard alone, and the right that is taken once."""

from dataclasses import replace
from typing import Any

import pytest

from finops_ai.publishing import REQUIRED_GATES, GateRecord, PublishingRefused, newest_gates, objections, take_permit
from finops_ai.signoff import Standing, keep_packet
from finops_ai.store import Database, ObjectStore, tables, utc_now
from finops_ai_tests.records import packet, registered

PACKET = packet("a")
APPROVED = Standing(approved=True, rejected=False, changes_requested=False)


def gate(name: str, subject: str, verdict: str = "3" * 64, *, passed: bool = True) -> GateRecord:
    return GateRecord(gate=name, passed=passed, subject_sha256=subject, verdict_sha256=verdict)


GATES = {
    "policy": gate("policy", PACKET.claims_sha256, PACKET.gates["policy"]),
    "quality": gate("quality", PACKET.draft_sha256, PACKET.gates["quality"]),
    "readiness": gate("readiness", PACKET.digest),
}
GOOD: dict[str, Any] = {
    "current_digest": PACKET.digest,
    "policy_sha256": PACKET.policy_sha256,
    "standing": APPROVED,
    "gates": GATES,
    "found_files": PACKET.files,
    "over_budget": "",
}


def without(name: str) -> dict[str, GateRecord]:
    return {key: record for key, record in GATES.items() if key != name}


def test_nothing_stands_in_the_way_of_what_is_as_it_was_signed() -> None:
    assert objections(PACKET, **GOOD) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"current_digest": "0" * 64}, "the packet under review is 000"),
        ({"current_digest": None}, "the packet under review is None"),
        ({"policy_sha256": "0" * 64}, "the policy changed since sign-off"),
        ({"standing": replace(APPROVED, approved=False, rejected=True)}, "a veto wins"),
        ({"standing": replace(APPROVED, approved=False, changes_requested=True)}, "asked for changes"),
        ({"standing": replace(APPROVED, approved=False, missing={"legal": 1})}, r"approvals are missing: legal \(1\)"),
        ({"standing": replace(APPROVED, approved=False)}, "not approved"),
        *(({"gates": without(name)}, f"gate {name} has no verdict") for name in REQUIRED_GATES),
        *(({"gates": GATES | {n: replace(GATES[n], passed=False)}}, f"gate {n} failed") for n in REQUIRED_GATES),
        *(
            ({"gates": GATES | {n: replace(GATES[n], subject_sha256="0" * 64)}}, f"gate {n} is about something else")
            for n in REQUIRED_GATES
        ),
        *(
            ({"gates": GATES | {n: replace(GATES[n], verdict_sha256="0" * 64)}}, f"gate {n} has another verdict")
            for n in PACKET.gates
        ),
        ({"found_files": {"a.md": "0" * 64}}, r"a\.md: its bytes are not those that were signed"),
        ({"found_files": {}}, r"a\.md: its bytes"),
        ({"over_budget": "a budget is overdrawn"}, "overdrawn"),
    ],
)
def test_each_guard_stops_it_alone(change: dict[str, Any], said: str) -> None:
    found = objections(PACKET, **GOOD | change)
    assert len(found) == 1
    with pytest.raises(PublishingRefused, match=said):
        raise PublishingRefused(found)


def test_every_objection_is_said_at_once() -> None:
    found = objections(PACKET, **GOOD | {"gates": {}, "policy_sha256": "0" * 64, "over_budget": "overdrawn"})
    assert len(found) == 5
    assert str(PublishingRefused(found)).count("\n- ") == 5


def test_a_permit_is_taken_once_and_found_again(database: Database, objects: ObjectStore) -> None:
    """A second try must publish what the first one had the right to: its decisions and its time, not new ones."""
    wanted = packet(registered(database))
    with database.write() as tx:
        keep_packet(tx, objects, wanted)
        first = take_permit(tx, wanted, decision_ids=[1, 2], run_id="run-1")
    with database.write() as tx:
        again = take_permit(tx, wanted, decision_ids=[3], run_id="run-2")
    assert again == first
    assert (first.decision_ids, first.run_id) == ((1, 2), "run-1")


def test_the_newest_verdict_of_a_gate_counts(database: Database) -> None:
    artifact = registered(database)
    common = {"artifact": artifact, "loop": 0, "policy_sha256": "e" * 64, "run_id": "r", "at": utc_now()}
    with database.write() as tx:
        for n, passed in enumerate((False, True, False)):
            row = {"gate": "quality", "subject_sha256": "d" * 64, "passed": passed, "verdict_sha256": f"{n}"}
            tx.execute(tables.gate_verdict.insert().values(row | common))
        assert newest_gates(tx, artifact) == {"quality": gate("quality", "d" * 64, "2", passed=False)}
        assert newest_gates(tx, "other") == {}
