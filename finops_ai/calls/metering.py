"""What an attempt cost: the provider's count where it can be believed, else our upper estimate, and it says so.

Belongs here: that decision, and whether the endpoint served what was agreed. Does not: where a body keeps its counts
(`chat`, `responses`), money (`pricing`, `ledger`).
"""

import re
from dataclasses import dataclass
from typing import Any

from finops_ai.calls.estimates import estimated_tokens
from finops_ai.calls.wire import Asked, Reading
from finops_ai.pricing import Usage

TOKENS_MAX = 1_000_000_000  # of one call: a larger count is a mistake, and too many nines for the books
_DATE = re.compile(r"[-@]20\d\d-?\d\d-?\d\d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metered:
    """Tokens of one attempt; `estimated` says that they are ours, or that something else was served than agreed."""

    usage: Usage
    estimated: bool
    detail: str


def metered(reading: Reading, asked: Asked, *, whole: bool, pieces: int = 0, unread: bytes = b"") -> Metered:
    """The cost of what was received. `pieces` of a stream and `unread` bytes of it count where nobody else counted.

    The count of a stream that broke off may be that of its beginning: it is then only a lower bound of the estimate.
    """
    counted = believed(reading)
    notes = _not_as_agreed(reading, asked)
    if counted is not None and whole:
        return Metered(usage=counted, estimated=bool(notes), detail="; ".join(notes))
    written = estimated_tokens(reading.text + reading.beside) + -(-len(unread) // 3)
    usage = Usage(
        input_tokens=max(asked.input_tokens, _count(reading.counts and reading.counts.input_tokens) or 0),
        cached_input_tokens=0,
        output_tokens=max(written, pieces, _count(reading.counts and reading.counts.output_tokens) or 0),
    )
    reason = "no usable count from the provider" if counted is None else "the stream broke off"
    return Metered(usage=usage, estimated=True, detail="; ".join([reason, *notes]))


def believed(reading: Reading) -> Usage | None:
    """The provider's count, or None where it cannot be true: a text of no tokens, a negative number, no number."""
    counts = reading.counts
    if counts is None:
        return None
    read, written = _count(counts.input_tokens), _count(counts.output_tokens)
    cached, cache_write = _count(counts.cached_input_tokens or 0), _count(counts.cache_write_input_tokens or 0)
    if not read or written is None or cached is None or cache_write is None or cached + cache_write > read:
        return None
    if written == 0 and (reading.text or reading.beside):
        return None
    return Usage(
        input_tokens=read, cached_input_tokens=cached, cache_write_input_tokens=cache_write, output_tokens=written
    )


def is_model(answered: str, asked: str) -> bool:
    """Is this the model that was asked: by the same name, a dated one, or one with the provider's name before it?"""
    return any(
        one == asked or (one.startswith(asked) and bool(_DATE.fullmatch(one[len(asked) :])))
        for one, asked in (
            (answered, asked),
            (_after_prefix(answered, asked), asked),
            (answered, _after_prefix(asked, answered)),
        )
    )


def _after_prefix(name: str, other: str) -> str:
    """The name without its provider, where the other is given without one."""
    return name.rpartition("/")[2] if "/" not in other else name


def _not_as_agreed(reading: Reading, asked: Asked) -> list[str]:
    notes = []
    if reading.model and not is_model(reading.model, asked.model):
        notes.append(f"answered by {reading.model}")
    if asked.level == "flex" and reading.level not in ("", "flex"):
        notes.append(f"served at level {reading.level}")
    return notes


def _count(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= TOKENS_MAX:
        return None
    return int(value) if int(value) == value else None
