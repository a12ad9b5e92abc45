"""Which sentences can be claims: complete, declarative, of a length a person reads at once.

Belongs here: what disqualifies a sentence. Does not: whether anything supports it (`verdicts`). In doubt a sentence is
left out: a missing claim costs a quotation, a fragment taken for a sentence says what its source does not.
"""

import re
from collections.abc import Iterator

from finops_ai.evidence.splitting import sentences

CHARACTERS_MIN = 25
CHARACTERS_MAX = 400
WORDS_MIN = 5
LOWER_CASE_WORDS_MIN = 2  # fewer: a list of names, or a title
LETTER_SHARE_MIN = 0.65  # of the characters that are no spaces

_WORD = re.compile(r"\w*[^\W\d_]\w*")
_LOWER_CASE_WORD = re.compile(r"(?<![\w'\u2019-])[^\W\d_A-Z]\w*")
_CLOSING = "\"'\u201d\u2019»)]"
_CLOSER_OF = {"(": ")", "[": "]"}
_CODE = re.compile(r"[{}\\|`]|\w\(\)|[=<>]{2}")
_ABBREVIATION_AT_END = re.compile(
    r"\b(?:et al|e\.g|i\.e|vs|cf|Figs?|Eqs?|Nos?|Sec|vol|pp?|Dr|Mrs?|Prof|ca|bzw|Nr|z\.\s?B|u\.\s?a|[A-Z])\.\Z"
)
_ENTRY = re.compile(  # of a list of figures or references; all that follows in its block belongs to it
    r"\[\d+\]|\^|(?:Figure|Fig\.|Table|Listing|Algorithm)\s+\w{1,4}\s*[:.]"
)
_REFERENCE = re.compile(
    r"\barXiv\b|\bdoi:|\bISBN\b|\bRetrieved (?:on )?\d|\b[Ii]n Proceedings of\b|\bpp?\. ?\d|\bet al\.,? \(?\d{4}"
)
_NO_SUBJECT = re.compile(  # an order to the reader, or the rest of a sentence that a list's heading began
    r"(?:Please|See|Click|Download|Subscribe|Visit|Contact|Follow|Read|Refer|Promote|Note the|Adds|Allows|Contains"
    r"|Enables|Focuses|Gives|Includes|Makes|Provides|Requires|Returns|Supports|Tests|Uses)\b"
)
_REFERENCES_HEADING = re.compile(r"(?:\d+\.? )?(?:References|Bibliography|Literature)(?:\[edit\])?", re.I)
_ENDS_SENTENCE = re.compile(r"[.!?:][\"'\u201d\u2019»)\]]*\Z")
_NUMBERED_HEADING = re.compile(r"(?:\d+(?:\.\d+)*\.?|[A-Z]\.?)\s+[A-Z][^.!?]*|abstract|Abstract|ABSTRACT")
_RUN_IN_HEADING = re.compile(  # "Network Setup The benefits of": on paper the heading was bold
    r"(?:[A-Z][\w/-]*\.?\s+(?:(?:and|of|the|for|in|with|vs\.?|to)\s+)?){1,6}"
    r"(?:The|This|That|These|Those|We|Our|It|Its|In|To|As|For|When|While|If|Although|An?|At|By|On|With|From|Each|There"
    r"|Since|Given)\s"
)
_TORN_FORMULA = re.compile(r"\bf [filt]\w|[\u2200-\u22ff].*[\u2200-\u22ff]")


def complete_sentences(text: str, *, is_pdf: bool = False) -> Iterator[tuple[int, int]]:
    """Offsets of the sentences that can be claims. A PDF is read with more doubt: its paragraphs are guesses."""
    spans = sentences(text)
    in_entry = False
    for index, (start, end) in enumerate(spans):
        before, gap = _before(text, spans, index)
        sentence = text[start:end]
        if "\n" in gap:
            if _REFERENCES_HEADING.fullmatch(sentence):
                return
            in_entry = bool(_ENTRY.match(sentence))
        whole = _begins_whole(before, gap, is_pdf=is_pdf) and _ends_whole(text, end)
        if whole and not in_entry and is_complete(sentence) and not (is_pdf and _is_doubtful_on_paper(sentence)):
            yield start, end


def is_complete(sentence: str) -> bool:
    """By its own words: begins and ends like a sentence, states something, and is no caption, entry or request."""
    return (
        CHARACTERS_MIN <= len(sentence) <= CHARACTERS_MAX
        and _begins_like_one(sentence)
        and _ends_like_one(sentence)
        and len(_WORD.findall(sentence)) >= WORDS_MIN
        and len(_LOWER_CASE_WORD.findall(sentence)) >= LOWER_CASE_WORDS_MIN
        and _is_mostly_letters(sentence)
        and _is_balanced(sentence)
        and not _CODE.search(sentence)
        and not _REFERENCE.search(sentence)
        and not _NO_SUBJECT.match(sentence)
    )


def _before(text: str, spans: list[tuple[int, int]], index: int) -> tuple[str, str]:
    """The sentence before, and what stands between; the beginning of a text counts as after a blank line."""
    if index == 0:
        return "", "\n\n"
    (before_start, before_end), (start, _) = spans[index - 1 : index + 1]
    return text[before_start:before_end], text[before_end:start]


def _begins_whole(before: str, gap: str, *, is_pdf: bool) -> bool:
    """Not in the middle of a sentence whose first half was cut off by a line end, a column or a figure."""
    if not before or (gap.count("\n") > 1 and not is_pdf):
        return True
    return bool(_ENDS_SENTENCE.search(before) or _NUMBERED_HEADING.fullmatch(before))


def _ends_whole(text: str, end: int) -> bool:
    """Not cut in two at an abbreviation: the text would go on in lower case."""
    rest = text[end : end + 4]
    gap = rest[: len(rest) - len(rest.lstrip())]
    return "\n" in gap or not rest.lstrip()[:1].islower()


def _begins_like_one(sentence: str) -> bool:
    first = sentence.lstrip("\"'\u201c\u2018«„([")[:1]
    return (first.isalpha() and not first.islower()) or first.isdigit()


def _ends_like_one(sentence: str) -> bool:
    core = sentence.rstrip(_CLOSING)
    return core.endswith((".", "!")) and not core.endswith(("..", "?!", "!?")) and not _ABBREVIATION_AT_END.search(core)


def _is_mostly_letters(sentence: str) -> bool:
    ink = len(sentence) - sentence.count(" ") - sentence.count("\n")
    return sum(map(str.isalpha, sentence)) >= LETTER_SHARE_MIN * ink


def _is_balanced(sentence: str) -> bool:
    waiting: list[str] = []
    for character in sentence:
        if character in _CLOSER_OF:
            waiting.append(_CLOSER_OF[character])
        elif character in ")]" and (not waiting or waiting.pop() != character):
            return False
    quotes_closed = sentence.count('"') % 2 == 0 and ("“" not in sentence or sentence.count("“") == sentence.count("”"))
    return not waiting and quotes_closed


def _is_doubtful_on_paper(sentence: str) -> bool:
    return not sentence[0].isupper() or bool(_RUN_IN_HEADING.match(sentence) or _TORN_FORMULA.search(sentence))
