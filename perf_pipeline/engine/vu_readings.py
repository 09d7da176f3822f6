"""Write each second's VUs (k6's gauges vus and vus_max, and busy VUs) and dropped starts.

Add here: another gauge that is the sum of the workers' shares. Keep out: counting (part.py).
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from perf_pipeline.engine.progress import PartProgress
from perf_pipeline.metrics.sample import READING_COLUMNS
from perf_pipeline.units import US_PER_S

# Workers report at the full second, and their messages take a moment.
_AFTER_US: Final = 150_000
_WHOLE: Final = ""
_DROPPED: Final = "dropped_iterations"


class VuReadings:
    """Write a reading per second for each gauge and scenario, and for all scenarios together.

    Dropped starts, if any, are written with the second in which they were due. As with k6, whose
    gauges come once a second, a load of less than a second has no gauges.

    Args:
        folder: gets `readings-vus-<step>.csv`.
        step: step of the benchmark.
    """

    def __init__(self, folder: Path, step: str) -> None:
        self._file = (folder / f"readings-vus-{step}.csv").open("w", encoding="utf-8")
        self._file.write(",".join(READING_COLUMNS) + "\n")
        self._seconds = 0
        self._dropped: Counter[str] = Counter()

    def note(self, now_us: int, start_us: int, parts: Iterable[PartProgress]) -> None:
        """Write the newest counts once another second of the load is over.

        Args:
            now_us: µs since the benchmark's origin.
            start_us: the start of the load, counted in the same way.
            parts: the newest counts of every worker and scenario.
        """
        seconds = (now_us - start_us - _AFTER_US) // US_PER_S
        if seconds <= self._seconds:
            return
        self._seconds = seconds
        counts: Counter[tuple[str, str]] = Counter()
        found = [*parts]
        for part in found:
            gauges = {"vus": part.vus, "vus_max": part.vus_made, "vus_busy": part.active}
            for name, value in gauges.items():
                counts[name, _WHOLE] += value
                counts[name, part.name] += value
        at_us = start_us + seconds * US_PER_S
        self._write(at_us, counts)
        self._write_drops(at_us, found)
        self._file.flush()

    def end(self, now_us: int, parts: Iterable[PartProgress]) -> None:
        """Write the starts that were dropped after the last second that was noted.

        Args:
            now_us: µs since the benchmark's origin.
            parts: the last counts of every worker and scenario.
        """
        self._write_drops(now_us, parts)

    def _write_drops(self, at_us: int, parts: Iterable[PartProgress]) -> None:
        dropped: Counter[str] = Counter()
        for part in parts:
            dropped[part.name] += part.dropped
        new = dropped - self._dropped
        self._dropped = dropped
        counts = Counter({(_DROPPED, name): count for name, count in new.items()})
        if new:
            counts[_DROPPED, _WHOLE] = new.total()
        self._write(at_us, counts)

    def _write(self, at_us: int, counts: Counter[tuple[str, str]]) -> None:
        for (name, source), value in counts.items():
            self._file.write(f"{at_us},{_quoted(source)},{name},{value}\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if text else ""
