"""Text to sentences, and which sentences can be claims.

Belongs here: boundaries and completeness. Does not: whether a sentence is supported (`verdicts`).
"""

import re
from collections.abc import Iterator

_OWN_LINE = re.compile(
    r"\s*(?:#{1,6}\s|>|[|]|[-*+•‣]\s|\(?\d{1,3}[.)]\s|\[\d|\^)"
)  # heading, quote, table, list, reference
WRAPPED_LINE_LENGTH_MIN = 40  # characters: a shorter line that does not run on is a heading or a list item


def sentences(text: str) -> list[tuple[int, int]]:
    """Offsets of every sentence, heading and fragment, without outer whitespace, in reading order."""
    return [span for start, end in _paragraphs(text) for span in _split(text, start, end)]


def _split(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    from nupunkt import sent_spans

    paragraph = text[start:end]
    for left, right in sent_spans(paragraph):
        piece = paragraph[left:right]
        stripped = piece.strip()
        if stripped:
            first = start + left + len(piece) - len(piece.lstrip())
            yield first, first + len(stripped)


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    """Blank lines end a paragraph; so does a line end that no wrapping explains."""
    start = 0
    line_start = 0
    for end in (*(match.start() for match in re.finditer("\n", text)), len(text)):
        following = text[end + 1 : _line_end(text, end + 1)]
        if not _is_wrapped(text[line_start:end], following):
            if text[start:end].strip():
                yield start, end
            start = end + 1
        line_start = end + 1


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end


def _is_wrapped(line: str, following: str) -> bool:
    line, following = line.strip(), following.strip()
    if not line or not following or _OWN_LINE.match(following) or line.startswith(("#", "|")) or line.endswith(":"):
        return False
    return following[0].islower() or len(line) >= WRAPPED_LINE_LENGTH_MIN
