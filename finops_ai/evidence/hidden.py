"""Which parts of an HTML page a browser does not show: a favourite place for text that only a model is meant to read.

Belongs here: the decision from a tag, its attributes and simple style rules. Does not: walking a document. What a script,
a style sheet in a file of its own, or a selector of more than one name hides is not found.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import nan

UNSEEN_TAGS = frozenset(
    {"script", "style", "template", "noscript", "noframes", "noembed", "iframe", "object", "svg", "canvas", "textarea"}
    | {"select", "datalist", "audio", "video", "meter", "progress", "rp"}
)

FONT_PX_MAX = 2.0  # nobody reads letters of this size
OPACITY_MAX = 0.05
BOX_PX_MAX = 1.0
OFF_SCREEN_PX = 100.0
OFF_PAGE_PX = 5000.0  # to the right
OFF_SCREEN_MARGIN_PX = 1000.0  # less is how a wide block is centred
ALIKE_MAX = 10  # of 255, in each of red, green and blue: a text in this colour cannot be told from what it stands on
HSL_EDGE = 0.04  # this near to full or no lightness, every hue is white or black

_Declared = list[tuple[str, str]]  # property and value in lower case; what a browser follows comes last

_TELLING = frozenset({"style", "hidden", "popover", "aria-hidden", "color", "bgcolor"})
_CLEAR = "transparent"
_PICTURE = "a picture"
_COLOURS = {
    "black": "#000000",
    "canvas": "#ffffff",
    "floralwhite": "#fffaf0",
    "ghostwhite": "#f8f8ff",
    "ivory": "#fffff0",
    "mintcream": "#f5fffa",
    "snow": "#fffafa",
    "white": "#ffffff",
    "whitesmoke": "#f5f5f5",
}
_SAYS_NO_COLOUR = {"", "inherit", "initial", "unset", "revert", "revert-layer", "currentcolor", "none", "auto", "0"}
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?"
_LENGTH = re.compile(rf"(?:calc\(\s*(?=[^()+*/]*\)|-))?({_NUMBER})(%|[a-z]*)")
_FUNCTION = re.compile(r"(?<![\w-])([a-z][\w-]*)\(([^()]*)\)")
_ARGUMENT = re.compile(rf"{_NUMBER}[a-z%]*")
_PX = {"": 1, "px": 1, "pt": 1.33, "pc": 16, "em": 16, "rem": 16, "ex": 8, "ch": 8, "cm": 38, "mm": 3.8, "in": 96}
_HEX = re.compile(r"#([\da-f]{3,4}|[\da-f]{6}|[\da-f]{8})|([\da-f]{6})")
_COLOUR_TOKEN = re.compile(r"[#\w-]+(?:\([^()]*\))?")
# Nothing in it but places and colours without any opacity.
_MASKED_AWAY = re.compile(
    r"(?:[\d.,%\s()+-]|(?:repeating-)?(?:linear|radial|conic)-gradient|transparent|#[\da-f]{3}0\b|#[\da-f]{6}00\b"
    r"|rgba?\([\d\s,.%]*[,/]\s*0?\.?0+%?\s*\)|to|top|bottom|left|right|deg|turn|px|circle|ellipse|at|center)+"
)
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.S)
_ESCAPE = re.compile(r"\\([\da-fA-F]{1,6})\s?|\\(.)", re.S)
_BRACE = re.compile("([{}])")
_NAME_SELECTOR = re.compile(r"\w*([.#]-?[\w-]+)|(:root|[a-z]\w*)")
_NOT_ON_A_LIT_SCREEN = re.compile(
    r"@media\s+(?:only\s+)?print\b[^,]*|@media\b[^,]*prefers-color-scheme\s*:\s*dark[^,]*", re.I
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paint:
    """The colours of a text and of what it stands on: "#rrggbb", as written where that is not read, "" where not said."""

    ink: str = ""
    paper: str = ""

    def over(self, below: "Paint") -> "Paint":
        """What is not said here is as below."""
        if below is BARE:
            return self
        return below if self is BARE else Paint(ink=self.ink or below.ink, paper=self.paper or below.paper)

    @property
    def shows(self) -> bool:
        """A reader can tell the text from what it stands on. What cannot be compared counts as different."""
        if not self.ink:
            return True
        return self.ink not in {_CLEAR, self.paper} and not _alike(self.ink, self.paper)


BARE = Paint()
WHITE_PAGE = Paint(paper="#ffffff")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What style rules with a selector of just one name do; a name is ".class" or "#id", in `paints` also a tag."""

    hiding: frozenset[str]
    paints: Mapping[str, Paint]


