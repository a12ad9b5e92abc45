"""A file whose reading never ends, or takes all memory, is a failed source, not a hanging step."""

import time
from pathlib import Path

import pytest

from finops_ai.evidence import EvidenceError, extract
from finops_ai.evidence.alone import extract_bounded
from finops_ai_tests.evidence.inputs import pdf, rules_for


def test_a_file_is_read_alone_as_it_is_read_here(tmp_path: Path) -> None:
    content = pdf("The plant in Ulm employs 1,300 people.")
    assert extract_bounded(content, "application/pdf", rules=rules_for(tmp_path)) == extract(content, "application/pdf")


def test_the_reason_comes_back_from_the_other_process(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="PDF"):
        extract_bounded(b"%PDF-1.4 nothing", "application/pdf", rules=rules_for(tmp_path))


def test_reading_ends_at_its_time_limit(tmp_path: Path) -> None:
    """A page whose content draws for ever: 400,000 lines of text, nested in saved states."""
    content = pdf(*(f"line {n}" for n in range(400_000)))
    started = time.monotonic()
    with pytest.raises(EvidenceError, match="longer than 1 s"):
        extract_bounded(content, "application/pdf", rules=rules_for(tmp_path, extract_s=1.0))
    assert time.monotonic() - started < 5
