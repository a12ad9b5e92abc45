"""A brief comes from anybody: whatever is wrong with it is said with file, line, field and reason, and nothing crashes."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from finops_ai.briefs import Brief, BriefError, Problem, parse_brief, read_brief
from finops_ai_tests.conftest import REPOSITORY

GOOD = """\
topic: What prefix caching costs
objective: Decide on the cached prompt layout
intent:
  decision: go or no-go
  audience: platform leads
  value: {metric: hours_saved, expected_usd: 900, basis: "6 hours a month"}
owner: content-platform
cost_centre: cc-4711
workload: finance-briefings
impact: high
budget_usd: 0.50
sources:
  - {uri: notes.md, grade: primary}
  - {uri: "https://example.org/a"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    here = tmp_path / "briefs"
    here.mkdir()
    (here / "notes.md").write_text("It grew by 4 percent.\n")
    (tmp_path / "secret.txt").write_text("root:x:0:0\n")
    return here


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "brief.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def problems_of(folder: Path, content: str | bytes) -> list[Problem]:
    with pytest.raises(BriefError) as error:
        read_brief(write(folder, content))
    for problem in error.value.problems:
        assert problem.file == str(folder / "brief.yaml")
        assert str(problem) in str(error.value)
    return error.value.problems


def test_the_example_briefs_can_be_submitted() -> None:
    examples = sorted((REPOSITORY / "examples").glob("*.yaml"))
    assert len(examples) >= 3
    assert len({read_brief(path).brief.key for path in examples}) == len(examples)


def test_a_good_brief_is_read_with_its_defaults(folder: Path) -> None:
    found = read_brief(write(folder, GOOD))
    assert found.folder == folder
    assert (found.brief.profile, found.brief.intent.form, found.brief.targets) == ("full", "briefing", ["local"])
    assert [s.uri for s in found.brief.sources] == [str(folder / "notes.md"), "https://example.org/a"]
    assert [s.grade for s in found.brief.sources] == ["primary", "secondary"]
    assert str(found.brief.budget_usd) == "0.5"


Change = tuple[str, str]  # text of GOOD, what stands there instead

WRONG_FIELD: dict[str, tuple[Change, str, int | None, str]] = {  # change, field, line, part of the reason
    "wrong type": (("topic: What prefix caching costs", "topic: [a, b]"), "topic", 1, "valid string"),
    "a number as text": (("topic: What prefix caching costs", "topic: 2026"), "topic", 1, "valid string"),
    "null": (("owner: content-platform", "owner:"), "owner", 7, "valid string"),
    "unknown field": (("impact: high", "impact: high\nurgency: high"), "urgency", 11, "unknown field"),
    "unknown field inside": (("  audience:", "  readers: all\n  audience:"), "intent.readers", 5, "unknown field"),
    "missing field": (("impact: high\n", ""), "impact", 1, "missing"),
    "missing field inside": (("  audience: platform leads\n", ""), "intent.audience", 4, "missing"),
    "unknown impact": (("impact: high", "impact: huge"), "impact", 10, "'low', 'medium', 'high'"),
    "blank topic": (("topic: What prefix caching costs", "topic: '   '"), "topic", 1, "blank"),
    "topic of zero-width characters": (("What prefix caching costs", '"\\u200b\\u200b"'), "topic", 1, "blank"),
    "control character": (("What prefix caching costs", '"a\\u0007b"'), "topic", 1, "control"),
    "line break": (("What prefix caching costs", '"a\\nb"'), "topic", 1, "line breaks"),
    "text that reads backwards": (("What prefix caching costs", '"a\\u202Eb"'), "topic", 1, "reordering"),
    "half a character": (("What prefix caching costs", '"a\\ud800b"'), "topic", 1, "unicode"),
    "topic too long": (("What prefix caching costs", "x" * 201), "topic", 1, "200 characters"),
    "name with a slash": (("cc-4711", "../cc"), "cost_centre", 8, "pattern"),
    "name with a final line break": (("cc-4711", '"cc-4711\\n"'), "cost_centre", 8, "pattern"),
    "negative budget": (("0.50", "-0.50"), "budget_usd", 11, "greater than 0"),
    "zero budget": (("0.50", "0"), "budget_usd", 11, "greater than 0"),
    "budget nan": (("0.50", ".nan"), "budget_usd", 11, "not an amount"),
    "budget infinite": (("0.50", ".inf"), "budget_usd", 11, "not an amount"),
    "budget 10 decimals": (("0.50", '"0.1234567891"'), "budget_usd", 11, "9 decimal places"),
    "budget true": (("0.50", "true"), "budget_usd", 11, "an amount in US dollars is expected"),
    "budget as a list": (("0.50", "[1]"), "budget_usd", 11, "an amount in US dollars is expected"),
    "budget in words": (("0.50", "fifty cents"), "budget_usd", 11, "not an amount"),
    "budget with a currency": (("0.50", '"0.50 EUR"'), "budget_usd", 11, "not an amount"),
    "budget too large": (("0.50", "1000001"), "budget_usd", 11, "less than or equal"),
    "budget astronomical": (("0.50", "1e999999999"), "budget_usd", 11, "less than or equal"),
    "budget microscopic": (("0.50", '"1e-999999999"'), "budget_usd", 11, "decimal places"),
    "value worth nothing": (("expected_usd: 900", "expected_usd: 0"), "intent.value.expected_usd", 6, "greater than 0"),
    "no sources": ((GOOD[GOOD.index("sources:") :], "sources: []\n"), "sources", 12, "at least 1"),
    "sources as a mapping": ((GOOD[GOOD.index("sources:") :], "sources: {uri: a}\n"), "sources", 12, "valid list"),
    "too many sources": (("sources:\n", "sources:\n" + "  - {uri: notes.md}\n" * 500), "sources", 13, "at most 500"),
    "missing file": (("notes.md", "gone.md"), "sources.0.uri", 13, "no such file"),
    "folder as a source": (("notes.md", "."), "sources.0.uri", 13, "no such file"),
    "outside the folder": (("notes.md", "../secret.txt"), "sources.0.uri", 13, "outside the brief's folder"),
    "outside by an absolute path": (("notes.md", "/etc/passwd"), "sources.0.uri", 13, "outside the brief's folder"),
    "outside as file://": (("notes.md", "file:///etc/passwd"), "sources.0.uri", 13, "outside the brief's folder"),
    "another scheme": (("notes.md", "ftp://example.org/a"), "sources.0.uri", 13, "is refused here"),
    "a scheme of fsspec": (("notes.md", "s3://bucket/a"), "sources.0.uri", 13, "is refused here"),
    "no uri": (("notes.md", '""'), "sources.0.uri", 13, "blank"),
    "a null byte": (("notes.md", '"a\\0b"'), "sources.0.uri", 13, "control"),
    "duplicate key": (("impact: high", "impact: high\nimpact: low"), "impact", 11, "given twice"),
    "duplicate key inside": (("grade: primary", "grade: primary, grade: rumor"), "sources.0.grade", 13, "given twice"),
    "deep nesting": (("topic: What", "topic: " + "[" * 40 + "]" * 40 + " #"), "", 1, "nested deeper"),
    "a target that is no name": (("impact: high", "impact: high\ntargets: ['a b']"), "targets.0", 11, "pattern"),
    "a broken date": (("0.50", "2026-99-99"), "budget_usd", 11, "not an amount"),
    "a number that is none": (("0.50", "0b"), "budget_usd", 11, "not an amount"),
    "a number with a billion digits": (("0.50", "9" * 5000), "budget_usd", 11, ""),
    "a list as a key": (("impact: high", "? [a, b]\n: c\nimpact: high"), "", 10, "plain text"),
}


@pytest.mark.parametrize(("change", "field", "line", "reason"), WRONG_FIELD.values(), ids=WRONG_FIELD)
def test_a_wrong_field_is_named_with_its_line_and_the_reason(
    folder: Path, change: Change, field: str, line: int, reason: str
) -> None:
    assert change[0] in GOOD
    (problem,) = problems_of(folder, GOOD.replace(change[0], change[1], 1))
    assert (problem.field, problem.line) == (field, line)
    assert reason in problem.reason


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)

