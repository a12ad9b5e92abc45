"""Which text of a PDF page its reader sees: followed through the page's drawing operations, the rest taken out of them.

Belongs here: where text is drawn, how large, in which colour and on what. Does not: words, lines and paragraphs
(`from_pdf`). Boxes stand for shapes. A ground whose colour cannot be known (image, pattern, shading) counts as one that
text can be read on; text that a font or a soft mask hides is not found.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, count
from struct import unpack
from typing import Any

from finops_ai.evidence.model import EvidenceError

SIZE_MIN = 1.0  # points: smaller text is a speck
CONTRAST_MIN = 0.1  # of the range of a colour component: less cannot be told from the ground
AREA_SIDE_MIN = 3.0  # points: thinner areas are lines, not a ground for text
FORM_DEPTH_MAX = 20
OPERATIONS_MAX = 1_000_000  # of a page, with those of a form for each time it is drawn
COMPARISONS_MAX = 20_000_000  # of text with areas, for a page
FONT_WIDTHS_MAX = 100_000

Matrix = tuple[float, float, float, float, float, float]
Point = tuple[float, float]
Box = tuple[float, float, float, float]  # left, bottom, right, top
Colour = tuple[float, float, float]  # red, green, blue, 0 to 1
Operation = tuple[Any, bytes]  # operands, operator

_IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
_LETTER: Box = (0.0, 0.0, 612.0, 792.0)  # what viewers take for a page without a size
_WHITE: Colour = (1.0, 1.0, 1.0)
_BLACK: Colour = (0.0, 0.0, 0.0)
_COMPONENTS = {"/DeviceGray": 1, "/CalGray": 1, "/DeviceRGB": 3, "/CalRGB": 3, "/DeviceCMYK": 4}
_DEVICE_OF_COUNT = {1: "/DeviceGray", 3: "/DeviceRGB", 4: "/DeviceCMYK"}
_SPACES = b"\0\3\t\n\r "  # codes of white space in simple and in composite fonts


def visible_pages(reader: Any) -> tuple[list[str], int]:
    """The text of each page, and how many text runs were left out because nobody sees them.

    Raises EvidenceError for a page whose operations cannot be followed: what it hides is then unknown.
    """
    from pypdf.errors import PyPdfError

    texts, hidden_count, layers_off = [], 0, _layers_off(reader)
    for number, page in enumerate(reader.pages, start=1):
        sight = _Sight(reader=reader, layers_off=layers_off)
        try:
            seen = _seen(page, sight)
        except PyPdfError:
            raise
        except Exception as problem:  # operands may be of any kind and number
            reason = str(problem) if isinstance(problem, EvidenceError) else f"{type(problem).__name__}: {problem}"
            raise EvidenceError(f"page {number}: it cannot be told which text is visible: {reason}") from problem
        texts.append(seen.extract_text(visitor_text=lambda *_: None))  # a visitor saves writing the operations out
        hidden_count += sum(run.hidden and not run.blank for run in sight.runs)
    return texts, hidden_count


def _seen(page: Any, sight: "_Sight") -> Any:
    """A page with nothing but the text that is seen and what pypdf needs to extract it."""
    from pypdf import PageObject
    from pypdf.generic import ArrayObject, FloatObject, NameObject, StreamObject

    seen = PageObject(sight.reader)
    contents = _value(page, "/Contents")
    if not isinstance(contents, (ArrayObject, StreamObject)):
        return seen
    sight.size_min = SIZE_MIN / page.user_unit
    content = _Content(sight, page.get_inherited("/Resources"), _State(ctm=_IDENTITY, clip=_page_box(page)))
    seen[NameObject("/Contents")] = content.follow(contents)
    seen[NameObject("/Resources")] = content.resources_with_forms()
    for run in sight.runs:
        if run.hidden:  # a gap keeps the words before and after it apart
            run.operations[run.index] = ([ArrayObject([FloatObject(-run.gap)])], b"TJ")
    return seen


@dataclass(frozen=True, slots=True, kw_only=True)
class _Font:
    """What is needed of it to say how much room a text takes."""

    code_length: int = 1  # bytes
    widths: dict[int, float] = field(default_factory=dict)  # by code, in ems
    default_width: float = 0.4  # a low guess: a high one would push visible words off the page
    glyph_height: float = 1.0  # ems

    def width(self, text: bytes) -> float:
        codes = text if self.code_length == 1 else unpack(f">{len(text) // 2}H", text[: len(text) // 2 * 2])
        return sum(self.widths.get(code, self.default_width) for code in codes)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ink:
    family: str = "/DeviceGray"  # of its colour space
    colour: Colour | None = _BLACK  # None: not known
    alpha: float = 1.0


@dataclass(slots=True, kw_only=True)
class _State:
    """The graphics state, which `q` keeps and `Q` brings back."""

    ctm: Matrix
    clip: Box
    clip_is_box: bool = True  # False: the box only surrounds what is left by the clipping path
    fill: _Ink = field(default_factory=_Ink)
    stroke: _Ink = field(default_factory=_Ink)
    group_alpha: float = 1.0  # of the transparency groups around
    blends: bool = False
    masked: bool = False
    mode: int = 0
    font: _Font = field(default_factory=_Font)
    size: float = 0.0
    char_space: float = 0.0
    word_space: float = 0.0
    stretch: float = 100.0  # percent
    leading: float = 0.0
    rise: float = 0.0

    def inks(self) -> list[_Ink]:
        """Those that letters are drawn with."""
        used = [self.fill] * (self.mode in {0, 2, 4, 6}) + [self.stroke] * (self.mode in {1, 2, 5, 6})
        return [replace(ink, alpha=ink.alpha * self.group_alpha) for ink in used]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Area:
    box: Box
    colour: Colour | None
    solid: bool  # it covers all of its box


@dataclass(slots=True, kw_only=True)
class _Run:
    """A text-showing operation."""

    operations: list[Operation]
    index: int
    gap: float  # that it leaves, in thousandths of the em
    core: Box  # the middle of its letters, without the ends of the line
    blank: bool
    hidden: bool = True


@dataclass(slots=True, kw_only=True)
class _Sight:
    """What lies on a page so far, the latest on top."""

    reader: Any
    layers_off: frozenset[Any]
    size_min: float = SIZE_MIN
    areas: list[_Area] = field(default_factory=list)
    runs: list[_Run] = field(default_factory=list)
    operation_count: int = 0
    comparison_count: int = 0

    def paint(self, area: _Area) -> None:
        """A solid area hides the text below."""
        if min(area.box[2] - area.box[0], area.box[3] - area.box[1]) < AREA_SIDE_MIN:
            return
        self.areas.append(area)
        for run in self.runs if area.solid else ():
            run.hidden = run.hidden or _holds(area.box, run.core)
        self._count(comparisons=len(self.runs) if area.solid else 0)

    def tells_apart(self, inks: Sequence[_Ink], points: Sequence[Point]) -> bool:
        """Whether one of the inks can be seen at all the points."""
        core = _around(points)
        self._count(comparisons=len(self.areas))
        areas = [area for area in reversed(self.areas) if _overlap(area.box, core)]
        return any(all(_differs(ink, areas, point) for point in points) for ink in inks)

    def operations(self, content: Any) -> list[Operation]:
        from pypdf.generic import ContentStream

        found: list[Operation] = ContentStream(content, self.reader, "bytes").operations
        self._count(operations=len(found))
        return found

    def is_off(self, layer: Any) -> bool:
        """A layer, or a group of layers with a policy."""
        if layer is None:
            return False
        layers = _references(_value(layer, "/OCGs") if _value(layer, "/Type") == "/OCMD" else layer)
        off = [reference in self.layers_off for reference in layers]
        shown = {"/AllOn": not any(off), "/AnyOff": any(off), "/AllOff": all(off)}
        return bool(off) and not shown.get(_value(layer, "/P", "/AnyOn"), not all(off))

    def _count(self, *, operations: int = 0, comparisons: int = 0) -> None:
        self.operation_count += operations
        self.comparison_count += comparisons
        if self.operation_count > OPERATIONS_MAX or self.comparison_count > COMPARISONS_MAX:
            raise EvidenceError("too many drawing operations")


class _Content:
    """Follows one content stream: that of the page, or of a form drawn on it."""

    def __init__(
        self, sight: _Sight, resources: Any, state: _State, *, depth: int = 0, layer_off: bool = False
    ) -> None:
        self.sight, self.state, self.depth = sight, state, depth
        self.resources: Any = {} if resources is None else resources.get_object()
        self.followed: list[Operation] = []
        self.forms: dict[str, Any] = {}  # the forms in it, each time as it was drawn
        self.fonts: dict[str, _Font] = {}
        self.kept: list[_State] = []
        self.layers_off = [layer_off]  # for each marked content around
        self.text_matrix = self.line_matrix = _IDENTITY
        self.rectangles: list[Box] = []  # of the path under construction
        self.coordinates: list[float] = []  # x, y, x, y … of its other parts
        self.path_clips = False

    def follow(self, content: Any) -> Any:
        """The stream with lists of operations in which the hidden ones can be replaced."""
        from pypdf.generic import ContentStream

        for operands, operator in _spelled_out(self.sight.operations(content)):
            if operator == b"Do":
                self.followed.append((self.draw(*operands), operator))
                continue
            if operator in _HANDLERS:
                _HANDLERS[operator](self, operands)
            self.followed.append((operands, operator))
        stream = ContentStream(None, self.sight.reader)
        stream.operations = self.followed
        return stream

    def resources_with_forms(self) -> Any:
        from pypdf.generic import DictionaryObject, NameObject

        resources = DictionaryObject(self.resources)
        if not self.forms:
            return resources
        xobjects = DictionaryObject(_value(resources, "/XObject", {}))
        xobjects.update({NameObject(name): form for name, form in self.forms.items()})
        resources[NameObject("/XObject")] = xobjects
        return resources

    def resource(self, kind: str, name: str) -> Any:
        return _value(_value(self.resources, kind, {}), name)

    # the graphics state

    def save(self, _: Any) -> None:
        self.kept.append(replace(self.state))

    def restore(self, _: Any) -> None:
        if self.kept:  # viewers overlook a Q too many
            self.state = self.kept.pop()

    def transform(self, operands: Any) -> None:
        self.state.ctm = _times(_matrix(operands), self.state.ctm)

    def set_from_dictionary(self, operands: Any) -> None:
        state, settings = self.state, self.resource("/ExtGState", *operands)
        if settings is None:  # viewers overlook it
            return
        state.fill = replace(state.fill, alpha=_value(settings, "/ca", state.fill.alpha) + 0.0)
        state.stroke = replace(state.stroke, alpha=_value(settings, "/CA", state.stroke.alpha) + 0.0)
        if "/BM" in settings:
            state.blends = settings["/BM"] not in ("/Normal", "/Compatible")
        if "/SMask" in settings:
            state.masked = settings["/SMask"] != "/None"
        if "/Font" in settings:
            font, state.size = settings["/Font"]
            state.font = _font(font.get_object())

    def set_space(self, ink: str, operands: Any) -> None:
        (name,) = operands
        space = name if name in _COMPONENTS or name == "/Pattern" else self.resource("/ColorSpace", name)
        if space is None:
            raise ValueError(f"unknown colour space {name}")
        family = _family(space)
        colour = _BLACK if family in _COMPONENTS else None
        setattr(self.state, ink, replace(getattr(self.state, ink), family=family, colour=colour))

    def set_colour(self, ink: str, family: str | None, operands: Any) -> None:
        before: _Ink = getattr(self.state, ink)
        family = family or before.family
        setattr(self.state, ink, replace(before, family=family, colour=_rgb(family, operands)))

    def begin_marked(self, operands: Any) -> None:
        tag, properties = operands
        self.layers_off.append(tag == "/OC" and self.sight.is_off(self.resource("/Properties", properties)))

    def end_marked(self, _: Any) -> None:
        if len(self.layers_off) > 1:
            self.layers_off.pop()

    # areas

    def add_rectangle(self, operands: Any) -> None:
        left, bottom, width, height = operands
        self.rectangles.append((left, bottom, left + width, bottom + height))

    def add_points(self, coordinate_count: int, operands: Any) -> None:
        if len(operands) != coordinate_count:
            raise ValueError(f"{len(operands)} coordinates instead of {coordinate_count}")
        self.coordinates += operands

    def clip_by_path(self, _: Any) -> None:
        self.path_clips = True

    def end_path(self, _: Any) -> None:
        if self.path_clips and (self.rectangles or self.coordinates):
            boxes, is_box = self._path()
            self._clip(_around(chain.from_iterable((box[:2], box[2:]) for box in boxes)), is_box=is_box)
        self.path_clips, self.rectangles, self.coordinates = False, [], []

    def fill_path(self, operands: Any) -> None:
        boxes, is_box = self._path()
        self._paint(boxes, self.state.fill, solid=is_box and self.state.fill.colour is not None)
        self.end_path(operands)

    def shade(self, _: Any) -> None:
        self._paint([self.state.clip], replace(self.state.fill, colour=None), solid=False)

    def _path(self) -> tuple[list[Box], bool]:
        """The boxes of its parts on the page, and whether the path is just that box."""
        parts = list(self.rectangles)
        if self.coordinates:
            parts.append(_around(zip(self.coordinates[::2], self.coordinates[1::2], strict=True)))
        is_box = len(self.rectangles) == len(parts) == 1 and _is_upright(self.state.ctm)
        return [_placed(part, self.state.ctm) for part in parts], is_box

    def _clip(self, box: Box, *, is_box: bool) -> None:
        self.state.clip = _common(self.state.clip, box)
        self.state.clip_is_box = self.state.clip_is_box and is_box

    def _paint(self, boxes: Iterable[Box], ink: _Ink, *, solid: bool) -> None:
        state, alpha = self.state, ink.alpha * self.state.group_alpha
        if any(self.layers_off) or alpha <= 0:
            return
        solid = solid and alpha >= 1 and state.clip_is_box and not (state.blends or state.masked)
        colour = ink.colour and _on_white(ink.colour, alpha)
        for box in boxes:
            self.sight.paint(_Area(box=_common(box, state.clip), colour=colour, solid=solid))

    # images and forms

    def draw(self, name: str) -> list[str]:
        """The operands with which it is to be drawn: none for what viewers do not draw either."""
        drawn = self.resource("/XObject", name)
        kind = None if drawn is None else _value(drawn, "/Subtype")
        if kind == "/Form":
            return [self._form(drawn)]
        if kind != "/Image":
            return []
        if not self.sight.is_off(_value(drawn, "/OC")):
            self.draw_image(drawn)
        return [name]

    def draw_image(self, image: Any) -> None:
        state = self.state
        is_stencil = _value(image, "/ImageMask", _value(image, "/IM")) == True  # noqa: E712  # pypdf's own booleans
        solid = not is_stencil and image.keys().isdisjoint({"/Mask", "/SMask", "/SMaskInData"})
        ink = state.fill if is_stencil else replace(state.fill, colour=None)
        self._paint([_placed((0.0, 0.0, 1.0, 1.0), state.ctm)], ink, solid=solid and _is_upright(state.ctm))

    def _form(self, form: Any) -> str:
        """The name under which it stands in `forms`, without the text that is hidden this time."""
        from pypdf.generic import NameObject

        if self.depth >= FORM_DEPTH_MAX:
            raise EvidenceError("forms within forms without end")
        layer_off = any(self.layers_off) or self.sight.is_off(_value(form, "/OC"))
        resources = _value(form, "/Resources", self.resources)
        inside = _Content(self.sight, resources, replace(self.state), depth=self.depth + 1, layer_off=layer_off)
        inside.enter(form)
        stream = inside.follow(form)
        stream[NameObject("/Subtype")] = NameObject("/Form")
        stream[NameObject("/Resources")] = inside.resources_with_forms()
        name = NameObject(f"/seen-{len(self.forms)}")
        self.forms[name] = stream
        return name

    def enter(self, form: Any) -> None:
        state = self.state
        state.ctm = _times(_matrix(_value(form, "/Matrix", _IDENTITY)), state.ctm)
        if "/BBox" in form:
            self._clip(_placed(_box(form["/BBox"]), state.ctm), is_box=_is_upright(state.ctm))
        if "/Group" in form:  # what was set outside is for the group as a whole
            state.group_alpha *= state.fill.alpha
            state.clip_is_box = state.clip_is_box and not (state.blends or state.masked)
            state.fill, state.stroke = replace(state.fill, alpha=1.0), replace(state.stroke, alpha=1.0)

    # text

    def begin_text(self, _: Any) -> None:
        self.text_matrix = self.line_matrix = _IDENTITY

    def set_text_matrix(self, operands: Any) -> None:
        self.text_matrix = self.line_matrix = _matrix(operands)

    def move(self, operands: Any) -> None:
        x, y = operands
        self.text_matrix = self.line_matrix = _times((1.0, 0.0, 0.0, 1.0, x, y), self.line_matrix)

    def move_and_set_leading(self, operands: Any) -> None:
        self.move(operands)
        self.state.leading = -operands[1]

    def move_to_next_line(self, _: Any) -> None:
        self.move((0.0, -self.state.leading))

    def set_font(self, operands: Any) -> None:
        name, size = operands
        if name not in self.fonts:
            self.fonts[name] = _font(self.resource("/Font", name))
        self.state.font, self.state.size = self.fonts[name], size + 0.0

    def set_mode(self, operands: Any) -> None:
        (self.state.mode,) = operands
        if self.state.mode not in range(8):
            raise ValueError(f"unknown render mode {self.state.mode}")

    def set_number(self, name: str, operands: Any) -> None:
        (number,) = operands
        setattr(self.state, name, number + 0)

    def show(self, parts: Sequence[Any]) -> None:
        """Strings, and steps back between them in thousandths of the em."""
        state, em = self.state, self.state.size * self.state.stretch / 100
        pen, ends = 0.0, list[float]()
        for part in parts:
            if isinstance(part, (int, float)):
                pen -= part / 1000 * em
            else:
                ends += pen, pen + self._width(part)
                pen = ends[-1]
        placed = _times(self.text_matrix, state.ctm)
        points = self._samples(min(ends, default=0.0), max(ends, default=0.0), placed)
        run = _Run(
            operations=self.followed,
            index=len(self.followed),
            gap=pen / em * 1000 if em else 0.0,
            core=_around(points),
            blank=not b"".join(part for part in parts if isinstance(part, bytes)).strip(_SPACES),
        )
        run.hidden = not (self._is_drawn(placed, run.core) and self.sight.tells_apart(state.inks(), points))
        self.sight.runs.append(run)
        self.text_matrix = _times((1.0, 0.0, 0.0, 1.0, pen, 0.0), self.text_matrix)

    def _samples(self, left: float, right: float, placed: Matrix) -> list[Point]:
        """Of the letters on the page, above and below their middle: a stroke through them hides nothing."""
        state, width = self.state, right - left
        shares = ((0.1, 0.1), (0.5, 0.5), (0.9, 0.1))
        return [_at(placed, left + x * width, state.rise + y * state.size) for x, y in shares]

    def _width(self, text: bytes) -> float:
        """How far it moves the pen, in units of text space."""
        state, font = self.state, self.state.font
        between = state.char_space * len(text) / font.code_length
        between += state.word_space * text.count(b" ") if font.code_length == 1 else 0
        return (font.width(text) * state.size + between) * state.stretch / 100

    def _is_drawn(self, placed: Matrix, core: Box) -> bool:
        """Large enough, on a layer that is shown, neither off the page nor clipped away. No number is never enough."""
        state = self.state
        height = abs(state.size * state.font.glyph_height * min(1.0, state.stretch / 100)) * _scale(placed)
        return height >= self.sight.size_min and _holds(state.clip, core) and not any(self.layers_off)


_HANDLERS: dict[bytes, Callable[[_Content, Any], None]] = {
    b"q": _Content.save,
    b"Q": _Content.restore,
    b"cm": _Content.transform,
    b"gs": _Content.set_from_dictionary,
    b"BMC": lambda content, _: content.layers_off.append(False),
    b"BDC": _Content.begin_marked,
    b"EMC": _Content.end_marked,
    b"g": lambda content, operands: content.set_colour("fill", "/DeviceGray", operands),
    b"G": lambda content, operands: content.set_colour("stroke", "/DeviceGray", operands),
    b"rg": lambda content, operands: content.set_colour("fill", "/DeviceRGB", operands),
    b"RG": lambda content, operands: content.set_colour("stroke", "/DeviceRGB", operands),
    b"k": lambda content, operands: content.set_colour("fill", "/DeviceCMYK", operands),
    b"K": lambda content, operands: content.set_colour("stroke", "/DeviceCMYK", operands),
    b"cs": lambda content, operands: content.set_space("fill", operands),
    b"CS": lambda content, operands: content.set_space("stroke", operands),
    **dict.fromkeys((b"sc", b"scn"), lambda content, operands: content.set_colour("fill", None, operands)),
    **dict.fromkeys((b"SC", b"SCN"), lambda content, operands: content.set_colour("stroke", None, operands)),
    b"re": _Content.add_rectangle,
    **dict.fromkeys((b"m", b"l"), lambda content, operands: content.add_points(2, operands)),
    **dict.fromkeys((b"v", b"y"), lambda content, operands: content.add_points(4, operands)),
    b"c": lambda content, operands: content.add_points(6, operands),
    **dict.fromkeys((b"W", b"W*"), _Content.clip_by_path),
    **dict.fromkeys((b"f", b"F", b"f*", b"B", b"B*", b"b", b"b*"), _Content.fill_path),
    **dict.fromkeys((b"S", b"s", b"n"), _Content.end_path),
    b"sh": _Content.shade,
    b"INLINE IMAGE": lambda content, image: content.draw_image(image["settings"]),
    b"BT": _Content.begin_text,
    b"Tm": _Content.set_text_matrix,
    b"Td": _Content.move,
    b"TD": _Content.move_and_set_leading,
    b"T*": _Content.move_to_next_line,
    b"Tf": _Content.set_font,
    b"Tc": lambda content, operands: content.set_number("char_space", operands),
    b"Tw": lambda content, operands: content.set_number("word_space", operands),
    b"Tz": lambda content, operands: content.set_number("stretch", operands),
    b"TL": lambda content, operands: content.set_number("leading", operands),
    b"Ts": lambda content, operands: content.set_number("rise", operands),
    b"Tr": _Content.set_mode,
    b"Tj": _Content.show,
    b"TJ": lambda content, operands: content.show(*operands),
}


def _spelled_out(operations: Iterable[Operation]) -> Iterator[Operation]:
    """The two operators that move and show at once become what they stand for, so that the move can stay."""
    for operands, operator in operations:
        if operator == b'"':
            word_space, char_space, text = operands
            yield from (([word_space], b"Tw"), ([char_space], b"Tc"), ([], b"T*"), ([text], b"Tj"))
        elif operator == b"'":
            yield from (([], b"T*"), (operands, b"Tj"))
        else:
            yield operands, operator


def _value(of: Any, key: str, default: Any = None) -> Any:
    """Never a reference, which `get` returns as it stands."""
    found = of.get(key)
    return default if found is None else found.get_object()


# layers


def _layers_off(reader: Any) -> frozenset[Any]:
    """References to the layers that a viewer does not show when it opens the document."""
    layers = _value(reader.root_object, "/OCProperties", {})
    start = _value(layers, "/D", {})
    off = set(_references(_value(start, "/OFF")))
    if _value(start, "/BaseState") == "/OFF":
        off = set(_references(_value(layers, "/OCGs"))) - set(_references(_value(start, "/ON")))
    return frozenset(off - {None})


def _references(found: Any) -> list[Any]:
    """To one object, or to those of an array; None for what is not there."""
    listed = found if isinstance(found, list) else [] if found is None else [found]
    return [getattr(item.get_object(), "indirect_reference", None) for item in listed]


# fonts


def _font(font: Any) -> _Font:
    kind = None if font is None else _value(font, "/Subtype")
    if kind == "/Type0":
        return _composite_font(font)
    if kind is None or "/Widths" not in font:
        return _Font()
    across, up = 0.001, 1.0
    if kind == "/Type3":  # its glyphs may be drawn in any unit
        matrix, box = _matrix(font["/FontMatrix"]), _box(font["/FontBBox"])
        across, up = abs(matrix[0]), abs(matrix[3] * (box[3] - box[1])) or 1.0
    widths = [width.get_object() * across for width in font["/Widths"]]
    return _Font(widths=dict(zip(count(_value(font, "/FirstChar", 0)), widths, strict=False)), glyph_height=up)


def _composite_font(font: Any) -> _Font:
    if str(_value(font, "/Encoding")).endswith("-V"):
        return _Font(code_length=2, default_width=0.0)  # it runs down the page
    descendant = font["/DescendantFonts"][0].get_object()
    widths = dict(chain.from_iterable(_width_ranges(_value(descendant, "/W", ()))))
    return _Font(code_length=2, widths=widths, default_width=_value(descendant, "/DW", 1000) / 1000)


def _width_ranges(entries: Iterable[Any]) -> Iterator[Iterable[tuple[int, float]]]:
    """`first [width width …]` or `first last width`."""
    rest = (entry.get_object() for entry in entries)
    width_count = 0
    for first in rest:
        second = next(rest)
        listed = isinstance(second, list)
        width_count += len(second) if listed else second - first + 1
        if width_count > FONT_WIDTHS_MAX:
            raise EvidenceError("a font with too many widths")
        if listed:
            yield zip(count(first), [width.get_object() / 1000 for width in second], strict=False)
        else:
            yield dict.fromkeys(range(first, second + 1), next(rest) / 1000).items()


# colours


def _family(space: Any) -> str:
    """Of a colour space: the device family that its numbers can be read as, or its own name."""
    if isinstance(space, str):
        return space
    family = space[0]
    return _DEVICE_OF_COUNT[space[1].get_object()["/N"]] if family == "/ICCBased" else str(family)


def _rgb(family: str, values: Sequence[Any]) -> Colour | None:
    if family not in _COMPONENTS:
        is_paper = family in {"/Separation", "/DeviceN"} and max(values) < CONTRAST_MIN  # no ink to speak of
        return _WHITE if is_paper else None
    if len(values) != _COMPONENTS[family]:
        raise ValueError(f"{len(values)} numbers for a colour of {family}")
    if len(values) == 1:
        values = [*values] * 3
    elif len(values) == 4:
        values = [(1 - value) * (1 - values[3]) for value in values[:3]]
    red, green, blue = (value + 0.0 for value in values)
    return red, green, blue


def _on_white(colour: Colour, alpha: float) -> Colour:
    red, green, blue = (1 - alpha * (1 - component) for component in colour)
    return red, green, blue


def _differs(ink: _Ink, areas: Iterable[_Area], point: Point) -> bool:
    """From the topmost area at the point, or from those below as far as it may have holes."""
    for area in areas:
        if _holds(area.box, (*point, *point)):
            if _contrast(ink.colour, area.colour) * ink.alpha >= CONTRAST_MIN:
                return True
            if area.solid:
                return False
    return _contrast(ink.colour, _WHITE) * ink.alpha >= CONTRAST_MIN


def _contrast(one: Colour | None, other: Colour | None) -> float:
    if one is None or other is None:
        return 1.0
    return max(abs(one[0] - other[0]), abs(one[1] - other[1]), abs(one[2] - other[2]))


# geometry


def _matrix(numbers: Iterable[Any]) -> Matrix:
    a, b, c, d, e, f = (number + 0.0 for number in numbers)
    return a, b, c, d, e, f


def _box(numbers: Iterable[Any]) -> Box:
    """With its corners in order."""
    left, bottom, right, top = (number.get_object() + 0.0 for number in numbers)
    return _around([(left, bottom), (right, top)])


def _page_box(page: Any) -> Box:
    media = _box(page.mediabox) if "/MediaBox" in page else _LETTER
    crop = _common(media, _box(page.cropbox)) if "/CropBox" in page else media
    return crop if crop[0] < crop[2] and crop[1] < crop[3] else media


def _times(one: Matrix, other: Matrix) -> Matrix:
    a, b, c, d, e, f = one
    g, h, i, j, k, m = other
    return a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m


def _at(matrix: Matrix, x: float, y: float) -> Point:
    a, b, c, d, e, f = matrix
    return a * x + c * y + e, b * x + d * y + f


def _scale(matrix: Matrix) -> float:
    """Across the direction in which it stretches more."""
    a, b, c, d, _, _ = matrix
    stretch = max(a * a + b * b, c * c + d * d) ** 0.5
    return abs(a * d - b * c) / stretch if stretch else 0.0


def _is_upright(matrix: Matrix) -> bool:
    """Whether sides of a rectangle stay parallel to those of the page."""
    a, b, c, d, _, _ = matrix
    return (b == 0 and c == 0) or (a == 0 and d == 0)


def _placed(box: Box, matrix: Matrix) -> Box:
    left, bottom, right, top = box
    return _around([_at(matrix, x, y) for x in (left, right) for y in (bottom, top)])


def _around(points: Iterable[Sequence[float]]) -> Box:
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _common(one: Box, other: Box) -> Box:
    return max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])


def _overlap(one: Box, other: Box) -> bool:
    return one[0] <= other[2] and one[2] >= other[0] and one[1] <= other[3] and one[3] >= other[1]


def _holds(outer: Box, inner: Sequence[float]) -> bool:
    return outer[0] <= inner[0] and inner[2] <= outer[2] and outer[1] <= inner[1] and inner[3] <= outer[3]
