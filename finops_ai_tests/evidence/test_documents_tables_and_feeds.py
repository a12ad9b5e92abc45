"""Word documents, tables and feeds: what a reader sees comes through, and a file made to do harm is refused."""

import csv
import time
import warnings
from collections.abc import Callable
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZIP_LZMA, ZipFile

import pytest
from docx import Document
from docx.document import Document as WordDocument
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from finops_ai.evidence import EvidenceError, claims_of, extract, media_type_of, sentences, span_holds
from finops_ai.evidence.from_csv import ROWS_MAX
from finops_ai.evidence.from_feed import ENTRIES_MAX
from finops_ai.evidence.media import DOCX, FEED
from finops_ai_tests.evidence.inputs import source

CSV, HTML = "text/csv", "text/html"
OPENED = "The plant in Ulm opened in March 2021 after two years."
CLOSED = "The second plant in Bonn closed in June 2022 for good."
WHITE = "<w:color w:val='FFFFFF'/>"


# Word documents


def saved(document: WordDocument) -> bytes:
    out = BytesIO()
    document.save(out)
    return out.getvalue()


def word(body: str, *, styles: str = "") -> bytes:
    """A document whose body is this XML. `styles` stand beside those of python-docx's template."""
    document = Document()
    for element in parse_xml(f"<w:body {nsdecls('w', 'm', 'r')}>{body}</w:body>"):
        document.element.body.insert(len(document.element.body) - 1, element)
    for element in parse_xml(f"<w:styles {nsdecls('w')}>{styles}</w:styles>"):
        document.styles.element.append(element)
    return saved(document)


def run(text: str, properties: str = "") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr><w:t xml:space='preserve'>{text}</w:t></w:r>"


