"""Read the history: runs, outcomes, series over runs, messages by id; and prune it.

Add here: a question that a driver, a report or the baseline diff asks. Keep out: statistics over
several runs (analysis/).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import duckdb

from perf_pipeline.errors import PerfPipelineError, RequestError
from perf_pipeline.metrics.statistic import STATISTICS
from perf_pipeline.store.histograms import write_histograms
from perf_pipeline.store.ingest import transaction
from perf_pipeline.store.order import MEASURED, NEWEST_FIRST
from perf_pipeline.store.proof import seal
from perf_pipeline.store.records import (
    BenchmarkOutcome,
    CheckCounts,
    RunKey,
    ScenarioCounts,
    SeriesPoint,
)
from perf_pipeline.store.run_rows import iso_utc, one_run
from perf_pipeline.store.tags_text import tags_text

_BENCHMARKS: Final = """
select benchmark, status, began_at, wall_s, measured_s, valid, invalid_reasons, health, load_hash,
    problems
from benchmarks where run_id = ? order by began_at nulls last, benchmark
"""
_SCENARIOS: Final = """
select benchmark, scenario, iterations, dropped_iterations, interrupted_iterations,
    intended_iterations, measured_from_us, measured_until_us, incomplete_iterations,
    invalid_reasons
from scenarios where run_id = ? order by benchmark, scenario
"""
_CHECKS: Final = """
select benchmark, scenario, operation, check_name, passes, fails
from checks where run_id = ? order by benchmark, scenario, operation, check_name
"""
_PLACE: Final = "select made_as, began_at from runs where run_id = ?"
# A starved step spoils its own scenarios only, unless something else spoilt the whole benchmark.
_KEPT_UP: Final = """
(valid or ($scenario <> '' and len(benchmarks.invalid_reasons) > 0 and (
    select bool_or(each.scenario = $scenario and len(each.invalid_reasons) = 0)
        and list_has_all(flatten(list(each.invalid_reasons)), benchmarks.invalid_reasons)
    from scenarios as each
    where each.run_id = benchmarks.run_id and each.benchmark = benchmarks.benchmark)))
"""
_OLD_RUNS: Final = f"""
select run_id from runs where {MEASURED}
    and run_id not in (select run_id from runs where {MEASURED} order by {NEWEST_FIRST} limit ?)
