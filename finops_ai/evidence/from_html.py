"""The visible main text of an HTML source.

trafilatura decides which blocks are the main text; the words are taken from the page itself, block by block, because
a sentence must stand whole in what the reader sees. Belongs here: walking the page. Does not: what is hidden
(`hidden`), cleaning of characters (`cleaning`).
"""

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from finops_ai.evidence.cleaning import INVISIBLE, blocks_to_text, clean, removed
from finops_ai.evidence.hidden import UNSEEN_TAGS, hiding_names, is_hidden
from finops_ai.evidence.model import EvidenceError

_BLOCK_TAGS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "caption",
        "center",
        "dd",
        "details",
        "dialog",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "legend",
        "li",
        "main",
        "menu",
        "nav",
        "ol",
        "option",
        "p",
        "section",
        "summary",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
    ]
)
_FOOTNOTE_MARK = re.compile(r"\s*\[[\w\s]{1,12}\]\s*")
_SPACE = re.compile(r"\s+")


def read_html(source: str) -> tuple[str, str, tuple[str, ...]]:
    """Text, title, warnings. Raises EvidenceError when the page has no main text."""
    from lxml import etree, html

    source, controls = INVISIBLE["control character"].subn("", source)  # lxml writes none of them
    parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        page = html.document_fromstring(source.encode(), parser=parser)
    except etree.ParserError as problem:
        raise EvidenceError(f"cannot be read as HTML: {problem}") from None
    title = page.findtext(".//title") or page.findtext(".//h1") or ""
    hidden = _drop_unseen(page)
    main = _main_text(deepcopy(page))
    blocks = [block for block in _blocks(page) if _squash(block) in main]
    counts = {"hidden element": hidden, "control character": controls}
    return blocks_to_text(blocks), title, tuple(removed(count, thing) for thing, count in counts.items() if count)


def _drop_unseen(page: Any) -> int:
    """Take out what a browser does not show, code and footnote marks. Counts the elements hidden on purpose."""
    hiding = hiding_names(" ".join(style.text or "" for style in page.iter("style")))
    hidden = [element for element in page.iter() if is_hidden(element.attrib, hiding)]
    if any(element.tag in {"html", "body"} for element in hidden):
        raise EvidenceError("the whole page is hidden from a reader")
    with_text = [element for element in hidden if element.text_content().strip()]
    outermost = [element for element in with_text if not any(above in with_text for above in element.iterancestors())]
    routine = [element for element in page.iter(*UNSEEN_TAGS, "pre", "sup") if _is_routine(element)]
    for element in [*hidden, *routine]:
        if element.getparent() is not None:
            element.drop_tree()
    return len(outermost)


def _is_routine(element: Any) -> bool:
    return element.tag != "sup" or bool(_FOOTNOTE_MARK.fullmatch(element.text_content()))


def _main_text(page: Any) -> str:
    """What trafilatura takes for the main text, without whitespace: it moves spaces, words it leaves alone."""
    from trafilatura import extract

    main = extract(page, include_comments=False, include_tables=True, include_formatting=False, favor_recall=True)
    if not main:
        raise EvidenceError("holds no main text")
    return _squash(main)


def _blocks(page: Any) -> Iterator[str]:
    """The text of each paragraph, heading, list item and table cell, in reading order."""
    from lxml import etree

    block: list[str] = []
    for event, element in etree.iterwalk(page.body, events=("start", "end")):
        if element.tag in _BLOCK_TAGS:
            yield "".join(block)
            block.clear()
        elif element.tag == "br":
            block.append(" ")
        block.append((element.text if event == "start" else element.tail) or "")
    yield "".join(block)


def _squash(text: str) -> str:
    return _SPACE.sub("", clean(text)[0])
