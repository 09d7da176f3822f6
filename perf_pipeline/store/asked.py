"""What was asked of the runs of an open history: kept until a run is written or removed.

A run's end asks a dozen times for the same run and its outcomes, and each answer takes DuckDB some
milliseconds, most of them to read the question.
Add here: another question that is repeated. Keep out: SQL, and whatever changes while nobody
writes a run.
"""

from dataclasses import dataclass, field

import duckdb

from perf_pipeline.store import queries, run_rows
from perf_pipeline.store.records import BenchmarkOutcome, RunRecord


@dataclass(frozen=True, slots=True)
class AskedRuns:
    """Answer questions to runs, each once.

    Attributes:
        connection: to the history, which nobody else has open.
    """

    connection: duckdb.DuckDBPyConnection
    _runs: dict[str, RunRecord] = field(default_factory=dict)
    _outcomes: dict[str, tuple[BenchmarkOutcome, ...]] = field(default_factory=dict)

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

    def forget(self) -> None:
        """Ask anew from now on; whoever writes or removes a run says so."""
        self._runs.clear()
        self._outcomes.clear()
