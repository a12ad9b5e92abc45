"""Values and records that tests of the domain packages share, each as small as it can be.

Belongs here: builders of briefs, payers, facts and packets, processes that start at one moment. Does not: assertions,
anything of Dagster (`deployment`).
"""

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from finops_ai.briefs import Brief, BriefFile, register
from finops_ai.evidence import Claim, Span
from finops_ai.facts import ConfirmedFact
from finops_ai.ledger import Budget, Hold, Payer, Terms
from finops_ai.policy import Policy, load_policy
from finops_ai.pricing import Price
from finops_ai.signoff import Packet, keep_packet
from finops_ai.store import Database, ObjectStore, sha256_hex, tables, utc_now
from finops_ai.store.database import SCHEMA

PROCESS_SECONDS_MAX = 60

# one nano-USD per input token, so that a test can speak of amounts and mean tokens
PLAIN_PRICE = Price(
    input_nano_usd=1_000_000, cached_input_nano_usd=500_000, output_nano_usd=2_000_000, source="test", version="1"
)
PLAIN_TERMS = Terms(tier="standard", model="model-a", provider="provider.example", price=PLAIN_PRICE)


def brief(**changes: Any) -> Brief:
    """A complete brief; fields of the intent are given as `intent={…}`."""
    value = {"metric": "hours_saved", "expected_usd": "900", "basis": "6 hours a month"}
    intent = {"decision": "go or no-go", "audience": "platform leads", "value": value}
    record: dict[str, Any] = {
        "topic": "What prefix caching costs",
        "objective": "Decide on the cached prompt layout",
        "intent": intent | changes.pop("intent", {}),
        "owner": "content-platform",
        "cost_centre": "cc-4711",
        "workload": "finance-briefings",
        "impact": "high",
        "profile": "full",
        "budget_usd": "0.50",
        "sources": [{"uri": "https://example.org/notes", "grade": "primary"}],
    }
    return Brief.model_validate(record | changes)


def registered(database: Database, wanted: Brief | None = None, *, by: str = "submitter") -> str:
    """The artifact key of a brief that was submitted."""
    files = [BriefFile(wanted or brief(), Path("/briefs"))]
    return register(database, files, submitted_by=by, via="test")[0].key


def policy_with(folder: Path, text: str) -> Policy:
    """The shipped policy with these keys in their place."""
    file = folder / "policy.yaml"
    file.write_text(text)
    return load_policy(file)


def payer(artifact: str, *budgets: tuple[str, int], step: str = "draft", loop: int = 0) -> Payer:
    """Somebody who pays from these budgets: (id, limit in nano-USD), widest first."""
    return Payer(
        artifact=artifact,
        step=step,
        loop=loop,
        cost_centre="cc-4711",
        workload="finance-briefings",
        budgets=tuple(Budget(id=name, limit_nano_usd=limit) for name, limit in budgets),
        policy_sha256="p" * 64,
        run_id="run-1",
    )


def hold_of(operation: str, amount_nano_usd: int, *, attempt: int = 1, terms: Terms = PLAIN_TERMS) -> Hold:
    """The hold of one attempt of an operation."""
    return Hold(
        key=f"{operation}/{attempt}",
        operation=operation,
        attempt=attempt,
        amount_nano_usd=amount_nano_usd,
        terms=terms,
    )


def fact(number: int, text: str, *, uri: str = "notes.md", title: str = "Notes") -> ConfirmedFact:
    """The fact that a draft cites as F<number>."""
    return ConfirmedFact(
        position=number - 1,
        claim_id=f"c-{number:012x}",
        text=text,
        source_uri=uri,
        source_title=title,
        span=Span(snapshot_sha256="5" * 64, text_sha256="7" * 64, start=0, end=len(text)),
        why="primary source",
    )


def claim(text: str, verdict: Any = "confirmed", *, uri: str = "notes.md") -> Claim:
    """A claim with one place where it stands."""
    span = Span(snapshot_sha256="5" * 64, text_sha256="7" * 64, start=0, end=len(text))
    name = f"c-{sha256_hex(text.encode())[:12]}"
    return Claim(
        id=name, text=text, verdict=verdict, reasons=("test",), evidence=(span,), sources=(uri,), grade="primary"
    )


def packet(artifact: str, /, **changes: Any) -> Packet:
    """A packet of one file."""
    fields: dict[str, Any] = {
        "artifact": artifact,
        "loop": 0,
        "impact": "high",
        "profile": "full",
        "targets": ("local",),
        "brief_sha256": "b" * 64,
        "claims_sha256": "c" * 64,
        "draft_sha256": "d" * 64,
        "files": {"a.md": "f" * 64},
        "gates": {"policy": "1" * 64, "quality": "2" * 64},
        "policy_sha256": "e" * 64,
    }
    return Packet(**(fields | changes))


def without_guard(tx: sa.Connection, table: sa.Table) -> None:
    """Take the triggers of an append-only table away, as somebody with full rights to the database could."""
    if tx.dialect.name == "sqlite":
        for verb in ("update", "delete"):
            tx.execute(sa.text(f"DROP TRIGGER {table.name}_no_{verb}"))
    else:
        tx.execute(sa.text(f"ALTER TABLE {SCHEMA}.{table.name} DISABLE TRIGGER {table.name}_only_added"))


def put_up_for_sign_off(database: Database, objects: ObjectStore, wanted: Packet) -> str:
    """Store a packet as the newest output of its step; its digest."""
    with database.write() as tx:
        digest = keep_packet(tx, objects, wanted)
        row = {"step": "review_packet", "loop": wanted.loop, "output_sha256": digest, "run_id": "run-1"}
        row |= {"artifact": wanted.artifact, "policy_sha256": wanted.policy_sha256, "at": utc_now()}
        tx.execute(tables.step_output.insert().values(row))
    return digest


def at_once(work: Callable[[int], Any], count: int) -> list[Any]:
    """What `count` processes returned that began `work(number)` at the same moment; an error of one is raised here.

    They are forked: each must open the database by itself.
    """
    fork = multiprocessing.get_context("fork")
    barrier = fork.Barrier(count)
    ends = [fork.Pipe(duplex=False) for _ in range(count)]

    def child(number: int, sender: Pipe) -> None:
        barrier.wait(PROCESS_SECONDS_MAX)
        try:
            sender.send(work(number))
        except Exception as error:  # noqa: BLE001 - whatever it is, the test must see it
            sender.send(AssertionError(f"process {number}: {type(error).__name__}: {error}"))

    children = [fork.Process(target=child, args=(number, sender)) for number, (_, sender) in enumerate(ends)]
    for process in children:
        process.start()
    results = [
        receiver.recv() if receiver.poll(PROCESS_SECONDS_MAX) else AssertionError("no answer") for receiver, _ in ends
    ]
    for process in children:
        process.join(PROCESS_SECONDS_MAX)
    for result in results:
        if isinstance(result, AssertionError):
            raise result
    return results
