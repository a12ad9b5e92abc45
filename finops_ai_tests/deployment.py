"""A whole deployment in a folder: real records, real Dagster instance, the lane that `finops-ai run` uses.

Belongs here: what tests of the workflow share. Does not: assertions.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

from finops_ai import ledger, signoff
from finops_ai.artifacts import Overview, Position, overview_of, position
from finops_ai.briefs import read_brief, register
from finops_ai.orchestration.lane import Done, Lane, add_partitions, open_instance
from finops_ai.orchestration.workbench import Workbench, open_workbench
from finops_ai.policy import load_policy
from finops_ai.settings import Settings
from finops_ai.signoff import Decision, Verdict

NOTES = """# Notes of the capacity review

The assistant handled 48,200 requests in the reviewed week.
The cached part of the input was billed at one tenth of the full input price.
Moving the date to the end of the prompt raised the measured hit rate from 0 to 58 percent.
The provider keeps an unused prefix for five to ten minutes before it is removed.
A cache hit requires that the beginning of the prompt is identical to the token.
"""

RUMOR = "People familiar with the matter say the zebra discount doubles every price next quarter."

BRIEF: dict[str, Any] = {
    "topic": "What prefix caching costs",
    "objective": "Decide on the cached prompt layout",
    "intent": {
        "decision": "go or no-go",
        "audience": "platform leads",
        "value": {"metric": "hours_saved", "expected_usd": 900, "basis": "6 hours a month"},
    },
    "owner": "content-platform",
    "cost_centre": "cc-4711",
    "workload": "finance-briefings",
    "impact": "low",
    "profile": "full",
    "budget_usd": 0.5,
    "sources": [{"uri": "notes.md", "grade": "primary"}, {"uri": "forum.md", "grade": "rumor"}],
}


@dataclass
class Deployment:
    """One home with its instance, as the command line sees it."""

    bench: Workbench
    instance: dg.DagsterInstance
    folder: Path

    @property
    def lane(self) -> Lane:
        return Lane(self.instance, self.bench)

    def with_policy(self, own: Mapping[str, Any]) -> "Deployment":
        """The same records under another policy."""
        file = self.folder / f"policy-{abs(hash(str(own)))}.yaml"
        file.write_text(yaml.safe_dump(dict(own)))
        return dataclasses.replace(self, bench=dataclasses.replace(self.bench, policy=load_policy(file)))

    def submit(self, *, by: str = "submitter", **changes: Any) -> str:
        """Register a brief that differs from BRIEF in these fields, and return its key."""
        path = write_brief(self.folder, **changes)
        (registered,) = register(self.bench.database, [read_brief(path)], submitted_by=by, via="test")
        add_partitions(self.instance, self.bench)
        return registered.key

    def run(self, artifact: str, *, retry_held: bool = False) -> list[Done]:
        """As far as it goes without a person."""
        return self.lane.advance(artifact, retry_held=retry_held)

    def position(self, artifact: str) -> Position:
        return position(self.bench.progress(artifact))

    def overview(self, artifact: str) -> Overview:
        with self.bench.database.read() as connection:
            return overview_of(connection, self.bench.objects, self.bench.policy, artifact)

    def decide(
        self, artifact: str, verdict: Verdict, *, name: str, role: str, reason: str = "checked", digest: str = ""
    ) -> Decision:
        """Sign as a reviewer, who is granted the role where that has not happened yet."""
        with self.bench.database.read() as connection:
            known = signoff.grants_in_force(connection)
        if name not in known:
            signoff.grant(self.bench.database, name=name, role=role, by="test")
        with self.bench.database.read() as connection:
            person = signoff.by_name(connection, name)
            current = signoff.current_packet(connection, artifact)
        return signoff.record_decision(
            self.bench.database,
            self.bench.policy,
            artifact=artifact,
            packet_digest=digest or current or "",
            reviewer=person,
            verdict=verdict,
            reason=reason,
            identified_by="token",
        )

    def files(self) -> dict[str, bytes]:
        """Everything that is published, by name."""
        root = self.bench.settings.published
        return {path.name: path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}

    def materializations(self, artifact: str) -> list[dg.AssetMaterialization]:
        """Every materialization of one artifact."""
        found = []
        for key in self.instance.all_asset_keys():
            page = self.instance.fetch_materializations(
                dg.AssetRecordsFilter(asset_key=key, asset_partitions=[artifact]), limit=100
            )
            found += [record.asset_materialization for record in page.records if record.asset_materialization]
        return found

    def spent_nano_usd(self, artifact: str) -> int:
        with self.bench.database.read() as connection:
            return ledger.spent(connection, artifact=artifact).cost_nano_usd

    def books(self) -> ledger.Check:
        with self.bench.database.read() as connection:
            return ledger.check(connection)


def write_brief(folder: Path, name: str = "brief.yaml", **changes: Any) -> Path:
    """A brief and its sources in a folder."""
    (folder / "notes.md").write_text(NOTES)
    (folder / "forum.md").write_text(f"# Forum\n\n{RUMOR}\n")
    path = folder / name
    path.write_text(yaml.safe_dump(BRIEF | changes))
    return path


@contextmanager
def deployment(folder: Path, postgres_url: str | None = None) -> Iterator[Deployment]:
    """A fresh deployment below a folder."""
    settings = Settings(home=folder / "home", postgres_url=postgres_url, user="operator")
    with open_instance(settings) as instance:
        yield Deployment(bench=open_workbench(settings), instance=instance, folder=folder)
