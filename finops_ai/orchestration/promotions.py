"""A promotion as a document: proposed from a scorecard, signed by the leaders, taken up when it is published.

Belongs here: the document's frame, and what must hold at the moment of promotion. Does not: the criteria and the stages
(`rollout`), the path of a document (`documents`).
"""

from collections.abc import Callable

import sqlalchemy as sa

from finops_ai import rollout
from finops_ai.baseline import DuckDB, yardsticks
from finops_ai.orchestration.documents import READY, Document, PutUp, own_brief, put_up
from finops_ai.orchestration.workbench import Workbench
from finops_ai.publishing import render_html
from finops_ai.rollout import Baseline, Demotion, Scorecard, SignOff, StageError
from finops_ai.signoff import Packet, Standing
from finops_ai.store import now
from finops_ai.usage import paths

TakeUp = Callable[[sa.Connection, Standing], None]
SIGNED_LAST = "sign_off"  # the criterion that signing the document meets


def scorecard_of(bench: Workbench, workload: str) -> Scorecard:
    """What the next stage asks for and how far the workload has come, before anybody has signed."""
    with bench.database.read() as connection:
        evidence = rollout.evidence_of(connection, bench.policy, workload, now())
    return rollout.scorecard(evidence, bench.policy.rollout, baseline=baseline_of(bench, workload), sign_off=None)


def baseline_of(bench: Workbench, workload: str) -> Baseline | None:
    """What an approved result of this workload cost in the usage that was imported."""
    with bench.database.read() as connection:
        files = paths(connection, bench.settings.home)
    if not files:
        return None
    with DuckDB(files) as engine:
        found = yardsticks(engine).get(workload)
    return None if found is None else Baseline(unit_cost_nano_usd=found.unit_cost_nano_usd, source=found.source)


def demote(bench: Workbench) -> list[Demotion]:
    """Take workloads back by a stage whose figures have fallen too low. Safe to run as often as one likes."""
    with bench.database.read() as connection:
        risen = rollout.above_pilot(connection)
    if not risen:
        return []
    baselines = {name: found for name in risen if (found := baseline_of(bench, name))}
    return rollout.apply_demotions(bench.database, bench.policy, baselines)


def propose(bench: Workbench, workload: str, *, run_id: str) -> PutUp:
    """Put the promotion to the next stage up for signatures. Raises StageError in the last stage; as `put_up` does.

    A criterion that is not met is a gate that fails: leaders are not asked to sign it.
    """
    card = scorecard_of(bench, workload)
    if card.next_stage is None:
        raise StageError(f"{workload} is in the last stage")
    with bench.database.read() as connection:
        changed = rollout.changed_at(
            connection, workload
        )  # two promotions may begin on one day, and are not one document
    markdown, figures = rollout.promotion_document(card)
    title = f"Promotion of {workload} to {card.next_stage}"
    asked = [criterion for criterion in card.criteria if criterion.name != SIGNED_LAST]
    document = Document(
        brief=own_brief(
            bench.policy,
            form="promotion",
            topic=f"{title}, evidence since {card.since[:10]}" + (f", stage changed at {changed}" if changed else ""),
            objective=f"Decide whether {workload} goes from {card.earned} to {card.next_stage}",
            decision=f"open stage {card.next_stage} to {workload}",
            source=f"rollout:{workload}",
        ),
        figures=figures,
        markdown=markdown,
        html=render_html(markdown, title=title),
        record_checks=[{"item": c.name, "state": READY if c.met else f"{c.name}: {c.evidence}"} for c in asked],
        figure_checks=read_twice(card, scorecard_of(bench, workload)),
    )
    return put_up(bench, document, run_id=run_id)


def read_twice(card: Scorecard, again: Scorecard) -> list[dict[str, str]]:
    """Rows for the gate over the figures: each criterion reads the same from the records a second time."""
    second = {c.name: (c.met, c.evidence) for c in again.criteria}
    return [
        {
            "item": c.name,
            "state": READY if second.get(c.name) == (c.met, c.evidence) else f"{c.name}: changed while it was written",
        }
        for c in card.criteria
    ]


def to_take_up(bench: Workbench, packet: Packet) -> TakeUp:
    """What opens the stage that a document is about, in the transaction that takes its permit. Raises StageError there.

    Imported usage is read before that transaction: while it lasts, nobody else may be able to write.
    """
    figures = bench.objects.get_json(bench.objects.get_json(packet.claims_sha256)["figures_sha256"])
    workload = figures["workload"]
    baseline = baseline_of(bench, workload)

    def take_up(tx: sa.Connection, standing: Standing) -> None:
        sign_off = SignOff(
            packet_digest=packet.digest,
            workload=workload,
            to_stage=figures["to_stage"],
            evidence_until=figures["at"],
            approved=standing.approved,
            told=f"{len(standing.decision_ids)} decisions",
        )
        rollout.promote(tx, bench.policy, workload, baseline=baseline, sign_off=sign_off)

    return take_up
