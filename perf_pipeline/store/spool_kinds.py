"""Which kinds of files a spool holds: their names, their columns, and the types of these.

Add here: a new kind of spool file. Keep out: reading files (spool_csv.py, spool_binary.py), what
the rows mean.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from perf_pipeline.metrics.capacity_window import CAPACITY_WINDOW_COLUMNS
from perf_pipeline.metrics.cost import COST_COLUMNS
from perf_pipeline.metrics.faults import FAULT_COLUMNS
from perf_pipeline.metrics.growth import GROWTH_COLUMNS, GROWTH_FILE
from perf_pipeline.metrics.sample import (
    CHECK_COLUMNS,
    FIGURE_COLUMNS,
    ITERATION_COLUMNS,
    LEDGER_COLUMNS,
    NO_PHASES,
    READING_COLUMNS,
    REPORTED_COLUMNS,
    SAMPLE_COLUMNS,
)
from perf_pipeline.metrics.scaling_point import SCALING_POINT_COLUMNS
from perf_pipeline.metrics.spool_rows import ITERATION_ROWS, SAMPLE_ROWS, RowLayout

TEXT_COLUMNS: Final = frozenset(
    {
        "scenario",
        "protocol",
        "operation",
        "phase",
        "outcome",
        "error",
        "source",
        "name",
        "message_id",
        "event",
        "check_name",
        "metric",
        "tags",
        "statistic",
        "tier",
        "fault",
        "kind",
        "what",
        "purpose",
        "growth_of",
        "cpu",
        "shown",
        "reason",
        "found",
        "part",
        "finding",
        "told",
    }
)
_REAL: Final = frozenset(
    {
        "value",
        "rate_per_s",
        "length_s",
        "achieved_per_s",
        "p95_ms",
        "failed_ratio",
        "growth_per_s",
        "hours",
        "level",
        "per_h",
        "low_per_h",
        "high_per_h",
        "needed_h",
        "per_s",
        "low_per_s",
        "high_per_s",
    }
)


@dataclass(frozen=True, slots=True)
class SpoolKind:
    """Describe a kind of spool file.

    Attributes:
        pattern: the pattern of its names.
        columns: in order.
        defaults: the defaults of the columns that files of older versions don't have, by name.
        layout: the layout of its binary files, which have the same names but for their ending; None
            when it has none. What is binary today was CSV in older versions.
    """

    pattern: str
    columns: tuple[str, ...]
    defaults: Mapping[str, int] = field(default_factory=dict)
    layout: RowLayout | None = None

    @property
    def types(self) -> dict[str, str]:
        """Return the DuckDB type of each column."""
        return {name: _type_of(name) for name in self.columns}

    def reads(self, header: tuple[str, ...]) -> bool:
        """Tell whether a file with these columns can be read; later columns may be missing."""
        missing = self.columns[len(header) :]
        return header == self.columns[: len(header)] and all(n in self.defaults for n in missing)


# Spools of before the phases of a request were written down.
_PHASES_UNKNOWN: Final = MappingProxyType(NO_PHASES._asdict())

CAPACITY_FILE: Final = "capacity.csv"
SCALING_FILE: Final = "scaling.csv"
KINDS: Final[Mapping[str, SpoolKind]] = MappingProxyType(
    {
        "samples": SpoolKind("samples-*.csv", SAMPLE_COLUMNS, _PHASES_UNKNOWN, SAMPLE_ROWS),
        "iterations": SpoolKind("iterations-*.csv", ITERATION_COLUMNS, layout=ITERATION_ROWS),
        "readings": SpoolKind("readings-*.csv", READING_COLUMNS),
        "figures": SpoolKind("figures.csv", FIGURE_COLUMNS),
        "ledger": SpoolKind("ledger-*.csv", LEDGER_COLUMNS),
        "costs": SpoolKind("costs-*.csv", COST_COLUMNS),
        # Only files of other tools have checks apart from samples, and figures without any.
        "checks": SpoolKind("checks.csv", CHECK_COLUMNS),
        "reported_figures": SpoolKind("reported.csv", REPORTED_COLUMNS),
        "faults": SpoolKind("faults.csv", FAULT_COLUMNS),
        "capacity_windows": SpoolKind(CAPACITY_FILE, CAPACITY_WINDOW_COLUMNS),
        "growth": SpoolKind(GROWTH_FILE, GROWTH_COLUMNS),
        "scaling_points": SpoolKind(SCALING_FILE, SCALING_POINT_COLUMNS),
    }
)


def _type_of(column: str) -> str:
    if column in TEXT_COLUMNS:
        return "VARCHAR"
    return "DOUBLE" if column in _REAL else "BIGINT"
