"""Questions with the outcomes of a cheap and a premium model, as RouteLLM stored them.

Belongs here: reading the files, dropping contaminated prompts, saying what is wrong with a file. Does not: scoring. The premium
model's answers are not even read, and what a router may see (`Questions`) is kept apart from what was right (`Benchmark`).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

CHEAP = "mistralai/Mixtral-8x7B-Instruct-v0.1"
PREMIUM = "gpt-4-1106-preview"
CHEAP_ANSWER = f"{CHEAP}_response"
QUESTIONS_MIN = 20

Vector = NDArray[np.float64]
Rows = NDArray[np.intp]


class UnusableFile(Exception):
    """A file is missing, or does not hold what its schema says; the message names file, column and reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """What a router may see of each question, in one order."""

    prompts: tuple[str, ...]
    subjects: tuple[str, ...]  # of MMLU; one name for all of GSM8K
    cheap_answers: tuple[str, ...]  # empty texts where the set has none


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """Questions, and per question 1.0 where the model was right, else 0.0."""

    questions: Questions
    weak: Vector
    strong: Vector

    @property
    def gain(self) -> Vector:
        """Of asking the premium model instead: 1 repairs, −1 spoils, 0 changes nothing."""
        return self.strong - self.weak


def load_gsm8k(file: Path, contaminated: Sequence[Path]) -> Benchmark:
    """One CSV file: prompt, both models' outcomes, the cheap model's answer. Raises UnusableFile."""
    table = _read(file, ["prompt", CHEAP, PREMIUM, CHEAP_ANSWER])
    return _benchmark([(table, "gsm8k")], contaminated, at=file)


def load_mmlu(folder: Path, contaminated: Sequence[Path]) -> Benchmark:
    """A folder of one CSV file per subject: prompt, both models' outcomes. Raises UnusableFile."""
    files = sorted(folder.glob("*.csv"))
    if not files:
        raise UnusableFile(f"{folder}: no *.csv file, one per subject is needed")
    tables = [(_read(file, ["prompt", CHEAP, PREMIUM]), file.stem.removeprefix("mmlu_")) for file in files]
    return _benchmark(tables, contaminated, at=folder)


def contaminated_prompts(files: Sequence[Path]) -> frozenset[str]:
    """The field `eval_prompt` of JSON lines. Raises UnusableFile."""
    return frozenset(prompt for file in files for prompt in _eval_prompts(file))


def _eval_prompts(file: Path) -> list[str]:
    prompts = []
    for number, line in enumerate(_text(file).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            prompts.append(str(json.loads(line)["eval_prompt"]))
        except json.JSONDecodeError as broken:
            raise UnusableFile(f"{file}: line {number} is not JSON ({broken})") from None
        except (KeyError, TypeError):
            raise UnusableFile(f"{file}: line {number} has no field eval_prompt") from None
    return prompts


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as unreadable:
        raise UnusableFile(f"{file}: cannot be read ({unreadable})") from None


def _read(file: Path, columns: list[str]) -> pd.DataFrame:
    if not file.is_file():
        raise UnusableFile(f"{file}: no such file")
    try:
        table = pd.read_csv(file, dtype=str, keep_default_na=False, usecols=lambda name: name in columns)
    except (OSError, ValueError) as unreadable:  # pandas' own parser errors are ValueErrors
        raise UnusableFile(f"{file}: cannot be read as CSV ({unreadable})") from None
    for column in columns:
        if column not in table:
            raise UnusableFile(f"{file}: column {column!r} is missing")
    for column in (CHEAP, PREMIUM):
        table[column] = _right(file, column, table[column])
    if not table["prompt"].str.strip().all():
        raise UnusableFile(f"{file}: column 'prompt' has an empty value")
    return table


def _right(file: Path, column: str, values: pd.Series) -> pd.Series:
    known = {"true": 1.0, "1": 1.0, "1.0": 1.0, "false": 0.0, "0": 0.0, "0.0": 0.0}
    found = values.str.strip().str.lower().map(known)
    if found.isna().any():
        raise UnusableFile(f"{file}: column {column!r} has {values[found.isna()].iloc[0]!r}, need True or False")
    return found


def _benchmark(tables: Sequence[tuple[pd.DataFrame, str]], contaminated: Sequence[Path], *, at: Path) -> Benchmark:
    table = pd.concat([table.assign(subject=subject) for table, subject in tables], ignore_index=True)
    table = table[~table["prompt"].isin(contaminated_prompts(contaminated))]
    if table["prompt"].nunique() < QUESTIONS_MIN:
        raise UnusableFile(f"{at}: {table['prompt'].nunique()} different prompts, need {QUESTIONS_MIN} to split twice")
    if table[CHEAP].mean() == table[PREMIUM].mean():
        raise UnusableFile(f"{at}: columns {CHEAP!r}, {PREMIUM!r}: no gap between the models in {len(table)} questions")
    answers = table[CHEAP_ANSWER] if CHEAP_ANSWER in table else [""] * len(table)
    return Benchmark(
        questions=Questions(
            prompts=tuple(table["prompt"]), subjects=tuple(table["subject"]), cheap_answers=tuple(answers)
        ),
        weak=table[CHEAP].to_numpy(float),
        strong=table[PREMIUM].to_numpy(float),
    )
