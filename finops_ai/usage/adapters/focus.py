"""Charges of other vendors as FOCUS, CSV or Parquet.

Belongs here: charges counted in tokens, as usage; all other charges, as lines of a cost report. Does not: our own export
(`finance`). A charge counts one meter: input, cached input, writes to a cache or output, told by its SKU and its description. Where
they do not tell, it is kept as a cost and noted. Amounts are the effective cost, else the billed one, in US dollars; times without
a zone are UTC. Columns: FOCUS 1.0 to 1.4.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from finops_ai.usage.fields import count_of, find, nano_usd, text, time
from finops_ai.usage.model import UsageEvent
from finops_ai.usage.reading import (
    Item,
    LogFile,
    Note,
    NotTheFormat,
    Numbered,
    Options,
    Rejected,
    Row,
    WrongValue,
    csv_rows,
    judged,
)

NEEDS = ("BilledCost", "BillingCurrency", "ChargeCategory", "ChargePeriodStart", "ChargePeriodEnd")
UNKNOWN_METER = Note("tokens of a meter that its SKU does not name: kept as a cost")
_TOKENS = re.compile(r"(?:(\d[\d,]*)\s*([kKmM])?\s*|([kKmM])\s*)?tokens?", re.IGNORECASE)
_TIMES = {None: 1, "": 1, "k": 1_000, "m": 1_000_000}
_METERS = (  # the first that is found: "cached input" is no plain input
    ("cache_write", re.compile(r"cache[\s_-]*(write|creation)|(write|creation)[\w\s-]*cache", re.IGNORECASE)),
    ("cached", re.compile(r"cache", re.IGNORECASE)),
    ("input", re.compile(r"input|prompt|context", re.IGNORECASE)),
    ("output", re.compile(r"output|completion|generated|response", re.IGNORECASE)),
)
_MODEL_KEYS = ("model", "x_Model", "x_ModelId", "ModelId", "ModelName")
_BATCH_ROWS = 10_000


def read(log: LogFile, options: Options) -> Iterator[Item]:
    """By the file's ending: .parquet, or CSV."""
    ids = Numbered("focus")
    rows = _parquet_rows(log) if log.path.suffix == ".parquet" else csv_rows(log, needs=NEEDS)
    return judged(rows, lambda row: _items(row.values, ids))


def _parquet_rows(log: LogFile) -> Iterator[Row | Rejected]:
    """Every value as the text that a CSV would hold."""
    import duckdb

    try:
        with duckdb.connect() as connection:
            found = connection.execute("SELECT COLUMNS(*)::VARCHAR FROM read_parquet($file)", {"file": str(log.path)})
            names = [column[0] for column in found.description]
            if missing := next((name for name in NEEDS if name not in names), None):
                raise NotTheFormat(missing, "no column of this name")
            line = 0
            while rows := found.fetchmany(_BATCH_ROWS):
                for cells in rows:
                    line += 1
                    yield Row(line=line, values=dict(zip(names, cells, strict=True)))
    except duckdb.Error as error:
        raise NotTheFormat("", f"not a Parquet file: {str(error).splitlines()[0]}") from None


def _items(row: Mapping[str, Any], ids: Numbered) -> list[Item]:
    charge = {name: None if value in ("", "NULL", "null") else value for name, value in row.items()}
    if (currency := text(charge, "BillingCurrency")) != "USD":
        raise WrongValue("BillingCurrency", f"{currency!r}: only US dollars are kept")
    tokens = _token_count(charge) if find(charge, "ChargeCategory") == "Usage" else None
    meter = _meter(charge) if tokens is not None else None
    if tokens is not None and meter is not None:
        return [_event(charge, ids, record="usage", counts=_counts(meter, tokens))]
    event = _event(charge, ids, record="cost", counts={})
    return [event] if tokens is None else [event, UNKNOWN_METER]


def _event(charge: Mapping[str, Any], ids: Numbered, *, record: Any, counts: Mapping[str, Any]) -> UsageEvent:
    field = "EffectiveCost" if find(charge, "EffectiveCost") is not None else "BilledCost"
    if (amount := find(charge, field)) is None:
        raise WrongValue(field, "missing; an amount is expected")
    tags, details = _object(charge, "Tags"), _object(charge, "SkuPriceDetails")
    return UsageEvent(
        event_id=ids.id(*(f"{name}={value}" for name, value in sorted(charge.items()))),
        source="focus",
        record=record,
        started_at=_period(charge, "ChargePeriodStart"),
        ended_at=_period(charge, "ChargePeriodEnd"),
        provider=text(charge, "ServiceProviderName", "ProviderName", "PublisherName"),
        model=_model(charge, details) if record == "usage" else "",
        workload=text(tags, "workload") or text(charge, "SubAccountName", "SubAccountId"),
        operation=text(charge, "ServiceName"),
        level="batch" if "batch" in text(charge, "PricingCategory").lower() else "standard",
        requests=0,
        cost_nano_usd=nano_usd(amount, field),
        price_basis="reported",
        **counts,
    )


def _period(charge: Mapping[str, Any], name: str) -> datetime:
    return time(charge, name, zone=UTC)


def _token_count(charge: Mapping[str, Any]) -> int | None:
    """Consumed tokens, else priced ones; None for a charge that is counted in something else."""
    for kind in ("Consumed", "Pricing"):
        unit = _TOKENS.fullmatch(text(charge, f"{kind}Unit"))
        value = find(charge, f"{kind}Quantity")
        if unit and value is not None:
            name = f"{kind}Quantity"
            try:
                quantity = Decimal(str(value))
            except InvalidOperation:
                raise WrongValue(name, f"{str(value)[:40]!r} is no quantity") from None
            each = int((unit[1] or "1").replace(",", "")) * _TIMES[(unit[2] or unit[3] or "").lower()]
            return count_of(quantity * each, name)
    return None


def _meter(charge: Mapping[str, Any]) -> str | None:
    words = " ".join(text(charge, name) for name in ("SkuMeter", "SkuId", "ChargeDescription", "ResourceName"))
    return next((meter for meter, pattern in _METERS if pattern.search(words)), None)


def _counts(meter: str, tokens: int) -> dict[str, int]:
    if meter == "output":
        return {"output_tokens": tokens}
    part = {"cached": "cached_input_tokens", "cache_write": "cache_write_input_tokens"}.get(meter)
    return {"input_tokens": tokens} | ({part: tokens} if part else {})


def _model(charge: Mapping[str, Any], details: Mapping[str, Any]) -> str:
    return text(details, *_MODEL_KEYS) or text(charge, "x_Model", "x_ModelId") or text(charge, "ResourceName", "SkuId")


def _object(charge: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Tags and details help; what is no object helps nobody, and is no reason to lose a charge."""
    import json

    found = find(charge, name)
    try:
        value = json.loads(found) if isinstance(found, str) else found
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, Mapping) else {}
