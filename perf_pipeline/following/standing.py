"""Show where the thresholds of a benchmark stand while it runs; nothing here is a verdict.

The figures are those that may end a load (store/live_figures.py), but are worked out by the process
that follows the run: it reads new rows every few seconds.

Add here: another thing to say about a threshold before the end of a run. Keep out: verdicts
(judging/judge.py).
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from perf_pipeline.metrics.spool_rows import ROWS_SUFFIX
from perf_pipeline.metrics.threshold import Threshold
from perf_pipeline.store.live_figures import LiveFigures
from perf_pipeline.store.records import RunKey

EVERY_S: Final = 5.0
# The most new rows per look; with more, as for a run that began long ago, nothing is worked out.
MOST_BYTES: Final = 100 << 20

SoFar = Literal["HOLDS_SO_FAR", "MISSED_SO_FAR", "NO_DATA_YET"]


@dataclass(frozen=True, slots=True)
class Standing:
    """Say where a threshold stands.

    Attributes:
        threshold: the threshold of the benchmark.
        observed: so far; None without data.
    """

    threshold: Threshold
    observed: float | None = None

    @property
    def so_far(self) -> SoFar:
        """Return it in words that are none of a verdict."""
        if self.observed is None:
            return "NO_DATA_YET"
        return "HOLDS_SO_FAR" if self.threshold.holds(self.observed) else "MISSED_SO_FAR"


class Standings:
    """Follow the thresholds of a benchmark.

    Attributes:
        found: where each stands, as of the last look.
        is_too_much: there was more to read than should be read beside a load.
        looks: how often it has looked.

    Args:
        folder: the folder of the benchmark in the spool.
        key: the key of the benchmark.
        thresholds: the thresholds of the benchmark.
    """

    def __init__(self, folder: Path, key: RunKey, thresholds: Sequence[Threshold]) -> None:
        self.found = [Standing(threshold) for threshold in thresholds]
        self.is_too_much = False
        self.looks = 0
        self._folder = folder
        self._key = key
        self._figures: LiveFigures | None = None
        self._next_s = 0.0
        self._read_bytes = 0

    def look(self, now_s: float) -> None:
        """Take in what is new, every `EVERY_S` at most."""
        if now_s < self._next_s or not self.found or self.is_too_much:
            return
        self._next_s = now_s + EVERY_S
        self.looks += 1
        there_bytes = _bytes_of_samples(self._folder)
        self.is_too_much = there_bytes - self._read_bytes > MOST_BYTES
        if not there_bytes or self.is_too_much:
            return
        self._read_bytes = there_bytes
        thresholds = [standing.threshold for standing in self.found]
        if self._figures is None:
            self._figures = LiveFigures(self._folder, self._key, thresholds)
        self._figures.look()
        self.found = [
            replace(standing, observed=self._figures.observe(standing.threshold))
            for standing in self.found
        ]


def _bytes_of_samples(folder: Path) -> int:
    try:
        return sum(
            entry.stat().st_size
            for entry in os.scandir(folder)
            if entry.name.startswith("samples-") and entry.name.endswith(ROWS_SUFFIX)
        )
    except OSError:
        return 0
