"""Read the history: outcomes, checks and loads of runs; and prune it.

Add here: a question that a driver, a report or the baseline diff asks. Keep out: statistics over
several runs (analysis/).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import duckdb

from perf_pipeline.errors import PerfPipelineError, RequestError
from perf_pipeline.store.check_rows import CheckCounts
from perf_pipeline.store.histograms import write_histograms
from perf_pipeline.store.ingest import transaction
from perf_pipeline.store.order import NEWEST_FIRST, MadeRun
from perf_pipeline.store.present import metrics_of
from perf_pipeline.store.proof import RowProof, seal
from perf_pipeline.store.records import (
    BenchmarkOutcome,
    RunKey,
    ScenarioCounts,
)
from perf_pipeline.store.run_rows import iso_utc
from perf_pipeline.store.sample_tables import SAMPLE_TABLES, delete_samples

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
_LOADS: Final = f"""
select run_id, benchmark, load_hash from benchmarks join runs using (run_id)
order by {NEWEST_FIRST}, benchmarks.began_at nulls last, benchmark
"""
_WITH_RAW: Final = "select distinct run_id from benchmarks where raw_kept"
_RAW: Final = (*SAMPLE_TABLES, "iterations", "ledger")
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
    scenarios = _scenarios_of(connection, run_id)
    checks = _check_names_of(connection, run_id)
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
            checks.get(benchmark, {}),
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


def _scenarios_of(
    connection: duckdb.DuckDBPyConnection, run_id: str
) -> dict[str, list[ScenarioCounts]]:
    """Return the scenarios' counts of each benchmark."""
    scenarios: dict[str, list[ScenarioCounts]] = {}
    rows = connection.execute(_SCENARIOS, [run_id]).fetchall()
    for benchmark, *counts, incomplete, reasons in rows:
        scenario = replace(
            ScenarioCounts(*counts),
            invalid_reasons=tuple(reasons or ()),
            incomplete_iterations=incomplete,
        )
        scenarios.setdefault(benchmark, []).append(scenario)
    return scenarios


def _check_names_of(
    connection: duckdb.DuckDBPyConnection, run_id: str
) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return the names of the checks of each benchmark's operations."""
    names: dict[str, dict[str, tuple[str, ...]]] = {}
    for counts in check_counts_of(connection, run_id):
        known = names.setdefault(counts.benchmark, {}).get(counts.operation, ())
        if counts.check not in known:
            names[counts.benchmark][counts.operation] = (*known, counts.check)
    return names


def check_counts_of(connection: duckdb.DuckDBPyConnection, run_id: str) -> list[CheckCounts]:
    """List how often each check of a run passed and failed, in the measured phase."""
    return [CheckCounts(*row) for row in connection.execute(_CHECKS, [run_id]).fetchall()]


def loads(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str]]:
    """List every measured benchmark as (run, benchmark, load hash), those of new runs first."""
    return connection.execute(_LOADS).fetchall()


def prune_raw(proof: RowProof, runs: Sequence[MadeRun], keep_raw_runs: int) -> list[str]:
    """Delete raw rows (not readings) of all but the newest runs; return the ids of all the others.

    Benchmarks without histograms get them first. Those that were pruned before are not touched
    again. Rows that are sealed again are proven first, because a new seal would hide damage to
    them.

    Args:
        proof: of the open history.
        runs: all that there are, in the order in which they were made.
        keep_raw_runs: how many of the measured ones keep their raw rows.

    Raises:
        PerfPipelineError: fewer than one run would be kept.
        StoreError: a row that stays, or that a histogram is made of, is not the one that was
            written; nothing is deleted.
    """
    if keep_raw_runs < 1:
        raise PerfPipelineError(f"cannot keep the samples of {keep_raw_runs} runs; keep at least 1")
    old = [run.run_id for run in runs if run.is_measured][:-keep_raw_runs]
    with_raw = {run_id for (run_id,) in proof.connection.execute(_WITH_RAW).fetchall()}
    # Of a long history's old runs nearly all were pruned long ago.
    if unpruned := [run_id for run_id in old if run_id in with_raw]:
        _let_go(proof, unpruned)
    return old


def _let_go(proof: RowProof, old: list[str]) -> None:
    connection = proof.connection
    proof.require_table("benchmarks")
    with transaction(connection):
        for run_id, benchmark in connection.execute(_UNKEPT, [old]).fetchall():
            proof.require_rows([run_id], *_RAW)
            key = RunKey(run_id, benchmark)
            write_histograms(connection, key, metrics_of(connection, key))
        delete_samples(connection, "list_contains($old::varchar[], run_id)", {"old": old})
        for table in ("iterations", "ledger"):
            connection.execute(
                f"delete from {table} where list_contains(?::varchar[], run_id)", [old]
            )
        connection.execute(
            "update benchmarks set raw_kept = false where list_contains(?::varchar[], run_id)",
            [old],
        )
        keys = [RunKey(*row) for row in connection.execute(_OF_RUNS, [old]).fetchall()]
        seal(connection, keys, (*_RAW, "benchmarks"))


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
