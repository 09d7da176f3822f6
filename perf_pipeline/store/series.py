"""Read figures over runs: every series that is wanted, in one statement.

Each statement reads the whole column of what it looks at, so asking once for eighty series takes
hardly longer than asking for one of them. What is read is proven first (proof.py), and only that:
the newest like runs, and older ones for the series that still lack points then.
Add here: another reason why a run's figure is left out of a series. Keep out: statistics over
several runs (analysis/).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb

from perf_pipeline.metrics.catalog import FAULT_RECOVERY_S, TELLS_OF_FAILURES
from perf_pipeline.metrics.statistic import STATISTICS
from perf_pipeline.store.comparison_rows import SeriesPoint
from perf_pipeline.store.proof import RowProof
from perf_pipeline.store.run_rows import iso_utc, one_run
from perf_pipeline.store.tags_text import read_tags

_ALL_RUNS: Final = 2**31
_STORED: Final = """
select distinct benchmark, metric, tags from summaries semi join (
    select unnest($benchmarks::varchar[]) as benchmark, unnest($metrics::varchar[]) as metric,
        unnest($tags::varchar[]) as tags
) using (benchmark, metric, tags)
"""
_PLACE: Final = "select made_as, began_at from runs where run_id = ?"
_FIGURE: Final = " ".join(
    f"when '{statistic.name}' then {statistic.field}" for statistic in STATISTICS.values()
)
# Like runs are numbered from the newest on: all of them, and those made before the run in question.
_LIKES: Final = """
all_likes as (
    select run_id, benchmark, load_hash, made_as, runs.began_at, valid, invalid_reasons,
        $place::bigint is not null
            and (made_as, runs.began_at, run_id) < ($place, $began_at, $before) as earlier,
        row_number() over newest as nth,
        row_number() over newest_of_side as nth_of_side
    from benchmarks join runs using (run_id)
    semi join (
        select unnest($benchmarks::varchar[]) as benchmark, unnest($loads::varchar[]) as load_hash
    ) using (benchmark, load_hash)
    where profile = $profile and environment_id = $environment and status = 'complete'
        and run_id not in (select unnest($left_out::varchar[]))
    window newest as (
            partition by benchmark, load_hash
            order by made_as desc, runs.began_at desc, run_id desc),
        newest_of_side as (
            partition by benchmark, load_hash, earlier
            order by made_as desc, runs.began_at desc, run_id desc)
),
likes as (from all_likes where nth <= $reach or (earlier and nth_of_side <= $reach))
"""
_READ: Final = f"""
with {_LIKES}
select benchmark, load_hash, count(*) filter (where nth > $reach),
    count(*) filter (where earlier and nth_of_side > $reach),
    list(run_id) filter (where nth <= $reach or (earlier and nth_of_side <= $reach))
