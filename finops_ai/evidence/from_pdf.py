"""The text of a PDF source, with lines joined again to paragraphs, and where each page begins in it.

Belongs here: reading pages, undoing line ends and hyphenation. Does not: what a sentence is (`splitting`), which text is
seen (`pdf_visibility`). A PDF knows places on paper, not paragraphs: where a line end is in doubt, the paragraph ends,
and claims leave its halves out.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from io import BytesIO
from itertools import accumulate, pairwise
from statistics import median
from typing import Any

from finops_ai.evidence.cleaning import clean, removed
from finops_ai.evidence.model import EvidenceError, Extraction

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
_DATE = re.compile(r"(?:D:)?(\d{8})(?:(\d{6})(Z|[+-]\d\d'?\d\d)?)?")
LONGEST_WORD = 60  # characters
FULL_LINE_SHARE_MIN = 0.85  # of the usual length: a shorter line that ends a sentence ends its paragraph
PROSE_LINE_SHARE_MIN = 0.6  # a shorter line that ends no sentence is a label, a heading or a formula


def read_pdf(content: bytes, *, pages_max: int) -> Extraction:
    """The text that a reader of the pages sees, and what the file says of itself.

    Raises EvidenceError for a PDF that is broken, encrypted, too long or without visible text.
    """
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    from finops_ai.evidence.pdf_visibility import visible_pages

    try:
        reader = PdfReader(BytesIO(content), strict=False)
        if reader.is_encrypted:
            raise EvidenceError("an encrypted PDF; save it without a password")
        if len(reader.pages) > pages_max:
            raise EvidenceError(f"{len(reader.pages)} pages, more than the {pages_max} allowed")
        pages, hidden_count = visible_pages(reader)
        title, author, published = _about(reader.metadata)
    except PyPdfError as problem:
        raise EvidenceError(f"a broken PDF: {problem}") from None
    text, page_starts = _text_and_page_starts([_lines(page) for page in pages])
    if not text:
        raise EvidenceError(
            "a PDF whose only text is invisible, as in a scan with a text layer; a person has to read it"
            if hidden_count
            else "a PDF without text; a scan needs character recognition first"
        )
    return Extraction(
        text=text,
        title=title,
        author=author,
        published=published,
        page_starts=page_starts,
        warnings=(removed(hidden_count, "hidden text run"),) if hidden_count else (),
        unseen="\n\n".join(page.extract_text() for page in reader.pages) if hidden_count else "",
    )


def _about(metadata: Any) -> tuple[str, str, str]:
    """Title, author, and day or time of creation."""
    if not metadata:
        return "", "", ""
    title, author = (value if isinstance(value, str) else "" for value in (metadata.title, metadata.author))
    return title, author, _created(str(metadata.creation_date_raw))


def _created(written: str) -> str:
    """ISO 8601; nothing where only a year or month is given, or no such day."""
    found = _DATE.match(written)
    if not found:
        return ""
    day, time, zone = (part or "" for part in found.groups())
    try:
        if not time:
            return date.fromisoformat(day).isoformat()
        return datetime.fromisoformat(f"{day}T{time}{zone.replace(chr(39), '')}").isoformat()
    except ValueError:
        return ""


def _lines(page: str) -> list[str]:
    lines = [line.strip() for line in clean(page.translate(_LIGATURES))[0].split("\n")]
    return [line for line in lines if line and not _PAGE_NUMBER.fullmatch(line)]


def _text_and_page_starts(pages: Sequence[Sequence[str]]) -> tuple[str, tuple[int, ...]]:
    """From the lines of each page. A page without lines begins where the next line does."""
    lines = [line for page in pages for line in page]
    joined = list(_joined(lines))
    line_starts = list(accumulate(map(len, joined), initial=0))
    lines_before = accumulate(map(len, pages[:-1]), initial=0)
    return "".join(joined), tuple(line_starts[count] for count in lines_before)


def _joined(lines: Sequence[str]) -> Iterator[str]:
    """Each line as it stands in the text, with what parts it from the next."""
    usual = median([len(line) for line in lines if len(line) >= 30] or [80])
    words = {word for line in lines for word in _WORD.findall(line.removesuffix("-"))}
    for line, following in pairwise(lines):
        yield _before_more(line, following, words) if _runs_on(line, following, usual=usual) else f"{line}\n\n"
    yield from lines[-1:]


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
