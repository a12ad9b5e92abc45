"""What follows from a provider's report for the calls on the books: pure decisions, and each fails closed.

Belongs here: matching responses and buckets with calls, the division of a total. Does not: reading a report (`reports`),
the books (`applying`).

A call stays in suspense wherever the report can be understood in more than one way. A difference is listed, never booked.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from finops_ai.pricing import Price, Usage, format_usd
from finops_ai.reconciliation.reports import Bucket, Reports, Response, Shape, Tally, tally_of

CALL_SECONDS_MAX = 600  # a call may be billed so long after its reservation
SETTLED_AFTER = timedelta(hours=1)  # providers add to a bucket for minutes after it has ended

State = Literal["open", "suspended", "settled", "not_billed", "released"]

_DATE = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8}|\d{4})$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One reservation as the books have it. `usage` is what stands booked for it, None where nothing does."""

    reservation: str
    artifact: str
    step: str
    loop: int
    provider: str
    model: str
    price: Price
    held_nano_usd: int
    at: datetime
    until: datetime  # it was billed between `at` and then, if it was
    state: State
    usage: Usage | None = None
    estimated: bool = False
    response_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A call leaves suspense: billed at `usage`, or not billed (None)."""

    call: Call
    usage: Usage | None
    estimated: bool
    how: str
    report_sha256s: tuple[str, ...]

    @property
    def cost_nano_usd(self) -> int:
        """What is booked for it."""
        return sum(self.call.price.cost_nano_usd(self.usage).values()) if self.usage else 0

    @property
    def released_nano_usd(self) -> int:
        """What the budgets get back."""
        return max(0, self.call.held_nano_usd - self.cost_nano_usd)


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """An estimate gives way to the provider's count."""

    call: Call
    usage: Usage
    how: str
    report_sha256s: tuple[str, ...]

    @property
    def before_nano_usd(self) -> int:
        """What the estimate was booked at."""
        return sum(self.call.price.cost_nano_usd(self.call.usage).values()) if self.call.usage else 0

    @property
    def cost_nano_usd(self) -> int:
        """What is booked instead."""
        return sum(self.call.price.cost_nano_usd(self.usage).values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A call that stays as it is, and why."""

    call: Call
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The report and the books do not say the same. `start` and `end` are None for a single response."""

    provider: str
    model: str
    start: datetime | None
    end: datetime | None
    report: Tally
    ledger: Tally
    why: str
    response_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What belongs together: the decisions on one window or one response, to be applied all or none."""

    resolved: tuple[Resolved, ...] = ()
    corrected: tuple[Corrected, ...] = ()
    left: tuple[Left, ...] = ()
    differences: tuple[Difference, ...] = ()

    @property
    def changes(self) -> tuple[Resolved | Corrected, ...]:
        """What is to be applied."""
        return (*self.resolved, *self.corrected)


def decide(
    reports: Reports,
    calls: Sequence[Call],
    *,
    providers: Mapping[Shape, frozenset[str]],
    now: datetime,
    settled_after: timedelta = SETTLED_AFTER,
) -> list[Decided]:
    """Responses first, since each speaks of one call; then the buckets, on what the responses leave."""
    decided = [_of_response(response, calls) for response in reports.responses]
    changed = {item.call.reservation: _after(item) for one in decided for item in one.changes}
    current = [changed.get(call.reservation, call) for call in calls]
    for shape, hosts in providers.items():
        buckets = [bucket for bucket in reports.buckets if bucket.shape == shape]
        mine = [call for call in current if call.provider in hosts]
        decided += _of_buckets(buckets, mine, "/".join(sorted(hosts)), now, settled_after)
    return decided


def family(model: str) -> str:
    """The name that dated names share: gpt-5-mini for gpt-5-mini-2025-08-07, and without a provider's name before it."""
    return _DATE.sub("", model.rpartition("/")[2])


def _after(item: Resolved | Corrected) -> Call:
    state: State = "settled" if item.usage else "not_billed"
    return replace(item.call, state=state, usage=item.usage, estimated=False)


# --- single responses ---------------------------------------------------------------------------------------------------


def _of_response(response: Response, calls: Sequence[Call]) -> Decided:
    mine = [call for call in calls if call.response_id == response.id]
    if len(mine) != 1:
        why = "no reservation knows this response" if not mine else f"{len(mine)} reservations have this response"
        return Decided(differences=(_response_difference(response, None, why),))
    call = mine[0]
    if family(call.model) != family(response.model):
        why = f"answered by {response.model}, agreed was {call.model}: its price is not that of the reservation"
        return _unless_settled(response, call, why)
    how, digests = f"response {response.id}", (response.report_sha256,)
    if call.state == "suspended":
        found = Resolved(call=call, usage=response.usage, estimated=False, how=how, report_sha256s=digests)
        return Decided(resolved=(found,))
    if call.state == "settled" and call.estimated:
        return Decided(corrected=(Corrected(call=call, usage=response.usage, how=how, report_sha256s=digests),))
    if call.state == "settled" and call.usage == response.usage:
        return Decided()
    why = {
        "open": "its call has no outcome yet",
        "released": "its call was released as not served",
        "not_billed": "its call left suspense as not billed",
    }.get(call.state, "its call is settled at another count of the provider")
    return Decided(differences=(_response_difference(response, call, why),))


def _unless_settled(response: Response, call: Call, why: str) -> Decided:
    difference = _response_difference(response, call, why)
    waits = call.state == "suspended" or call.estimated
    return Decided(left=(Left(call=call, why=why),) if waits else (), differences=(difference,))


def _response_difference(response: Response, call: Call | None, why: str) -> Difference:
    booked = [call.usage] if call and call.usage else []
    return Difference(
        provider=call.provider if call else "",
        model=response.model,
        start=None,
        end=None,
        report=tally_of([response.usage], requests_counted=True),
        ledger=tally_of(booked, requests_counted=True),
        why=why,
        response_id=response.id,
    )


# --- buckets ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """Adjacent buckets between which no call of this model can have been billed on either side."""

    provider: str
    model: str
    buckets: tuple[Bucket, ...]
    calls: tuple[Call, ...]
    report: Tally
    obstacle: str  # why nothing may be decided here; "" where it may
    unnamed: tuple[str, ...]  # models of this window that the books do not know, where the report never names this one

    @property
    def start(self) -> datetime:
        return self.buckets[0].start

    @property
    def end(self) -> datetime:
        return self.buckets[-1].end

    def of_state(self, state: State) -> list[Call]:
        return [call for call in self.calls if call.state == state]

    @property
    def ledger(self) -> Tally:
        """What is booked for calls of this window, net of reversals."""
        booked = [call.usage for call in self.of_state("settled") if call.usage]
        return tally_of(booked, requests_counted=self.report.requests is not None)


def _of_buckets(
    buckets: Sequence[Bucket], calls: Sequence[Call], provider: str, now: datetime, settled_after: timedelta
) -> Iterator[Decided]:
    billable: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        if call.state in ("open", "suspended", "settled"):
            billable[family(call.model)].append(call)
    named = {family(model) for bucket in buckets for model in bucket.by_model}
    for model in sorted(named | set(billable)):
        mine = billable.get(model, [])
        for run, edges in _runs(buckets, mine):
            inside = tuple(_within(run, mine))
            if inside or any(model in map(family, bucket.by_model) for bucket in run):
                foreign = {name for bucket in run for name in bucket.by_model if family(name) not in billable}
                fresh = run[-1].end > min(now, *(bucket.fetched_at for bucket in run)) - settled_after
                window = _Window(
                    provider=provider,
                    model=model,
                    buckets=tuple(run),
                    calls=inside,
                    report=_reported(run, model),
                    obstacle=_obstacle(inside, edges=edges, fresh=fresh),
                    unnamed=() if model in named else tuple(sorted(foreign)),
                )
                yield _of_window(window)


def _runs(buckets: Sequence[Bucket], calls: Sequence[Call]) -> Iterator[tuple[list[Bucket], bool]]:
    """Buckets that must be read together; and does a call reach over the edge of what is reported?"""
    if not buckets:
        return
    limits = sorted({limit for bucket in buckets for limit in (bucket.start, bucket.end)})
    crossed: set[datetime] = set()
    for call in calls:
        crossed.update(limits[bisect_right(limits, call.at) : bisect_right(limits, call.until)])
    run = [buckets[0]]
    for before, after in pairwise(buckets):
        if before.end == after.start and after.start in crossed:
            run.append(after)
        else:
            yield run, bool({run[0].start, run[-1].end} & crossed)
            run = [after]
    yield run, bool({run[0].start, run[-1].end} & crossed)


def _within(run: Sequence[Bucket], calls: Iterable[Call]) -> list[Call]:
    return [call for call in calls if run[0].start <= call.at < run[-1].end]


def _reported(run: Sequence[Bucket], model: str) -> Tally:
    total = Tally(requests=0 if run[0].requests_counted else None)
    for bucket in run:
        for name, tally in bucket.by_model.items():
            if family(name) == model:
                total = total.combined(tally)
    return total


def _obstacle(calls: Sequence[Call], *, edges: bool, fresh: bool) -> str:
    if fresh:
        return "the report was fetched too soon after the end of this bucket: it may still grow"
    if edges:
        return "a call may have been billed beyond the edge of the report: fetch the bucket beside it as well"
    if any(call.state == "open" for call in calls):
        return "a call of this bucket has no outcome yet"
    if any(call.state == "suspended" for call in calls) and any(call.estimated for call in calls):
        return "a settled call of this bucket is an estimate: correct it by its response first"
    return ""


def _of_window(window: _Window) -> Decided:
    suspended = window.of_state("suspended")
    gap = window.report.combined(window.ledger, -1)
    if not suspended:
        same = not any(gap.tokens) and not gap.requests
        return Decided() if same else Decided(differences=(_difference(window, window.obstacle or "not in the books"),))
    if why := window.obstacle:
        return _left(window, suspended, gap, why)
    if not any(gap.tokens) and (gap.requests or 0) >= 0:
        return _none_billed(window, suspended, gap)
    if why := _unexplained(gap, suspended):
        return _left(window, suspended, gap, why)
    assert gap.usage is not None
    return _billed(window, suspended, gap.usage)


def _none_billed(window: _Window, suspended: Sequence[Call], gap: Tally) -> Decided:
    if window.unnamed:
        why = f"the report never names this model, and {', '.join(window.unnamed)} may be another name of it"
        return _left(window, suspended, gap, why)
    how = f"{gap.requests} requests without a token" if gap.requests else "the report has no more than is booked"
    return _resolved(window, [(call, None) for call in suspended], f"not billed: {how}", estimated=False)


def _billed(window: _Window, suspended: Sequence[Call], usage: Usage) -> Decided:
    if len(suspended) == 1:
        return _resolved(window, [(suspended[0], usage)], "billed: the rest of the report", estimated=False)
    how = f"billed: the rest of the report, divided over {len(suspended)} calls by what they held"
    return _resolved(window, divided(usage, suspended), how, estimated=True)


def _unexplained(gap: Tally, suspended: Sequence[Call]) -> str:
    """Why the gap is not that of all these calls; "" where it is."""
    count = len(suspended)
    if gap.requests is None and count > 1:
        return f"the report counts no requests, so it may be any of {count} calls"
    if gap.requests == 0:
        return "the report has tokens beyond the books, and no request beyond them"
    if gap.requests is not None and 0 < gap.requests < count:
        return f"{gap.requests} of {count} calls were billed, and the report does not say which"
    if (gap.requests is not None and gap.requests < 0) or gap.usage is None:
        return "the report has less than is booked"
    if gap.requests is not None and gap.requests > count:
        return f"{gap.requests} requests more than are booked for {count} calls: others use this account"
    cost = sum(sum(call.price.cost_nano_usd(part).values()) for call, part in divided(gap.usage, suspended))
    if cost > (held := sum(call.held_nano_usd for call in suspended)):
        return f"the rest of the report costs {format_usd(cost)} USD, and only {format_usd(held)} USD were held"
    return ""


def divided(usage: Usage, calls: Sequence[Call]) -> list[tuple[Call, Usage]]:
    """A total over calls, in proportion to what they held: whole tokens, and every meter adds up exactly."""
    weights = [call.held_nano_usd for call in calls]
    if not any(weights):
        weights = [1] * len(calls)
    parts = {meter: _shares(tokens, weights) for meter, tokens in usage.meters().items()}
    return [
        (
            call,
            Usage(
                input_tokens=sum(parts[meter][number] for meter in parts if meter != "output_tokens"),
                cached_input_tokens=parts["cached_input_tokens"][number],
                cache_write_input_tokens=parts["cache_write_input_tokens"][number],
                output_tokens=parts["output_tokens"][number],
            ),
        )
        for number, call in enumerate(calls)
    ]


def _shares(total: int, weights: Sequence[int]) -> list[int]:
    """Cut where the running sum of the weights stands: the pieces differ from the exact share by less than one."""
    whole, running = sum(weights), 0
    cuts = [0]
    for weight in weights:
        running += weight
        cuts.append(total * running // whole)
    return [after - before for before, after in pairwise(cuts)]


def _resolved(window: _Window, pairs: Iterable[tuple[Call, Usage | None]], how: str, *, estimated: bool) -> Decided:
    digests = tuple(dict.fromkeys(bucket.report_sha256 for bucket in window.buckets))
    said = f"{how}; {window.model} from {window.start.isoformat()} to {window.end.isoformat()}"
    return Decided(
        resolved=tuple(
            Resolved(call=call, usage=usage, estimated=estimated, how=said, report_sha256s=digests)
            for call, usage in pairs
        )
    )


def _left(window: _Window, suspended: Sequence[Call], gap: Tally, why: str) -> Decided:
    differs = any(gap.tokens) or bool(gap.requests)
    return Decided(
        left=tuple(Left(call=call, why=why) for call in suspended),
        differences=(_difference(window, why),) if differs else (),
    )


def _difference(window: _Window, why: str) -> Difference:
    return Difference(
        provider=window.provider,
        model=window.model,
        start=window.start,
        end=window.end,
        report=window.report,
        ledger=window.ledger,
        why=why,
    )
