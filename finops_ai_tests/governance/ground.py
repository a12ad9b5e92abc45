"""A few months of work through the domain's own functions, and beside it a plain list of what was done.

Belongs here: doing things and writing them down. Does not: any figure; the tests compute theirs from the list (`deeds`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from finops_ai import ledger
from finops_ai.artifacts import record_failure, record_output, record_verdict
from finops_ai.briefs import Brief
from finops_ai.ledger import Budget, Payer
from finops_ai.policy import Assessment, Policy, TokenBounds, load_policy
from finops_ai.pricing import Price, Usage
from finops_ai.publishing import LocalFolder, deliver, intend, take_permit
from finops_ai.routing import Route, TierException, record_exception
from finops_ai.signoff import by_name, grant, keep_packet, record_decision, sign_by_policy
from finops_ai.store import Database, ObjectStore, sha256_hex, simulated
from finops_ai_tests.records import PLAIN_TERMS, brief, packet, registered

REVIEWERS = {"Ana": "legal", "Bob": "business"}
PRICES = {"economy": (250, 25, 2_000), "premium": (3_000, 300, 15_000)}  # nano-USD per token: input, cached, output


@dataclass
class Ground:
    """One deployment; `at` is the hour at which the next thing is done."""

    database: Database
    objects: ObjectStore
    at: datetime = datetime(2026, 9, 1, 8, tzinfo=UTC)
    policy: Policy = field(default_factory=load_policy)
    deeds: list[dict[str, Any]] = field(default_factory=list)
    briefs: dict[str, Brief] = field(default_factory=dict)
    packets: dict[str, str] = field(default_factory=dict)  # artifact: the digest under review
    count: int = 0

    def __post_init__(self) -> None:
        with simulated(self.at):
            for name, role in REVIEWERS.items():
                grant(self.database, name=name, role=role, by="operator")

    def wait(self, **duration: float) -> None:
        """Time passes."""
        self.at += timedelta(**duration)

    def did(self, what: str, artifact: str, **more: Any) -> None:
        """Write it down, with the hour and the month."""
        self.deeds.append({"what": what, "artifact": artifact, "at": self.at, "month": f"{self.at:%Y-%m}"} | more)

    def all(self, what: str, month: str | None = None, **where: Any) -> list[dict[str, Any]]:
        """Deeds of one kind, in a month, with these values."""
        return [
            deed
            for deed in self.deeds
            if deed["what"] == what
            and month in (None, deed["month"])
            and all(deed[name] == value for name, value in where.items())
        ]

    def payer(self, artifact: str, step: str = "draft", loop: int = 0) -> Payer:
        """Who pays: two budgets of the month, wide enough."""
        wanted = self.briefs[artifact]
        month = f"{self.at:%Y-%m}"
        names = (f"organisation/{month}", f"workload/{wanted.workload}/{month}")
        return Payer(
            artifact=artifact,
            step=step,
            loop=loop,
            cost_centre=wanted.cost_centre,
            workload=wanted.workload,
            budgets=tuple(Budget(id=name, limit_nano_usd=5 * 10**12) for name in names),
            policy_sha256=self.policy.sha256,
            run_id="run-1",
        )

    @contextmanager
    def writing(self) -> Iterator[Any]:
        """A transaction at this hour."""
        with simulated(self.at), self.database.write() as tx:
            yield tx

    def submit(self, **changes: Any) -> str:
        """A brief."""
        self.count += 1
        wanted = brief(topic=f"Number {self.count}", **({"impact": "high"} | changes))
        with simulated(self.at):
            key = registered(self.database, wanted)
        self.briefs[key] = wanted
        self.did("submit", key)
        return key

    def compute(self, artifact: str, nano_usd: int, *, loop: int = 0, kind: str = "compute") -> None:
        """A cost that is known afterwards."""
        with self.writing() as tx:
            ledger.book(
                tx, self.payer(artifact, loop=loop), kind=kind, quantity=nano_usd, unit="us", amount_nano_usd=nano_usd
            )
        self.did("cost", artifact, kind=kind, loop=loop, tier="", amount=nano_usd, estimated=False)

    def hold(self, tx: Any, payer: Payer, tier: str, amount: int) -> str:
        """The key of a reservation."""
        given, cached, out = (1_000_000 * price for price in PRICES[tier])
        price = Price(
            input_nano_usd=given, cached_input_nano_usd=cached, output_nano_usd=out, source="test", version="1"
        )
        request = sha256_hex(f"{payer.artifact}{payer.loop}{len(self.deeds)}".encode())
        operation = ledger.open_operation(tx, payer, request_sha256=request)
        terms = replace(PLAIN_TERMS, tier=tier, price=price)
        wanted = ledger.Hold(key=f"{operation}/1", operation=operation, attempt=1, amount_nano_usd=amount, terms=terms)
        ledger.reserve(tx, payer, wanted)
        return wanted.key

    def call(
        self,
        artifact: str,
        tokens: tuple[int, int, int],
        *,
        loop: int = 0,
        tier: str = "economy",
        estimated: bool = False,
        held: int = 10**9,
    ) -> None:
        """A model call; tokens: whole input, cached part of it, output."""
        payer, (given, cached, out) = self.payer(artifact, loop=loop), tokens
        with self.writing() as tx:
            key = self.hold(tx, payer, tier, held)
            usage = Usage(input_tokens=given, cached_input_tokens=cached, output_tokens=out)
            ledger.settle(tx, payer, key, usage, answer="{}", estimated=estimated)
        plain, cheap, dear = PRICES[tier]
        amount = (given - cached) * plain + cached * cheap + out * dear
        self.did("cost", artifact, kind="call", loop=loop, tier=tier, amount=amount, estimated=estimated)
        self.did("call", artifact, input=given, cached=cached, output=out, over=amount > held)

    def lose(self, artifact: str, amount: int) -> str:
        """A call whose end nobody saw; its key."""
        payer = self.payer(artifact)
        with self.writing() as tx:
            key = self.hold(tx, payer, "economy", amount)
            ledger.suspend(tx, payer, key, why="test")
        self.did("lose", artifact, amount=amount)
        return key

    def find(self, key: str, artifact: str, amount: int) -> None:
        """The provider billed nothing for it."""
        with self.writing() as tx:
            ledger.resolve(tx, key, None, detail="test", report_sha256="r" * 64)
        self.did("find", artifact, amount=amount)

    def assess(self, artifact: str, *, addressing: int = 0) -> None:
        """The policy gate's assessment."""
        found = Assessment(
            impact="high", profile="full", sources=3, failed_sources=0, addressing_sources=addressing, confirmed_facts=5,
            needs_review=0, rumors=0, contradicted=0, unpriced_tiers=(), worst_case_nano_usd=1, budget_left_nano_usd=2,
        )  # fmt: skip
        with self.writing() as tx:
            record_output(tx, self.payer(artifact, "risk_assessment"), self.objects.put_json(found.as_dict()))
        self.did("assess", artifact, addressing=addressing)

    def judge(self, artifact: str, gate: str, *, loop: int = 0, passed: bool = True) -> None:
        """A gate's verdict."""
        missed = [] if passed else [{"why": f"{gate} misses something", "control": "OWASP LLM09"}]
        record = self.objects.put_json({"gate": gate, "failures": missed, "error": "", "n": len(self.deeds)})
        subject = sha256_hex(f"{artifact}{gate}{loop}".encode())
        with self.writing() as tx:
            payer = self.payer(artifact, loop=loop)
            record_verdict(tx, payer, gate=gate, subject_sha256=subject, passed=passed, verdict_sha256=record)
        self.did("judge", artifact, gate=gate, loop=loop, passed=passed)

    def draft(self, artifact: str, *, loop: int = 0, passed: bool = True) -> None:
        """A draft and the quality gate on it."""
        with self.writing() as tx:
            record_output(tx, self.payer(artifact, loop=loop), sha256_hex(f"{artifact}{loop}".encode()))
        self.judge(artifact, "quality", loop=loop, passed=passed)

    def put_up(self, artifact: str, *, loop: int = 0) -> None:
        """The packet that people are asked to sign."""
        wanted = packet(artifact, loop=loop, impact=self.briefs[artifact].impact, draft_sha256=f"{loop}" * 64)
        with self.writing() as tx:
            digest = keep_packet(tx, self.objects, wanted)
            record_output(tx, self.payer(artifact, "review_packet", loop), digest)
        self.packets[artifact] = digest
        self.judge(artifact, "readiness", loop=loop)
        self.did("put up", artifact, loop=loop)

    def decide(self, artifact: str, name: str, verdict: Any = "approve", *, seconds: int = 0) -> None:
        """A reviewer's word; the policy books 90 USD an hour for it."""
        with self.database.read() as connection:
            reviewer = by_name(connection, name)
        loop = self.all("put up", artifact=artifact)[-1]["loop"]
        with simulated(self.at):
            record_decision(
                self.database, self.policy, artifact=artifact, packet_digest=self.packets[artifact], reviewer=reviewer,
                verdict=verdict, reason="looked at it", identified_by="token", review_seconds=seconds,
            )  # fmt: skip
        if seconds:
            self.did("cost", artifact, kind="review", loop=loop, tier="", amount=seconds * 25_000_000, estimated=False)
        self.did("decide", artifact, role=REVIEWERS[name], verdict=verdict, seconds=seconds)

    def sign_by_policy(self, artifact: str) -> None:
        """Low impact."""
        with self.writing() as tx:
            digest = self.packets[artifact]
            sign_by_policy(tx, artifact=artifact, packet_digest=digest, policy_sha256=self.policy.sha256)
        self.did("decide", artifact, role="policy", verdict="approve", seconds=0)

    def publish(self, artifact: str, *, statement: bool = True) -> None:
        """The permit and the delivery."""
        digest = self.packets[artifact]
        files = {"a.md": b"text"} | ({"a.md.intoto.jsonl": b"{}"} if statement else {})
        wanted = packet(artifact, loop=self.all("put up", artifact=artifact)[-1]["loop"])
        wanted = replace(wanted, impact=self.briefs[artifact].impact, draft_sha256=f"{wanted.loop}" * 64)
        assert wanted.digest == digest
        with self.writing() as tx:
            take_permit(tx, wanted, decision_ids=(), run_id="run-1")
            intend(tx, packet_digest=digest, artifact=artifact, targets=["local"], profile="full")
        target = LocalFolder(self.objects.root / "published")  # type: ignore[arg-type]  # a local UPath is a Path
        with simulated(self.at):
            deliver(
                self.database, {"local": target}, packet_digest=digest, artifact=artifact, files=files, run_id="run-1"
            )
        self.did("publish", artifact, statement=statement, loop=wanted.loop)

    def fail(self, artifact: str, error: str = "gone", *, permanent: bool = False) -> None:
        """A step that raised."""
        with self.writing() as tx:
            record_failure(tx, self.payer(artifact), error, permanent=permanent)
        self.did("fail", artifact, permanent=permanent)

    def escalate(self, artifact: str, *, loop: int) -> None:
        """A premium route for a loop."""
        exception = TierException(reason="failed_gate", detail="test", owner="platform")
        bounds = TokenBounds(input_tokens_max=1, output_tokens_max=1)
        with self.writing() as tx:
            route = Route(step="draft", loop=loop, tier="premium", bounds=bounds, reason="test", exception=exception)
            record_exception(tx, self.payer(artifact, loop=loop), route)
        self.did("escalate", artifact, loop=loop)


