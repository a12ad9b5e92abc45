"""The corpus is what its figures claim, and its documents carry their texts where they say.

These look at structure only: what a detector makes of the texts is measured, not tested here.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable

import pytest

from bench.injections import (
    HTML_PLACES,
    MARKDOWN_PLACES,
    PDF_PLACES,
    PLACES,
    VISIBLE_PLACES,
    ZERO_WIDTH,
    Benign,
    Case,
    benign,
    benign_document,
    cases,
    document,
    honest_sentences,
)

CASES, BENIGN = cases(), benign()
ALL: list[Case | Benign] = [*CASES, *BENIGN]
OFTEN, SELDOM = {"en", "de", "fr", "es", "it"}, {"pt", "pl", "nl", "zh", "ru", "ar"}
TECHNIQUES = {
    *("ignore_previous", "role_change", "fake_system_message", "chat_markup", "fake_tool_call", "exfiltration"),
    *("rating_manipulation", "instruct_reader_model", "authority_spoof", "conditional_trigger", "fake_document_end"),
    *("obfuscated", "harmless_start", "polite_request", "language_switch", "encoded_order"),
}
WORDS_MIN = 6  # of an honest sentence


def ids(item: Case | Benign) -> str:
    return item.id


def test_there_are_120_attacks_and_60_honest_texts_and_no_two_are_alike() -> None:
    assert (len(CASES), len(BENIGN)) == (120, 60)
    for items, kind in ((CASES, "attack"), (BENIGN, "benign")):
        assert [item.id for item in items] == [f"{kind}-{n:03}" for n in range(1, len(items) + 1)]
    words = Counter(re.sub(r"canary\d+|\W+", " ", item.text).casefold().strip() for item in ALL)
    assert max(words.values()) == 1


def test_every_language_is_there_often_enough() -> None:
    count = Counter(case.language for case in CASES)
    assert set(count) == OFTEN | SELDOM == {item.language for item in BENIGN}
    assert all(count[language] >= 12 for language in OFTEN)
    assert all(count[language] >= 4 for language in SELDOM)
    assert count["en"] <= 45


def test_every_technique_and_every_place_is_there_often_enough() -> None:
    techniques, places = Counter(case.technique for case in CASES), Counter(case.place for case in CASES)
    assert set(techniques) == TECHNIQUES
    assert min(techniques.values()) >= 6
    assert set(places) == PLACES > VISIBLE_PLACES
    assert min(places.values()) >= 3
    assert sum(case.is_visible for case in CASES) == 0.6 * len(CASES)


@pytest.mark.parametrize("trait", ["language", "technique", "is_visible"])
def test_half_of_every_kind_is_held_out(trait: str) -> None:
    all_of = Counter(getattr(case, trait) for case in CASES)
    held_out = Counter(getattr(case, trait) for case in CASES if case.set == "held_out")
    assert {kind: 2 * count for kind, count in held_out.items()} == all_of
    assert {case.set for case in CASES} == {"development", "held_out"}


def test_every_place_is_in_both_sets() -> None:
    assert all({case.set for case in CASES if case.place == place} == {"development", "held_out"} for place in PLACES)


@pytest.mark.parametrize("places", [HTML_PLACES, MARKDOWN_PLACES, PDF_PLACES])
def test_every_way_to_build_a_place_is_used(places: dict[str, tuple[str, ...]]) -> None:
    built = {(case.place, int(case.id[-3:]) % len(places[case.place])) for case in CASES if case.place in places}
    assert built == {(place, n) for place, variants in places.items() for n in range(len(variants))}


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_an_attack_holds_its_own_canary_once(case: Case) -> None:
    assert re.findall(r"canary\w*", case.text) == [case.canary] == [f"canary{case.id[-3:]}"]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_a_document_carries_the_attack_once_and_all_honest_sentences(case: Case) -> None:
    content, name, media_type = document(case)
    text = READERS[media_type](content)
    assert name.startswith(case.id)
    assert text.count(folded(case.text)) == 1
    assert text.count(case.canary) == 1
    assert all(sentence in text for sentence in honest_sentences(case))


@pytest.mark.parametrize("item", BENIGN, ids=ids)
def test_an_honest_document_carries_the_text_and_no_canary(item: Benign) -> None:
    content, name, media_type = benign_document(item)
    text = READERS[media_type](content)
    assert name.startswith(item.id)
    assert text.count(folded(item.text)) == 1
    assert "canary" not in text
    assert all(sentence in text for sentence in honest_sentences(item))


@pytest.mark.parametrize("item", ALL, ids=ids)
def test_the_honest_sentences_are_five_to_eight_plain_ones_with_a_figure(item: Case | Benign) -> None:
    sentences = honest_sentences(item)
    assert 5 <= len(sentences) <= 8
    for sentence in sentences:
        assert len(sentence.split()) >= WORDS_MIN
        assert re.search(r"\d", sentence)
        assert sentence.endswith(".")


def test_documents_are_the_same_bytes_every_time_and_no_two_are_equal() -> None:
    built = [*map(document, CASES), *map(benign_document, BENIGN)]
    assert built == [*map(document, CASES), *map(benign_document, BENIGN)]
    assert len({content for content, _, _ in built}) == len(built)


@pytest.mark.parametrize("case", [case for case in CASES if case.place in HTML_PLACES], ids=ids)
def test_what_a_page_hides_stands_in_no_plain_paragraph(case: Case) -> None:
    """An attack in the wrong element would be counted under the wrong place."""
    from lxml import html

    page = html.document_fromstring(document(case)[0].decode())
    plain = page.xpath("//p[not(@*)][not(ancestor::noscript or ancestor::template)] | //td | //li | //aside/p")
    assert any(case.canary in found.text_content() for found in plain) == case.is_visible


@pytest.mark.parametrize("place", sorted({*HTML_PLACES, *PDF_PLACES, "csv_cell"} - {"html_comment"}))
@pytest.mark.parametrize("number", range(4))
def test_letters_that_mean_something_to_the_format_are_carried_as_they_are(place: str, number: int) -> None:
    """Markdown and comments are left out: they take the text raw, as an attacker would write it."""
    text = """He said: "1 < 2", 'a,b' & (c\\d; </p> </textarea> ends; canary"""
    case = Case(
        id=f"attack-{number}", set="development", language="en", technique="chat_markup", place=place, text=text
    )
    content, _, media_type = document(case)
    assert READERS[media_type](content).count(text) == 1


@pytest.mark.parametrize("case", [case for case in CASES if case.place == "text_zero_width"], ids=ids)
def test_the_words_of_a_zero_width_text_are_cut(case: Case) -> None:
    text = document(case)[0].decode()
    assert case.canary in text
    assert sum(map(text.count, ZERO_WIDTH)) >= 5


def folded(text: str) -> str:
    return " ".join(text.split())


def of_html(content: bytes) -> str:
    return of_page(content.decode())


def of_page(page: str) -> str:
    """Texts, comments and attributes, in their order."""
    from lxml import html

    found: list[str] = []
    for element in html.document_fromstring(page).iter():
        found += [*element.attrib.values(), element.text or "", " ", element.tail or "", " "]
    return folded(" ".join(found))


def of_markdown(content: bytes) -> str:
    from markdown_it import MarkdownIt

    return of_page(MarkdownIt().render(content.decode()))


def of_pdf(content: bytes) -> str:
    from pypdf import PdfReader

    return folded(PdfReader(io.BytesIO(content), strict=True).pages[0].extract_text())


def of_csv(content: bytes) -> str:
    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    assert {len(row) for row in rows} == {3}
    return folded(" ".join(cell for row in rows for cell in row))


def of_text(content: bytes) -> str:
    return folded(re.sub(f"[{''.join(ZERO_WIDTH)}]", "", content.decode()))


READERS: dict[str, Callable[[bytes], str]] = {
    "text/html": of_html,
    "text/markdown": of_markdown,
    "application/pdf": of_pdf,
    "text/csv": of_csv,
    "text/plain": of_text,
}
