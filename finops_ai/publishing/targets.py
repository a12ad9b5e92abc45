"""Where published files are put. A target creates exact bytes where nothing is, and reads them back.

Belongs here: targets by name. Does not: the right to publish (`permit`), remembering what was put (`outbox`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from finops_ai.briefs import Brief, Problem
from finops_ai.settings import Settings
from finops_ai.store import create_file, sha256_hex

KNOWN_TARGETS = ("local",)


class TargetConflict(Exception):
    """Other bytes stand under the name. Nothing was overwritten; a person must look."""


class Target(Protocol):
    """Safe to repeat: equal bytes are adopted, others under the same name are a conflict."""

    def put(self, artifact: str, name: str, content: bytes) -> str:
        """Create the file and return its address. Raises TargetConflict."""
        ...

    def get(self, address: str) -> bytes | None:
        """The bytes at an address that `put` returned, or None where there is nothing any more."""
        ...


@dataclass(frozen=True, slots=True)
class LocalFolder:
    """A folder per artifact below one root."""

    root: Path

    def put(self, artifact: str, name: str, content: bytes) -> str:
        """See Target."""
        path = (self.root / artifact / name).resolve()
        if not path.is_relative_to(self.root.resolve()):
            raise TargetConflict(f"{artifact}/{name} would leave {self.root}")
        path.parent.mkdir(parents=True, exist_ok=True)
        if not create_file(path, content) and (found := path.read_bytes()) != content:
            raise TargetConflict(
                f"{path} holds {sha256_hex(found)}, not {sha256_hex(content)}; nothing was overwritten"
            )
        return str(path)

    def get(self, address: str) -> bytes | None:
        """See Target."""
        path = Path(address)
        return path.read_bytes() if path.is_file() else None


def unknown_targets(brief: Brief, *, file: str) -> list[Problem]:
    """A brief that names a target nobody has configured could never be published: say so at intake."""
    known = ", ".join(KNOWN_TARGETS)
    return [
        Problem(file, f"targets.{n}", f"unknown target {target}; known: {known}")
        for n, target in enumerate(brief.targets)
        if target not in KNOWN_TARGETS
    ]


def open_targets(settings: Settings) -> Mapping[str, Target]:
    """Every target that a brief may name."""
    return {"local": LocalFolder(settings.published)}
