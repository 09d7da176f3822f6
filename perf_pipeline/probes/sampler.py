"""The sampler: one thread per probe on an absolute schedule; every reading has its real time.

Add here: behaviour of all probes. Keep out: details of a single probe, and the load.
"""

import re
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from perf_pipeline.probes.probe import Probe
from perf_pipeline.probes.track import Track

BEFORE_S: Final = 5.0
AFTER_S: Final = 5.0
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")


class Sampler:
    """Sample probes from before a load until after it; a failing probe never ends the load.

    `start`, or entering the context, returns once every probe has given its first reading, has
    failed, or `BEFORE_S` have passed. Leaving takes one last reading of each. Readings are in
    `<folder>/readings-<probe>.csv` (READING_COLUMNS), one write of whole lines per reading, so a
    crash keeps what was read. Each probe has its own thread: a probe that hangs delays no other,
    and a slow probe skips ticks of its schedule instead of running ever later;
    `sampling_interval_s` shows how far apart its readings really are.

    Args:
        probes: the probes, each with its interval in µs.
        folder: the benchmark's folder in the spool; it is created if missing.
        origin_ns: `time.monotonic_ns()` of the benchmark's origin.

    Raises:
        ValueError: two probes share a name, a name is not a file name, or an interval is not
            positive.
    """

    def __init__(self, probes: Sequence[tuple[Probe, int]], folder: Path, origin_ns: int) -> None:
        _validate(probes)
        self._folder = folder
        self._stop = threading.Event()
        self._overdue: list[str] = []
        self._tracks = [
            Track(probe, interval_us, folder / f"readings-{probe.name}.csv", origin_ns, self._stop)
            for probe, interval_us in probes
        ]
        self._threads = [
            threading.Thread(target=track.run, name=f"probe-{track.name}", daemon=True)
            for track in self._tracks
        ]

    @property
    def problems(self) -> tuple[str, ...]:
        """Return one sentence per failed probe: since when, how often, and whether it recovered."""
        found = (track.problem for track in self._tracks)
        return (*(problem for problem in found if problem), *self._overdue)

    def start(self) -> None:
        """Start all threads and wait for the first readings; call it only once."""
        if any(map(_has_begun, self._threads)):
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        for thread in self._threads:
            thread.start()
        deadline = time.monotonic() + BEFORE_S
        for track in self._tracks:
            track.began.wait(max(0.0, deadline - time.monotonic()))

    def stop(self) -> None:
        """Take the last readings and end all threads within `AFTER_S`.

        It does nothing if nothing was started, and skips threads that could not be started.
        """
        self._stop.set()
        deadline = time.monotonic() + AFTER_S
        for track, thread in zip(self._tracks, self._threads, strict=True):
            if not _has_begun(thread):
                continue
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                track.abandon()
                self._overdue.append(
                    f"probe {track.name} did not answer within {AFTER_S:g} s at the end; "
                    "its last reading is missing"
                )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def _has_begun(thread: threading.Thread) -> bool:
    return thread.ident is not None


def _validate(probes: Sequence[tuple[Probe, int]]) -> None:
    names = [probe.name for probe, _ in probes]
    for name in names:
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"probe name {name!r} can't be the name of a file; use letters, digits, - and _"
            )
    if len(set(names)) < len(names):
        raise ValueError(f"two probes share a name: {', '.join(sorted(names))}")
    for probe, interval_us in probes:
        if interval_us < 1:
            raise ValueError(
                f"probe {probe.name} has the interval {interval_us} µs; it must be at least 1"
            )