def is_hidden(attributes: Mapping[str, str], hiding: frozenset[str] = frozenset()) -> bool:
    """On a white page: by its own attributes, or by a class or id out of `hiding` (".name", "#name")."""
    paint = look("", attributes, Sheet(hiding=hiding, paints={}))
    return paint is None or not paint.over(WHITE_PAGE).shows


def look(tag: str, attributes: Mapping[str, str], sheet: Sheet) -> Paint | None:
    """The colours that the element sets; None when neither it nor anything within it is drawn."""
    paint = BARE
    if tag == "dialog" or not _TELLING.isdisjoint(attributes):
        declared = _declarations(attributes.get("style", ""))
        if _is_switched_off(tag, attributes) or _hides(declared):
            return None
        paint = _paint(declared)
    if sheet.hiding or sheet.paints:
        names = _names(tag, attributes)
        if not sheet.hiding.isdisjoint(names):
            return None
        for name in names:
            if name in sheet.paints:
                paint = paint.over(sheet.paints[name])
    if "bgcolor" in attributes or "color" in attributes:
        paint = paint.over(_paint_of_attributes(attributes))
    return paint


def read_sheet(style_sheet: str) -> Sheet:
    """Every media query counts as met, but for paper and for a dark screen."""
    hiding: set[str] = set()
    paints: dict[str, Paint] = {}
    for selectors, style in _rules(style_sheet):
        names = [name for selector in selectors.split(",") if (name := _name_of(selector))]
        declared = _declarations(style) if names else []
        if _hides(declared):
            hiding.update(name for name in names if name[0] in ".#")
        paint = _paint(declared)
        for name in names if paint != BARE else ():
            # Of a tag only what it stands on: letters that a rule paints white all over the page are no hiding place.
            own = paint if name[0] in ".#" or name in {"html", "body"} else Paint(paper=paint.paper)
            paints[name] = own.over(paints.get(name, BARE))
    return Sheet(hiding=frozenset(hiding), paints=paints)


def _is_switched_off(tag: str, attributes: Mapping[str, str]) -> bool:
    if "hidden" in attributes or "popover" in attributes:
        return True
    if tag == "dialog" and "open" not in attributes:
        return True
    return attributes.get("aria-hidden", "").strip().lower() == "true"


def _names(tag: str, attributes: Mapping[str, str]) -> list[str]:
    """Strongest first."""
    names = [f"#{attributes['id']}"] if "id" in attributes else []
    if "class" in attributes:
        names += [f".{name}" for name in attributes["class"].split()]
    return [*names, tag]


def _rules(style_sheet: str) -> Iterator[tuple[str, str]]:
    """Selectors and declarations. What is still open at the end is closed, as browsers do."""
    pieces = _BRACE.split(_COMMENT.sub("", style_sheet) + "}}")
    opened: list[tuple[str, bool]] = []
    for text, brace in zip(pieces[::2], pieces[1::2], strict=False):
        if brace == "{":
            before = text.rpartition(";")[2].strip()
            off = bool(opened and opened[-1][1]) or bool(_NOT_ON_A_LIT_SCREEN.fullmatch(before))
            opened.append((before, off))
        elif opened:
            selectors, off = opened.pop()
            if not off:
                yield selectors, text


def _name_of(selector: str) -> str:
    match = _NAME_SELECTOR.fullmatch(_unescaped(selector).strip())
    if match is None:
        return ""
    return match[1] or match[2].replace(":root", "html")