def paragraph(*runs: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr>{''.join(runs)}</w:p>"


def row(*cells: str, properties: str = "") -> str:
    return f"<w:tr><w:trPr>{properties}</w:trPr>{''.join(cells)}</w:tr>"


def cell(text: str, properties: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{paragraph(run(text))}</w:tc>"


def repacked(content: bytes, **changes: bytes) -> bytes:
    """With members added or replaced; in their names __ stands for / and _dot_ for the dot."""
    new = {name.replace("__", "/").replace("_dot_", "."): data for name, data in changes.items()}
    out = BytesIO()
    with ZipFile(BytesIO(content)) as old, ZipFile(out, "w", ZIP_DEFLATED) as archive:
        for name in [*old.namelist(), *(new.keys() - set(old.namelist()))]:
            archive.writestr(name, new[name] if name in new else old.read(name))
    return out.getvalue()


def replaced(content: bytes, member: str, old: bytes, new: bytes) -> bytes:
    with ZipFile(BytesIO(content)) as archive:
        data = archive.read(member)
    assert old in data
    return repacked(content, **{member.replace("/", "__").replace(".", "_dot_"): data.replace(old, new)})


def blocks(content: bytes) -> list[str]:
    return extract(content, DOCX).text.split("\n\n")


def test_a_word_document_comes_through_in_its_order() -> None:
    document = Document()
    document.core_properties.title = "Plants"
    document.core_properties.author = "A. Writer"
    document.sections[0].header.paragraphs[0].text = "Confidential"
    document.sections[0].footer.paragraphs[0].text = "Page 1"
    document.add_heading("Outlook", level=1)
    first = document.add_paragraph("The plant in ")
    first.add_run("Ulm").bold = True
    first.add_run(" opened\tin March 2021\nafter two years.")
    document.add_comment(first.runs, text="Is that so?")
    table = document.add_table(rows=2, cols=3)
    table.cell(0, 0).merge(table.cell(0, 1)).text = "City and state"
    table.cell(0, 2).merge(table.cell(1, 2)).text = "Staff"
    table.cell(1, 0).text, table.cell(1, 1).text = "Ulm", "Baden"
    document.add_paragraph(CLOSED)
    extraction = extract(saved(document), DOCX)
    assert extraction.text.split("\n\n") == ["Outlook", OPENED, "City and state | Staff", "Ulm | Baden", CLOSED]
    assert (extraction.title, extraction.author) == ("Plants", "A. Writer")
    assert extraction.published == "2013-12-23T23:15:00+00:00"  # when python-docx's template was made
    assert extraction.warnings == ()


def test_a_document_without_properties_gets_none_made_up() -> None:
    content = replaced(word(paragraph(run(OPENED))), "_rels/.rels", b"metadata/core-properties", b"metadata/other")
    extraction = extract(content, DOCX)
    assert (extraction.text, extraction.title, extraction.author, extraction.published) == (OPENED, "", "", "")


HIDING_AND_NOT = [
    ("<w:vanish/>", "<w:vanish w:val='0'/>"),
    ("<w:vanish w:val='true'/>", "<w:vanish w:val='false'/>"),
    ("<w:color w:val='FFFFFF'/>", "<w:color w:val='C00000'/>"),
    ("<w:color w:val='FEFDF0'/>", "<w:color w:val='auto'/>"),
    ("<w:color w:val='ffffff'/>", "<w:color w:val='FFFFFF'/><w:shd w:val='clear' w:fill='1F3864'/>"),
    ("<w:color w:val='FFFFFF'/><w:shd w:val='clear' w:fill='FFFFFF'/>", "<w:shd w:val='clear' w:fill='FFFFFF'/>"),
    (
        "<w:color w:val='FFFFFF'/><w:highlight w:val='white'/>",
        "<w:color w:val='FFFFFF'/><w:highlight w:val='darkBlue'/>",
    ),
    (
        "<w:color w:val='000000'/><w:highlight w:val='black'/>",
        "<w:color w:val='000000'/><w:highlight w:val='yellow'/>",
    ),
    (
        "<w:color w:val='000000'/><w:shd w:val='solid' w:color='000000' w:fill='FFFFFF'/>",
        "<w:color w:val='000000'/><w:shd w:val='nil' w:fill='000000'/>",
    ),
    (
        "<w:color w:val='000000' w:themeColor='background1'/>",
        "<w:color w:val='808080' w:themeColor='background1' w:themeShade='80'/>",
    ),
    (
        "<w:color w:val='FFFFFF'/><w:shd w:val='clear' w:fill='000000' w:themeFill='background1'/>",
        "<w:color w:val='FFFFFF'/><w:shd w:val='clear' w:fill='808080' w:themeFill='background1' w:themeFillShade='80'/>",
    ),
    ("<w:sz w:val='3'/>", "<w:sz w:val='4'/>"),
    ("<w:sz w:val='0.5pt'/>", "<w:sz w:val='24'/>"),
]


@pytest.mark.parametrize(("hiding", "showing"), HIDING_AND_NOT)
def test_a_run_that_word_hides_is_left_out_and_counted_and_its_visible_brother_stays(hiding: str, showing: str) -> None:
    extraction = extract(word(paragraph(run(OPENED), run(" " + CLOSED, hiding))), DOCX)
    assert (extraction.text, extraction.warnings) == (OPENED, ("1 hidden text run removed",))
    extraction = extract(word(paragraph(run(OPENED), run(" " + CLOSED, showing))), DOCX)
    assert (extraction.text, extraction.warnings) == (f"{OPENED} {CLOSED}", ())


@pytest.mark.parametrize(("hiding", "showing"), [HIDING_AND_NOT[n] for n in (0, 2, 4, 7, 11)])
@pytest.mark.parametrize(
    ("use", "style"),
    [
        (
            paragraph(run(CLOSED), properties="<w:pStyle w:val='X'/>"),
            "<w:style w:type='paragraph' w:styleId='X'><w:rPr>{}</w:rPr></w:style>",
        ),
        (
            paragraph(run(CLOSED, "<w:rStyle w:val='X'/>")),
            "<w:style w:type='character' w:styleId='X'><w:rPr>{}</w:rPr></w:style>",
        ),
        (
            paragraph(run(CLOSED), properties="<w:pStyle w:val='Y'/>"),
            "<w:style w:type='paragraph' w:styleId='Y'><w:basedOn w:val='X'/></w:style>"
            "<w:style w:type='paragraph' w:styleId='X'><w:basedOn w:val='Y'/><w:rPr>{}</w:rPr></w:style>",
        ),
        (
            f"<w:tbl><w:tblPr><w:tblStyle w:val='X'/></w:tblPr>{row(cell(CLOSED))}</w:tbl>",
            "<w:style w:type='table' w:styleId='X'><w:rPr>{}</w:rPr></w:style>",
        ),
    ],
    ids=["paragraph", "character", "based on, in a circle", "table"],
)
def test_a_style_hides_as_a_run_does(hiding: str, showing: str, use: str, style: str) -> None:
    body = paragraph(run(OPENED)) + use
    extraction = extract(word(body, styles=style.format(hiding)), DOCX)
    assert (extraction.text, extraction.warnings) == (OPENED, ("1 hidden text run removed",))
    extraction = extract(word(body, styles=style.format(showing)), DOCX)
    assert (extraction.text, extraction.warnings) == (f"{OPENED}\n\n{CLOSED}", ())


def test_a_default_that_hides_hides_all_but_the_runs_that_say_otherwise() -> None:
    content = word(paragraph(run(CLOSED), run(OPENED, "<w:vanish w:val='0'/>")))
    hiding = replaced(content, "word/styles.xml", b"<w:rPrDefault><w:rPr>", b"<w:rPrDefault><w:rPr><w:vanish/>")
    assert blocks(hiding) == [OPENED]


@pytest.mark.parametrize(("default", "expected"), [("1", [OPENED]), ("0", [OPENED, CLOSED])])
def test_the_default_style_hides_what_names_no_style(default: str, expected: list[str]) -> None:
    styles = (
        f"<w:style w:type='paragraph' w:default='{default}' w:styleId='X'><w:rPr><w:vanish/></w:rPr></w:style>"
        "<w:style w:type='paragraph' w:styleId='Y'/>"
    )
    body = paragraph(run(OPENED), properties="<w:pStyle w:val='Y'/>") + paragraph(run(CLOSED))
    assert blocks(word(body, styles=styles)) == expected


def test_one_style_that_hides_is_enough() -> None:
    """Word shows a run only where none of its styles hides it: hidden is a toggle, not a value that is replaced."""
    styles = (
        "<w:style w:type='paragraph' w:styleId='X'><w:rPr><w:vanish/></w:rPr></w:style>"
        "<w:style w:type='character' w:styleId='Y'><w:rPr><w:vanish w:val='0'/></w:rPr></w:style>"
    )
    hidden = paragraph(run(CLOSED, "<w:rStyle w:val='Y'/>"), properties="<w:pStyle w:val='X'/>")
    assert blocks(word(paragraph(run(OPENED)) + hidden, styles=styles)) == [OPENED]


@pytest.mark.parametrize(
    "body",
    [
        paragraph(run(OPENED, WHITE), properties="<w:shd w:val='clear' w:fill='1F3864'/>"),
        "<w:tbl><w:tr><w:tc><w:tcPr><w:shd w:val='clear' w:fill='1F3864'/></w:tcPr>"
        f"{paragraph(run(OPENED, WHITE))}</w:tc></w:tr></w:tbl>",
    ],
    ids=["paragraph", "cell"],
)
def test_white_on_a_dark_ground_is_read(body: str) -> None:
    assert blocks(word(body)) == [OPENED]


def test_tracked_deletions_are_no_text_and_insertions_are() -> None:
    change = "w:id='1' w:author='A' w:date='2026-01-01T00:00:00Z'"
    deleted_mark = f"<w:rPr><w:del {change}/></w:rPr>"
    body = (
        paragraph(
            run("The plant "),
            f"<w:del {change}><w:r><w:delText>never </w:delText></w:r></w:del>",
            f"<w:moveFrom {change}>{run('hardly ')}</w:moveFrom>",
            f"<w:ins {change}>{run('in Ulm ')}</w:ins>",
            properties=deleted_mark,
        )
        + paragraph(f"<w:moveTo {change}>{run('opened in March 2021 ')}</w:moveTo>", run("after two years."))
        + f"<w:tbl>{row(cell('gone'), cell('too'), properties=f'<w:del {change}/>')}{row(cell('a'), cell('b'))}</w:tbl>"
    )
    extraction = extract(word(body), DOCX)
    assert (extraction.text.split("\n\n"), extraction.warnings) == ([OPENED, "a | b"], ())


def test_links_controls_and_the_results_of_fields_are_text_and_the_code_of_fields_is_not() -> None:
    def step(kind: str) -> str:
        return f"<w:r><w:fldChar w:fldCharType='{kind}'/></w:r>"

    body = paragraph(
        f"<w:hyperlink w:anchor='x'>{run('The plant')}</w:hyperlink>",
        f"<w:sdt><w:sdtPr/><w:sdtContent>{run(' in Ulm')}</w:sdtContent></w:sdt>",
        step("begin"),
        run("never", ""),
        "<w:r><w:instrText>REF x</w:instrText></w:r>",
        step("separate"),
        run(" opened "),
        step("end"),
        f"<w:fldSimple w:instr='DATE'>{run('in March 2021')}</w:fldSimple>",
        "<w:r><w:noBreakHyphen/><w:footnoteReference w:id='2'/><w:softHyphen/><w:br/></w:r>",
        run("ish."),
    )
    extraction = extract(word(f"<w:sdt><w:sdtContent>{body}</w:sdtContent></w:sdt>"), DOCX)
    assert extraction.text == "The plant in Ulm opened in March 2021- ish."
    assert extraction.warnings == ("1 hidden text run removed",)


def test_what_cannot_be_read_leaves_a_mark_so_that_the_rest_is_no_other_sentence() -> None:
    formula = (
        "<m:oMath><m:f><m:num><m:r><m:t>1</m:t></m:r></m:num><m:den><m:r><m:t>2</m:t></m:r></m:den></m:f></m:oMath>"
    )
    symbol = "<w:r><w:sym w:font='Symbol' w:char='F0B3'/></w:r>"
    assert blocks(word(paragraph(run("It costs "), symbol, run(" 5 and "), formula, run(" more.")))) == [
        "It costs \ufffd 5 and \ufffd more."
    ]


def test_text_boxes_hidden_rows_and_covered_cells_are_left_out_and_said() -> None:
    box = f"<w:r><w:pict><w:txbxContent>{paragraph(run(CLOSED))}</w:txbxContent></w:pict></w:r>"
    rows = (
        row(cell("a", "<w:vMerge w:val='restart'/>"), cell("b"))
        + row(cell("covered", "<w:vMerge/>"), cell("c"))
        + row(cell("x"), cell("y"), properties="<w:hidden/>")
    )
    extraction = extract(word(paragraph(run(OPENED), box, "<w:r><w:pict/></w:r>") + f"<w:tbl>{rows}</w:tbl>"), DOCX)
    assert extraction.text.split("\n\n") == [OPENED, "a | b", "c"]
    assert set(extraction.warnings) == {
        "1 text box removed",
        "1 covered table cell removed",
        "1 hidden table row removed",
    }


def with_types(content: bytes, old: str, new: str) -> bytes:
    return replaced(content, "[Content_Types].xml", old.encode(), new.encode())


def packed(members: dict[str, bytes], *, compression: int = ZIP_DEFLATED, encrypted: bool = False) -> bytes:
    out = BytesIO()
    with ZipFile(out, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        for member in archive.infolist():
            member.flag_bits |= encrypted
    return out.getvalue()


def two_of_one_name() -> bytes:
    out = BytesIO(word(paragraph(run(OPENED))))
    with ZipFile(out, "a") as archive, warnings.catch_warnings(action="ignore"):
        archive.writestr("word/document.xml", b"<other/>")
    return out.getvalue()


def with_prolog(member: str, prolog: str) -> bytes:
    content = word(paragraph(run(OPENED)))
    with ZipFile(BytesIO(content)) as archive:
        data = archive.read(member)
    declared = data.replace(b"standalone='yes'?>", b"standalone='yes'?>" + prolog.encode(), 1)
    assert declared != data
    return repacked(content, **{member.replace("/", "__").replace(".", "_dot_"): declared})


def with_macros_inside() -> bytes:
    content = with_types(
        word(paragraph(run(OPENED))),
        "<Default ",
        '<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/><Default ',
    )
    relation = b'<Relationship Id="rId99" Type="http://x/vbaProject" Target="vbaProject.bin"/></Relationships>'
    content = replaced(content, "word/_rels/document.xml.rels", b"</Relationships>", relation)
    return repacked(content, word__vbaProject_dot_bin=b"\0")


def under_another_name() -> bytes:
    """The styles as *.bin, where the look for a document type would not come by."""
    content = word(paragraph(run(OPENED)))
    with ZipFile(BytesIO(content)) as archive:
        styles = archive.read("word/styles.xml")
    content = with_types(content, "/word/styles.xml", "/word/styles.bin")
    content = replaced(content, "word/_rels/document.xml.rels", b"styles.xml", b"styles.bin")
    return repacked(content, word__styles_dot_bin=styles)


MAIN = "vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "protected by a password, or an old .doc"),
        (lambda: b"PK\x03\x04 and no more", "no Word document that can be read: BadZipFile"),
        (lambda: word(paragraph(run(OPENED)))[:-300], "no Word document that can be read: BadZipFile"),
        (lambda: packed({"a.txt": b"hello"}), r"no Word document that can be read: KeyError.*Content_Types"),
        (lambda: with_types(word(""), MAIN, "vnd.ms-word.document.macroEnabled.main+xml"), "with macros"),
        (with_macros_inside, "with macros"),
        (
            lambda: with_types(word(""), MAIN, "vnd.oasis.opendocument.text"),
            "no Word document but 'application/vnd.oas",
        ),
        (lambda: packed({"a": b"hello"}, encrypted=True), "encrypted members"),
        (lambda: packed({"a": b"hello"}, compression=ZIP_LZMA), "packed in a way Word does not"),
        (lambda: packed({str(n): b"" for n in range(2_001)}), "more than 2,000 members"),
        (two_of_one_name, "two members of one name"),
        (lambda: packed({str(n): bytes(990_000) for n in range(102)}), "more than 100,000,000 bytes unpacked$"),
        (lambda: packed({"a.xml": bytes(26_000_000)}), r"25,000,000 bytes unpacked, of \*.xml alone"),
        (lambda: packed({"a.rels": bytes(2_100_000)}), r"2,000,000 bytes unpacked, of \*.rels alone"),
        (lambda: packed({"media/a.png": bytes(2_000_000)}), "packed more than 500 times"),
        (lambda: with_prolog("word/document.xml", "<!DOCTYPE w:document>"), "word/document.xml has a document type"),
        (
            lambda: with_prolog("word/styles.xml", "<!DOCTYPE x SYSTEM 'file:///etc/passwd'>"),
            "styles.xml has a document",
        ),
        (lambda: with_prolog("_rels/.rels", "<!DOCTYPE x [<!ENTITY a 'b'>]>"), "_rels/.rels has a document type"),
        (under_another_name, "XML under another name"),
        (lambda: repacked(word(""), word__document_dot_xml=b"<w:document"), "no Word document that can be read: Parse"),
        (lambda: word(paragraph(run(CLOSED, "<w:vanish/>"))), "no visible text"),
    ],
)
def test_an_archive_that_is_unsafe_or_no_word_document_is_an_error_with_its_reason(
    make: Callable[[], bytes], reason: str
) -> None:
    content = make()
    began = time.monotonic()
    with pytest.raises(EvidenceError, match=reason):
        extract(content, DOCX)
    assert time.monotonic() - began < 3


def test_a_member_that_unpacks_to_more_than_its_archive_says_gives_no_more() -> None:
    """The limits are checked against the archive's directory; so must be what is read."""
    content = bytearray(packed({"[Content_Types].xml": b"<a>" + b"x" * 5_000_000}))
    directory = content.index(b"PK\x01\x02")
    content[directory + 24 : directory + 28] = (10).to_bytes(4, "little")
    with pytest.raises(EvidenceError, match="Bad CRC-32"):
        extract(bytes(content), DOCX)


# tables


def rows_of(source: str) -> list[str]:
    return extract(source.encode(), CSV).text.split("\n\n")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_table_becomes_a_block_per_row_with_the_names_of_its_columns(delimiter: str) -> None:
    written = [["City", "Staff", ""], ["Ulm", "300", "x"], ["Bonn", "", ""], ["", "", ""]]
    text = "\n".join(delimiter.join(cells) for cells in written) + "\n\n"
    assert rows_of(text) == ["City | Staff", "City: Ulm | Staff: 300 | x", "City: Bonn"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a,b\n"x, y","say ""hi"""\n', 'a: x, y | b: say "hi"'),
        ('a, b\nx, "y, z"\n', "a: x | b: y, z"),
        ("Name;Preis\nUlm;1,50\nBonn;2,50\n", "Name: Ulm | Preis: 1,50"),
        ("Name, Ort;Preis, EUR\nUlm, BW;1,50\n", "Name, Ort: Ulm, BW | Preis, EUR: 1,50"),
        ("x;y,z\n1,2\n", "x;y: 1 | z: 2"),
        ('a;b\r\n"two\r\nlines";x\r\n', "a: two lines | b: x"),
        ("a\tb\rit's\tx\r", "a: it's | b: x"),
        ('"a","b"\n\'x,y\'\n', "a: 'x | b: y'"),
    ],
)
def test_quotes_and_decimal_commas_do_not_cut_a_cell(text: str, expected: str) -> None:
    assert rows_of(text)[1] == expected


