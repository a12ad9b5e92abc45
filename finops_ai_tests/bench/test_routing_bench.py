"""The benchmark of routing scores by hand-checked arithmetic, never shows a router what it must not see, and runs on any files of
the same schema.
"""

import csv
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.routing import main, scores_out_of_half, with_known_spread
from bench.routing_checks import check_figures, checks, evaluated, lengths, taken_apart
from bench.routing_models import AnswerChecks, Router, TaskTypes, halves
from bench.routing_outcomes import (
    CHEAP,
    CHEAP_ANSWER,
    PREMIUM,
    Benchmark,
    Rows,
    UnusableFile,
    Vector,
    load_gsm8k,
    load_mmlu,
)
from bench.routing_scores import (
    cascade,
    cpt_apgr,
    curve,
    escalations,
    random_expected,
    scored,
    threshold_for,
)
from finops_ai_tests.conftest import REPOSITORY

PREMIUM_ANSWER = f"{PREMIUM}_response"
Row = dict[str, Any]


def gsm8k_rows(count: int, seed: int = 1) -> list[Row]:
    """Cheap answers that break off are wrong; the premium model is right but for every ninth question."""
    chance = random.Random(seed)
    rows = []
    for number in range(count):
        left, right = chance.randint(2, 90), chance.randint(2, 90)
        breaks_off = chance.random() < 0.4
        answer = f"It is {left} * {right} = <<{left}*{right}={left * right}>>{left * right}.\n#### {left * right}"
        rows.append(
            {
                "prompt": f"Case {number}: {left} boxes hold {right} pens each. How many pens are there?",
                CHEAP: not breaks_off,
                PREMIUM: bool(number % 9),
                CHEAP_ANSWER: f"It is {left} * {right} = <<{left}*" if breaks_off else answer,
                PREMIUM_ANSWER: f"{left * right} pens",
            }
        )
    return rows


def mmlu_rows(count: int, cheap_right: float, seed: int = 1) -> list[Row]:
    chance = random.Random(seed)
    options = "\n".join(f"{letter}. option {letter}" for letter in "ABCD")
    return [
        {
            "prompt": f"Which of these is true of case {seed}-{number}?\n{options}\nAnswer:",
            CHEAP: chance.random() < cheap_right,
            PREMIUM: chance.random() < 0.9,
        }
        for number in range(count)
    ]


