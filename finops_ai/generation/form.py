"""Has a draft the form that was asked for? One row per shortcoming of the whole draft, for the quality gate.

Belongs here: sections, length, what Markdown it may hold. Does not: its sentences (`checks`), what makes the gate fail
(`orchestration.gates`). These checks cost nothing and look at the answer, which is what makes it worth asking a cheap model
first and a dear one only where they fail.
"""

import re
from collections.abc import Iterator
from typing import Any

from finops_ai.policy import DraftForm

_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*\s*$", re.MULTILINE)
_UNWANTED = {
    "a table": re.compile(r"^\s*\|?\s*:?-{3,}:?\s*\|", re.MULTILINE),
    "a code block": re.compile(r"^\s*(```|~~~)", re.MULTILINE),
}


def form_rows(markdown: str, form: DraftForm) -> list[dict[str, Any]]:
    """Rows like those of `sentence_rows`; none: the draft has the form that the policy asks for."""
    return [
        {"sentence": "(the whole draft)", "cites": "", "citation": "held", "finding": f"form: {shortcoming}"}
        for shortcoming in _shortcomings(markdown, form)
    ]


def _shortcomings(markdown: str, form: DraftForm) -> Iterator[str]:
    headings = {heading.casefold() for heading in _HEADING.findall(markdown)}
    for section in form.sections:
        if section.casefold() not in headings:
            yield f"the section “{section}” is missing"
    words = len(markdown.split())
    if form.words_max is not None and words > form.words_max:
        yield f"{words} words, at most {form.words_max}"
    for name, pattern in _UNWANTED.items():
        if pattern.search(markdown):
            yield f"it holds {name}"
