"""The visible text of a Markdown source.

Belongs here: which Markdown tokens a reader sees as text. Does not: rendering, cleaning of characters (`cleaning`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from finops_ai.evidence.cleaning import blocks_to_text, removed
from finops_ai.evidence.hidden import UNSEEN_TAGS, is_hidden
from finops_ai.evidence.model import Extraction

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?\n)?(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.S)
_FRONT_TITLE = re.compile(r"^title:\s*[\"']?(.+?)[\"']?\s*$", re.M)
_TEMPLATE_LINE = re.compile(r"^[ \t]*(?:\{%.*%\}|\{:.*\}|\{\{.*\}\})[ \t]*$", re.M)  # Jekyll, kramdown: never shown
_TAG = re.compile(r"<(/?)([a-zA-Z][\w-]*)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>")
_ATTRIBUTE = re.compile(r"([\w-]+)(?:\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s\"'>]+))?")
_VOID_TAGS = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


def read_markdown(source: str) -> Extraction:
    """Text and title. Code, raw HTML, images and front matter are left out; the text of a link is kept."""
    source = source.replace("\r\n", "\n")
    front = _FRONT_MATTER.match(source)
    body = _TEMPLATE_LINE.sub("", source[front.end() :] if front else source)
    sight = _Sight()
    blocks: list[str] = []
    title = ""
    opened = ""
    for token in _parser().parse(body):
        if token.type == "html_block":
            sight.passes(token.content)
            sight.unseen.append(token.content)
        elif token.type in {"fence", "code_block"}:
            sight.unseen.append(token.content)
        elif token.type == "inline":
            text = "".join(_visible(token.children or (), sight))
            if opened in {"td", "th"}:
                blocks[-1] += f"{text} | "
            else:
                blocks.append(text)
            title = title or (text if opened == "h1" else "")
        elif token.type == "tr_open":
            blocks.append("")
        opened = token.tag
    if front and (named := _FRONT_TITLE.search(front[1] or "")):
        title = named[1]
    warnings = (removed(sight.hidden, "hidden element"),) if sight.hidden else ()
    return Extraction(text=blocks_to_text(blocks), title=title, warnings=warnings, unseen="\n\n".join(sight.unseen))


def _visible(tokens: "Iterable[Token]", sight: "_Sight") -> Iterable[str]:
    for token in tokens:
        sight.unseen += [str(value) for name, value in token.attrs.items() if name in {"title", "alt"}]
        if token.type == "html_inline":
            sight.passes(token.content)
            sight.unseen.append(token.content)
        elif token.type == "image" or sight.inside:
            sight.unseen.append(token.content)
        else:
            if token.type in {"text", "code_inline", "text_special"}:
                yield token.content
            elif token.type in {"softbreak", "hardbreak"}:
                yield " "


@dataclass(slots=True)
class _Sight:
    """Whether the text at hand stands inside an HTML element that a browser does not show."""

    hidden: int = 0  # elements hidden on purpose, met so far
    unseen: list[str] = field(default_factory=list)  # text that is left out
    inside: list[str] = field(default_factory=list)  # the hidden element's tag, and equal tags opened within it

    def passes(self, html: str) -> None:
        for closing, tag, attributes in _TAG.findall(html):
            name = tag.lower()
            if self.inside:
                if name == self.inside[0]:
                    self.inside.pop() if closing else self.inside.append(name)
            elif not closing and name not in _VOID_TAGS:
                hidden = is_hidden(_attributes(attributes))
                self.hidden += hidden
                if hidden or name in UNSEEN_TAGS:
                    self.inside.append(name)


def _attributes(text: str) -> dict[str, str]:
    return {name.lower(): value.strip("\"'") for name, value in _ATTRIBUTE.findall(text)}


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table")
