"""A published file is checked from its bytes back to its sources: whatever was altered on the way is found."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from finops_ai.briefs import Brief
from finops_ai.evidence import Source, claims_of, extract
from finops_ai.facts import ConfirmedFact
from finops_ai.provenance import Record, envelope_file, open_signing_key, statements, verify_file
from finops_ai.publishing import Permit, render_html, render_markdown
from finops_ai.signoff import Decision
from finops_ai.store import ObjectStore, sha256_hex
from finops_ai_tests.records import brief, packet

SOURCE = b"# Notes\n\nThe assistant handled 48,200 requests in the reviewed week.\n\nThe office has twelve rooms on two floors.\n"
URI = "https://example.org/notes.md"


@dataclass
class Publication:
    """Two files and their statements in a folder, as the workflow leaves them."""

    folder: Path
    objects: ObjectStore
    record: Record

    @property
    def file(self) -> Path:
        return self.folder / "a.md"

    def sign(self, record: Record | None = None, *, drop: int | None = None) -> None:
        key = open_signing_key(self.folder / "keys")
        for name in self.record.packet.files:
            lines = [key.sign(statement) for statement in statements(record or self.record, file=name)]
            kept = [line for n, line in enumerate(lines) if n != drop]
            envelope_file(self.folder / name).write_bytes(b"".join(kept))

    def failed(self, name: str = "a.md") -> list[str]:
        checks = verify_file(self.folder / name, objects=self.objects, keys=self.folder / "keys")
        assert checks
        return [check.name for check in checks if not check.passed]

    def object_path(self, digest: str) -> Path:
        return Path(str(self.objects.root)) / digest[:2] / digest


def published(folder: Path, objects: ObjectStore) -> Publication:
    text = extract(SOURCE, "text/markdown").text
    source = Source(
        uri=URI,
        grade="primary",
        host="example.org",
        media_type="text/markdown",
        title="Notes",
        snapshot_sha256=objects.put(SOURCE),
        text_sha256=objects.put(text.encode()),
        size_bytes=len(SOURCE),
        retrieved_at="2026-01-01T00:00:00Z",
        warnings=(),
    )
    claims = claims_of([(source, text)])
    facts = [ConfirmedFact.from_claim(c, position=n, titles={URI: "Notes"}) for n, c in enumerate(claims)]
    wanted: Brief = brief()
    markdown = render_markdown(wanted, f"- “{facts[0].text}” [F1]\n", facts)
    files = {"a.md": markdown.encode(), "a.html": render_html(markdown, title="a").encode()}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    ready = packet("a", files={name: sha256_hex(content) for name, content in files.items()})
    said = {
        "packet_digest": ready.digest,
        "artifact": "a",
        "verdict": "approve",
        "reason": "read it twice",
        "identified_by": "token",
    }
    decision = Decision(id=1, reviewer="Ana", role="legal", at="2026-01-01T00:00:00Z", **said)  # type: ignore[arg-type]
    record = Record(
        brief=wanted,
        packet=ready,
        permit=Permit(
            packet_digest=ready.digest, artifact="a", decision_ids=(1,), run_id="run-1", at="2026-01-01T00:00:00Z"
        ),
        facts=facts[:1],
        sources=[source],
        decisions=[decision],
        verdicts={gate: {"passed": True} for gate in ("policy", "quality", "readiness")},
        engine="extractive",
        model="extractive",
        tier="economy",
        ledger_entries=[1, 2],
        cost_usd="0.01",
    )
    return Publication(folder, objects, record)


@pytest.fixture
def publication(tmp_path: Path, objects: ObjectStore) -> Publication:
    made = published(tmp_path, objects)
    made.sign()
    return made


@pytest.mark.parametrize("name", ["a.md", "a.html"])
def test_a_publication_that_nobody_touched_passes_every_check(publication: Publication, name: str) -> None:
    checks = verify_file(publication.folder / name, objects=publication.objects, keys=publication.folder / "keys")
    assert all(check.passed for check in checks)
    assert [check.name for check in checks] == [
        "signature",
        "file",
        "gates",
        "packet",
        "approval",
        "snapshot",
        "claim F1",
        "citations",
    ]


def alter_file(p: Publication) -> None:
    p.file.write_bytes(p.file.read_bytes().replace(b"48,200", b"84,200"))


def alter_file_to_no_text(p: Publication) -> None:
    p.file.write_bytes(p.file.read_bytes() + b"\xff\xfe")


def alter_envelope(p: Publication) -> None:
    envelope = envelope_file(p.file)
    envelope.write_bytes(envelope.read_bytes().replace(b'"payload":"e', b'"payload":"f', 1))


def lose_snapshot(p: Publication) -> None:
    p.object_path(p.record.sources[0].snapshot_sha256).unlink()


def alter_snapshot(p: Publication) -> None:
    p.object_path(p.record.sources[0].snapshot_sha256).write_bytes(SOURCE + b" ")


def lose_text(p: Publication) -> None:
    p.object_path(p.record.sources[0].text_sha256).unlink()


def swap_statements(p: Publication) -> None:
    """The HTML page's own statements, under the other file's name."""
    envelope_file(p.file).write_bytes(envelope_file(p.folder / "a.html").read_bytes())


def resigned(**changes: Any) -> Callable[[Publication], None]:
    """Signed with the right key, about something that does not hold."""
    return lambda p: p.sign(replace(p.record, **changes))


def move_claim(p: Publication) -> None:
    span = replace(p.record.facts[0].span, start=p.record.facts[0].span.start + 1)
    p.sign(replace(p.record, facts=[replace(p.record.facts[0], span=span)]))


def other_quote(p: Publication) -> None:
    p.sign(replace(p.record, facts=[replace(p.record.facts[0], text="The assistant handled 84,200 requests.")]))


def other_text(p: Publication) -> None:
    """A text that was made up, stored under its own digest, and does not come out of the snapshot."""
    made_up = p.objects.put(b"The assistant handled 84,200 requests in the reviewed week.")
    p.sign(replace(p.record, sources=[replace(p.record.sources[0], text_sha256=made_up)]))


def rejected(p: Publication) -> None:
    p.sign(replace(p.record, decisions=[*p.record.decisions, replace(p.record.decisions[0], verdict="reject")]))


GATE_FAILED = {"policy": {"passed": True}, "quality": {"passed": False}, "readiness": {"passed": True}}
GATE_ABSENT = {"policy": {"passed": True}, "readiness": {"passed": True}}


@pytest.mark.parametrize(
    ("alter", "found"),
    [
        (alter_file, {"file", "packet"}),
        (alter_file_to_no_text, {"file", "packet"}),
        (alter_envelope, {"signature"}),
        (lose_snapshot, {"snapshot"}),
        (alter_snapshot, {"snapshot"}),
        (lose_text, {"snapshot"}),
        (swap_statements, {"file"}),
        (move_claim, {"claim F1"}),
        (other_quote, {"claim F1"}),
        (other_text, {"snapshot", "claim F1"}),
        (resigned(facts=[]), {"citations"}),
        (resigned(sources=[]), {"citations"}),
        (resigned(decisions=[]), {"approval"}),
        (rejected, {"approval"}),
        (resigned(verdicts=GATE_FAILED), {"gates"}),
        (resigned(verdicts=GATE_ABSENT), {"gates"}),
        (resigned(verdicts={}), {"gates"}),
        *((lambda p, n=n: p.sign(drop=n), {"statements"}) for n in range(3)),
        (lambda p: envelope_file(p.file).write_bytes(b""), {"statements"}),
    ],
)
def test_what_was_altered_is_found(
    publication: Publication, alter: Callable[[Publication], None], found: set[str]
) -> None:
    alter(publication)
    assert set(publication.failed()) == found


def test_without_statements_there_is_nothing_to_verify(publication: Publication) -> None:
    envelope_file(publication.file).unlink()
    with pytest.raises(FileNotFoundError):
        publication.failed()


def test_without_the_public_key_nothing_is_believed(publication: Publication) -> None:
    (publication.folder / "keys" / "finops_ai.pub").unlink()
    assert publication.failed() == ["signature"]


def test_the_same_records_give_the_same_statements(publication: Publication) -> None:
    """No clock is read: a publication that is tried again finds its own bytes."""
    before = envelope_file(publication.file).read_bytes()
    publication.sign()
    assert envelope_file(publication.file).read_bytes() == before


def test_a_statement_names_file_sources_gates_and_people(publication: Publication) -> None:
    slsa, gates, approval = statements(publication.record, file="a.md")
    assert {s["_type"] for s in (slsa, gates, approval)} == {"https://in-toto.io/Statement/v1"}
    assert slsa["subject"] == [{"name": "a.md", "digest": {"sha256": publication.record.packet.files["a.md"]}}]
    (dependency,) = slsa["predicate"]["buildDefinition"]["resolvedDependencies"]
    assert dependency["digest"] == {"sha256": publication.record.sources[0].snapshot_sha256}
    assert [claim["label"] for claim in dependency["annotations"]["claims"]] == ["F1"]
    assert gates["predicate"]["result"] == "PASSED"
    assert [d["who"] for d in approval["predicate"]["decisions"]] == ["Ana"]
    assert "read it" not in json.dumps(approval), "a reviewer's words are for the record, their digest for the world"


def test_a_source_that_failed_is_no_dependency(publication: Publication) -> None:
    failed = replace(publication.record.sources[0], error="HTTP 404", snapshot_sha256="")
    slsa = statements(replace(publication.record, sources=[failed]), file="a.md")[0]
    assert slsa["predicate"]["buildDefinition"]["resolvedDependencies"] == []