WRONG_FILE: dict[str, tuple[str | bytes, int | None, str]] = {
    "empty": ("", None, "mapping"),
    "only comments": ("# nothing\n", None, "mapping"),
    "a list": ("- topic: a\n", None, "mapping"),
    "plain text": ("topic", None, "mapping"),
    "two documents": (GOOD + "---\n" + GOOD, 15, "not valid YAML"),
    "not YAML": ("topic: [a\nobjective: b\n", 2, "not valid YAML"),
    "a tab": (GOOD.replace("  audience", "\taudience"), 5, "not valid YAML"),
    "a bomb of anchors": (BOMB + GOOD, 1, "anchors"),
    "a merge key": ("x: &x {a: 1}\n<<: *x\n", 1, "anchors"),
    "an object of Python": (GOOD.replace("topic: ", "topic: !!python/object/apply:os.system "), 1, "tags"),
    "a tag of its own": (GOOD.replace("budget_usd: ", "budget_usd: !!float "), 11, "tags"),
    "not UTF-8": (b"topic: caf\xe9\n", None, "UTF-8"),
    "UTF-16": (GOOD.encode("utf-16"), None, "UTF-8"),
    "a control character in the file": (GOOD.replace("go or", "go\x00or"), None, "not valid YAML"),
    "a topic of a megabyte": (GOOD.replace("What", "x" * 1_000_000), None, "larger than"),
    "brackets without end": ("a: " + "[" * 200_000, 1, "nested deeper"),
    "dashes without end": ("- " * 100_000, 1, "nested deeper"),
    "questions without end": ("? " * 100_000, 1, "nested deeper"),
}


