"""The monthly review as a document: what it is compared with, and putting it up for its three signatures.

Belongs here: gathering what `governance` is given, and the document's frame. Does not: any figure (`governance`), the path of
a document (`documents`).
"""

from datetime import date, timedelta

from finops_ai import baseline, governance
from finops_ai.baseline import DuckDB, Period, Yardstick, measured, yardsticks
from finops_ai.governance import Given, Ratio, Review
from finops_ai.orchestration.documents import Document, PutUp, own_brief, put_up
from finops_ai.orchestration.workbench import Workbench
from finops_ai.pricing import to_nano_usd
from finops_ai.store import following_month, month_start, today
from finops_ai.usage import paths


def put_up_review(bench: Workbench, month: str, *, run_id: str) -> tuple[Review, PutUp]:
    """Compute the review and ask for its signatures. Raises ValueError for what is no month, AlreadyPublished, LockTaken."""
    review = review_for(bench, month)
    return review, put_up(bench, document_of(bench, review), run_id=run_id)


def review_for(bench: Workbench, month: str) -> Review:
    """The review of a month, beside the baselines that were imported. Raises ValueError for what is no month."""
    values = governance.read_values(bench.database, bench.objects, bench.policy, month=month)
    return governance.review_of(values, given_for(bench, month))


def document_of(bench: Workbench, review: Review) -> Document:
    """Its brief is the same for every edition of a month: another edition is another packet of the same artifact."""
    return Document(
        brief=own_brief(
            bench.policy,
            form="review",
            topic=f"Governance review of {review.month}",
            objective="Let the three leaders see, and sign, what approved results cost, what was stopped and who signed",
            decision=f"what has to change after {review.month}",
            source=f"ledger:{review.month}",
        ),
        figures=governance.figures(review),
        markdown=governance.render_markdown(review),
        html=governance.render_html(review),
        record_checks=governance.record_checks(review),
        figure_checks=governance.figure_checks(review),
    )


def given_for(bench: Workbench, month: str) -> Given:
    """Baselines out of usage that was imported until the month ended; a forecast for a month that is not over."""
    last = month_start(following_month(month)) - timedelta(days=1)
    with bench.database.read() as connection:
        files = paths(connection, bench.settings.home, last=last)
    if not files:
        return Given()
    with DuckDB(files) as engine:
        found = {name: _baseline(one) for name, one in yardsticks(engine, Period(until=last)).items()}
        forecast = _forecast(bench, engine, month, last)
    whole = found.pop("", None)
    return Given(baseline=whole, baselines=found, forecasts=forecast)


def _baseline(one: Yardstick) -> governance.Baseline:
    quality = Ratio(one.approved, one.outcomes) if one.outcomes else None
    return governance.Baseline(
        unit_cost=Ratio(one.cost_nano_usd, one.approved_priced), quality=quality, source=one.source
    )


def _forecast(bench: Workbench, engine: DuckDB, month: str, last: date) -> tuple[governance.Forecast, ...]:
    limit, yesterday = bench.policy.budgets.organisation.month_usd, today() - timedelta(days=1)
    if limit is None or not month_start(month) <= yesterday < last:
        return ()
    history = measured(engine, ("day",), baseline.with_history(Period(month_start(month), yesterday)))
    found = baseline.budget_forecast(
        {figures.key["day"]: figures.cost_nano_usd for figures in history},
        month=month,
        known_until=yesterday,
        budget_nano_usd=to_nano_usd(limit),
    )
    if found.expected_nano_usd is None or found.budget_nano_usd is None:
        return ()
    return (
        governance.Forecast(
            budget=f"organisation/{month}",
            limit_nano_usd=found.budget_nano_usd,
            spent_nano_usd=found.spent_nano_usd,
            expected_nano_usd=found.expected_nano_usd,
            method=found.why,
        ),
    )
