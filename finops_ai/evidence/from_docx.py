"""The visible text of a Word document (.docx).

python-docx opens the archive and knows its parts; the words are read from the XML of the body, because python-docx
passes over content controls and tracked insertions. Belongs here: whether the archive is safe, walking the body, what
Word does not show. Does not: cleaning of characters (`cleaning`).
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, NamedTuple
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from finops_ai.evidence.cleaning import blocks_to_text, removed
from finops_ai.evidence.model import EvidenceError, Extraction

UNPACKED_BYTES_MAX = 100_000_000
MEMBERS_MAX = 2_000
RATIO_MAX = 500  # unpacked to packed: a document of one sentence, 20,000 times, reaches 270; a bomb, 1,000
RATIO_BYTES_MIN = 1_000_000  # unpacked: below, no ratio does harm
XML_BYTES_MAX = 25_000_000  # unpacked, all members together: made of the shortest runs, it takes 15 s
RELATIONS_BYTES_MAX = 2_000_000  # of all .rels together: python-docx compares every relation with every part
FONT_HALF_POINTS_MIN = 4
COLOUR_DISTANCE_MIN = 25  # of 255, in the channel that differs most: less is not read
_OLE = b"\xd0\xcf\x11\xe0"

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_PARAGRAPH, _RUN, _TABLE, _ROW, _CELL, _TEXT = (f"{_W}{name}" for name in ("p", "r", "tbl", "tr", "tc", "t"))
_FORMULAS = {f"{{http://schemas.openxmlformats.org/officeDocument/2006/math}}{name}" for name in ("oMath", "oMathPara")}
_DRAWN = {"{http://schemas.openxmlformats.org/markup-compatibility/2006}AlternateContent"} | {
    f"{_W}{name}" for name in ("drawing", "object", "pict")
}
_WRAPPERS = {  # neither tracked deletions (del, moveFrom) nor any other element is looked into
    f"{_W}{name}"
    for name in (
        *("bdo", "customXml", "dir", "fldSimple", "hyperlink", "ins", "moveTo", "ruby", "rubyBase"),
        *("sdt", "sdtContent", "smartTag"),
    )
}
_NOT_READ = "\ufffd"  # a word left out would make another sentence of the rest
_AS_TEXT = {f"{_W}{name}": " " for name in ("br", "cr", "ptab", "tab")} | {
    f"{_W}noBreakHyphen": "-",
    f"{_W}sym": _NOT_READ,
}
_PROPERTIES = tuple(f"{_W}{name}" for name in ("rPr", "pPr", "tcPr", "tblPr", "trPr"))
_BEHIND = ("rPr/highlight", "rPr/shd", "pPr/shd", "tcPr/shd", "tblPr/shd")  # the nearest first
_HIGHLIGHTS = {
    "black": "000000",
    "blue": "0000FF",
    "cyan": "00FFFF",
    "darkBlue": "000080",
    "darkCyan": "008080",
    "darkGray": "808080",
    "darkGreen": "008000",
    "darkMagenta": "800080",
    "darkRed": "800000",
    "darkYellow": "808000",
    "green": "00FF00",
    "lightGray": "C0C0C0",
    "magenta": "FF00FF",
    "red": "FF0000",
    "white": "FFFFFF",
    "yellow": "FFFF00",
}
_TEXT_COLOUR = ("val", "themeColor", "themeShade")
_PATTERN_COLOUR = ("color", "themeColor", "themeShade")
_FILL_COLOUR = ("fill", "themeFill", "themeFillShade")
_COLOUR = re.compile(r"[0-9a-fA-F]{6}")
_WHITE = "FFFFFF"

Properties = Mapping[str, Any]
"""What an element says of its looks, as {"rPr/color": the element w:color}."""


def read_docx(content: bytes) -> Extraction:
    """Raises EvidenceError for an archive that is unsafe, broken, protected by a password or no Word document."""
    if content.startswith(_OLE):
        raise EvidenceError("protected by a password, or an old .doc; save it as .docx without a password")
    part, about = _open(content)
    walk = _Walk(_Styles.of(part.styles.element))
    text = blocks_to_text(list(walk.blocks(part.element.body, walk.styles.ground)))
    return Extraction(
        text=text,
        title=about.title if about else "",
        author=about.author if about else "",
        published=about.created.isoformat() if about and about.created else "",
        warnings=tuple(removed(count, thing) for thing, count in walk.left_out.items() if count),
    )


def _open(content: bytes) -> tuple[Any, Any]:
    """The main part, and the core properties, where there are any: python-docx would make some up."""
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.package import Package

    try:
        with ZipFile(BytesIO(content)) as archive:
            _refuse_unsafe(archive)
        package = Package.open(BytesIO(content))
        _refuse_other_kinds(package)
        has_properties = any(rel.reltype == RELATIONSHIP_TYPE.CORE_PROPERTIES for rel in package.rels.values())
        return package.main_document_part, package.core_properties if has_properties else None
    except EvidenceError:
        raise
    except Exception as problem:  # noqa: BLE001 - a hostile archive can make zipfile and python-docx raise anything
        raise EvidenceError(f"no Word document that can be read: {type(problem).__name__}: {problem}") from None


def _refuse_unsafe(archive: ZipFile) -> None:
    members = archive.infolist()
    if reason := _danger(members):
        raise EvidenceError(f"an unsafe archive: {reason}")
    for member in members:
        if member.filename.lower().endswith((".xml", ".rels")):
            _refuse_document_type(archive, member)


def _danger(members: list[ZipInfo]) -> str:
    """Or "". By the archive's directory: zipfile gives no more bytes of a member than stand there."""
    if len(members) > MEMBERS_MAX:
        return f"more than {MEMBERS_MAX:,} members"
    if len({member.filename.lower() for member in members}) < len(members):
        return "two members of one name"  # Word might read the other one
    if any(member.flag_bits & 1 for member in members):
        return "encrypted members"
    if any(member.compress_type not in {ZIP_STORED, ZIP_DEFLATED} for member in members):
        return "members packed in a way Word does not"
    for ending, bytes_max in (("", UNPACKED_BYTES_MAX), (".xml", XML_BYTES_MAX), (".rels", RELATIONS_BYTES_MAX)):
        if sum(member.file_size for member in members if member.filename.lower().endswith(ending)) > bytes_max:
            return f"more than {bytes_max:,} bytes unpacked{ending and f', of *{ending} alone'}"
    return f"a member packed more than {RATIO_MAX} times" if any(map(_is_bomb, members)) else ""


