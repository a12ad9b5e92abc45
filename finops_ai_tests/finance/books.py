"""Two months of work on the ledger's own functions, with everything that a month of charges can contain.

Belongs here: making the entries. Does not: assertions.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from finops_ai import ledger
from finops_ai.ledger import Hold, Payer, Rate, Terms
from finops_ai.pricing import ContextTier, Price, Usage
from finops_ai.store import Database, sha256_hex, simulated
from finops_ai_tests.records import PLAIN_TERMS, brief, payer, registered

OCTOBER, NOVEMBER = "2026-10", "2026-11"
BUDGET = ("organisation/all", 10**15)
ODD_PRICE = Price(  # a token is 0.333 nano-USD: every entry is rounded
    input_nano_usd=333_333,
    cached_input_nano_usd=33_331,
    cache_write_input_nano_usd=416_667,
    output_nano_usd=1_999_999,
    source="book",
    version="2026-10",
    level="batch",
    above=(
        ContextTier(
            above_input_tokens=1_000, input_nano_usd=700_001, cached_input_nano_usd=70_001, output_nano_usd=3_000_001
        ),
    ),
)
ODD_TERMS = Terms(tier="premium", model="model-b", provider="other.example", price=ODD_PRICE, level="batch")
COMPUTE = Rate(nano_usd=100_000_000, per=3_600_000_000, unit="compute_us", source="policy", version="abc")
REVIEW = Rate(nano_usd=90_000_000_000, per=3_600, unit="review_s", source="policy", version="abc")
RETRIEVAL = Rate(nano_usd=50_000_000, per=1_000_000_000, unit="retrieval_bytes", source="policy", version="abc")
_requests = itertools.count()


def at(month: str, day: int, hour: int = 12) -> datetime:
    """A moment of a month."""
    return datetime.fromisoformat(f"{month}-{day:02d}").replace(hour=hour, tzinfo=UTC)


def held(database: Database, who: Payer, terms: Terms = PLAIN_TERMS) -> str:
    """The key of a hold that nothing has closed."""
    with database.write() as tx:
        operation = ledger.open_operation(tx, who, request_sha256=sha256_hex(str(next(_requests)).encode()))
        wanted = Hold(key=f"{operation}/1", operation=operation, attempt=1, amount_nano_usd=5_000, terms=terms)
        ledger.reserve(tx, who, wanted)
    return wanted.key


def called(database: Database, who: Payer, usage: Usage, terms: Terms = PLAIN_TERMS) -> str:
    """The key of a call that was paid."""
    key = held(database, who, terms)
    with database.write() as tx:
        ledger.settle(tx, who, key, usage, answer="{}")
    return key


def booked(database: Database, who: Payer, kind: str, quantity: int, rate: Rate, *, keep_rate: bool = True) -> None:
    """A cost beside tokens. `keep_rate`: entries of before do not have it."""
    amount = rate.cost_nano_usd(quantity)
    with database.write() as tx:
        ledger.book(
            tx,
            who,
            kind=kind,
            quantity=quantity,
            unit=rate.unit,
            amount_nano_usd=amount,
            rate=rate if keep_rate else None,
        )


def usage(given: int, output: int, *, cached: int = 0, written: int = 0) -> Usage:
    """Tokens of one call."""
    return Usage(input_tokens=given, cached_input_tokens=cached, cache_write_input_tokens=written, output_tokens=output)


@dataclass(frozen=True)
class Books:
    """The artifacts, and the calls that a later correction needs."""

    artifact: str
    other: str
    october_call: str


def october(database: Database) -> Books:
    """A month that is over: calls at two prices, compute, a review, bytes, an entry of before rates were kept."""
    with simulated(at(OCTOBER, 5)):
        first, second = (registered(database, brief(topic=topic)) for topic in ("One, with a comma", "Two"))
        who, rework = payer(first, BUDGET), payer(first, BUDGET, loop=1)
        key = called(database, who, usage(1_000, 50, cached=300))
        called(database, who, usage(500, 7))
        called(database, rework, usage(77, 13, cached=5, written=9), ODD_TERMS)
        booked(database, who, "compute", 1_234_567, COMPUTE)
        booked(database, who, "retrieval", 987_654, RETRIEVAL)
    with simulated(at(OCTOBER, 31, 23)):
        other = replace(payer(second, BUDGET, step="sign_off"), cost_centre="cc-0815", workload="search, answers")
        booked(database, other, "review", 61, REVIEW)
        booked(database, who, "compute", 7_654_321, COMPUTE, keep_rate=False)
        called(database, rework, usage(1_500, 13), ODD_TERMS)  # above 1,000: another tier of the price
    return Books(artifact=first, other=second, october_call=key)


def november(database: Database, books: Books) -> None:
    """The month after: one call of October corrected, one of November corrected twice, one that nobody saw the end of."""
    who = payer(books.artifact, BUDGET)
    with simulated(at(NOVEMBER, 3)):
        _correct(database, books.october_call, [usage(1_000, 40, cached=300)])
        own = called(database, who, usage(200, 20))
    with simulated(at(NOVEMBER, 20)):
        _correct(database, own, [usage(200, 25), usage(201, 25)])
        lost = held(database, who)
        with database.write() as tx:
            ledger.suspend(tx, who, lost, why="lost")


def _correct(database: Database, key: str, usages: Sequence[Usage]) -> None:
    for counted in usages:
        with database.write() as tx:
            ledger.correct(tx, key, counted, report_sha256="r" * 64)
