"""A decision is taken once, on what is up for sign-off now, by somebody who may; and it is found by whoever waits for it."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from threading import Thread
from typing import Any

import pytest

from finops_ai import ledger
from finops_ai.policy import Policy, load_policy
from finops_ai.publishing import take_permit
from finops_ai.signoff import (
    Decision,
    DecisionRefused,
    Packet,
    by_name,
    decisions_after,
    decisions_of,
    decisions_on,
    grant,
    is_permitted,
    keep_packet,
    load_packet,
    record_decision,
    revoke,
    sign_by_policy,
    standing_of,
)
from finops_ai.store import Database, ObjectStore
from finops_ai_tests.records import brief, packet, put_up_for_sign_off, registered


@dataclass
class Table:
    """A high-impact artifact of `content-platform`, submitted by `submitter`, with its packet up for sign-off."""

    database: Database
    objects: ObjectStore
    policy: Policy
    packet: Packet

    def decide(self, name: str, verdict: Any = "approve", **changes: Any) -> Decision:
        with self.database.read() as connection:
            reviewer = by_name(connection, name)
        arguments = {"packet_digest": self.packet.digest, "reason": "checked it", "identified_by": "token"} | changes
        return record_decision(
            self.database,
            self.policy,
            artifact=self.packet.artifact,
            reviewer=reviewer,
            verdict=verdict,
            **arguments,
        )

    def approved(self) -> bool:
        with self.database.read() as connection:
            artifact, digest = self.packet.artifact, self.packet.digest
            return standing_of(connection, self.policy, artifact=artifact, packet_digest=digest).approved

    def decisions(self) -> list[Decision]:
        with self.database.read() as connection:
            return decisions_of(connection, self.packet.artifact)


def lay(database: Database, objects: ObjectStore) -> Table:
    wanted = packet(registered(database))
    put_up_for_sign_off(database, objects, wanted)
    for name, role in (("Ana", "legal"), ("Bob", "business"), ("Cem", "ciso")):
        grant(database, name=name, role=role, by="operator")
    return Table(database, objects, load_policy(), wanted)


@pytest.fixture
def table(database: Database, objects: ObjectStore) -> Table:
    return lay(database, objects)


@pytest.fixture
def sqlite_table(sqlite_database: Database, objects: ObjectStore) -> Table:
    return lay(sqlite_database, objects)


def test_a_quorum_approves(table: Table) -> None:
    table.decide("Ana")
    assert not table.approved()
    table.decide("Bob")
    assert table.approved()
    assert [(d.reviewer, d.role, d.verdict, d.reason) for d in table.decisions()] == [
        ("Ana", "legal", "approve", "checked it"),
        ("Bob", "business", "approve", "checked it"),
    ]


def test_a_revoked_approval_no_longer_carries_the_quorum(table: Table) -> None:
    table.decide("Ana")
    table.decide("Bob")
    revoke(table.database, name="Ana", by="operator")
    assert not table.approved()


REFUSED: dict[str, tuple[Callable[[Table], object], str]] = {
    "another digest": (lambda t: t.decide("Ana", packet_digest="0" * 64), "review it again"),
    "no reason": (lambda t: t.decide("Ana", reason=""), "a reason of 3 to 4000 characters"),
    "a blank reason": (lambda t: t.decide("Ana", reason="\n \t\u2003 "), "this has 0"),
    "a reason without end": (lambda t: t.decide("Ana", reason="x" * 4001), "this has 4001"),
    "a role without a say": (lambda t: t.decide("Cem"), "role ciso is not in the quorum"),
}


@pytest.mark.parametrize(("act", "said"), REFUSED.values(), ids=REFUSED)
def test_a_decision_is_refused_with_the_reason(sqlite_table: Table, act: Callable[[Table], object], said: str) -> None:
    with pytest.raises(DecisionRefused, match=said):
        act(sqlite_table)
    assert sqlite_table.decisions() == []


def test_a_decision_is_final_for_its_digest(table: Table) -> None:
    table.decide("Ana", "reject")
    for verdict in ("reject", "approve"):
        with pytest.raises(DecisionRefused, match="already decided"):
            table.decide("Ana", verdict)
    assert [d.verdict for d in table.decisions()] == ["reject"]


@pytest.mark.parametrize("author", ["content-platform", "Content-Platform", "submitter", "SUBMITTER"])
def test_neither_the_owner_nor_the_submitter_may_decide(sqlite_table: Table, author: str) -> None:
    grant(sqlite_table.database, name=author, role="finance", by="operator")
    for verdict in ("approve", "reject"):
        with pytest.raises(DecisionRefused, match="is an author"):
            sqlite_table.decide(author, verdict)


def test_whoever_submits_the_brief_after_approving_it_no_longer_counts(table: Table) -> None:
    table.decide("Ana")
    table.decide("Bob")
    registered(table.database, by="ANA")
    assert not table.approved()


def test_a_decision_needs_something_to_decide_on(sqlite_table: Table) -> None:
    sqlite_table.packet = packet(registered(sqlite_table.database, brief(topic="Another")))
    with pytest.raises(DecisionRefused, match="no review packet yet"):
        sqlite_table.decide("Ana")


def test_decisions_on_an_older_packet_count_for_nothing(table: Table) -> None:
    """Another draft is another text: nobody has read it yet."""
    table.decide("Ana")
    table.decide("Bob")
    old = table.packet
    table.packet = packet(old.artifact, draft_sha256="0" * 64, loop=1)
    put_up_for_sign_off(table.database, table.objects, table.packet)
    assert not table.approved()
    with pytest.raises(DecisionRefused, match="review it again"):
        table.decide("Cem", "reject", packet_digest=old.digest)
    table.decide("Ana")
    assert len(table.decisions()) == 3


def test_after_the_permit_it_is_too_late(table: Table) -> None:
    """A veto that is recorded after publishing would be a record of something that did not happen."""
    with table.database.write() as tx:
        take_permit(tx, table.packet, decision_ids=[], run_id="run-1")
        assert is_permitted(tx, table.packet.digest)
    with pytest.raises(DecisionRefused, match="too late"):
        table.decide("Ana", "reject")


def test_the_time_of_a_reviewer_is_part_of_the_cost(table: Table) -> None:
    table.decide("Ana", review_seconds=60)
    with table.database.read() as connection:
        spent = ledger.spent(connection, artifact=table.packet.artifact)
        assert spent.cost_nano_usd == 1_500_000_000  # a minute at 90 USD an hour
        assert [row["key"] for row in ledger.cost_rows(connection, by="kind")] == ["review"]
        assert ledger.check(connection).balanced


def test_the_time_of_a_reviewer_overdraws_no_budget(table: Table) -> None:
    """Twenty minutes at 90 USD an hour are more than any artifact's budget: they would stop what they approve."""
    table.decide("Ana", review_seconds=1_200)
    with table.database.read() as connection:
        assert all(state.spent_nano_usd == 0 for state in ledger.states(connection))
        assert ledger.spent(connection, artifact=table.packet.artifact).cost_nano_usd == 30_000_000_000


