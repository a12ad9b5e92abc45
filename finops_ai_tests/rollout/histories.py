"""Past artifacts of a workload, recorded as the steps record them, at a moment of one's choice.

Belongs here: writing such records. Does not: assertions.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from finops_ai import ledger
from finops_ai.artifacts import record_output, record_verdict
from finops_ai.briefs import BriefFile, register
from finops_ai.ledger import Payer
from finops_ai.policy import Stage
from finops_ai.publishing import intend, publication_key, take_permit
from finops_ai.settings import Settings
from finops_ai.signoff import keep_packet
from finops_ai.store import Database, insert_once, open_objects, sha256_hex, simulated, tables, utc_now
from finops_ai_tests.records import brief, hold_of, packet, payer

WORKLOAD = "finance-briefings"
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
POLICY = "e" * 64
PASSED = {"policy": True, "quality": True, "readiness": True}
COST_NANO_USD = 1_000_000_000  # of a past artifact, where nothing else is said


class History:
    """Writes what came of an artifact, one after another."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.objects = database, open_objects(Settings(home=folder / "home"))
        self.count = 0

    def begin(self, at: datetime, *, cost_nano_usd: int = COST_NANO_USD, **changes: Any) -> Payer:
        """A registered artifact that has cost something; who pays for it."""
        self.count += 1
        wanted = brief(topic=f"Past artifact {self.count}", **changes)
        with simulated(at):
            (found,) = register(self.database, [BriefFile(wanted, Path("/b"))], submitted_by="ana", via="test")
            who = _payer(found.key, wanted.workload)
            with self.database.write() as tx:
                ledger.book(tx, who, kind="compute", quantity=1, unit="compute_us", amount_nano_usd=cost_nano_usd)
        return who

    def published(
        self,
        at: datetime = NOW,
        *,
        loop: int = 0,
        gates: Mapping[str, bool] = PASSED,
        gate_policy: str = POLICY,
        **changes: Any,
    ) -> str:
        """Approved and published in this loop."""
        who = self.begin(at, **changes)
        with simulated(at), self.database.write() as tx:
            for gate, passed in gates.items():
                judged = _payer(who.artifact, who.workload, loop=loop, policy_sha256=gate_policy)
                record_verdict(tx, judged, gate=gate, subject_sha256="s", passed=passed, verdict_sha256="v")
            digest = self._packet(tx, who, loop)
            signed = packet(who.artifact, loop=loop)
            take_permit(tx, signed, decision_ids=[], run_id="run-1")
            intend(tx, packet_digest=digest, artifact=who.artifact, targets=["local"], profile="full")
            key = publication_key(digest, "local", "full")
            insert_once(tx, tables.receipt, publication_key=key, files=[], run_id="run-1", at=utc_now())
        return who.artifact

    def rejected(self, at: datetime = NOW, *, verdict: str = "reject", loop: int = 0, **changes: Any) -> str:
        """Put up for sign-off, with one decision on it."""
        who = self.begin(at, **changes)
        with simulated(at), self.database.write() as tx:
            digest = self._packet(tx, who, loop)
            row = {"packet_digest": digest, "artifact": who.artifact, "reviewer": "lea", "role": "legal"}
            row |= {"verdict": verdict, "reason": "not this", "identified_by": "token", "at": utc_now()}
            tx.execute(tables.decision.insert().values(row))
        return who.artifact

    def judged(
        self, gate: str, at: datetime = NOW, *, passed: bool = False, loop: int = 0, who: Payer | None = None
    ) -> Payer:
        """A gate's verdict on an artifact."""
        who = who or self.begin(at)
        with simulated(at), self.database.write() as tx:
            subject = _payer(who.artifact, who.workload, loop=loop)
            record_verdict(tx, subject, gate=gate, subject_sha256="s", passed=passed, verdict_sha256="v")
        return who

    def assessed(self, at: datetime, output_sha256: str) -> str:
        """A risk assessment of an artifact."""
        who = self.begin(at)
        with simulated(at), self.database.write() as tx:
            record_output(tx, _payer(who.artifact, who.workload, step="risk_assessment"), output_sha256)
        return who.artifact

    def reserved(self, at: datetime, *, suspended: bool = False, amount_nano_usd: int = 5, **changes: Any) -> str:
        """A call whose hold was taken, and whose end nobody saw."""
        who = self.begin(at, **changes)
        with simulated(at), self.database.write() as tx:
            wanted = hold_of(ledger.open_operation(tx, who, request_sha256=sha256_hex(b"r")), amount_nano_usd)
            ledger.reserve(tx, who, wanted)
            if suspended:
                ledger.suspend(tx, who, wanted.key, why="timed out")
        return wanted.key

    def signed_packet(self) -> str:
        """The digest of a packet, for whatever it is signed."""
        who = self.begin(NOW, workload="finops-platform")
        with self.database.write() as tx:
            return self._packet(tx, who, 0)

    def moved(self, to_stage: Stage, at: datetime, *, workload: str = WORKLOAD, from_stage: Stage = "pilot") -> None:
        """A change of stage that happened."""
        row = {"workload": workload, "from_stage": from_stage, "to_stage": to_stage, "reason": "promotion"}
        with self.database.write() as tx:
            tx.execute(tables.stage_change.insert().values(row | {"detail": "", "at": utc_now(at)}))

    def _packet(self, tx: Any, who: Payer, loop: int) -> str:
        digest = keep_packet(tx, self.objects, packet(who.artifact, loop=loop))
        record_output(tx, _payer(who.artifact, who.workload, step="review_packet", loop=loop), digest)
        return digest


def _payer(artifact: str, workload: str, **changes: Any) -> Payer:
    fields = {"workload": workload, "policy_sha256": POLICY} | changes
    return replace(payer(artifact, ("organisation/test", 10**15)), **fields)