def test_prose_in_a_cell_stays_a_sentence_of_its_own() -> None:
    text = f'City,Note,Kind\nUlm,"{OPENED} It runs.",plant\nBonn,Closed.,plant\n'
    assert rows_of(text)[1:] == [
        "City: Ulm | Kind: plant",
        f"{OPENED} It runs.",
        "City: Bonn | Note: Closed. | Kind: plant",
    ]


def test_umlauts_of_a_table_come_through_in_the_charset_that_its_server_states() -> None:
    media_type = media_type_of("/export", "text/csv; charset=windows-1252", b"")
    assert extract("Stadt;Größe\nKöln;groß\n".encode("cp1252"), media_type).text.endswith("Stadt: Köln | Größe: groß")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a,b\n1,2\n3\n", "row 2 below the header has 1 cells, the header 2"),
        ("a,b\n1,2,3\n", "row 1 below the header has 3 cells"),
        ("a,b\n" + "1,2\n" * 60 + "3\n", "row 61 below the header has 1 cells"),
        ("a,b\n1,\0\n", "NUL"),
        ("One sentence here.\nAnother sentence there.\n", "a single column"),
        ("a,b\n", "without rows"),
        ('a,b\n"open,2\n', "a broken table: line 2"),
        ('a,b\n"x"y,2\n', "a broken table: line 2"),
        (f"a,b\n{'x' * (csv.field_size_limit() + 1)},2\n", "a broken table: line 2: field larger than field limit"),
        (f"{'x' * (csv.field_size_limit() + 1)},b\n1,2\n", "a broken table: line 1: field larger than field limit"),
        ("a,b\n" + "1,2\n" * (ROWS_MAX + 1), "more than 100,000 rows"),
    ],
)
def test_what_is_no_table_is_an_error_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(EvidenceError, match=reason):
        extract(text.encode(), CSV)


