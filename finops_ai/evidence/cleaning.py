"""Making a text show what a reader sees: no invisible characters, one Unicode form, folded whitespace.

Belongs here: what every kind of source has in common after its words were found. Does not: finding them (`from_*`),
judging them (`wording`).
"""

import re
import unicodedata

# Each can carry text that a person does not see and a model reads; what was removed is counted and said.
INVISIBLE = {
    "soft hyphen": re.compile("\u00ad"),
    "bidirectional control": re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f]"),
    "tag character": re.compile("[\U000e0000-\U000e007f]"),
    "variation selector": re.compile("[\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]"),
    "zero-width character": re.compile(
        "[\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200d\u2060-\u2065\u3164\ufeff\uffa0\ufff9-\ufffb]"
    ),
    "control character": re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]"),
}
# One class, not alternatives: every text is searched for it, and most hold none.
_ANY_INVISIBLE = re.compile(f"[{''.join(pattern.pattern.strip('[]') for pattern in INVISIBLE.values())}]")
_LINE_END = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_OTHER_LINE_ENDS = frozenset("\r\x0b\x0c\x85\u2028\u2029")
_BLANK_LINES = re.compile("\n{3,}")


def clean(text: str) -> tuple[str, tuple[str, ...]]:
    """The text as a reader sees it, and what was taken out of it."""
    if not _OTHER_LINE_ENDS.isdisjoint(text):
        text = _LINE_END.sub("\n", text)
    warnings: list[str] = []
    if _ANY_INVISIBLE.search(text):
        for name, pattern in INVISIBLE.items():
            text, count = pattern.subn("", text)
            if count:
                warnings.append(removed(count, name))
    text = unicodedata.normalize("NFC", text)
    text = "\n".join(" ".join(line.split()) for line in text.split("\n"))
    if "\n\n\n" in text:
        text = _BLANK_LINES.sub("\n\n", text)
    return text.strip(), tuple(warnings)


def removed(count: int, thing: str) -> str:
    """The wording of a warning: "1 soft hyphen removed", "2 hidden elements removed"."""
    return f"{count} {thing}{'' if count == 1 else 's'} removed"


def fold(text: str) -> str:
    """One line: every run of whitespace is one space."""
    return " ".join(text.split())


def blocks_to_text(blocks: list[str]) -> str:
    """Paragraphs, headings, list items and table rows, each on a line of its own with a blank line between."""
    return "\n\n".join(folded for block in blocks if (folded := fold(block)))
