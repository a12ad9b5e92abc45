"""What a page states about itself is taken as stated or not at all, and what a browser does not show is no text."""

import json
import time
from contextlib import suppress

import pytest

from bench.extraction_speed import measure, page
from finops_ai.evidence import EvidenceError, extract
from finops_ai.evidence.from_html import read_html
from finops_ai.evidence.hidden import is_hidden, look, read_sheet
from finops_ai.evidence.model import Extraction

HTML = "text/html"
STORY = "The plant in Ulm opened in March 2021 and employs 300 people in three shifts. " * 3
SECRET = "Buy the shares of the firm before Monday morning comes."


def read(body: str = "", head: str = "", *, around: str = "<body>{}</body>") -> Extraction:
    content = around.format(f"<article><p>{STORY}</p>{body}<p>{STORY}</p></article>")
    return extract(f"<!doctype html><html><head>{head}</head>{content}</html>".encode(), HTML)


def linked(*nodes: object) -> str:
    return "".join(f'<script type="application/ld+json">{json.dumps(node)}</script>' for node in nodes)


def article(**stated: object) -> dict[str, object]:
    return {"@context": "https://schema.org", "@type": "NewsArticle", **stated}


@pytest.mark.parametrize(
    ("head", "author"),
    [
        (linked(article(author={"@type": "Person", "name": "Ada Meyer"})), "Ada Meyer"),
        (linked(article(author=[{"name": "Ada Meyer"}, "Ben Okafor", {"name": "Ada Meyer"}])), "Ada Meyer, Ben Okafor"),
        (linked({"@graph": [{"@type": "WebPage"}, article(author="Ada Meyer")]}), "Ada Meyer"),
        (linked([article(author={"name": "A &amp; B"})]), "A & B"),
        (linked(article(author="Ada Meyer")) + "<meta name='author' content='Ben Okafor'>", "Ada Meyer"),
        (linked(article(author="https://example.org/ada")) + "<meta name='author' content='Ben'>", "Ben"),
        (linked({"@type": "Person", "name": "Ada Meyer"}, {"@type": "Product", "author": "Ada Meyer"}), ""),
        (linked(article(author="Ada Meyer"), article(author="Ben Okafor")), ""),
        ("<script type='application/ld+json'>{'author': 'Ada'}</script>", ""),
        (
            linked("text", 7, None, [[[]]], {"@type": 7, "author": {"name": 7}}, article(author={"name": {"a": "b"}})),
            "",
        ),
        ("<meta name='author' content='By Ada Meyer'>", "Ada Meyer"),
        ("<meta name='AUTHOR' content=' Ada \n Meyer '>", "Ada Meyer"),
        ("<meta name='author' content='Ada Meyer'><meta name='author' content='Ben'>", "Ada Meyer, Ben"),
        ("<meta property='article:author' content='https://social.example/ada'>", ""),
        ("<meta property='article:author' content='Ada Meyer'>", "Ada Meyer"),
        ("<meta name='DC.creator' content='Ada Meyer'>", "Ada Meyer"),
        ("<meta name='author' content='ada@example.org'><meta name='dc.creator' content='Ada'>", "Ada"),
        ("<meta name='author' content='@ada'>", ""),
        ("", ""),
    ],
)
def test_the_author_is_who_the_page_names(head: str, author: str) -> None:
    assert read("<p>By Carla Novak, our reporter in Bonn for many years.</p>", head).author == author


