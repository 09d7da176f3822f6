"""Read the course of a load, and of its messages, over time from a benchmark's spool.

Add here: another question about a stretch of a load. Keep out: what follows from the answers
(analysis/recovery.py), and courses of runs in the history (timeline.py).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from perf_pipeline.store.censoring import UNDECIDED, mark_unanswered
from perf_pipeline.store.spool_figures import spooled

# A reading counts the drops of the second that ends with it.
_DROPPED: Final = """
select coalesce(sum(value), 0) from spooled
where name = 'dropped_iterations' and source = '' and at_us > $from_us and at_us <= $until_us
"""
_COURSE: Final = f"""
select cast(floor((intended_us - $from_us) / $width_us) as bigint) as bucket,
    count(*) filter (where outcome = 'ok'),
    count(*) filter (where outcome <> 'ok' and not ({UNDECIDED})),
    quantile_cont(ended_us - intended_us, 0.95) / 1000.0
from spooled where phase = 'measured' group by bucket
"""
_COURSE_UNTIL: Final = f"""
select cast(floor((intended_us - $from_us) / $width_us) as bigint) as bucket,
    count(*) filter (where ended_us <= $until_us and outcome = 'ok'),
    count(*) filter (where ended_us <= $until_us and outcome <> 'ok' and not ({UNDECIDED})),
    quantile_cont(ended_us - intended_us, 0.95) filter (where ended_us <= $until_us) / 1000.0,
    coalesce(list(($until_us - intended_us) / 1000.0) filter (where ended_us > $until_us), [])
from spooled where phase = 'measured' and intended_us < $until_us group by bucket
"""
_MEANWHILE: Final = f"""
select count(*) filter (where outcome <> 'ok' and not ({UNDECIDED})),
    count(*) filter (where outcome = 'ok' and (ended_us - intended_us) / 1000.0 > $slow_ms)
from spooled where phase = 'measured' and ended_us >= $from_us and intended_us < $until_us
"""
_IDS: Final = """
ids as (
    select message_id, min(at_us) filter (where event = 'acknowledged') as acknowledged_us,
        min(at_us) filter (where event = 'completed') as completed_us,
        count(*) filter (where event = 'completed') as completions
    from spooled group by message_id
)
"""
_WAITING: Final = f"""
with {_IDS},
moves as (
    select acknowledged_us as at_us, 1 as more from ids where acknowledged_us is not null
    union all select greatest(completed_us, acknowledged_us), -1 from ids
    where acknowledged_us is not null and completed_us is not null
)
select cast(floor((at_us - $from_us) / $width_us) as bigint) as bucket, sum(more)
from moves group by bucket order by bucket
"""
_OF_STRETCH: Final = f"""
with {_IDS}
select count(*) filter (where completed_us is null),
    coalesce(sum(completions - 1) filter (where completed_us is not null), 0)
