"""What does the FOCUS export of a large month cost, beside DuckDB's bare COPY of the same rows? Run by `python -m bench.exports`.

Belongs here: a month of charges made up for it, the paired rounds, the report. Does not: the export (`finops_ai.finance`).

Each measurement is a process of its own, whose peak memory is its own. A round is one export and one bare COPY of the rows that
an export gave, in turn first; the ratio is formed within the round, while seconds depend on the machine and on what else it does.
The export reads the ledger, groups, prices and compares; the bare COPY has its rows ready in a table.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.machine import machine, versions
from bench.money_ground import spread
from finops_ai.settings import Settings
from finops_ai.store import Database, open_database, tables

PACKAGES = ("duckdb", "SQLAlchemy")
MONTH = "2026-11"
RATIO_MAX = 3.0
ROWS_AT_ONCE = 20_000
CHARGES_PER_ARTIFACT = 40
FORMS = ("csv", "parquet")
BARE_MEMORY_MAX = "4GB"  # 1 GB is not enough for it
PRICE: dict[str, Any] = {
    "input_nano_usd": 250_000_000, "cached_input_nano_usd": 25_000_000, "output_nano_usd": 2_000_000_000,
    "cache_write_input_nano_usd": None, "source": "genai-prices", "version": "0.2.3", "above": [], "level": "standard",
}  # fmt: skip
RATE = {
    "rate_nano_usd": 100_000_000,
    "per": 3_600_000_000,
    "unit": "compute_us",
    "source": "policy",
    "version": "0" * 12,
}

Figures = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, then print a report, or with --json the figures."""
    options = _options(arguments)
    if options.one:
        print(json.dumps(_one(*options.one)))
        return
    given = sys.argv[1:] if arguments is None else arguments
    report: Figures = {
        "command": " ".join(["python -m bench.exports", *given]),
        "machine": machine(),
        "versions": versions(PACKAGES),
        "charges": options.charges,
    }
    with tempfile.TemporaryDirectory(prefix="finops-exports-") as name:
        folder = Path(name)
        _told(f"making {options.charges} charges …")
        make_charges(open_database(Settings(home=folder, user="bench")), options.charges)
        for form in FORMS:
            report[form] = _rounds(folder, form, options.rounds)
    print(json.dumps(report, indent=2) if options.json else "\n".join(_lines(report)))


def make_charges(database: Database, count: int) -> None:
    """Spend entries that come to so many charges: for every nine of a call's meters one of compute."""
    with database.write() as tx:
        page: list[Figures] = []
        for row in _entries(count):
            page.append(row)
            if len(page) == ROWS_AT_ONCE:
                tx.execute(tables.entry.insert(), page)
                page.clear()
        if page:
            tx.execute(tables.entry.insert(), page)


def _entries(count: int) -> Iterator[Figures]:
    meters = ("input_tokens", "cached_input_tokens", "output_tokens")
    for number in range(count):
        artifact = f"artifact-{number // CHARGES_PER_ARTIFACT:06d}"
        within = number % CHARGES_PER_ARTIFACT
        at = f"{MONTH}-{1 + within // 10 + 5 * (number // CHARGES_PER_ARTIFACT % 6):02d}T12:00:00.000000Z"
        common = {
            "at": at, "month": MONTH, "artifact": artifact, "step": "draft", "cost_centre": f"cc-{number % 7}", "workload": "w",
            "estimated": False, "overrun": False, "policy_sha256": "p" * 64, "run_id": "r",
        }  # fmt: skip
        if within % 10 == 9:
            yield common | _amount(
                "compute", "compute_us", 1_234_567 + number % 1_000, RATE, rate=100_000_000, per=RATE["per"]
            )
        else:
            meter = meters[within % 3]
            rate = PRICE[f"{meter.removesuffix('_tokens')}_nano_usd"]
            yield common | _amount(
                "call", meter, 100 + number % 2_000, PRICE, rate=rate, per=1_000_000, loop=within % 10 // 3
            )


