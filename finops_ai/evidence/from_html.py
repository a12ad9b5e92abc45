"""What an HTML source says: its visible main text, and what it states about itself.

trafilatura decides which blocks are the main text; the words are taken from the page itself, block by block, because
a sentence must stand whole in what the reader sees. Belongs here: walking the page and its head. Does not: what is
hidden (`hidden`), cleaning of characters (`cleaning`).
"""

import html as entities
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from email.utils import parsedate_to_datetime
from functools import cache
from itertools import accumulate, islice
from typing import Any
from urllib.parse import urlsplit

from finops_ai.evidence.cleaning import INVISIBLE, fold, removed
from finops_ai.evidence.hidden import BARE, UNSEEN_TAGS, WHITE_PAGE, Paint, look, read_sheet
from finops_ai.evidence.model import EvidenceError, Extraction

CANONICAL_URL_LENGTH_MAX = 2000
STATED_LENGTH_MAX = CANONICAL_URL_LENGTH_MAX + 1  # characters of anything else stated; no cut makes another address
STATEMENTS_MAX = 20  # of one kind that are looked at
JSON_LD_LENGTH_MAX = 200_000  # of all such scripts of a page together; the rest is not read
SURE_LENGTH = 40  # characters without whitespace: no two blocks share so many by chance

