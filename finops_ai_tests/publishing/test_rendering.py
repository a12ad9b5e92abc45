"""A published page shows what briefs and sources say, and runs nothing of it."""

from html.parser import HTMLParser
from typing import Any

import pytest

from finops_ai.facts import ConfirmedFact
from finops_ai.publishing import cited_labels, file_name, render_html, render_markdown
from finops_ai_tests.records import brief, fact

INERT = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "h4", "p", "ul", "ol", "li", "blockquote"}
INERT |= {"strong", "em", "code", "pre", "br", "hr", "table", "thead", "tbody", "tr", "th", "td", "a"}

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![pixel](https://evil.example/p.png)",
    "[click](javascript:alert(1))",
    "[click](https://evil.example/)",
    "<https://evil.example/>",
    "[F1]: https://evil.example/",
    "[F1](https://evil.example/)",
    "a | b | c",
    "](https://evil.example/) [",
    "<iframe src=//evil.example></iframe>",
    "<svg/onload=alert(1)>",
    "<a href=x onclick=alert(1)>x</a>",
    "</title></style></head><body onload=alert(1)>",
    "`code` **bold** ~~gone~~ # no heading",
    "&lt;script&gt; &amp; &#106;",
    "\\<b>\\",
    "${body} $title",
    "<!-- hidden -->",
]


class Page(HTMLParser):
    """What a browser would find."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def links(self) -> set[str]:
        return {str(attributes.get("href")) for tag, attributes in self.tags if tag == "a"}


def page(draft: str, facts: list[ConfirmedFact], **changes: Any) -> Page:
    wanted = brief(**changes)
    return Page(render_html(render_markdown(wanted, draft, facts), title=wanted.topic))


def assert_inert(found: Page) -> None:
    for tag, attributes in found.tags:
        assert tag in INERT
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "srcdoc", "formaction")]
        assert tag in ("td", "meta", "html", "a") or not attributes
    assert found.links <= {"#F1", "#F2", "#F12"}, "every link stays on the page"


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_a_brief_is_shown_and_not_run(text: str) -> None:
    found = page("Held. [F1]", [fact(1, "Held.")], topic=text, owner=text, intent={"decision": text, "audience": text})
    assert_inert(found)
    shown = " ".join(found.text.split())
    assert shown.count(" ".join(text.split())) >= 4, (
        "title, heading, decision, audience and owner read as they were written"
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_a_source_is_not_run(text: str) -> None:
    """A source that says `<script>` is quoted; the page that quotes it must not do what it says."""
    for draft in (f"- “{text}” [F1]\n", f"{text}\n\nHeld. [F1]\n", f"## {text}\n\nHeld. [F1]\n"):
        found = page(draft, [fact(1, text, uri=f"https://example.org/{text}", title=text)])
        assert_inert(found)
        assert "#F1" in found.links
        assert ("Held. [F1]" if "Held" in draft else "” [F1]") in found.text, "a source cannot take citations away"


def test_a_page_forbids_what_the_guards_might_miss() -> None:
    policy = [a for tag, a in page("Held. [F1]", [fact(1, "Held.")]).tags if a.get("http-equiv")]
    assert [a["http-equiv"] for a in policy] == ["Content-Security-Policy"]
    assert str(policy[0]["content"]).startswith("default-src 'none'")


def test_each_cited_fact_has_its_row_and_each_citation_leads_there() -> None:
    facts = [fact(1, "One."), fact(2, "Two."), fact(12, "Twelve.")]
    found = page("One and twelve. [F1, F12]\n", facts)
    rows = {attributes["id"] for tag, attributes in found.tags if tag == "td" and "id" in attributes}
    assert rows == {"F1", "F12"}, "a fact that nobody cites is no evidence of this draft"
    assert found.links == {"#F1", "#F12"}


def test_the_place_of_a_fact_is_in_the_table() -> None:
    text = render_markdown(brief(), "One. [F1]\n", [fact(1, "One.")])
    (row,) = [line for line in text.splitlines() if line.startswith("| F1 ")]
    assert row == f"| F1 | c-{1:012x} | notes.md | `{'5' * 64}` | 0–4 |"


def test_a_cell_of_a_table_cannot_open_another() -> None:
    text = render_markdown(brief(owner="a | b\\| c"), "One. [F1]\n", [])
    found = Page(render_html(text, title="t"))
    assert [tag for tag, _ in found.tags].count("td") == 3


def test_the_same_records_give_the_same_bytes() -> None:
    """Publishing again must find its own files."""
    facts = [fact(1, "One."), fact(2, "Two.")]
    once, again = (render_markdown(brief(), "One. [F1] Two. [F2]", facts) for _ in range(2))
    assert once == again
    assert render_html(once, title="t") == render_html(again, title="t")


def test_labels_are_found_in_the_order_of_their_first_citation() -> None:
    assert cited_labels("a [F2] b [F1, F12]. c [F2,F3] (F9) F8 [F] [G1] [F12345]") == ["F2", "F1", "F12", "F3"]


def test_another_draft_has_another_file_name() -> None:
    assert file_name("a", "1" * 64) == "a-" + "1" * 12
    assert file_name("a", "2" * 64) != file_name("a", "1" * 64)
