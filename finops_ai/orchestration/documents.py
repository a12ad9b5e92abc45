"""Documents that finops_ai writes of its own records (the monthly review, a promotion), on the path of every artifact.

Belongs here: the records that stand in the place of sources, claims, route and draft, and the gates over them. Does not:
what a document says (`governance`, `rollout`), signing and publishing it: from its packet on, it is an artifact like others.

The figures stand where another artifact has its claims, the text that was made of them where another has its draft. So the
same three gates must have passed on them, the same permit is computed, and the same statements are signed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import sqlalchemy as sa

from finops_ai.artifacts import Progress, record_output, record_verdict
from finops_ai.briefs import Brief, BriefFile, Intent, SourceRef, Value, register
from finops_ai.evidence import Source
from finops_ai.generation import Draft
from finops_ai.ledger import Payer
from finops_ai.orchestration.gate_factory import Gate, GateVerdict, judge, must
from finops_ai.orchestration.gates import IN_SET, NOT_NULL, ROW_COUNT, readiness_gate
from finops_ai.orchestration.workbench import Workbench
from finops_ai.policy import Policy, TokenBounds
from finops_ai.provenance import FIGURES
from finops_ai.publishing import file_name
from finops_ai.routing import Route
from finops_ai.signoff import Packet, keep_packet
from finops_ai.store import canonical_json, sha256_hex

BUDGET_USD = Decimal(1)  # of compute: seconds
ENGINE = "records"  # computed: no model wrote a word of it
READY = "ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What is put up. A row of the checks is {"item", "state"}; any state but `ready` fails its gate and says why."""

    brief: Brief  # of form review or promotion, of impact governance
    figures: Mapping[str, Any]  # JSON without floats: everything that the text shows
    markdown: str
    html: str
    record_checks: Sequence[Mapping[str, str]]  # of the records behind the figures
    figure_checks: Sequence[Mapping[str, str]]  # of the figures: each computed anew from its rows


@dataclass(frozen=True, slots=True, kw_only=True)
class PutUp:
    """The packet that waits for its signatures, and what its gates found."""

    artifact: str
    digest: str
    verdicts: tuple[GateVerdict, ...]
    new: bool  # False: these figures were put up before, and decisions on them go on counting

    @property
    def passed(self) -> bool:
        """It can be signed."""
        return all(verdict.passed for verdict in self.verdicts)


def own_brief(
    policy: Policy, *, form: Literal["review", "promotion"], topic: str, objective: str, decision: str, source: str
) -> Brief:
    """The brief of a document: it has one because it is an artifact, and the same for the same topic."""
    platform = policy.platform
    value = Value(
        metric="governance", expected_usd=BUDGET_USD, basis="kept for its decision, not for a value of its own"
    )
    return Brief(
        topic=topic,
        objective=objective,
        intent=Intent(decision=decision, audience="CIO or CTO, CISO, finance", value=value, form=form),
        owner="finops_ai",
        cost_centre=platform.cost_centre,
        workload=platform.workload,
        impact="governance",
        budget_usd=BUDGET_USD,
        sources=[SourceRef(uri=source, grade="primary")],
    )


class AlreadyPublished(Exception):
    """A document that was signed and published is not put up again."""


def put_up(bench: Workbench, document: Document, *, run_id: str) -> PutUp:
    """Record the document and ask for signatures. Raises AlreadyPublished; LockTaken while another process does it."""
    brief = document.brief
    register(bench.database, [BriefFile(brief, bench.settings.home)], submitted_by=bench.settings.user, via=ENGINE)
    with bench.database.exclusive(f"artifact {brief.key}"):
        progress = bench.progress(brief.key)
        if progress.permitted:
            raise AlreadyPublished(f"{brief.key} is published under {progress.digest}; it does not change any more")
        return _recorded(bench, document, progress, run_id)


def _recorded(bench: Workbench, document: Document, progress: Progress, run_id: str) -> PutUp:
    loop = min(progress.next_loop, progress.loops_max)
    outputs = _outputs(bench, document, loop)
    about_records = judge(_gate("policy", "the records behind the figures"), document.record_checks)
    about_figures = judge(_gate("quality", "every figure, computed anew"), document.figure_checks)
    packet = _packet(bench, document, outputs, (about_records, about_figures), loop)
    readiness = judge(readiness_gate(), _readiness_rows(packet, (about_records, about_figures)))
    verdicts = (about_records, about_figures, readiness)
    found = PutUp(
        artifact=packet.artifact, digest=packet.digest, verdicts=verdicts, new=progress.digest != packet.digest
    )
    if found.new:
        subjects = (packet.claims_sha256, packet.draft_sha256, packet.digest)
        with bench.database.write() as tx:
            _record(tx, bench, document, packet, outputs, dict(zip(verdicts, subjects, strict=True)), run_id)
    return found


