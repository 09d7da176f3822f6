"""Show what searches for a capacity found, for every form of a report.

Add here: what another kind of search shows. Keep out: its words, table and drawing (capacity_*.py,
scaling_*.py).
"""

from collections.abc import Iterator
from typing import Any

from perf_pipeline.analysis.capacity.search import CapacityKind
from perf_pipeline.report.capacity_plot import knee_plots
from perf_pipeline.report.capacity_table import capacity_table, capacity_values
from perf_pipeline.report.model import BenchmarkReport
from perf_pipeline.report.scaling_plot import scaling_plots
from perf_pipeline.report.scaling_table import scaling_table, scaling_values
from perf_pipeline.report.tables import Table


def found_sentence(benchmark: BenchmarkReport) -> str:
    """Return what a search found, as a sentence; empty for a benchmark that does not search."""
    found = benchmark.scaling or benchmark.capacity
    return found.sentence if found is not None else ""


def found_line(benchmark: BenchmarkReport) -> tuple[str, str, str] | None:
    """Return the line that leads a report: status, subject, sentence; None without an answer."""
    if (scaling := benchmark.scaling) is not None and scaling.is_known:
        return "SCALING", benchmark.name, scaling.sentence
    capacity = benchmark.capacity
    if capacity is not None and capacity.answer.kind is CapacityKind.CAPACITY:
        return "CAPACITY", benchmark.name, capacity.sentence
    return None


def search_plots(benchmark: BenchmarkReport) -> Iterator[str]:
    """Draw the knee of a capacity, or the capacity over the number of units."""
    yield from knee_plots(benchmark.capacity)
    yield from scaling_plots(benchmark.scaling)


def search_tables(benchmark: BenchmarkReport) -> Iterator[tuple[str, Table]]:
    """Return the tables of a search, each with its name; nothing without a search."""
    if benchmark.capacity is not None:
        yield "windows", capacity_table(benchmark.capacity)
    if benchmark.scaling is not None:
        yield "units", scaling_table(benchmark.scaling)


def search_values(benchmark: BenchmarkReport) -> dict[str, Any]:
    """Return what a search found as JSON values, by its kind."""
    found: dict[str, Any] = {}
    if benchmark.capacity is not None:
        found["capacity"] = capacity_values(benchmark.capacity)
    if benchmark.scaling is not None:
        found["scaling"] = scaling_values(benchmark.scaling)
    return found
