"""Calls that the provider answers later, in a batch of one: handing them over, and collecting what became of them.

Belongs here: the words of the Batch API, the calls that are under way in it, closing them. Does not: the entries
(`ledger`), holding the worst case (`paid`), what a body cost (`endpoint`), who waits for the answer (`orchestration`).

| what the provider says | the books | then |
|---|---|---|
| not finished, nothing, or what cannot be used | the hold stays | asked again |
| an answer to our request | settled at the batch price, kept | the step finds it paid |
| an error in its place, expired, a batch that is not valid | released: it was not served | may be tried again |
| finished, without a word on our request | suspense at full amount | may be tried again |
"""

import json
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from finops_ai import ledger
from finops_ai.calls.endpoint import APIS, BODY_BYTES_MAX, Endpoint, Received, Served, endpoint_of, outcome_of
from finops_ai.calls.failures import Failed, of_status
from finops_ai.calls.model import Form
from finops_ai.calls.paid import close_failed, close_served
from finops_ai.calls.wire import Asked, error_in, member, text_at
from finops_ai.policy import Tier
from finops_ai.store import Database, sha256_hex, tables, utc_now

URLS: dict[str, Any] = {"chat": "/v1/chat/completions", "responses": "/v1/responses"}
FINISHED = ("completed", "failed", "expired", "cancelled")
GONE = (404, 410)
COLLECT_TIMEOUT_MAX_S = 10.0  # of one request while collecting: others wait their turn behind it
GIVEN_UP_AFTER = timedelta(hours=48)  # a batch ends within a day: after two, one that the provider denies is lost

State = Literal["waiting", "unreachable", "unclear", "settled", "released", "suspended", "closed_elsewhere"]
"""`unreachable`: the provider gave no answer; `unclear`: one that says nothing of the batch. Both are left as is."""

