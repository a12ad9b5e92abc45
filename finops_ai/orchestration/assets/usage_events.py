"""Scheduled: what AI workloads used on a day, from logs that arrived and from our own books."""

from datetime import date

from finops_ai import usage
from finops_ai.baseline import DuckDB, Period, measured, named
from finops_ai.orchestration.assets.workload_baseline import cost_of
from finops_ai.orchestration.platform import PlatformWork
from finops_ai.orchestration.workbench import table


def usage_events(work: PlatformWork) -> None:
    """Logs of the inbox are imported whatever days they are of; our own calls and outcomes are kept beside them.

    A call that ended, or whose suspense was resolved, on this day is kept in the day in which it was made.
    """
    day, bench = date.fromisoformat(work.partition), work.bench
    arrivals = usage.import_inbox(bench.database, bench.settings.home)
    for arrival in arrivals:
        if arrival.refused:
            work.log.warning("%s was refused: %s", arrival.file, arrival.refused)
    if waiting := len(list(usage.due(bench.settings.home))):
        work.log.warning("%s more files wait in the inbox; measure a day again to take them", waiting)
    with bench.database.read() as connection:
        own, unknown = list(usage.own_events(connection, day)), usage.unknown_calls(connection, day)
    usage.keep_events(bench.database, bench.settings.home, own, name=f"own-{day}")
    with bench.database.read() as connection:
        files = usage.paths(connection, bench.settings.home, first=day, last=day)
    with DuckDB(files) as engine:
        found = measured(engine, ("source", "workload"), Period(day, day))
    work.tell(
        events=sum(figures.events for figures in found),
        logs_that_arrived=f"{len(arrivals)}, of which {sum(bool(a.refused) for a in arrivals)} were refused; {waiting} wait",
        unpriced_events=sum(figures.unpriced_events for figures in found),
        calls_of_unknown_cost=f"{unknown} of our own, under way or in suspense: in no event until it is known",
        by_source=table(
            [
                {
                    "source": figures.key["source"],
                    "workload": named(figures.key["workload"]),
                    "events": figures.events,
                    "input tokens": figures.input_tokens,
                    "output tokens": figures.output_tokens,
                    "cost USD": cost_of(figures),
                }
                for figures in found
            ]
        ),
    )