@pytest.mark.parametrize(
    ("head", "published"),
    [
        (linked(article(datePublished="2021-03-05T23:30:00-08:00")), "2021-03-05"),
        (linked(article(datePublished="2021-03-05")) + "<meta name='date' content='2020-01-02'>", "2021-03-05"),
        (linked(article(dateModified="2021-03-05", dateCreated="2021-03-05")), ""),
        (linked({"@type": ["WebPage", "ItemPage"], "datePublished": "2021-03-05"}), "2021-03-05"),
        (linked({"@type": "Event", "datePublished": "2021-03-05"}), ""),
        (linked(article(datePublished=20210305)), ""),
        ("<meta property='article:published_time' content='2021-03-05T08:00:00Z'>", "2021-03-05"),
        ("<meta property='article:modified_time' content='2021-03-05T08:00:00Z'>", ""),
        ("<meta itemprop='datePublished' content='2021-03-05'>", "2021-03-05"),
        ("<meta name='date' content='20210305'>", "2021-03-05"),
        ("<meta name='DC.date.issued' content='2021/03/05'>", "2021-03-05"),
        ("<meta name='dc.date' content='Fri, 05 Mar 2021 08:00:00 GMT'>", "2021-03-05"),
        ("<meta name='date' content='03/05/2021'>", ""),
        ("<meta name='date' content='2021-02-30'>", ""),
        ("<meta name='date' content='2021-03'>", ""),
        ("<meta name='date' content='1614931200'>", ""),
        ("<meta name='date' content='yesterday'>", ""),
        ("<meta name='date' content='Fri, 99 Mar 2021 08:00:00 GMT'>", ""),
        ("<meta name='date' content='0001-01-01T00:00:00Z'><meta name='pubdate' content='1970-01-01'>", ""),
        ("<meta name='date' content='soon'><meta name='pubdate' content='2021-03-05'>", "2021-03-05"),
        ("<!-- published 2021-03-05 -->", ""),
        ("", ""),
    ],
)
def test_the_day_of_publication_is_stated_and_never_guessed(head: str, published: str) -> None:
    prose = "<p>Published on 7 April 2019. Updated 2019-04-08. Copyright 2018 by the makers of this page.</p>"
    assert read(prose, head).published == published


@pytest.mark.parametrize(
    ("header", "published"),
    [
        ("<header><time datetime='2021-03-05T08:00' itemprop='datePublished'>x</time></header>", "2021-03-05"),
        ("<header><div><time datetime='2021-03-05' pubdate>x</time></div></header>", "2021-03-05"),
        ("<header><time datetime='2021-03-05'>x</time></header>", ""),
        ("<p><time datetime='2021-03-05' pubdate>x</time></p>", ""),
        ("<header hidden><time datetime='2021-03-05' pubdate>x</time></header>", ""),
        ("<header><time pubdate>x</time><time datetime='2021-03-05' pubdate>x</time></header>", "2021-03-05"),
        (
            "<header><time datetime='2021-03-05' pubdate>x</time></header>"
            "<header><time datetime='2021-03-06' pubdate>x</time></header>",
            "",
        ),
    ],
)
def test_a_time_in_the_header_of_the_article_counts_when_it_says_so(header: str, published: str) -> None:
    assert read(header).published == published


@pytest.mark.parametrize(
    ("head", "address"),
    [
        ("<link rel='canonical' href=' https://example.org/a?b=1 '>", "https://example.org/a?b=1"),
        ("<LINK REL='nofollow Canonical' HREF='HTTP://example.org/'>", "HTTP://example.org/"),
        ("<meta property='og:url' content='https://example.org/og'>", "https://example.org/og"),
        (
            "<meta property='og:url' content='https://example.org/og'><link rel='canonical' href='https://a.example/'>",
            "https://a.example/",
        ),
        (
            "<link rel='canonical' href='/a'><meta property='og:url' content='https://example.org/'>",
            "https://example.org/",
        ),
        ("<link rel='canonical' href='/a'>", ""),
        ("<link rel='canonical' href='//example.org/a'>", ""),
        ("<link rel='canonical' href='javascript:alert(1)'>", ""),
        ("<link rel='canonical' href='https:///a'>", ""),
        ("<link rel='canonical' href='https://[::1/a'>", ""),
        ("<link rel='canonical' href='https://example.org:port/'>", ""),
        ("<link rel='canonical' href='https://me:secret@example.org/'>", ""),
        ("<link rel='canonical' href='https://example.org/&#10;a'>", ""),
        ("<link rel='canonical' href='https://example.org/&quot;><script>'>", ""),
        (f"<link rel='canonical' href='https://example.org/{'a' * 1980}'>", f"https://example.org/{'a' * 1980}"),
        (f"<link rel='canonical' href='https://example.org/{'a' * 1981}'>", ""),
        (f"<meta property='og:url' content='https://example.org/{'a' * 3000}'>", ""),
        ("<link rel='alternate' href='https://example.org/'>", ""),
    ],
)
def test_the_canonical_address_is_absolute_or_none(head: str, address: str) -> None:
    assert read(head=head).canonical_url == address


