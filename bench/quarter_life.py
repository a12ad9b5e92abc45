"""The life of one artifact in a simulated quarter, from its brief to wherever it stands when the quarter ends.

Belongs here: the steps in the order of the workflow, each leaving what the step of that name leaves: its output in the same
form, its verdict, its cost, through the same functions of the core. Does not: Dagster, fetching, extraction, writing, and
judging by Great Expectations; their results are drawn or follow from the plan.
"""

import random
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bench.quarter_calls import call, outcomes_of
from bench.quarter_ground import (
    BYTES_PER_GB,
    LOOPS_MAX,
    MODELS,
    QUORUM,
    RETRIEVAL_NANO_USD_PER_GB,
    REVIEW_NANO_USD_PER_HOUR,
    REVIEWERS,
    SECONDS_PER_HOUR,
    at_the_office,
    half_up,
)
from bench.quarter_plan import Plan, tier_by_rule
from bench.quarter_sources import claim_records, claims_of, source_of
from bench.quarter_truth import Call, Lived, Said, Served
from bench.quarter_walk import Ground, Walk, Way
from finops_ai import ledger, provenance, publishing, signoff
from finops_ai.artifacts import record_output, record_verdict
from finops_ai.briefs import BriefFile, register
from finops_ai.evidence import Claim, Source
from finops_ai.facts import ConfirmedFact, keep_facts
from finops_ai.generation import Draft
from finops_ai.orchestration.gate_factory import Failure, Gate, GateVerdict
from finops_ai.orchestration.gates import policy_gate, quality_gate, readiness_gate
from finops_ai.policy import TIER_ORDER, Assessment, bounds_for, risk_row, verification_bounds
from finops_ai.pricing import format_usd
from finops_ai.routing import EndedLoop, Route, choose_route, record_exception
from finops_ai.rumors import keep_rumors
from finops_ai.signoff import Packet
from finops_ai.store import sha256_hex, utc_now

STEP_SECONDS: Mapping[str, tuple[float, float]] = {
    "sources": (1.5, 14.0),
    "claims": (0.5, 4.0),
    "risk_assessment": (0.3, 1.2),
    "draft": (0.5, 2.0),
    "review_packet": (0.3, 1.2),
}
OTHER_STEP_SECONDS = (0.05, 0.4)
REVIEW_SECONDS = (20, 90)
ASKS_OF_OTHER_ROLES = 0.3  # of requests for changes and rejections: by somebody whose role is not in the quorum
VERIFIED_SHARE = 0.5  # of artifacts with claims that need review: whose claims a model is asked about


