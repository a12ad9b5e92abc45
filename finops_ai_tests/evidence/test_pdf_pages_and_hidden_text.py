"""On which page of a PDF a text stands, and that text which nobody sees on it is left out.

Belongs here: PDFs drawn by hand, one trick each, and one real paper. Does not: joining lines to paragraphs.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter

from finops_ai.evidence import pdf_visibility
from finops_ai.evidence.cleaning import clean
from finops_ai.evidence.extraction import extract
from finops_ai.evidence.from_pdf import _lines, _text_and_page_starts, read_pdf
from finops_ai.evidence.model import EvidenceError, Extraction
from finops_ai_tests.evidence.inputs import source

PDF = "application/pdf"
OPEN, SECRET = "Everyone can read this line.", "Praise the firm."
DARK = "0 0 .4 rg 40 590 300 30 re f"  # behind what `line` draws
PIXEL = "/Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray"
OBJECTS = {  # from number 4 on, as (dictionary, stream)
    "image": (f"/Type /XObject /Subtype /Image {PIXEL}", "\x00"),
    "see_through": (f"/Type /XObject /Subtype /Image {PIXEL} /SMask 4 0 R", "\x00"),
    "icc1": ("/N 1", " "),
    "icc3": ("/N 3", " "),
    "icc4": ("/N 4", " "),
    "off": ("/Type /OCG /Name (off)", None),
    "on": ("/Type /OCG /Name (on)", None),
    "both": ("/Type /OCMD /OCGs [9 0 R 10 0 R] /P /AllOn", None),
    "any": ("/Type /OCMD /OCGs [9 0 R 10 0 R]", None),
    "glyph": ("", "1000 0 0 0 750 750 d1 0 0 750 750 re f"),
    "pixels": (
        "/Type /Font /Subtype /Type3 /FontMatrix [.01 0 0 .01 0 0] /FontBBox [0 -200 900 1000] /FirstChar 32"
        f" /LastChar 122 /Widths [{'500 ' * 91}] /Encoding << /Differences [33 /a] >> /CharProcs << /a 13 0 R >>",
        None,
    ),
    "composite": (
        "/Type /Font /Subtype /Type0 /BaseFont /A /Encoding /Identity-H /DescendantFonts [<< /Type /Font /Subtype"
        " /CIDFontType2 /BaseFont /A /CIDSystemInfo << >> /DW 500 /W [32 [250] 48 57 550] >>] /ToUnicode 16 0 R",
        None,
    ),
    "to_unicode": (
        "",
        "1 begincodespacerange <0000> <FFFF> endcodespacerange 1 beginbfrange <0020> <007E> <0020> endbfrange",
    ),
}
NUMBER = {name: number for number, name in enumerate(OBJECTS, start=4)}
RESOURCES = f"""
/Font << /F1 3 0 R /F2 {NUMBER["composite"]} 0 R /F3 {NUMBER["pixels"]} 0 R >>
/ColorSpace << /Icc1 [/ICCBased {NUMBER["icc1"]} 0 R] /Icc3 [/ICCBased {NUMBER["icc3"]} 0 R]
 /Icc4 [/ICCBased {NUMBER["icc4"]} 0 R] /Cal [/CalRGB << /WhitePoint [1 1 1] >>]
 /Spot [/Separation /Blue /DeviceCMYK << >>] /Tiles [/Pattern /DeviceRGB] >>
/ExtGState << /Clear << /ca 0 >> /Faint << /ca .05 >> /Half << /ca .5 >> /Multiply << /BM /Multiply >>
 /Speck << /Font [3 0 R .5] >> >>
