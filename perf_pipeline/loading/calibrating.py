"""Calibrate the load machine before and after a benchmark's load, and write it to the spool.

Add here: another moment at which the machine is calibrated; never one during a load. Keep out: the
work that is timed (probes/calibration.py).
"""

from contextlib import suppress
from dataclasses import astuple
from pathlib import Path
from typing import Final, Literal

from perf_pipeline.loading.session import Session
from perf_pipeline.metrics.sample import READING_COLUMNS
from perf_pipeline.probes.calibration import calibrate
from perf_pipeline.probes.track import csv_lines

Side = Literal["before", "after"]
_FILE: Final = "readings-calibration-{}.csv"


def calibrated(session: Session, folder: Path, origin_ns: int, side: Side) -> list[str]:
    """Calibrate, keep the readings, and return one sentence for each thing that did not work.

    Nothing is done where the profile says so (`calibration = false`) or the run was stopped. The
    file is whole or not there.

    Args:
        session: the run.
        folder: of the benchmark in the spool.
        origin_ns: `time.monotonic_ns()` of the benchmark's origin.
        side: of the load.
    """
    if not session.profile.calibration or session.stop.is_set():
        return []
    done = calibrate(folder, side, origin_ns)
    path = folder / _FILE.format(side)
    try:
        path.write_bytes(csv_lines([READING_COLUMNS, *map(astuple, done.readings)]))
    except OSError as error:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        return [f"the calibration {side} the load can't be written: {error.strerror}"]
    return done.problems
