"""Only whole sentences become claims, each once, and every span leads back to exactly its words."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finops_ai.evidence import Claim, Source, Span, claims_of, sentences, span_holds
from finops_ai_tests.evidence.inputs import Store, retrieved, rules_for, source

OPENED = "The plant in Ulm opened in March 2021."
STAFF = "It employs 300 people in three shifts."


def pieces(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


def claimed(text: str, media_type: str = "text/markdown") -> list[str]:
    return [claim.text for claim in claims_of([(source("a.md", media_type=media_type), text)])]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{OPENED} {STAFF}", [OPENED, STAFF]),
        (f"A Heading\n\n{OPENED}", ["A Heading", OPENED]),
        (f"Heading\n{OPENED}", ["Heading", OPENED]),
        (
            "The plant in Ulm, which is the largest,\nopened in March.",
            ["The plant in Ulm, which is the largest,\nopened in March."],
        ),
        ("- one item\n- another item", ["- one item", "- another item"]),
        (
            "The plant was opened for the region by Dr.\nSmith in 2021.",
            ["The plant was opened for the region by Dr.\nSmith in 2021."],
        ),
        ("Prices rose to 3.5 USD. Costs fell.", ["Prices rose to 3.5 USD.", "Costs fell."]),
        ("", []),
        (" \n\n ", []),
    ],
)
def test_text_is_split_where_a_reader_would(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected


@given(st.text(alphabet="abC. \n!?-#|(\u00e4", max_size=80))
def test_offsets_are_ordered_apart_and_without_outer_whitespace(text: str) -> None:
    spans = sentences(text)
    assert all(text[start:end] == text[start:end].strip() != "" for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    kept = "".join(text[start:end] for start, end in spans)
    assert "".join(kept.split()) == "".join(text.split())


@pytest.mark.parametrize(
    "fragment",
    [
        "A heading without a full stop and six words",
        "Too short to be.",
        "Who opened the plant in Ulm in March 2021?",
        "opened the plant in Ulm in March of 2021.",
        "The plant in Ulm (opened in March of 2021.",
        "The plant in Ulm) opened in March of 2021.",
        'The plant in Ulm is "large and opened in 2021.',
        "The plant in Ulm opened in March and then ...",
        "The plant was measured as shown by Miller et al.",
        "0.1 0.2 0.3 0.4 of the 1.2 and 3.4 and 5.6 and 7.8.",
        "Jane Miller, Ada Smith, Tom Jones, Max Power.",
        "[12] Jane Miller. The plant in Ulm and how it was built.",
        "^ The plant in Ulm and how it was built. Example Press.",
        "The plant of Ulm, arXiv preprint arXiv:2405.04434, 2024.",
        "Splitwise is a way of splitting phases, in Proceedings of the Symposium.",
        "The search page was made by the company Yahoo! and it was large.",
        "Figure 3: The plant in Ulm seen from the north side.",
        "Please see the page about the plant in Ulm for more.",
        "Contains coding problems in six languages of the world.",
        "plant | opened in the year | 2021 and is large.",
        "The function opens {plant} in the year of the opening.",
        "The plant " + "in the large city " * 30 + "opened.",
    ],
)
def test_what_is_no_complete_statement_is_no_claim(fragment: str) -> None:
    assert claimed(f"{fragment}\n\n{OPENED}") == [OPENED]


@pytest.mark.parametrize(
    "sentence",
    [
        OPENED,
        "“The plant in Ulm opened in March 2021.”",
        '"The plant," she said, "opened in March 2021."',
        "The plant (the largest of all) opened in March 2021 (and runs).",
        "2021 was the year in which the plant in Ulm opened!",
        "Das Werk in Ulm wurde im März 2021 eröffnet.",
        "Écrit en 2021, ce rapport décrit la nouvelle usine.",
    ],
)
def test_a_complete_statement_is_a_claim(sentence: str) -> None:
    assert claimed(sentence) == [sentence]


def test_the_second_half_of_a_torn_sentence_is_no_claim() -> None:
    """On paper a figure or a column can stand between the halves; the second looks whole and says something else."""
    torn = "The fall of prices was denied by\n\nMozilla and it was well received by the users."
    assert claimed(torn, "application/pdf") == []
    assert claimed("In the north of\nMozilla and it was well received by the users.", "text/plain") == []


def test_a_paper_heading_that_runs_into_its_paragraph_is_no_claim() -> None:
    assert claimed("Network Setup The benefits of the cache rely on a fast network.", "application/pdf") == []


def test_what_follows_the_heading_of_the_references_is_no_claim() -> None:
    assert claimed(f"{OPENED}\n\nReferences\n\n{STAFF}") == [OPENED]


def test_the_same_sentence_in_two_sources_is_one_claim_with_two_places() -> None:
    text = f"First of all words.\n\n{OPENED} {STAFF}\n\n{OPENED}"
    claims = claims_of(
        [(source("a.md", "secondary"), text), (source("b.md", "primary"), OPENED.replace("plant in", "plant\nin"))]
    )
    opened = next(claim for claim in claims if claim.text == OPENED)
    assert opened.sources == ("a.md", "a.md", "b.md")
    assert [text[span.start : span.end] for span in opened.evidence[:2]] == [OPENED, OPENED]
    assert (opened.grade, opened.verdict, len(claims)) == ("primary", "confirmed", 2)


def test_an_id_depends_on_the_words_alone() -> None:
    here = claims_of([(source("a.md"), f"{STAFF} {OPENED}")])
    there = claims_of([(source("b.txt", "rumor", host="b.test"), OPENED)])
    assert here[1].id == there[0].id
    assert here[0].id != here[1].id
    assert there[0].id.startswith("c-")
    assert len(there[0].id) == 14


def test_claims_come_in_the_order_of_sources_and_offsets() -> None:
    pair = [(source("a.md"), f"{STAFF} {OPENED}"), (source("b.md"), f"A third sentence stands in the other. {STAFF}")]
    assert [claim.text for claim in claims_of(pair)] == [STAFF, OPENED, "A third sentence stands in the other."]
    assert claims_of(pair) == claims_of(pair)


def test_a_failed_source_has_no_claims() -> None:
    failed = Source(
        uri="x",
        grade="primary",
        host="file",
        media_type="",
        title="",
        snapshot_sha256="",
        text_sha256="",
        size_bytes=0,
        retrieved_at="",
        warnings=(),
        error="gone",
    )
    assert claims_of([(failed, OPENED)]) == []


@pytest.mark.parametrize(
    ("start", "end", "quote", "holds"),
    [
        (0, 9, "The plant", True),
        (0, 9, " The \n plant ", True),
        (0, 9, "The plants", False),
        (0, 8, "The plant", False),
        (1, 9, "The plant", False),
        (-9, 9, "The plant", False),
        (0, 900, "The plant", False),
        (5, 5, "", False),
    ],
)
def test_a_span_holds_its_own_words_only(start: int, end: int, quote: str, holds: bool) -> None:
    assert span_holds("The plant", Span(snapshot_sha256="", text_sha256="", start=start, end=end), quote) is holds


FEWEST_CLAIMS = {  # of the real files; a reader that loses half of a text would show here
    "aider-polyglot.md": 20,
    "azure-llm-inference-2023.md": 8,
    "azure-llm-inference-2024.md": 8,
    "focus-spend-agreements.md": 15,
    "focus-virtual-currency.md": 35,
    "mooncake-fast25.pdf": 250,
    "tigerbeetle-two-phase-transfers.md": 20,
    "wikipedia-mozilla.html": 100,
}


def test_every_span_of_the_real_files_leads_back_to_its_words(data_dir: Path) -> None:
    store: Store = {}
    rules = rules_for(data_dir / "sources", timeout_s=20)
    sources = [retrieved(name, store, rules=rules) for name in FEWEST_CLAIMS]
    texts = {found.text_sha256: store[found.text_sha256].decode() for found in sources}
    claims = claims_of([(found, texts[found.text_sha256]) for found in sources])
    spans = [(span, claim) for claim in claims for span in claim.evidence]
    assert all(span_holds(texts[span.text_sha256], span, claim.text) for span, claim in spans)
    assert {name for name, fewest in FEWEST_CLAIMS.items() if _count(claims, name) < fewest} == set()


def _count(claims: list[Claim], uri: str) -> int:
    return sum(uri in claim.sources for claim in claims)