def _outputs(bench: Workbench, document: Document, loop: int) -> dict[str, str]:
    """The digest of what stands in each step's place, in the order of the workflow."""
    brief, objects = document.brief, bench.objects
    figures = canonical_json(dict(document.figures))
    source = Source(
        uri=brief.sources[0].uri,
        grade="primary",
        host="ledger",
        media_type=FIGURES,
        title=brief.topic,
        snapshot_sha256=objects.put(figures),
        text_sha256=sha256_hex(figures),
        size_bytes=len(figures),
        retrieved_at="",  # equal records make an equal packet, whenever they are read
        warnings=(),
    )
    route = Route(
        step="draft", loop=loop, tier="economy", bounds=TokenBounds(input_tokens_max=0, output_tokens_max=0),
        reason="computed from the records: no model is asked",
    )  # fmt: skip
    records: dict[str, Any] = {
        "brief": brief.canonical(),
        "sources": {"sources": [source.as_record()]},
        "claims": {"claims": [], "figures_sha256": source.snapshot_sha256},
        "risk_assessment": {"checks": [dict(row) for row in document.record_checks]},
        "model_route": route.as_dict(),
        "draft": Draft(markdown=document.markdown, engine=ENGINE, model="none").as_dict(),
    }
    return {step: objects.put_json(record) for step, record in records.items()}


def _packet(
    bench: Workbench, document: Document, outputs: Mapping[str, str], judged: Sequence[GateVerdict], loop: int
) -> Packet:
    brief, objects = document.brief, bench.objects
    name = file_name(brief.key, outputs["draft"])
    return Packet(
        artifact=brief.key,
        loop=loop,
        impact=brief.impact,
        profile=brief.profile,
        targets=tuple(brief.targets),
        brief_sha256=brief.sha256,
        claims_sha256=outputs["claims"],
        draft_sha256=outputs["draft"],
        files={
            f"{name}.md": objects.put(document.markdown.encode()),
            f"{name}.html": objects.put(document.html.encode()),
        },
        gates={verdict.gate: objects.put_json(verdict.as_dict()) for verdict in judged},
        policy_sha256=bench.policy.sha256,
    )


def _readiness_rows(packet: Packet, judged: Sequence[GateVerdict]) -> list[dict[str, str]]:
    gates = [{"item": f"{v.gate} gate", "state": READY if v.passed else "failed"} for v in judged]
    return gates + [{"item": name, "state": READY} for name in packet.files]


def _record(
    tx: sa.Connection,
    bench: Workbench,
    document: Document,
    packet: Packet,
    outputs: Mapping[str, str],
    subjects: Mapping[GateVerdict, str],
    run_id: str,
) -> None:
    """Everything in one transaction, the packet last: it is what a reviewer is shown."""
    for step, digest in outputs.items():
        record_output(tx, _payer(bench, document.brief, step, packet.loop, run_id), digest)
    for verdict, subject in subjects.items():
        record_verdict(
            tx,
            _payer(bench, document.brief, verdict.gate, packet.loop, run_id),
            gate=verdict.gate,
            subject_sha256=subject,
            passed=verdict.passed,
            verdict_sha256=bench.objects.put_json(verdict.as_dict()),
        )
    digest = keep_packet(tx, bench.objects, packet)
    record_output(tx, _payer(bench, document.brief, "review_packet", packet.loop, run_id), digest)


def _payer(bench: Workbench, brief: Brief, step: str, loop: int, run_id: str) -> Payer:
    return Payer(
        artifact=brief.key,
        step=step,
        loop=loop,
        cost_centre=brief.cost_centre,
        workload=brief.workload,
        budgets=(),  # nothing is paid here: the work that wrote the document is
        policy_sha256=bench.policy.sha256,
        run_id=run_id,
    )


def _gate(name: str, what: str) -> Gate:
    """The gate of this name, over rows of {"item", "state"}."""
    control = "NIST AI 600-1 MG-4.2-001; ISO/IEC 42001 9.3"
    return Gate(
        name=name,
        asset="governance_review",
        description=f"Judges {what} before anybody is asked to sign.",
        rules=(
            must(ROW_COUNT, min_value=1, why="nothing was looked at", control=control),
            must(NOT_NULL, column="item", why="a null is never counted as unexpected", control=control),
            must(NOT_NULL, column="state", why="a null is never counted as unexpected", control=control),
            must(
                IN_SET,
                column="state",
                value_set=[READY],
                why="leaders must not sign what does not hold",
                control=control,
            ),
        ),
    )