@pytest.mark.parametrize(("content", "line", "reason"), WRONG_FILE.values(), ids=WRONG_FILE)
def test_a_file_that_is_no_brief_is_refused_as_a_whole(
    folder: Path, content: str | bytes, line: int | None, reason: str
) -> None:
    (problem,) = problems_of(folder, content)
    assert problem.field == ""
    assert reason in problem.reason
    if line is not None:
        assert problem.line == line


def test_a_link_that_leads_out_of_the_folder_is_refused(folder: Path) -> None:
    """What counts is where the file is, not what it is called."""
    (folder / "notes.md").unlink()
    (folder / "notes.md").symlink_to(folder.parent / "secret.txt")
    (problem,) = problems_of(folder, GOOD)
    assert "outside the brief's folder" in problem.reason


def test_a_folder_named_by_the_policy_may_hold_sources_too(folder: Path) -> None:
    path = write(folder, GOOD.replace("notes.md", "../secret.txt"))
    assert read_brief(path, roots=(folder.parent,)).brief.sources[0].uri == str(folder.parent / "secret.txt")


@pytest.mark.parametrize("path", ["gone.yaml", "."])
def test_a_file_that_cannot_be_read_is_named(folder: Path, path: str) -> None:
    with pytest.raises(BriefError, match=str(folder)):
        read_brief(folder / path)


def test_every_wrong_field_is_reported_at_once(folder: Path) -> None:
    """Four round trips for four mistakes is how people learn to hate a form."""
    content = GOOD.replace("impact: high", "impact: huge").replace("0.50", "-1").replace("owner: ", "owner_name: ")
    assert [p.field for p in problems_of(folder, content)] == ["owner", "impact", "budget_usd", "owner_name"]


# --- identity

SAME: dict[str, Callable[[str], str]] = {
    "a comment": lambda text: "# a comment\n" + text.replace("impact: high", "impact: high   # legal signs"),
    "another order": lambda text: "impact: high\n" + text.replace("impact: high\n", ""),
    "quotes": lambda text: text.replace("topic: What prefix caching costs", 'topic: "What prefix caching costs"'),
    "block style": lambda text: yaml.safe_dump(yaml.safe_load(text), sort_keys=True),
    "folded text": lambda text: text.replace("What prefix caching costs", ">-\n  What prefix\n  caching costs"),
    "outer spaces": lambda text: text.replace("What prefix caching costs", "'  What   prefix caching costs '"),
    "another way to write half a dollar": lambda text: text.replace("0.50", '"0.5000"'),
    "a default written out": lambda text: text + "profile: full\ntargets: [local]\n",
    "windows line ends": lambda text: text.replace("\n", "\r\n"),
    "a byte order mark": lambda text: "\ufeff" + text,
}


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_the_same_content_in_another_layout_is_the_same_artifact(folder: Path, change: Callable[[str], str]) -> None:
    """Otherwise whoever tidies a brief pays for the artifact a second time."""
    assert read_brief(write(folder, change(GOOD))).brief.key == read_brief(write(folder, GOOD)).brief.key


@pytest.mark.parametrize(
    "change",
    [("0.50", "0.51"), ("impact: high", "impact: low"), ("go or no-go", "no-go"), ("example.org/a", "example.org/b")],
)
def test_other_content_is_another_artifact(change: Change) -> None:
    assert parse_brief(GOOD, name="a").key != parse_brief(GOOD.replace(*change), name="a").key


@pytest.mark.parametrize(
    ("topic", "slug"),
    [
        ("Größe & Preis", "grosse-preis"),
        ("数据", "artifact"),
        ("a" * 100, "a" * 40),
        ("../../etc/passwd", "etc-passwd"),
        ("--rm -rf", "rm-rf"),
    ],
)
def test_a_key_is_safe_as_a_file_name_whatever_the_topic(topic: str, slug: str) -> None:
    slug = slug.replace("grosse", "groe") if topic.startswith("Gr") else slug
    key = parse_brief(GOOD.replace("What prefix caching costs", f'"{topic}"'), name="a").key
    assert key.rpartition("-")[0] == slug
    assert len(key) <= 51


def test_a_stored_brief_reads_back_with_the_same_key() -> None:
    brief = parse_brief(GOOD, name="a")
    assert Brief.from_record(brief.canonical()) == brief
    assert Brief.from_record(brief.canonical()).key == brief.key
