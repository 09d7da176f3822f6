"""Convert the spool of a worker whose host's clock drifted to the driver's times.

The worker wrote the times of its own clock. When the spool is complete, every time is corrected by
the course of that clock, and the seal is rewritten; the course is kept next to it. Durations change
as well, because they were measured by a clock with the wrong rate.

Add here: another file with times. Keep out: finding the course (clock_course.py).
"""

import csv
import json
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from perf_pipeline.engine.spool_writer import quoted, write_seal
from perf_pipeline.fleet.clock_course import ClockCourse
from perf_pipeline.metrics.sample import LedgerEvent
from perf_pipeline.metrics.spool_rows import (
    HEAD_BYTES,
    ITERATION_ROWS,
    KIND,
    KINDS_PREFIX,
    SAMPLE_ROWS,
    RowLayout,
)
from perf_pipeline.metrics.spool_seal import SEAL_PREFIX, FileFacts, RunningFacts, unsealed

_ROWS_AT_ONCE: Final = 1 << 18
_PART: Final = ".part"
_MIXERS: Final = tuple(np.uint64(n) for n in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F))
_LAYOUTS: Final[Mapping[str, RowLayout]] = {"iterations": ITERATION_ROWS, "samples": SAMPLE_ROWS}

Rows = NDArray[np.void]
Micros = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Shifts:
    """Hold the corrections of a worker's times, in µs since the benchmark's origin.

    Attributes:
        at_us: increasing moments by the worker's clock.
        by_us: the amounts to add at these moments; linear in between.
    """

    at_us: tuple[float, ...]
    by_us: tuple[float, ...]

    @classmethod
    def of(cls, course: ClockCourse, origin_ns: int) -> "Shifts":
        """Invert a course: from the worker's time to the driver's.

        The worker already counts from the origin as its host's clock was before the load.
        """
        # A clock that was set back shows some times twice; the map uses the later ones.
        ahead_ns = [offset - course.offset_ns[0] for offset in course.offset_ns]
        at_us = (
            (at + ahead - origin_ns) / 1_000
            for at, ahead in zip(course.at_ns, ahead_ns, strict=True)
        )
        return cls(tuple(accumulate(at_us, max)), tuple(-ahead / 1_000 for ahead in ahead_ns))

    def applied(self, times_us: Micros) -> Micros:
        """Convert times of the worker's clock to the driver's."""
        by_us = np.interp(times_us, self.at_us, self.by_us)
        return times_us + np.rint(by_us).astype(np.int64)

    def of_plan(self, times_us: Micros) -> Micros:
        """Convert planned times, which refer to the driver's clock.

        A start that was late because the clock is behind counts from the planned time; a start that
        was early because the clock is ahead counts from the worker's own time, since nothing
        waited.
        """
        return np.minimum(times_us, self.applied(times_us))