def _amount(kind: str, unit: str, quantity: int, price: Figures, *, rate: Any, per: Any, loop: int = 0) -> Figures:
    call = kind == "call"
    return {
        "kind": kind, "unit": unit, "quantity": quantity, "price": price, "loop": loop,
        "amount_nano_usd": (2 * quantity * rate + per) // (2 * per), "debit": "spend/bench",
        "credit": "provider/api.openai.com" if call else f"provider/{kind}", "tier": "economy" if call else None,
        "model": "gpt-5-mini" if call else None,
    }  # fmt: skip


def _rounds(folder: Path, form: str, rounds: int) -> Figures:
    rows = folder / f"rows.{form}.parquet"
    _measured("export", folder, rows)
    measured: dict[str, list[Figures]] = {"export": [], "copy": []}
    for number in range(rounds):
        for what in sorted(measured, reverse=bool(number % 2)):
            _told(f"{form}, round {number + 1} of {rounds}: {what} …")
            source = folder if what == "export" else rows
            measured[what].append(_measured(what, source, folder / f"out.{form}"))
    figures: Figures = {}
    for what, found in measured.items():
        for name in ("seconds", "cpu seconds", "peak MB"):
            figures[f"{what}, {name}"] = spread([one[name] for one in found])
    for name in ("seconds", "cpu seconds"):
        pairs = zip(measured["export"], measured["copy"], strict=True)
        figures[f"ratio of {name}"] = spread([export[name] / copy[name] for export, copy in pairs])
    return figures | {"rows": measured["export"][0]["rows"], "file MB": measured["export"][0]["file MB"]}


def _measured(what: str, source: Path, out: Path) -> Figures:
    command = [sys.executable, "-m", "bench.exports", "--one", what, str(source), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: Figures = json.loads(done.stdout.splitlines()[-1])
    return found


def _one(what: str, source: str, out: str) -> Figures:
    """In a process of its own."""
    import duckdb

    if what == "export":
        from finops_ai.finance import export_focus

        database = open_database(Settings(home=Path(source), user="bench"))
        with _counting() as figures:
            figures["rows"] = export_focus(database, month=MONTH, out=Path(out)).rows
    else:
        with tempfile.TemporaryDirectory(dir=Path(out).parent) as folder:
            config = {"memory_limit": BARE_MEMORY_MAX, "threads": 2, "temp_directory": folder}
            engine = duckdb.connect(f"{folder}/rows.duckdb", config=config)  # type: ignore[arg-type]  # takes numbers too
            engine.execute("CREATE TABLE rows AS FROM read_parquet(?)", [source])
            with _counting() as figures:
                engine.execute(f"COPY rows TO '{out}' (FORMAT {Path(out).suffix[1:]})")
            engine.close()
    figures["file MB"] = Path(out).stat().st_size / 1e6
    return figures


@contextmanager
def _counting() -> Iterator[Figures]:
    figures: Figures = {}
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    yield figures
    figures["seconds"], figures["cpu seconds"] = time.perf_counter() - wall_s, time.process_time() - cpu_s
    figures["peak MB"] = (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    )  # making the bare COPY's table is in it


def _lines(report: Figures) -> Iterator[str]:
    yield report["command"]
    yield from (f"  {name}: {value}" for part in ("machine", "versions") for name, value in report[part].items())
    for form in FORMS:
        found = report[form]
        yield f"{form}: {report['charges']} charges, {found['rows']} rows, {found['file MB']:.0f} MB"
        for name, value in found.items():
            if isinstance(value, dict):
                yield f"  {name}: " + ", ".join(f"{key} {number:.2f}" for key, number in value.items())
        ratio = found["ratio of seconds"]["median"]
        yield f"  aim: ratio of seconds ≤ {RATIO_MAX:g}: {'met' if ratio <= RATIO_MAX else 'NOT MET'} ({ratio:.2f})"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.exports", description=__doc__)
    parser.add_argument("--charges", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def _told(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