def quarter(ground: Ground, *, each: int = 1) -> None:
    """Three months: what goes well, rework by both causes, rejections, holds, failures, waiting, suspense, injections.

    `each`: how often every story happens in a month.
    """
    for month in (9, 10, 11):
        for n in range(each):
            ground.at = datetime(2026, month, 2 + n % 20, 8, n % 60, tzinfo=UTC)
            _first_pass(ground, month)
            _signed_by_policy(ground)
            _reworked_by_gate(ground, month)
            _reworked_by_reviewer(ground)
            _rejected(ground)
            _exhausted(ground)
            _stopped_by_policy(ground)
            _failed(ground)
            _over_the_months(ground, month)
            _waiting(ground)


def _begin(ground: Ground, **changes: Any) -> str:
    artifact = ground.submit(**changes)
    ground.wait(minutes=7)
    ground.compute(artifact, 1_000, kind="retrieval")
    ground.assess(artifact)
    ground.judge(artifact, "policy")
    ground.compute(artifact, 20_000)
    return artifact


def _finish(ground: Ground, artifact: str, *, loop: int = 0, seconds: int = 600, statement: bool = True) -> None:
    ground.put_up(artifact, loop=loop)
    ground.wait(hours=3, minutes=30)
    ground.decide(artifact, "Ana", seconds=seconds)
    ground.wait(hours=1)
    ground.decide(artifact, "Bob")
    ground.wait(minutes=2)
    ground.publish(artifact, statement=statement)


