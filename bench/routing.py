"""Does routing close the gap between a cheap and a premium model? Run by `python -m bench.routing`.

Belongs here: the protocol (fit on one half, score the other, swap), the aims and the report. Does not: loading
(`routing_outcomes`), what a router looks at (`routing_checks`, `routing_prompts`), fitting (`routing_models`), scoring
(`routing_scores`). Any files of the same schema work.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.machine import machine, versions
from bench.routing_checks import lengths
from bench.routing_models import AnswerChecks, Router, TaskTypes, halves, hashed
from bench.routing_outcomes import Benchmark, Questions, Rows, UnusableFile, Vector, load_gsm8k, load_mmlu
from bench.routing_scores import (
    CALL_PRICE_RATIO,
    COST_SHARE_MAX,
    apgr_interval,
    cascade,
    escalations,
    random_expected,
    scored,
    threshold_for,
)

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGES = ("numpy", "pandas")
SEED = 0  # first, not chosen: of the split that the figures are taken on; the others give the spread
INNER_SEED = 1000
APGR_MIN = 0.70
GAP_RECOVERED_MIN = 0.95

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class OneHalf:
    """Rows that were scored by a router fitted on the other half, which also says how scores are spread."""

    rows: Rows
    scores: Vector
    scores_known: Vector  # of the half fitted on, each by a router that was not fitted on it


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, then print a report, or with --json the figures. Exit 2 where a file is missing or unusable."""
    options = _options(arguments)
    report: Figures = {
        "command": " ".join(["python -m bench.routing", *(sys.argv[1:] if arguments is None else arguments)]),
        "machine": machine(),
        "versions": versions(PACKAGES),
        "files": {
            "gsm8k": str(options.gsm8k),
            "mmlu": str(options.mmlu),
            "contaminated": [str(file) for file in options.contaminated],
        },
    }
    try:
        benchmarks = {
            "gsm8k": load_gsm8k(options.gsm8k, options.contaminated),
            "mmlu": load_mmlu(options.mmlu, options.contaminated),
        }
    except UnusableFile as unusable:
        sys.stderr.write(f"error: {unusable} (FINOPS_AI_DATA names the data folder)\n")
        sys.exit(2)
    report |= measured(benchmarks, splits=options.splits)
    report["aims"] = list(aims(report))
    print(json.dumps(report, indent=2) if options.json else "\n".join(_lines(report)))


ROUTERS: dict[str, Callable[[Questions], Router]] = {"gsm8k": AnswerChecks, "mmlu": TaskTypes}


def measured(benchmarks: dict[str, Benchmark], *, splits: int) -> Figures:
    """Every benchmark by its own router, and the cascade over all questions at one threshold."""
    report: Figures = {}
    scored_halves: list[tuple[OneHalf, OneHalf]] = []
    for name, benchmark in benchmarks.items():
        print(f"{name} …", file=sys.stderr, flush=True)
        started = time.perf_counter()
        router = ROUTERS[name](benchmark.questions)
        parts = with_known_spread(router, benchmark)
        report[name] = _of_one(benchmark, parts, router, splits=splits)
        report[name]["seconds"] = round(time.perf_counter() - started, 1)
        scored_halves.append(parts)
    report["pooled_cascade"] = _pooled_cascade(list(benchmarks.values()), scored_halves)
    return report


def scores_out_of_half(router: Router, benchmark: Benchmark, parts: tuple[Rows, Rows]) -> tuple[Vector, Vector]:
    """Of each half in turn, by the router fitted on the other one's outcomes."""
    first, second = parts
    return (
        router.fitted(second, benchmark.weak[second], benchmark.strong[second])(first),
        router.fitted(first, benchmark.weak[first], benchmark.strong[first])(second),
    )


def with_known_spread(router: Router, benchmark: Benchmark) -> tuple[OneHalf, OneHalf]:
    """The scored halves of the first split, each with scores of the half fitted on for fixing a threshold.

    Those come from splitting the half fitted on once more: a router's scores of what it was fitted on are spread too far.
    """
    first, second = halves(benchmark.questions, SEED)
    of_first, of_second = scores_out_of_half(router, benchmark, (first, second))
    within_first, within_second = (_scores_within(router, benchmark, rows) for rows in (first, second))
    return (
        OneHalf(rows=first, scores=of_first, scores_known=within_second),
        OneHalf(rows=second, scores=of_second, scores_known=within_first),
    )


def _scores_within(router: Router, benchmark: Benchmark, rows: Rows) -> Vector:
    questions = Questions(
        prompts=tuple(benchmark.questions.prompts[row] for row in rows),
        subjects=tuple(benchmark.questions.subjects[row] for row in rows),
        cheap_answers=tuple(benchmark.questions.cheap_answers[row] for row in rows),
    )
    one, other = halves(questions, INNER_SEED)
    return np.concatenate(scores_out_of_half(router, benchmark, (rows[one], rows[other])))


def _of_one(benchmark: Benchmark, parts: tuple[OneHalf, OneHalf], router: Router, *, splits: int) -> Figures:
    scores = _together(parts)
    found = [scored(scores, benchmark).apgr]
    for seed in range(SEED + 1, SEED + splits):
        rows = halves(benchmark.questions, seed)
        again = np.empty(len(scores))
        again[rows[0]], again[rows[1]] = scores_out_of_half(router, benchmark, rows)
        found.append(scored(again, benchmark).apgr)
    interval = apgr_interval(scores, benchmark)
    return {
        "questions": len(scores),
        "subjects": len(set(benchmark.questions.subjects)),
        "weak_accuracy": 100 * float(benchmark.weak.mean()),
        "strong_accuracy": 100 * float(benchmark.strong.mean()),
        **asdict(scored(scores, benchmark)),
        "apgr_interval": list(interval) if interval else None,
        "apgr_over_splits": {
            "splits": splits,
            "min": min(found),
            "median": float(np.median(found)),
            "max": max(found),
        },
        "random": asdict(random_expected(benchmark)),
        "prompt_length": asdict(scored(lengths(benchmark.questions), benchmark)),
        "cascade": _cascade(benchmark, parts),
    }


