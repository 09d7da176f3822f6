"""Calibrate the load machine before and after a benchmark's load, and write readings to the spool.

If one load follows another within seconds, the calibration between them counts as after the first
and before the second.

Add here: another moment at which the machine is calibrated; never one during a load. Keep out: the
work that is timed (probes/calibration.py).
"""

import time
from contextlib import suppress
from dataclasses import astuple
from pathlib import Path
from typing import Final, Literal

from perf_pipeline.loading.session import Session
from perf_pipeline.metrics.sample import READING_COLUMNS
from perf_pipeline.probes.calibration import Calibrated, calibrate
from perf_pipeline.probes.track import csv_lines

Side = Literal["before", "after"]
_FILE: Final = "readings-calibration-{}.csv"


def calibrated(session: Session, folder: Path, origin_ns: int, side: Side) -> list[str]:
    """Calibrate, keep the readings, and return a sentence for each part that did not work.

    Nothing is done if the profile says so (`calibration = false`), if other machines generate the
    load (a fleet), or if the run was stopped. The file is either complete or absent.

    Args:
        session: the run.
        folder: the folder of the benchmark in the spool.
        origin_ns: `time.monotonic_ns()` of the benchmark's origin.
        side: the side of the load.
    """
    if not session.profile.calibration or session.stop.is_set() or session.fleet is not None:
        return []
    done = _done(session, folder, origin_ns, side)
    path = folder / _FILE.format(side)
    try:
        path.write_bytes(csv_lines([READING_COLUMNS, *map(astuple, done.readings)]))
    except OSError as error:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        return [f"the calibration {side} the load can't be written: {error.strerror}"]
    return done.problems


def _done(session: Session, folder: Path, origin_ns: int, side: Side) -> Calibrated:
    last = session.last_calibration
    if side == "before":
        now_us = (time.monotonic_ns() - origin_ns) // 1_000
        if known := last.taken(session.run_id, origin_ns, now_us, side):
            return Calibrated(known, [])
    session.storing.await_end()
    done = calibrate(folder, side, origin_ns)
    if side == "after" and not done.problems:
        last.keep(session.run_id, origin_ns, done.readings)
    return done
