"""Unit economics of the project's own work, and the monthly review that its leaders sign.

Belongs here: reading a month's records into values, figures with the rows behind them, the document. Does not: putting the
document up for sign-off and publishing it (`orchestration`), charges and budgets (`finance`, `ledger`).
"""

from finops_ai.governance.economics import DIMENSIONS, Dimension, Economics, economics_of, grouped
from finops_ai.governance.model import Baseline, Books, Forecast, Given, Ratio, Values, View
from finops_ai.governance.reading import read_values
from finops_ai.governance.rendering import ROWS_SHOWN_MAX, render_html, render_markdown
from finops_ai.governance.review import Figure, Review, checks, figure_checks, figures, record_checks, review_of
from finops_ai.governance.rows import Table
from finops_ai.governance.safeguards import Safeguards, safeguards_of
from finops_ai.governance.views import MONTHS_SHOWN
from finops_ai.governance.wording import cell, shown

__all__ = [
    "DIMENSIONS",
    "MONTHS_SHOWN",
    "ROWS_SHOWN_MAX",
    "Baseline",
    "Books",
    "Dimension",
    "Economics",
    "Figure",
    "Forecast",
    "Given",
    "Ratio",
    "Review",
    "Safeguards",
    "Table",
    "Values",
    "View",
    "cell",
    "checks",
    "economics_of",
    "figure_checks",
    "figures",
    "grouped",
    "read_values",
    "record_checks",
    "render_html",
    "render_markdown",
    "review_of",
    "safeguards_of",
    "shown",
]
