"""The history as one object: open it, put runs in, ask it.

Add here: one method per question, which calls the module that answers it. Keep out: SQL.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb

from perf_pipeline.metrics.histogram import RELATIVE_ERROR
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.metrics.threshold import Threshold, Verdict
from perf_pipeline.store import queries, run_rows, series, statistics, tables
from perf_pipeline.store.access import connected, exclusive, said_plainly, stoppable
from perf_pipeline.store.asked import AskedRuns
from perf_pipeline.store.begun_run import write_run
from perf_pipeline.store.check_rows import CheckCounts
from perf_pipeline.store.comparison_rows import DiffRow
from perf_pipeline.store.engines import attached_memory
from perf_pipeline.store.histograms import KEPT, has_histograms, is_from_buckets, write_figures
from perf_pipeline.store.ingest import ingest_benchmark, transaction
from perf_pipeline.store.migrate import is_current, make_tables, migrate
from perf_pipeline.store.over_time import over_time
from perf_pipeline.store.present import metrics_of
from perf_pipeline.store.proof import RowProof
from perf_pipeline.store.records import BenchmarkOutcome, Ingested, RunKey, RunRecord
from perf_pipeline.store.reported import reported_summaries
from perf_pipeline.store.series import OverRuns, SeriesName
from perf_pipeline.store.state import WAIT_S
from perf_pipeline.store.tags_text import tags_text
from perf_pipeline.store.tallied_figures import summaries_of_samples
from perf_pipeline.store.tallies import tallied
from perf_pipeline.store.windows import measured_windows


@dataclass(frozen=True, slots=True)
class History:
    """Hold the open history; get one from `open_history`.

    Attributes:
        path: the path of the DuckDB file.
        connection: to it; for this package only.
        proof: that its rows are those that were written; whoever reads rows asks for it first.
        asked: what it has answered about runs.
    """

    path: Path
    connection: duckdb.DuckDBPyConnection
    proof: RowProof
    asked: AskedRuns

    def ingest(self, spool_run: Path, benchmark: str) -> Ingested:
        """Store one benchmark of a spooled run in one transaction.

        All that the history had of this benchmark of this run is replaced, with the summaries,
        verdicts and diffs that were worked out from it. A benchmark without outcome.json was cut
        off: it is stored with the status `aborted`, and its counts come from its samples.

        Raises:
            PerfPipelineError: the folder is missing, or a file in it is of another version.
        """
        self.asked.forget()
        return ingest_benchmark(self.connection, spool_run, benchmark)

    def summarise(self, key: RunKey, also: Iterable[Threshold] = ()) -> list[Summary]:
        """Compute and store the summaries of every metric that has data, and the histograms.

        Overall, by scenario, and by operation where that is not just a scenario; requests also by
        status and class of error; figures as recorded; readings by source, a single one overall.

        Args:
            key: which benchmark.
            also: thresholds whose metric is summarised under their tag filter, too, so that they
                have a series over runs.

        Raises:
            PerfPipelineError: the benchmark is not here, or its samples were pruned.
        """
        queries.require_raw(self.connection, key)
        windows = measured_windows(self.connection, key)
        metrics = metrics_of(self.connection, key)
        others = [metric for metric in metrics if metric.source is None]
        by_metric = statistics.summaries_of(self.connection, key, others, windows)
        with tallied(self.connection, key, metrics) as tallies:
            by_metric |= summaries_of_samples(tallies, windows)
            found = [summary for metric in metrics for summary in by_metric.get(metric.name, ())]
            found += reported_summaries(self.connection, key)
            known = {(summary.metric, tags_text(summary.tags)) for summary in found}
            for summary in also:
                if (name := (summary.metric, tags_text(summary.tags))) not in known:
                    known.add(name)
                    found += statistics.summary_of(self.connection, key, summary, windows)
            self.asked.forget()
            write_figures(tallies, key, found, metrics)
        return found

    def observe(self, key: RunKey, threshold: Threshold) -> float | None:
        """Return the figure that a threshold judges, in the metric's unit; see `relative_error`.

        None when nothing was measured. A counter of iterations is 0.0 when the scenario ran
        and none was dropped; a counter filtered by status, outcome or error is 0.0 when there
        were operations and none ended so.

        Raises:
            PerfPipelineError: the benchmark is not here, or a version without histograms pruned it.
        """
        if (reported := self.asked.reported(key).figure(threshold)) is not None:
            return reported
        is_pruned = not self.asked.raw_is_kept(key)
        if is_pruned and threshold.metric in KEPT and not has_histograms(self.connection, key):
            queries.require_raw(self.connection, key)
        windows = partial(measured_windows, self.connection, key)
        return statistics.figure_of(self.connection, key, threshold, windows, is_pruned=is_pruned)

    def relative_error(self, key: RunKey, threshold: Threshold) -> float:
        """Tell how far off `observe` may be, as a share of the figure.

        0 for all but percentiles of samples that were pruned, which come from a histogram.

        Raises:
            PerfPipelineError: the benchmark is not here.
        """
        is_pruned = not self.asked.raw_is_kept(key)
        return RELATIVE_ERROR if is_pruned and is_from_buckets(threshold) else 0.0

    def store_verdicts(self, verdicts: Mapping[RunKey, Sequence[Verdict]]) -> None:
        """Replace the verdicts of benchmarks, all of them or none."""
        self.asked.forget_verdicts()
        tables.write_verdicts(self.connection, verdicts)

    def series(
        self,
        wanted: Collection[SeriesName],
        *,
        profile: str,
        environment_id: str,
        before: str | None = None,
        limit: int = 30,
        left_out: Collection[str] = (),
    ) -> dict[SeriesName, OverRuns]:
        """Return figures over runs: those of complete benchmarks of like runs that kept up.

        Raises:
            PerfPipelineError: `before` is not in the history.
        """
        return series.series_of(
            self.proof,
            wanted,
            profile=profile,
            environment_id=environment_id,
            before=before,
            limit=limit,
            left_out=left_out,
        )

    def loads(self) -> list[tuple[str, str, str]]:
        """List every measured benchmark as (run, benchmark, load hash), those of new runs first."""
        return queries.loads(self.connection)

    def register(self, run: RunRecord, *, begins_now: bool = False) -> None:
        """Store what a run is and was to do, also before anything of it is measured.

        Args:
            run: as its run.json says.
            begins_now: it is the last of all runs, whatever its date says; else it is placed by
                its date, when it is not stored yet.
        """
        self.asked.forget()
        with transaction(self.connection):
            write_run(self.connection, run, begins_now=begins_now)

    def runs(self, limit: int = 30, *, measured: bool = False) -> list[RunRecord]:
        """List the newest runs, newest first, in the order in which they were made.

        Args:
            limit: at most so many.
            measured: only those of which a benchmark is stored.
        """
        return run_rows.newest_runs(self.connection, limit, measured=measured)

    def tagged_runs(self, limit: int, tags: Mapping[str, str]) -> list[RunRecord]:
        """List the newest runs that have all of these tags, as `runs` does."""
        return run_rows.newest_tagged(self.connection, limit, tags)

    def last_run_with(self, benchmark: str, *, but: str) -> str | None:
        """Return the newest run, not triggered by `but`, that was to do a benchmark, or did."""
        self.proof.require_table("benchmarks")
        return run_rows.last_run_with(self.connection, benchmark, but=but)

    def run_ids(self) -> frozenset[str]:
        """Return the ids of all runs, also of those of which nothing was measured."""
        return run_rows.known_runs(self.connection)

    def run(self, run_id: str) -> RunRecord:
        """Return one run.

        Raises:
            RequestError: the history does not have it.
        """
        return self.asked.run(run_id)

    def outcomes(self, run_id: str) -> list[BenchmarkOutcome]:
        """List the outcomes of a run's benchmarks in the order in which they began."""
        self.proof.require_run(run_id)
        return self.asked.outcomes(run_id)

    def checks(self, run_id: str) -> list[CheckCounts]:
        """List how often each check of a run passed and failed in the measured phase."""
        self.proof.require_run(run_id)
        return self.asked.checks(run_id)

    def summaries(self, run_id: str) -> list[tuple[str, Summary]]:
        """List a run's stored summaries as (benchmark, summary)."""
        self.proof.require_run(run_id)
        return self.asked.summaries(run_id)

    def verdicts(self, run_id: str) -> list[tuple[str, Verdict]]:
        """List a run's stored verdicts as (benchmark, verdict), in the order of the profile."""
        self.proof.require_run(run_id)
        return self.asked.verdicts(run_id)

    def diffs(self, run_id: str) -> list[tuple[str, DiffRow]]:
        """List a run's stored baseline diffs as (benchmark, diff)."""
        self.proof.require_rows([run_id], "diffs")
        return tables.read_diffs(self.connection, run_id)

    def over_time(
        self, key: RunKey, metric: str, source: str, statistic: str
    ) -> list[tuple[float, float]]:
        """Follow one metric: readings as they are, samples by the second; empty without raw rows.

        Raises:
            KeyError: no such metric or statistic.
        """
        return over_time(self.connection, key, metric, source, statistic)

    def prune(self, keep_raw_runs: int) -> list[str]:
        """Delete raw rows (not readings) of all but the newest runs.

        Summaries and histograms stay for ever, so that `observe` still answers.

        Returns:
            The ids of the runs that have no raw rows now.

        Raises:
            PerfPipelineError: fewer than one run would be kept, or a row is damaged.
        """
        runs = self.asked.made_runs()
        self.asked.forget()
        return queries.prune_raw(self.proof, runs, keep_raw_runs)