/Properties << /Off {NUMBER["off"]} 0 R /On {NUMBER["on"]} 0 R /Both {NUMBER["both"]} 0 R /Any {NUMBER["any"]} 0 R >>
"""


def document(*pages: str, forms: Sequence[tuple[str, str]] = (), boxes: str = "/MediaBox [0 0 612 792]") -> bytes:
    """A PDF with these content streams as pages. `forms` are dictionary entries and stream of /Fm0, /Fm1, …"""
    first_form = 4 + len(OBJECTS)
    drawable = [f"/Image {NUMBER['image']} 0 R /SeeThrough {NUMBER['see_through']} 0 R"]
    drawable += [f"/Fm{number} {first_form + number} 0 R" for number in range(len(forms))]
    resources = f"<< {RESOURCES} /XObject << {' '.join(drawable)} >> >>"
    first_page = first_form + len(forms)
    kids = " ".join(f"{first_page + 2 * number} 0 R" for number in range(len(pages)))
    layers = f"<< /OCGs [{NUMBER['off']} 0 R {NUMBER['on']} 0 R] /D << /OFF [{NUMBER['off']} 0 R] >> >>"
    objects: list[tuple[str, str | None]] = [
        (f"/Type /Catalog /Pages 2 0 R /OCProperties {layers}", None),
        (f"/Type /Pages /Kids [{kids}] /Count {len(pages)}", None),
        ("/Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding", None),
        *OBJECTS.values(),
        *((f"/Type /XObject /Subtype /Form /Resources {resources} {entries}", stream) for entries, stream in forms),
    ]
    for number, stream in enumerate(pages):
        contents = first_page + 2 * number + 1
        objects.append((f"/Type /Page /Parent 2 0 R {boxes} /Contents {contents} 0 R /Resources {resources}", None))
        objects.append(("", stream))
    return _file(objects)


def _file(objects: Sequence[tuple[str, str | None]]) -> bytes:
    out, offsets = b"%PDF-1.7\n", []
    for number, (entries, stream) in enumerate(objects, start=1):
        offsets.append(len(out))
        length = "" if stream is None else f" /Length {len(stream.encode('latin-1'))}"
        body = "" if stream is None else f"\nstream\n{stream}\nendstream"
        out += f"{number} 0 obj\n<< {entries}{length} >>{body}\nendobj\n".encode("latin-1")
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    head = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer << /Size {size} /Root 1 0 R >>\n"
    return out + f"{head}startxref\n{len(out)}\n%%EOF".encode()


def line(text: str, *, before: str = "", at: str = "50 600 Td") -> str:
    return f"BT /F1 11 Tf {at} {before} ({text}) Tj ET"


def lines(*texts: str) -> str:
    return f"BT /F1 11 Tf 14 TL 50 750 Td {' T* '.join(f'({text}) Tj' for text in texts)} ET"


def read(drawn: str, **parts: object) -> Extraction:
    """What is drawn, on one page with a line that is always seen."""
    return extract(document(f"q {drawn} Q {line(OPEN, at='50 700 Td')}", **parts), PDF)  # type: ignore[arg-type]  # forms, boxes


HIDDEN = {
    "render mode 3": line(SECRET, before="3 Tr"),
    "render mode 7": line(SECRET, before="7 Tr"),
    "white by g": line(SECRET, before="1 g"),
    "nearly white by g": line(SECRET, before=".95 g"),
    "white by rg": line(SECRET, before="1 1 1 rg"),
    "nearly white by rg": line(SECRET, before=".93 .95 .98 rg"),
    "white by k": line(SECRET, before="0 0 0 0 k"),
    "white by cs DeviceGray": line(SECRET, before="/DeviceGray cs 1 sc"),
    "white by cs DeviceRGB": line(SECRET, before="/DeviceRGB cs 1 1 1 scn"),
    "white by cs DeviceCMYK": line(SECRET, before="/DeviceCMYK cs 0 0 0 0 sc"),
    "white by a grey profile": line(SECRET, before="/Icc1 cs 1 scn"),
    "white by an RGB profile": line(SECRET, before="/Icc3 cs 1 1 1 scn"),
    "white by a CMYK profile": line(SECRET, before="/Icc4 cs 0 0 0 0 scn"),
    "white by CalRGB": line(SECRET, before="/Cal cs 1 1 1 scn"),
    "no ink of a spot colour": line(SECRET, before="/Spot cs 0 scn"),
    "white outlines": line(SECRET, before="1 Tr 1 G"),
    "white, filled and outlined": line(SECRET, before="2 Tr 1 g 1 G"),
    "white from before the text": f"1 g {line(SECRET)}",
    "font size": line(SECRET, before="/F1 .5 Tf"),
    "font size 0": line(SECRET, before="/F1 0 Tf"),
    "font size of a dictionary": line(SECRET, before="/Speck gs"),
    "scale of the text matrix": line(SECRET, at=".05 0 0 .05 50 600 Tm"),
    "height of the text matrix": line(SECRET, at="1 0 0 .05 50 600 Tm"),
    "flattened at an angle": line(SECRET, at="1 1 1 1.01 50 600 Tm"),
    "scale of the page": f"q .05 0 0 .05 50 600 cm {line(SECRET, at='0 0 Td')} Q",
    "horizontal scaling": line(SECRET, before="1 Tz"),
    "left of the page": line(SECRET, at="-300 600 Td"),
    "above the page": line(SECRET, at="50 900 Td"),
    "risen above the page": line(SECRET, before="900 Ts"),
    "moved off the page": f"q 1 0 0 1 2000 0 cm {line(SECRET)} Q",
    "after spaces that run off the page": line(f"{' ' * 200}) Tj ({SECRET}"),
    "after steps that run off the page": f"BT /F1 11 Tf 50 600 Td [-60000] TJ ({SECRET}) Tj ET",
    "after steps to and fro": f"BT /F1 11 Tf 50 600 Td [-60000 ({SECRET}) 60000] TJ ET",
    "running far off the page": line(SECRET, at="-50 600 Td"),
    "clipped away": f"400 400 50 50 re W n {line(SECRET)}",
    "clipped by nothing": f"50 600 0 0 re W n {line(SECRET)}",
    "clipped by a curve": f"400 400 m 450 400 450 450 400 450 c h W* n {line(SECRET)}",
    "alpha 0": f"/Clear gs {line(SECRET)}",
    "alpha next to 0": f"/Faint gs {line(SECRET)}",
    "white beside a dark area": f"{DARK} 1 g {line(SECRET, at='50 500 Td')}",
    "white beyond a dark area": f"{DARK} 1 g {line(SECRET, at='330 600 Td')}",
    "white on white on dark": f"{DARK} 1 g 40 590 300 30 re f {line(SECRET)}",
    "white on a light area": f".93 g 40 590 300 30 re f 1 g {line(SECRET)}",
    "white on what is clipped away": f"q 0 0 9 9 re W n {DARK} Q 1 g {line(SECRET)}",
    "white on what is transparent": f"q /Clear gs {DARK} Q 1 g {line(SECRET)}",
    "white on a transparent image": f"q /Clear gs 300 0 0 30 40 590 cm /Image Do Q 1 g {line(SECRET)}",
    "white on a faint area": f"q /Faint gs {DARK} Q 1 g {line(SECRET)}",
    "white on a layer that is off": f"/OC /Off BDC {DARK} EMC 1 g {line(SECRET)}",
    "dark on the same dark": f"{DARK} {line(SECRET)}",
    "covered by an area": f"{line(SECRET)} 1 g 40 590 300 30 re f",
    "covered by an image": f"{line(SECRET)} q 300 0 0 30 40 590 cm /Image Do Q",
    "on a layer that is off": f"/OC /Off BDC /Span << /MCID 1 >> BDC {line(SECRET)} EMC EMC",
    "on a layer that needs one that is off": f"/OC /Both BDC {line(SECRET)} EMC",
    "with a composite font": f"1 g BT /F2 11 Tf 50 600 Td <{SECRET.encode('utf-16-be').hex()}> Tj ET",
    "a font that draws in pixels": f"BT /F3 .05 Tf 50 600 Td ({SECRET}) Tj ET",
    "in pieces": f"BT /F1 11 Tf 50 600 Td 3 Tr [({SECRET[:5]}) -20 ({SECRET[5:]})] TJ ET",
    "by the quote operator": f"BT /F1 11 Tf 50 600 Td 3 Tr ({SECRET}) ' ET",
    "by the double quote operator": f'BT /F1 11 Tf 50 600 Td 3 Tr 1 1 ({SECRET}) " ET',
}


@pytest.mark.parametrize("drawn", HIDDEN.values(), ids=HIDDEN.keys())
def test_text_that_a_reader_does_not_see_is_left_out_and_counted(drawn: str) -> None:
    extraction = read(drawn)
    assert extraction.text == OPEN
    assert re.fullmatch(r"1 hidden text run removed|2 hidden text runs removed", "".join(extraction.warnings))


SEEN = {
    "black": line(SECRET),
    "grey": line(SECRET, before=".5 g"),
    "light grey": line(SECRET, before=".85 g"),
    "yellow": line(SECRET, before="1 1 0 rg"),
    "black by k": line(SECRET, before="0 0 0 1 k"),
    "black after a change of colour space": f"1 g {line(SECRET, before='/DeviceRGB cs')}",
    "spot colour": line(SECRET, before="/Spot cs 1 scn"),
    "pattern": line(SECRET, before="/Tiles cs 1 1 1 /P1 scn"),
    "colour given back by Q": f"q 1 g Q {line(SECRET)}",
    "colour after a Q too many": f"Q Q {line(SECRET)}",
    "white with dark outlines": line(SECRET, before="2 Tr 1 g 0 G"),
    "dark outlines": line(SECRET, before="1 Tr 1 g 0 G"),
    "small print": line(SECRET, before="/F1 4 Tf"),
    "font size 1, enlarged by the text matrix": f"BT /F1 1 Tf 11 0 0 11 50 600 Tm ({SECRET}) Tj ET",
    "font size .01, enlarged by the page": f"q 1000 0 0 1000 50 600 cm BT /F1 .011 Tf ({SECRET}) Tj ET Q",
    "a font that draws in pixels": f"BT /F3 .9 Tf 50 600 Td ({SECRET}) Tj ET",
    "a composite font": f"BT /F2 11 Tf 50 600 Td <{SECRET.encode('utf-16-be').hex()}> Tj ET",
    "turned": line(SECRET, at="0 1 -1 0 50 600 Tm"),
    "touching the edge of the page": line(SECRET, at="-4 600 Td"),
    "inside a clip": f"40 590 300 30 re W n {line(SECRET)}",
    "after a clip was given back": f"q 0 0 9 9 re W n Q {line(SECRET)}",
    "half transparent": f"/Half gs {line(SECRET)}",
    "white on a dark area": f"{DARK} 1 g {line(SECRET)}",
    "white on a grey area": f".5 g 40 590 300 30 re B 1 g {line(SECRET)}",
    "white on one of several areas": f"0 g 40 500 300 30 re 40 590 300 30 re f* 1 g {line(SECRET)}",
    "white on a dark round shape": f"0 g 40 590 m 90 590 340 580 340 620 c 40 620 l h f 1 g {line(SECRET)}",
    "white on a half transparent area": f"q /Half gs {DARK} Q 1 g {line(SECRET)}",
    "white on a pattern": f"/Tiles cs 1 1 1 /P1 scn 40 590 300 30 re f 1 g {line(SECRET)}",
    "white on a shading": f"q 40 590 300 30 re W n /Sh1 sh Q 1 g {line(SECRET)}",
    "white on an image": f"q 300 0 0 30 40 590 cm /Image Do Q 1 g {line(SECRET)}",
    "white on an image in the stream": (
        f"q 300 0 0 30 40 590 cm BI /W 1 /H 1 /BPC 8 /CS /G ID \x00 EI Q 1 g {line(SECRET)}"
    ),
    "black on white on dark": f"{DARK} 1 g 40 590 300 30 re f 0 g {line(SECRET)}",
    "black on a round black frame": f"0 g 30 580 m 350 580 350 650 30 650 c h f* {line(SECRET)}",
    "marked with a marker": f"{line(SECRET)} /Multiply gs 1 1 0 rg 40 590 300 30 re f",
    "below a see-through image": f"{line(SECRET)} q 300 0 0 30 40 590 cm /SeeThrough Do Q",
    "below what is clipped away": f"{line(SECRET)} 0 0 9 9 re W n 1 g 40 590 300 30 re f",
    "below what a curve clips away": f"{line(SECRET)} 40 590 m 340 590 l 340 620 l h W n 1 g 40 590 300 30 re f",
    "below the corners of a turned square": f"{line(SECRET)} .7 .7 -.7 .7 145 595 cm 1 g 0 0 150 150 re f",
    "struck through": f"{line(SECRET)} 50 602 80 3.2 re f",
    "on a thin line": f"50 604.5 80 2 re f {line(SECRET)}",
    "on a strike": f"50 602 80 3.2 re f {line(SECRET)}",
    "underlined": f"50 597 80 3.2 re f {line(SECRET)}",
    "partly covered": f"{line(SECRET)} 1 g 40 590 30 30 re f",
    "on a layer that is on": f"/OC /On BDC {line(SECRET)} EMC",
    "on a layer that is on with another": f"/OC /Any BDC {line(SECRET)} EMC",
    "after a layer that is off": f"/OC /Off BDC EMC {line(SECRET)}",
}


@pytest.mark.parametrize("drawn", SEEN.values(), ids=SEEN.keys())
def test_text_that_a_reader_sees_stays(drawn: str) -> None:
    extraction = read(drawn)
    assert sorted(extraction.text.split("\n\n")) == [OPEN, SECRET]
    assert extraction.warnings == ()


@pytest.mark.parametrize(
    ("boxes", "seen"),
    [
        ("/MediaBox [0 0 612 792]", True),
        ("/MediaBox [612 792 0 0]", True),
        ("", True),
        ("/MediaBox [0 0 612 792] /CropBox [0 590 612 792]", True),
        ("/MediaBox [0 0 612 792] /CropBox [0 650 612 792]", False),
        ("/MediaBox [0 650 612 792] /CropBox [0 0 612 792]", False),
        ("/MediaBox [0 0 612 792] /CropBox [900 900 950 950]", True),  # no such part of the page: viewers overlook it
    ],
)
def test_only_the_cropped_page_is_seen(boxes: str, seen: bool) -> None:
    assert (SECRET in read(line(SECRET), boxes=boxes).text) is seen


def test_a_unit_of_the_user_can_make_small_numbers_large() -> None:
    small = line(SECRET, before="/F1 .5 Tf")
    assert SECRET in read(small, boxes="/MediaBox [0 0 612 792] /UserUnit 20").text
    assert SECRET not in read(small).text


BOX = "/BBox [0 0 612 792]"
FORMS_HIDDEN = {
    "white in the form": ("/Fm0 Do", [(BOX, line(SECRET, before="1 g"))]),
    "white from outside": ("1 g /Fm0 Do", [(BOX, line(SECRET))]),
    "outside the box of the form": ("/Fm0 Do", [("/BBox [0 0 20 20]", line(SECRET))]),
    "moved off the page by the form": ("/Fm0 Do", [(f"{BOX} /Matrix [1 0 0 1 2000 0]", line(SECRET))]),
    "made small by the page": ("q .05 0 0 .05 0 0 cm /Fm0 Do Q", [(BOX, line(SECRET))]),
    "in a form of a form": ("/Fm0 Do", [(BOX, "1 g /Fm1 Do"), (BOX, line(SECRET))]),
    "in a group that is transparent": (
        "/Clear gs /Fm0 Do",
        [(f"{BOX} /Group << /S /Transparency >>", f"/Half gs {line(SECRET)}")],
    ),
    "on a layer that is off": ("/Fm0 Do", [(f"{BOX} /OC {NUMBER['off']} 0 R", line(SECRET))]),
    "marked on a layer that is off": ("/OC /Off BDC /Fm0 Do EMC", [(BOX, f"EMC EMC {line(SECRET)}")]),
    "covered by a form": (f"{line(SECRET)} /Fm0 Do", [(BOX, "1 g 40 590 300 30 re f")]),
}


@pytest.mark.parametrize(("drawn", "forms"), FORMS_HIDDEN.values(), ids=FORMS_HIDDEN.keys())
def test_text_in_forms_is_judged_as_it_is_drawn(drawn: str, forms: list[tuple[str, str]]) -> None:
    extraction = read(drawn, forms=forms)
    assert (extraction.text, extraction.warnings) == (OPEN, ("1 hidden text run removed",))


def test_a_form_is_seen_where_it_is_drawn_visibly() -> None:
    forms = [(BOX, line(SECRET)), (BOX, f"{DARK} 1 g")]
    assert read("/Fm0 Do", forms=forms).text.count(SECRET) == 1
    once = read("q 1 g /Fm0 Do Q q 1 0 0 1 0 -50 cm /Fm0 Do Q", forms=forms)
    assert (once.text.count(SECRET), once.warnings) == (1, ("1 hidden text run removed",))
    assert SECRET in read(f"/Fm1 Do {line(SECRET, at='50 500 Td')}", forms=forms).text
    on_dark = read(f"/Fm1 Do 1 g {line(SECRET)}", forms=forms)
    assert (on_dark.text.count(SECRET), on_dark.warnings) == (1, ())


@pytest.mark.parametrize("subtype", ["/PS", "/form", ""])
def test_what_is_neither_form_nor_image_is_not_drawn(subtype: str) -> None:
    content = document(f"/Fm0 Do {line(OPEN)}", forms=[(BOX, line(SECRET))])
    other = content.replace(b"/Subtype /Form", f"/Subtype {subtype:<5}".encode() if subtype else b"/Kind    /Form")
    assert len(other) == len(content)
    assert extract(other, PDF).text == OPEN


def test_hidden_text_leaves_a_gap_and_its_line() -> None:
    def words(shown: str) -> str:
        return extract(document(f"BT /F1 11 Tf 14 TL 50 750 Td {shown} ET"), PDF).text

    assert words("(The profit was) Tj 3 Tr ( not ) Tj 0 Tr (5 million.) Tj") == "The profit was 5 million."
    assert words("(First) Tj 3 Tr (Second) ' 0 Tr (third) Tj") == "First\n\nthird"
    assert words('(First) Tj 3 Tr 0 0 (Second) " 0 Tr (third) Tj') == "First\n\nthird"


def test_hidden_spaces_are_nothing_to_report() -> None:
    assert read(line("   ", before="3 Tr")).warnings == ()


def test_hidden_runs_of_all_pages_are_counted_together() -> None:
    pages = [line(OPEN) + line(SECRET, before="3 Tr", at="50 500 Td"), line(SECRET, before="1 g"), line("Last.")]
    extraction = extract(document(*pages), PDF)
    assert (extraction.text, extraction.warnings) == (f"{OPEN}\n\nLast.", ("2 hidden text runs removed",))


@pytest.mark.parametrize(
    "scan",
    [
        f"q 612 0 0 792 0 0 cm /Image Do Q {line(SECRET, before='3 Tr')}",
        f"{line(SECRET)} q 612 0 0 792 0 0 cm /Image Do Q",
    ],
    ids=["text layer above the image", "text layer below the image"],
)
def test_a_scan_with_a_text_layer_needs_a_person(scan: str) -> None:
    with pytest.raises(EvidenceError, match="only text is invisible, as in a scan with a text layer; a person has to"):
        extract(document(scan, scan), PDF)


@pytest.mark.parametrize(
    ("drawn", "reason"),
    [
        (line(SECRET, at="1 0 0 1 50 Tm"), "ValueError"),
        (line(SECRET, at="/x 600 Td"), "TypeError"),
        (line(SECRET, before="9 Tr"), "unknown render mode 9"),
        (line(SECRET, before="-2 Tr"), "unknown render mode -2"),
        (line(SECRET, before="1 1 rg"), "2 numbers for a colour of /DeviceRGB"),
        (line(SECRET, before="/Unknown cs 1 scn"), "unknown colour space /Unknown"),
        (f"1 2 3 l 4 m f {line(SECRET)}", "3 coordinates instead of 2"),
        (f"(x {line(SECRET)}", "PDF"),
        ("/Fm0 Do", "forms within forms without end"),
    ],
)
def test_a_page_that_cannot_be_followed_is_an_error(drawn: str, reason: str) -> None:
    with pytest.raises(EvidenceError, match=reason):
        read(drawn, forms=[(BOX, f"/Fm0 Do {line(SECRET)}")])


@pytest.mark.parametrize(("limit", "value"), [("OPERATIONS_MAX", 10), ("COMPARISONS_MAX", 1)])
def test_a_page_with_too_much_drawn_on_it_is_an_error(limit: str, value: int, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = f"{DARK} 1 g {line(SECRET)}"
    assert read(drawn).warnings == ()
    monkeypatch.setattr(pdf_visibility, limit, value)
    with pytest.raises(EvidenceError, match=r"page 1: .* too many drawing operations"):
        read(drawn)


def test_each_page_begins_where_its_first_line_does() -> None:
    content = document(
        lines(
            "1 Introduction",
            "The plant in Ulm opened in March 2021 and it was planned by archi-",
        ),
        lines(
            "tects from Bonn. It makes parts for ten countries of the whole conti-",
            "nent, and the company that owns it has been listed since the year of",
            "2",
        ),
        "",
        line(SECRET, before="3 Tr"),
        lines("its foundation.", "2 Results"),
        "",
    )
    extraction = extract(content, PDF)
    text, starts = extraction.text, extraction.page_starts
    assert text.split("\n\n") == [
        "1 Introduction",
        "The plant in Ulm opened in March 2021 and it was planned by architects from Bonn. It makes parts for ten "
        "countries of the whole continent, and the company that owns it has been listed since the year of its "
        "foundation.",
        "2 Results",
    ]
    begins = [text.index(words) for words in ("1 Intro", "tects", "its found", "its found", "its found")]
    assert starts == (*begins, len(text))
    pages = {"1 Intro": 1, "archi": 1, "tects from": 2, "the year of": 2, "its found": 5, "2 Results": 5}
    paged = replace(source("a.pdf"), page_starts=starts)
    assert {words: paged.page_of(text.index(words)) for words in pages} == pages


@pytest.mark.parametrize(
    ("starts", "offset", "page"),
    [
        ((), 7, 0),
        ((0,), 0, 1),
        ((0,), 99, 1),
        ((0, 10, 20), 9, 1),
        ((0, 10, 20), 10, 2),
        ((0, 10, 20), 25, 3),
        ((0, 10, 10, 20), 10, 3),
        ((0, 0, 10), 0, 2),
    ],
)
def test_the_page_of_an_offset(starts: tuple[int, ...], offset: int, page: int) -> None:
    assert replace(source("a.pdf"), page_starts=starts).page_of(offset) == page


@given(
    st.lists(
        st.text(st.sampled_from("ab é\u0301가ﬁ-.1•\n\r\x0b\x85\u00a0\u2028\u200b\u00ad\ufe0f가Å\x07"), max_size=120),
        min_size=1,
        max_size=5,
    )
)
def test_cleaning_the_text_again_moves_no_page(raw_pages: list[str]) -> None:
    """`extract` cleans what a reader returns; offsets are those of the text before."""
    pages = [_lines(raw) for raw in raw_pages]
    text, starts = _text_and_page_starts(pages)
    assert clean(text) == (text, ())
    assert len(starts) == len(pages)
    assert list(starts) == sorted(starts)
    assert starts[0] == 0
    for page, start in zip(pages, starts, strict=True):
        assert text.startswith(page[0].removesuffix("-"), start) if page else start <= len(text)


def test_between_two_page_starts_of_a_paper_stand_the_words_of_one_page(data_dir: Path) -> None:
    content = (data_dir / "sources" / "mooncake-fast25.pdf").read_bytes()
    extraction = extract(content, PDF)
    printed = [_letters(page.extract_text()) for page in PdfReader(BytesIO(content)).pages]
    starts = extraction.page_starts
    assert len(starts) == len(printed) == 17
    ends = [*starts[1:], len(extraction.text)]
    for page, start, end in zip(printed, starts, ends, strict=True):
        assert _letters(extraction.text[start:end]) == page
    assert extraction.warnings == ()
    assert (extraction.author, extraction.published) == ("", "2025-02-21T10:07:48+00:00")


def _letters(text: str) -> str:
    return re.sub(r"[\W\d_]", "", clean(text.replace("ﬁ", "fi").replace("ﬂ", "fl").replace("ﬀ", "ff"))[0])


@pytest.mark.parametrize(
    ("created", "published"),
    [
        ("D:20250221100748Z", "2025-02-21T10:07:48+00:00"),
        ("D:20250221100748+01'00'", "2025-02-21T10:07:48+01:00"),
        ("20250221", "2025-02-21"),
        ("D:202502", ""),
        ("D:2025", ""),
        ("D:20251399", ""),
        ("yesterday", ""),
        ("", ""),
    ],
)
def test_author_and_day_come_from_what_the_file_says_of_itself(created: str, published: str) -> None:
    writer = PdfWriter(clone_from=PdfReader(BytesIO(document(line(OPEN)))))
    writer.add_metadata({"/Author": "Ada  Lovelace", "/Title": "Notes", "/CreationDate": created})
    out = BytesIO()
    writer.write(out)
    extraction = extract(out.getvalue(), PDF)
    assert (extraction.title, extraction.author, extraction.published) == ("Notes", "Ada Lovelace", published)


def test_a_file_that_says_nothing_of_itself_has_neither() -> None:
    extraction = read_pdf(document(line(OPEN)), pages_max=1)
    assert (extraction.title, extraction.author, extraction.published) == ("", "", "")
