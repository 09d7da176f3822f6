"""Figures of a load that is under way, at a cost that does not grow with the load.

Each look reads the rows that are new, adds them to a histogram for each filter that is asked for,
and forgets them. Counts, sums, rates, minima and maxima are exact; percentiles are right within
`RELATIVE_ERROR`. Messages are kept until they are completed, one minute at most.

Add here: what a look at a running load needs. Keep out: verdicts (loading/live.py).
"""

from pathlib import Path
from typing import Final

import duckdb

from perf_pipeline.metrics.catalog import CATALOG, Kind
from perf_pipeline.metrics.histogram import EMPTY, RELATIVE_ERROR, Histogram
from perf_pipeline.metrics.threshold import Threshold
from perf_pipeline.store.censoring import UNDECIDED
from perf_pipeline.store.check_rows import write_checks
from perf_pipeline.store.filters import tag_conditions
from perf_pipeline.store.histograms import BUCKET, KEPT, figure_from, is_from_buckets
from perf_pipeline.store.ingest import load_rows
from perf_pipeline.store.ledger_sql import FROM_LEDGER
from perf_pipeline.store.metric_sql import (
    FROM_FIGURES,
    FROM_ITERATIONS,
    FROM_READINGS,
    FROM_SCENARIOS,
    FROM_VUS,
    metric_rows,
)
from perf_pipeline.store.migrate import make_tables
from perf_pipeline.store.records import OF_KEY, RunKey
from perf_pipeline.store.sample_tables import SAMPLE_TABLES
from perf_pipeline.store.spool_csv import spool_files
from perf_pipeline.store.spool_tail import SpoolTail
from perf_pipeline.store.statistics import figure_of, finished_figure, unfiltered
from perf_pipeline.store.windows import Windows, windows_of
from perf_pipeline.units import US_PER_S

_CHECKS: Final = "checks"
_SUMMED: Final = KEPT | {_CHECKS}
_KEPT_MESSAGES_US: Final = 60 * US_PER_S
_BUCKETS: Final = f"""
select cast({BUCKET} as integer) as bucket, count(*), sum(value), min(value), max(value)
from ({{rows}}) where {{where}} group by bucket
"""
_EXACT: Final = """
select null, sum(weight), sum(value * weight), min(value), max(value) from ({rows}) where {where}
"""
_SPANS: Final = """
select scenario, operation, min(intended_us), max(ended_us)
from samples where phase = 'measured' group by scenario, operation
"""
_ENDED: Final = """
select scenario, count(*) from iterations
where phase = 'measured' and outcome <> 'interrupted' group by scenario
"""
_INSERT_SCENARIO: Final = """
insert into scenarios (run_id, benchmark, scenario, iterations, measured_from_us, measured_until_us)
values (?, ?, ?, ?, ?, ?)
"""
_FORGET_MESSAGES: Final = """
delete from ledger where message_id in (
    select message_id from ledger group by message_id
    having (bool_or(event = 'intended') and bool_or(event = 'completed'))
        or max(at_us) < (select max(at_us) from ledger) - ?
)
"""


