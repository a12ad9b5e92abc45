"""The review as documents: Markdown for signing and comparing, one HTML file for reading and printing.

Belongs here: what the templates are given, charts. Does not: markup (`templates`), wording of values (`wording`). Words in the
records may be a stranger's: everything is escaped, and a policy in the page forbids scripts, forms and outside addresses.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from finops_ai.charts import Series, bar_chart, line_chart, sparkline
from finops_ai.governance import wording
from finops_ai.governance.figures import Value
from finops_ai.governance.finance import FINANCE
from finops_ai.governance.model import Ratio
from finops_ai.governance.needs import by_part
from finops_ai.governance.review import Figure, Review, checks
from finops_ai.governance.security import SECURITY
from finops_ai.governance.technology import TECHNOLOGY
from finops_ai.pricing import NANO

if TYPE_CHECKING:
    from jinja2 import Environment

ROWS_SHOWN_MAX = 200
ROWS_OF_LONG_TABLES = 15  # the first ones, which are the greatest where a table has an order
PARTS_SHOWN_MAX = 12
HEADLINES = (
    "published", "unit-cost", "spend", "first-pass-yield", "rework-share", "cost-to-value", "sign-p50", "provenance",
)  # fmt: skip
LEADERS = (
    ("technology", "Technology", "for the CIO or CTO", "What was delivered, how fast, how reliably", TECHNOLOGY),
    ("security", "Security", "for the CISO", "What was stopped, who signed, what is proved", SECURITY),
    ("finance", "Finance", "for the finance lead", "What it cost, what that bought, what is open", FINANCE),
)
_MARKDOWN = re.compile(r"([\\`*_~|\[\]<>#])")


def render_html(review: Review) -> str:
    """One self-contained page, printable part by part. Equal reviews give equal bytes."""
    return _page("html", review)


def render_markdown(review: Review) -> str:
    """The same figures without charts and rows."""
    return _page("md", review)


def _page(form: str, review: Review) -> str:
    template = _templates(form).get_template(f"review.{form}.j2")
    return template.render(
        review=review,
        economics=review.economics[-1],
        books=review.values.books,
        needs=by_part(list(review.needs)),
        checks=checks(review),
        charts=_charts(review) if form == "html" else {},
        LEADERS=LEADERS,
        HEADLINES=HEADLINES,
        ROWS_SHOWN_MAX=ROWS_SHOWN_MAX,
        ROWS_OF_LONG_TABLES=ROWS_OF_LONG_TABLES,
        PARTS_SHOWN_MAX=PARTS_SHOWN_MAX,
    )


def _charts(review: Review) -> dict[str, str]:
    """SVG by name. Drawn numbers are floats; no figure is taken from one."""
    months, figures = list(review.months), review.figures

    def line(*names: str, title: str, unit: str, scale: float = 1) -> str:
        series = [
            Series(name=figures[name].definition.name, values=_floats(figures[name], 1 / scale)) for name in names
        ]
        return line_chart(months, series, title=title, unit=unit, width=520, height=220)

    def bars(labels: Sequence[tuple[str, Callable[[Any], int]]], *, title: str, unit: str, scale: float = 1) -> str:
        series = [Series(name=name, values=[of(one) / scale for one in review.economics]) for name, of in labels]
        return bar_chart(months, series, title=title, unit=unit, stacked=True, width=520, height=220)

    outcomes = [
        (state, lambda e, state=state: getattr(e, state)) for state in ("published", "rejected", "held", "failed")
    ]
    kinds = [(kind, lambda e, kind=kind: e.by_kind[kind]) for kind in review.economics[-1].by_kind]
    states: list[tuple[str, Callable[[Any], int]]] = [
        ("published", lambda e: e.approved_nano_usd),
        ("never approved", lambda e: e.unapproved_nano_usd),
        ("in progress, or no artifact", lambda e: e.spend_nano_usd - e.approved_nano_usd - e.unapproved_nano_usd),
    ]
    return {
        "outcomes": bars(outcomes, title="Outcomes", unit="artifacts"),
        "cycle": line("cycle-p50", "cycle-p90", title="Cycle time", unit="hours", scale=3600),
        "stops": line("stopped-policy", "stopped-quality", "stopped-readiness", title="Stopped by gates", unit="%", scale=0.01),
        "signing": line("sign-p50", "sign-p90", title="Time to sign", unit="hours", scale=3600),
        "unit_cost": line("unit-cost", title="Cost per approved artifact", unit="USD", scale=NANO),
        "kinds": bars(kinds, title="Spend by kind", unit="USD", scale=NANO),
        "states": bars(states, title="Spend by what came of it", unit="USD", scale=NANO),
        "quality": line("rework-share", "first-pass-yield", title="Rework and first pass", unit="%", scale=0.01),
    }  # fmt: skip


def _floats(figure: Figure, factor: float) -> list[float | None]:
    return [_float(value, factor) for value in figure.trend]


def _float(value: Value, factor: float) -> float | None:
    if isinstance(value, Ratio):
        return value.numerator / value.denominator * factor if value.denominator else None
    return None if value is None else value * factor


def _spark(figure: Figure) -> str:
    return sparkline(_floats(figure, 1), width=96, height=22) if len(figure.trend) > 1 else ""


def escaped(text: object) -> str:
    """Text as it is, in Markdown, on one line."""
    return _MARKDOWN.sub(r"\\\1", " ".join(str(text).split()))


def command_for(review: Review, table: str) -> str:
    """What prints every row of a table."""
    return f"finops-ai review --month {review.month} --rows {table}"


@cache
def _templates(form: str) -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("finops_ai.governance"),
        autoescape=form == "html",  # noqa: S701 - the Markdown escapes what it is given by itself
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.globals.update(command_for=command_for)
    environment.filters.update(
        cell=wording.cell,
        duration=wording.duration,
        md=escaped,
        moment=wording.moment,
        percent=wording.percent,
        shown=wording.shown,
        spark=lambda figure: Markup(_spark(figure)),  # noqa: S704 - drawn by us, its texts escaped there
        svg=Markup,
        usd=wording.usd,
    )
    return environment
