"""Limit how many series a run may send, because profiles and targets can invent many names.

Add here: another bound of what is sent. Keep out: what a receiver bounds by itself.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from perf_pipeline.outputs.point import Point, PointSeries

MOST_SERIES: Final = 10_000


class SeriesLimit:
    """Let the first series pass, and no new ones beyond a limit.

    Args:
        most: series of a run.

    Attributes:
        left_out: points of series that may not pass.
    """

    def __init__(self, most: int = MOST_SERIES) -> None:
        self._most = most
        self._known: set[PointSeries] = set()
        self._told = ""
        self.left_out = 0

    def allowed(self, points: Iterable[Point]) -> Iterator[Point]:
        """Give the points of series that may pass."""
        for point in points:
            if point.series not in self._known:
                if len(self._known) >= self._most:
                    self._note(point.series)
                    continue
                self._known.add(point.series)
            yield point

    def heard(self) -> str:
        """Return a sentence when the limit was reached for the first time; then nothing more."""
        told, self._told = self._told, ""
        return told

    def _note(self, series: PointSeries) -> None:
        if not self.left_out:
            labels = ", ".join(f"{name}={text}" for name, text in series.labels)
            self._told = (
                f"the run has more than {self._most:,} series to send; further ones are left out, "
                f"the first of them {series.metric} ({labels}). Fewer names of operations help"
            )
        self.left_out += 1