@pytest.mark.parametrize(
    ("head", "heading", "title"),
    [
        ("<title>Plant opens</title>", "", "Plant opens"),
        ("<title>Plant opens</title><meta property='og:title' content='The plant opens'>", "", "The plant opens"),
        ("<title>Window</title>" + linked(article(headline="Bonn &amp; Ulm")), "", "Bonn & Ulm"),
        ("<title>Plant opens | The Daily</title>", "<h1>Plant <i>opens</i></h1>", "Plant opens"),
        ("<title>Plant opens – The Daily</title>", "<h1>The Daily</h1><h1>Plant opens</h1>", "Plant opens"),
        ("<title>News from Ulm</title>", "<h1>News</h1>", "News from Ulm"),
        ("<title>Plant-building</title>", "<h1>Plant</h1>", "Plant-building"),
        ("<title>Plant opens | The Daily</title>", "<h1 hidden>Plant opens</h1>", "Plant opens | The Daily"),
        ("<meta property='og:title' content=''>", "<h1>Plant opens</h1>", "Plant opens"),
        ("", "", ""),
    ],
)
def test_the_title_is_the_headline_without_the_name_of_the_site(head: str, heading: str, title: str) -> None:
    assert read(heading, head).title == title


@pytest.mark.parametrize(
    "head",
    [
        linked(article(author="Ada Meyer", text="x" * 5_000_000)),
        f"<script type='application/ld+json'>{'[' * 100_000}</script>",
        "<script type='application/ld+json'>" + '{"a":' * 30_000 + "</script>",
        f"<script type='application/ld+json'>[{'9' * 150_000}]</script>",
        linked([article(author="Ada Meyer")] * 2_000),
        f"<meta name='author' content='@{'a' * 3_000_000}'>",
        "".join(f"<meta name='author' content='//{n}'>" for n in range(50_000)),
        f"<link rel='canonical' href='https://{'a.' * 1_000_000}'>",
        f"<title>{'a ' * 1_000_000}</title>",
        "<header>" * 200 + "<time pubdate datetime='2021-03-05x'></time>" * 20_000,
    ],
    ids=["long", "lists", "objects", "number", "nodes", "content", "metas", "link", "title", "times"],
)
def test_metadata_made_to_take_for_ever_is_not_read(head: str) -> None:
    began = time.monotonic()
    found = read(head=head)
    assert time.monotonic() - began < 5
    assert (found.author, found.published, found.canonical_url) == ("", "", "")
    assert len(found.title) <= 500


