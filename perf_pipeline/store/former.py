"""Say what the history already has of a benchmark, and whether new rows are as good.

Add here: another sign that a benchmark lost rows. Keep out: reading the spool (spool_*.py) and
writing tables (ingest.py).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

import duckdb

from perf_pipeline.store.records import OF_KEY, BenchmarkOutcome, Ingested, RunKey
from perf_pipeline.store.spool_csv import SpoolFiles

_FORMER: Final = f"""
select began_at is not null, coalesce(len(damage), 0) > 0, torn_lines
from benchmarks where {OF_KEY}
"""
_STORED: Final = "select " + ", ".join(
    f"(select count(*) from {table} where {OF_KEY})"
    for table in ("sample_rows", "readings", "ledger")
)
_ITERATIONS: Final = """
select scenario, count(*) from iterations
where run_id = ? and benchmark = ? and phase = 'measured' and outcome <> 'interrupted'
group by scenario
"""


@dataclass(frozen=True, slots=True)
class Former:
    """Hold what the history has of a benchmark.

    Attributes:
        has_outcome: it ended, and its outcome was written down.
        is_damaged: its spool was.
        torn_lines: that nobody could read.
        samples: stored rows; 0 when they were pruned.
        readings: stored rows.
        ledger: stored rows, as of samples.
    """

    has_outcome: bool
    is_damaged: bool
    torn_lines: int
    samples: int
    readings: int
    ledger: int

    def is_better_than(
        self, outcome: BenchmarkOutcome | None, damage: Collection[str], samples: int | None
    ) -> tuple[str, ...]:
        """Say why what is stored has to stay; empty when it may be replaced.

        Args:
            outcome: the outcome of what comes; None when it was cut off.
            damage: the damage of the new rows.
            samples: readable rows of what comes; None where nobody counted them.
        """
        is_whole = outcome is not None and not damage
        if is_whole:
            return ()
        why = (*damage,) or ("it has no outcome.json",)
        if self.has_outcome and not self.is_damaged:
            return why
        if samples is not None and samples < self.samples:
            return (*why, f"{samples:,} of {self.samples:,} stored samples are left in it")
        return ()

    def kept(self, why: tuple[str, ...]) -> Ingested:
        """Say that the stored rows stay."""
        return Ingested(
            self.samples, self.readings, self.ledger, self.torn_lines, damage=why, was_kept=True
        )


def former_benchmark(connection: duckdb.DuckDBPyConnection, key: RunKey) -> Former | None:
    """Return what the history has of a benchmark; None when it has nothing."""
    row = connection.execute(_FORMER, key.parameters).fetchone()
    if row is None:
        return None
    has_outcome, is_damaged, torn_lines = row
    return Former(has_outcome, is_damaged, torn_lines, *stored_rows(connection, key))


def stored_rows(connection: duckdb.DuckDBPyConnection, key: RunKey) -> tuple[int, int, int]:
    """Count the samples, the readings and the rows of the ledger that a benchmark has."""
    ((samples, readings, ledger),) = connection.execute(_STORED, key.parameters).fetchall()
    return samples, readings, ledger


def lost_rows(found: Iterable[SpoolFiles]) -> list[str]:
    """Name the closed files of packed rows that have fewer rows than their headers say."""
    return [file.lost for files in found for file in files.binary if file.lost]


def readable_samples(found: SpoolFiles) -> int | None:
    """Count the samples that can be read; None when some are in CSV, which is not counted here."""
    return None if found.paths else sum(len(file.rows) for file in found.binary)


def uncounted(
    connection: duckdb.DuckDBPyConnection, key: RunKey, outcome: BenchmarkOutcome | None
) -> list[str]:
    """Name the scenarios with fewer iterations stored than the outcome counted.

    Nothing is said of a benchmark whose version wrote no iterations down.
    """
    found = dict(connection.execute(_ITERATIONS, [key.run_id, key.benchmark]).fetchall())
    if outcome is None or not found:
        return []
    return [
        f"scenario {scenario.name} has {found.get(scenario.name, 0):,} of "
        f"{scenario.iterations:,} iterations"
        for scenario in outcome.scenarios
        if found.get(scenario.name, 0) < scenario.iterations
    ]