def _together(parts: tuple[OneHalf, OneHalf]) -> Vector:
    scores = np.empty(sum(len(part.rows) for part in parts))
    for part in parts:
        scores[part.rows] = part.scores
    return scores


def _cascade(benchmark: Benchmark, parts: Sequence[OneHalf]) -> Figures:
    """Threshold and budget per half; the figures are over both."""
    arrival = np.array([int.from_bytes(hashed(prompt, SEED)) for prompt in benchmark.questions.prompts], dtype=float)
    escalated = np.empty(len(benchmark.weak))
    for part in parts:
        threshold = threshold_for(part.scores_known)
        escalated[part.rows] = escalations(part.scores, threshold, arrival[part.rows])
    found = asdict(cascade(escalated, benchmark.weak, benchmark.strong))
    dearest = 1 / CALL_PRICE_RATIO + max(float(escalated[part.rows].mean()) for part in parts)
    return {**found, "cost_share_of_the_dearer_half": dearest}


def _pooled_cascade(benchmarks: Sequence[Benchmark], parts: Sequence[tuple[OneHalf, OneHalf]]) -> Figures:
    """One threshold on the expected gain for all questions, so that premium calls go where they repair most."""
    offsets = np.cumsum([0, *(len(benchmark.weak) for benchmark in benchmarks)])
    both = [
        OneHalf(
            rows=np.concatenate([pair[side].rows + offset for pair, offset in zip(parts, offsets, strict=False)]),
            scores=np.concatenate([pair[side].scores for pair in parts]),
            scores_known=np.concatenate([pair[side].scores_known for pair in parts]),
        )
        for side in (0, 1)
    ]
    return _cascade(_all_questions(benchmarks), both)


def _all_questions(benchmarks: Sequence[Benchmark]) -> Benchmark:
    questions = [benchmark.questions for benchmark in benchmarks]
    return Benchmark(
        questions=replace(
            questions[0],
            prompts=tuple(prompt for part in questions for prompt in part.prompts),
            subjects=tuple(subject for part in questions for subject in part.subjects),
            cheap_answers=tuple(answer for part in questions for answer in part.cheap_answers),
        ),
        weak=np.concatenate([benchmark.weak for benchmark in benchmarks]),
        strong=np.concatenate([benchmark.strong for benchmark in benchmarks]),
    )


def aims(report: Figures) -> Iterator[Figures]:
    """Each figure that was aimed at."""
    for name in ROUTERS:
        yield _aim(f"{name}: APGR", report[name]["apgr"], at_least=APGR_MIN)
    for name, figures in [*((name, report[name]["cascade"]) for name in ROUTERS), ("pooled", report["pooled_cascade"])]:
        yield _aim(f"{name}: cascade, share of the gap recovered", figures["gap_recovered"], at_least=GAP_RECOVERED_MIN)
        yield _aim(
            f"{name}: cascade, cost of the dearer half",
            figures["cost_share_of_the_dearer_half"],
            at_most=COST_SHARE_MAX,
        )


def _aim(name: str, found: float, *, at_least: float | None = None, at_most: float = 0.0) -> Figures:
    holds = found >= at_least if at_least is not None else found <= at_most
    aim = f"≥ {at_least}" if at_least is not None else f"≤ {at_most}"
    return {"figure": name, "found": found, "aim": aim, "holds": holds}


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    data = Path(os.environ.get("FINOPS_AI_DATA") or REPOSITORY.parent / "shared" / "data") / "routing"
    parser = argparse.ArgumentParser(
        prog="python -m bench.routing", description="Routing and escalation, measured on stored outcomes of two models."
    )
    parser.add_argument("--gsm8k", type=Path, default=data / "gsm8k_responses.csv", help="CSV with cheap answers")
    parser.add_argument("--mmlu", type=Path, default=data / "mmlu", help="folder of one CSV per subject")
    parser.add_argument(
        "--contaminated",
        type=Path,
        nargs="+",
        default=[data / "gsm8k_contaminated.jsonl", data / "mmlu_contaminated.jsonl"],
        help="JSON lines whose eval_prompt is dropped before anything is measured",
    )
    parser.add_argument("--splits", type=_positive, default=10, help="into halves, for the spread")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def _lines(report: Figures) -> Iterator[str]:
    yield f"$ {report['command']}"
    yield ", ".join(f"{name} {value}" for name, value in {**report["machine"], **report["versions"]}.items())
    for name in (*ROUTERS, "pooled_cascade"):
        yield f"\n{name}"
        yield from (f"  {figure}: {_shown(value)}" for figure, value in report[name].items())
    yield "\naims"
    for aim in report["aims"]:
        yield f"  {'✔' if aim['holds'] else '✘'} {aim['figure']}: {_shown(aim['found'])} (aim {aim['aim']})"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(part)}" for name, part in value.items())
    if isinstance(value, list):
        return " to ".join(map(_shown, value))
    return f"{value:.3f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