def _declarations(style: str) -> _Declared:
    found: list[tuple[bool, str, str]] = []
    for declaration in _COMMENT.sub("", style).split(";"):
        name, colon, value = declaration.partition(":")
        if colon:
            value, _, important = _unescaped(value).lower().partition("!")
            found.append((important.strip() == "important", _unescaped(name).strip().lower(), value.strip()))
    found.sort(key=lambda declaration: declaration[0])
    return [(name, value) for _, name, value in found]


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(escape: re.Match[str]) -> str:
    code = int(escape[1], 16) if escape[1] else 0
    return chr(code) if 0 < code < 0xD800 else escape[2] or "\ufffd"


def _hides(declared: _Declared) -> bool:
    """One of them is enough, even when a later one takes it back: which of the two a browser follows is not known."""
    for name, value in declared:
        test = _TESTS.get(name)
        if test is not None and test(value):
            return True
    return _is_cut_off(declared)


def _is_cut_off(declared: _Declared) -> bool:
    """There is no room for the text, and what does not fit is not shown."""
    values = dict(declared)
    cut = " ".join(values.get(name, "") for name in ("overflow", "overflow-x", "overflow-y")).split()
    if {"hidden", "clip", "scroll", "auto"}.isdisjoint(cut):
        return False
    if any(_px(values.get(name, "")) <= BOX_PX_MAX for name in ("width", "max-width")):
        return True
    room = " ".join(values.get(name, "") for name in ("padding", "padding-top", "padding-bottom")).split()
    flat = any(_px(values.get(name, "")) <= BOX_PX_MAX for name in ("height", "max-height", "line-height"))
    return (flat and not any(_px(value) > BOX_PX_MAX for value in room)) or _px(values.get("text-indent", "")) >= 1000


def _px(value: str, *, percent: float = 10.0, viewport: float = 10.0) -> float:
    """Roughly, on a page of 1000 px; not a number where it is not a plain length, so that no comparison holds."""
    match = _LENGTH.match(value)
    if match is None:
        return nan
    scale = percent if match[2] == "%" else viewport if match[2][:1] == "v" else _PX.get(match[2], nan)
    return float(match[1]) * scale


def _share(value: str) -> float:
    return _px(value, percent=0.01)


def _is_off_screen(value: str) -> bool:
    lengths = [_px(part, percent=1, viewport=1) for part in value.split()]
    return any(length <= -OFF_SCREEN_PX or length >= OFF_PAGE_PX for length in lengths)


def _is_far_out(value: str) -> bool:
    return any(_px(part) <= -OFF_SCREEN_MARGIN_PX for part in value.split())


def _is_tiny(size: str) -> bool:
    return _px(size, percent=0.16) <= FONT_PX_MAX


def _is_transformed_away(value: str) -> bool:
    for function, arguments in _FUNCTION.findall(value):
        parts = _ARGUMENT.findall(arguments)
        if function.startswith("scale") and any(abs(_share(part)) <= OPACITY_MAX for part in parts):
            return True
        if function.startswith("translate") and any(map(_is_off_screen, parts)):
            return True
        if function.startswith("matrix") and parts and not any(_px(part) for part in parts[:2]):
            return True
    return False


def _is_clipped(value: str) -> bool:
    for function, arguments in _FUNCTION.findall(value):
        parts = [_px(part) for part in _ARGUMENT.findall(arguments)]
        if function == "inset" and (max(parts, default=0) >= 1000 or (len(parts) == 1 and parts[0] >= 500)):
            return True
        if function == "rect" and len(parts) == 4 and max(parts) - min(parts) <= BOX_PX_MAX:
            return True
        if function in {"circle", "ellipse"} and parts and parts[0] <= BOX_PX_MAX:
            return True
        if function == "polygon" and parts and not any(parts):
            return True
    return False


def _is_filtered_out(value: str) -> bool:
    return any(function == "opacity" and _share(share) <= OPACITY_MAX for function, share in _FUNCTION.findall(value))


def _is_masked(value: str) -> bool:
    return "gradient" in value and bool(_MASKED_AWAY.fullmatch(value))


