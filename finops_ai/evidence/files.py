"""Local sources: regular files below the brief's folder or a root of the policy.

Belongs here: from a uri or path to bytes, safely. Does not: what the bytes mean.
"""

import os
import re
import stat
from pathlib import Path
from urllib.parse import unquote, urlsplit

from finops_ai.evidence.model import EvidenceError, RetrievalRules

_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+:")


def read_file(uri: str, *, rules: RetrievalRules) -> tuple[bytes, str]:
    """Content and file name. Raises EvidenceError with the reason."""
    path = path_of(uri, base=rules.base)
    try:
        resolved = path.resolve(strict=True)
        refuse_outside(resolved, rules)
        content = _read(resolved, bytes_max=rules.bytes_max)
    except (OSError, RuntimeError) as problem:  # RuntimeError: symlinks that go in circles
        reason = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
        raise EvidenceError(f"{path} cannot be read: {reason}") from None
    return content, resolved.name


def path_of(uri: str, *, base: Path) -> Path:
    """Where a local uri points, not yet resolved. Raises EvidenceError for anything that is no local address."""
    if "\0" in uri or not uri:
        raise EvidenceError(f"{uri!r} is no path")
    if "::" in uri:
        raise EvidenceError(f"{uri!r} chains file systems, which is refused")
    if uri.lower().startswith("file:"):
        return _path_of_file_uri(uri)
    if scheme := _SCHEME.match(uri):
        raise EvidenceError(
            f"{scheme[0]!r} is refused; "
            "a source is a path, or begins with file://, https://, http:// or a prefix under files.stores"
        )
    return base / uri


def _path_of_file_uri(uri: str) -> Path:
    parts = urlsplit(uri)
    path = unquote(parts.path)
    is_here = parts.netloc.lower() in {"", "localhost"} and path.startswith("/")
    if not is_here or parts.query or parts.fragment or "\0" in path:
        raise EvidenceError(f"{uri!r} names no local file; write file:///folder/name")
    return Path(path)


def refuse_outside(resolved: Path, rules: RetrievalRules) -> None:
    """After symlinks: what counts is where the file is, not what it is called."""
    roots = [root.resolve() for root in (rules.base, *rules.roots)]
    if not any(resolved.is_relative_to(root) for root in roots):
        raise EvidenceError(f"{resolved} lies outside the brief's folder and files.roots of the policy")


def _read(resolved: Path, *, bytes_max: int) -> bytes:
    with open(resolved, "rb", opener=_open_safely) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise EvidenceError(f"{resolved} is not a regular file")
        content = file.read(bytes_max + 1)
    if len(content) > bytes_max:
        raise EvidenceError(f"larger than {bytes_max:,} bytes")
    return content


def _open_safely(path: str, flags: int) -> int:
    """Following no link that was put there since, and not waiting for the writer of a pipe."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
