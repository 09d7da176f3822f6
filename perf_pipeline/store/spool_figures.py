"""Work out figures from a benchmark's spool folder, without the history.

For the one who ends a benchmark: records per second, lost messages and the like are needed before
anything is ingested.

Add here: a figure that needs the raw files of one benchmark. Keep out: the history file.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import duckdb

from perf_pipeline.engine.health import CLOCK_ERROR_LIMIT_MS
from perf_pipeline.metrics.totals import Backlog, LedgerCounts, OutOfTime, SpanFigures
from perf_pipeline.store.access import stoppable
from perf_pipeline.store.censoring import UNDECIDED, mark_unanswered
from perf_pipeline.store.engines import in_memory
from perf_pipeline.store.spool_csv import spool_files
from perf_pipeline.units import US_PER_MS

_SPANS: Final = f"""
select scenario, operation, any_value(protocol), count(*) filter (where not ({UNDECIDED})),
    count(*) filter (where outcome <> 'ok' and not ({UNDECIDED})),
    coalesce(sum(records) filter (where outcome = 'ok'), 0), min(started_us), max(ended_us),
    sum(ended_us - started_us)
from spooled where phase = 'measured' group by scenario, operation order by scenario, operation
"""
_LEDGER_COUNTS: Final = """
with ids as (
    select message_id,
        count(*) filter (where event = 'acknowledged') as acknowledged,
        count(*) filter (where event = 'completed') as completed,
        min(at_us) filter (where event = 'intended') as intended_us,
        min(at_us) filter (where event = 'completed') as completed_us
    from spooled group by message_id
)
select count(*) filter (where acknowledged > 0),
    count(*) filter (where completed > 0),
    count(*) filter (where acknowledged > 0 and completed = 0),
    coalesce(sum(completed - 1) filter (where completed > 0), 0),
    count(*) filter (where acknowledged = 0 and completed > 0),
    coalesce(sum(acknowledged - 1) filter (where acknowledged > 0), 0),
    count(*) filter (where acknowledged > 0 and completed_us < intended_us - $slack_us)
from ids
"""
# As much may lie between the clocks of two hosts.
_SLACK_US: Final = round(CLOCK_ERROR_LIMIT_MS * US_PER_MS)
_BACKLOG: Final = """
with ids as (
    select message_id, min(at_us) filter (where event = 'acknowledged') as acknowledged_us,
        min(at_us) filter (where event = 'completed') as completed_us
    from spooled group by message_id
)
select count(*), count(*) filter (where completed_us is null), max(completed_us)
from ids where acknowledged_us <= 0
"""
# `started` if the request was ours; otherwise only the planned start is known, and counts.
_OUT_OF_TIME: Final = """
with ids as (
    select message_id, min(at_us) filter (where event = 'completed') as completed_us,
        coalesce(min(at_us) filter (where event = 'started'),
            min(at_us) filter (where event = 'intended')) as asked_us
    from spooled group by message_id
)
select count(*), count(*) filter (where too_early_us > $slack_us),
    count(*) filter (where too_late_us > $slack_us), max(greatest(too_early_us, too_late_us))
from (
    select asked_us - completed_us as too_early_us, completed_us - $now_us as too_late_us
    from ids where asked_us is not null and completed_us is not null
)
"""


def backlog_from_spool(folder: Path) -> Backlog:
    """Look for the messages that waited at the start; all zero without any.

    Raises:
        PerfPipelineError: a file is of another version.
    """
    if not has_rows(folder, "ledger"):
        return Backlog(0, 0, None)
    with spooled(folder, "ledger") as connection:
        row = connection.execute(_BACKLOG).fetchone()
    return Backlog(*(row or (0, 0, None)))


def out_of_time_from_spool(folder: Path, now_us: int, slack_us: int) -> OutOfTime:
    """Count the messages that were completed before they were asked for, or in the future.

    Args:
        folder: the folder of the benchmark.
        now_us: when the completions were read, µs since the benchmark's origin.
        slack_us: as much says nothing.

    Raises:
        PerfPipelineError: a file is of another version.
    """
    with spooled(folder, "ledger") as connection:
        row = connection.execute(_OUT_OF_TIME, {"now_us": now_us, "slack_us": slack_us}).fetchone()
    messages, early, late, most_us = row or (0, 0, 0, None)
    return OutOfTime(messages, early, late, most_us or 0)


def span_figures(folder: Path) -> list[SpanFigures]:
    """Add up a benchmark's measured samples by scenario and operation; empty without any.

    Raises:
        PerfPipelineError: a file is of another version.
    """
    with spooled(folder, "samples") as connection:
        mark_unanswered(connection, "spooled")
        return [SpanFigures(*row) for row in connection.execute(_SPANS).fetchall()]


def ledger_counts_from_spool(folder: Path) -> LedgerCounts:
    """Compare promised with completed messages by id, all phases; zeros without a ledger.

    Raises:
        PerfPipelineError: a file is of another version.
    """
    with spooled(folder, "ledger") as connection:
        row = connection.execute(_LEDGER_COUNTS, {"slack_us": _SLACK_US}).fetchone()
    return LedgerCounts(*(int(count) for count in row or (0,) * 7))


def has_rows(folder: Path, kind: str) -> bool:
    """Tell whether a benchmark's spool has any row of a kind, which takes no question to DuckDB.

    Raises:
        PerfPipelineError: a file is of another version.
    """
    with spool_files(folder, kind) as found:
        return bool(found.paths or found.binary)


@contextmanager
def spooled(folder: Path, kind: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open one kind of a benchmark's spool files as the table `spooled`, gone afterwards.

    Raises:
        PerfPipelineError: a file is of another version.
    """
    with stoppable(), in_memory(folder) as connection, spool_files(folder, kind) as found:
        found.load(connection, "create temp table spooled as select * from {rows}", [])
        yield connection