def _is_bomb(member: ZipInfo) -> bool:
    return member.file_size > RATIO_BYTES_MIN and member.file_size > RATIO_MAX * member.compress_size


def _refuse_document_type(archive: ZipFile, member: ZipInfo) -> None:
    """It stands before the first element, so no more is read."""
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import iterparse

    with archive.open(member) as part:
        try:
            next(iter(iterparse(part, events=("start",), forbid_dtd=True)))
        except DefusedXmlException:
            raise EvidenceError(f"{member.filename} has a document type or entities, which is refused") from None


def _refuse_other_kinds(package: Any) -> None:
    from docx.opc.constants import CONTENT_TYPE
    from docx.opc.part import XmlPart

    parts = list(package.iter_parts())
    if any(re.search("macro|vba", part.content_type, re.I) for part in parts):
        raise EvidenceError("a Word document with macros; save it as .docx")
    if (kind := package.main_document_part.content_type) != CONTENT_TYPE.WML_DOCUMENT_MAIN:
        raise EvidenceError(f"no Word document but {kind!r}; save it as .docx")
    if any(isinstance(part, XmlPart) and not part.partname.lower().endswith(".xml") for part in parts):
        raise EvidenceError("a Word document with XML under another name than .xml, which is refused")


class _Look(NamedTuple):
    """What holds for the runs of a place, unless they say otherwise."""

    said: Properties
    vanishes: bool = False

    def under(self, *levels: Properties) -> "_Look":
        """With more levels, the nearest last. One style that hides is enough: another cannot take it back."""
        if not any(levels):
            return self
        said = {name: element for level in (self.said, *levels) for name, element in level.items()}
        return _Look(said, self.vanishes or any(_is_on(level.get("rPr/vanish")) for level in levels))


