"""The thread of one probe: when it reads, where it writes, and what it does when the probe fails.

Add here: a rule about a probe's schedule or file. Keep out: starting and ending several of them
(sampler), and what is read.
"""

import csv
import io
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import astuple
from math import isfinite
from pathlib import Path
from traceback import extract_tb
from typing import Final

from perf_pipeline.metrics.sample import READING_COLUMNS, Reading
from perf_pipeline.probes.probe import Probe, ProbeError
from perf_pipeline.units import US_PER_S, format_duration

# Rates need a time span; with this one, even the reading before the load has rates.
LEAD_US: Final = 250_000
LONGEST_BACK_OFF_US: Final = 10 * US_PER_S


class Track:
    """Read one probe at the start, on every tick that it can keep up with, and at the end.

    Args:
        probe: the probe that is read.
        interval_us: the time between two ticks.
        path: the file of its readings, which is replaced.
        origin_ns: `time.monotonic_ns()` of the benchmark's origin.
        stop: an event that is set when the load is over.
    """

    def __init__(
        self, probe: Probe, interval_us: int, path: Path, origin_ns: int, stop: threading.Event
    ) -> None:
        self.name = probe.name
        self.began = threading.Event()
        self._probe = probe
        self._interval_us = interval_us
        self._path = path
        self._origin_ns = origin_ns
        self._stop = stop
        self._is_abandoned = False
        self._is_open = False
        self._last_us: int | None = None
        self._sentence = ""
        self._failed_at_us = 0
        self._failures = 0
        self._in_a_row = 0
        self._back_at_us: int | None = None

    @property
    def problem(self) -> str:
        """Return one sentence on what went wrong; empty if nothing did."""
        if not self._failures:
            return ""
        times = "once" if self._failures == 1 else f"{self._failures} times"
        back = (
            "it has not answered since"
            if self._back_at_us is None
            else f"it answered again {_moment(self._back_at_us)}"
        )
        first = _moment(self._failed_at_us)
        return f"probe {self.name} failed {times}, first {first}: {self._sentence}; {back}"

    def abandon(self) -> None:
        """Stop writing, because the file is about to be read."""
        self._is_abandoned = True

    def run(self) -> None:
        """Read until stopped; this is the body of the thread."""
        try:
            with self._path.open("wb", buffering=0) as file:
                self._sample(file)
        except OSError as error:
            self._note(f"its readings can't be written to {self._path.name}: {error.strerror}")
        finally:
            self.began.set()
            self._close()

    def _sample(self, file: io.FileIO) -> None:
        file.write(csv_lines([READING_COLUMNS]))
        first_tick_us = self._now_us() + LEAD_US
        while True:
            self._read_once(file)
            self.began.set()
            if self._wait_until(self._next_us(first_tick_us)):
                break
        if self._is_open:
            self._read_once(file)

    def _read_once(self, file: io.FileIO) -> None:
        try:
            self._open()
            at_us = self._now_us()
            readings = _finite(self._probe.read(at_us))
        except ProbeError as error:
            self._fail(error.sentence)
        except Exception as error:  # noqa: BLE001 - a probe's mistake must not end the load; `problem` reports it
            self._fail(_without_secrets(error))
        else:
            self._write(file, at_us, readings)

    def _open(self) -> None:
        if not self._is_open:
            self._probe.open()
            self._is_open = True
            self._wait_until(self._now_us() + LEAD_US)

    def _write(self, file: io.FileIO, at_us: int, readings: list[Reading]) -> None:
        if self._is_abandoned:
            return
        if self._last_us is not None:
            distance_s = (at_us - self._last_us) / US_PER_S
            readings = [*readings, Reading(at_us, self.name, "sampling_interval_s", distance_s)]
        if self._failures and self._back_at_us is None:
            self._back_at_us = at_us
        self._last_us, self._in_a_row = at_us, 0
        file.write(csv_lines(astuple(reading) for reading in readings))

    def _next_us(self, first_tick_us: int) -> int:
        """Return the next tick in the future; after failures, the first one after the back-off."""
        now_us = self._now_us()
        if self._in_a_row:
            doubled_us = self._interval_us << min(self._in_a_row - 1, 20)
            now_us += min(doubled_us, max(LONGEST_BACK_OFF_US, self._interval_us))
        past = max(0, now_us - first_tick_us) // self._interval_us
        return first_tick_us + (past + 1) * self._interval_us

    def _wait_until(self, at_us: int) -> bool:
        """Wait until a time, and say whether the load is over."""
        while (left_us := at_us - self._now_us()) > 0:
            if self._stop.wait(left_us / US_PER_S):
                return True
        return self._stop.is_set()

    def _fail(self, sentence: str) -> None:
        self._note(sentence)
        self._close()

    def _note(self, sentence: str) -> None:
        if not self._failures:
            self._sentence, self._failed_at_us = sentence, self._now_us()
        self._failures += 1
        self._in_a_row += 1
        self._back_at_us = None

    def _close(self) -> None:
        self._is_open = False
        try:
            self._probe.close()
        except Exception as error:  # noqa: BLE001 - as in `_read_once`
            self._note(_without_secrets(error))

    def _now_us(self) -> int:
        return (time.monotonic_ns() - self._origin_ns) // 1_000


def _finite(readings: list[Reading]) -> list[Reading]:
    """Return the readings.

    Raises:
        ProbeError: a reading is not a finite number, and would be left out of every figure.
    """
    for reading in readings:
        if not isfinite(reading.value):
            raise ProbeError(
                f"{reading.name} of {reading.source} is {reading.value}, "
                "which is not a finite number"
            )
    return readings


def csv_lines(rows: Iterable[Sequence[object]]) -> bytes:
    """Return rows as whole lines of the spool, for one write."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _without_secrets(error: Exception) -> str:
    """Name an unexpected error by its class and place, because its text may quote a DSN."""
    places = extract_tb(error.__traceback__)
    where = f" at {Path(places[-1].filename).name}:{places[-1].lineno}" if places else ""
    return f"unexpected {type(error).__name__}{where}"


def _moment(at_us: int) -> str:
    when = format_duration(round(abs(at_us), -3))
    return f"{when} before the start" if at_us < 0 else f"after {when}"
