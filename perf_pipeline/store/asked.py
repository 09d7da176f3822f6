"""Cache answers about the runs of an open history until a run is written, pruned or removed.

The end of a run asks a dozen times for the same run and its outcomes, and each answer takes DuckDB
some milliseconds, mostly to parse the query.
Add here: another repeated question. Keep out: SQL, and anything that changes without a run being
written.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import duckdb

from perf_pipeline.metrics.summary import Summary
from perf_pipeline.metrics.threshold import Verdict
from perf_pipeline.store import lines, queries, run_rows, tables
from perf_pipeline.store.check_rows import CheckCounts
from perf_pipeline.store.order import MadeRun, made_runs
from perf_pipeline.store.records import BenchmarkOutcome, RunKey, RunRecord
from perf_pipeline.store.reported import ReportedFigures, reported_figures

# A run may have thousands of summaries, and a replay asks for those of every run once.
_MOST_SUMMARISED: Final = 2
_MOST_ROWS: Final = 32


@dataclass(frozen=True, slots=True)
class AskedRuns:
    """Answer questions about runs, each only once.

    Attributes:
        connection: the connection to the history, which nobody else has open.
    """

    connection: duckdb.DuckDBPyConnection
    _runs: dict[str, RunRecord] = field(default_factory=dict)
    _outcomes: dict[str, tuple[BenchmarkOutcome, ...]] = field(default_factory=dict)
    _checks: dict[str, tuple[CheckCounts, ...]] = field(default_factory=dict)
    _summaries: dict[str, tuple[tuple[str, Summary], ...]] = field(default_factory=dict)
    _made: list[MadeRun] = field(default_factory=list)
    _other_lines: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _verdicts: dict[str, tuple[tuple[str, Verdict], ...]] = field(default_factory=dict)
    _raw_is_kept: dict[RunKey, bool] = field(default_factory=dict)
    _reported: dict[RunKey, ReportedFigures] = field(default_factory=dict)
    _rows: dict[tuple[str, str], tuple[tuple[Any, ...], ...]] = field(default_factory=dict)

    def run(self, run_id: str) -> RunRecord:
        """Return one run.

        Raises:
            RequestError: the history does not have it.
        """
        if run_id not in self._runs:
            self._runs[run_id] = run_rows.one_run(self.connection, run_id)
        return self._runs[run_id]

    def outcomes(self, run_id: str) -> list[BenchmarkOutcome]:
        """List the outcomes of a run's benchmarks in the order in which they began."""
        if run_id not in self._outcomes:
            self._outcomes[run_id] = tuple(queries.outcomes_of(self.connection, run_id))
        return list(self._outcomes[run_id])

    def checks(self, run_id: str) -> list[CheckCounts]:
        """List how often each check of a run passed and failed in the measured phase."""
        if run_id not in self._checks:
            self._checks[run_id] = tuple(queries.check_counts_of(self.connection, run_id))
        return list(self._checks[run_id])

    def summaries(self, run_id: str) -> list[tuple[str, Summary]]:
        """List a run's stored summaries as (benchmark, summary)."""
        if run_id not in self._summaries:
            if len(self._summaries) >= _MOST_SUMMARISED:
                self._summaries.clear()
            self._summaries[run_id] = tuple(tables.read_summaries(self.connection, run_id))
        return list(self._summaries[run_id])

    def verdicts(self, run_id: str) -> list[tuple[str, Verdict]]:
        """List a run's stored verdicts as (benchmark, verdict), in the order of the profile."""
        if run_id not in self._verdicts:
            if len(self._verdicts) >= _MOST_SUMMARISED:
                self._verdicts.clear()
            self._verdicts[run_id] = tuple(tables.read_verdicts(self.connection, run_id))
        return list(self._verdicts[run_id])

    def made_runs(self) -> Sequence[MadeRun]:
        """List all runs in the order in which they were made."""
        if not self._made:
            self._made.extend(made_runs(self.connection))
        return tuple(self._made)

    def runs_of_other_lines(self, run_id: str) -> list[str]:
        """List the runs that are in no baseline of a run, as `store.lines` says."""
        if run_id not in self._other_lines:
            self._other_lines[run_id] = tuple(lines.runs_of_other_lines(self.made_runs(), run_id))
        return list(self._other_lines[run_id])

    def raw_is_kept(self, key: RunKey) -> bool:
        """Tell whether a benchmark's samples are still here.

        Raises:
            RequestError: the history does not have this benchmark.
        """
        if key not in self._raw_is_kept:
            self._raw_is_kept[key] = queries.raw_is_kept(self.connection, key)
        return self._raw_is_kept[key]

    def reported(self, key: RunKey) -> ReportedFigures:
        """Return what another tool reported of a benchmark."""
        if key not in self._reported:
            self._reported[key] = reported_figures(self.connection, key)
        return self._reported[key]

    def rows(self, statement: str, parameters: Sequence[object]) -> tuple[tuple[Any, ...], ...]:
        """Return the rows of a statement about runs, how they were compared, and what changed."""
        asked = statement, repr(parameters)
        if asked not in self._rows:
            if len(self._rows) >= _MOST_ROWS:
                self._rows.clear()
            self._rows[asked] = tuple(self.connection.execute(statement, parameters).fetchall())
        return self._rows[asked]

    def forget_verdicts(self) -> None:
        """Ask again for verdicts; whoever writes any says so."""
        self._verdicts.clear()

    def forget_compared(self) -> None:
        """Forget comparisons and changes; whoever writes either calls this."""
        self._rows.clear()

    def forget(self) -> None:
        """Forget all answers; whoever writes, prunes or removes a run calls this."""
        self.forget_compared()
        self.forget_verdicts()
        by_run = (self._runs, self._outcomes, self._checks, self._summaries, self._other_lines)
        for answers in (*by_run, self._raw_is_kept, self._reported):
            answers.clear()
        self._made.clear()