@dataclass(frozen=True, slots=True)
class _Styles:
    """The styles of a document, each with what it takes over from others."""

    elements: Mapping[tuple[str, str], Any]
    default_ids: Mapping[str, str]
    ground: _Look
    known: dict[tuple[str, str], Properties] = field(default_factory=dict)

    @classmethod
    def of(cls, root: Any) -> "_Styles":
        styles = list(root.iterchildren(f"{_W}style"))
        defaults = (_said(level) for level in root.iterfind(f"{_W}docDefaults/*"))
        return cls(
            elements={(_get(style, "type"), _get(style, "styleId")): style for style in styles},
            default_ids={
                _get(style, "type"): _get(style, "styleId")
                for style in styles
                if _get(style, "default") in {"1", "true", "on"}
            },
            ground=_Look({}).under(*defaults),
        )

    def said(self, kind: str, name: Any) -> Properties:
        """By a style of this kind, or by the default one; `name` is the element that names the style."""
        style_id = _get(name, "val") if name is not None else ""
        if (kind, style_id) not in self.elements:
            style_id = self.default_ids.get(kind, "")
        if (kind, style_id) not in self.known:
            self.known[kind, style_id] = self._inherited(kind, style_id)
        return self.known[kind, style_id]

    def _inherited(self, kind: str, style_id: str) -> Properties:
        lineage: dict[str, Any] = {}
        while style_id not in lineage and (style := self.elements.get((kind, style_id))) is not None:
            lineage[style_id] = style
            style_id = _get(style.find(f"{_W}basedOn"), "val")
        said: dict[str, Any] = {}
        for style in reversed(lineage.values()):
            said.update(_said(style))
        return said


@dataclass(slots=True)
class _Walk:
    """Through the body in document order."""

    styles: _Styles
    left_out: Counter[str] = field(default_factory=Counter)
    fields: list[bool] = field(default_factory=list)  # that are open, outermost first: whether the result has begun

    def blocks(self, place: Any, look: _Look) -> Iterator[str]:
        """A block per paragraph and table row."""
        begun = ""
        for element in place.iterchildren():
            if element.tag == _PARAGRAPH:
                said = _said(element)
                style = self.styles.said("paragraph", said.get("pPr/pStyle"))
                text = begun + "".join(self._inline(element, look.under(style, said)))
                begun = text if _runs_on(said) else ""
                yield "" if begun else text
            elif element.tag == _TABLE:
                yield from self._rows(element, look)
            elif element.tag in _WRAPPERS:
                yield from self.blocks(element, look)
            else:
                self._pass(element)
        yield begun

    def _rows(self, table: Any, look: _Look) -> Iterator[str]:
        said = _said(table)
        look = look.under(self.styles.said("table", said.get("tblPr/tblStyle")), said)
        for row in _children(table, _ROW):
            about_row = _said(row)
            if "trPr/hidden" in about_row:
                self._leave_out(row, "hidden table row")
            elif "trPr/del" not in about_row:
                cells = [list(self.blocks(cell, look.under(_said(cell)))) for cell in self._own_cells(row)]
                texts = [" ".join(cell).strip() for cell in cells]
                yield from cells[0] if len(cells) == 1 else [" | ".join(texts) if any(texts) else ""]

    def _own_cells(self, row: Any) -> Iterator[Any]:
        """Without those that a merge covers and those that a tracked change deletes."""
        for cell in _children(row, _CELL):
            said = _said(cell)
            merges = [said[name] for name in ("tcPr/vMerge", "tcPr/hMerge") if name in said]
            if any(_get(merge, "val") != "restart" for merge in merges):
                self._leave_out(cell, "covered table cell")
            elif "tcPr/cellDel" not in said:
                yield cell

    def _inline(self, place: Any, look: _Look) -> Iterator[str]:
        for element in place.iterchildren():
            if element.tag == _RUN:
                yield self._run(element, look)
            elif element.tag in _WRAPPERS:
                yield from self._inline(element, look)
            elif element.tag in _FORMULAS:
                yield _NOT_READ
            else:
                self._pass(element)

    def _run(self, run: Any, look: _Look) -> str:
        shown: list[str] = []
        unseen: list[str] = []
        for element in run.iterchildren():
            if element.tag == f"{_W}fldChar":
                self._field(_get(element, "fldCharType"))
            else:  # the code of a field is not shown, only its result
                (shown if all(self.fields) else unseen).append(self._piece(element, look))
        if any(map(str.strip, shown)) and self._is_hidden(run, look):
            unseen, shown = [*unseen, *shown], []
        self.left_out["hidden text run"] += bool("".join(unseen).strip())
        return "".join(shown)

    def _piece(self, element: Any, look: _Look) -> str:
        if element.tag == _TEXT:
            return element.text or ""
        if element.tag == f"{_W}ruby":
            return "".join(self._inline(element, look))
        self._pass(element)
        return _AS_TEXT.get(element.tag, "")

    def _field(self, step: str) -> None:
        if step == "begin":
            self.fields.append(False)
        elif self.fields and step == "separate":
            self.fields[-1] = True
        elif self.fields and step == "end":
            self.fields.pop()

    def _is_hidden(self, run: Any, look: _Look) -> bool:
        own = _said(run)
        look = look.under(self.styles.said("character", own.get("rPr/rStyle")))
        vanishes = _is_on(own["rPr/vanish"]) if "rPr/vanish" in own else look.vanishes
        return vanishes or _is_unseen({**look.said, **own})

    def _pass(self, element: Any) -> None:
        if element.tag in _DRAWN:
            self._leave_out(element, "text box")  # whether it can be seen is a matter of layout
        elif element.tag == f"{_W}altChunk":
            self.left_out["embedded document"] += 1

    def _leave_out(self, element: Any, thing: str) -> None:
        self.left_out[thing] += _has_text(element)