from all_likes group by benchmark, load_hash
"""
# What a target answers that fails says nothing about how fast it works: such a run teaches nothing.
# A recovery that nobody needed took no time, which says nothing about how long one takes.
# A starved step spoils its own scenarios only, unless something else spoilt the whole benchmark.
_SERIES: Final = f"""
with wanted as (
    select unnest(range(len($metrics))) as number, unnest($benchmarks::varchar[]) as benchmark,
        unnest($loads::varchar[]) as load_hash, unnest($metrics::varchar[]) as metric,
        unnest($tags::varchar[]) as tags, unnest($scenarios::varchar[]) as scenario,
        unnest($statistics::varchar[]) as statistic
),
{_LIKES},
kept_up as (
    select run_id, benchmark, unnest(names) as scenario
    from (
        select run_id, benchmark,
            list(scenario) filter (len(scenarios.invalid_reasons) = 0) as names
        from scenarios join likes using (run_id, benchmark)
        where not valid and len(likes.invalid_reasons) > 0
        group by run_id, benchmark, likes.invalid_reasons
        having list_has_all(flatten(list(scenarios.invalid_reasons)), likes.invalid_reasons)
    )
),
broken as (
    select distinct run_id, benchmark from verdicts semi join likes using (run_id, benchmark)
    where status = 'FAIL' and list_contains($failures::varchar[], metric)
),
points as (
    select number, run_id, nth, began_at, nth <= $reach as recent, earlier,
        case statistic {_FIGURE} end as figure
    from summaries join wanted using (benchmark, metric, tags)
        join likes using (run_id, benchmark, load_hash)
        left join kept_up using (run_id, benchmark, scenario)
        anti join broken using (run_id, benchmark)
    where figure is not null and not (metric = $recovery and figure = 0)
        and (valid or (scenario <> '' and kept_up.scenario is not null))
)
select number, run_id, began_at, recent, earlier, figure from points order by number, nth desc
"""


@dataclass(frozen=True, slots=True)
class SeriesName:
    """Name one figure of one kind of load.

    Attributes:
        benchmark: its name.
        load_hash: of the benchmark: another load is another series.
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
        before: of the newest runs that were made before the one that is asked about; empty when
            none is.
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
        proof: of the open history.
        wanted: which figures; each gets an entry, an empty one where nothing is stored.
        profile: of the runs.
        environment_id: of the runs.
        before: the run that is asked about; None for none.
        limit: at most so many points each, the newest ones.
        left_out: runs that are read for no series, such as those of another branch.

    Raises:
        PerfPipelineError: `before` is not in the history.
        StoreError: a row that was read is not the one that was written.
    """
    place, began_at = None, None
    if before is not None:
        one_run(proof.connection, before)
        place, began_at = proof.connection.execute(_PLACE, [before]).fetchone() or (None, None)
    # Which runs are alike rests on all of these rows; they are few.
    proof.require_table("benchmarks")
    asked = {
        "profile": profile,
        "environment": environment_id,
        "place": place,
        "began_at": began_at,
        "before": before,
        "left_out": list(left_out),
    }
    names, found = list(dict.fromkeys(wanted)), dict[SeriesName, OverRuns]()
    short = names
    for reach in _reaches(limit):
        likes = _proven_likes(proof, short, {**asked, "reach": reach})
        found |= _points(proof.connection, short, {**asked, "reach": reach}, limit)
        lacking = [
            name for name in short if likes.get(_load(name), _NO_LIKES).may_add(found[name], limit)
        ]
        short = _stored(proof.connection, lacking)
        if not short:
            break
    return found


def _reaches(limit: int) -> tuple[int, ...]:
    """Say how many like runs are read for so many points: some were not valid, and some no runs.

    Each further step is for the series that still lack points.
    """
    return (limit + max(1, limit // 10), 2 * limit, 8 * limit, _ALL_RUNS)


@dataclass(frozen=True, slots=True)
class _Likes:
    """Count the like runs of one load beyond reach: of all, and of those before the run."""

    beyond: int = 0
    beyond_before: int = 0

    def may_add(self, points: OverRuns, limit: int) -> bool:
        """Say whether a series lacks points, and runs beyond reach may have them."""
        return (self.beyond > 0 and len(points.whole) < limit) or (
            self.beyond_before > 0 and len(points.before) < limit
        )


_NO_LIKES: Final = _Likes()


def _stored(connection: duckdb.DuckDBPyConnection, names: Sequence[SeriesName]) -> list[SeriesName]:
    """Leave out the series that no run has, e.g. requests of a benchmark that makes none."""
    if not names:
        return []
    keys = [(name.benchmark, name.metric, name.tags) for name in names]
    benchmarks, metrics, tags = zip(*keys, strict=True)
    given = {"benchmarks": benchmarks, "metrics": metrics, "tags": tags}
    stored = set(connection.execute(_STORED, given).fetchall())
    return [name for name, key in zip(names, keys, strict=True) if key in stored]


def _load(name: SeriesName) -> tuple[str, str]:
    return name.benchmark, name.load_hash


def _proven_likes(
    proof: RowProof, names: Sequence[SeriesName], asked: Mapping[str, object]
) -> dict[tuple[str, str], _Likes]:
    """Prove all that the like runs within reach have; count by load those beyond it."""
    rows = proof.connection.execute(_READ, {**asked, **_loads(names)}).fetchall()
    run_ids = {run_id for *_, within in rows for run_id in within}
    proof.require_rows(run_ids, "scenarios", "summaries", "verdicts")
    return {(row[0], row[1]): _Likes(*row[2:4]) for row in rows}


def _points(
    connection: duckdb.DuckDBPyConnection,
    names: Sequence[SeriesName],
    asked: Mapping[str, object],
    limit: int,
) -> dict[SeriesName, OverRuns]:
    rows = connection.execute(
        _SERIES,
        {
            **asked,
            **_loads(names),
            "failures": sorted(TELLS_OF_FAILURES),
            "recovery": FAULT_RECOVERY_S,
            "metrics": [name.metric for name in names],
            "tags": [name.tags for name in names],
            "scenarios": [read_tags(name.tags).get("scenario", "") for name in names],
            "statistics": [name.statistic for name in names],
        },
    ).fetchall()
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


def _loads(names: Sequence[SeriesName]) -> dict[str, list[str]]:
    return {
        "benchmarks": [name.benchmark for name in names],
        "loads": [name.load_hash for name in names],
    }
