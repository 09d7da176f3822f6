"""Follow a benchmark's folder in the spool while it grows, and give what is new as points.

Add here: another kind of file that is followed. Keep out: samples (seconds.py), names (naming.py).
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from perf_pipeline.metrics.spool_rows import ITERATION_ROWS, SAMPLE_ROWS
from perf_pipeline.outputs.counters import MS_PER_S, Counters
from perf_pipeline.outputs.iterations import IterationsBySecond
from perf_pipeline.outputs.naming import series_of
from perf_pipeline.outputs.point import Point, labels_of
from perf_pipeline.outputs.seconds import PointsBySecond
from perf_pipeline.store.spool_binary import row_files
from perf_pipeline.store.spool_kinds import KINDS
from perf_pipeline.store.spool_tail import SpoolTail

# Workers write once a second, and a second must have ended.
LATEST_S: Final = 3
_OF_SCENARIOS: Final = frozenset({"vus", "vus_max", "vus_busy"})


class Following:
    """Turn what a benchmark writes down into points.

    Args:
        folder: the folder of the benchmark in the spool.
        labels: that every series has.
        origin_ms: the benchmark's origin, in ms since 1970.
    """

    def __init__(self, folder: Path, labels: Mapping[str, str], origin_ms: int) -> None:
        self._labels = labels
        self._origin_ms = origin_ms
        self._tail = SpoolTail(folder)
        self._seconds = PointsBySecond(labels, origin_ms)
        self._iterations = IterationsBySecond(labels, origin_ms)
        self._dropped = Counters()

    def look(self, now_ms: int | None = None) -> list[Point]:
        """Give the points that are new.

        Args:
            now_ms: ms since 1970; None at the end, when nothing more is written.
        """
        points: list[Point] = []
        with self._tail.grown(["samples", "iterations", "readings"]) as grown:
            for file in row_files(grown, "samples-*.npy", SAMPLE_ROWS):
                self._seconds.add(file)
            for file in row_files(grown, "iterations-*.npy", ITERATION_ROWS):
                self._iterations.add(file)
            for path in sorted(grown.glob(KINDS["readings"].pattern)):
                points += self._readings(path)
        before = None if now_ms is None else (now_ms - self._origin_ms) // MS_PER_S - LATEST_S
        return [*points, *self._seconds.points(before), *self._iterations.points(before)]

    def progress(self, figures: Mapping[str, Any], at_ms: int) -> Iterator[Point]:
        """Give the points of a progress event (docs/run-events.schema.json)."""
        for scenario in figures["scenarios"]:
            labels = labels_of(**self._labels, scenario=scenario["name"])
            dropped = series_of("dropped_iterations", "_total", "counter", labels)
            total = float(scenario["dropped_iterations"])
            yield from self._dropped.reached(dropped, total, at_ms)
            if scenario["planned_per_s"] is not None:
                planned = series_of("planned_iterations_per_s", "", "gauge", labels)
                yield Point(planned, at_ms, float(scenario["planned_per_s"]))

    def _readings(self, path: Path) -> Iterator[Point]:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                name, source = row["name"], row["source"]
                if name in _OF_SCENARIOS and not source:
                    continue  # the sum of the scenarios
                label = "scenario" if name in _OF_SCENARIOS else "source"
                labels = labels_of(**self._labels, **{label: source})
                at_ms = self._origin_ms + int(row["at_us"]) // 1_000
                yield Point(series_of(name, "", "gauge", labels), at_ms, float(row["value"]))
