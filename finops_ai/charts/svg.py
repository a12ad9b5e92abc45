"""What every chart is made of: escaped elements, colours, how wide a text is, title and description.

Belongs here: SVG, and the one value that charts are given (`Series`). Does not: axes (`scale`), shapes (`lines`, `bars`).

Ink is `currentColor`, so that a chart in a page has the page's text colour, light or dark. Series are told apart by colour
(Okabe and Ito, "Color Universal Design", 2008: eight that most people with colour blindness can tell apart; their yellow,
too faint on paper, and black are replaced), and lines by their dashes too, since many print in grey.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31", "#7f7f7f")
SERIES_MAX = len(PALETTE)
FONT_PX = 12
GRID = {"stroke": "currentColor", "stroke_opacity": 0.15}

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, section 2.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One named row of values, a value for every label. None is unknown: a gap, never 0.

    `low` and `high` draw a band (of a forecast). `marks`: what to say at a position (of an anomaly). `dashed`: not observed.
    """

    name: str
    values: Sequence[float | None]
    low: Sequence[float | None] = ()
    high: Sequence[float | None] = ()
    marks: Mapping[int, str] = field(default_factory=dict)
    dashed: bool = False


def checked(labels: Sequence[str], series: Sequence[Series]) -> None:
    """Raises ValueError for rows that do not fit their labels, or more of them than eyes can tell apart."""
    if len(series) > SERIES_MAX:
        raise ValueError(f"{len(series)} series: {SERIES_MAX} can be told apart; add up the small ones")
    for one in series:
        if any(len(row) != len(labels) for row in (one.values, one.low or one.values, one.high or one.values)):
            raise ValueError(f"series {one.name!r}: a value for each of the {len(labels)} labels, None where unknown")
        if bool(one.low) != bool(one.high):
            raise ValueError(f"series {one.name!r}: a band has both a low and a high side")


def tag(name: str, *children: str, **attributes: object) -> str:
    """One element. `children` are SVG already; attributes are escaped, `_` in their names reads `-`, None leaves one out."""
    written = "".join(
        f" {key.strip('_').replace('_', '-')}={quoteattr(_plain(_number(value)))}"
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}>{''.join(children)}</{name}>" if children else f"<{name}{written}/>"


def said(text: str) -> str:
    """Text as it may stand in an element."""
    return escape(_plain(text))


def words(x: float, y: float, text: str, **attributes: object) -> str:
    """A text at a place."""
    return tag("text", said(text), x=x, y=y, **attributes)


def hint(text: str) -> str:
    """What a pointer that rests on the element, and a screen reader, are told."""
    return tag("title", said(text))


def drawing(*parts: str, width: float, height: float, title: str, description: str) -> str:
    """A whole picture that says what it is to those who do not see it."""
    return tag(
        "svg",
        tag("title", said(title)),
        tag("desc", said(description)),
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        role="img",
        viewBox=f"0 0 {_number(width)} {_number(height)}",
        width=width,
        height=height,
        font_family="system-ui, sans-serif",
        font_size=FONT_PX,
        fill="currentColor",
    )


def as_data_uri(svg: str, *, magnified: int = 1) -> str:
    """For the `src` of an image. There it cannot inherit a text colour, so it is given paper and ink of its own."""
    size = re.sub(r'\b(width|height)="(\d+)"', lambda found: f'{found[1]}="{int(found[2]) * magnified}"', svg, count=2)
    painted = size.replace("<svg ", '<svg style="background:#fff;color:#222" ', 1)
    return "data:image/svg+xml," + quote(painted, safe="/ :=,;")


def heading(title: str, unit: str, width: float) -> str:
    """The first line of a chart: what it shows, and in which unit."""
    shown = shortened(title, width - text_width(f" {unit}") - 16, bold=True)
    behind = [tag("tspan", said(f" {unit}"), font_weight="normal", fill_opacity=0.7)] if unit else []
    return tag("text", said(shown), *behind, x=0, y=15, font_weight="bold", font_size=FONT_PX + 1)


def legend(entries: Sequence[tuple[str, str]], width: float, top: float) -> tuple[list[str], float]:
    """Keys (SVG at 0,0, 18 wide) with their names, in as many rows as they need; and where the next thing may begin."""
    parts: list[str] = []
    x, y = 0.0, top
    for key, name in entries:
        shown = shortened(name, min(220, width - 24))
        needed = 24 + text_width(shown) + 16
        if x and x + needed > width:
            x, y = 0.0, y + 18
        parts += [tag("g", key, transform=f"translate({_number(x)} {_number(y)})"), words(x + 24, y + 4, shown)]
        x += needed
    return parts, y + 18 if entries else top


def text_width(text: str, *, bold: bool = False) -> float:
    """Pixels that a text takes at most in a usual sans-serif: nothing here can ask a font."""
    return sum(map(_character_width, text)) * FONT_PX * (1.12 if bold else 1)


def shortened(text: str, width: float, *, bold: bool = False) -> str:
    """The text, or as much of it as fits, with an ellipsis. A name's end often tells it from its neighbours: both stay."""
    if text_width(text, bold=bold) <= width:
        return text
    kept = len(text)
    while kept > 1 and text_width(shown := _without_middle(text, kept), bold=bold) > width:
        kept -= 1
    return shown if kept > 1 else "…"


def _without_middle(text: str, kept: int) -> str:
    tail = kept // 3
    return f"{text[: kept - tail].rstrip()}…{text[len(text) - tail :].lstrip()}"


def _character_width(character: str) -> float:
    if unicodedata.east_asian_width(character) in "WF":
        return 1.0
    if character in "iljtfrI.,:;'|!()[] -":
        return 0.42
    return 0.98 if character in "mwMW@%" else 0.74 if character.isupper() else 0.64


def _plain(text: str) -> str:
    """Without characters that no XML may hold: a file with one of them is not shown at all."""
    return _NOT_XML.sub("\ufffd", text)


def _number(value: object) -> str:
    """Two decimals of a pixel are enough, and the same on every machine."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def runs(values: Sequence[float | None]) -> Iterator[list[tuple[int, float]]]:
    """Positions and values between gaps."""
    run: list[tuple[int, float]] = []
    for position, value in enumerate(values):
        if value is not None:
            run.append((position, value))
        elif run:
            yield run
            run = []
    if run:
        yield run
