"""The frame in which scheduled work runs: measuring, exporting, reviewing. Like that of a step, without an artifact.

Belongs here: who pays, its time booked, the metadata that every materialization carries. Does not: what is measured
(`assets`), when (`jobs`). The work of one partition is on the books under `platform/<asset>/<partition>`.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import dagster as dg

from finops_ai.ledger import Payer
from finops_ai.orchestration.cost_metadata import cost_metadata
from finops_ai.orchestration.workbench import Workbench, book_compute
from finops_ai.policy import budgets_above
from finops_ai.pricing import NANO
from finops_ai.store import utc_now


@dataclass
class PlatformWork:
    """The work of one partition while it runs."""

    bench: Workbench
    asset: str
    partition: str  # a UTC day or month
    run_id: str
    instance: dg.DagsterInstance
    log: dg.DagsterLogManager
    metadata: dict[str, Any] = field(default_factory=dict)  # what the work tells of itself, shown before its cost

    @property
    def payer(self) -> Payer:
        """The platform's own cost centre and workload."""
        policy, day = self.bench.policy, utc_now()[:10]
        platform = policy.platform
        return Payer(
            artifact=f"platform/{self.asset}/{self.partition}",
            step=self.asset,
            loop=0,
            cost_centre=platform.cost_centre,
            workload=platform.workload,
            budgets=budgets_above(policy, cost_centre=platform.cost_centre, workload=platform.workload, day=day),
            policy_sha256=policy.sha256,
            run_id=self.run_id,
        )

    def tell(self, **metadata: Any) -> None:
        """Entries of the materialization; an underscore in a name is shown as a space."""
        self.metadata |= {name.replace("_", " "): value for name, value in metadata.items()}


@contextmanager
def platform_work(
    context: dg.AssetExecutionContext, bench: Workbench, asset: str, partition: str
) -> Iterator[PlatformWork]:
    """Run the block as the work of this partition, then book its time and attach its metadata, whatever came of it."""
    work = PlatformWork(
        bench=bench,
        asset=asset,
        partition=partition,
        run_id=context.run.run_id,
        instance=context.instance,
        log=context.log,
    )
    started = time.perf_counter()
    try:
        yield work
    finally:
        seconds, payer = time.perf_counter() - started, work.payer  # one payer, also where midnight comes between
        with bench.database.write() as tx:
            book_compute(tx, bench.policy, payer, seconds)
            tightest = min(budget.limit_nano_usd for budget in payer.budgets)
            cost = cost_metadata(tx, payer, seconds=seconds, budget_usd=Decimal(tightest) / NANO, model=None, tier=None)
        context.add_asset_metadata({**work.metadata, **cost}, partition_key=partition)
