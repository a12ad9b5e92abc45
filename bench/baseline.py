"""How fast is the baseline, and what does it cost to write it once for every engine? `python -m bench.baseline`.

Belongs here: the rounds, the comparison with a query written by hand, the report. Does not: the events
(`baseline_events`), one measurement (`baseline_process`).

Every measurement is a fresh process. Within a round both ways follow one another, in every second round the other way
round; a ratio is formed within a round. The files are read once before, so that the disk favours nobody. Exit 1 where the
two ways differ in a row.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.baseline_events import write_events
from bench.baseline_process import WAYS
from bench.machine import machine, versions
from bench.money_ground import spread

ROWS = 14_297_380  # ten times a month of the Azure traces' rate, at which engines were compared before one was chosen
ROWS_PER_S_MIN = 2_000_000
PEAK_MB_MAX = 512
PACKAGES = ("duckdb", "ibis-framework", "sqlglot")

Figures = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print. Exit 1 where the rows of the two ways are not the same."""
    options = _options(arguments)
    report: Figures = {
        "command": " ".join(["python -m bench.baseline", *(sys.argv[1:] if arguments is None else arguments)]),
        "machine": machine(),
        "versions": versions(PACKAGES),
    }
    with tempfile.TemporaryDirectory() as folder:
        data = os.environ.get("FINOPS_AI_DATA")
        files = write_events(Path(folder), rows=options.rows, data=Path(data) if data else None)
        report["rows"] = options.rows
        report["files, MB"] = round(sum(file.stat().st_size for file in files) / 1e6)
        report["tokens"] = "pairs of the Azure traces" if data else "lognormal"
        for file in files:
            file.read_bytes()
        rounds = [_round(Path(folder), number, options.threads) for number in range(options.rounds)]
    report |= summary(rounds, rows=options.rows)
    report["aims"] = {
        f"rows a second, {ROWS_PER_S_MIN:,} or more": report["expression"]["rows/s"]["median"] >= ROWS_PER_S_MIN,
        f"peak memory below {PEAK_MB_MAX} MB": report["expression"]["peak, MB"]["max"] < PEAK_MB_MAX,
    }
    print(json.dumps(report, indent=2) if options.json else _text(report))
    if not report["the same rows"]:
        sys.exit(1)


def summary(rounds: Sequence[Figures], *, rows: int) -> Figures:
    """Both ways over all rounds, and their ratio within each."""
    found: Figures = {
        way: {
            "rows/s": spread([rows / one[way]["seconds"] for one in rounds]),
            "seconds": spread([one[way]["seconds"] for one in rounds]),
            "peak, MB": spread([one[way]["peak_mb"] for one in rounds]),
        }
        for way in WAYS
    }
    ratios = [one["expression"]["seconds"] / one["hand-written"]["seconds"] for one in rounds]
    found["seconds, expression / hand-written"] = spread(ratios)
    found["rounds"] = len(rounds)
    found["groups"] = rounds[0]["expression"]["groups"]
    found["the same rows"] = len({one[way]["sha256"] for one in rounds for way in WAYS}) == 1
    return found


def _round(folder: Path, number: int, threads: int) -> Figures:
    ways = list(WAYS) if number % 2 == 0 else list(reversed(WAYS))
    return {way: _measured(way, folder, threads) for way in ways}


def _measured(way: str, folder: Path, threads: int) -> Figures:
    command = [sys.executable, "-m", "bench.baseline_process", way, str(folder), "--threads", str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    found: Figures = json.loads(done.stdout)
    return found


def _text(report: Figures) -> str:
    lines = [report["command"]]
    lines += [f"  {name}: {value}" for part in ("machine", "versions") for name, value in report[part].items()]
    lines.append(
        f"{report['rows']:,} events ({report['tokens']}) in {report['files, MB']} MB of Parquet, {report['groups']:,} groups, "
        f"{report['rounds']} rounds; median (smallest to largest)"
    )
    for way in WAYS:
        lines += [f"{way}: {name} {_spread(report[way][name])}" for name in ("rows/s", "seconds", "peak, MB")]
    name = "seconds, expression / hand-written"
    lines.append(f"{name}: {_spread(report[name])}")
    lines.append(f"the same rows: {'yes' if report['the same rows'] else 'NO'}")
    lines += [f"aim, {aim}: {'reached' if reached else 'MISSED'}" for aim, reached in report["aims"].items()]
    return "\n".join(lines)


def _spread(values: dict[str, float]) -> str:
    form = ",.0f" if values["median"] >= 100 else ".2f"
    return f"{values['median']:{form}} ({values['min']:{form}} to {values['max']:{form}})"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