def test_reading_a_table_leaves_the_limit_of_the_process_alone() -> None:
    before = csv.field_size_limit()
    rows_of("a,b\n1,2\n")
    assert csv.field_size_limit() == before


# feeds


RSS = f"""<?xml version="1.0" encoding="ISO-8859-1"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:atom="http://www.w3.org/2005/Atom"
 xmlns:media="http://search.yahoo.com/mrss/"><channel>
<atom:link rel="self" href="https://self.test/"/><title>Werke in K\u00f6ln</title><link>https://site.test/</link>
<item><media:title>Picture</media:title><title>R&amp;amp;D in Ulm</title><link> https://a.test/1 </link>
<pubDate>Tue, 02 Mar 2021 10:00:00 +0100</pubDate>
<description>&lt;p&gt;An excerpt &#8230;&lt;/p&gt;</description>
<content:encoded><![CDATA[<p>The plant in <b>Ulm</b> opened in March 2021<br>after two years.</p><p>It runs.</p>
<p style="display:none">Buy the shares.</p><style>.x{{display:none}}</style><i class="x">Sell them.</i>
<script>bad()</script><pre>code</pre><!-- note -->]]></content:encoded></item>
<item><title>Prices &lt; 5</title><link>/relative</link><guid>https://a.test/2</guid>
<pubDate>Wed, 03 Mar 2021 09:00:00 GMT</pubDate><description>{CLOSED}</description></item>
<item><title>Again</title><link>https://a.test/1</link><guid isPermaLink="false">https://a.test/3</guid>
<pubDate>no date</pubDate><description/></item>
<item><title>No link</title><link>https:///path</link><guid isPermaLink="false">https://a.test/4</guid></item>
</channel></rss>""".encode("iso-8859-1")

