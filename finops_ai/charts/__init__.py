"""Charts as SVG text: drawn from values, without a script, a font file or a library, the same bytes for the same values.

Belongs here: pictures for pages and reports. Does not: what is drawn, or why (`baseline`, `finance` and others).
"""

from finops_ai.charts.bars import bar_chart
from finops_ai.charts.lines import line_chart
from finops_ai.charts.scale import compact, nice_ticks
from finops_ai.charts.sparks import sparkline
from finops_ai.charts.svg import SERIES_MAX, Series, as_data_uri

__all__ = ["SERIES_MAX", "Series", "as_data_uri", "bar_chart", "compact", "line_chart", "nice_ticks", "sparkline"]
