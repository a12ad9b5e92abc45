"""Reading a stranger's file in a process of its own, which can be stopped: a parser that never ends must not hold the others.

Belongs here: when that is worth a process, its limits, and what comes back. Does not: reading (`extraction`). Small texts and
pages are read where we are; their readers take time in proportion to their size.
"""

import json
import subprocess
import sys

from finops_ai.evidence.extraction import extract
from finops_ai.evidence.model import EvidenceError, Extraction, RetrievalRules

HARMLESS_BYTES_MAX = 1_000_000
MEMORY_BYTES_MAX = 4_000_000_000  # of the process, libraries included
_ALWAYS_ALONE = ("application/pdf", "application/vnd.openxmlformats")  # programs and archives more than texts
_FAILED = 3


def extract_bounded(content: bytes, media_type: str, *, rules: RetrievalRules) -> Extraction:
    """As `extract`, within `rules.extract_s`. Raises EvidenceError."""
    if len(content) <= HARMLESS_BYTES_MAX and not media_type.startswith(_ALWAYS_ALONE):
        return extract(content, media_type, pages_max=rules.pages_max)
    command = [sys.executable, "-m", "finops_ai.evidence.alone", media_type, str(rules.pages_max), str(rules.extract_s)]
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter, this module, a media type of ours
            command, input=content, capture_output=True, timeout=rules.extract_s, check=False
        )
    except subprocess.TimeoutExpired:
        raise EvidenceError(f"reading it took longer than {rules.extract_s:g} s") from None
    if done.returncode == _FAILED:
        raise EvidenceError(done.stdout.decode())
    if done.returncode != 0:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2][:300]
        raise EvidenceError(f"reading it ended with {done.returncode}: {last or 'no word'}")
    return Extraction.from_record(json.loads(done.stdout))


def _main(media_type: str, pages_max: str, seconds: str) -> int:
    """Bytes in, an extraction out as JSON, or the reason on the same stream with exit code 3."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (int(float(seconds)) + 1,) * 2)  # if nobody is left to stop us
    try:
        found = extract(sys.stdin.buffer.read(), media_type, pages_max=int(pages_max))
    except EvidenceError as problem:
        sys.stdout.buffer.write(str(problem).encode(errors="replace"))
        return _FAILED
    except MemoryError:
        sys.stdout.write(f"reading it takes more than {MEMORY_BYTES_MAX:,} bytes of memory")
        return _FAILED
    sys.stdout.buffer.write(json.dumps(found.as_record()).encode())
    return 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
