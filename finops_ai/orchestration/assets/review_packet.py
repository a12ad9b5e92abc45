"""The `review_packet` step and the readiness gate: all that a reviewer signs, under one digest."""

from typing import Any

import dagster as dg
import sqlalchemy as sa

from finops_ai.artifacts import Progress
from finops_ai.orchestration.assets.draft import confirmed, draft_of
from finops_ai.orchestration.assets.risk_assessment import assessment_of
from finops_ai.orchestration.gate_factory import GateVerdict, judge
from finops_ai.orchestration.gates import readiness_gate
from finops_ai.orchestration.workbench import Step
from finops_ai.policy import Approval, look_first
from finops_ai.publishing import KNOWN_TARGETS, file_name, render_html, render_markdown
from finops_ai.signoff import Packet, keep_packet, sign_by_policy


def review_packet(step: Step) -> dg.MaterializeResult[Any]:
    """The packet and, where the policy signs, its decision are stored in the transaction that records the step."""
    packet = assemble(step)
    verdict = judge(readiness_gate(), evidence_rows(step, packet))
    rule = step.bench.policy.approvals[step.brief.impact]

    def keep(tx: sa.Connection) -> None:
        digest = keep_packet(tx, step.bench.objects, packet)
        if rule.by_policy and verdict.passed:
            sign_by_policy(tx, artifact=step.artifact, packet_digest=digest, policy_sha256=packet.policy_sha256)

    return step.finish(
        packet.as_dict(),
        verdict=verdict,
        also=keep,
        metadata={
            "packet digest": packet.digest,
            "look first": "; ".join(look_first(assessment_of(step))) or "nothing in the evidence stands out",
            "evidence": dg.MetadataValue.url(f"{step.bench.settings.desk_url}/evidence/{step.artifact}/"),
            "sign-off": _rule_line(rule),
        },
        body={
            "how to sign": dg.MetadataValue.md(
                how_to_sign(step.artifact, packet.digest, verdict, by_policy=rule.by_policy)
            )
        },
    )


def assemble(step: Step) -> Packet:
    """The packet of the newest draft, its files rendered and stored."""
    objects, progress = step.bench.objects, step.progress
    draft_sha256 = step.digest_of("draft")
    markdown = render_markdown(step.brief, draft_of(step).markdown, confirmed(step))
    html = render_html(markdown, title=step.brief.topic)
    name = file_name(step.artifact, draft_sha256)
    return Packet(
        artifact=step.artifact,
        loop=step.loop,
        impact=step.brief.impact,
        profile=step.brief.profile,
        targets=tuple(step.brief.targets),
        brief_sha256=step.brief.sha256,
        claims_sha256=step.digest_of("claims"),
        draft_sha256=draft_sha256,
        files={f"{name}.md": objects.put(markdown.encode()), f"{name}.html": objects.put(html.encode())},
        gates={gate: record.verdict_sha256 for gate, record in progress.gates.items() if gate != "readiness"},
        policy_sha256=step.bench.policy.sha256,
    )


def evidence_rows(step: Step, packet: Packet) -> list[dict[str, str]]:
    """One row per thing that must be there; `state` says ready, or what is wrong with it."""
    progress = step.progress
    subjects = {"policy": packet.claims_sha256, "quality": packet.draft_sha256}
    rows = [{"item": f"{gate} gate", "state": _gate_state(progress, gate, sha)} for gate, sha in subjects.items()]
    known = KNOWN_TARGETS
    rows += [{"item": f"target {t}", "state": "ready" if t in known else "unknown target"} for t in packet.targets]
    rows += [{"item": name, "state": "ready"} for name in packet.files]
    return rows


def how_to_sign(artifact: str, digest: str, verdict: GateVerdict, *, by_policy: bool) -> str:
    """What a reviewer does next, as text that can be copied."""
    if not verdict.passed:
        return "Nothing to sign: the readiness gate failed."
    if by_policy:
        return "Low impact: signed by policy. A reviewer may still reject it before it is published."
    return (
        "On the command line:\n\n"
        f"```\nexport FINOPS_AI_REVIEWER_TOKEN=…\nfinops-ai decide {artifact} approve \\\n"
        f"  --digest {digest} \\\n  --reason '…'\n```\n\n"
        "In the web UI: the same command with `--launchpad` prints\n\n"
        "the config of the job `record_sign_off`, and a link to it filled in."
    )


def _rule_line(rule: Approval) -> str:
    if rule.by_policy:
        return "by policy (low impact)"
    return "quorum: " + ", ".join(f"{role} {count}" for role, count in rule.quorum.items())


def _gate_state(progress: Progress, gate: str, subject_sha256: str) -> str:
    record = progress.gates.get(gate)
    if record is None:
        return "absent"
    if record.subject_sha256 != subject_sha256:
        return "judged something else"
    return "ready" if record.passed else "failed"
