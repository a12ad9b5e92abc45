"""An artifact's evidence as its steps recorded it, as values for the pages.

Belongs here: which records, and what is said where they are missing or do not fit together. Does not: how it looks
(`dossier`).
"""

from collections.abc import Iterable

import sqlalchemy as sa

from finops_ai.artifacts import Progress, position, progress_of
from finops_ai.dossier import Dossier
from finops_ai.evidence import Claim, Source
from finops_ai.policy import Policy
from finops_ai.store import ObjectStore


def dossier_of(
    connection: sa.Connection, objects: ObjectStore, policy: Policy, artifact: str, *, home: str = ""
) -> Dossier:
    """Without the texts (see `texts_of`): most pages need none. Raises UnknownArtifact."""
    progress = progress_of(connection, policy, artifact)
    return Dossier(
        artifact=artifact,
        topic=progress.brief.topic,
        sources=sources_in(objects, progress.output("sources")),
        claims=claims_in(objects, progress.output("claims")),
        note=_note(progress),
        home=home,
    )


def sources_in(objects: ObjectStore, digest: str | None) -> tuple[Source, ...]:
    """An output of the step `sources`; nothing where it never finished."""
    return tuple(Source.from_record(record) for record in objects.get_json(digest)["sources"]) if digest else ()


def claims_in(objects: ObjectStore, digest: str | None) -> tuple[Claim, ...]:
    """An output of the step `claims`; nothing where it never finished."""
    records = objects.get_json(digest)["claims"] if digest else ()
    return tuple(Claim.from_record(record) for record in records)


def texts_of(objects: ObjectStore, sources: Iterable[Source]) -> dict[str, str]:
    """The stored texts of these sources by their SHA-256."""
    return {source.text_sha256: objects.get(source.text_sha256).decode() for source in sources if source.text_sha256}


def _note(progress: Progress) -> str:
    sources, claims = progress.outputs.get("sources"), progress.outputs.get("claims")
    if claims is None:
        return f"There are no claims yet: the artifact waits for {position(progress).waiting_for}."
    if sources and sources.id > claims.id:
        return "The sources were retrieved again since; these claims were judged from the texts before."
    return ""