class LiveFigures:
    """Follow the figures that some thresholds judge.

    Args:
        folder: the folder of the benchmark in the spool.
        key: the key of the benchmark.
        thresholds: what is asked for; nothing else can be observed.
    """

    def __init__(self, folder: Path, key: RunKey, thresholds: list[Threshold]) -> None:
        self._key = key
        self._tail = SpoolTail(folder)
        # One thread: the cores are the load's.
        self._connection = duckdb.connect(":memory:", config={"threads": 1})
        make_tables(self._connection, has_view=False)
        summed = [threshold for threshold in thresholds if threshold.metric in _SUMMED]
        asked = [*summed, *(unfiltered(threshold) for threshold in summed)]
        self._sums: dict[str, tuple[Threshold, Histogram]] = {
            _name(threshold): (threshold, EMPTY) for threshold in asked
        }
        self._kinds = _kinds_for({threshold.metric for threshold in thresholds})
        self._spans: dict[tuple[str, str], tuple[int, int]] = {}
        self._ended: dict[str, int] = {}

    def look(self) -> None:
        """Take in what the load has written since the last look."""
        with self._tail.grown(self._kinds) as grown:
            for kind in self._kinds:
                with spool_files(grown, kind) as found:
                    load_rows(self._connection, self._key, kind, found)
        self._note_spans()
        if any(threshold.metric == _CHECKS for threshold, _ in self._sums.values()):
            write_checks(self._connection, self._key, None)
        for name, (threshold, histogram) in self._sums.items():
            self._sums[name] = (threshold, histogram.plus(self._new_values(threshold)))
        self._forget()

    def observe(self, threshold: Threshold) -> float | None:
        """Return the figure so far that a threshold judges; None while nothing was measured."""
        if threshold.metric in _SUMMED:
            return finished_figure(threshold, self._windows, self._summed)
        if threshold.metric in FROM_FIGURES:
            return None  # worked out after the load
        with self._connection.cursor() as cursor:
            return figure_of(cursor, self._key, threshold, self._windows)

    def error_of(self, threshold: Threshold) -> float:
        """Say how far off `observe` may be, as a share of the figure; 0 for what is exact."""
        return RELATIVE_ERROR if is_from_buckets(threshold) else 0.0

    def _summed(self, threshold: Threshold) -> float | None:
        return figure_from(self._sums[_name(threshold)][1], threshold)

    def _new_values(self, threshold: Threshold) -> Histogram:
        conditions, parameters = tag_conditions(threshold.tags, threshold.scenarios)
        parameters |= {"run_id": self._key.run_id, "benchmark": self._key.benchmark}
        is_trend = CATALOG[threshold.metric].kind is Kind.TREND
        if is_trend:
            # How lower bounds enter is for the end to say, and it only raises a figure.
            conditions = [*conditions, f"not ({UNDECIDED})"]
        statement = (_BUCKETS if is_trend else _EXACT).format(
            rows=metric_rows(threshold.metric), where=" and ".join([OF_KEY, *conditions])
        )
        found = EMPTY
        for bucket, count, total, least, most in self._connection.execute(
            statement, parameters
        ).fetchall():
            if count:
                buckets = {} if bucket is None else {bucket: count}
                found = found.plus(Histogram(count, total, least, most, buckets))
        return found

    def _note_spans(self) -> None:
        for scenario, operation, begin_us, end_us in self._connection.execute(_SPANS).fetchall():
            known = self._spans.get((scenario, operation), (begin_us, end_us))
            span = (min(known[0], begin_us), max(known[1], end_us))
            self._spans[scenario, operation] = span
        for scenario, count in self._connection.execute(_ENDED).fetchall():
            self._ended[scenario] = self._ended.get(scenario, 0) + count
        self._connection.execute("delete from scenarios")
        for scenario, (begin_us, end_us) in self._by_scenario().items():
            self._connection.execute(
                _INSERT_SCENARIO,
                [
                    self._key.run_id,
                    self._key.benchmark,
                    scenario,
                    self._ended.get(scenario, 0),
                    begin_us,
                    end_us,
                ],
            )

    def _by_scenario(self) -> dict[str, tuple[int, int]]:
        spans: dict[str, tuple[int, int]] = {}
        for (scenario, _), (begin_us, end_us) in self._spans.items():
            known = spans.get(scenario, (begin_us, end_us))
            spans[scenario] = (min(known[0], begin_us), max(known[1], end_us))
        return spans

    def _windows(self) -> Windows:
        spans = self._by_scenario()
        span_us = max((end for _, end in spans.values()), default=0) - min(
            (begin for begin, _ in spans.values()), default=0
        )
        return windows_of(span_us / US_PER_S, spans, list(self._spans))

    def _forget(self) -> None:
        for table in (*SAMPLE_TABLES, "iterations", _CHECKS):
            self._connection.execute(f"delete from {table}")
        self._connection.execute(_FORGET_MESSAGES, [_KEPT_MESSAGES_US])


def _name(threshold: Threshold) -> str:
    """Name a metric with its filter; thresholds that share the name share a histogram."""
    return f"{threshold.key} {','.join(threshold.scenarios)}"


def _kinds_for(metrics: set[str]) -> list[str]:
    """Name the kinds of spool files that some metrics need; samples are needed for the windows."""
    kinds = ["samples"]
    if metrics & (FROM_ITERATIONS | FROM_SCENARIOS):
        kinds.append("iterations")
    if metrics & (FROM_READINGS | FROM_VUS):
        kinds.append("readings")
    if metrics & FROM_LEDGER:
        kinds.append("ledger")
    return kinds
