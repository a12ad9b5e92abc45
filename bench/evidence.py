"""How far can the evidence be trusted? Run by `python -m bench.evidence`, or `make bench-evidence`.

Belongs here: the sections, their aims and the report. Does not: the checks (`claim_checks`, `injection_checks`,
`real_sources`, `extraction_speed`). `--wice` and `--summedits` take any files of the same schema.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bench import claim_checks, extraction_speed, injection_checks, real_sources
from bench.machine import machine, versions

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGES = ("trafilatura", "lxml", "pypdf", "nupunkt")
FEWER_MIN = 1 / 3
POINTS_LOST_MAX = 5.0

Figures = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, then print a report, or with --json the figures. Exit 2 where a file is missing."""
    options = _options(arguments)
    report: Figures = {
        "command": "python -m bench.evidence " + " ".join(sys.argv[1:] if arguments is None else arguments),
        "machine": machine(),
        "versions": versions(PACKAGES),
        "files": {name: str(path) for name, path in _files(options).items()},
    }
    for name, measure in _sections(options).items():
        print(f"{name} …", file=sys.stderr, flush=True)
        started = time.perf_counter()
        report[name] = measure()
        report[name]["seconds"] = round(time.perf_counter() - started, 1)
    report["aims"] = list(aims(report))
    print(json.dumps(report, indent=2) if options.json else "\n".join(_lines(report)))


def aims(report: Figures) -> Iterator[Figures]:
    """Each figure that was aimed at, as far as it was measured."""
    wice, veto, pairs = (report.get(name) for name in ("wice", "veto", "contradictions"))
    if wice:
        yield _aim("WiCE: false confirmations offline", wice["false confirmations offline"], at_most=0)
        yield _aim("WiCE: coverage of supported claims", wice["coverage"], at_least=0.8)
    if summedits := report.get("summedits"):
        yield _aim("SummEdits: corrupted sentences confirmed offline", summedits["confirmed offline"], at_most=0)
    if veto:
        yield _aim("veto: fewer false confirmations of a model", veto["fewer"], at_least=FEWER_MIN)
        yield _aim(
            "veto: points of balanced accuracy lost", veto["points of balanced accuracy lost"], at_most=POINTS_LOST_MAX
        )
    if pairs:
        yield _aim("contradictions: found", pairs["found"], at_least=0.95)
        yield _aim(
            "contradictions: false alarms, same value in another form", pairs["false alarms among them"], at_most=0.02
        )
        yield _aim(
            "contradictions: false alarms, real sentences", pairs["false alarms among real sentences"], at_most=0.02
        )
    if attacks := report.get("injections"):
        yield _aim("injections: reached a prompt as a fact", attacks["reached a prompt as a fact"], at_most=0)
        yield _aim("injections: flagged", attacks["flagged"], at_least=0.9)
    if real := report.get("real sources"):
        yield _aim("real sources: offsets that resolve", real["offsets that resolve"], at_least=1.0)
    if speed := report.get("speed"):
        yield _aim("speed: pages/s against trafilatura alone, median", speed["ratio_median"], at_least=0.7)


def _aim(name: str, found: float, *, at_least: float | None = None, at_most: float | None = None) -> Figures:
    holds = found >= at_least if at_least is not None else found <= (at_most or 0)
    return {
        "figure": name,
        "found": found,
        "aim": f"≥ {at_least}" if at_least is not None else f"≤ {at_most}",
        "holds": holds,
    }


def _sections(options: argparse.Namespace) -> dict[str, Callable[[], Figures]]:
    wice = claim_checks.load_wice(options.wice)
    summedits = claim_checks.load_summedits(options.summedits)
    documents = ["\n\n".join(claim.article) for claim in wice] + [row["doc"] for row in summedits]
    sections: dict[str, Callable[[], Figures]] = {
        "wice": lambda: claim_checks.on_wice(wice),
        "veto": lambda: claim_checks.with_a_model(wice),
        "summedits": lambda: claim_checks.on_summedits(summedits),
        "contradictions": lambda: claim_checks.contradictions(list(dict.fromkeys(documents)), pairs=options.pairs),
        "injections": injection_checks.on_injections,
        "injections, held-out half": lambda: injection_checks.on_injections(lambda case: case.set == "held_out"),
        "look-alikes": injection_checks.on_look_alikes,
        "real sources": lambda: real_sources.on_real_sources(options.sources),
        "speed": lambda: extraction_speed.measure(pages=options.pages),
    }
    return {name: sections[name] for name in options.only or sections}


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    data = Path(os.environ.get("FINOPS_AI_DATA") or REPOSITORY.parent / "shared" / "data")
    parser = argparse.ArgumentParser(
        prog="python -m bench.evidence", description="Evidence, measured on labelled data."
    )
    parser.add_argument("--wice", type=Path, default=data / "claims/wice/claim_dev.jsonl", help="claims with articles")
    parser.add_argument("--summedits", type=Path, default=data / "claims/summedits/summedits_news.json")
    parser.add_argument("--sources", type=Path, default=data / "sources", help="folder of real HTML, PDF and Markdown")
    parser.add_argument("--pages", type=int, default=1000, help="of HTML, for the speed")
    parser.add_argument("--pairs", type=int, default=2000, help="of sentences, for the contradictions")
    parser.add_argument(
        "--only", action="append", metavar="SECTION", help="measure this section alone; may be repeated"
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    if missing := [f"{name}: no {path}" for name, path in _files(options).items() if not path.exists()]:
        parser.error("; ".join(missing) + " (FINOPS_AI_DATA names the data folder)")
    return options


def _files(options: argparse.Namespace) -> dict[str, Path]:
    return {name: getattr(options, name) for name in ("wice", "summedits", "sources")}


def _lines(report: Figures) -> Iterator[str]:
    yield f"$ {report['command']}"
    yield ", ".join(f"{name} {value}" for name, value in {**report["machine"], **report["versions"]}.items())
    for name, figures in report.items():
        if isinstance(figures, dict) and name not in {"machine", "versions", "files"}:
            yield f"\n{name}"
            yield from (f"  {figure}: {_shown(value)}" for figure, value in figures.items())
    yield "\naims"
    for aim in report["aims"]:
        yield f"  {'✔' if aim['holds'] else '✘'} {aim['figure']}: {_shown(aim['found'])} (aim {aim['aim']})"


def _shown(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
