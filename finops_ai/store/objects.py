"""Content-addressed objects: snapshots, texts, drafts, packets. A name is the SHA-256 of the bytes it holds.

Belongs here: putting bytes once and reading them back checked. Does not: what the bytes mean.
"""

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from upath import UPath

from finops_ai.settings import Settings
from finops_ai.store.database import StoreError


class ObjectMissing(StoreError):
    """No object under this digest."""


class ObjectCorrupt(StoreError):
    """The stored bytes no longer match their name."""


def sha256_hex(content: bytes) -> str:
    """Lower-case hexadecimal SHA-256."""
    return hashlib.sha256(content).hexdigest()


def canonical_json(value: Any) -> bytes:
    """One byte sequence per value, so that equal records have equal digests: sorted keys, no spaces, UTF-8, no NaN.

    RFC 8785 (JCS) for the values used here: strings, integers, booleans, null, lists, objects. Floats are refused,
    since their text form is where implementations differ, and so are keys that are no text.
    """
    _refuse_unstable(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


class ObjectStore:
    """A folder, a bucket, or any other place fsspec can open."""

    def __init__(self, root: UPath) -> None:
        self.root = root

    def put(self, content: bytes) -> str:
        """Store and return the digest. Storing the same bytes again is free and safe, from any number of processes."""
        digest = sha256_hex(content)
        path = self._path(digest)
        if path.exists():
            return digest
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(path, Path):
            create_file(path, content)
        else:
            path.fs.pipe_file(path.path, content)  # same name, same bytes: a second writer changes nothing
        return digest

    def get(self, digest: str) -> bytes:
        """Raises ObjectMissing, ObjectCorrupt."""
        try:
            content = self._path(digest).read_bytes()
        except FileNotFoundError:
            raise ObjectMissing(f"object {digest} is not in {self.root}") from None
        if (found := sha256_hex(content)) != digest:
            raise ObjectCorrupt(f"object {digest} in {self.root} holds bytes of {found}")
        return content

    def put_json(self, value: Any) -> str:
        """Store a record in its canonical form."""
        return self.put(canonical_json(value))

    def get_json(self, digest: str) -> Any:
        """The record stored by `put_json`."""
        return json.loads(self.get(digest))

    def _path(self, digest: str) -> UPath:
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise ObjectMissing(f"{digest!r} is not a SHA-256 in lower-case hexadecimal")
        return self.root / digest[:2] / digest


def open_objects(settings: Settings) -> ObjectStore:
    """The place named by FINOPS_AI_OBJECTS, else a folder of the home."""
    return ObjectStore(UPath(settings.objects_url or settings.home / "objects"))


def create_file(path: Path, content: bytes, *, mode: int = 0o644) -> bool:
    """Create exact bytes under a name, durably, all or nothing. False: the name existed and was left as it is.

    Written aside, synced, then linked: a reader never sees half a file, and a crash leaves at most a `.tmp` behind.
    """
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".tmp", delete=False) as file:
        aside = Path(file.name)
        try:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
            os.link(aside, path)
        except FileExistsError:
            return False
        finally:
            aside.unlink()
    _sync_folder(path.parent)
    return True


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_unstable(value: Any) -> None:
    if isinstance(value, float):
        raise TypeError(f"{value!r}: a float has no place in a digest; use an integer or a decimal string")
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"{key!r}: JSON writes it as text, so a record with this key has the digest of another")
            _refuse_unstable(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_unstable(item)
