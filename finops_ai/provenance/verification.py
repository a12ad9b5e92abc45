"""Checking a published file from its bytes back to its sources.

Belongs here: the checks, each with what was found. Does not: printing them (`cli`). Nothing is taken on trust that can be
computed: digests are recomputed, snapshots reopened, their text extracted again, quotes compared at their offsets.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finops_ai.evidence import EXTRACTOR_VERSION, EvidenceError, Span, extract, span_holds
from finops_ai.provenance.dsse import SignatureInvalid, load_public_keys, opened
from finops_ai.provenance.statements import FIGURES, HUMAN_APPROVAL, SLSA, TEST_RESULT
from finops_ai.publishing import cited_labels
from finops_ai.signoff import Packet
from finops_ai.store import ObjectStore, StoreError, sha256_hex

_TAG = re.compile(r"<[^<>]*>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was checked."""

    name: str
    passed: bool
    found: str


def envelope_file(path: Path) -> Path:
    """The statements of a published file stand beside it."""
    return path.with_name(path.name + ".intoto.jsonl")


def verify_file(path: Path, *, objects: ObjectStore, keys: Path) -> list[Check]:
    """Every check, in the order of the chain. Raises OSError where the file or its statements cannot be read."""
    content = path.read_bytes()
    lines = envelope_file(path).read_bytes().splitlines()
    try:
        found = {s["predicateType"]: s for s in (opened(line, load_public_keys(keys)) for line in lines)}
    except SignatureInvalid as error:
        return [Check(name="signature", passed=False, found=str(error))]
    checks = [Check(name="signature", passed=True, found=f"{len(lines)} statements, ed25519")]
    if missing := {SLSA, TEST_RESULT, HUMAN_APPROVAL} - found.keys():
        return [*checks, Check(name="statements", passed=False, found=f"missing: {', '.join(sorted(missing))}")]
    digest = sha256_hex(content)
    subjects = {s["digest"]["sha256"] for statement in found.values() for s in statement["subject"]}
    checks.append(Check(name="file", passed=subjects == {digest}, found=f"SHA-256 {digest}"))
    checks.append(_gates(found[TEST_RESULT]["predicate"]))
    checks += _approval(found[HUMAN_APPROVAL]["predicate"], path.name, digest)
    checks += _sources(found[SLSA]["predicate"], content.decode(errors="replace"), objects)
    return checks


def _gates(predicate: dict[str, Any]) -> Check:
    passed = predicate["passedTests"]
    good = predicate["result"] == "PASSED" and {"policy", "quality", "readiness"} <= set(passed)
    return Check(name="gates", passed=good, found=f"passed: {', '.join(passed) or 'none'}")


def _approval(predicate: dict[str, Any], name: str, digest: str) -> Iterator[Check]:
    packet = Packet.from_dict(predicate["packet"])
    bound = packet.digest == predicate["packet_digest"] and packet.files.get(name) == digest
    yield Check(
        name="packet",
        passed=bound,
        found=f"digest {packet.digest} holds this file" if bound else "does not hold this file",
    )
    said = [f"{d['who']} ({d['role']}): {d['verdict']}" for d in predicate["decisions"]]
    approved = bool(said) and all(d["verdict"] == "approve" for d in predicate["decisions"])
    yield Check(name="approval", passed=approved, found="; ".join(said) or "nobody")


def _sources(predicate: dict[str, Any], text: str, objects: ObjectStore) -> Iterator[Check]:
    labels = set()
    same_extractor = predicate["buildDefinition"]["internalParameters"]["extractor"] == EXTRACTOR_VERSION
    for dependency in predicate["buildDefinition"]["resolvedDependencies"]:
        notes = dependency["annotations"]
        labels |= {claim["label"] for claim in notes["claims"]}
        try:
            yield _snapshot(dependency, objects, same_extractor=same_extractor)
            extracted = objects.get(notes["text_sha256"]).decode()
        except StoreError as error:
            yield Check(name="snapshot", passed=False, found=f"{dependency['uri']}: {error}")
            continue
        yield from (_claim(claim, dependency, extracted) for claim in notes["claims"])
    if _figures_of(predicate):  # computed from them: there is no sentence of anybody else's to cite
        return
    cited = cited_labels(_TAG.sub("", text))  # in HTML each label is a link
    unknown = [label for label in cited if label not in labels]
    yield Check(
        name="citations",
        passed=bool(cited) and not unknown,
        found=f"not in the statement: {', '.join(unknown)}"
        if unknown
        else f"{len(cited)} cited facts, all resolved above",
    )


def _figures_of(predicate: dict[str, Any]) -> bool:
    dependencies = predicate["buildDefinition"]["resolvedDependencies"]
    return bool(dependencies) and all(d["annotations"]["media_type"] == FIGURES for d in dependencies)


def _snapshot(dependency: dict[str, Any], objects: ObjectStore, *, same_extractor: bool) -> Check:
    digest, notes = dependency["digest"]["sha256"], dependency["annotations"]
    snapshot = objects.get(digest)
    if notes["media_type"] == FIGURES:
        return Check(name="figures", passed=True, found=f"{dependency['uri']}: bytes intact")
    if not same_extractor:
        return Check(
            name="snapshot", passed=True, found=f"{dependency['uri']}: bytes intact (text by another extractor)"
        )
    try:
        again = sha256_hex(extract(snapshot, notes["media_type"]).text.encode())
    except EvidenceError as error:
        return Check(name="snapshot", passed=False, found=f"{dependency['uri']}: {error}")
    same = again == notes["text_sha256"]
    return Check(
        name="snapshot",
        passed=same,
        found=f"{dependency['uri']}: bytes intact, text " + ("reproduced" if same else "differs"),
    )


def _claim(claim: dict[str, Any], dependency: dict[str, Any], extracted: str) -> Check:
    span = Span(
        snapshot_sha256=dependency["digest"]["sha256"],
        text_sha256=claim["text_sha256"],
        start=claim["start"],
        end=claim["end"],
    )
    holds = claim["text_sha256"] == dependency["annotations"]["text_sha256"] and span_holds(
        extracted, span, claim["quote"]
    )
    place = f"{dependency['uri']} {span.start}–{span.end}"
    return Check(name=f"claim {claim['label']}", passed=holds, found=f"{place}: “{claim['quote'][:80]}”")
