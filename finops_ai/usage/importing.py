"""Importing usage logs: each file is read, priced, compared with what is kept, and counts as a whole or not at all.

Belongs here: the frame around adapters and the lake, quarantine, what is told of an import. Does not: formats (`adapters`),
files of events (`lake`). All files of one call begin to count in one transaction, after all of them were read.
"""

import json
import os
import shutil
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from hashlib import file_digest
from pathlib import Path
from tempfile import mkdtemp
from typing import IO, Any

import sqlalchemy as sa

from finops_ai.store import Database, canonical_json, insert_once, sha256_hex, tables, utc_now
from finops_ai.usage import lake
from finops_ai.usage.adapters import Adapter, adapter, check_options
from finops_ai.usage.model import UsageEvent
from finops_ai.usage.own import SOURCE
from finops_ai.usage.prices import check_declared, settled
from finops_ai.usage.reading import Item, LogFile, Note, NotTheFormat, Options, Rejected, UsageError, raw_text

LOCK = "usage import"
ROWS_PER_STEP = 5_000

Progress = Callable[[Path, int, int], None]  # file, bytes read, bytes in all


class ImportRefused(UsageError):
    """A file that is missing, not of its format, or half a file. Nothing of the call was kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What came of one file."""

    file: str
    format: str
    file_sha256: str
    already: bool  # it was imported in this way before: the counts are those of then, and nothing was added
    rows: int  # that became an event or were rejected; notes are not counted
    events: int  # new, and now kept
    duplicates: int  # kept before, with the same figures
    quarantined: int  # bad rows, and ids that are kept with other figures
    days: int
    quarantine: str = ""  # the file that holds them
    bases: dict[str, int] = field(default_factory=dict)  # of the new events: reported, declared, book, none
    unpriced: dict[str, int] = field(default_factory=dict)  # of those without a price: model → events
    notes: dict[str, int] = field(default_factory=dict)  # what else to know → rows

    def as_dict(self) -> dict[str, Any]:
        """For --json: exact integers."""
        return asdict(self)


@dataclass(slots=True, kw_only=True)
class _Reading:
    """One file while it is imported."""

    path: Path
    format: str
    sha256: str
    key: str  # names its parts and its quarantine
    options_sha256: str
    staging: lake.Staging
    rejected: int = 0
    first: Rejected | None = None
    notes: Counter[str] = field(default_factory=Counter)


def import_files(
    database: Database,
    home: Path,
    files: Sequence[Path],
    *,
    format: str,  # noqa: A002 - the word that people use for it
    options: Options | None = None,
    progress: Progress | None = None,
) -> list[Imported]:
    """Import all of these files or, by raising, none of them. A bad row goes to quarantine and stops nothing.

    Raises ImportRefused with file, field and reason; UsageError for an unknown format or options that cannot hold;
    LockTaken where another process imports.
    """
    wanted = options or Options()
    read = adapter(format)
    check_options(format, wanted)
    check_declared(wanted)
    (home / "usage").mkdir(parents=True, exist_ok=True)
    with database.exclusive(LOCK), _workspace(home) as space:
        begun = [_begin(space / str(number), path, format, wanted) for number, path in enumerate(files)]
        known = {one.key: found for one in begun if (found := _before(database, one)) is not None}
        new = {one.key: one for one in begun if one.key not in known}  # a file that is named twice is read once
        _read_all(list(new.values()), read, wanted, progress)
        done = _keep(database, home, list(new.values()))
        return [known.get(one.key) or done.pop(one.key, None) or _again(database, one) for one in begun]


def keep_events(
    database: Database, home: Path, events: Iterable[UsageEvent], *, name: str, source: str = SOURCE
) -> Imported:
    """Keep events that were read from no file, such as `own_events` of a day, under a name that says what they are.

    Equal events again add nothing. Raises LockTaken where another process imports.
    """
    (home / "usage").mkdir(parents=True, exist_ok=True)
    with database.exclusive(LOCK), _workspace(home) as space:
        staging = lake.Staging(space)
        for event in events:
            staging.add(event)
        one = _identified(staging, Path(name), _sha256(staging.close()), source, Options())
        return _before(database, one) or _keep(database, home, [one])[one.key]


@contextmanager
def _workspace(home: Path) -> Iterator[Path]:
    """A folder of its own; what a crash left in another is cleared, since nobody else works here."""
    staging = home / "usage" / "staging"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    folder = Path(mkdtemp(dir=staging))
    try:
        yield folder
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _begin(space: Path, path: Path, name: str, options: Options) -> _Reading:
    try:
        digest = _sha256(path)
    except OSError as error:
        raise ImportRefused([{"file": str(path), "reason": error.strerror or str(error)}]) from None
    return _identified(lake.Staging(space), path, digest, name, options)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()


def _identified(staging: lake.Staging, path: Path, digest: str, name: str, options: Options) -> _Reading:
    key = sha256_hex(canonical_json([digest, name, options.sha256]))[:32]
    return _Reading(path=path, format=name, sha256=digest, key=key, options_sha256=options.sha256, staging=staging)


def _read_all(readings: Sequence[_Reading], read: Adapter, options: Options, progress: Progress | None) -> None:
    """Every file is looked at, so that all that is wrong is told at once."""
    problems = [problem for one in readings if (problem := _read_one(one, read, options, progress))]
    if problems:
        raise ImportRefused(problems)


