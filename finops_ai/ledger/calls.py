"""Reserve, call, settle: how a model call is paid, and how a step's other costs are.

Belongs here: reservations and their one outcome, spend entries. Does not: the guard on budgets (`budgets`), prices
(`pricing`), making the call (the package `calls`). Every function works inside the caller's transaction.

A reservation without an outcome is a call whose end nobody saw. It is never released for being old: the provider has
probably billed it. `suspend_open` moves it to suspense at its full amount, where it keeps its hold on the budgets.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from finops_ai.ledger import budgets
from finops_ai.ledger.model import AlreadySettled, KeyReused, LedgerError, Payer, Terms
from finops_ai.pricing import Usage
from finops_ai.store import insert_once, tables, utc_now


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """The worst case of one attempt, to be held before it is made."""

    key: str  # idempotency key: also sent to the provider
    operation: str
    attempt: int  # 1 is the first try
    amount_nano_usd: int
    terms: Terms


def open_operation(tx: sa.Connection, payer: Payer, *, request_sha256: str) -> str:
    """The key of one intended call. The same request in the same step and loop is the same operation."""
    key = f"{payer.artifact}/{payer.step}/{payer.loop}/{request_sha256[:16]}"
    insert_once(
        tx,
        tables.operation,
        key=key,
        artifact=payer.artifact,
        step=payer.step,
        loop=payer.loop,
        request_sha256=request_sha256,
        at=utc_now(),
    )
    return key


def answer_of(tx: sa.Connection, operation: str) -> str | None:
    """The stored answer (object digest) of an operation that was already paid."""
    answer = tables.answer
    return tx.scalar(sa.select(answer.c.response_sha256).where(answer.c.operation == operation))


def attempts_of(tx: sa.Connection, operation: str) -> int:
    """How often this operation was tried so far."""
    reservation = tables.reservation
    return tx.scalar(sa.select(sa.func.count()).where(reservation.c.operation == operation)) or 0


def reserve(tx: sa.Connection, payer: Payer, wanted: Hold) -> bool:
    """Hold the worst case on every budget or, by raising BudgetExceeded, on none.

    False: this key holds already, nothing was added. Raises KeyReused when it holds something else.
    """
    budgets.open_budgets(tx, payer.budgets)
    budget_ids = [b.id for b in payer.budgets]
    inserted = insert_once(
        tx,
        tables.reservation,
        key=wanted.key,
        operation=wanted.operation,
        attempt=wanted.attempt,
        artifact=payer.artifact,
        step=payer.step,
        amount_nano_usd=wanted.amount_nano_usd,
        budget_ids=budget_ids,
        terms=wanted.terms.as_dict(),
        run_id=payer.run_id,
        at=utc_now(),
    )
    if not inserted:
        held = tx.execute(sa.select(tables.reservation).where(tables.reservation.c.key == wanted.key)).one_or_none()
        if held is None or (held.operation, held.amount_nano_usd) != (wanted.operation, wanted.amount_nano_usd):
            raise KeyReused(f"{wanted.key} (attempt {wanted.attempt} of {wanted.operation}) stands for another call")
        return False
    budgets.hold(tx, budget_ids, wanted.amount_nano_usd)
    _enter_budgets(tx, payer, wanted.key, "hold", budget_ids, wanted.amount_nano_usd)
    return True


def settle(
    tx: sa.Connection, payer: Payer, key: str, usage: Usage, *, response_sha256: str, estimated: bool = False
) -> None:
    """Book the provider's own count, return the rest of the hold, keep the answer. Raises AlreadySettled.

    An actual cost above the hold is still booked, and flagged on every entry of it.
    """
    held = _reservation(tx, key)
    _close(tx, key, "settled", "estimated" if estimated else "usage of the provider")
    terms = Terms.from_dict(held.terms)
    costs = terms.price.cost_nano_usd(usage)
    total = sum(costs.values())
    over_budget = budgets.charge(tx, held.budget_ids, spent_nano_usd=total, held_nano_usd=held.amount_nano_usd)
    _enter_budgets(tx, payer, key, "release", held.budget_ids, held.amount_nano_usd)
    _enter_budgets(tx, payer, key, "charge", held.budget_ids, total)
    for meter, tokens in usage.meters().items():
        _enter(
            tx,
            payer,
            kind="call",
            debit=_spend_account(payer, "call"),
            credit=f"provider/{terms.provider}",
            amount_nano_usd=costs[meter],
            reservation=key,
            tier=terms.tier,
            model=terms.model,
            quantity=tokens,
            unit=meter,
            price=terms.price.as_dict(),
            estimated=estimated,
            overrun=over_budget or total > held.amount_nano_usd,
        )
    insert_once(
        tx, tables.answer, operation=held.operation, reservation=key, response_sha256=response_sha256, at=utc_now()
    )


def release(tx: sa.Connection, payer: Payer, key: str, *, proof: str) -> None:
    """Give a hold back. Only on proof that the provider did not serve the call: its own refusal, named in `proof`."""
    held = _reservation(tx, key)
    _close(tx, key, "released", proof)
    budgets.charge(tx, held.budget_ids, spent_nano_usd=0, held_nano_usd=held.amount_nano_usd)
    _enter_budgets(tx, payer, key, "release", held.budget_ids, held.amount_nano_usd)


def suspend(tx: sa.Connection, payer: Payer, key: str, *, why: str) -> None:
    """The outcome is unknown: to suspense at full amount. The budgets go on holding it (fail closed)."""
    held = _reservation(tx, key)
    _close(tx, key, "suspended", why)
    terms = Terms.from_dict(held.terms)
    _enter(
        tx,
        payer,
        kind="suspense",
        debit=f"suspense/{payer.artifact}/{payer.step}",
        credit=f"provider/{terms.provider}",
        amount_nano_usd=held.amount_nano_usd,
        reservation=key,
        tier=terms.tier,
        model=terms.model,
        price=terms.price.as_dict(),
        estimated=True,
    )


def suspend_open(tx: sa.Connection, payer: Payer) -> list[str]:
    """Suspend every reservation of this artifact that has no outcome, and return their keys.

    Call it under the artifact's lock: then no other process can be in the middle of such a call.
    """
    reservation, outcome = tables.reservation, tables.outcome
    without_outcome = (
        sa.select(reservation.c.key)
        .outerjoin(outcome, outcome.c.reservation == reservation.c.key)
        .where(reservation.c.artifact == payer.artifact, outcome.c.reservation.is_(None))
        .order_by(reservation.c.at)
    )
    keys = list(tx.scalars(without_outcome))
    for key in keys:
        suspend(tx, payer, key, why="the process ended between the reservation and its outcome")
    return keys


def book(tx: sa.Connection, payer: Payer, *, kind: str, quantity: int, unit: str, amount_nano_usd: int) -> int:
    """Book a cost that is known only afterwards (compute, a person's review). Returns the entry's id."""
    budget_ids = [b.id for b in payer.budgets]
    budgets.open_budgets(tx, payer.budgets)
    over = budgets.charge(tx, budget_ids, spent_nano_usd=amount_nano_usd)
    _enter_budgets(tx, payer, None, "charge", budget_ids, amount_nano_usd)
    return _enter(
        tx,
        payer,
        kind=kind,
        debit=_spend_account(payer, kind),
        credit=f"provider/{kind}",
        amount_nano_usd=amount_nano_usd,
        quantity=quantity,
        unit=unit,
        overrun=over,
    )


def _spend_account(payer: Payer, kind: str) -> str:
    return "/".join(("spend", payer.cost_centre, payer.workload, payer.artifact, payer.step, str(payer.loop), kind))


def _enter_budgets(
    tx: sa.Connection, payer: Payer, key: str | None, kind: str, budget_ids: list[str], amount_nano_usd: int
) -> None:
    accounts = {
        "hold": ("reserved", "available"),
        "release": ("available", "reserved"),
        "charge": ("spent", "available"),
    }
    debit, credit = accounts[kind]
    rows = [
        _row(
            payer,
            kind=kind,
            debit=f"budget/{budget_id}/{debit}",
            credit=f"budget/{budget_id}/{credit}",
            amount_nano_usd=amount_nano_usd,
            reservation=key,
        )
        for budget_id in budget_ids
    ]
    tx.execute(tables.entry.insert(), rows)


def _enter(tx: sa.Connection, payer: Payer, **values: Any) -> int:
    inserted = tx.execute(tables.entry.insert().values(_row(payer, **values)))
    assert inserted.inserted_primary_key is not None
    return int(inserted.inserted_primary_key[0])


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
    blank: dict[str, Any] = {"tier": None, "model": None, "reservation": None, "quantity": 0, "unit": None, "price": {}}
    return common | blank | {"estimated": False, "overrun": False} | values


def _reservation(tx: sa.Connection, key: str) -> Any:
    held = tx.execute(sa.select(tables.reservation).where(tables.reservation.c.key == key)).one_or_none()
    if held is None:
        raise LedgerError(f"no reservation {key}")
    return held


def _close(tx: sa.Connection, key: str, kind: str, detail: str) -> None:
    if not insert_once(tx, tables.outcome, reservation=key, kind=kind, detail=detail, at=utc_now()):
        raise AlreadySettled(f"reservation {key} already has its outcome")
