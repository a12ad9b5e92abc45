"""Bytes of a source to its visible text, the same for the same bytes.

Belongs here: which reader serves which media type, and what all of them share. Does not: the readers (`from_*`).
"""

import unicodedata
from collections.abc import Callable
from importlib.metadata import version

from finops_ai.evidence.cleaning import clean, fold
from finops_ai.evidence.injection import addressing_a_model
from finops_ai.evidence.media import decode
from finops_ai.evidence.model import EvidenceError, Extraction

RULES_VERSION = 1  # raise it with any change of this package that changes a text
_READERS = ("trafilatura", "lxml", "pypdf", "markdown-it-py")
# A text is only equal under equal readers, and NFC follows the Unicode tables of the interpreter.
EXTRACTOR_VERSION = " ".join(
    [
        f"finops_ai-{RULES_VERSION}",
        *(f"{name}-{version(name)}" for name in _READERS),
        f"unicode-{unicodedata.unidata_version}",
    ]
)
PAGES_MAX = 500

Read = tuple[str, str, tuple[str, ...]]  # text, title, warnings


def extract(content: bytes, media_type: str, *, pages_max: int = PAGES_MAX) -> Extraction:
    """Raises EvidenceError with the reason: unknown type, broken, encrypted, not decodable, or without any text."""
    reader = _READER_OF.get(media_type.partition(";")[0])
    if reader is None:
        raise EvidenceError(f"{media_type!r} cannot be extracted; known are {', '.join(_READER_OF)}")
    if not content.strip():
        raise EvidenceError("empty: there is nothing to extract")
    try:
        raw, title, warnings = reader(content, media_type, pages_max)
        text, removals = clean(raw)
    except EvidenceError:
        raise
    except Exception as problem:  # a hostile file can make a parser raise anything
        raise EvidenceError(f"cannot be read as {media_type}: {type(problem).__name__}: {problem}") from problem
    if not text:
        raise EvidenceError("holds no visible text")
    return Extraction(
        text=text,
        title=fold(clean(title)[0]),
        warnings=(*warnings, *removals, *(f"addresses a model: {phrase!r}" for phrase in addressing_a_model(text))),
    )


def _read_html(content: bytes, media_type: str, _pages_max: int) -> Read:
    from finops_ai.evidence.from_html import read_html

    return read_html(decode(content, media_type))


def _read_pdf(content: bytes, _media_type: str, pages_max: int) -> Read:
    from finops_ai.evidence.from_pdf import read_pdf

    return read_pdf(content, pages_max=pages_max)


def _read_markdown(content: bytes, media_type: str, _pages_max: int) -> Read:
    from finops_ai.evidence.from_markdown import read_markdown

    return read_markdown(decode(content, media_type))


def _read_plain(content: bytes, media_type: str, _pages_max: int) -> Read:
    return decode(content, media_type), "", ()


_READER_OF: dict[str, Callable[[bytes, str, int], Read]] = {
    "text/html": _read_html,
    "application/pdf": _read_pdf,
    "text/markdown": _read_markdown,
    "text/plain": _read_plain,
}
