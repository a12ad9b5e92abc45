"""Logs that arrive by themselves: files dropped into `usage/inbox/<format>/` are imported once.

Belongs here: which files are due, the options beside them, where they go afterwards. Does not: when it is looked at (whoever
schedules it). A file that is taken moves to `accepted`, one that is not to `refused`, with a text beside it that says why.
Write a file under a name that begins with a dot, and rename it when it is complete.

    workload: support-bot            # options.yaml: all keys may be left out
    price_as: gpt-4o                 # or rates: {input_usd_per_mtok: 3, cached_input_usd_per_mtok: 0.3, output_usd_per_mtok: 15}
    start: 2026-11-01T00:00:00Z
    mapping: {columns: {started_at: when}}
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from finops_ai.pricing import Price, own_price
from finops_ai.store import Database
from finops_ai.usage.importing import Imported, import_files
from finops_ai.usage.lake import LakeFailed
from finops_ai.usage.reading import Options, UsageError

OPTIONS = "options.yaml"
FILES_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One file of the inbox, and what came of it: `imported`, or the reason why it was refused."""

    file: str
    format: str
    imported: Imported | None = None
    refused: str = ""


class _Rates(BaseModel):
    model_config = ConfigDict(extra="forbid")
    input_usd_per_mtok: Decimal = Field(ge=0)
    output_usd_per_mtok: Decimal = Field(ge=0)
    cached_input_usd_per_mtok: Decimal | None = Field(default=None, ge=0)
    cache_write_usd_per_mtok: Decimal | None = Field(default=None, ge=0)


class _Stated(BaseModel):
    model_config = ConfigDict(extra="forbid")
    workload: str = ""
    price_as: str = ""
    rates: _Rates | None = None
    start: datetime | None = None
    mapping: dict[str, Any] = Field(default_factory=dict)


def folder_of(home: Path) -> Path:
    """A folder for each format."""
    return home / "usage" / "inbox"


def import_inbox(database: Database, home: Path, *, files_max: int = FILES_MAX) -> list[Arrival]:
    """At most `files_max` files, by name; the rest waits. A file stays where it is, too, where not it is the reason:

    Raises LockTaken while another process imports, LakeFailed where the events that are kept cannot be read.
    """
    return [_take(database, home, file) for file, _ in zip(due(home), range(files_max), strict=False)]


def due(home: Path) -> Iterator[Path]:
    """The files that wait, without those that are still being written."""
    for folder in sorted(folder_of(home).glob("*/")):
        for file in sorted(folder.iterdir()):
            if file.is_file() and file.name != OPTIONS and not file.name.startswith("."):
                yield file


def _take(database: Database, home: Path, file: Path) -> Arrival:
    name = file.parent.name
    try:
        options = options_in(file.parent / OPTIONS)
        (imported,) = import_files(database, home, [file], format=name, options=options)
    except LakeFailed:
        raise
    except UsageError as error:
        moved = _move(file, "refused")
        moved.with_name(f"{moved.name}.reason.txt").write_text(f"{error}\n", encoding="utf-8")
        return Arrival(file=str(moved), format=name, refused=str(error))
    return Arrival(file=str(_move(file, "accepted")), format=name, imported=imported)


def _move(file: Path, folder: str) -> Path:
    """Never over a file that lies there: another day's export often has the same name."""
    target = file.parent / folder / file.name
    target.parent.mkdir(exist_ok=True)
    number = 1
    while target.exists():
        number += 1
        target = target.with_name(f"{number}-{file.name}")
    return file.replace(target)


def options_in(file: Path) -> Options:
    """The options in a YAML file, or none where there is no file. Raises UsageError with file, field and reason."""
    import yaml

    if not file.is_file():
        return Options()
    try:
        stated = _Stated.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")) or {})
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError([{"file": str(file), "reason": f"not valid YAML: {error}"}]) from None
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        problems = [{"file": str(file), "field": ".".join(map(str, e["loc"])), "reason": e["msg"]} for e in found]
        raise UsageError(problems) from None
    rates = declared_price(stated.rates.model_dump()) if stated.rates else None
    return Options(
        workload=stated.workload, price_as=stated.price_as, price=rates, start=stated.start, mapping=stated.mapping
    )


def declared_price(rates: Mapping[str, Decimal | None]) -> Price:
    """Rates in US dollars per million tokens, as `own_price` names them. Raises UsageError for one finer than a nano-USD."""
    written = ", ".join(
        f"{name.removesuffix('_usd_per_mtok')} {rate}" for name, rate in rates.items() if rate is not None
    )
    given = {name: rates.get(f"{name}_usd_per_mtok") for name in ("input", "cached_input", "cache_write", "output")}
    try:
        return own_price(
            input_usd_per_mtok=given["input"] or Decimal(0),
            cached_input_usd_per_mtok=given["cached_input"],
            cache_write_usd_per_mtok=given["cache_write"],
            output_usd_per_mtok=given["output"] or Decimal(0),
            version=f"{written} USD per Mtok",
        )
    except ValueError as error:
        raise UsageError([{"field": "rates", "reason": str(error)}]) from None
