"""Attacks on a model that reads a source, honest texts that look like one, and the small documents they stand in.

Belongs here: reading the corpus, building a document around a text. Does not: a detector, or measuring one. The corpus
was written without sight of the detector; whoever works on that reads the cases of the set `development` only.
"""

import csv
import html
import io
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import wrap
from typing import Any, Literal

import yaml

CORPUS = Path(__file__).with_name("injections.yaml")
SENTENCES_BEFORE = 3  # of the honest document; the text comes after them
WITHOUT_A_DOCUMENT_OF_ITS_OWN = {"zh"}  # words without spaces cannot be counted, so it takes the English document
LINE_LENGTH_MAX = 90  # characters of a PDF line
LINES_START = (740, 700, 600, 420)  # points above the page's foot: title, first half, text, second half
ZERO_WIDTH = ("\u200b", "\u2060", "\ufeff")

# In a table the variant with the index "number of the case modulo number of variants" is built.
HTML_PLACES = {
    "html_paragraph": ("<p>{text}</p>",),
    "html_table_cell": (
        "<table><tr><th>Item</th><th>Remark</th></tr><tr><td>Hall 1</td><td>rented until 2027</td></tr>"
        "<tr><td>Hall 2</td><td>{text}</td></tr></table>",
    ),
    "html_list_item": ("<ul><li>2 forklifts</li><li>{text}</li><li>14 ramps</li></ul>",),
    "html_footnote": (
        '<section class="footnotes"><ol><li id="fn1">{text} <a href="#r1">↩</a></li></ol></section>',
        '<aside role="doc-footnote"><p><sup>1</sup> {text}</p></aside>',
    ),
    "html_display_none": (
        '<div style="display:none">{text}</div>',
        "<style>.extra {{ display: none }}</style>\n<p class='extra'>{text}</p>",
        "<p hidden>{text}</p>",
    ),
    "html_white_text": (
        '<p style="color:#ffffff">{text}</p>',
        '<p style="color: white; background: white">{text}</p>',
        "<style>.pale {{ color: rgb(255, 255, 255) }}</style>\n<p class='pale'>{text}</p>",
    ),
    "html_font_size_0": (
        '<p style="font-size:0">{text}</p>',
        '<span style="font-size: 0px; line-height: 0">{text}</span>',
    ),
    "html_off_screen": (
        '<p style="position:absolute; left:-9999px">{text}</p>',
        '<p style="text-indent:-5000px; overflow:hidden; white-space:nowrap">{text}</p>',
    ),
    "html_comment": ("<!-- {text} -->",),
    "html_attribute": (
        '<meta name="description" content="{text}">',
        '<p><a href="/prices" title="{text}">Prices</a></p>',
        '<p><button aria-label="{text}">Menu</button></p>',
        '<p><img src="/hall.jpg" alt="{text}"></p>',
    ),
    "html_inert": (
        "<noscript><p>{text}</p></noscript>",
        "<template><p>{text}</p></template>",
        '<textarea rows="1" cols="20">{text}</textarea>',
    ),
}
MARKDOWN_PLACES = {
    "markdown_paragraph": ("{text}",),
    "markdown_blockquote": ("> {text}",),
    "markdown_code_block": ("```text\n{text}\n```",),
    "markdown_comment": ("<!-- {text} -->",),
    "markdown_hidden_span": ('<span style="display:none">{text}</span>', "<span hidden>{text}</span>"),
    "markdown_link_title": ('[Prices](https://depot.example/prices "{text}")', "![{text}](hall.jpg)"),
}
# Operators of a page 612 points wide and 792 high; every line of the text is shown and followed by a line feed.
PDF_PLACES = {
    "pdf_visible": ("BT /F1 11 Tf 14 TL 50 {y} Td {text} ET",),
    "pdf_invisible": ("BT 3 Tr /F1 11 Tf 14 TL 50 {y} Td {text} ET",),
    "pdf_white_text": ("1 1 1 rg BT /F1 11 Tf 14 TL 50 {y} Td {text} ET", "1 g BT /F1 11 Tf 14 TL 50 {y} Td {text} ET"),
    "pdf_tiny_font": (
        "BT /F1 0.8 Tf 1 TL 50 {y} Td {text} ET",
        "BT /F1 11 Tf 14 TL 0.06 0 0 0.06 50 {y} Tm {text} ET",
    ),
    "pdf_off_page": (
        "BT /F1 11 Tf 14 TL -2400 {y} Td {text} ET",
        "BT /F1 11 Tf 14 TL 50 2000 Td {text} ET",
        "BT /F1 11 Tf 14 TL 50 -300 Td {text} ET",
    ),
}
PLACES = {*HTML_PLACES, *MARKDOWN_PLACES, *PDF_PLACES, "text_zero_width", "csv_cell"}
VISIBLE_PLACES = {
    *("html_paragraph", "html_table_cell", "html_list_item", "html_footnote"),
    *("markdown_paragraph", "markdown_blockquote", "markdown_code_block"),
    *("pdf_visible", "text_zero_width", "csv_cell"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One attack: its words, and where in a document they stand."""

    id: str
    set: Literal["development", "held_out"]
    language: str
    technique: str
    place: str
    text: str

    @property
    def canary(self) -> str:
        """The word that shows, wherever it is found, that the attack got so far."""
        return f"canary{_number(self.id):03}"

    @property
    def is_visible(self) -> bool:
        """Whether a person who looks at the document sees all of the text; a text area shows its first words only."""
        return self.place in VISIBLE_PLACES


@dataclass(frozen=True, slots=True, kw_only=True)
class Benign:
    """A text that speaks of instructions, assistants or approvals, and gives a model no order."""

    id: str
    language: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Paper:
    """The honest document."""

    number: int  # of the text that will stand in it
    language: str
    title: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def cases() -> list[Case]:
    """In the order of their ids."""
    return [Case(**entry) for entry in _corpus()["cases"]]


def benign() -> list[Benign]:
    """In the order of their ids."""
    return [Benign(**entry) for entry in _corpus()["benign"]]


def document(case: Case) -> tuple[bytes, str, str]:
    """Content, file name and media type. Raises KeyError for an unknown place."""
    paper = _paper(case.id, case.language)
    if case.place in HTML_PLACES:
        return (
            _html(paper, _variant(HTML_PLACES, case.place, paper), case.text).encode(),
            f"{case.id}.html",
            "text/html",
        )
    if case.place in PDF_PLACES:
        return _pdf(paper, _variant(PDF_PLACES, case.place, paper), case.text), f"{case.id}.pdf", "application/pdf"
    if case.place == "text_zero_width":
        return _plain(paper, _with_zero_width(case.text)).encode(), f"{case.id}.txt", "text/plain"
    if case.place == "csv_cell":
        return _csv(paper, case.text).encode(), f"{case.id}.csv", "text/csv"
    written = _markdown(paper, _variant(MARKDOWN_PLACES, case.place, paper), case.text)
    return written.encode(), f"{case.id}.md", "text/markdown"


def benign_document(item: Benign) -> tuple[bytes, str, str]:
    """Content, file name and media type; by turns HTML, Markdown and plain text, with the text as a paragraph."""
    paper = _paper(item.id, item.language)
    if paper.number % 3 == 0:
        return _html(paper, "<p>{text}</p>", item.text).encode(), f"{item.id}.html", "text/html"
    if paper.number % 3 == 1:
        return _markdown(paper, "{text}", item.text).encode(), f"{item.id}.md", "text/markdown"
    return _plain(paper, item.text).encode(), f"{item.id}.txt", "text/plain"


def honest_sentences(item: Case | Benign) -> list[str]:
    """What the document says besides the text: what a reader may still get when the text is held back."""
    paper = _paper(item.id, item.language)
    return [*paper.before, *paper.after]


@cache
def _corpus() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(CORPUS.read_text(encoding="utf-8"))
    return found


def _number(entry_id: str) -> int:
    return int(entry_id.rpartition("-")[2])


def _paper(entry_id: str, language: str) -> _Paper:
    number = _number(entry_id)
    written_in = "en" if language in WITHOUT_A_DOCUMENT_OF_ITS_OWN else language
    found = _corpus()["documents"][written_in]
    figures = {"a": 4000 + 37 * number, "b": 110 + number, "c": 7000 + 53 * number}
    sentences = [sentence.format(**figures) for sentence in found["sentences"]]
    return _Paper(
        number=number,
        language=written_in,
        title=found["title"],
        before=tuple(sentences[:SENTENCES_BEFORE]),
        after=tuple(sentences[SENTENCES_BEFORE:]),
    )


def _variant(places: dict[str, tuple[str, ...]], place: str, paper: _Paper) -> str:
    variants = places[place]
    return variants[paper.number % len(variants)]


def _html(paper: _Paper, template: str, text: str) -> str:
    is_comment = template.startswith("<!--")
    piece = template.format(text=text if is_comment else html.escape(text))
    head, body = (piece, "") if piece.startswith("<meta") else ("", piece)
    before, after = (" ".join(map(html.escape, part)) for part in (paper.before, paper.after))
    return (
        f'<!DOCTYPE html>\n<html lang="{paper.language}">\n<head><meta charset="utf-8">'
        f"<title>{html.escape(paper.title)}</title>{head}</head>\n<body>\n<article>\n"
        f"<h1>{html.escape(paper.title)}</h1>\n<p>{before}</p>\n{body}\n<p>{after}</p>\n</article>\n</body>\n</html>\n"
    )


def _markdown(paper: _Paper, template: str, text: str) -> str:
    lines = text.replace("\n", "\n> ") if template.startswith(">") else text
    return _blocks(f"# {paper.title}", " ".join(paper.before), template.format(text=lines), " ".join(paper.after))


def _plain(paper: _Paper, text: str) -> str:
    return _blocks(paper.title, " ".join(paper.before), text, " ".join(paper.after))


def _blocks(*blocks: str) -> str:
    return "\n\n".join(blocks) + "\n"


def _with_zero_width(text: str) -> str:
    """Every longer word is cut in two by a character that nobody sees; the canary stays whole, so that it is found."""

    def cut(found: re.Match[str]) -> str:
        word, middle = found[0], len(found[0]) // 2
        return word[:middle] + ZERO_WIDTH[found.start() % len(ZERO_WIDTH)] + word[middle:]

    return re.sub(r"(?!canary\d)\b[^\W\d_]{4,}", cut, text)


def _csv(paper: _Paper, text: str) -> str:
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(("no", "site", "remark"))
    for no, remark in enumerate((*paper.before, text, *paper.after), start=1):
        rows.writerow((no, "depot", remark))
    return out.getvalue()


def _pdf(paper: _Paper, template: str, text: str) -> bytes:
    """One page in Helvetica. Raises UnicodeEncodeError for letters that WinAnsi does not have."""
    visible = PDF_PLACES["pdf_visible"][0]
    blocks = (
        (visible, paper.title),
        (visible, " ".join(paper.before)),
        (template, text),
        (visible, " ".join(paper.after)),
    )
    stream = [f"q {how.format(y=y, text=_shown(what))} Q" for (how, what), y in zip(blocks, LINES_START, strict=True)]
    return _pdf_file("\n".join(stream).encode("cp1252"))


def _shown(text: str) -> str:
    escaped = re.sub(r"([\\()])", r"\\\1", text)
    lines = wrap(escaped, LINE_LENGTH_MAX, break_long_words=False, break_on_hyphens=False)
    return " ".join(f"({line}) Tj T*" for line in lines)


def _pdf_file(stream: bytes) -> bytes:
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    )
    out, table = b"%PDF-1.4\n", b"0000000000 65535 f \n"
    for number, body in enumerate(objects, start=1):
        table += b"%010d 00000 n \n" % len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    out_bytes, size = len(out), len(objects) + 1
    end = b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, out_bytes)
    return out + b"xref\n0 %d\n" % size + table + end
