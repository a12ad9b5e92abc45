"""Scheduled: what AI workloads used on a day, from logs that arrived and from our own books."""

from collections.abc import Sequence
from datetime import date

from finops_ai import usage
from finops_ai.baseline import DuckDB, Figures, Period, measured, named
from finops_ai.orchestration.assets.workload_baseline import cost_of
from finops_ai.orchestration.platform import PlatformWork
from finops_ai.orchestration.workbench import table
from finops_ai.usage import Arrival, Imported


def usage_events(work: PlatformWork) -> None:
    """Logs of the inbox are imported whatever days they are of; our own calls and outcomes are kept beside them.

    A call that ended, or whose suspense was resolved, on this day is kept in the day in which it was made.
    """
    day, bench = date.fromisoformat(work.partition), work.bench
    arrivals = usage.import_inbox(bench.database, bench.settings.home)
    waiting = len(list(usage.due(bench.settings.home)))
    with bench.database.read() as connection:
        own, unknown = list(usage.own_events(connection, day)), usage.unknown_calls(connection, day)
    kept = usage.keep_events(bench.database, bench.settings.home, own, name=f"own-{day}")
    imports = [one for one in (*(arrival.imported for arrival in arrivals), kept) if one and not one.already]
    _warn(work, arrivals, imports, waiting)
    with bench.database.read() as connection:
        files = usage.paths(connection, bench.settings.home, first=day, last=day)
    with DuckDB(files) as engine:
        found = measured(engine, ("source", "workload"), Period(day, day))
    refused = sum(bool(arrival.refused) for arrival in arrivals)
    work.tell(
        events=sum(figures.events for figures in found),
        logs_that_arrived=f"{len(arrivals)}, of which {refused} were refused; {waiting} wait",
        rows_in_quarantine=sum(one.quarantined for one in imports),
        unpriced_events=sum(figures.unpriced_events for figures in found),
        calls_of_unknown_cost=f"{unknown} of our own, under way or in suspense: in no event until it is known",
        by_source=table([_row(figures) for figures in found]),
    )


def _warn(work: PlatformWork, arrivals: Sequence[Arrival], imports: Sequence[Imported], waiting: int) -> None:
    for arrival in arrivals:
        if arrival.refused:
            work.log.warning("%s was refused: %s", arrival.file, arrival.refused)
    for one in imports:
        if one.quarantined:
            work.log.warning("%s: %s rows in quarantine, with why: %s", one.file, one.quarantined, one.quarantine)
    if waiting:
        work.log.warning("%s more files wait in the inbox; measure a day again to take them", waiting)


def _row(figures: Figures) -> dict[str, str | int]:
    return {
        "source": figures.key["source"],
        "workload": named(figures.key["workload"]),
        "events": figures.events,
        "input tokens": figures.input_tokens,
        "output tokens": figures.output_tokens,
        "cost USD": cost_of(figures),
    }
