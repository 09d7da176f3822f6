"""Overlay two runs: their comparison, with the course and the distributions of both.

Add here: another line of both runs. Keep out: comparing (contrast.py), drawing (report/).
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from perf_pipeline.judging.contrast import Contrast, run_text
from perf_pipeline.judging.course import Course, courses_of
from perf_pipeline.judging.ingest import profile_of
from perf_pipeline.judging.spreads import distributions_beside
from perf_pipeline.report.axis import Panel, finite
from perf_pipeline.report.distribution import Distribution
from perf_pipeline.report.model import TimeSeries
from perf_pipeline.report.overlay import OverlaidBenchmark, Overlay
from perf_pipeline.report.request_table import OF_PROTOCOLS
from perf_pipeline.store.distributions import WantedDistribution
from perf_pipeline.store.history import History
from perf_pipeline.store.state import State

_PERCENTILES: Final = frozenset({"p50", "p95", "p99", "max"})
_DRAWN: Final = "p95"


def overlay(state: State, found: Contrast) -> Overlay:
    """Return two compared runs for a page that overlays them.

    Raises:
        StoreBusyError: the history is open elsewhere.
    """
    first, second = found.first.run_id, found.second.run_id
    with state.history() as history:
        courses = [courses_of(history, run, profile_of(history, run)) for run in (first, second)]
        names = [name for name in courses[0] if name in courses[1]]
        spreads = _spreads(history, (first, second), names)
    benchmarks = (
        OverlaidBenchmark(
            name,
            tuple(_panels(courses[0][name], courses[1][name])),
            tuple(spreads.get(name, ())),
        )
        for name in _in_order(found, names)
    )
    runs = (run_text(found.first), run_text(found.second))
    return Overlay(runs, found.notices, found.diffs, tuple(benchmarks))


def _in_order(found: Contrast, names: list[str]) -> list[str]:
    """List benchmarks in the order that they had in the runs."""
    order = [name for name, _ in found.diffs]
    known = [name for name in dict.fromkeys(order) if name in names]
    return [*known, *sorted(set(names) - set(known))]


def _panels(first: Course, second: Course) -> Iterator[Panel]:
    """Yield a plot for each line that both have; for percentiles, only the p95."""
    theirs = {(line.panel, line.name): line for line in second.series}
    for line in first.series:
        other = theirs.get((line.panel, line.name))
        if other is None or (line.name in _PERCENTILES and line.name != _DRAWN):
            continue
        title = line.panel if line.name == line.panel else f"{line.panel} {line.name}"
        both = (_named(line, "A"), _named(other, "B"))
        yield Panel(title, line.unit, tuple(drawn for drawn in both if finite(drawn)))


def _named(line: TimeSeries, name: str) -> TimeSeries:
    return replace(line, name=name, keys=())


def _spreads(
    history: History, runs: tuple[str, str], names: list[str]
) -> Mapping[str, list[Distribution]]:
    """Return the distributions that both runs have, by benchmark."""
    first, second = runs
    wanted = [
        WantedDistribution(name, leading.latency, (second,))
        for name in names
        for leading in OF_PROTOCOLS
    ]
    return {
        name: [replace(pair, names=("A", "B")) for pair in pairs if pair.before is not None]
        for name, pairs in distributions_beside(history, first, wanted).items()
    }