HIDING_STYLES = [
    "color:#fff",
    "color: white",
    "COLOR:WHITE !important",
    "color:#FFFFFF",
    "color:#fefefe",
    "color:rgb(255,255,255)",
    "color:rgb(100% 100% 100%)",
    "color:rgba(255,255,255,.9)",
    "color:hsl(0, 0%, 100%)",
    "color:#fff;background:transparent",
    "color:#fff;background:none",
    "color:#fff;background-color:white",
    "color:transparent",
    "color:rgba(0,0,0,0)",
    "color:rgb(0 0 0 / 0%)",
    "color:#0000",
    "color:#12345600",
    "-webkit-text-fill-color:transparent",
    "color:#123;background-color:#112233",
    "color:navy;background:navy",
    "background:url(x.png);color:#000;background:#000",
    "color:#000!important;color:#fff;background:#010101",
    "font-size:0.1px",
    "font-size:1px",
    "font-size:.05em",
    "font-size:1%",
    "font:0/0 a",
    "opacity:0.01",
    "opacity:1%",
    "height:0;overflow:hidden",
    "max-height:1px;overflow-y:hidden",
    "width:0;overflow:hidden",
    "width:1px;height:1px;overflow:hidden;padding:0",
    "text-indent:100%;white-space:nowrap;overflow:hidden",
    "position:absolute;left:-9999em",
    "position:fixed;left:-200vw",
    "position:absolute;left:calc(-100vw - 20px)",
    "position:absolute;inset:0 auto auto -9999px",
    "position:absolute;left:9999px",
    "text-indent:-9999px",
    "margin-left:-9999px",
    "margin:-9999px 0 0",
    "transform:scale(0)",
    "transform:rotate(3deg) scale3d(0,0,0)",
    "transform:translateX(-9999px)",
    "transform:matrix(0,0,0,0,0,0)",
    "scale:0",
    "clip-path:inset(100%)",
    "clip-path:circle(0)",
    "clip-path:polygon(0 0,0 0)",
    "clip:rect(1px,1px,1px,1px)",
    "mask:linear-gradient(transparent,transparent)",
    "-webkit-mask-image:linear-gradient(to right, rgba(0,0,0,0) 0%, #0000)",
    "mask-size:0",
    "filter:opacity(0)",
    "filter:blur(2px) opacity(1%)",
    r"\64isplay:none",
    r"displa\000079 : n\6f ne",
    "color/**/:/**/#fff",
    "display:none;display:block",
]


@pytest.mark.parametrize("style", HIDING_STYLES)
def test_text_that_a_style_keeps_from_a_reader_is_removed_and_counted(style: str) -> None:
    for body, head in (
        (f'<p style="{style}">{SECRET}</p>', ""),
        (f'<p class="big ghost">{SECRET}</p>', f"<style>.x, p.ghost {{{style}}}</style>"),
        (f'<p id="ghost">{SECRET}</p>', f"<style>@import 'a.css'; #ghost {{{style}</style>"),
    ):
        found = read(body, head)
        assert "shares" not in found.text
        assert found.text.count("The plant in Ulm") == 6
        assert found.warnings == ("1 hidden element removed",)


@pytest.mark.parametrize(
    "style",
    [
        "color:#fff;background:#000",
        "color:#fff;background:#000 url(x.png) no-repeat",
        "color:#fff;background-image:linear-gradient(red,blue)",
        "color:#fff;background-color:rgb(20, 20, 20)",
        "color:white;background:navy",
        "color:#ccc",
        "color:inherit",
        "color:var(--ink)",
        "color:#zzzzzz;background:#zzzzzz",
        "color:transparent;background:linear-gradient(red,blue);-webkit-background-clip:text",
        "background:#000",
        "font-size:12px",
        "font-size:4vw",
        "font-size:calc(1px + 1vw)",
        "font:400 16px/1 serif",
        "opacity:.5",
        "height:0",
        "overflow:hidden",
        "width:5%;overflow:hidden",
        "height:0;padding-bottom:56%;overflow:hidden",
        "left:-20px",
        "left:50%;margin-left:-480px",
        "margin-top:-120px",
        "text-indent:-2em",
        "transform:scale(1.2) translate(-50%,-50%)",
        "transform:matrix(0,1,-1,0,0,0)",
        "clip-path:inset(0)",
        "mask:linear-gradient(black,transparent)",
        "mask-image:linear-gradient(#000f,#0000)",
        "filter:opacity(1)",
        "content:'display:none'",
    ],
)
def test_a_style_that_leaves_the_text_to_a_reader_removes_nothing(style: str) -> None:
    found = read(f'<p style="{style}">{SECRET}</p>')
    assert SECRET in found.text
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("around", "head"),
    [
        ("<body style='background:#000'>{}</body>", ""),
        ("<body bgcolor='black'>{}</body>", ""),
        ("<body class='night'>{}</body>", "<style>.night{background-color:#111}</style>"),
        ("<body>{}</body>", "<style>body{background:#111}</style>"),
        ("<body>{}</body>", "<style>:root{background:#111}</style>"),
        ("<body>{}</body>", "<style>article{background:#111}</style>"),
        ("<body style='color:#fff'>{}</body>", ""),
    ],
)
def test_white_text_on_a_dark_page_stays(around: str, head: str) -> None:
    found = read(f"<div><p style='color:#fff'>{SECRET}</p></div>", head, around=around)
    assert SECRET in found.text
    assert found.warnings == ()


