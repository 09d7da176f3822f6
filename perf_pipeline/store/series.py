"""Read figures over runs: every series that is wanted, in one statement.

Each statement reads the whole column of what it looks at, so asking once for eighty series takes
hardly longer than asking for one of them. What is read is proven first (proof.py), and only that:
the newest like runs, and older ones for the series that still lack points then.
Add here: another reason to leave a run's figure out of a series. Keep out: statistics (analysis/).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb

from perf_pipeline.metrics.catalog import FAULT_RECOVERY_S, TELLS_OF_FAILURES
from perf_pipeline.metrics.statistic import STATISTICS
from perf_pipeline.store import like_runs
from perf_pipeline.store.comparison_rows import SeriesPoint
from perf_pipeline.store.like_runs import IS_USABLE, LIKES_WITHIN, USABLE, Beyond
from perf_pipeline.store.proof import RowProof
from perf_pipeline.store.records import RunRecord
from perf_pipeline.store.run_rows import iso_utc, not_here
from perf_pipeline.store.tags_text import read_tags

Load = tuple[str, str]
"""A benchmark, and the hash of its load."""

_ALL_RUNS: Final = 2**31
_STORED: Final = """
select distinct benchmark, metric, tags from summaries semi join (
    select unnest($benchmarks::varchar[]) as benchmark, unnest($metrics::varchar[]) as metric,
        unnest($tags::varchar[]) as tags
) using (benchmark, metric, tags)
"""
_DECIDING: Final = ("scenarios", "verdicts")
_NONE: Final = Beyond()
_PLACE: Final = "select made_as, began_at from runs where run_id = ?"
_FIGURE: Final = " ".join(
    f"when '{statistic.name}' then {statistic.field}" for statistic in STATISTICS.values()
)
# A recovery that nobody needed took no time, which says nothing about how long one takes.
_SERIES: Final = f"""
with wanted as (
    select unnest(range(len($metrics))) as number, unnest($benchmarks::varchar[]) as benchmark,
        unnest($loads::varchar[]) as load_hash, unnest($metrics::varchar[]) as metric,
        unnest($tags::varchar[]) as tags, unnest($scenarios::varchar[]) as scenario,
        unnest($statistics::varchar[]) as statistic
),
{LIKES_WITHIN},
{USABLE},
points as (
    select number, run_id, nth, began_at, nth <= $reach as recent, earlier,
        case statistic {_FIGURE} end as figure
    from summaries join wanted using (benchmark, metric, tags)
        join likes using (run_id, benchmark, load_hash)
        left join kept_up using (run_id, benchmark, scenario)
        anti join broken using (run_id, benchmark)
    where run_id between $first and $last
        and isfinite(figure) and not (metric = $recovery and figure = 0) and {IS_USABLE}
)
select number, run_id, began_at, recent, earlier, figure from points order by number, nth desc
"""


@dataclass(frozen=True, slots=True)
class SeriesName:
    """Name one figure of one kind of load.

    Attributes:
        benchmark: its name.
        load_hash: the load hash of the benchmark: another load is another series.
        metric: in the catalog.
        tags: the filter that was summarised, as `tags_text` writes it.
        statistic: which figure of the summary, by its name, e.g. `p(95)`.
    """

    benchmark: str
    load_hash: str
    metric: str
    tags: str
    statistic: str


@dataclass(frozen=True, slots=True)
class OverRuns:
    """Hold one figure over like runs, oldest first.

    Attributes:
        before: of the newest runs that were made before the run in question; empty if none was.
        whole: of the newest of all runs, those made later as well.
    """

    before: tuple[SeriesPoint, ...] = ()
    whole: tuple[SeriesPoint, ...] = ()


def series_of(
    proof: RowProof,
    wanted: Collection[SeriesName],
    *,
    profile: str,
    environment_id: str,
    before: str | None,
    limit: int,
    left_out: Collection[str] = (),
) -> dict[SeriesName, OverRuns]:
    """Return figures over runs: those of complete benchmarks of like runs that kept up.

    A benchmark that failed a threshold on failures (an error rate, a check, what was answered) is
    left out; one that was too slow is not.

    Args:
        proof: the proof of the open history.
        wanted: which figures; each gets an entry, an empty one where nothing is stored.
        profile: the profile of the runs.
        environment_id: the environment id of the runs.
        before: the run in question, or None.
        limit: at most so many points each, the newest ones.
        left_out: runs that are read for no series, such as those of another branch.

    Raises:
        PerfPipelineError: `before` is not in the history.
        StoreError: a row that was read is not the one that was written.
    """
    connection, names = proof.connection, list(dict.fromkeys(wanted))
    asked = {"profile": profile, "environment": environment_id, "left_out": list(left_out)}
    _put_down_likes(proof, _loads(names), asked, before)
    reach = _reaches(limit)[0]
    found = _proven_points(proof, names, like_runs.runs_within(connection, reach), reach, limit)
    beyond = like_runs.beyond_by_load(connection, reach)
    lacking = [
        name for name in names if _may_add(beyond.get(_load(name), _NONE), found[name], limit)
    ]
    return found | _of_older_runs(proof, _stored(connection, lacking), found, limit)


def prove_ahead(
    proof: RowProof,
    run: RunRecord,
    loads: Collection[Load],
    *,
    limit: int,
    left_out: Collection[str],
) -> None:
    """Prove what `series_of` is going to read first, so that it needs not do it any more.

    Args:
        proof: the proof of the open history.
        run: that is compared with the like runs before it.
        loads: benchmark and hash of its load, of each of its benchmarks.
        limit: how many points each series is to have.
        left_out: as of `series_of`.

    Raises:
        StoreError: a row that was read is not the one that was written.
    """
    given = {"benchmarks": [load[0] for load in loads], "loads": [load[1] for load in loads]}
    asked = {
        "profile": run.profile,
        "environment": run.environment_id,
        "left_out": list(left_out),
    }
    _put_down_likes(proof, given, asked, run.run_id)
    proven = like_runs.runs_within(proof.connection, _reaches(limit)[0])
    proof.require_rows(proven, *_DECIDING, "summaries")


def _put_down_likes(
    proof: RowProof,
    loads: Mapping[str, Sequence[str]],
    asked: Mapping[str, object],
    before: str | None,
) -> None:
    place, began_at = None, None
    if before is not None:
        row = proof.connection.execute(_PLACE, [before]).fetchone()
        if row is None:
            raise not_here(proof.connection, before)
        place, began_at = row
    # Which runs are alike rests on all of these rows; they are few.
    proof.require_table("benchmarks")
    placed = {"place": place, "began_at": began_at, "before": before}
    like_runs.put_down(proof.connection, loads, {**asked, **placed})


def _reaches(limit: int) -> tuple[int, ...]:
    """Say how many like runs are read for so many points: some were not valid, and some no runs.

    Each further step is for the series that still lack points.
    """
    return (limit + max(1, limit // 10), 2 * limit, 8 * limit, _ALL_RUNS)


def _may_add(beyond: Beyond, points: OverRuns, limit: int) -> bool:
    """Say whether a series lacks points, and runs beyond reach may have them."""
    return (beyond.of_all > 0 and len(points.whole) < limit) or (
        beyond.before > 0 and len(points.before) < limit
    )


def _of_older_runs(
    proof: RowProof, names: Sequence[SeriesName], found: Mapping[SeriesName, OverRuns], limit: int
) -> dict[SeriesName, OverRuns]:
    """Read series that still lack points in older runs, step by step, of those that are usable.

    Which runs are usable is proven for all of them, so that none is passed over that was not read.
    """
    if not names:
        return {}
    runs = like_runs.runs_of(proof.connection, _loads(names))
    proof.require_rows(runs, *_DECIDING)
    scenarios = [_scenario(name) for name in names]
    like_runs.put_down_usable(proof.connection, _loads(names), scenarios, runs)
    read, *further = _reaches(limit)
    points = {name: found[name] for name in names}
    for reach in further:
        beyond = like_runs.usable_beyond(proof.connection, read)
        short = [
            name
            for number, name in enumerate(names)
            if _may_add(beyond.get(number, _NONE), points[name], limit)
        ]
        if not short:
            break
        usable = like_runs.usable_within(proof.connection, reach)
        points |= _proven_points(proof, short, usable, reach, limit)
        read = reach
    return points


def _stored(connection: duckdb.DuckDBPyConnection, names: Sequence[SeriesName]) -> list[SeriesName]:
    """Leave out the series that no run has, e.g. requests of a benchmark that makes none."""
    if not names:
        return []
    keys = [(name.benchmark, name.metric, name.tags) for name in names]
    benchmarks, metrics, tags = zip(*keys, strict=True)
    given = {"benchmarks": benchmarks, "metrics": metrics, "tags": tags}
    stored = set(connection.execute(_STORED, given).fetchall())
    return [name for name, key in zip(names, keys, strict=True) if key in stored]


def _proven_points(
    proof: RowProof,
    names: Sequence[SeriesName],
    run_ids: Collection[str],
    reach: int,
    limit: int,
) -> dict[SeriesName, OverRuns]:
    """Prove all that runs have, and read the points of series from them."""
    proof.require_rows(run_ids, *_DECIDING, "summaries")
    rows = proof.connection.execute(
        _SERIES,
        {
            **_loads(names),
            **like_runs.span(run_ids),
            "reach": reach,
            "failures": sorted(TELLS_OF_FAILURES),
            "recovery": FAULT_RECOVERY_S,
            "metrics": [name.metric for name in names],
            "tags": [name.tags for name in names],
            "scenarios": [_scenario(name) for name in names],
            "statistics": [name.statistic for name in names],
        },
    ).fetchall()
    return _over_runs(names, rows, limit)


def _over_runs(
    names: Sequence[SeriesName], rows: Sequence[tuple[Any, ...]], limit: int
) -> dict[SeriesName, OverRuns]:
    # Every series has a point of the same run; writing a moment takes longer than reading it.
    moments = {moment: iso_utc(moment) for moment in {row[2] for row in rows}}
    before: list[list[SeriesPoint]] = [[] for _ in names]
    whole: list[list[SeriesPoint]] = [[] for _ in names]
    for number, run_id, at, recent, earlier, figure in rows:
        point = SeriesPoint(run_id, moments[at], figure)
        # Between the earlier and the recent ones there may be runs that were not read.
        if earlier:
            before[number].append(point)
        if recent:
            whole[number].append(point)
    return {
        name: OverRuns(tuple(before[n][-limit:]), tuple(whole[n][-limit:]))
        for n, name in enumerate(names)
    }


def _load(name: SeriesName) -> Load:
    return name.benchmark, name.load_hash


def _scenario(name: SeriesName) -> str:
    return read_tags(name.tags).get("scenario", "")


def _loads(names: Sequence[SeriesName]) -> dict[str, list[str]]:
    return {
        "benchmarks": [name.benchmark for name in names],
        "loads": [name.load_hash for name in names],
    }