RDF = f"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="https://site.test/"><title>Plants</title></channel>
<item><title>Ulm</title><link>https://a.test/1</link><description>{OPENED}</description><dc:date>2021-03-02</dc:date></item>
<item><title>Bonn</title><link>https://a.test/2</link><description>{CLOSED}</description></item></rdf:RDF>""".encode()

ATOM = f"""<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title type="html">Plants &amp;amp; more</title>
<link rel="alternate" href="https://site.test/"/><updated>2026-01-01T00:00:00Z</updated>
<entry><title>Ulm &lt;b&gt;</title><link rel="edit" href="https://a.test/edit"/><link href="https://a.test/1"/>
<updated>2021-03-04T00:00:00Z</updated><published>2021-03-02T10:00:00+01:00</published><summary>Excerpt</summary>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><div hidden="hidden"/><p>{OPENED}</p>
<p hidden="hidden">Buy the shares.</p>It runs.</div></content>stray</entry>
<entry><title type="text">Bonn</title><link rel="alternate" href="http://a.test/2"/>
<link rel="alternate" href="https://a.test/other"/><updated>2021-03-03T00:00:00Z</updated>
<summary type="html">&lt;p&gt;{CLOSED}&lt;/p&gt;</summary></entry>
<entry><title>Picture</title><link href="javascript:alert(1)"/><content type="image/png">aGVsbG8=</content></entry>
</feed>""".encode()