def write(file: Path, rows: list[Row]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return file


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """120 word problems, one of them contaminated; four subjects."""
    rows = gsm8k_rows(120)
    write(tmp_path / "answers.csv", rows)
    for number, cheap_right in enumerate((0.2, 0.5, 0.8, 0.9)):
        write(tmp_path / "subjects" / f"mmlu_subject_{number}.csv", mmlu_rows(60, cheap_right, seed=number))
    (tmp_path / "seen.jsonl").write_text(json.dumps({"eval_prompt": rows[3]["prompt"]}) + "\n")
    (tmp_path / "none.jsonl").write_text("")
    return tmp_path


def files(folder: Path) -> list[str]:
    return [
        *("--gsm8k", str(folder / "answers.csv"), "--mmlu", str(folder / "subjects")),
        *("--contaminated", str(folder / "seen.jsonl"), str(folder / "none.jsonl")),
    ]


def test_the_curve_and_its_scores_are_those_of_a_calculation_by_hand() -> None:
    """Four questions in two bins: edges 1, 2.5, 4. All: 3 of 4 right; the upper two: 4 of 4; none: 2 of 4."""
    score = np.array([1.0, 2.0, 3.0, 4.0])
    weak, strong = np.array([1.0, 1.0, 0.0, 0.0]), np.array([0.0, 1.0, 1.0, 1.0])
    points = curve(score, weak, strong, bins=2)
    assert points == [(100.0, 75.0), (50.0, 100.0), (0.0, 50.0)]
    found = cpt_apgr([(0.0, 60.0), (50.0, 75.0), (100.0, 80.0)], weak_percent=60.0, strong_percent=80.0)
    # trapezoids: 50·67.5 + 50·77.5 = 7250; (7250 − 6000) / (20·100)
    assert found.apgr == pytest.approx(0.625)
    assert (found.cpt20, found.cpt50) == pytest.approx((50 * 4 / 15, 50 * 10 / 15))
    assert found.cpt80 == pytest.approx(50 + 50 * 1 / 5)


def test_a_router_that_knows_nothing_has_one_straight_line() -> None:
    weak, strong = np.array([0.0, 0.0, 1.0, 0.0]), np.array([1.0, 1.0, 1.0, 0.0])
    assert curve(np.zeros(4), weak, strong) == [(100.0, 75.0), (0.0, 25.0)]


def test_a_cascade_pays_every_cheap_call_and_stops_at_its_budget() -> None:
    """Of ten questions 40 % may be escalated. Six ask; those that arrive last are refused."""
    score = np.array([9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 1.0, 1.0, 1.0, 1.0])
    arrival = np.array([5.0, 0.0, 1.0, 4.0, 2.0, 3.0, 6.0, 7.0, 8.0, 9.0])
    escalated = escalations(score, threshold=2.0, arrival=arrival)
    assert escalated.tolist() == [0, 1, 1, 0, 1, 1, 0, 0, 0, 0]
    weak = np.array([0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    found = cascade(escalated, weak, np.ones(10))
    assert found.cost_share == pytest.approx(0.05 + 0.4)
    assert found.gap_recovered == pytest.approx(0.5)
    assert threshold_for(np.arange(101.0), escalated_share=0.25) == pytest.approx(75.0)


def test_wrong_arithmetic_and_a_missing_end_are_seen() -> None:
    question = "A box holds 3 pens. How many do 12 boxes hold?"
    right = checks(question, "12 * 3 = <<12*3=36>>36\n#### 36")
    wrong = checks(question, "12 * 3 = <<12*3=38>>38\n#### 38")
    broken_off = checks(question, "12 * 3 = <<12*")
    assert (right["wrong annotation"], wrong["wrong annotation"]) == (0, 1)
    assert (right["wrong calculation written out"], wrong["wrong calculation written out"]) == (0, 1)
    assert (right["no final answer"], broken_off["no final answer"], broken_off["annotation left open"]) == (0, 1, 1)
    assert checks("He has 5 pens and 7 cups.", "#### 5")["given numbers not in the answer"] == 1
    assert taken_apart("so it is\n#### $1,200.50 in all").final == 1200.5
    assert right.keys() == broken_off.keys() == checks("", "").keys()


@pytest.mark.parametrize(
    ("expression", "value"),
    [("1,000*2", 2000.0), ("50%", 0.5), ("(2+3)x4", 20.0), ("-3", -3.0)]
    + [(unknown, None) for unknown in ("1/0", "2**9999", "x", "__import__('os')", "", "(1", "9" * 500)],
)
def test_only_plain_arithmetic_is_evaluated(expression: str, value: float | None) -> None:
    assert evaluated(expression) == value


def test_contaminated_prompts_are_dropped_and_outcomes_read(data: Path) -> None:
    benchmark = load_gsm8k(data / "answers.csv", [data / "seen.jsonl", data / "none.jsonl"])
    assert len(benchmark.weak) == len(benchmark.questions.prompts) == 119
    assert benchmark.weak.sum() == sum(row[CHEAP] for i, row in enumerate(gsm8k_rows(120)) if i != 3)
    subjects = load_mmlu(data / "subjects", []).questions.subjects
    assert {subject: subjects.count(subject) for subject in subjects} == {f"subject_{n}": 60 for n in range(4)}


def test_halves_share_no_prompt_and_do_not_depend_on_row_order(data: Path) -> None:
    rows = [*gsm8k_rows(120), *gsm8k_rows(120)[:20]]  # twenty questions twice
    first, again = (
        load_gsm8k(write(data / f"{name}.csv", some), []).questions for name, some in (("a", rows), ("b", rows[::-1]))
    )
    one, other = ({first.prompts[row] for row in half} for half in halves(first, 5))
    assert not one & other
    assert len(one) == len(other) == 60
    assert one == {again.prompts[row] for row in halves(again, 5)[0]}
    assert one != {first.prompts[row] for row in halves(first, 6)[0]}


@pytest.mark.parametrize("benchmark_name", ["gsm8k", "mmlu"])
def test_no_score_or_threshold_depends_on_the_outcomes_of_its_own_half(benchmark_name: str, data: Path) -> None:
    """Every outcome of the scored half is turned round: a router that had seen one of them would score differently."""
    benchmark, router = loaded(benchmark_name, data)
    before = with_known_spread(router, benchmark)
    for side in (0, 1):
        asked, fitted_on = before[side].rows, before[1 - side].rows
        after = with_known_spread(router, turned_round(benchmark, asked))[side]
        assert np.array_equal(before[side].scores, after.scores)
        assert np.array_equal(before[side].scores_known, after.scores_known)
        other = with_known_spread(router, turned_round(benchmark, fitted_on))[side]
        assert not np.allclose(before[side].scores, other.scores), "it must depend on the half that it is fitted on"
        assert not np.allclose(before[side].scores_known, other.scores_known)


def turned_round(benchmark: Benchmark, rows: Rows) -> Benchmark:
    weak, strong = benchmark.weak.copy(), benchmark.strong.copy()
    weak[rows], strong[rows] = 1 - weak[rows], 1 - strong[rows]
    return Benchmark(questions=benchmark.questions, weak=weak, strong=strong)


def loaded(name: str, data: Path) -> tuple[Benchmark, Router]:
    if name == "gsm8k":
        benchmark = load_gsm8k(data / "answers.csv", [])
        return benchmark, AnswerChecks(benchmark.questions)
    benchmark = load_mmlu(data / "subjects", [])
    return benchmark, TaskTypes(benchmark.questions)


def test_premium_answers_are_not_read(data: Path) -> None:
    rows = gsm8k_rows(120)
    shuffled = [row | {PREMIUM_ANSWER: other[PREMIUM_ANSWER]} for row, other in zip(rows, rows[::-1], strict=True)]
    without = [{name: value for name, value in row.items() if name != PREMIUM_ANSWER} for row in rows]
    figures = [
        check_figures(load_gsm8k(write(data / "other.csv", some), []).questions) for some in (rows, shuffled, without)
    ]
    assert np.array_equal(figures[0], figures[1])
    assert np.array_equal(figures[0], figures[2])


def test_it_runs_on_other_files_with_another_number_of_subjects(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Synthetic cheap answers break off when they are wrong, so that the checks find nearly all of them."""
    main([*files(data), "--splits", "3", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert (report["gsm8k"]["questions"], report["mmlu"]["questions"], report["mmlu"]["subjects"]) == (119, 240, 4)
    assert report["gsm8k"]["apgr"] > 0.75
    assert report["gsm8k"]["random"]["apgr"] == pytest.approx(0.5)
    assert report["gsm8k"]["random"]["cpt80"] == pytest.approx(80)
    assert report["mmlu"]["apgr"] > 0.6
    for figures in (report["gsm8k"], report["mmlu"]):
        spread = figures["apgr_over_splits"]
        assert spread["splits"] == 3
        assert spread["min"] <= spread["median"] <= spread["max"]
        assert figures["cascade"]["cost_share"] <= 0.45
    assert report["pooled_cascade"]["cost_share_of_the_dearer_half"] <= 0.45
    assert all(set(aim) == {"figure", "found", "aim", "holds"} for aim in report["aims"])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            lambda rows: [{k: v for k, v in row.items() if k != CHEAP_ANSWER} for row in rows],
            f"'{CHEAP_ANSWER}' is missing",
        ),
        (lambda rows: [rows[0] | {CHEAP: "maybe"}, *rows[1:]], f"column '{CHEAP}' has 'maybe'"),
        (lambda rows: [row | {CHEAP: True, PREMIUM: True} for row in rows], "no gap between the models"),
        (lambda rows: rows[:19], "19 different prompts, need 20"),
        (lambda rows: [rows[0] | {"prompt": " "}, *rows[1:]], "column 'prompt' has an empty value"),
    ],
)
def test_an_unusable_column_is_named_with_its_file(spoil: Any, said: str, data: Path) -> None:
    file = write(data / "spoiled.csv", spoil(gsm8k_rows(30)))
    with pytest.raises(UnusableFile) as raised:
        load_gsm8k(file, [])
    assert said in str(raised.value)
    assert "spoiled.csv" in str(raised.value)


def test_missing_files_and_fields_are_named(data: Path) -> None:
    with pytest.raises(UnusableFile, match=r"nothing\.jsonl"):
        load_mmlu(data / "subjects", [data / "nothing.jsonl"])
    (data / "bad.jsonl").write_text('{"prompt": "x"}\n')
    with pytest.raises(UnusableFile, match=r"bad\.jsonl: line 1 has no field eval_prompt"):
        load_mmlu(data / "subjects", [data / "bad.jsonl"])
    with pytest.raises(UnusableFile, match="empty: no"):
        load_mmlu(data / "empty", [])
    command = [sys.executable, "-m", "bench.routing", "--gsm8k", str(data / "nothing.csv")]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "nothing.csv: no such file" in done.stderr
    assert "Traceback" not in done.stderr


def out_of_half(router: Router, benchmark: Benchmark, seed: int) -> Vector:
    rows = halves(benchmark.questions, seed)
    scores = np.empty(len(benchmark.weak))
    scores[rows[0]], scores[rows[1]] = scores_out_of_half(router, benchmark, rows)
    return scores


def test_the_reference_outcomes_are_routed_as_well_as_reported(data_dir: Path) -> None:
    """With a margin to the worst of ten splits. On MMLU the prompt alone does not reach the aim of 0.70."""
    folder = data_dir / "routing"
    seen = [folder / "gsm8k_contaminated.jsonl", folder / "mmlu_contaminated.jsonl"]
    gsm8k, mmlu = load_gsm8k(folder / "gsm8k_responses.csv", seen), load_mmlu(folder / "mmlu", seen)
    assert (len(gsm8k.weak), len(mmlu.weak), len(set(mmlu.questions.subjects))) == (651, 7655, 29)
    accuracies = [100 * right.mean() for right in (gsm8k.weak, gsm8k.strong, mmlu.weak, mmlu.strong)]
    assert accuracies == pytest.approx([64.36, 88.33, 70.32, 83.14], abs=0.005)
    checked = AnswerChecks(gsm8k.questions)
    assert min(scored(out_of_half(checked, gsm8k, seed), gsm8k).apgr for seed in range(5)) >= 0.70
    by_task_type = scored(out_of_half(TaskTypes(mmlu.questions), mmlu, 0), mmlu).apgr
    assert by_task_type >= 0.59
    assert by_task_type > scored(lengths(mmlu.questions), mmlu).apgr > random_expected(mmlu).apgr