def _first_pass(ground: Ground, month: int) -> None:
    artifact = _begin(ground, intent={"value": {"metric": "hours_saved", "expected_usd": "1200", "basis": "x"}})
    ground.call(artifact, (3_000, 2_000, 400))
    ground.draft(artifact)
    _finish(ground, artifact, seconds=300 * month, statement=month != 10)


def _signed_by_policy(ground: Ground) -> None:
    artifact = _begin(ground, impact="low", profile="fast", workload="market-notes", cost_centre="cc-0815")
    ground.call(artifact, (1_500, 0, 200), estimated=True)
    ground.draft(artifact)
    ground.put_up(artifact)
    ground.sign_by_policy(artifact)
    ground.wait(seconds=40)
    ground.publish(artifact)


def _reworked_by_gate(ground: Ground, month: int) -> None:
    artifact = _begin(ground)
    ground.call(artifact, (3_000, 0, 500))
    ground.draft(artifact, passed=False)
    ground.escalate(artifact, loop=1)
    ground.call(artifact, (3_100, 100, 600), loop=1, tier="premium", held=1_000)
    ground.compute(artifact, 5_000, loop=1)
    ground.draft(artifact, loop=1)
    _finish(ground, artifact, loop=1)
    ground.fail(artifact, "after it", permanent=month == 9)


