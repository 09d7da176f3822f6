"""Find comparable runs: those of one profile and environment, by benchmark and load, newest first.

They are stored once in a temporary table, which the queries over runs share: each reads the large
tables (summaries) only between the first and the last id of the runs that it needs, so that DuckDB
skips the rows of all others.
Add here: another fact of like runs that decides whether a figure is in a series. Keep out: figures
(series.py).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb

from perf_pipeline.metrics.catalog import TELLS_OF_FAILURES

# Like runs are numbered from the newest on: all of them, and those made before the run in question.
_LIKES: Final = """
create or replace temp table like_runs as
select run_id, benchmark, load_hash, runs.began_at, valid, invalid_reasons,
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
"""
_WITHIN: Final = "(nth <= $reach or (earlier and nth_of_side <= $reach))"
_BEYOND: Final = """
count(*) filter (where nth > $reach), count(*) filter (where earlier and nth_of_side > $reach)
"""
_BEYOND_BY_LOAD: Final = f"""
select benchmark, load_hash, {_BEYOND} from like_runs group by benchmark, load_hash
"""
_OF_LOADS: Final = """
semi join (
    select unnest($benchmarks::varchar[]) as benchmark, unnest($loads::varchar[]) as load_hash
) using (benchmark, load_hash)
"""
_RUNS: Final = f"select distinct run_id from like_runs where {_WITHIN}"
_ALL_RUNS: Final = f"select distinct run_id from like_runs {_OF_LOADS}"
# The answers of a failing target say nothing about its speed, so such a run is left out.
# A starved step spoils its own scenarios only, unless something else spoilt the whole benchmark.
USABLE: Final = """
kept_up as (
    select run_id, benchmark, unnest(names) as scenario
    from (
        select run_id, benchmark,
            list(scenario) filter (len(scenarios.invalid_reasons) = 0) as names
        from scenarios join likes using (run_id, benchmark)
        where not valid and len(likes.invalid_reasons) > 0
            and run_id between $first and $last
        group by run_id, benchmark, likes.invalid_reasons
        having list_has_all(flatten(list(scenarios.invalid_reasons)), likes.invalid_reasons)
    )
),
broken as (
    select distinct run_id, benchmark from verdicts semi join likes using (run_id, benchmark)
    where status = 'FAIL' and list_contains($failures::varchar[], metric)
        and run_id between $first and $last
)
"""
"""SQL of two tables about `likes`: which scenarios of an invalid benchmark kept up nevertheless,
and which benchmarks failed a threshold on failures."""

IS_USABLE: Final = "(valid or (scenario <> '' and kept_up.scenario is not null))"
LIKES_WITHIN: Final = f"likes as (from like_runs where {_WITHIN})"
_USABLE_RUNS: Final = f"""
create or replace temp table usable_runs as
with wanted as (
    select unnest(range(len($loads))) as number, unnest($benchmarks::varchar[]) as benchmark,
        unnest($loads::varchar[]) as load_hash, unnest($scenarios::varchar[]) as scenario
),
likes as (from like_runs {_OF_LOADS}),
{USABLE}
select number, run_id, nth, earlier, nth_of_side
from likes join wanted using (benchmark, load_hash)
    left join kept_up using (run_id, benchmark, scenario)
    anti join broken using (run_id, benchmark)
where {IS_USABLE}
"""
_BEYOND_BY_NUMBER: Final = f"select number, {_BEYOND} from usable_runs group by number"
_USABLE_WITHIN: Final = f"select distinct run_id from usable_runs where {_WITHIN}"


@dataclass(frozen=True, slots=True)
class Beyond:
    """Count the like runs beyond reach: of all, and of those before the run in question."""

    of_all: int = 0
    before: int = 0


def put_down(
    connection: duckdb.DuckDBPyConnection,
    loads: Mapping[str, Sequence[str]],
    asked: Mapping[str, object],
) -> None:
    """Make the table of like runs, in the place of that of an earlier question.

    Args:
        connection: to the history.
        loads: `benchmarks` and `loads`, those of each series.
        asked: about which runs, with the place of the one in question.
    """
    connection.execute(_LIKES, {**asked, **loads})


def runs_within(connection: duckdb.DuckDBPyConnection, reach: int) -> list[str]:
    """Return the newest like runs of all loads, and the newest before the run in question."""
    return _ids(connection.execute(_RUNS, {"reach": reach}).fetchall())


def beyond_by_load(
    connection: duckdb.DuckDBPyConnection, reach: int
) -> dict[tuple[str, str], Beyond]:
    """Count for each benchmark and load the like runs beyond reach."""
    rows = connection.execute(_BEYOND_BY_LOAD, {"reach": reach}).fetchall()
    return {(benchmark, load): Beyond(*counts) for benchmark, load, *counts in rows}


def runs_of(connection: duckdb.DuckDBPyConnection, loads: Mapping[str, Sequence[str]]) -> list[str]:
    """Return all like runs of some loads."""
    return _ids(connection.execute(_ALL_RUNS, loads).fetchall())


def put_down_usable(
    connection: duckdb.DuckDBPyConnection,
    loads: Mapping[str, Sequence[str]],
    scenarios: Sequence[str],
    runs: Collection[str],
) -> None:
    """Make the table of the runs whose figures count for some series, which have numbers from 0.

    Args:
        connection: to the history.
        loads: `benchmarks` and `loads`, those of each series.
        scenarios: that of each series; empty for figures over all of them.
        runs: all like runs of these loads, of which scenarios and verdicts are proven.
    """
    given = {**loads, **span(runs), "scenarios": scenarios, "failures": sorted(TELLS_OF_FAILURES)}
    connection.execute(_USABLE_RUNS, given)


def usable_beyond(connection: duckdb.DuckDBPyConnection, reach: int) -> dict[int, Beyond]:
    """Count for each series, by its number, the usable runs beyond reach."""
    rows = connection.execute(_BEYOND_BY_NUMBER, {"reach": reach}).fetchall()
    return {number: Beyond(*counts) for number, *counts in rows}


def usable_within(connection: duckdb.DuckDBPyConnection, reach: int) -> list[str]:
    """Return the runs within reach that are usable for any of the series."""
    return _ids(connection.execute(_USABLE_WITHIN, {"reach": reach}).fetchall())


def span(runs: Collection[str]) -> dict[str, str]:
    """Return the `first` and `last` id of runs, between which a statement reads.

    Python compares texts as DuckDB does, which compares their bytes in UTF-8.
    """
    return {"first": min(runs, default=""), "last": max(runs, default="")}


def _ids(rows: Sequence[tuple[str]]) -> list[str]:
    return [run_id for (run_id,) in rows]
