"""Measure the gate on whole runs of many series: machines that change, databases that do.

Run by bench_gate.py, which prints its tables. Runs are 82 series in four tiers with CV 10 %.
Add here: another change of machine or system. Keep out: noise of a single series (bench_gate.py).
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from perf_pipeline.analysis.baseline import BaselinePolicy, Diff, DiffStatus, Series, diff
from perf_pipeline.analysis.confirmation import is_confirmed
from perf_pipeline.analysis.environment import suspects_moved, withheld
from perf_pipeline.analysis.machine import Machine
from perf_pipeline.analysis.shared import lasts, shared_slowdown, shift_of
from perf_pipeline.analysis.suspicion import WORSE

_POLICY: Final = BaselinePolicy()
_METRICS: Final = (
    "http_req_duration",
    "http_req_waiting",
    "http_req_receiving",
    "db_query_duration",
    "message_delivery_duration",
    "message_processing_duration",
)
_WHOLE: Final = tuple(
    Series(metric, {"scenario": str(number)}, statistic)
    for metric in _METRICS
    for number in range(5)
    for statistic in ("med", "p(90)", "p(95)")
)[:82]
_API: Final = tuple(series for series in _WHOLE if series.metric.startswith("http_"))


def lognormal(seeded: random.Random, cv: float) -> float:
    """Give a factor around 1 with this coefficient of variation."""
    return math.exp(seeded.gauss(0, math.sqrt(math.log(1 + cv**2))))


def fails(found: Sequence[Diff]) -> bool:
    """Say whether a run, the first, is a regression by its re-runs, the others."""
    again = [one.status for one in found[1:]]
    return is_confirmed(found[0], again, [one.effect.change for one in found[1:] if one.effect])


@dataclass(frozen=True, slots=True)
class System:
    """Describe a system and its machine.

    Attributes:
        machine: factor of the machine's slowness.
        database: factor of the database's slowness.
        probe_cv: noise of the calibration; None without one.
        together: share of its noise that a series has in common with those of its operation.
        series: what is measured.
    """

    machine: float = 1.0
    database: float = 1.0
    probe_cv: float | None = None
    together: float = 0.0
    series: tuple[Series, ...] = _WHOLE

    def run(self, seeded: random.Random) -> tuple[list[float], Machine | None]:
        """Give the values of a run, and what the calibration beside it took."""
        common = [seeded.gauss(0, 1) for _ in self.series]
        values = []
        for number, series in enumerate(self.series):
            own = math.sqrt(1 - self.together**2) * seeded.gauss(0, 1)
            noise = self.together * common[number // 3] + own
            tier = self.database if series.metric.startswith("db_") else 1.0
            values.append(800 * self.machine * tier * math.exp(0.09975 * noise))
        cv = self.probe_cv
        if cv is None:
            return values, None
        parts = [0.1 * self.machine * lognormal(seeded, cv) for _ in range(3)]
        return values, Machine(*parts)


@dataclass(slots=True)
class Past:
    """Hold the runs so far of a system, for judging the next."""

    series: tuple[Series, ...]
    runs: list[tuple[list[float], Machine | None]]
    suspects: frozenset[int] = frozenset()

    def judge(self, run: tuple[list[float], Machine | None]) -> tuple[Diff, ...]:
        """Judge a run and add it."""
        values, machine = run
        machines = [one for _, one in self.runs] if machine is not None else []
        found = [
            diff(
                series,
                values[n],
                [before[n] for before, _ in self.runs],
                _POLICY,
                machine=machine,
                machines=machines,
            )
            for n, series in enumerate(self.series)
        ]
        suspects = frozenset(n for n, one in enumerate(found) if one.status in WORSE)
        result = withheld(found, moved=suspects_moved(suspects, self.suspects))
        self.suspects = suspects
        self.runs.append(run)
        return result


@dataclass(frozen=True, slots=True)
class Share:
    """Hold shares of whole runs.

    Attributes:
        failed: runs that failed for what did not change, without re-runs.
        confirmed: the same after two independent re-runs of what was out of line.
        found: databases that were called slower by run 3, without re-runs.
    """

    failed: float
    confirmed: float
    found: float


def whole_runs(system: System, repeats: int, seed: int) -> Share:
    """Judge three runs after each of many histories of 30."""
    seeded, failed, confirmed, found = random.Random(seed), 0, 0, 0
    quiet = replace(system, machine=1.0, database=1.0)
    for _ in range(repeats):
        past = Past(system.series, [quiet.run(seeded) for _ in range(30)])
        regressed: set[bool] = set()
        for _ in range(3):
            judged = past.judge(system.run(seeded))
            runs = [*past.runs, system.run(seeded), system.run(seeded)]
            called = {
                _is_slowed(one, system) for one in judged if one.status is DiffStatus.REGRESSED
            }
            failed += False in called
            confirmed += any(
                _still_out(one, [values[n] for values, _ in runs], [machine for _, machine in runs])
                for n, one in enumerate(judged)
                if one.status in WORSE and not _is_slowed(one, system)
            )
            regressed |= called
        found += True in regressed
    judged_runs = 3 * repeats
    return Share(failed / judged_runs, confirmed / judged_runs, found / repeats)


def _is_slowed(one: Diff, system: System) -> bool:
    return system.database > 1 and one.series.metric.startswith("db_")


def _still_out(one: Diff, values: Sequence[float], machines: Sequence[Machine | None]) -> bool:
    """Say whether a series fails with its re-runs, the last two of the values."""
    again = [
        diff(
            one.series,
            values[end],
            values[:end],
            _POLICY,
            machine=machines[end],
            machines=machines[:end],
        )
        for end in (-2, -1)
    ]
    return fails([one, *again])


def after_a_change(factor: float, repeats: int, seed: int) -> tuple[float, float]:
    """Give the runs until a slower machine is the baseline, and the share of 2x found after it."""
    seeded, took, found = random.Random(seed), 0, 0
    quiet, slower = System(), System(machine=factor)
    for _ in range(repeats):
        past = Past(_WHOLE, [quiet.run(seeded) for _ in range(30)])
        shifts: list[float] = []
        while not lasts(shifts) and len(shifts) < 20:
            judged = past.judge(slower.run(seeded))
            shifts.append(shared_slowdown([one for d in judged if (one := shift_of(d))]))
        took += len(shifts)
        past = Past(_WHOLE, past.runs[-5:])
        planted = replace(slower, database=2.0)
        found += any(
            one.status is DiffStatus.REGRESSED and one.series.metric.startswith("db_")
            for _ in range(3)
            for one in past.judge(planted.run(seeded))
        )
    return took / repeats, found / repeats


SYSTEMS: Final[tuple[tuple[str, System], ...]] = (
    ("nothing changed, independent series", System()),
    ("nothing changed, 90 % of noise in common", System(together=0.9)),
    ("a database x1.5", System(database=1.5)),
    ("a database x1.5, calibrated", System(database=1.5, probe_cv=0.04)),
    *(
        (f"machine x{factor}{', calibrated' if probe_cv else ''}", System(factor, 1.0, probe_cv))
        for factor in (1.1, 1.2, 1.4)
        for probe_cv in (None, 0.04)
    ),
    ("machine x1.6, API alone, calibrated", System(1.6, probe_cv=0.04, series=_API)),
    ("machine x1.4 and database x1.5", System(1.4, 1.5)),
    ("machine x1.4 and database x1.5, calibrated", System(1.4, 1.5, 0.04)),
)
