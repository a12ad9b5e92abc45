"""Reserve, call, settle: how a model call is paid, and how a step's other costs are.

Belongs here: reservations and their one outcome, spend entries and their reversals. Does not: the guard on budgets
(`budgets`), prices (`pricing`), making the call (the package `calls`), reading a provider's report (`reconciliation`). Every
function works inside the caller's transaction.

A reservation without an outcome is a call whose end nobody saw. It is never released for being old: the provider has
probably billed it. `suspend_open` moves it to suspense at its full amount, where it keeps its hold on the budgets until `resolve`
closes it on the provider's word. Nothing that stands is changed: what was wrong is reversed, and booked again.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from finops_ai.ledger import budgets
from finops_ai.ledger.model import AlreadySettled, KeyReused, LedgerError, Payer, Rate, Terms
from finops_ai.pricing import Usage
from finops_ai.store import (
    SAVEPOINT,
    Prepared,
    Step,
    insert_once,
    inserted,
    is_taken,
    run,
    sha256_hex,
    tables,
    take_back,
    utc_now,
)

ALWAYS_ENTERED = ("input_tokens", "output_tokens")  # a call that cost nothing is a call all the same
_BUDGET_ACCOUNTS = {  # (debit, credit)
    "hold": ("reserved", "available"),
    "release": ("available", "reserved"),
    "charge": ("spent", "available"),
    "refund": ("available", "spent"),
}
_RESERVATION = sa.select(tables.reservation).where(tables.reservation.c.key == sa.bindparam("reservation_key"))
_ANSWER = Prepared(lambda _: sa.select(tables.answer).where(tables.answer.c.operation == sa.bindparam("operation")))
_ATTEMPTS = Prepared(
    lambda _: sa.select(sa.func.count()).where(tables.reservation.c.operation == sa.bindparam("operation"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """The worst case of one attempt, to be held before it is made."""

    key: str  # idempotency key: also sent to the provider
    operation: str
    attempt: int  # 1 is the first try
    amount_nano_usd: int
    terms: Terms


def operation_key(payer: Payer, request_sha256: str) -> str:
    """The key of one intended call. The same request in the same step and loop is the same operation."""
    return f"{payer.artifact}/{payer.step}/{payer.loop}/{request_sha256[:16]}"


def open_operation(tx: sa.Connection, payer: Payer, *, request_sha256: str) -> str:
    """Record that this call is intended, once; its key."""
    run(tx, _opening(payer, request_sha256))
    return operation_key(payer, request_sha256)


def _opening(payer: Payer, request_sha256: str) -> Step:
    opened = {
        "key": operation_key(payer, request_sha256),
        "artifact": payer.artifact,
        "step": payer.step,
        "loop": payer.loop,
        "request_sha256": request_sha256,
        "at": utc_now(),
    }
    return inserted(tables.operation, opened, once=True)


def answer_of(tx: sa.Connection, operation: str) -> str | None:
    """The stored answer (a JSON text) of an operation that was already paid. Raises LedgerError where it was changed."""
    kept = run(tx, (_ANSWER, {"operation": operation})).one_or_none()
    if kept is None or not kept.record:
        return None
    if sha256_hex(kept.record.encode()) != kept.response_sha256:
        raise LedgerError(f"the stored answer of {operation} is not the one that was paid")
    return str(kept.record)


def attempts_of(tx: sa.Connection, operation: str) -> int:
    """How often this operation was tried so far."""
    return run(tx, (_ATTEMPTS, {"operation": operation})).scalar() or 0


def reserve(tx: sa.Connection, payer: Payer, wanted: Hold, *, request_sha256: str | None = None) -> bool:
    """Hold the worst case on every budget or, by raising BudgetExceeded, on none.

    With `request_sha256` the operation is opened, too. False: this key holds already, nothing was added. Raises KeyReused
    when it holds something else.
    """
    budget_ids = [b.id for b in payer.budgets]
    held = {
        "key": wanted.key,
        "operation": wanted.operation,
        "attempt": wanted.attempt,
        "artifact": payer.artifact,
        "step": payer.step,
        "amount_nano_usd": wanted.amount_nano_usd,
        "budget_ids": json.dumps(budget_ids),
        "terms": json.dumps(wanted.terms.as_dict()),
        "run_id": payer.run_id,
        "at": utc_now(),
    }
    steps = [SAVEPOINT] if request_sha256 is None else [SAVEPOINT, _opening(payer, request_sha256)]
    entry = _on_budgets(payer, wanted.key, "hold", budget_ids, wanted.amount_nano_usd)
    steps += [inserted(tables.reservation, held), inserted(tables.entry, entry)]
    try:
        # the counters last: other payers wait for them from here to the end of the transaction
        budgets.hold(tx, payer.budgets, wanted.amount_nano_usd, first=steps)
    except sa.exc.IntegrityError as error:
        if not is_taken(tables.reservation, error):
            raise
        take_back(tx)
        found = tx.execute(_RESERVATION, {"reservation_key": wanted.key}).one_or_none()
        if found is None or (found.operation, found.amount_nano_usd) != (wanted.operation, wanted.amount_nano_usd):
            held_by = f"{wanted.key} (attempt {wanted.attempt} of {wanted.operation})"
            raise KeyReused(f"{held_by} stands for another call") from None
        return False
    return True


def settle(
    tx: sa.Connection,
    payer: Payer,
    key: str | Hold,
    usage: Usage,
    *,
    answer: str | None,
    response_id: str = "",
    estimated: bool = False,
    detail: str = "",
) -> None:
    """Book the provider's own count, return the rest of the hold, keep the answer (a JSON text). Raises AlreadySettled.

    Whoever made the hold and still has it, gives it in the place of its key: nothing is read. `answer` None: what came
    back was paid for and is no answer, so that the operation may be tried again. An actual cost above the hold is still
    booked, and flagged on every entry of it.
    """
    held = _held(tx, payer, key)
    counted = "estimated" if estimated else "usage of the provider"
    closing = [_closing(held.key, "settled", f"{counted}; {detail}" if detail else counted, response_id)]
    if answer is not None:
        kept = {"operation": held.operation, "reservation": held.key, "record": answer}
        kept |= {"response_sha256": sha256_hex(answer.encode()), "at": utc_now()}
        closing.append(inserted(tables.answer, kept, once=True))
    with _only_once(held.key):
        _enter_call(tx, payer, held, usage, estimated=estimated, first=closing)


def release(tx: sa.Connection, payer: Payer, key: str, *, proof: str) -> None:
    """Give a hold back. Only on proof that the provider did not serve the call: its own refusal, named in `proof`."""
    held = _reservation(tx, key)
    with _only_once(key):
        _return_hold(tx, payer, held, first=[_closing(key, "released", proof)])


def suspend(tx: sa.Connection, payer: Payer, key: str, *, why: str, response_id: str = "") -> None:
    """The outcome is unknown: to suspense at full amount. The budgets go on holding it (fail closed)."""
    held = _reservation(tx, key)
    terms = held.terms
    suspense = _row(
        payer,
        kind="suspense",
        debit=f"suspense/{payer.artifact}/{payer.step}",
        credit=f"provider/{terms.provider}",
        amount_nano_usd=held.amount_nano_usd,
        reservation=key,
        tier=terms.tier,
        model=terms.model,
        price=json.dumps(terms.price.as_dict()),
        estimated=True,
    )
    with _only_once(key):
        run(tx, _closing(key, "suspended", why, response_id), inserted(tables.entry, suspense))


def resolve(
    tx: sa.Connection, key: str, usage: Usage | None, *, detail: str, report_sha256: str, estimated: bool = False
) -> None:
    """Close a suspense on a provider's word: `usage` is what it billed, None that it billed nothing. Raises AlreadySettled.

    The suspense is taken back by a reversal; `estimated` says that the report's total was divided among several calls.
    """
    held, payer = _reservation(tx, key), replace(payer_of(tx, key), run_id=f"report {report_sha256}")
    kind = "not_billed" if usage is None else "billed"
    values = {"kind": kind, "detail": detail, "report_sha256": report_sha256, "at": utc_now()}
    if not insert_once(tx, tables.resolution, reservation=key, **values):
        raise AlreadySettled(f"reservation {key} already left suspense")
    suspended = _standing(tx, key, "suspense")
    if not suspended:
        raise LedgerError(f"reservation {key} is not in suspense")
    reversals = inserted(tables.entry, *(_reversal(payer, row) for row in suspended))
    if usage is None:
        _return_hold(tx, payer, held, first=[reversals])
    else:
        _enter_call(tx, payer, held, usage, estimated=estimated, first=[reversals])


def correct(tx: sa.Connection, key: str, usage: Usage, *, report_sha256: str) -> None:
    """Replace what was booked for a settled call: each of its entries is reversed, then `usage` is booked in their place.

    At the price of its reservation; the new entries name the report in the place of a run. They belong to today's month: a
    month that was closed does not change. Raises LedgerError where nothing is booked.
    """
    held, payer = _reservation(tx, key), replace(payer_of(tx, key), run_id=f"report {report_sha256}")
    booked = _standing(tx, key, "call")
    if not booked:
        raise LedgerError(f"reservation {key} has no booked call to correct")
    taken_back = sum(row.amount_nano_usd for row in booked)
    refund = _on_budgets(payer, key, "refund", held.budget_ids, taken_back)
    reversals = inserted(tables.entry, *(_reversal(payer, row) for row in booked), refund)
    budgets.charge(tx, held.budget_ids, spent_nano_usd=-taken_back, first=[reversals])
    _enter_call(tx, payer, held, usage, held_nano_usd=0)


def payer_of(tx: sa.Connection, key: str) -> Payer:
    """Who made a reservation, as its hold says. Its budgets are those of the reservation, so none are given here."""
    entry = tables.entry
    names = ("artifact", "step", "loop", "cost_centre", "workload", "policy_sha256", "run_id")
    hold = sa.select(*(entry.c[name] for name in names)).where(entry.c.reservation == key, entry.c.kind == "hold")
    return Payer(budgets=(), **tx.execute(hold.limit(1)).mappings().one())


def suspend_open(tx: sa.Connection, payer: Payer) -> list[str]:
    """Suspend every reservation of this artifact that has no outcome, and return their keys.

    Call it under the artifact's lock: then no other process can be in the middle of such a call.
    """
    reservation, outcome, batched = tables.reservation, tables.outcome, tables.batch_call
    without_outcome = (
        sa.select(reservation.c.key)
        .outerjoin(outcome, outcome.c.reservation == reservation.c.key)
        .outerjoin(batched, batched.c.reservation == reservation.c.key)  # the provider still works on those
        .where(reservation.c.artifact == payer.artifact, outcome.c.reservation.is_(None))
        .where(batched.c.reservation.is_(None))
        .order_by(reservation.c.at)
    )
    keys = list(tx.scalars(without_outcome))
    for key in keys:
        suspend(tx, payer, key, why="the process ended between the reservation and its outcome")
    return keys


def book(
    tx: sa.Connection,
    payer: Payer,
    *,
    kind: str,
    quantity: int,
    unit: str,
    amount_nano_usd: int,
    rate: Rate | None = None,
) -> None:
    """Book a cost that is known only afterwards (compute, bytes, a person's review), with the rate that it was priced at.

    On the payer's budgets, where it has some.
    """
    budget_ids = [b.id for b in payer.budgets]
    budgets.open_budgets(tx, payer.budgets)
    over = bool(budget_ids) and budgets.charge(tx, budget_ids, spent_nano_usd=amount_nano_usd)
    on_budgets = [_on_budgets(payer, None, "charge", budget_ids, amount_nano_usd)] if budget_ids else []
    spent = _row(
        payer,
        kind=kind,
        debit=_spend_account(payer, kind),
        credit=f"provider/{kind}",
        amount_nano_usd=amount_nano_usd,
        quantity=quantity,
        unit=unit,
        price=json.dumps(rate.as_dict()) if rate else "{}",
        overrun=over,
    )
    run(tx, inserted(tables.entry, *on_budgets, spent))


def close(tx: sa.Connection, month: str, *, by: str, record: Mapping[str, Any]) -> int:
    """Enter that a month is closed, and return the entry's id: no amount, and what was closed where others have their price.

    An entry like any other, so that the hash chain covers what finance was given.
    """
    nobody = Payer(
        artifact="",
        step="",
        loop=0,
        cost_centre="",
        workload="",
        budgets=(),
        policy_sha256="",
        run_id=f"closed by {by}",
    )
    accounts = {"debit": f"closed/{month}", "credit": f"open/{month}"}
    row = _row(nobody, kind="close", amount_nano_usd=0, price=json.dumps(dict(record)), **accounts)
    run(tx, inserted(tables.entry, row))
    closing = tables.entry.c.kind == "close", tables.entry.c.debit == accounts["debit"]
    return int(tx.scalars(sa.select(sa.func.max(tables.entry.c.id)).where(*closing)).one())


def _enter_call(
    tx: sa.Connection,
    payer: Payer,
    held: "_Held",
    usage: Usage,
    *,
    estimated: bool = False,
    held_nano_usd: int | None = None,
    first: Sequence[Step] = (),
) -> None:
    """What a call cost, an entry per meter, on its budgets too. `held_nano_usd`: of its hold, what stands until now."""
    terms = held.terms
    costs = terms.price.cost_nano_usd(usage)
    total = sum(costs.values())
    standing = held.amount_nano_usd if held_nano_usd is None else held_nano_usd
    moved = [_on_budgets(payer, held.key, "charge", held.budget_ids, total)]
    if standing:
        moved.append(_on_budgets(payer, held.key, "release", held.budget_ids, standing))
    call = _row(
        payer,
        kind="call",
        debit=_spend_account(payer, "call"),
        credit=f"provider/{terms.provider}",
        reservation=held.key,
        tier=terms.tier,
        model=terms.model,
        price=json.dumps(terms.price.applied_to(usage).as_dict()),
        estimated=estimated,
    )
    metered = [
        call | {"amount_nano_usd": costs[meter], "quantity": tokens, "unit": meter}
        for meter, tokens in usage.meters().items()
        if tokens or meter in ALWAYS_ENTERED
    ]

    def enter(*, overrun: bool) -> bool:
        entries = inserted(tables.entry, *moved, *(row | {"overrun": overrun} for row in metered))
        steps = [SAVEPOINT, *first, entries]
        return budgets.charge(tx, held.budget_ids, spent_nano_usd=total, held_nano_usd=standing, first=steps)

    # the counters last, although only they tell of a budget that is over: it is rare, and then all is entered anew
    above_hold = total > held.amount_nano_usd
    if enter(overrun=above_hold) and not above_hold:
        take_back(tx)
        enter(overrun=True)


def _return_hold(tx: sa.Connection, payer: Payer, held: "_Held", *, first: Sequence[Step] = ()) -> None:
    returned = _on_budgets(payer, held.key, "release", held.budget_ids, held.amount_nano_usd)
    first = [*first, inserted(tables.entry, returned)]
    budgets.charge(tx, held.budget_ids, spent_nano_usd=0, held_nano_usd=held.amount_nano_usd, first=first)


def _standing(tx: sa.Connection, key: str, kind: str) -> list[sa.Row[Any]]:
    """The entries of this kind that a reservation led to and that nothing reversed."""
    entry, reversal = tables.entry, tables.entry.alias()
    query = sa.select(entry).outerjoin(reversal, reversal.c.reverses == entry.c.id)
    mine = query.where(entry.c.reservation == key, entry.c.kind == kind, entry.c.reverses.is_(None))
    return list(tx.execute(mine.where(reversal.c.id.is_(None)).order_by(entry.c.id)))


def _reversal(payer: Payer, row: sa.Row[Any]) -> dict[str, Any]:
    """The mirror image of an entry: the same amount back, and so the same quantity back in every sum."""
    same = ("kind", "amount_nano_usd", "reservation", "tier", "model", "quantity", "unit", "estimated")
    values = {name: getattr(row, name) for name in same} | {"price": json.dumps(row.price)}
    return _row(payer, debit=row.credit, credit=row.debit, reverses=row.id, **values)


def _spend_account(payer: Payer, kind: str) -> str:
    return "/".join(("spend", payer.cost_centre, payer.workload, payer.artifact, payer.step, str(payer.loop), kind))


def _on_budgets(
    payer: Payer, key: str | None, kind: str, budget_ids: Sequence[str], amount_nano_usd: int
) -> dict[str, Any]:
    """One movement in every budget that it touches."""
    debit, credit = _BUDGET_ACCOUNTS[kind]
    return _row(
        payer,
        kind=kind,
        debit=f"budgets/{debit}",
        credit=f"budgets/{credit}",
        amount_nano_usd=amount_nano_usd,
        reservation=key,
        budgets=json.dumps(list(budget_ids)),
    )


def _row(payer: Payer, **values: Any) -> dict[str, Any]:
    at = utc_now()
    common = {
        "at": at,
        "month": at[:7],
        "artifact": payer.artifact,
        "step": payer.step,
        "loop": payer.loop,
        "cost_centre": payer.cost_centre,
        "workload": payer.workload,
        "policy_sha256": payer.policy_sha256,
        "run_id": payer.run_id,
    }
    blank: dict[str, Any] = {
        "tier": None,
        "model": None,
        "reservation": None,
        "quantity": 0,
        "unit": None,
        "price": "{}",
    }
    return common | blank | {"estimated": False, "overrun": False, "reverses": None, "budgets": None} | values


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """What a reservation holds, and where."""

    key: str
    operation: str
    amount_nano_usd: int
    terms: Terms
    budget_ids: Sequence[str]


def _held(tx: sa.Connection, payer: Payer, key: str | Hold) -> _Held:
    if isinstance(key, str):
        return _reservation(tx, key)
    return _Held(
        key=key.key,
        operation=key.operation,
        amount_nano_usd=key.amount_nano_usd,
        terms=key.terms,
        budget_ids=[b.id for b in payer.budgets],
    )


def _reservation(tx: sa.Connection, key: str) -> _Held:
    row = tx.execute(_RESERVATION, {"reservation_key": key}).one_or_none()
    if row is None:
        raise LedgerError(f"no reservation {key}")
    return _Held(
        key=key,
        operation=row.operation,
        amount_nano_usd=row.amount_nano_usd,
        terms=Terms.from_dict(row.terms),
        budget_ids=row.budget_ids,
    )


def _closing(key: str, kind: str, detail: str, response_id: str = "") -> Step:
    outcome = {"reservation": key, "kind": kind, "detail": detail, "response_id": response_id, "at": utc_now()}
    return inserted(tables.outcome, outcome)


@contextmanager
def _only_once(key: str) -> Iterator[None]:
    """The outcome's primary key is what makes it the only one. Raises AlreadySettled, and so undoes the transaction."""
    try:
        yield
    except sa.exc.IntegrityError as error:
        if not is_taken(tables.outcome, error):
            raise
        raise AlreadySettled(f"reservation {key} already has its outcome") from None