def _said(owner: Any) -> Properties:
    groups = owner.iterchildren(*_PROPERTIES)
    return {f"{_name(group)}/{_name(child)}": child for group in groups for child in group.iterchildren("*")}


def _name(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _get(element: Any, name: str) -> str:
    return "" if element is None else element.get(f"{_W}{name}", "")


def _children(place: Any, tag: str) -> Iterator[Any]:
    for element in place.iterchildren():
        if element.tag == tag:
            yield element
        elif element.tag in _WRAPPERS:
            yield from _children(element, tag)


def _has_text(element: Any) -> bool:
    return any((text.text or "").strip() for text in element.iter(_TEXT))


def _runs_on(paragraph: Properties) -> bool:
    """Its end is deleted by a tracked change: Word shows it and the next as one."""
    mark = paragraph.get("pPr/rPr")
    return mark is not None and mark.find(f"{_W}del") is not None


def _is_on(element: Any) -> bool:
    return element is not None and _get(element, "val") not in {"0", "false", "off"}


def _is_unseen(said: Properties) -> bool:
    """Too small to see, or in the colour of what is behind it. A size that Word does not write counts as too small."""
    size = _get(said.get("rPr/sz"), "val") or str(FONT_HALF_POINTS_MIN)
    if not size.isdecimal() or int(size) < FONT_HALF_POINTS_MIN:
        return True
    colour = _colour(said.get("rPr/color"), _TEXT_COLOUR)
    if not colour:
        return False
    behind = next(filter(None, (_fill(said[name]) for name in _BEHIND if name in said)), _WHITE)
    return _distance(colour, behind) < COLOUR_DISTANCE_MIN


def _fill(element: Any) -> str:
    """The colour of a highlight or a shading; "" when one looks through it."""
    pattern = _get(element, "val")
    if pattern in _HIGHLIGHTS or pattern == "nil":
        return _HIGHLIGHTS.get(pattern, "")
    return _colour(element, _PATTERN_COLOUR if pattern == "solid" else _FILL_COLOUR)


def _colour(element: Any, names: tuple[str, str, str]) -> str:
    """Six hex digits; "" for one that Word chooses itself. Of a theme's colours only the paper's is taken for known."""
    value, theme, shade = (_get(element, name) for name in names)
    if theme in {"background1", "light1"} and not shade:
        return _WHITE
    return value if _COLOUR.fullmatch(value) else ""


def _distance(one: str, other: str) -> int:
    return max(abs(a - b) for a, b in zip(bytes.fromhex(one), bytes.fromhex(other), strict=True))
