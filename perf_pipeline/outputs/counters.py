"""Give the counters of a benchmark as points with their current totals.

Add here: what holds for every counter. Keep out: what is counted (seconds.py, iterations.py).
"""

from collections.abc import Iterator
from typing import Final

from perf_pipeline.outputs.point import Point, PointSeries

MS_PER_S: Final = 1_000


class Counters:
    """Keep the total of each counter; a new one was 0 a second ago, so that its growth is seen."""

    def __init__(self) -> None:
        self._totals: dict[PointSeries, float] = {}

    def grown(self, series: PointSeries, by: int, at_ms: int) -> Iterator[Point]:
        """Let a counter grow."""
        yield from self.reached(series, self._totals.get(series, 0.0) + by, at_ms)

    def reached(self, series: PointSeries, total: float, at_ms: int) -> Iterator[Point]:
        """Let a counter have come to a total."""
        if series not in self._totals:
            yield Point(series, at_ms - MS_PER_S, 0.0)
        self._totals[series] = total
        yield Point(series, at_ms, total)