def test_an_rss_feed_gives_titles_texts_and_links_of_its_entries() -> None:
    extraction = extract(RSS, FEED)
    assert extraction.title == "Werke in Köln"
    assert extraction.text.split("\n\n") == [
        "R&D in Ulm", OPENED, "It runs.", "Prices < 5", CLOSED, "Again", "No link",
    ]  # fmt: skip
    assert extraction.links == ("https://a.test/1", "https://a.test/2")
    assert extraction.published == "2021-03-03T09:00:00+00:00"
    assert extraction.warnings == ("2 hidden elements removed",)


def test_an_rss_feed_of_the_first_kind_is_read_as_well() -> None:
    extraction = extract(RDF, FEED)
    assert (extraction.title, extraction.text) == ("Plants", f"Ulm\n\n{OPENED}\n\nBonn\n\n{CLOSED}")
    assert extraction.links == ("https://a.test/1", "https://a.test/2")
    assert extraction.published == "2021-03-02"


def test_an_atom_feed_says_itself_what_is_markup() -> None:
    extraction = extract(ATOM, FEED)
    assert extraction.title == "Plants & more"
    assert extraction.text.split("\n\n") == ["Ulm <b>", OPENED, "It runs.", "Bonn", CLOSED, "Picture"]
    assert extraction.links == ("https://a.test/1", "http://a.test/2")
    assert extraction.published == "2021-03-03T00:00:00+00:00"
    assert extraction.warnings == ("1 hidden element removed",)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1252"])
def test_a_feed_is_read_in_the_encoding_that_it_declares(encoding: str) -> None:
    declaration = f"<?xml version='1.0' encoding='{encoding.removesuffix('-sig')}'?>"
    text = f"{declaration}<rss><channel><item><title>Köln – groß</title></item></channel></rss>"
    content = text.encode(encoding)
    assert extract(content, media_type_of("a.xml", "text/xml; charset=klingon", content[:4096])).text == "Köln – groß"