_OPEN = (
    sa.select(
        tables.batch_call,
        tables.reservation.c.artifact,
        tables.reservation.c.step,
        tables.reservation.c.attempt,
        tables.reservation.c.operation,
    )
    .join(tables.reservation, tables.reservation.c.key == tables.batch_call.c.reservation)
    .outerjoin(tables.outcome, tables.outcome.c.reservation == tables.batch_call.c.reservation)
    .where(tables.outcome.c.reservation.is_(None))
)
_OPEN_OF_OPERATION = _OPEN.where(tables.reservation.c.operation == sa.bindparam("operation_key"))
_OPEN_OF_ARTIFACT = _OPEN.where(tables.reservation.c.artifact == sa.bindparam("artifact_key"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """All that collecting needs: today's policy may name another endpoint than the one that has the batch."""

    tier_name: str
    api: Literal["chat", "responses"]
    base_url: str | None
    api_key_env: str | None
    model: str
    timeout_s: float
    attempts_max: int
    form: Form
    output_tokens_max: int
    input_tokens: int  # our upper estimate

    @classmethod
    def of(cls, tier_name: str, tier: Tier, asked: Asked) -> "Sent":
        """Of a call that was handed over."""
        return cls(
            tier_name=tier_name,
            api=tier.api,
            base_url=tier.base_url,
            api_key_env=tier.api_key_env,
            model=tier.model,
            timeout_s=tier.timeout_s,
            attempts_max=tier.attempts_max,
            form=asked.form,
            output_tokens_max=asked.output_tokens_max,
            input_tokens=asked.input_tokens,
        )

    @property
    def tier(self) -> Tier:
        """The endpoint, for one request of a collection."""
        return Tier(
            engine="openai",
            model=self.model,
            api=self.api,
            base_url=self.base_url,
            api_key_env=self.api_key_env,
            timeout_s=min(self.timeout_s, COLLECT_TIMEOUT_MAX_S),
        )

    @property
    def asked(self) -> Asked:
        """What the answer is metered against; its text was sent and is not needed any more."""
        return Asked(
            model=self.model,
            messages=(),
            schema=None,
            form=self.form,
            output_tokens_max=self.output_tokens_max,
            max_tokens_parameter="",
            level="batch",
            stream=False,
            input_tokens=self.input_tokens,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingBatch:
    """A call that the provider still has."""

    reservation: str
    artifact: str
    step: str
    batch_id: str
    at: str  # when it was handed over
    attempt: int
    endpoint: Mapping[str, Any]  # a stored `Sent`


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What one look at one batch found."""

    reservation: str
    artifact: str
    batch_id: str
    state: State
    detail: str = ""
    failed: bool = False  # it is closed without an answer
    permanent: bool = False  # another try would end as this one did: a person must look first


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """The body of one request, or how it failed."""

    body: bytes = b""
    failed: Failed | None = None
    status: int = 0  # of a refusal


# --- handing over


def create(endpoint: Endpoint, asked: Asked, *, key: str) -> str | Failed:
    """Hand one request over; the id of its batch. Until the batch itself is asked for, nothing was served."""
    name, api = _name(key), endpoint.tier.api
    body = APIS[api].request_body(replace(asked, stream=False))
    line = json.dumps({"custom_id": name, "method": "POST", "url": URLS[api], "body": body}) + "\n"
    create_file = endpoint.client.files.with_streaming_response.create
    uploaded = _heard(endpoint, create_file, file=(f"{name}.jsonl", line.encode()), purpose="batch")
    file_id = text_at(_object(uploaded.body), "id")
    if uploaded.failed or not file_id:
        failed = uploaded.failed or _unusable(uploaded.body, "names no file")
        return replace(failed, served=False, error=f"upload for a batch: {failed.error}")
    created = _heard(
        endpoint,
        endpoint.client.batches.with_streaming_response.create,
        input_file_id=file_id,
        endpoint=URLS[api],
        completion_window="24h",
        metadata={"custom_id": name},
        extra_headers={"Idempotency-Key": name},
    )
    if created.failed:
        return created.failed
    return text_at(_object(created.body), "id") or _unusable(created.body, "names no batch")


def record(tx: sa.Connection, key: str, *, batch_id: str, sent: Sent) -> str:
    """The provider has this call; since when."""
    at = utc_now()
    tx.execute(
        tables.batch_call.insert(), {"reservation": key, "batch_id": batch_id, "endpoint": asdict(sent), "at": at}
    )
    return at


def pending_call(connection: sa.Connection, operation: str) -> PendingBatch | None:
    """The call of this operation that the provider still has."""
    row = connection.execute(_OPEN_OF_OPERATION, {"operation_key": operation}).first()
    return _pending(row) if row else None


def pending_of(connection: sa.Connection, artifact: str) -> list[PendingBatch]:
    """The calls of an artifact that the provider still has, oldest first."""
    rows = connection.execute(_OPEN_OF_ARTIFACT.order_by(tables.batch_call.c.at), {"artifact_key": artifact})
    return [_pending(row) for row in rows]


# --- collecting


def collect(
    database: Database,
    *,
    also: Callable[[sa.Connection, Collected], None] = lambda _tx, _found: None,
    time_max_s: float | None = None,
) -> list[Collected]:
    """Look at every batch that is under way, and close the calls of those that are finished.

    `also` is done in the transaction that closes a call. After `time_max_s` no further batch is looked at. Never raises
    for a batch or a provider, and may run twice at once: a call is closed by whoever is first.
    """
    with database.read() as connection:
        pending = [_pending(row) for row in connection.execute(_OPEN)]
    random.shuffle(pending)  # where the time is short, the same ones are not always the last
    found: list[Collected] = []
    started = time.monotonic()
    unreachable: dict[str | None, str] = {}
    for call in pending:
        if time_max_s is not None and time.monotonic() - started > time_max_s:
            break
        address = call.endpoint.get("base_url")
        if address in unreachable:  # a provider that hangs is waited for once
            found.append(_collected(call, "unreachable", unreachable[address]))
            continue
        found.append(_collect(database, call, also))
        if found[-1].state == "unreachable":
            unreachable[address] = found[-1].detail
    return found


def closed_batches(connection: sa.Connection, *, since: str) -> list[tuple[str, str]]:
    """(artifact, reservation) of each call of a batch that was closed at this time or later, oldest first."""
    reservation, outcome = tables.reservation, tables.outcome
    query = (
        sa.select(reservation.c.artifact, reservation.c.key)
        .join(tables.batch_call, tables.batch_call.c.reservation == reservation.c.key)
        .join(outcome, outcome.c.reservation == reservation.c.key)
        .where(outcome.c.at >= since)
        .order_by(outcome.c.at)
    )
    return [(row.artifact, row.key) for row in connection.execute(query)]


def _collect(database: Database, call: PendingBatch, also: Callable[[sa.Connection, Collected], None]) -> Collected:
    try:
        sent = Sent(**call.endpoint)
        result = _result(endpoint_of(sent.tier), call, sent)
        return result if isinstance(result, Collected) else _close(database, call, sent, result, also)
    except ledger.AlreadySettled:
        return _collected(call, "closed_elsewhere", "another process was quicker")
    except Exception as error:  # noqa: BLE001 - one bad batch must not keep the others from being paid
        return _collected(call, "unclear", f"{type(error).__name__}: {error}")


def _result(endpoint: Endpoint, call: PendingBatch, sent: Sent) -> Served | Failed | Collected:
    heard = _heard(endpoint, endpoint.client.batches.with_streaming_response.retrieve, batch_id=call.batch_id)
    if heard.failed:
        lost = heard.status in GONE and utc_now(datetime.now(UTC) - GIVEN_UP_AFTER) > call.at
        return replace(heard.failed, served=True) if lost else _left(call, heard.status, heard.failed)
    batch = _object(heard.body)
    if text_at(batch, "status") not in FINISHED:
        return _collected(call, "waiting", text_at(batch, "status"))
    lines: list[Mapping[str, Any]] = []
    for name in ("output_file_id", "error_file_id"):
        if file_id := text_at(batch, name):
            file = _heard(endpoint, endpoint.client.files.with_streaming_response.content, file_id=file_id)
            if file.failed and file.status not in GONE:
                return _left(call, file.status, file.failed)
            lines += _lines(file.body)
    return result_of(batch, lines, custom_id=_name(call.reservation), sent=sent)


def result_of(
    batch: Mapping[str, Any], lines: Iterable[Mapping[str, Any]], *, custom_id: str, sent: Sent
) -> Served | Failed:
    """What a finished batch and the lines of its files say of our request."""
    line = next((line for line in lines if text_at(line, "custom_id") == custom_id), None)
    if line is not None:
        return _of_line(line, sent)
    status = text_at(batch, "status")
    if status == "failed":  # it never began
        return Failed(error=f"the batch is not valid: {_words(batch)}", served=False, again=True)
    return Failed(error=f"the batch is {status} and says nothing of this request", served=True, again=True)


def _of_line(line: Mapping[str, Any], sent: Sent) -> Served | Failed:
    status, body = member(line, "response", "status_code"), member(line, "response", "body")
    if status == 200 and isinstance(body, Mapping):
        api = APIS[sent.api]
        raw = bytearray(json.dumps(body).encode())
        return outcome_of(Received(asked=sent.asked, gathering=api.gathering(), raw=raw), api)
    if isinstance(status, int) and status >= 400:
        record = (error_in(body) if isinstance(body, Mapping) else None) or {}
        told = str(record.get("message") or body)
        # in a batch a 5xx is the provider's own report of what it did not serve, and will not bill
        return replace(of_status(status, told, record, {}, now=datetime.now(UTC)), served=False)
    if refusal := error_in(line):
        code = text_at(refusal, "code")
        told = f"{code}: {text_at(refusal, 'message')}"
        return Failed(error=told, served=False, again=True, permanent=code == "batch_cancelled")
    return Failed(error=f"unusable line of a batch: {json.dumps(line)[:200]}", served=True, again=True)


def _close(
    database: Database,
    call: PendingBatch,
    sent: Sent,
    result: Served | Failed,
    also: Callable[[sa.Connection, Collected], None],
) -> Collected:
    """The books and what `also` does, together or not at all."""
    with database.write() as tx:
        payer = ledger.payer_of(tx, call.reservation)
        if isinstance(result, Served):
            close_served(tx, payer, call.reservation, result, sent.form)
            found = _collected(call, "settled", result.cost.detail)
        else:
            close_failed(tx, payer, call.reservation, result)
            state: State = "settled" if result.cost else "suspended" if result.served else "released"
            # a provider that fails at once would else be asked again for ever, while nobody watches
            permanent = result.permanent or call.attempt % sent.attempts_max == 0
            found = replace(_collected(call, state, result.error), failed=True, permanent=permanent)
        also(tx, found)
    return found


# --- one request


def _heard(endpoint: Endpoint, method: Any, /, **arguments: Any) -> _Heard:
    """One request within its time-out, whatever comes back."""
    import httpx2
    import openai

    raw = bytearray()
    timeout_s = endpoint.tier.timeout_s
    try:
        with endpoint.deadline.within(timeout_s), method(**arguments, timeout=timeout_s) as response:
            for piece in response.iter_bytes():
                raw += piece
                if len(raw) > BODY_BYTES_MAX:
                    return _Heard(failed=Failed(error=f"more than {BODY_BYTES_MAX} bytes", served=True, again=False))
    except openai.APIStatusError as error:
        told = error.body if isinstance(error.body, dict) else {}
        headers, now = error.response.headers, datetime.now(UTC)
        failed = of_status(error.status_code, error.message, told, headers, now=now)
        return _Heard(failed=failed, status=error.status_code)
    except (openai.OpenAIError, httpx2.HTTPError, httpx2.StreamError) as error:
        cause = error.__cause__ or error
        unsent = isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout)
        late = f" after {timeout_s:g} s" if endpoint.deadline.passed else ""
        return _Heard(failed=Failed(error=f"{type(error).__name__}{late}: {cause}", served=not unsent, again=True))
    return _Heard(body=bytes(raw))


def _name(key: str) -> str:
    """The name of an attempt at its provider, as in the idempotency header of a call that is not in a batch."""
    return sha256_hex(key.encode())[:32]


def _unusable(body: bytes, what: str) -> Failed:
    return Failed(error=f"unusable response: {body[:200].decode(errors='replace')!r} {what}", served=True, again=True)


def _lines(content: bytes) -> Iterator[Mapping[str, Any]]:
    for line in content.split(b"\n"):
        if found := _object(line):
            yield found


def _object(data: bytes) -> dict[str, Any]:
    """The JSON object that these bytes are; an empty one for any others."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _words(batch: Mapping[str, Any]) -> str:
    errors = member(batch, "errors", "data")
    told = [
        text_at(error, "message") or text_at(error, "code") for error in (errors if isinstance(errors, list) else [])
    ]
    return "; ".join(filter(None, told)) or "no reason given"


def _pending(row: sa.Row[Any]) -> PendingBatch:
    return PendingBatch(**{name: getattr(row, name) for name in PendingBatch.__slots__})


def _left(call: PendingBatch, status: int, failed: Failed) -> Collected:
    return _collected(call, "unclear" if status else "unreachable", failed.error)


def _collected(call: PendingBatch, state: State, detail: str) -> Collected:
    return Collected(
        reservation=call.reservation,
        artifact=call.artifact,
        batch_id=call.batch_id,
        state=state,
        detail=detail,
    )