_TESTS: dict[str, Callable[[str], bool]] = {
    "display": lambda value: value == "none",
    "visibility": lambda value: value in {"hidden", "collapse"},
    "content-visibility": lambda value: value == "hidden",
    "opacity": lambda value: _share(value) <= OPACITY_MAX,
    "filter": _is_filtered_out,
    "font-size": _is_tiny,
    "font": lambda value: any(_is_tiny(part.partition("/")[0]) for part in value.split()),
    "transform": _is_transformed_away,
    "scale": lambda value: any(abs(_share(part)) <= OPACITY_MAX for part in value.split()),
    "translate": _is_off_screen,
    "mask-size": lambda value: _px(value) <= 0,
    **dict.fromkeys(("max-height", "max-width"), lambda value: _px(value) <= 0),
    **dict.fromkeys(("left", "right", "top", "bottom", "inset", "text-indent"), _is_off_screen),
    **dict.fromkeys(("margin", "margin-left", "margin-top"), _is_far_out),
    **dict.fromkeys(("clip", "clip-path", "-webkit-clip-path"), _is_clipped),
    **dict.fromkeys(("mask", "mask-image", "-webkit-mask", "-webkit-mask-image"), _is_masked),
}


def _paint(declared: _Declared) -> Paint:
    values = dict(declared)
    ink = _colour(values.get("-webkit-text-fill-color") or values.get("color", ""))
    paper = _background(values.get("background-image", "")) or _background(
        values.get("background-color") or values.get("background", "")
    )
    if "text" in (values.get("background-clip"), values.get("-webkit-background-clip")):
        return Paint(ink=paper or ink)  # the background shows through the letters
    return Paint(ink=ink, paper=paper) if ink or paper else BARE


def _background(value: str) -> str:
    """The first colour in it; as written where it cannot be read."""
    if "url(" in value or "gradient(" in value:
        return _PICTURE
    found = [colour for token in _COLOUR_TOKEN.findall(value) if (colour := _colour(token)) not in {"", _CLEAR}]
    return next((colour for colour in found if colour[0] == "#"), value if found else "")


def _paint_of_attributes(attributes: Mapping[str, str]) -> Paint:
    """As `<font color=…>` and `<td bgcolor=…>` set them."""
    ink, paper = (attributes.get(name, "").strip().lower() for name in ("color", "bgcolor"))
    return Paint(ink=_colour(ink), paper=_colour(paper))


def _colour(value: str) -> str:
    if value in _SAYS_NO_COLOUR:
        return ""
    if match := _HEX.fullmatch(value):
        digits = match[1] or match[2]
        digits = "".join(digit * 2 for digit in digits) if len(digits) < 6 else digits
        return _CLEAR if int(digits[6:] or "ff", 16) <= OPACITY_MAX * 255 else f"#{digits[:6]}"
    if value.startswith(("rgb", "hsl")):
        return _mixed(value)
    return _COLOURS.get(value, value.lstrip("#"))


def _mixed(value: str) -> str:
    """From `rgb(…)`; of `hsl(…)` only white and black are read, and no text at all."""
    parts = _ARGUMENT.findall(value.partition("(")[2])
    if len(parts) < 3:
        return value
    if len(parts) > 3 and _share(parts[3]) <= OPACITY_MAX:
        return _CLEAR
    if value.startswith("hsl"):
        light = _share(parts[2])
        return "#ffffff" if light >= 1 - HSL_EDGE else "#000000" if light <= HSL_EDGE else value
    shades = (min(255, max(0, _px(part, percent=2.55))) for part in parts[:3])  # not a number becomes 0
    return "#" + "".join(f"{round(shade):02x}" for shade in shades)


@lru_cache(maxsize=1024)
def _alike(one: str, other: str) -> bool:
    if one[:1] != "#" or other[:1] != "#":
        return False
    distances = (abs(int(one[at : at + 2], 16) - int(other[at : at + 2], 16)) for at in (1, 3, 5))
    return max(distances) <= ALIKE_MAX