class SpoolCorrection:
    """Move the times in one worker's closed files.

    Args:
        folder: the folder of the benchmark in the spool; all that the worker sealed is in it.
        own: `<step>-<worker>`.
        shifts: the corrections.
        planned: scenarios whose iterations have intended starts of the plan.
    """

    def __init__(self, folder: Path, own: str, shifts: Shifts, planned: Collection[str]) -> None:
        self._folder = folder
        self._own = own
        self._shifts = shifts
        self._planned = planned
        self._starts: NDArray[np.uint64] = np.empty(0, np.uint64)
        self._intended_us: Micros = np.empty(0, np.int64)

    def apply(self) -> None:
        """Correct rows, iterations and ledger, and seal them; without a seal nothing is changed.

        Raises:
            OSError: a file can't be read or written.
            ValueError: a file is not as its worker wrote it.
        """
        seal = self._folder / f"{SEAL_PREFIX}{self._own}.json"
        if not seal.exists():
            return
        text, _ = unsealed(seal.read_bytes())
        facts = {name: FileFacts.from_json(its) for name, its in json.loads(text).items()}
        changed: dict[str, FileFacts] = {}
        for kind, layout in _LAYOUTS.items():  # iterations first: they show what was planned
            if (name := f"{kind}-{self._own}.npy") in facts:
                changed[name] = self._with_rows(name, layout)
        if (name := f"ledger-{self._own}.csv") in facts:
            changed[name] = self._with_ledger(name)
        self._keep_course()
        for name in changed:
            (self._folder / f"{name}{_PART}").replace(self._folder / name)
        write_seal(seal, facts | changed)

    def _keep_course(self) -> None:
        """Record the corrections, so that they can be undone."""
        told = {"at_us": self._shifts.at_us, "by_us": self._shifts.by_us}
        (self._folder / f"clock-{self._own}.json").write_text(json.dumps(told), encoding="utf-8")

    def _with_rows(self, name: str, layout: RowLayout) -> FileFacts:
        path, part = self._folder / name, self._folder / f"{name}{_PART}"
        shutil.copyfile(path, part)
        dtype, size = np.dtype(layout.types), path.stat().st_size - HEAD_BYTES
        if size < 0 or size % dtype.itemsize:
            raise ValueError(f"{name} ends within a row")
        planned = self._planned_kinds(path)
        running = RunningFacts(name)
        with part.open("r+b") as file:
            head = file.read(HEAD_BYTES)
            for begin in range(0, size // dtype.itemsize, _ROWS_AT_ONCE):
                file.seek(at := HEAD_BYTES + begin * dtype.itemsize)
                rows = np.frombuffer(file.read(_ROWS_AT_ONCE * dtype.itemsize), dtype).copy()
                self._move(rows, planned, is_first=layout is ITERATION_ROWS)
                file.seek(at)
                file.write(data := rows.tobytes())
                running.add(data)
        return running.closed(head)

    def _planned_kinds(self, path: Path) -> NDArray[np.uint32]:
        """Return for each kind of row the number of its scenario; 0 if nothing was planned."""
        numbers = {name: number for number, name in enumerate(sorted(self._planned), 1)}
        kinds = path.with_name(f"{KINDS_PREFIX}{path.stem}.csv")
        with kinds.open(encoding="utf-8", newline="") as file:
            found = [numbers.get(row["scenario"], 0) for row in csv.DictReader(file)]
        return np.array(found, np.uint32)

    def _move(self, rows: Rows, planned: NDArray[np.uint32], *, is_first: bool) -> None:
        scenario = planned[rows[KIND]]
        starts = _starts(rows, scenario)
        if is_first:
            is_plan = scenario > 0
            self._starts = np.append(self._starts, starts[is_plan])
            self._intended_us = np.append(self._intended_us, rows["intended_us"][is_plan])
        else:  # later operations of an iteration were intended when the one before them ended
            is_plan = (scenario > 0) & np.isin(starts, self._starts)
        intended_us = rows["intended_us"]
        rows["intended_us"] = np.where(
            is_plan, self._shifts.of_plan(intended_us), self._shifts.applied(intended_us)
        )
        for column in ("started_us", "ended_us"):
            rows[column] = self._shifts.applied(rows[column])

    def _with_ledger(self, name: str) -> FileFacts:
        running, planned = RunningFacts(name), frozenset(self._intended_us.tolist())
        with (
            (self._folder / name).open(encoding="utf-8", newline="") as read,
            (self._folder / f"{name}{_PART}").open("wb") as written,
        ):
            for row in csv.reader(read):
                piece = (",".join(map(quoted, self._moved_entry(row, planned))) + "\n").encode()
                written.write(piece)
                running.add(piece)
        return running.closed()

    def _moved_entry(self, row: list[str], planned: Collection[int]) -> list[str]:
        message, event, at = row
        if not at.lstrip("-").isdigit():  # the header
            return row
        time_us = np.array([int(at)], np.int64)
        is_plan = event == LedgerEvent.INTENDED and int(at) in planned
        moved = self._shifts.of_plan(time_us) if is_plan else self._shifts.applied(time_us)
        return [message, event, str(moved[0])]


def _starts(rows: Any, scenario: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """Number the starts of iterations: of a scenario, a virtual user, its iteration, a moment."""
    number: NDArray[np.uint64] = rows["vu"].astype(np.uint64) << np.uint64(32)
    number ^= scenario.astype(np.uint64)
    for mixer, column in zip(_MIXERS, ("iteration", "intended_us"), strict=True):
        number = number * mixer ^ rows[column].astype(np.uint64)
    return number