def test_markup_that_is_not_escaped_is_read_as_well() -> None:
    content = (
        f"<rss><channel><item><description>In short: <p>{OPENED}</p><p hidden=''/></description></item></channel></rss>"
    )
    assert extract(content.encode(), FEED).text == f"In short:\n\n{OPENED}"


def test_an_entry_in_the_colour_of_its_ground_is_hidden_and_on_another_ground_is_not() -> None:
    entry = (
        f"<p style='color:white'>Buy <b>the shares</b>.</p><div style='background:#000'><p style='color:white'>{OPENED}"
        f"</p></div><dialog>Sell them.</dialog>{CLOSED}"
    )
    content = f"<rss><channel><item><description><![CDATA[{entry}]]></description></item></channel></rss>"
    extraction = extract(content.encode(), FEED)
    assert extraction.text.split("\n\n") == [OPENED, CLOSED]
    assert extraction.warnings == ("2 hidden elements removed",)


def test_a_feed_without_end_is_read_up_to_its_limit_and_that_is_said() -> None:
    entries = "".join(
        f"<item><title>Entry {n}</title><link>https://a.test/{n}</link></item>" for n in range(ENTRIES_MAX + 5)
    )
    extraction = extract(f"<rss><channel>{entries}</channel></rss>".encode(), FEED)
    assert len(extraction.links) == len(extraction.text.split("\n\n")) == ENTRIES_MAX
    assert extraction.warnings == ("only the first 1,000 of 1,005 entries were read",)


LAUGHS = "<!DOCTYPE rss [<!ENTITY l0 'lol'>" + "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 10))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"{LAUGHS}]><rss><channel><item><title>&l9;</title></item></channel></rss>", "document type or entities"),
        (
            "<!DOCTYPE rss [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
            "<rss><channel><item><title>&x;</title></item></channel></rss>",
            "document type or entities",
        ),
        ("<!DOCTYPE rss SYSTEM 'http://a.test/rss.dtd'><rss/>", "document type or entities"),
        ("<!DOCTYPE rss [<!ENTITY % x SYSTEM 'http://a.test/'> %x;]><rss/>", "document type or entities"),
        ("<rss><channel><item>", "a broken feed"),
        ("<rss><channel><item><title>&nbsp;</title></item></channel></rss>", "a broken feed: undefined entity"),
        ("<?xml version='1.0' encoding='utf-7'?><rss/>", "a broken feed: multi-byte encodings are not supported"),
        ("<?xml version='1.0' encoding='klingon'?><rss/>", "a broken feed: unknown encoding"),
        ("<rss><channel><title>T</title></channel></rss>", "a feed without entries"),
        ("<feed xmlns='http://www.w3.org/2005/Atom'/>", "a feed without entries"),
        ("<rss/>", "neither RSS nor Atom"),
        ("<note><rss/></note>", "neither RSS nor Atom: it begins with <note>"),
        ("<rss><channel><item/></channel></rss>", "no visible text"),
    ],
)
def test_a_feed_that_cannot_be_used_is_an_error_with_its_reason(text: str, reason: str) -> None:
    began = time.monotonic()
    with pytest.raises(EvidenceError, match=reason):
        extract(text.encode(), FEED)
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    "date",
    [
        "", "x", "2021", "Tue, 02 Mar 99999999999 10:00:00 GMT", "Tue, 99 Mar 2021", "2021-13-01", ", ,", "0 0 0 0 0",
        "Tue, 02 Mar 2021 10:00:00 +9999",
    ],
)  # fmt: skip
def test_a_date_that_is_none_is_passed_over(date: str) -> None:
    content = f"<rss><channel><item><title>x</title><pubDate>{date}</pubDate></item></channel></rss>"
    assert extract(content.encode(), FEED).published == ""


def test_dates_at_the_ends_of_time_can_be_compared() -> None:
    dates = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01"]
    items = "".join(f"<item><title>x</title><pubDate>{date}</pubDate></item>" for date in dates)
    assert extract(f"<rss><channel>{items}</channel></rss>".encode(), FEED).published == dates[1]


@pytest.mark.parametrize(
    "text", ["<a" * 200_000, "<div>" * 50_000, "&amp" * 100_000, "<style>" + "{" * 200_000, "<i hidden>" * 20_000]
)
def test_an_entry_made_to_take_for_ever_does_not(text: str) -> None:
    escaped = f"words {text}".replace("&", "&amp;").replace("<", "&lt;")
    content = f"<rss><channel><item><title>T</title><description>{escaped}</description></item></channel></rss>"
    began = time.monotonic()
    assert extract(content.encode(), FEED).text.startswith("T\n\nwords")
    assert time.monotonic() - began < 3