def test_white_text_on_a_white_part_of_a_dark_page_goes() -> None:
    found = read(
        f"<div style='background:#fff'><p style='color:#fff'>{SECRET}</p></div>",
        around="<body bgcolor='#000'>{}</body>",
    )
    assert "shares" not in found.text
    assert found.warnings == ("1 hidden element removed",)


def test_within_white_text_only_what_is_coloured_anew_is_kept() -> None:
    body = (
        f"<div style='color:#fff'>{SECRET}<p>{SECRET}</p><p style='color:#222'>The second plant stands in Bonn.</p>{SECRET}"
        f"<p style='background:#000'>The third plant stands in <b>Köln</b>.</p><i>{SECRET}</i></div>after it"
    )
    found = read(body)
    assert "shares" not in found.text
    assert "The second plant stands in Bonn." in found.text
    assert "The third plant stands in Köln." in found.text
    assert found.warnings == ("1 hidden element removed",)


@pytest.mark.parametrize(
    "hidden",
    [
        "<dialog><p>{}</p></dialog>",
        "<div popover><p>{}</p></div>",
        "<p><font color=white>{}</font></p>",
        "<table><tr><td bgcolor='#000'><font color='#000000'>{}</font></td></tr></table>",
        "<p style='color:#000'>A<span style='color:#fff'>{}</span>B</p>",
    ],
)
def test_elements_that_a_browser_keeps_to_itself_are_removed_and_counted(hidden: str) -> None:
    found = read(hidden.format(SECRET))
    assert "shares" not in found.text
    assert found.warnings == ("1 hidden element removed",)


@pytest.mark.parametrize(
    "unseen",
    [
        "<input type=hidden value='{}'>",
        "<p title='{}'>x</p>",
        "<img alt='{}' src='x.png'>",
        "<noscript>{}</noscript>",
        "<template>{}</template>",
        "<datalist><option>{}</option></datalist>",
        "<video>{}</video>",
        "<progress>{}</progress>",
        "<ruby>Ulm<rp>{}</rp></ruby>",
        "<!-- {} -->",
    ],
)
def test_what_is_no_text_of_a_page_is_neither_text_nor_counted(unseen: str) -> None:
    found = read(unseen.format(SECRET))
    assert "shares" not in found.text
    assert found.warnings == ()


@pytest.mark.parametrize(
    "shown",
    [
        "<details><summary>More</summary><p>{}</p></details>",
        "<style>@media print {{ .x {{ display: none }} }}</style><p class=x>{}</p>",
        "<style media=print>.x {{ display: none }}</style><p class=x>{}</p>",
        "<style>@media (prefers-color-scheme: dark) {{ .y {{ top: 0 }} .x {{ color: #fff }} }}</style><p class=x>{}</p>",
        "<style>.x:hover, .y .x {{ display: none }}</style><p class=x>{}</p>",
        "<style>.x {{ color: #fff }} .x {{ color: #000 }}</style><p class=x>{}</p>",
        "<style>.x {{ color: #fff }} .y {{ background: #123 }}</style><p class='x y'>{}</p>",
        "<style>.x {{ color: #fff }}</style><p class=x style='color:#000'>{}</p>",
    ],
)
def test_what_a_reader_can_see_stays(shown: str) -> None:
    found = read(shown.format(SECRET))
    assert SECRET in found.text
    assert found.warnings == ()


