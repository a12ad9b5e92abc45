"""The entries of an RSS or Atom feed: their titles, their text, their links.

Belongs here: the three dialects, and what a reader sees of an entry. Does not: fetching what an entry links to. The XML
of a stranger goes through defusedxml: nothing is expanded, and a document type is refused.
"""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from finops_ai.evidence.cleaning import blocks_to_text, removed
from finops_ai.evidence.hidden import BARE, UNSEEN_TAGS, WHITE_PAGE, look, read_sheet
from finops_ai.evidence.model import EvidenceError, Extraction

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

ENTRIES_MAX = 1_000
_CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
_DUBLIN_CORE_DATE = "{http://purl.org/dc/elements/1.1/}date"
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MARKUP = re.compile(r"<[a-zA-Z/!][^<>]*>|&#?\w+;")
_NO_TEXT = UNSEEN_TAGS | {"head", "pre", "title"}
_TEXT_KINDS = {"html", "text", "text/html", "text/plain", "xhtml"}  # Atom also has images and whole other documents
_INLINE_TAGS = {
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "br", "cite", "code", "data", "del", "dfn", "em", "font", "i",
    "img", "ins", "kbd", "label", "mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time",
    "tt", "u", "var", "wbr",
}  # fmt: skip


def read_feed(content: bytes) -> Extraction:
    """Raises EvidenceError for broken XML, a document type, another kind of XML, or a feed without entries."""
    feed, entries = _parse(content)
    if not entries:
        raise EvidenceError("a feed without entries")
    read = entries[:ENTRIES_MAX]
    bounded = (f"only the first {ENTRIES_MAX:,} of {len(entries):,} entries were read",)
    counts: Counter[str] = Counter()
    title = " ".join(_seen(_child(feed, "title"), counts))
    blocks = [block for entry in read for part in _parts(entry) for block in _seen(part, counts)]
    dates = [date for entry in read if (date := _date_of(entry))]
    hidden = tuple(removed(count, thing) for thing, count in counts.items() if count)
    return Extraction(
        text=blocks_to_text(blocks),
        title=title,
        warnings=(bounded if len(entries) > ENTRIES_MAX else ()) + hidden,
        published=max(dates)[1] if dates else "",
        links=tuple(dict.fromkeys(link for entry in read if (link := _link_of(entry)))),
    )


def _parse(content: bytes) -> tuple["Element", list["Element"]]:
    """The element with the feed's title, and the entries."""
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        root: Element = fromstring(content, forbid_dtd=True)
    except DefusedXmlException:
        raise EvidenceError("a feed with a document type or entities of its own, which is refused") from None
    except (ParseError, ValueError, LookupError) as problem:  # the latter two: an encoding that is not known
        raise EvidenceError(f"a broken feed: {problem}") from None
    dialect = root.tag.rpartition("}")[2]
    channel = root if dialect == "feed" else root.find("{*}channel")
    if dialect not in {"feed", "rss", "RDF"} or channel is None:
        raise EvidenceError(f"XML that is neither RSS nor Atom: it begins with <{dialect}>")
    name = "entry" if dialect == "feed" else "item"
    return channel, (root if dialect == "RDF" else channel).findall(_beside(channel, name))


def _beside(element: "Element", name: str) -> str:
    """A name in the same namespace, for <media:title> and <atom:link> are not what <title> and <link> are."""
    namespace, brace, _ = element.tag.rpartition("}")
    return f"{namespace}{brace}{name}"


def _child(element: "Element", name: str) -> "Element | None":
    return element.find(_beside(element, name))


def _parts(entry: "Element") -> Iterator["Element | None"]:
    """Title and text; an excerpt only where there is no whole."""
    yield _child(entry, "title")
    names = (_CONTENT, _beside(entry, "content"), _beside(entry, "summary"), _beside(entry, "description"))
    found = (entry.find(name) for name in names)
    yield next((part for part in found if part is not None and "".join(part.itertext()).strip()), None)


def _seen(part: "Element | None", counts: Counter[str]) -> list[str]:
    """The blocks that a reader shows of a title or text."""
    if part is None:
        return []
    kind = part.get("type", "text" if "atom" in part.tag.lower() else "html").lower()
    if kind not in _TEXT_KINDS:
        return []
    if len(part):
        return list(_blocks(_as_html(part), counts))
    text = part.text or ""
    return list(_blocks(text, counts)) if "html" in kind and _MARKUP.search(text) else [text]


def _as_html(part: "Element") -> str:
    from defusedxml.ElementTree import tostring

    for element in part.iter():
        element.tag = element.tag.rpartition("}")[2]
    part.tail = None
    return str(tostring(part, encoding="unicode"))


def _blocks(markup: str, counts: Counter[str]) -> Iterator[str]:
    from lxml import html

    parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    page = html.document_fromstring(f"<body>{markup}".encode(), parser=parser)
    block: list[str] = []
    for tag, text in _pieces(page, counts):
        if tag not in _INLINE_TAGS:
            yield "".join(block)
            block.clear()
        elif tag == "br":
            block.append(" ")
        block.append(text)
    yield "".join(block)


def _pieces(page: Any, counts: Counter[str]) -> Iterator[tuple[str, str]]:
    """Each tag that begins or ends, and the text that a reader sees after it. Counts the elements hidden on purpose."""
    from lxml import etree

    sheet = read_sheet(" ".join(style.text or "" for style in page.iter("style")))
    walk = etree.iterwalk(page, events=("start", "end"))
    paints = [WHITE_PAGE]  # of all that is open, outermost first
    for event, element in walk:
        text = element.tail
        if event == "end":
            paints.pop()
        else:
            paint = look(element.tag, element.attrib, sheet)
            paints.append((paint or BARE).over(paints[-1]))
            if paint is None or (paint is not BARE and not paints[-1].shows):
                counts["hidden element"] += bool(element.text_content().strip())
            text = element.text
            if paint is None or element.tag in _NO_TEXT:
                walk.skip_subtree()
                text = ""
        yield element.tag, text if text and paints[-1].shows else ""


def _date_of(entry: "Element") -> tuple[datetime, str] | None:
    """Of its first publication, where it says that: to compare (UTC where it names no zone), and as ISO 8601."""
    names = [_beside(entry, name) for name in ("published", "issued", "pubDate")]
    for name in (*names, _DUBLIN_CORE_DATE, _beside(entry, "updated")):
        text = entry.findtext(name, "").strip()
        if date := _date(text):
            return date, (date.date() if _DAY.fullmatch(text) else date).isoformat()
    return None


def _date(text: str) -> datetime | None:
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            date = parse(text)
        except (ValueError, OverflowError):
            continue
        return date if date.tzinfo else date.replace(tzinfo=UTC)
    return None


def _link_of(entry: "Element") -> str:
    """Absolute, http or https; "" when the entry has none."""
    links = entry.findall(_beside(entry, "link"))
    found = [link.get("href") or link.text or "" for link in links if link.get("rel", "alternate") == "alternate"]
    guid = _child(entry, "guid")
    if guid is not None and guid.get("isPermaLink", "true").strip().lower() == "true":
        found.append(guid.text or "")
    return next((link for link in map(str.strip, found) if _is_absolute(link)), "")


def _is_absolute(link: str) -> bool:
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not re.search(r"\s", link)
