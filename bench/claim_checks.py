"""Claim checks on labelled data: what becomes confirmed, what a reviewer is shown, what the veto and the contradictions find.

Belongs here: loading the sets, running the product's own functions over them, counting. Does not: thresholds of a report
(`bench.evidence`). Any file of the same schema works; nothing here is fitted to these.
"""

import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finops_ai.evidence import SentenceIndex, Source, claims_of, objections, quarrels, same_words

CONTEXT_SENTENCES = 2  # on each side of a passage: as a verifier and a reviewer are shown it
MODEL_TRUE_CONFIRM = (
    0.818  # GPT-4-0613 on 100 claims of WiCE's test set: balanced accuracy .787, false confirmations .244
)
MODEL_FALSE_CONFIRM = 0.244
MODEL_DRAWS = 200
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_CHANGEABLE = re.compile(rf"\d+(?:[.,]\d+)*|\b(?:{'|'.join(_MONTHS)})\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledClaim:
    """A claim of WiCE: an article's sentences, and which of them hold the claim."""

    text: str
    supported: bool  # wholly; "partially supported" is not
    article: tuple[str, ...]
    holding: tuple[frozenset[int], ...]  # each of these sets of sentences holds it


def load_wice(file: Path) -> list[LabelledClaim]:
    """JSON lines with label, claim, evidence, supporting_sentences."""
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [
        LabelledClaim(
            text=row["claim"],
            supported=row["label"] == "supported",
            article=tuple(row["evidence"]),
            holding=tuple(frozenset(sentences) for sentences in row["supporting_sentences"]),
        )
        for row in rows
    ]


def load_summedits(file: Path) -> list[dict[str, Any]]:
    """A JSON list of objects with doc, summary, original_summary, label."""
    rows: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    return rows


def on_wice(claims: Sequence[LabelledClaim]) -> dict[str, Any]:
    """Offline verdicts and coverage, the cited article as a primary source: the most generous grade there is."""
    verdicts = [(claim, confirmed_offline([claim.text], "\n\n".join(claim.article))) for claim in claims]
    supported = [claim for claim in claims if claim.supported]
    shown = [(claim, frozenset(SentenceIndex(claim.article).best(claim.text))) for claim in supported]
    return {
        "claims": len(claims),
        "not fully supported": len(claims) - len(supported),
        "false confirmations offline": sum(bool(found) for claim, found in verdicts if not claim.supported),
        "confirmed offline": sum(bool(found) for claim, found in verdicts if claim.supported),
        "coverage": _share(sum(any(top & held for held in claim.holding) for claim, top in shown), len(shown)),
        "coverage, all sentences of one holding set": _share(
            sum(any(held <= top for held in claim.holding) for claim, top in shown), len(shown)
        ),
    }


def on_summedits(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Sentences that an edit corrupted, checked against their document as a primary source."""
    corrupted: list[str] = []
    confirmed: list[str] = []
    for row in rows:
        if row["label"] != 0:
            continue
        original = {same_words(sentence) for sentence in _sentences(row["original_summary"])}
        changed = [sentence for sentence in _sentences(row["summary"]) if same_words(sentence) not in original]
        corrupted += changed
        confirmed += confirmed_offline(changed, row["doc"])
    return {"corrupted sentences": len(corrupted), "confirmed offline": len(confirmed), "which": confirmed[:5]}


def confirmed_offline(statements: Sequence[str], document: str) -> list[str]:
    """The statements that the product would hold as confirmed facts, were the document a primary source."""
    held = {same_words(claim.text) for claim in claims_of([(_source("d", "primary"), document)])}
    return [statement for statement in statements if same_words(statement) in held]


def with_a_model(claims: Sequence[LabelledClaim], *, seed: int = 7) -> dict[str, Any]:
    """A model verdict of known error rate for every claim, with and without the veto, over many draws.

    The draws know nothing of the claim but its label: that a model errs where the veto objects is not assumed.
    """
    vetoed = [bool(objections_to(claim)) for claim in claims]
    chance = random.Random(seed)
    draws = [_one_draw(claims, vetoed, chance) for _ in range(MODEL_DRAWS)]
    without, with_veto = ([draw[side] for draw in draws] for side in ("without", "with"))
    return {
        "draws": MODEL_DRAWS,
        "vetoed of supported": _share(
            sum(v for c, v in zip(claims, vetoed, strict=True) if c.supported), _supported(claims)
        ),
        "vetoed of the others": _share(
            sum(v for c, v in zip(claims, vetoed, strict=True) if not c.supported), len(claims) - _supported(claims)
        ),
        "false confirmations without veto": _mean([draw["false"] for draw in without]),
        "false confirmations with veto": _mean([draw["false"] for draw in with_veto]),
        "fewer": 1 - _mean([draw["false"] for draw in with_veto]) / _mean([draw["false"] for draw in without]),
        "balanced accuracy without veto": _mean([draw["balanced"] for draw in without]),
        "balanced accuracy with veto": _mean([draw["balanced"] for draw in with_veto]),
        "points of balanced accuracy lost": 100
        * (_mean([draw["balanced"] for draw in without]) - _mean([draw["balanced"] for draw in with_veto])),
    }


def objections_to(claim: LabelledClaim) -> tuple[str, ...]:
    """The veto as the product applies it: passages with their neighbours, names anywhere in the source."""
    near = SentenceIndex(claim.article).best(claim.text)
    around = range(-CONTEXT_SENTENCES, CONTEXT_SENTENCES + 1)
    passages = [
        " ".join(claim.article[at + step] for step in around if 0 <= at + step < len(claim.article)) for at in near
    ]
    return objections(claim.text, [*passages, claim.article[0]], about=" ".join(claim.article))


def contradictions(documents: Sequence[str], *, pairs: int = 2000, seed: int = 7) -> dict[str, Any]:
    """Found: one number or date of a real sentence changed. False alarms: the same value in another form, and every pair of
    real sentences of different documents.
    """
    chance = random.Random(seed)
    sentences = [(number, s) for number, document in enumerate(documents) for s in _sentences(document)]
    changeable = [s for s in dict.fromkeys(s for _, s in sentences) if _CHANGEABLE.search(s)]
    chosen = chance.sample(changeable, min(pairs, len(changeable)))
    found = sum(_quarrel(s, _changed(s, chance)) for s in chosen)
    reworded = [(s, other) for s in chosen if (other := _in_another_form(s)) != s]
    natural = quarrels([s for _, s in sentences], [frozenset({str(number)}) for number, _ in sentences])
    return {
        "pairs with one value changed": len(chosen),
        "found": _share(found, len(chosen)),
        "pairs with a value in another form": len(reworded),
        "false alarms among them": _share(sum(_quarrel(*pair) for pair in reworded), len(reworded)),
        "real sentences": len(sentences),
        "false alarms among real sentences": _share(len(natural), len(sentences)),
    }


def _quarrel(one: str, other: str) -> bool:
    return bool(quarrels([one, other], [frozenset({"one"}), frozenset({"other"})]))


def _changed(sentence: str, chance: random.Random) -> str:
    match = chance.choice(list(_CHANGEABLE.finditer(sentence)))
    old = match[0]
    if old in _MONTHS:
        new = chance.choice([month for month in _MONTHS if month != old])
    else:
        at = chance.choice([n for n, character in enumerate(old) if character.isdigit()])
        new = old[:at] + chance.choice([digit for digit in "123456789" if digit != old[at]]) + old[at + 1 :]
    return sentence[: match.start()] + new + sentence[match.end() :]


_FORMS = (
    (re.compile(rf"\b({'|'.join(_MONTHS)}) (\d{{1,2}}), (\d{{4}})\b"), r"\2 \1 \3"),
    (re.compile(r"(?<![\d,.])(\d{1,3}),(\d{3})\b(?![,\d])"), r"\1\2"),
    (re.compile(r"(\d) percent\b"), r"\1%"),
    (re.compile(r"\$(\d+(?:\.\d+)?) million\b"), r"\1 million dollars"),
    (re.compile(r"(\d)%"), r"\1 percent"),
)


def _in_another_form(sentence: str) -> str:
    for form, other in _FORMS:
        changed = form.sub(other, sentence)
        if changed != sentence:
            return changed
    return sentence


def _sentences(document: str) -> Iterator[str]:
    return (claim.text for claim in claims_of([(_source("d", "primary"), document)]))


def _one_draw(
    claims: Sequence[LabelledClaim], vetoed: Sequence[bool], chance: random.Random
) -> dict[str, dict[str, float]]:
    said = [chance.random() < (MODEL_TRUE_CONFIRM if c.supported else MODEL_FALSE_CONFIRM) for c in claims]
    kept = [yes and not veto for yes, veto in zip(said, vetoed, strict=True)]
    return {"without": _scores(claims, said), "with": _scores(claims, kept)}


def _scores(claims: Sequence[LabelledClaim], confirmed: Sequence[bool]) -> dict[str, float]:
    true = sum(yes for claim, yes in zip(claims, confirmed, strict=True) if claim.supported)
    false = sum(yes for claim, yes in zip(claims, confirmed, strict=True) if not claim.supported)
    others = len(claims) - _supported(claims)
    return {"false": false, "balanced": (_share(true, _supported(claims)) + 1 - _share(false, others)) / 2}


def _supported(claims: Sequence[LabelledClaim]) -> int:
    return sum(claim.supported for claim in claims)


def _share(part: float, whole: int) -> float:
    return part / whole if whole else 0.0


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _source(uri: str, grade: Any) -> Source:
    return Source(
        uri=uri,
        grade=grade,
        host="file",
        media_type="text/plain",
        title="",
        snapshot_sha256="0" * 64,
        text_sha256="0" * 64,
        size_bytes=1,
        retrieved_at="2026-01-01T00:00:00+00:00",
        warnings=(),
    )