def _read_one(one: _Reading, read: Adapter, options: Options, progress: Progress | None) -> dict[str, Any] | None:
    try:
        log = LogFile(one.path)
        with _quarantine_file(one).open("w", encoding="utf-8") as bad:
            for number, item in enumerate(read(log, options), start=1):
                _take(one, item, options, bad)
                if progress and number % ROWS_PER_STEP == 0:
                    progress(one.path, log.bytes_read, log.bytes_total)
        if progress:
            progress(one.path, log.bytes_total, log.bytes_total)
        return _misfit(one)
    except NotTheFormat as error:
        return {
            "file": str(one.path),
            "field": error.field,
            "reason": f"not of the format {one.format}: {error.reason}",
        }
    except (OSError, EOFError, zlib.error) as error:
        return {"file": str(one.path), "reason": f"cannot be read: {error}"}
    except UsageError as error:  # options that this format needs
        raise ImportRefused([{"file": str(one.path)} | problem for problem in error.problems]) from None
    finally:
        one.staging.close()


def _take(one: _Reading, item: Item, options: Options, bad: IO[str]) -> None:
    match item:
        case UsageEvent():
            one.staging.add(settled(item, options))
        case Rejected():
            one.rejected += 1
            one.first = one.first or item
            _refuse(one.path, bad, item)
        case Note():
            one.notes[item.text] += 1


def _misfit(one: _Reading) -> dict[str, Any] | None:
    """Rows, and not one that can be read: most likely another format. A file that changed under us is not the one that we name."""
    if one.first and not one.staging.count and not one.notes:
        reason = f"none of its {one.rejected} rows can be read as {one.format}: {one.first.reason}"
        return {"file": str(one.path), "line": one.first.line, "field": one.first.field, "reason": reason}
    if _sha256(one.path) != one.sha256:
        return {"file": str(one.path), "reason": "it changed while it was read; import it when it is complete"}
    return None


def _keep(database: Database, home: Path, readings: Sequence[_Reading]) -> dict[str, Imported]:
    """Write what is new of each file, then let all of it count at once."""
    with database.read() as connection:
        kept = lake.paths(connection, home)
    done: dict[str, tuple[Imported, lake.Sorted]] = {}
    for one in readings:
        with _quarantine_file(one).open("a", encoding="utf-8") as bad:
            refuse = partial(_refuse, one.path, bad)
            found = one.staging.sort(kept, into=lake.folder_of(home), name=one.key, refuse=refuse)
            bad.flush()
            os.fsync(bad.fileno())
        kept += [lake.folder_of(home) / part.path for part in found.parts]
        bad_rows = one.rejected + found.conflicts
        done[one.key] = (_told(one, found, _keep_quarantine(home, one) if bad_rows else ""), found)
    with database.write() as tx:
        for one in readings:
            _register(tx, one, *done[one.key])
    return {key: told for key, (told, _) in done.items()}


def _told(one: _Reading, found: lake.Sorted, quarantine: str) -> Imported:
    return Imported(
        file=str(one.path),
        format=one.format,
        file_sha256=one.sha256,
        already=False,
        rows=one.staging.count + one.rejected,
        events=found.events,
        duplicates=found.duplicates,
        quarantined=one.rejected + found.conflicts,
        days=len(found.parts),
        quarantine=quarantine,
        bases=found.bases,
        unpriced=found.unpriced,
        notes=dict(one.notes),
    )


def _register(tx: sa.Connection, one: _Reading, told: Imported, found: lake.Sorted) -> None:
    insert_once(
        tx,
        tables.usage_import,
        file_sha256=one.sha256,
        format=one.format,
        options_sha256=one.options_sha256,
        name=raw_text(one.path.name),
        rows=told.rows,
        events=told.events,
        duplicates=told.duplicates,
        quarantined=told.quarantined,
        parts=[asdict(part) for part in found.parts],
        at=utc_now(),
    )


def _before(database: Database, one: _Reading) -> Imported | None:
    """The same bytes, read in the same way."""
    table = tables.usage_import
    mine = sa.select(table).where(table.c.file_sha256 == one.sha256, table.c.format == one.format)
    with database.read() as connection:
        row = connection.execute(mine.where(table.c.options_sha256 == one.options_sha256)).one_or_none()
    if row is None:
        return None
    counts = {name: getattr(row, name) for name in ("rows", "events", "duplicates", "quarantined")}
    return Imported(
        file=str(one.path), format=one.format, file_sha256=one.sha256, already=True, days=len(row.parts), **counts
    )


def _again(database: Database, one: _Reading) -> Imported:
    found = _before(database, one)
    assert found, "it was registered by the first of its name"
    return found


# --- quarantine -----------------------------------------------------------------------------------------------------------


def _quarantine_file(one: _Reading) -> Path:
    return one.staging.folder / "quarantine.jsonl"


def _refuse(path: Path, bad: IO[str], row: Rejected) -> None:
    bad.write(json.dumps({"file": raw_text(str(path))} | asdict(row), ensure_ascii=False) + "\n")


def _keep_quarantine(home: Path, one: _Reading) -> str:
    """Bad rows and conflicts of one import in one file, which is there before the import counts."""
    target = home / "usage" / "quarantine" / f"{one.key}.jsonl"
    target.parent.mkdir(parents=True, exist_ok=True)
    _quarantine_file(one).replace(target)
    return str(target)
