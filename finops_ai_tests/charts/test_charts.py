"""Charts are XML that any reader accepts, say what they show, and draw what they were given."""

from collections.abc import Callable
from itertools import pairwise
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest

from finops_ai.charts import SERIES_MAX, Series, as_data_uri, bar_chart, compact, line_chart, nice_ticks, sparkline

SVG = "{http://www.w3.org/2000/svg}"
DAYS = [f"2026-11-{day:02d}" for day in range(1, 31)]


def read(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def texts(svg: str) -> list[str]:
    return ["".join(found.itertext()) for found in read(svg).iter(f"{SVG}text")]


def hints(svg: str) -> list[str]:
    return [found.text or "" for shape in read(svg) for found in shape.iter(f"{SVG}title")][1:]


def line(*values: float | None, name: str = "acme") -> str:
    return line_chart(
        [f"day {n}" for n in range(len(values))], [Series(name=name, values=values)], title="t", unit="USD"
    )


def test_a_chart_tells_a_screen_reader_what_it_shows() -> None:
    root = read(line(1.0, None, 4.0))
    assert root.get("role") == "img"
    assert [child.tag for child in root][:2] == [f"{SVG}title", f"{SVG}desc"]
    description = root.findtext(f"{SVG}desc") or ""
    assert "3 values from day 0 to day 2" in description
    assert "acme: lowest 1, highest 4, last 4, 1 unknown" in description


def test_names_from_logs_cannot_become_markup() -> None:
    """Workloads and models are whatever a log says; a control character would make the whole picture unreadable."""
    name = '</text><script>alert("1")</script>\x00&'
    for svg in (line(1.0, name=name), bar_chart([name], [Series(name=name, values=[1])], title=name, unit=name)):
        assert not list(read(svg).iter(f"{SVG}script"))
        assert "<script" not in svg


@pytest.mark.parametrize("draw", [line_chart, bar_chart])
def test_the_same_values_are_the_same_bytes(draw: Callable[..., str]) -> None:
    series = [Series(name="a", values=[n / 7 for n in range(30)]), Series(name="b", values=[n**0.5 for n in range(30)])]
    assert draw(DAYS, series, title="t", unit="USD") == draw(DAYS, series, title="t", unit="USD")


def test_an_unknown_value_is_a_gap_and_not_0() -> None:
    paths = [path.get("d", "") for path in read(line(1.0, 2.0, None, 4.0, 5.0)).iter(f"{SVG}path")]
    assert len(paths) == 2
    assert not hints(bar_chart(["a"], [Series(name="x", values=[None])], title="t", unit="USD"))


def test_an_axis_begins_at_0() -> None:
    """From 99 to 101 is hardly a change, and must not look like one."""
    ys = [float(circle.get("cy", "")) for circle in read(line(99.0, 101.0)).iter(f"{SVG}circle")]
    assert abs(ys[0] - ys[1]) < 10


def test_points_stand_where_their_values_are() -> None:
    circles = list(read(line(0.0, 50.0, 100.0)).iter(f"{SVG}circle"))
    ys = [float(circle.get("cy", "")) for circle in circles]
    assert ys[0] - ys[1] == pytest.approx(ys[1] - ys[2], abs=0.02)
    assert ys[0] > ys[2]


def test_a_stack_is_as_high_as_its_sum() -> None:
    svg = bar_chart(
        ["m"], [Series(name="a", values=[30]), Series(name="b", values=[70])], title="t", unit="u", stacked=True
    )
    bars = [bar for bar in read(svg).iter(f"{SVG}rect") if bar.find(f"{SVG}title") is not None]
    heights = [float(bar.get("height", "")) for bar in bars]
    assert heights[1] / heights[0] == pytest.approx(7 / 3, rel=0.01)


@pytest.mark.parametrize("draw", [line_chart, bar_chart])
def test_many_labels_do_not_overlap(draw: Callable[..., str]) -> None:
    svg = draw(DAYS * 4, [Series(name="a", values=[1.0] * 120)], title="t", unit="USD")
    places = [float(text.get("x", "")) for text in read(svg).iter(f"{SVG}text") if (text.text or "").startswith("2026")]
    assert 4 <= len(places) <= 12
    assert min(b - a for a, b in pairwise(places)) > 10 * 7  # ten characters of seven pixels
    assert min(places) > 10 * 7 / 2 - 3
    assert max(places) < 760 - 10 * 7 / 2 + 3


def test_every_bar_that_lies_has_its_name_and_figure() -> None:
    names = [f"model-{n}" for n in range(60)]
    svg = bar_chart(
        names, [Series(name="cost", values=[n / 100 for n in range(60)])], title="t", unit="USD", lying=True
    )
    assert set(names) <= set(texts(svg))
    assert "0.59" in texts(svg)


def test_a_mark_says_why() -> None:
    svg = line_chart(["a", "b"], [Series(name="s", values=[1, 9], marks={1: "9 times the usual"})], title="t", unit="u")
    assert any("9 times the usual" in hint for hint in hints(svg))
    assert "anomaly" in texts(svg)


def test_a_band_is_drawn_around_its_line() -> None:
    svg = line_chart(["a", "b"], [Series(name="s", values=[1, 2], low=[0.5, 1], high=[2, 4])], title="t", unit="u")
    assert [path.get("fill-opacity") for path in read(svg).iter(f"{SVG}path") if path.get("d", "").endswith("Z")]


@pytest.mark.parametrize(
    ("series", "reason"),
    [
        ([Series(name="short", values=[1])], "short"),
        ([Series(name="half", values=[1, 2], low=[0, 1])], "half"),
        ([Series(name=str(n), values=[1, 2]) for n in range(SERIES_MAX + 1)], "told apart"),
        ([Series(name="x", values=[1, float("nan")])], "finite"),
    ],
)
def test_what_cannot_be_drawn_is_refused(series: list[Series], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        line_chart(["a", "b"], series, title="t", unit="u")


def test_a_stack_does_not_hide_a_negative_part() -> None:
    with pytest.raises(ValueError, match="below 0"):
        bar_chart(["a"], [Series(name="x", values=[-1])], title="t", unit="u", stacked=True)


def test_nothing_at_all_is_still_a_picture() -> None:
    for svg in (
        line_chart([], [], title="t", unit="u"),
        bar_chart([], [], title="t", unit="u"),
        sparkline([]),
        line(None),
    ):
        assert read(svg).tag == f"{SVG}svg"


def test_an_image_has_paper_of_its_own() -> None:
    """In an image `currentColor` is black, which nobody can read on a dark page."""
    uri = as_data_uri(line(1.0, 2.0))
    assert uri.startswith("data:image/svg+xml,")
    assert '"' not in uri
    assert "background:#fff" in read(unquote(uri.partition(",")[2])).get("style", "")


@pytest.mark.parametrize(
    ("value", "read_as"),
    [
        (0, "0"), (950, "950"), (1250, "1.25k"), (14_297_380, "14.3M"), (0.0031, "0.0031"), (-2_500_000, "-2.5M"),
        (999_999, "1M"), (1.0, "1"), (0.30000000000000004, "0.3"), (3e-9, "3.00e-09"), (100, "100"), (1234.5, "1.234k"),
    ],
)  # fmt: skip
def test_numbers_are_short(value: float, read_as: str) -> None:
    assert compact(value) == read_as


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 10, [0, 2, 4, 6, 8, 10]),
        (3, 106, [0, 25, 50, 75, 100, 125]),
        (-3, 4.5, [-4, -2, 0, 2, 4, 6]),
        (0, 0, [0, 0.2, 0.4, 0.6, 0.8, 1]),
    ],
)
def test_ticks_are_round_and_enclose_everything(low: float, high: float, ticks: list[float]) -> None:
    assert nice_ticks(low, high) == pytest.approx(ticks)