@contextmanager
def open_history(
    path: Path, *, wait_s: float = WAIT_S, read_only: bool = False
) -> Iterator[History]:
    """Open the history, alone; make it or bring its schema up to date where needed.

    Args:
        path: the path of the DuckDB file; folders above it are made.
        wait_s: how long to queue behind another process that has it open.
        read_only: nothing can be changed, and a missing file is an error.

    Raises:
        StoreBusyError: another process had it open all the time; the sentence names it.
        PerfPipelineError: it is damaged, newer than this code, or cannot be opened.
    """
    with exclusive(path, wait_s) as left_s, said_plainly(path):
        if read_only:
            with connected(path, left_s, read_only=True) as connection:
                if is_current(connection, str(path)):
                    yield _history(path, connection)
                    return
        with connected(path, left_s, read_only=False) as connection:
            migrate(connection, str(path))
            if not read_only:
                yield _history(path, connection)
                return
        with connected(path, left_s, read_only=True) as connection:
            yield _history(path, connection)


@contextmanager
def memory_history(*, has_view: bool = True) -> Iterator[History]:
    """Open an empty one, gone afterwards: to ask a spool; its view is dear, and people's alone."""
    with stoppable(), attached_memory() as connection:
        make_tables(connection, has_view=has_view)
        yield _history(Path(":memory:"), connection)


def _history(path: Path, connection: duckdb.DuckDBPyConnection) -> History:
    return History(path, connection, RowProof(connection), AskedRuns(connection))