@dataclass(kw_only=True)
class Life:
    """One artifact's walk, with what its later steps need of the earlier ones."""

    walk: Walk
    digests: dict[str, str] = field(default_factory=dict)  # of each step's newest output
    verdicts: dict[str, str] = field(default_factory=dict)  # of each gate's newest verdict
    past: list[EndedLoop] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    facts: list[ConfirmedFact] = field(default_factory=list)
    draft: Draft = field(default_factory=lambda: Draft(markdown="", engine="", model=""))
    route: Route | None = None
    packet: Packet | None = None

    @classmethod
    def of(cls, ground: Ground, plan: Plan) -> "Life":
        """Before anything happened."""
        return cls(walk=Walk(ground=ground, plan=plan, rng=random.Random(plan.seed), at=plan.created_at))

    def lived(self) -> Lived:
        """What came of it."""
        plan, notes = self.walk.plan, self.walk.notes
        brief = plan.brief
        return Lived(
            key=plan.key,
            workload=brief.workload,
            cost_centre=brief.cost_centre,
            owner=brief.owner,
            impact=brief.impact,
            profile=brief.profile,
            form=brief.intent.form,
            value_usd=int(brief.intent.value.expected_usd),
            injections=plan.injections,
            created_at=utc_now(plan.created_at),
            state=notes.state,
            ended_by=tuple(notes.ended_by),
            tiers=tuple(notes.tiers),
            costs=tuple(notes.costs),
            suspense=tuple(notes.suspense),
            decisions=tuple(notes.decisions),
            published_at=notes.published_at,
        )

    # --- from the brief to the end

    def way(self) -> Way:
        """All of it."""
        walk, plan = self.walk, self.walk.plan
        yield plan.created_at
        file = BriefFile(plan.brief, walk.ground.folder)
        register(walk.ground.database, [file], submitted_by=f"{plan.workload.name}-desk", via="inbox")
        if plan.fate == "submitted":
            return
        yield walk.after(20, 4_000)
        if not (yield from self._evidence()):
            return
        for loop, ending in enumerate(plan.endings):
            walk.loop = loop
            if not (yield from self._written(fails=ending == "failed_gate")):
                return
            if ending == "failed_gate":
                self._ended("failed_gate", "the quality gate failed")
            else:
                yield from self._review_packet()
                if not (yield from self._signed(ending)):
                    continue
                yield from self._published()
                return
            yield walk.after(30, 600)  # until a sensor asks for the rework

    def _ended(self, by: Any, detail: str, *, higher_tier: bool = False) -> None:
        walk = self.walk
        self.past.append(EndedLoop(loop=walk.loop, ended_by=by, detail=detail, higher_tier=higher_tier))
        walk.notes.ended_by[walk.loop] = by
        walk.notes.state = "producing" if walk.loop < LOOPS_MAX[walk.plan.brief.profile] else "held"

    def _step(
        self,
        name: str,
        output: Callable[[], Any],
        *,
        verdict: Callable[[], GateVerdict] | None = None,
        subject: str = "",
        also: Callable[[sa.Connection], None] = lambda _tx: None,
    ) -> Way:
        """Some seconds of work; then its output, its verdict and its cost in one transaction, as every step records them."""
        walk = self.walk
        objects = walk.ground.objects
        least_s, most_s = STEP_SECONDS.get(name, OTHER_STEP_SECONDS)
        microseconds = walk.rng.randrange(round(least_s * 1_000_000), round(most_s * 1_000_000))
        yield walk.until(walk.at + timedelta(microseconds=microseconds))
        payer, digest = walk.payer(name), objects.put_json(output())
        judged = verdict() if verdict else None
        self.digests[name] = digest
        with walk.ground.database.write() as tx:
            also(tx)
            record_output(tx, payer, digest)
            if judged:
                self.verdicts[judged.gate] = objects.put_json(judged.as_dict())
                record_verdict(
                    tx,
                    payer,
                    gate=judged.gate,
                    subject_sha256=subject or digest,
                    passed=judged.passed,
                    verdict_sha256=self.verdicts[judged.gate],
                )
            walk.book_compute(tx, payer, microseconds)

    # --- evidence and policy

    def _evidence(self) -> Generator[datetime, None, bool]:
        """A run from the brief to the policy gate; False: that one failed."""
        walk, plan = self.walk, self.walk.plan
        walk.new_run()
        yield from self._step("brief", plan.brief.canonical)
        if walk.notes.state in ("submitted", "failed"):
            walk.notes.state = "producing"
        yield from self._step("sources", self._retrieve, also=self._book_retrieval)
        first = not self.claims  # a later run finds its answers paid
        self.claims = claims_of(plan.documents)
        if first and any(claim.verdict == "needs_review" for claim in self.claims):
            yield from self._verify()
        yield from self._step("claims", lambda: {"claims": claim_records(walk.plan.documents)})
        about = self.digests["claims"]
        with walk.ground.database.write() as tx:
            self.facts = keep_facts(tx, plan.key, about, self.claims, self.sources)
            found = keep_rumors(tx, plan.key, about, self.claims)
        yield from self._step(
            "confirmed_facts", lambda: {"claims_sha256": about, "facts": [fact.claim_id for fact in self.facts]}
        )
        yield from self._step("rumors", lambda: {"claims_sha256": about, "rumors": [rumor.claim_id for rumor in found]})
        assessment = self._assessment()
        passes = plan.fate != "refused by the policy gate"
        yield from self._step(
            "risk_assessment",
            assessment.as_dict,
            verdict=lambda: self._policy_verdict(assessment, passes=passes),
            subject=about,
        )
        if not passes:
            walk.notes.state = "held"
        return passes

    def _retrieve(self) -> dict[str, Any]:
        at = utc_now(self.walk.at)
        self.sources = [source_of(document, at=at) for document in self.walk.plan.documents]
        return {"sources": [source.as_record() for source in self.sources]}

    def _book_retrieval(self, tx: sa.Connection) -> None:
        size_bytes = sum(document.size_bytes for document in self.walk.plan.documents if not document.gone)
        self.walk.book(
            tx,
            self.walk.payer("sources"),
            kind="retrieval",
            quantity=size_bytes,
            unit="retrieval_bytes",
            amount_nano_usd=half_up(size_bytes, RETRIEVAL_NANO_USD_PER_GB, BYTES_PER_GB),
        )

    def _verify(self) -> Way:
        """The model verifier is asked about some; here it raises none."""
        walk = self.walk
        if walk.rng.random() > VERIFIED_SHARE:
            return
        bounds = verification_bounds(walk.ground.policy)
        wanted = Call(
            step="claims",
            served=Served(loop=0, tier="economy", level="standard", exception=""),
            model=MODELS["economy"],
            input_tokens_max=bounds.input_tokens_max,
            output_tokens_max=bounds.output_tokens_max,
        )
        yield from call(walk, wanted, ["served"])

    def _assessment(self) -> Assessment:
        walk, brief = self.walk, self.walk.plan.brief
        offers = walk.ground.offers_to(brief)
        with walk.ground.database.read() as connection:
            budget_left = ledger.left_nano_usd(connection, walk.payer("risk_assessment").budgets)
        worst_case = offers[tier_by_rule(walk.plan)[0]].worst_case_nano_usd or 0
        verdicts = [claim.verdict for claim in self.claims]
        return Assessment(
            impact=brief.impact,
            profile=brief.profile,
            sources=len(self.sources),
            failed_sources=sum(not source.ok for source in self.sources),
            addressing_sources=sum(source.addresses_a_model for source in self.sources),
            confirmed_facts=verdicts.count("confirmed"),
            needs_review=verdicts.count("needs_review"),
            rumors=verdicts.count("rumor"),
            contradicted=verdicts.count("contradicted"),
            unpriced_tiers=tuple(name for name, offer in offers.items() if offer.price is None),
            worst_case_nano_usd=worst_case,
            budget_left_nano_usd=budget_left,
        )

    def _policy_verdict(self, assessment: Assessment, *, passes: bool) -> GateVerdict:
        gate = policy_gate(**dict(self.walk.ground.policy.gates.policy))
        if passes:
            return passed(gate)
        row = risk_row(assessment, self.walk.plan.brief, by_policy=self.walk.plan.brief.impact == "low")
        column = "addressing_unseen" if assessment.addressing_sources else "failed_sources_share"
        return failed(gate, column=column, sample=str(row[column]))

    # --- route, draft, packet

    def _written(self, *, fails: bool) -> Generator[datetime, None, bool]:
        """Route and draft of this loop, judged; False: no model gave an answer."""
        walk = self.walk
        if walk.loop:
            walk.new_run()
        walk.notes.ended_by.append("")
        walk.notes.tiers.append(self._due())
        again = False
        while True:
            yield from self._route()
            answered = yield from self._asked(again=again)
            if answered:
                break
            if walk.plan.fate == "failed":
                return False
            again = True
            yield walk.after(900, 9_000)
            yield from self._evidence()
        if walk.notes.tiers[-1].level == "batch":  # the run that waited has ended: another one goes on
            self._no_newer_draft()
            yield from self._evidence()
            yield from self._route()
        self.draft = self._draft(fails=fails)
        gate = quality_gate(**dict(walk.ground.policy.gates.quality))
        yield from self._step(
            "draft",
            self.draft.as_dict,
            verdict=lambda: failed(gate, column="finding", sample="'cites nothing'") if fails else passed(gate),
        )
        walk.notes.state = "producing"
        return True

    def _due(self) -> Served:
        """Who must serve this loop: by rule, and one tier above that after a failed gate or where a reviewer asked."""
        plan = self.walk.plan
        tier, reason = tier_by_rule(plan)
        for ended in reversed(self.past):
            if ended.ended_by == "failed_gate" or ended.higher_tier:
                if tier != TIER_ORDER[-1]:
                    tier = TIER_ORDER[TIER_ORDER.index(tier) + 1]
                    reason = "failed_gate" if ended.ended_by == "failed_gate" else "reviewer_asked"
                break
        level = self.walk.ground.policy.tiers[tier].service_levels.get(plan.brief.profile, "standard")
        return Served(loop=self.walk.loop, tier=tier, level=level, exception=reason)

    def _route(self) -> Way:
        walk, policy = self.walk, self.walk.ground.policy
        brief = walk.plan.brief
        bounds = bounds_for(policy, brief)
        with walk.ground.database.read() as connection:
            left = ledger.left_nano_usd(connection, walk.payer("draft").budgets)
        route = choose_route(
            brief,
            step="draft",
            loop=walk.loop,
            past=self.past,
            offers=walk.ground.offers_to(brief),
            rules=policy.routing,
            bounds=bounds,
            budget_left_nano_usd=left,
        )
        self.route = route
        payer = walk.payer("model_route")
        yield from self._step("model_route", route.as_dict, also=lambda tx: record_exception(tx, payer, route))
        self._no_newer_draft()

    def _no_newer_draft(self) -> None:
        """In a rework: until its draft is there, the newest verdict is of the one that failed, and holds the artifact."""
        if self.past and self.past[-1].ended_by == "failed_gate":
            self.walk.notes.state = "held"

    def _asked(self, *, again: bool) -> Generator[datetime, None, bool]:
        walk, served = self.walk, self.walk.notes.tiers[-1]
        bounds = bounds_for(walk.ground.policy, walk.plan.brief)
        wanted = Call(
            step="draft",
            served=served,
            model=MODELS[served.tier],
            input_tokens_max=bounds.input_tokens_max,
            output_tokens_max=bounds.output_tokens_max,
        )
        return (yield from call(walk, wanted, outcomes_of(walk, again=again)))

    def _draft(self, *, fails: bool) -> Draft:
        """Each loop begins with another fact, so that no two drafts of an artifact are the same."""
        loop = self.walk.loop
        chosen = (self.facts[loop:] + self.facts[:loop])[:3]
        lines = [f"- {fact.text} [{fact.label}]" for fact in chosen]
        if fails:
            lines.append("- It is well known that this will go on.")
        assert self.route is not None
        return Draft(markdown="\n".join(lines), engine="openai", model=MODELS[self.route.tier])

    def _review_packet(self) -> Way:
        walk, brief = self.walk, self.walk.plan.brief
        objects = walk.ground.objects
        draft_sha256 = self.digests["draft"]
        markdown = publishing.render_markdown(brief, self.draft.markdown, self.facts)
        name = publishing.file_name(walk.plan.key, draft_sha256)
        packet = Packet(
            artifact=walk.plan.key,
            loop=walk.loop,
            impact=brief.impact,
            profile=brief.profile,
            targets=tuple(brief.targets),
            brief_sha256=brief.sha256,
            claims_sha256=self.digests["claims"],
            draft_sha256=draft_sha256,
            files={f"{name}.md": objects.put(markdown.encode())},
            gates={gate: self.verdicts[gate] for gate in ("policy", "quality")},
            policy_sha256=walk.ground.policy_sha256,
        )
        self.packet = packet

        def keep(tx: sa.Connection) -> None:
            digest = signoff.keep_packet(tx, objects, packet)
            if brief.impact == "low":
                signoff.sign_by_policy(
                    tx, artifact=packet.artifact, packet_digest=digest, policy_sha256=packet.policy_sha256
                )

        yield from self._step("review_packet", packet.as_dict, verdict=lambda: passed(readiness_gate()), also=keep)
        walk.notes.state = "awaiting_sign_off"
        if brief.impact == "low":
            walk.notes.state = "approved"
            signer = f"policy:{walk.ground.policy_sha256[:12]}"
            walk.notes.decisions.append(
                Said(at=utc_now(walk.at), reviewer=signer, role="policy", verdict="approve", seconds=0, loop=walk.loop)
            )

    # --- people

    def _signed(self, ending: str) -> Generator[datetime, None, bool]:
        """The decisions on the packet of this loop; True: it may be published."""
        walk, plan = self.walk, self.walk.plan
        roles = list(QUORUM[plan.brief.impact])
        walk.rng.shuffle(roles)
        if plan.fate == "unsigned" and not ending:
            for role in roles[1:]:
                yield from self._decide(role, "approve")
            yield datetime.max.replace(tzinfo=walk.at.tzinfo)
        if not ending:
            for role in roles:
                yield from self._decide(role, "approve")
            walk.notes.state = "approved"
            return True
        for role in roles[1:]:  # somebody else may have agreed before
            if walk.rng.random() < 0.5:
                yield from self._decide(role, "approve")
        role = walk.rng.choice(list(REVIEWERS)) if walk.rng.random() < ASKS_OF_OTHER_ROLES else roles[0]
        if role in roles[1:]:
            role = roles[0]
        if ending == "reject":
            yield from self._decide(role, "reject")
            walk.notes.ended_by[walk.loop] = "reject"
            walk.notes.state = "rejected"
            return False
        higher_tier = plan.higher_tier[walk.loop]
        who = yield from self._decide(role, "request_changes", higher_tier=higher_tier)
        self._ended("request_changes", f"{who} ({role}): name the period", higher_tier=higher_tier)
        yield walk.after(30, 600)
        return False

    def _decide(self, role: str, verdict: Any, *, higher_tier: bool = False) -> Generator[datetime, None, str]:
        """In office hours, on a day on which there is time for it; who decided."""
        walk, workload = self.walk, self.walk.plan.workload
        ground, name = walk.ground, walk.rng.choice(REVIEWERS[role])
        seconds = walk.rng.randint(*REVIEW_SECONDS)
        amount = half_up(seconds, REVIEW_NANO_USD_PER_HOUR, SECONDS_PER_HOUR)
        yield walk.until(at_the_office(walk.at + timedelta(seconds=walk.rng.randrange(600, 30_000))))
        while not ground.may_review(workload.name, utc_now(walk.at)[:10], amount):
            yield walk.until(at_the_office(walk.at + timedelta(days=1)))
        assert self.packet is not None
        reason = "name the period" if verdict == "request_changes" else "checked against the sources"
        signoff.record_decision(
            ground.database,
            ground.policy,
            artifact=self.packet.artifact,
            packet_digest=self.digests["review_packet"],
            reviewer=ground.reviewers[name],
            verdict=verdict,
            reason=reason,
            identified_by="token",
            review_seconds=seconds,
            higher_tier=higher_tier,
        )
        said = Said(
            at=utc_now(walk.at),
            reviewer=name,
            role=role,
            verdict=verdict,
            seconds=seconds,
            loop=walk.loop,
            higher_tier=higher_tier,
        )
        walk.notes.decisions.append(said)
        walk.note("sign_off", kind="review", quantity=seconds, unit="review_s", amount_nano_usd=amount)
        return name

    # --- publishing

    def _published(self) -> Way:
        walk, ground = self.walk, self.walk.ground
        if walk.plan.fate == "approved":
            return
        yield walk.after(20, 400)
        walk.new_run()
        packet = self.packet
        assert packet is not None
        permit = self._permit(packet)
        walk.notes.state = "publishing"
        if walk.plan.fate == "publishing":
            return
        yield walk.after(0.1, 1.5)
        receipts = publishing.deliver(
            ground.database,
            ground.targets,
            packet_digest=packet.digest,
            artifact=packet.artifact,
            files=self._files(packet, permit),
            run_id=walk.run_id,
        )
        walk.notes.state = "published"
        walk.notes.published_at = utc_now(walk.at)
        record = [
            {
                "target": r.target,
                "files": [{name: getattr(f, name) for name in f.__slots__} for f in r.files],
                "at": r.at,
            }
            for r in receipts
        ]
        yield from self._step("published", lambda: {"packet_digest": packet.digest, "receipts": record})
        yield from self._step("analytics", self._analytics)

    def _permit(self, packet: Packet) -> publishing.Permit:
        """Verified afresh in the transaction that takes it. Raises PublishingRefused."""
        ground, key = self.walk.ground, packet.artifact
        with ground.database.write() as tx:
            standing = signoff.standing_of(tx, ground.policy, artifact=key, packet_digest=packet.digest)
            left = ledger.left_nano_usd(tx, self.walk.payer("published").budgets)
            found = publishing.objections(
                packet,
                current_digest=signoff.current_packet(tx, key),
                policy_sha256=ground.policy_sha256,
                standing=standing,
                gates=publishing.newest_gates(tx, key),
                found_files={name: sha256_hex(ground.objects.get(sha)) for name, sha in packet.files.items()},
                over_budget=f"a budget is overdrawn by {format_usd(-left)} USD" if left < 0 else "",
            )
            if found:
                raise publishing.PublishingRefused(found)
            permit = publishing.take_permit(tx, packet, decision_ids=standing.decision_ids, run_id=self.walk.run_id)
            publishing.intend(
                tx, packet_digest=packet.digest, artifact=key, targets=packet.targets, profile=packet.profile
            )
            return permit

    def _files(self, packet: Packet, permit: publishing.Permit) -> dict[str, bytes]:
        """Each published file with its signed statements, made as the step `published` makes them."""
        ground = self.walk.ground
        with ground.database.read() as connection:
            decisions = [d for d in signoff.decisions_on(connection, packet.digest) if d.id in permit.decision_ids]
            gates = publishing.newest_gates(connection, packet.artifact)
            spent = ledger.spent_until(connection, artifact=packet.artifact, at=permit.at)
        cited = set(publishing.cited_labels(self.draft.markdown))
        record = provenance.Record(
            brief=self.walk.plan.brief,
            packet=packet,
            permit=permit,
            facts=[fact for fact in self.facts if fact.label in cited],
            sources=self.sources,
            decisions=decisions,
            verdicts={gate: ground.objects.get_json(kept.verdict_sha256) for gate, kept in gates.items()},
            engine=self.draft.engine,
            model=self.draft.model,
            tier=self.walk.notes.tiers[-1].tier,
            ledger_entries=spent.entry_ids,
            cost_usd=format_usd(spent.cost_nano_usd),
        )
        files: dict[str, bytes] = {}
        for name, sha256 in packet.files.items():
            files[name] = ground.objects.get(sha256)
            signed = [ground.key.sign(statement) for statement in provenance.statements(record, file=name)]
            files[f"{name}.intoto.jsonl"] = b"".join(signed)
        return files

    def _analytics(self) -> dict[str, Any]:
        """From the notes: the step's own queries would find the same."""
        notes, plan = self.walk.notes, self.walk.plan
        by_step: dict[str, int] = {}
        for cost in notes.costs:
            by_step[cost.step] = by_step.get(cost.step, 0) + cost.amount_nano_usd
        published = datetime.fromisoformat(notes.published_at or "")
        return {
            "cost_nano_usd": sum(by_step.values()),
            "rework_nano_usd": sum(cost.amount_nano_usd for cost in notes.costs if cost.loop),
            "loops": self.walk.loop + 1,
            "cycle_seconds": round((published - plan.created_at).total_seconds()),
            "approvals": [
                f"{said.reviewer} ({said.role}, {'policy' if said.role == 'policy' else 'token'})"
                for said in notes.decisions
                if said.verdict == "approve"
            ],
            "by_step_nano_usd": by_step,
        }


# --- verdicts, as Great Expectations would have given them


def passed(gate: Gate) -> GateVerdict:
    """Every expectation held."""
    return GateVerdict(gate=gate.name, passed=True, evaluated=len(gate.rules), controls=gate.controls)


def failed(gate: Gate, *, column: str, sample: str) -> GateVerdict:
    """The rule about this column's values did not hold in one row."""
    rule = [rule for rule in gate.rules if rule.columns == (column,)][-1]
    failure = Failure(
        column=column,
        sample=sample,
        why=rule.why,
        control=rule.control,
        unexpected=1,
        severity=rule.severity,
        expectation=rule.type,
    )
    return GateVerdict(
        gate=gate.name, passed=False, evaluated=len(gate.rules), failures=(failure,), controls=gate.controls
    )