def _reworked_by_reviewer(ground: Ground) -> None:
    artifact = _begin(ground, impact="medium", workload="client-reports")
    ground.call(artifact, (2_000, 0, 300))
    ground.draft(artifact)
    ground.put_up(artifact)
    ground.wait(days=1)
    ground.decide(artifact, "Bob", "request_changes", seconds=120)
    ground.call(artifact, (2_000, 1_900, 300), loop=1)
    ground.draft(artifact, loop=1)
    ground.put_up(artifact, loop=1)
    ground.wait(days=1, hours=2)
    ground.decide(artifact, "Bob", seconds=60)
    ground.publish(artifact)


def _rejected(ground: Ground) -> None:
    artifact = _begin(ground)
    ground.call(artifact, (3_000, 0, 300))
    ground.draft(artifact)
    ground.put_up(artifact)
    ground.wait(hours=5)
    ground.decide(artifact, "Ana", "reject", seconds=900)


def _exhausted(ground: Ground) -> None:
    artifact = _begin(ground, profile="fast")
    ground.draft(artifact, passed=False)
    ground.escalate(artifact, loop=1)
    ground.call(artifact, (3_000, 0, 700), loop=1, tier="premium")
    ground.draft(artifact, loop=1, passed=False)


def _stopped_by_policy(ground: Ground) -> None:
    artifact = ground.submit(workload="market-notes", cost_centre="cc-0815")
    ground.assess(artifact, addressing=2)
    ground.judge(artifact, "policy", passed=False)


def _failed(ground: Ground) -> None:
    artifact = _begin(ground)
    ground.fail(artifact)
    ground.wait(minutes=1)
    ground.fail(artifact)
    held = ground.submit()
    ground.fail(held, "no price is known for big-model; give tiers.premium.price in the policy", permanent=True)


def _over_the_months(ground: Ground, month: int) -> None:
    """Begun in one month, its call lost; resolved and published in the next."""
    artifact = _begin(ground)
    key = ground.lose(artifact, 7_000_000)
    ground.fail(artifact, "timeout")
    if month == 11:
        return
    here, ground.at = ground.at, ground.at + timedelta(days=31)
    ground.find(key, artifact, 7_000_000)
    ground.call(artifact, (2_500, 0, 250))
    ground.draft(artifact)
    _finish(ground, artifact)
    ground.at = here


def _waiting(ground: Ground) -> None:
    artifact = _begin(ground)
    ground.call(artifact, (2_500, 0, 250))
    ground.draft(artifact)
    ground.put_up(artifact)
    ground.wait(hours=1)
    ground.decide(artifact, "Ana", seconds=30)