# kinds of source


@pytest.mark.parametrize(
    ("name", "content_type", "head", "expected"),
    [
        ("a.docx", None, b"PK\x03\x04", DOCX),
        ("a.DOCX", "application/octet-stream", b"PK\x03\x04", DOCX),
        ("download", DOCX, b"PK\x03\x04", DOCX),
        ("a.csv", None, b"a;b", CSV),
        ("a.tsv", None, b"a\tb", CSV),
        ("a.csv", "text/plain; charset=utf-8", b"a,b", CSV),
        ("export", "text/csv; charset=windows-1252", b"a;b", f"{CSV}; charset=windows-1252"),
        ("export", "text/tab-separated-values", b"a\tb", CSV),
        ("feed", "application/rss+xml; charset=iso-8859-1", RSS, FEED),
        ("feed", "application/atom+xml", ATOM, FEED),
        ("feed", "application/rdf+xml", RDF, FEED),
        ("feed", "application/xml", RSS, FEED),
        ("feed", "text/xml", RDF, FEED),
        ("feed", "text/xml", "<?xml version='1.0' encoding='utf-16'?><rss>".encode("utf-16"), FEED),
        ("a.xml", None, ATOM, FEED),
        ("a.rss", None, RSS, FEED),
        ("a.atom", None, b"<a:feed xmlns:a='http://www.w3.org/2005/Atom'>", FEED),
        ("feed", None, b"\n<?xml version='1.0'?><rss version='2.0'>", FEED),
        ("notes", None, b"Write <rss> at the beginning.", "text/plain"),
        ("page", "application/xhtml+xml", b"<?xml version='1.0'?><html>", HTML),
        ("page.xhtml", None, b"<?xml version='1.0'?><html>", HTML),
    ],
)
def test_documents_tables_and_feeds_are_known_by_name_header_and_bytes(
    name: str, content_type: str | None, head: bytes, expected: str
) -> None:
    assert media_type_of(name, content_type, head[:4096]) == expected


ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


@pytest.mark.parametrize(
    ("name", "content_type", "head", "reason"),
    [
        ("a.docx", None, b"hello", "called a DOCX, but it is no zip archive"),
        ("a.docx", None, OLE, "protected by a password or an old .doc"),
        ("a", DOCX, b"hello", "called a DOCX, but it is no zip archive"),
        ("a.docm", None, ZIP, r"\*.docm cannot be a source; PDF, DOCX, HTML, .* CSV, RSS and Atom can"),
        ("a.docm", "application/octet-stream", ZIP, r"\*.docm cannot be a source"),
        ("a", "application/vnd.ms-word.document.macroEnabled.12", ZIP, "macroenabled.12 cannot be a source"),
        ("a.doc", None, OLE, r"\*.doc cannot be a source"),
        ("a.xlsx", None, ZIP, r"\*.xlsx cannot be a source"),
        ("a.zip", "application/zip", ZIP, "application/zip cannot be a source"),
        ("a", None, ZIP + b"\0", "unknown binary content"),
        ("a.xml", None, b"<?xml version='1.0'?><note/>", "neither RSS nor Atom"),
        ("a", "text/xml", b"<?xml version='1.0'?><feedback/>", "neither RSS nor Atom"),
        ("a", "application/rss+xml", b"<!doctype html><html>", "neither RSS nor Atom"),
    ],
)
def test_what_only_looks_like_one_is_refused(name: str, content_type: str | None, head: bytes, reason: str) -> None:
    with pytest.raises(EvidenceError, match=reason):
        media_type_of(name, content_type, head)


def test_a_head_of_nothing_but_comments_is_looked_at_once() -> None:
    began = time.monotonic()
    assert media_type_of("a", None, b"<!---->" * 500 + b"words") == "text/plain"
    assert time.monotonic() - began < 1


# all of them


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (word(paragraph(run("Outlook")) + paragraph(run(f"{OPENED} {CLOSED}"))), DOCX),
        (f"City,Note\nUlm,{OPENED} {CLOSED}\n".encode(), CSV),
        (RDF, FEED),
        (ATOM, FEED),
    ],
    ids=["docx", "csv", "rdf", "atom"],
)
def test_sentences_and_claims_resolve_to_their_places(content: bytes, media_type: str) -> None:
    text = extract(content, media_type).text
    assert {OPENED, CLOSED} <= {text[start:end] for start, end in sentences(text)}
    claims = claims_of([(source("a", media_type=media_type), text)])
    assert {claim.text for claim in claims} == {OPENED, CLOSED}
    assert all(span_holds(text, span, claim.text) for claim in claims for span in claim.evidence)
    assert extract(content, media_type) == extract(content, media_type)