from ids
where acknowledged_us >= $from_us and acknowledged_us < $until_us
"""
_LAG: Final = """
select cast(floor((at_us - $from_us) / $width_us) as bigint) as bucket, source, max(value)
from spooled where name = 'consumer_lag' and not contains(source, '/') and isfinite(value)
group by bucket, source order by bucket
"""


@dataclass(frozen=True, slots=True)
class Grid:
    """Cut a stretch of time into buckets.

    Attributes:
        from_us: begin of the first one, µs since the benchmark's origin.
        width_us: the width of each.
        count: how many they are.
    """

    from_us: int
    width_us: int
    count: int

    @property
    def begins(self) -> range:
        """Return the start of each bucket."""
        return range(self.from_us, self.from_us + self.count * self.width_us, self.width_us)

    @property
    def parameters(self) -> dict[str, int]:
        """Return what the queries need of it."""
        return {"from_us": self.from_us, "width_us": self.width_us}


@dataclass(frozen=True, slots=True)
class Answers:
    """Hold what became of the operations that were due in a bucket.

    Attributes:
        answered: went well.
        failed: did not.
        p95_ms: the p95 of their response times; None without any.
        under_way_ms: ages of those that had not ended when somebody looked.
    """

    answered: int = 0
    failed: int = 0
    p95_ms: float | None = None
    under_way_ms: Sequence[float] = ()


def answers_of(folder: Path, grid: Grid, until_us: int) -> tuple[list[Answers], list[Answers]]:
    """Count the measured operations of each bucket by when they were due.

    Args:
        folder: the folder of the benchmark.
        grid: its buckets.
        until_us: when somebody looks at them before their end.

    Returns:
        What became of them in the end; and what was known at that moment.

    Raises:
        PerfPipelineError: a file is of another version.
    """
    with spooled(folder, "samples") as connection:
        mark_unanswered(connection, "spooled")
        ended = connection.execute(_COURSE, grid.parameters).fetchall()
        known = connection.execute(
            _COURSE_UNTIL, {**grid.parameters, "until_us": until_us}
        ).fetchall()
    return _by_bucket(ended, grid), _by_bucket(known, grid)


def failed_and_slow(folder: Path, from_us: int, until_us: int, slow_ms: float) -> tuple[int, int]:
    """Count the operations of a stretch that failed, and those that were slow and went well.

    Args:
        folder: the folder of the benchmark.
        from_us: operations that ended from here on,
        until_us: and were due before this.
        slow_ms: longer response times are slow.
    """
    with spooled(folder, "samples") as connection:
        mark_unanswered(connection, "spooled")
        row = connection.execute(
            _MEANWHILE, {"from_us": from_us, "until_us": until_us, "slow_ms": slow_ms}
        ).fetchone()
    failed, slow = row or (0, 0)
    return failed, slow


def dropped_between(folder: Path, from_us: int, until_us: int) -> int:
    """Count the starts that were dropped in a stretch, by the readings."""
    with spooled(folder, "readings") as connection:
        row = connection.execute(_DROPPED, {"from_us": from_us, "until_us": until_us}).fetchone()
    return round(row[0]) if row else 0


def waiting_of(folder: Path, grid: Grid, *, by_id: bool) -> list[float] | None:
    """Count the messages that wait at the end of each bucket; None where nobody knows.

    Args:
        folder: the folder of the benchmark.
        grid: its buckets.
        by_id: acknowledged messages that were not completed; else the lag of consumer groups.
    """
    kind, query = ("ledger", _WAITING) if by_id else ("readings", _LAG)
    with spooled(folder, kind) as connection:
        rows = connection.execute(query, grid.parameters).fetchall()
    if not rows:
        return None
    return list(_summed(rows, grid)) if by_id else list(_lasting(rows, grid))


def lost_and_duplicated(folder: Path, from_us: int, until_us: int) -> tuple[int, int]:
    """Count messages that were lost, and completions beyond the first of one.

    Nobody writes down when a second completion was, so that a message counts where it was promised.

    Args:
        folder: the folder of the benchmark.
        from_us: of messages that were acknowledged from here on,
        until_us: and before this.
    """
    given = {"from_us": from_us, "until_us": until_us}
    with spooled(folder, "ledger") as connection:
        row = connection.execute(_OF_STRETCH, given).fetchone()
    lost, duplicated = row or (0, 0)
    return int(lost), int(duplicated)


def _by_bucket(rows: Iterable[tuple[Any, ...]], grid: Grid) -> list[Answers]:
    found = {bucket: Answers(*counted) for bucket, *counted in rows}
    return [found.get(number, Answers()) for number in range(grid.count)]


def _summed(rows: Iterable[tuple[int, float]], grid: Grid) -> Iterator[float]:
    moves: Mapping[int, float] = {bucket: float(more) for bucket, more in rows}
    waiting = sum(more for bucket, more in moves.items() if bucket < 0)
    for number in range(grid.count):
        waiting += moves.get(number, 0.0)
        yield waiting


def _lasting(rows: Iterable[tuple[int, str, float]], grid: Grid) -> Iterator[float]:
    """Yield the sum over all groups; a reading stands until the next one."""
    last: dict[str, float] = {}
    readings: dict[int, dict[str, float]] = {}
    for bucket, source, value in rows:
        if bucket < 0:
            last[source] = value
        else:
            readings.setdefault(bucket, {})[source] = value
    for number in range(grid.count):
        last |= readings.get(number, {})
        yield sum(last.values())