def test_a_dialog_is_shown_once_it_is_open() -> None:
    nothing = read_sheet("")
    assert look("dialog", {"open": ""}, nothing) is not None
    assert look("dialog", {}, nothing) is None


def test_attributes_alone_are_judged_as_on_a_white_page() -> None:
    """Markdown has no more to go by."""
    assert is_hidden({"style": "color:#fff"})
    assert is_hidden({"class": "a b"}, frozenset({".b"}))
    assert is_hidden({"id": "b"}, read_sheet("#b{opacity:.01}").hiding)
    assert not is_hidden({"style": "color:#fff;background:#000", "class": "a"}, frozenset({"#a"}))


@pytest.mark.parametrize(
    "body",
    [
        "<p style='" + "color:#fff;" * 50_000 + "'>x</p>",
        "<p style='transform:" + "translate(" * 50_000 + "'>x</p>",
        "<p style='transform:" + "a-" * 100_000 + "'>x</p>",
        "<p style='mask:linear-gradient(" + "rgba(0,0," * 50_000 + "'>x</p>",
        "<p style='width:" + "9" * 200_000 + "'>x</p>",
        "<style>" + "{" * 100_000 + "}" * 100_000 + "</style>",
        "<style>" + ".a{color:#fff}" * 50_000 + "</style><p class=a>x</p>",
        "<i hidden>a</i>b" * 50_000,
        "<i style='color:#fff'>" * 200 + "<i style='color:#000'>a</i>" * 20_000,
    ],
    ids=["declarations", "functions", "words", "mask", "number", "braces", "rules", "siblings", "colours"],
)
def test_a_style_made_to_take_for_ever_does_not(body: str) -> None:
    began = time.monotonic()
    with suppress(EvidenceError):
        read(body)
    assert time.monotonic() - began < 6


def test_a_link_called_like_a_word_of_the_main_text_is_no_part_of_it() -> None:
    navigation = "<nav><ul><li><a href='/'>plant</a></li><li><a href='/p'>people</a></li></ul></nav>"
    found = read("<h2>Outlook</h2><ul><li>First item</li></ul>", around=f"<body>{navigation}{{}}{navigation}</body>")
    assert found.text.split("\n\n")[1:-1] == ["Outlook", "First item"]


def test_words_are_those_of_the_page_where_trafilatura_changes_them() -> None:
    assert (
        "Write &lt;b&gt; for bold letters in every text."
        in read("<p>Write &amp;lt;b&amp;gt; for bold letters in every text.</p>").text
    )


def test_reading_leaves_nothing_behind() -> None:
    """Options of trafilatura are kept between pages: a page must not read differently after another."""
    first = read_html(page(7, 1).decode())
    read_html(page(7, 2).decode())
    assert read_html(page(7, 1).decode()) == first


def test_pages_of_the_benchmark_are_what_they_are_called() -> None:
    sizes = [len(page(7, number)) for number in range(20)]
    assert 40_000 < min(sizes) < max(sizes) < 60_000
    assert page(7, 3) == page(7, 3) != page(7, 4)
    found = extract(page(7, 3), HTML)
    assert found.author
    assert found.published
    assert found.canonical_url
    assert found.warnings == ("5 hidden elements removed",)


def test_the_benchmark_reports_a_ratio_for_every_round() -> None:
    figures = measure(pages=2, rounds=2)
    assert isinstance(figures["ratios"], list)
    assert len(figures["ratios"]) == 2
    assert figures["ratio_min"] <= figures["ratio_median"] <= figures["ratio_max"]  # type: ignore[operator]  # none of these is a list
