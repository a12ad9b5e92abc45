"""One address of a brief to the addresses that it stands for: a pattern is every file that it names.

Belongs here: patterns, on disk and in stores. Does not: feeds, whose entries are known only after reading (`retrieval`).
"""

from pathlib import Path

from finops_ai.evidence.files import path_of, refuse_outside
from finops_ai.evidence.model import EvidenceError, RetrievalRules
from finops_ai.evidence.stores import MAGIC, is_store, list_objects, refuse_outside_stores


def is_pattern(uri: str) -> bool:
    """A local path or a store's address with `*`, `?` or `[`; in a web address these are plain characters."""
    return bool(MAGIC.search(uri)) and not uri.lower().startswith(("http:", "https:"))


def expand(uri: str, *, rules: RetrievalRules) -> list[str]:
    """Every address that it stands for, in order. Raises EvidenceError: none, too many, or outside what is allowed."""
    if not is_pattern(uri):
        return [uri]
    if is_store(uri):
        found = list_objects(uri, rules=rules)
    else:
        found = [uri] if path_of(uri, base=rules.base).is_file() else files_of(uri, rules=rules)
    if not found:
        raise EvidenceError(f"no file matches {uri}")
    if len(found) > rules.expand_max:
        raise EvidenceError(f"{uri} names {len(found)} files, more than the {rules.expand_max} allowed")
    return found


def refusal_of(uri: str, *, rules: RetrievalRules) -> str:
    """Why a local or store address can be refused before anything is read, or "". Stores are not asked."""
    try:
        if is_store(uri):
            refuse_outside_stores(uri, rules.stores)
            return ""
        for file in expand(uri, rules=rules):
            path = path_of(file, base=rules.base).resolve()
            refuse_outside(path, rules)
            if not path.is_file():
                return f"no such file: {path}"
    except (EvidenceError, OSError, RuntimeError) as problem:
        return str(problem)
    return ""


def files_of(pattern: str, *, rules: RetrievalRules) -> list[str]:
    """Regular files only, and no hidden ones: a pattern is written with documents in mind."""
    path = path_of(pattern, base=rules.base)
    fixed = Path(*_fixed_parts(path))
    refuse_outside(fixed.resolve(), rules)
    matching = sorted(fixed.glob(str(path.relative_to(fixed)))) if fixed.is_dir() else []
    visible = (file for file in matching if not any(p.startswith(".") for p in file.relative_to(fixed).parts))
    return [str(file) for file in visible if file.is_file()]


def _fixed_parts(path: Path) -> list[str]:
    parts = list(path.parts)
    first = next((n for n, part in enumerate(parts) if MAGIC.search(part)), len(parts))
    return parts[:first]