"""
_RAW: Final = ("samples", "iterations", "ledger")
_OF_RUNS: Final = """
select run_id, benchmark from benchmarks where list_contains(?::varchar[], run_id)
"""
# Benchmarks that an older version summarised, or nobody did.
_UNKEPT: Final = """
select run_id, benchmark from benchmarks anti join histograms using (run_id, benchmark)
where raw_kept and list_contains(?::varchar[], run_id)
"""


def outcomes_of(connection: duckdb.DuckDBPyConnection, run_id: str) -> list[BenchmarkOutcome]:
    """List the outcomes of a run's benchmarks in the order in which they began.

    Names of checks are those that samples answered.
    """
    scenarios: dict[str, list[ScenarioCounts]] = {}
    for benchmark, *rest, incomplete, reasons in connection.execute(
        _SCENARIOS, [run_id]
    ).fetchall():
        counts = replace(
            ScenarioCounts(*rest),
            invalid_reasons=tuple(reasons or ()),
            incomplete_iterations=incomplete,
        )
        scenarios.setdefault(benchmark, []).append(counts)
    names: dict[str, dict[str, tuple[str, ...]]] = {}
    for each in check_counts_of(connection, run_id):
        known = names.setdefault(each.benchmark, {}).get(each.operation, ())
        if each.check not in known:
            names[each.benchmark][each.operation] = (*known, each.check)
    return [
        BenchmarkOutcome(
            benchmark,
            status,
            iso_utc(began_at),
            wall_s or 0.0,
            measured_s or 0.0,
            valid,
            tuple(invalid_reasons),
            tuple(scenarios.get(benchmark, ())),
            names.get(benchmark, {}),
            dict(health),
            load_hash,
            tuple(problems),
        )
        for (
            benchmark,
            status,
            began_at,
            wall_s,
            measured_s,
            valid,
            invalid_reasons,
            health,
            load_hash,
            problems,
        ) in connection.execute(_BENCHMARKS, [run_id]).fetchall()
    ]


def check_counts_of(connection: duckdb.DuckDBPyConnection, run_id: str) -> list[CheckCounts]:
    """List how often each check of a run passed and failed, in the measured phase."""
    return [CheckCounts(*row) for row in connection.execute(_CHECKS, [run_id]).fetchall()]


def series_of(
    connection: duckdb.DuckDBPyConnection,
    benchmark: str,
    metric: str,
    tags: Mapping[str, str],
    statistic: str,
    *,
    profile: str,
    environment_id: str,
    load_hash: str,
    before: str | None,
    limit: int,
) -> list[SeriesPoint]:
    """List one figure over runs, oldest first: complete benchmarks of like runs that kept up.

    Args:
        connection: to the history.
        benchmark: its name.
        metric: in the catalog.
        tags: exactly the filter that was summarised.
        statistic: which figure of the summary, by its name.
        profile: of the runs.
        environment_id: of the runs.
        load_hash: of the benchmark: another load is another series.
        before: only runs that were made before this one; None for all.
        limit: at most so many, the newest ones.

    Raises:
        PerfPipelineError: `before` is not in the history.
    """
    place, began_at = None, None
    if before is not None:
        one_run(connection, before)
        place, began_at = connection.execute(_PLACE, [before]).fetchone() or (None, None)
    rows = connection.execute(
        f"select run_id, runs.began_at, summaries.{STATISTICS[statistic].field} as figure "
        "from summaries join benchmarks using (run_id, benchmark) join runs using (run_id) "
        "where benchmark = $benchmark and metric = $metric and tags = $tags "
        "and profile = $profile and environment_id = $environment and load_hash = $load "
        f"and benchmarks.status = 'complete' and {_KEPT_UP} and figure is not null "
        "and ($place::bigint is null or "
        "(made_as, runs.began_at, run_id) < ($place, $began_at, $before)) "
        f"order by {NEWEST_FIRST} limit $limit",
        {
            "benchmark": benchmark,
            "metric": metric,
            "tags": tags_text(tags),
            "profile": profile,
            "environment": environment_id,
            "load": load_hash,
            "scenario": tags.get("scenario", ""),
            "place": place,
            "began_at": began_at,
            "before": before,
            "limit": limit,
        },
    ).fetchall()
    return [SeriesPoint(run_id, iso_utc(at), value) for run_id, at, value in reversed(rows)]


def prune_raw(connection: duckdb.DuckDBPyConnection, keep_raw_runs: int) -> list[str]:
    """Delete raw rows (not readings) of all but the newest runs; give the ids of the pruned ones.

    What has no histograms yet gets them before.

    Raises:
        PerfPipelineError: fewer than one run would be kept.
    """
    if keep_raw_runs < 1:
        raise PerfPipelineError(f"cannot keep the samples of {keep_raw_runs} runs; keep at least 1")
    old = [run_id for (run_id,) in connection.execute(_OLD_RUNS, [keep_raw_runs]).fetchall()]
    with transaction(connection):
        for run_id, benchmark in connection.execute(_UNKEPT, [old]).fetchall():
            write_histograms(connection, RunKey(run_id, benchmark))
        for table in _RAW:
            connection.execute(
                f"delete from {table} where list_contains(?::varchar[], run_id)", [old]
            )
        connection.execute(
            "update benchmarks set raw_kept = false where list_contains(?::varchar[], run_id)",
            [old],
        )
        for run_id, benchmark in connection.execute(_OF_RUNS, [old]).fetchall():
            seal(connection, RunKey(run_id, benchmark), (*_RAW, "benchmarks"))
    return old


def raw_is_kept(connection: duckdb.DuckDBPyConnection, key: RunKey) -> bool:
    """Tell whether a benchmark's samples are still here.

    Raises:
        RequestError: the history does not have this benchmark.
    """
    row = connection.execute(
        "select raw_kept from benchmarks where run_id = ? and benchmark = ?",
        [key.run_id, key.benchmark],
    ).fetchone()
    if row is None:
        raise RequestError(
            f"benchmark {key.benchmark!r} of run {key.run_id!r} is not in the history",
            hint=f"run `perf-pipeline ingest {key.run_id}` if it is in the spool",
        )
    return bool(row[0])


def require_raw(connection: duckdb.DuckDBPyConnection, key: RunKey) -> None:
    """Refuse a question that only samples can answer, where they were pruned.

    Raises:
        PerfPipelineError: they were, or the benchmark is not here.
    """
    if not raw_is_kept(connection, key):
        raise PerfPipelineError(
            f"the samples of run {key.run_id!r} were pruned; its summaries are kept",
            hint=f"run `perf-pipeline ingest {key.run_id}` if it is still in the spool",
        )
