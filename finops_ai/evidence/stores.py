"""Sources in object stores (`s3://`, `gs://`, …): read by this process's own rights, so only below prefixes of the policy.

Belongs here: from such an address to bytes, and which objects a pattern names. Does not: what the bytes mean. Whoever writes
a brief borrows the rights of the process that reads it; the prefix list says how far. Any fsspec protocol may be named.
"""

import re
from collections.abc import Callable
from queue import Empty, Queue
from threading import Thread
from typing import Any, TypeVar

from finops_ai.evidence.model import EvidenceError, RetrievalRules

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]*)://(.+)", re.IGNORECASE)
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\?#]|(?:^|/)\.\.?(?:/|$)")  # escapes, options, climbing out
MAGIC = re.compile(r"[*?\[]")

Answer = TypeVar("Answer")


def is_store(uri: str) -> bool:
    """An address with a scheme of its own, neither the web nor this machine."""
    found = _ADDRESS.fullmatch(uri)
    return found is not None and found[1].lower() not in {"http", "https", "file"}


def refuse_outside_stores(uri: str, stores: tuple[str, ...]) -> None:
    """Raises EvidenceError unless the address lies below one of these prefixes."""
    scheme = uri.partition("://")[0]
    if "::" in uri:
        raise EvidenceError(f"{uri!r} chains file systems, which is refused")
    if _UNSAFE.search(re.sub(r"[*?]", "", uri.partition("://")[2])):
        raise EvidenceError(f"{uri!r} holds '..', '\\', '?', '#' or control characters, which is refused")
    if not any(uri.startswith(_folder(prefix)) for prefix in stores):
        raise EvidenceError(
            f"{scheme + ':'!r} is refused here: a store is read with the rights of this process, and only below the prefixes "
            "under files.stores in the policy"
        )


def read_object(uri: str, *, rules: RetrievalRules) -> tuple[bytes, str]:
    """Content and last part of the name. Raises EvidenceError with the reason."""
    refuse_outside_stores(uri, rules.stores)

    def read(store: Any, path: str) -> bytes:
        with store.open(path, "rb") as file:
            content: bytes = file.read(rules.bytes_max + 1)
        return content

    content = _bounded(uri, read, timeout_s=rules.timeout_s)
    if len(content) > rules.bytes_max:
        raise EvidenceError(f"larger than {rules.bytes_max:,} bytes")
    return content, uri.rpartition("/")[2]


def list_objects(pattern: str, *, rules: RetrievalRules) -> list[str]:
    """The addresses that a pattern with `*`, `**`, `?` or `[…]` names, in order. Raises EvidenceError."""
    refuse_outside_stores(pattern, rules.stores)
    fixed = MAGIC.split(pattern)[0]
    if not any(fixed.startswith(_folder(prefix)) for prefix in rules.stores):
        raise EvidenceError(f"{pattern!r} begins its pattern above the prefix that the policy allows")
    scheme = pattern.partition("://")[0]
    found = _bounded(pattern, lambda store, path: sorted(store.glob(path)), timeout_s=rules.timeout_s)
    return [f"{scheme}://{path.removeprefix(f'{scheme}://').lstrip('/')}" for path in found]


def _folder(prefix: str) -> str:
    """With its slash: "s3://reports" must not open "s3://reports-secret"."""
    return prefix if prefix.endswith("/") else f"{prefix}/"


def _bounded(uri: str, ask: Callable[[Any, str], Answer], *, timeout_s: float) -> Answer:
    """The answer of the store within the time; a client that retries for minutes must not hold the others up."""
    outcome: Queue[Answer | EvidenceError] = Queue()

    def work() -> None:
        try:
            import fsspec

            outcome.put(ask(*fsspec.core.url_to_fs(uri)))
        except ImportError as problem:
            outcome.put(EvidenceError(f"{uri} needs another package: {problem}"))
        except FileNotFoundError:
            outcome.put(EvidenceError(f"{uri} does not exist"))
        except Exception as problem:  # noqa: BLE001 - every store has errors of its own
            outcome.put(EvidenceError(f"{uri} cannot be read: {type(problem).__name__}: {problem}"))

    Thread(target=work, name="finops_ai-store", daemon=True).start()
    try:
        answer = outcome.get(timeout=timeout_s)
    except Empty:
        raise EvidenceError(f"took longer than {timeout_s:g} s") from None
    if isinstance(answer, EvidenceError):
        raise answer
    return answer
