"""Bytes of a source to its visible text, the same for the same bytes.

Belongs here: which reader serves which media type, and what all of them share. Does not: the readers (`from_*`).
"""

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version

from finops_ai.evidence.cleaning import clean, fold
from finops_ai.evidence.injection import addressing_a_model, hidden_orders
from finops_ai.evidence.media import DOCX, FEED, decode
from finops_ai.evidence.model import ADDRESSES_A_MODEL, EvidenceError, Extraction

RULES_VERSION = 2  # raise it with any change of this package that changes a text
_READERS = ("trafilatura", "lxml", "pypdf", "markdown-it-py", "python-docx")
# A text is only equal under equal readers, and NFC follows the Unicode tables of the interpreter.
EXTRACTOR_VERSION = " ".join(
    [
        f"finops_ai-{RULES_VERSION}",
        *(f"{name}-{version(name)}" for name in _READERS),
        f"unicode-{unicodedata.unidata_version}",
    ]
)
PAGES_MAX = 500
UNSEEN_LENGTH_MAX = 200_000  # characters of dropped text that are looked at
LINE_LENGTH_MAX = 500  # characters of a title or author: enough for any that is one

Reader = Callable[[bytes, str, int], Extraction]
"""(content, media type, pages_max) to the text as the reader of that kind finds it, not yet cleaned."""


def extract(content: bytes, media_type: str, *, pages_max: int = PAGES_MAX) -> Extraction:
    """Raises EvidenceError with the reason: unknown type, broken, encrypted, not decodable, or without any text."""
    reader = _READER_OF.get(media_type.partition(";")[0])
    if reader is None:
        raise EvidenceError(f"{media_type!r} cannot be extracted; known are {', '.join(_READER_OF)}")
    if not content.strip():
        raise EvidenceError("empty: there is nothing to extract")
    try:
        found = reader(content, media_type, pages_max)
        text, removals = clean(found.text)
    except EvidenceError:
        raise
    except Exception as problem:  # a hostile file can make a parser raise anything
        raise EvidenceError(f"cannot be read as {media_type}: {type(problem).__name__}: {problem}") from problem
    if not text:
        raise EvidenceError("holds no visible text")
    orders = (f"{ADDRESSES_A_MODEL}: {phrase!r}" for phrase in addressing_a_model(text))
    hidden = (f"{ADDRESSES_A_MODEL}, unseen: {phrase!r}" for phrase in hidden_orders(found.unseen[:UNSEEN_LENGTH_MAX]))
    return replace(
        found,
        unseen="",
        text=text,
        title=_line(found.title),
        author=_line(found.author),
        warnings=(*found.warnings, *removals, *orders, *hidden),
    )


def _line(text: str) -> str:
    return fold(clean(text)[0])[:LINE_LENGTH_MAX]


def _read_html(content: bytes, media_type: str, _pages_max: int) -> Extraction:
    from finops_ai.evidence.from_html import read_html

    return read_html(decode(content, media_type))


def _read_pdf(content: bytes, _media_type: str, pages_max: int) -> Extraction:
    from finops_ai.evidence.from_pdf import read_pdf

    return read_pdf(content, pages_max=pages_max)


def _read_docx(content: bytes, _media_type: str, _pages_max: int) -> Extraction:
    from finops_ai.evidence.from_docx import read_docx

    return read_docx(content)


def _read_markdown(content: bytes, media_type: str, _pages_max: int) -> Extraction:
    from finops_ai.evidence.from_markdown import read_markdown

    return read_markdown(decode(content, media_type))


def _read_csv(content: bytes, media_type: str, _pages_max: int) -> Extraction:
    from finops_ai.evidence.from_csv import read_csv

    return read_csv(decode(content, media_type))


def _read_feed(content: bytes, _media_type: str, _pages_max: int) -> Extraction:
    from finops_ai.evidence.from_feed import read_feed

    return read_feed(content)


def _read_plain(content: bytes, media_type: str, _pages_max: int) -> Extraction:
    return Extraction(text=decode(content, media_type), title="", warnings=())


_READER_OF: dict[str, Reader] = {
    "text/html": _read_html,
    "application/pdf": _read_pdf,
    DOCX: _read_docx,
    "text/markdown": _read_markdown,
    "text/plain": _read_plain,
    "text/csv": _read_csv,
    FEED: _read_feed,
}
