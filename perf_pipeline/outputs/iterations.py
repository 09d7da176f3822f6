"""Points of the iterations that ended, from what the workers wrote down of them.

Add here: another figure of iterations. Keep out: samples (seconds.py), and files (following.py).
"""

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np

from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.outputs.counters import MS_PER_S, Counters
from perf_pipeline.outputs.naming import series_of
from perf_pipeline.outputs.point import Point, labels_of
from perf_pipeline.store.spool_binary import RowFile
from perf_pipeline.units import US_PER_S


class IterationsBySecond:
    """Count the iterations of each scenario, up to each second; interrupted ones did not end.

    Args:
        labels: that every series has.
        origin_ms: the benchmark's origin, in ms since 1970.
    """

    def __init__(self, labels: Mapping[str, str], origin_ms: int) -> None:
        self._labels = labels
        self._origin_ms = origin_ms
        self._ended: Counter[tuple[int, str]] = Counter()
        self._counters = Counters()
        self._next = -(2**62)

    def add(self, file: RowFile) -> None:
        """Take in iterations that ended."""
        scenarios, outcomes = file.kinds["scenario"], file.kinds["outcome"]
        seconds = file.rows["ended_us"] // US_PER_S
        for kind in np.unique(file.rows["kind"]):
            if str(outcomes[kind]) == Outcome.INTERRUPTED:
                continue
            found, counts = np.unique(seconds[file.rows["kind"] == kind], return_counts=True)
            for second, count in zip(found, counts, strict=True):
                self._ended[max(int(second), self._next), str(scenarios[kind])] += int(count)

    def points(self, before: int | None = None) -> Iterator[Point]:
        """Give the counts up to each second that is over.

        Args:
            before: seconds since the origin that are not over yet begin here; None when all are.
        """
        due = sorted(key for key in self._ended if before is None or key[0] < before)
        self._next = due[-1][0] + 1 if due else self._next
        for second, scenario in due:
            at_ms = self._origin_ms + (second + 1) * MS_PER_S
            labels = labels_of(**self._labels, scenario=scenario)
            series = series_of("iterations", "_total", "counter", labels)
            yield from self._counters.grown(series, self._ended.pop((second, scenario)), at_ms)