_BLOCK_TAGS = frozenset(
    {"address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "dialog", "div", "dl"}
    | {"dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr"}
    | {"legend", "li", "main", "menu", "nav", "ol", "option", "p", "section", "summary", "table", "tbody", "td"}
    | {"tfoot", "th", "thead", "tr", "ul"}
    | {"cell", "head", "item", "list", "quote", "row"}  # as trafilatura calls its own
)
_MAY_HOLD_TEXT = ("noscript", "template", "textarea", "pre")
_BESIDE = re.compile(
    r"<!--(.{12,5000}?)-->|\s(?:alt|title|aria-label|aria-description|content|placeholder)\s*=\s*[\"']([^\"'<>]{12,2000})",
    re.DOTALL,
)
_FOOTNOTE_MARK = re.compile(r"\s*\[[\w\s]{1,12}\]\s*")
_TAKEN_OUT = "taken-out"  # a tag that is none
_AUTHOR_NAMES = ("author", "article:author", "dc.creator", "dcterms.creator", "citation_author", "parsely-author")
_DATE_NAMES = (
    *("article:published_time", "og:article:published_time", "datepublished", "citation_publication_date"),
    *("dc.date", "dc.date.issued", "dcterms.date", "dcterms.issued", "date", "pubdate", "parsely-pub-date"),
)
_ADDRESS = re.compile(r"https?://[^\s\x00-\x20\x7f<>\"'`\\{}|^]+", re.I)
_NO_NAME = re.compile(r"(?:https?:)?//|www\.|\S*@|\W*$", re.I)  # an address of a profile or for mail, a handle
_BY = re.compile(r"by\s+(?=\S)", re.I)
_DAY = re.compile(r"(\d{4})([-/]?)(\d\d)\2(\d\d)(?!\d)")
_DAY_OF_MAIL = re.compile(r"[a-z]{3}, \d{1,2} [a-z]{3} \d{4} \d\d:", re.I)
_NO_DAY = {"0001-01-01", "1970-01-01"}  # where clocks begin: a date that was never set
_SITE_NAME = re.compile(r"\s+[|·•–—»-]\s+.*", re.S)


def read_html(source: str) -> Extraction:
    """Raises EvidenceError when the page has no main text."""
    from lxml import etree, html

    source, controls = INVISIBLE["control character"].subn("", source)  # lxml writes none of them
    parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    # One class for every tag, chosen without a call into Python for every element that is looked at.
    parser.set_element_class_lookup(etree.ElementDefaultClassLookup(element=html.HtmlElement))
    try:
        page = html.document_fromstring(source.encode(), parser=parser)
    except etree.ParserError as problem:
        raise EvidenceError(f"cannot be read as HTML: {problem}") from None
    described = _linked_data(page)
    unseen: list[str] = []
    hidden = _drop_unseen(page, unseen)
    stated = _meta(page)
    counts = {"hidden element": hidden, "control character": controls}
    return Extraction(
        text="\n\n".join(_main_blocks(page)),
        unseen="\n\n".join([*unseen, *_beside_the_text(source)]),
        title=_title(page, stated, described),
        author=_author(stated, described),
        published=_published(page, stated, described),
        canonical_url=_canonical_url(page, stated),
        warnings=tuple(removed(count, thing) for thing, count in counts.items() if count),
    )


def _beside_the_text(source: str) -> Iterator[str]:
    """Comments and attributes: no reader sees them, and whoever reads the source for a model does."""
    for found in _BESIDE.finditer(source):
        if (text := found[1] or found[2] or "") and " " in text:
            yield entities.unescape(text)


def _drop_unseen(page: Any, unseen: list[str]) -> int:
    """Take out what a browser does not show, code and footnote marks. Counts the elements hidden on purpose.

    Their text is added to `unseen`.
    """
    from lxml import etree

    sheet = read_sheet(" ".join(style.text or "" for style in page.iter("style") if style.get("media") != "print"))
    unseen += [element.text_content() for element in page.iter(*_MAY_HOLD_TEXT)]
    etree.strip_elements(page, *UNSEEN_TAGS, "pre", with_tail=False)
    hidden = 0
    painted: dict[Any, Paint] = {}
    by_tag = {"dialog", *sheet.paints}  # what needs no attribute to look like something
    walk = etree.iterwalk(page, events=("start",))
    for _, element in walk:
        attributes = dict(element.items())
        if not attributes and element.tag not in by_tag:
            continue
        paint = look(element.tag, attributes, sheet)
        if paint is None:
            walk.skip_subtree()
            hidden += _take_out(element, unseen)
        elif paint is not BARE:
            painted[element] = paint
        if "style" in attributes:
            del element.attrib["style"]  # it has been judged; trafilatura takes "overflow:hidden" for hidden
    hidden += _drop_unreadable(painted, unseen)
    for mark in page.iter("sup"):
        if _FOOTNOTE_MARK.fullmatch(mark.text_content()):
            mark.tag = _TAKEN_OUT
    etree.strip_elements(page, _TAKEN_OUT, with_tail=False)
    return hidden


def _take_out(element: Any, unseen: list[str]) -> bool:
    """Mark it; True when there was text in it."""
    if element.tag in {"html", "body"}:
        raise EvidenceError("the whole page is hidden from a reader")
    element.tag = _TAKEN_OUT
    text = element.text_content().strip()
    unseen.append(text)
    return bool(text)


def _drop_unreadable(painted: dict[Any, Paint], unseen: list[str]) -> int:
    """Take out text in the colour of what it stands on. Counts the elements that lost some."""
    seen: dict[Any, Paint] = {}
    return sum(
        _lose_text(element, painted, unseen) for element in painted if not _as_seen(element, painted, seen).shows
    )


def _as_seen(element: Any, painted: dict[Any, Paint], seen: dict[Any, Paint]) -> Paint:
    """With the colours of all that it stands in; `seen` keeps what was found, so that no element is climbed twice."""
    climbed = []
    while element is not None and element not in seen:
        climbed.append(element)
        element = element.getparent()
    paint = WHITE_PAGE if element is None else seen[element]
    for below in reversed(climbed):
        own = painted.get(below, BARE)
        paint = own.over(paint)
        if below.tag in {"html", "body"} and not own.paper and not paint.shows:
            paint = Paint(ink=paint.ink)  # a page that writes in white does not stand on white, whatever it stands on
        seen[below] = paint
    return paint


def _lose_text(element: Any, painted: dict[Any, Paint], unseen: list[str]) -> bool:
    """Its own, and that of all within it which sets no colours. True when there was any."""
    from lxml import etree

    lost = [element.text]
    element.text = None
    walk = etree.iterwalk(element, events=("start",))
    for _, within in walk:
        if within is not element:
            lost.append(within.tail)
            within.tail = None
            if within in painted:
                walk.skip_subtree()
            else:
                lost.append(within.text)
                within.text = None
    text = "".join(piece for piece in lost if piece).strip()
    unseen.append(text)
    return bool(text)


def _main_blocks(page: Any) -> Iterator[str]:
    """The blocks of the page that are in what trafilatura takes for its main text.

    Whitespace does not count: it moves spaces, words it leaves alone. A short block has to follow the block before it or
    to be one of its pieces, or else a link called "Home" would count wherever a home is spoken of.
    """
    pieces = _main_pieces(page)
    main = "".join(pieces)
    ends = dict(zip(pieces, accumulate(map(len, pieces)), strict=True))
    counts = Counter(pieces)
    here = 0
    for block in _blocks(page.body):
        words = block.split()
        letters = "".join(words)
        if not letters:
            continue
        if main.startswith(letters, here):
            here += len(letters)
        elif letters in ends:
            here = ends[letters] if counts[letters] == 1 else here
        elif len(letters) >= SURE_LENGTH and (at := main.find(letters)) >= 0:
            here = at + len(letters)
        else:
            continue
        yield " ".join(words)


def _main_pieces(page: Any) -> list[str]:
    from trafilatura import bare_extraction

    document: Any = bare_extraction(page, options=_options())  # works on a copy
    pieces = ["".join(piece.split()) for piece in _blocks(document.body)] if document else []
    if not any(pieces):
        raise EvidenceError("holds no main text")
    return pieces


@cache
def _options() -> Any:
    from trafilatura.settings import Extractor

    return Extractor(comments=False, tables=True, formatting=False, recall=True)


def _blocks(body: Any) -> Iterator[str]:
    """The text of each paragraph, heading, list item and table cell, in reading order."""
    from lxml import etree

    block: list[str] = []
    for event, element in etree.iterwalk(body, events=("start", "end")):
        tag = element.tag
        if tag in _BLOCK_TAGS:
            if block:
                yield "".join(block)
                block.clear()
        elif tag == "br":
            block.append(" ")
        if text := element.text if event == "start" else element.tail:
            block.append(text)
    yield "".join(block)


def _linked_data(page: Any) -> list[dict[str, Any]]:
    """What JSON-LD says of the article, then of the page; nothing of articles when it names several: that is a list."""
    nodes: list[dict[str, Any]] = []
    left = JSON_LD_LENGTH_MAX
    for script in page.iter("script"):
        if "ld+json" in script.get("type", "").lower():
            text = script.text or ""
            left -= len(text)
            nodes += _nodes(text) if left >= 0 else []
    articles = [node for node in nodes if _is_a(node, "Article", "Posting", "Report")]
    return (articles if len(articles) == 1 else []) + [node for node in nodes if _is_a(node, "Page")]


def _nodes(text: str) -> list[dict[str, Any]]:
    try:
        given = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return []
    top = given if isinstance(given, list) else [given]
    graphs = [node["@graph"] for node in top if isinstance(node, dict) and isinstance(node.get("@graph"), list)]
    return [node for nodes in (top, *graphs) for node in nodes if isinstance(node, dict)]


def _is_a(node: dict[str, Any], *endings: str) -> bool:
    kinds = node.get("@type")
    return any(
        isinstance(kind, str) and kind.endswith(endings) for kind in (kinds if isinstance(kinds, list) else [kinds])
    )


def _meta(page: Any) -> dict[str, list[str]]:
    """The contents of each `<meta>` by its name in lower case, in the order of the page."""
    found: dict[str, list[str]] = {}
    for element in page.iter("meta"):
        name = element.get("property") or element.get("name") or element.get("itemprop") or ""
        contents = found.setdefault(name.strip().lower(), [])
        content = fold(element.get("content", "")[:STATED_LENGTH_MAX])
        if content and len(contents) < STATEMENTS_MAX:
            contents.append(content)
    return found


def _title(page: Any, stated: dict[str, list[str]], described: list[dict[str, Any]]) -> str:
    """Without the name of the site, where a heading that the reader sees tells which part that is.

    What the page calls itself where others link to it comes first: a `<title>` is for a window, and a heading may as
    well be the name of the newspaper.
    """
    headings = [_text_of(heading) for heading in islice(page.iter("h1"), STATEMENTS_MAX)]
    headlines = [node["headline"] for node in described if isinstance(node.get("headline"), str)]
    titles = [
        *stated.get("og:title", ()),
        *map(_plain, headlines),
        *map(_text_of, islice(page.iter("title"), STATEMENTS_MAX)),
    ]
    title = next(filter(None, [*titles, *headings]), "")
    for heading in headings:
        if heading and title.startswith(heading) and _SITE_NAME.fullmatch(title[len(heading) :]):
            return heading
    return title


def _author(stated: dict[str, list[str]], described: list[dict[str, Any]]) -> str:
    """Every name once, in the order and from the first place that gives any."""
    places = [_people(node.get("author")) for node in described]
    for people in (*places, *(stated.get(name, ()) for name in _AUTHOR_NAMES)):
        names = [_BY.sub("", name, count=1) for name in people if not _NO_NAME.match(name)]
        if names:
            return ", ".join(dict.fromkeys(names))
    return ""


def _people(value: Any) -> list[str]:
    people = (value if isinstance(value, list) else [value])[:STATEMENTS_MAX]
    names = [person.get("name") if isinstance(person, dict) else person for person in people]
    return [_plain(name) for name in names if isinstance(name, str)]


def _published(page: Any, stated: dict[str, list[str]], described: list[dict[str, Any]]) -> str:
    days = [_day(node.get("datePublished")) for node in described]
    days += [_day(content) for name in _DATE_NAMES for content in stated.get(name, ())]
    return next(filter(None, days), "") or _day_in_header(page)


def _day_in_header(page: Any) -> str:
    """Of `<time>` elements that say so; nothing when they differ: then the page is a list of articles."""
    saying = (element for element in page.iter("time") if _says_published(element))
    days = {_day(element.get("datetime")) for element in islice(saying, STATEMENTS_MAX) if _is_in_header(element)} - {
        ""
    }
    return days.pop() if len(days) == 1 else ""


def _says_published(element: Any) -> bool:
    return "pubdate" in element.attrib or "datepublished" in element.get("itemprop", "").lower()


def _is_in_header(element: Any) -> bool:
    above = {ancestor.tag for ancestor in element.iterancestors()}
    return "header" in above and not above.isdisjoint({"article", "main"})


def _day(value: Any) -> str:
    """The day as the page writes it, whatever the time zone; "" for what is no day, or can be read as two."""
    text = value.strip()[:STATED_LENGTH_MAX] if isinstance(value, str) else ""
    try:
        if match := _DAY.match(text):
            day = date(int(match[1]), int(match[3]), int(match[4])).isoformat()
        else:
            day = parsedate_to_datetime(text).date().isoformat() if _DAY_OF_MAIL.match(text) else ""
    except ValueError:
        return ""
    return "" if day in _NO_DAY else day


def _canonical_url(page: Any, stated: dict[str, list[str]]) -> str:
    """A relative one is ignored: the reader does not know where the page stands."""
    links = (link for link in page.iter("link") if "canonical" in link.get("rel", "").lower().split())
    addresses = [*(link.get("href", "").strip() for link in links), *stated.get("og:url", ())]
    return next(filter(_is_url, addresses), "")


def _is_url(address: str) -> bool:
    if len(address) > CANONICAL_URL_LENGTH_MAX or not _ADDRESS.fullmatch(address):
        return False
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        return False


def _text_of(element: Any) -> str:
    return fold(element.text_content()[:STATED_LENGTH_MAX])


def _plain(text: str) -> str:
    """JSON-LD often holds what was escaped for HTML."""
    return fold(entities.unescape(text[:STATED_LENGTH_MAX]))
