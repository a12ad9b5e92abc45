"""The text of a PDF source, with lines joined again to paragraphs.

Belongs here: reading pages, undoing line ends and hyphenation. Does not: what a sentence is (`splitting`). A PDF knows
places on paper, not paragraphs: where a line end is in doubt, the paragraph ends, and claims leave its halves out.
"""

import re
from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise
from statistics import median

from finops_ai.evidence.cleaning import blocks_to_text, clean
from finops_ai.evidence.model import EvidenceError

_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"})
_PAGE_NUMBER = re.compile(r"\W*\d{1,4}\W*|(?i:page)\s+\d+(?:\s+of\s+\d+)?")
_BEGINS_BLOCK = re.compile(
    r"\[\d+\]\s|[•‣◦▪●\u2013*-]\s|(?:Figure|Fig\.|Table|Listing|Algorithm|Appendix)\s+[\dA-Z]|\d+(?:\.\d+)*\.?\s+[A-Z]\w+"
)
_HEADING = re.compile(
    r"(?:\d+(?:\.\d+)*\.?|[A-Z]\.?|[IVX]+\.)\s+[A-Z][^.!?]{2,80}|Abstract|ABSTRACT|References|Acknowledge?ments?"
)
_ENDS_SENTENCE = re.compile(r"[.!?:][\"'\u201d\u2019)\]]*\Z")
_HYPHEN_AT_END = re.compile(r"([^\W\d_]+(?:-[^\W\d_]+)*)-\Z")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
LONGEST_WORD = 60  # characters
FULL_LINE_SHARE_MIN = 0.85  # of the usual length: a shorter line that ends a sentence ends its paragraph
PROSE_LINE_SHARE_MIN = 0.6  # a shorter line that ends no sentence is a label, a heading or a formula


def read_pdf(content: bytes, *, pages_max: int) -> tuple[str, str, tuple[str, ...]]:
    """Text, title, no warnings. Raises EvidenceError for a PDF that is broken, encrypted, too long or without text."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(BytesIO(content), strict=False)
        if reader.is_encrypted:
            raise EvidenceError("an encrypted PDF; save it without a password")
        if len(reader.pages) > pages_max:
            raise EvidenceError(f"{len(reader.pages)} pages, more than the {pages_max} allowed")
        pages = [page.extract_text() for page in reader.pages]
        title = (reader.metadata.title or "") if reader.metadata else ""
    except PyPdfError as problem:
        raise EvidenceError(f"a broken PDF: {problem}") from None
    lines = [line for page in pages for line in _lines(page)]
    if not lines:
        raise EvidenceError("a PDF without text; a scan needs character recognition first")
    return blocks_to_text(list(_paragraphs(lines))), title if isinstance(title, str) else "", ()


def _lines(page: str) -> list[str]:
    lines = [line.strip() for line in clean(page.translate(_LIGATURES))[0].split("\n")]
    return [line for line in lines if line and not _PAGE_NUMBER.fullmatch(line)]


def _paragraphs(lines: list[str]) -> Iterator[str]:
    usual = median([len(line) for line in lines if len(line) >= 30] or [80])
    words = {word for line in lines for word in _WORD.findall(line.removesuffix("-"))}
    paragraph: list[str] = []
    for line, following in pairwise([*lines, ""]):
        if following and _runs_on(line, following, usual=usual):
            paragraph.append(_before_more(line, following, words))
        else:
            yield "".join([*paragraph, line])
            paragraph.clear()


def _runs_on(line: str, following: str, *, usual: float) -> bool:
    """Whether the sentence or the paragraph of one line goes on in the next."""
    if _hyphenated(line) and following[0].isalpha():
        return True
    if _BEGINS_BLOCK.match(following) or _HEADING.fullmatch(line):
        return False
    share = FULL_LINE_SHARE_MIN if _ENDS_SENTENCE.search(line) else PROSE_LINE_SHARE_MIN
    return len(line) >= share * usual


def _before_more(line: str, following: str, words: set[str]) -> str:
    """The line as it stands before the next. A hyphen at its end goes, unless the document elsewhere writes the word
    with it, or a capital follows.
    """
    head, rest = _hyphenated(line), _WORD.match(following)
    if not head or rest is None:
        return f"{line} "
    tail = rest[0]
    written_as_one = head + tail in words
    written_with_hyphen = f"{head}-{tail}" in words
    return line[:-1] if written_as_one or (tail[0].islower() and not written_with_hyphen) else line


def _hyphenated(line: str) -> str:
    """The word before a hyphen at the line's end, or ""."""
    found = _HYPHEN_AT_END.search(line[-LONGEST_WORD:])
    return found[1] if found else ""
