"""Keep the newest calibration of a run, which the next load also uses if it follows soon.

Add here: another rule on when a calibration is too old. Keep out: what is timed
(probes/calibration.py), and the files (calibrating.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from perf_pipeline.metrics.sample import Reading

FRESH_US: Final = 3_000_000
"""A calibration that began longer ago says nothing of the machine now."""


@dataclass(slots=True)
class LastCalibration:
    """Keep the readings after a load until the next one takes them, once.

    Attributes:
        run_id: the id of the load; re-runs are runs of their own, and each is calibrated by itself.
        origin_ns: what the readings' times count from, as `time.monotonic_ns` reads it.
        readings: the readings of the calibration; empty where a part of it could not be timed.
    """

    run_id: str = ""
    origin_ns: int = 0
    readings: Sequence[Reading] = ()

    def keep(self, run_id: str, origin_ns: int, readings: Sequence[Reading]) -> None:
        """Keep the readings after a load."""
        self.run_id, self.origin_ns, self.readings = run_id, origin_ns, readings

    def taken(self, run_id: str, origin_ns: int, now_us: int, side: str) -> list[Reading]:
        """Return them as readings of the next load, and forget them.

        Their times are before its origin and thus negative. It is empty without fresh readings of
        this run.

        Args:
            run_id: the id of the next load.
            origin_ns: the origin, in `time.monotonic_ns`, of the next load.
            now_us: µs since that origin.
            side: the source that the readings get.
        """
        found, self.readings = self.readings, ()
        shift_us = (self.origin_ns - origin_ns) // 1_000
        if run_id != self.run_id or any(
            now_us - (reading.at_us + shift_us) > FRESH_US for reading in found
        ):
            return []
        return [replace(reading, at_us=reading.at_us + shift_us, source=side) for reading in found]