def test_the_policys_own_signature_is_given_once_and_says_so(table: Table) -> None:
    for _ in range(2):
        with table.database.write() as tx:
            sign_by_policy(
                tx, artifact=table.packet.artifact, packet_digest=table.packet.digest, policy_sha256="e" * 64
            )
    (decision,) = table.decisions()
    assert (decision.reviewer, decision.identified_by) == ("policy:" + "e" * 12, "policy")
    assert not table.approved(), "high impact is not signed by policy"


def test_the_stream_behind_a_cursor_holds_every_decision_once(table: Table) -> None:
    ids = [table.decide(name, "reject").id for name in ("Ana", "Bob", "Cem")]
    with table.database.read() as connection:
        first = decisions_after(connection, 0, limit=2)
        rest = decisions_after(connection, first[-1].id, limit=2)
    assert [d.id for d in (*first, *rest)] == ids == sorted(ids)


def test_ids_are_given_in_the_order_of_commits(table: Table) -> None:
    """The sensor reads behind a cursor: an id that becomes visible after a larger one would never be read."""
    artifact = table.packet.artifact
    late, early = table.packet, packet(artifact, draft_sha256="0" * 64)
    with table.database.write() as tx:
        keep_packet(tx, table.objects, early)

    def sign(tx: Any, digest: str) -> None:
        sign_by_policy(tx, artifact=artifact, packet_digest=digest, policy_sha256="e" * 64)

    def overtake() -> None:
        with table.database.write() as tx:
            sign(tx, late.digest)

    thread = Thread(target=overtake)
    with table.database.write() as tx:
        sign(tx, early.digest)
        thread.start()
        thread.join(0.3)
        assert thread.is_alive(), "the second decision got its id, and was visible, before the first was committed"
        assert table.decisions() == []
    thread.join(10)
    assert [d.packet_digest for d in table.decisions()] == [early.digest, late.digest]
    assert [d.id for d in table.decisions()] == sorted(d.id for d in table.decisions())


# --- what is signed


def test_a_packet_has_one_digest_however_it_was_put_together(objects: ObjectStore, sqlite_database: Database) -> None:
    one = packet(registered(sqlite_database), files={"a.md": "1" * 64, "b.md": "2" * 64})
    again = packet(one.artifact, files={"b.md": "2" * 64, "a.md": "1" * 64})
    assert one.digest == again.digest
    with sqlite_database.write() as tx:
        assert [keep_packet(tx, objects, p) for p in (one, again)] == [one.digest] * 2
    assert load_packet(objects, one.digest) == one


OTHERWISE: dict[str, Any] = {
    "artifact": "other",
    "loop": 1,
    "impact": "low",
    "profile": "fast",
    "targets": ("local", "other"),
    "files": {"a.md": "0" * 64},
    "gates": {"policy": "1" * 64},
}


@pytest.mark.parametrize("field", [f.name for f in fields(Packet)])
def test_whatever_changes_in_a_packet_changes_its_digest(field: str) -> None:
    """A field that is not in the digest could be changed after sign-off."""
    changed = packet("a", **{field: OTHERWISE.get(field, "0" * 64)})
    assert changed.digest != packet("a").digest


def test_the_order_of_targets_is_signed() -> None:
    """The fast profile publishes to the first one only."""
    assert packet("a", targets=("x", "y")).digest != packet("a", targets=("y", "x")).digest


def test_decisions_on_one_digest_are_its_own(table: Table) -> None:
    table.decide("Ana")
    with table.database.read() as connection:
        assert decisions_on(connection, "0" * 64) == []
        assert len(decisions_on(connection, table.packet.digest)) == 1
