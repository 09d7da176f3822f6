"""Measure the gate on whole runs of many series: machines that change, databases that do.

Run by bench_gate.py, which prints its tables. Runs are 82 series in four tiers with CV 10 %.
Add here: another change of machine or system. Keep out: noise of a single series (bench_gate.py).
"""

import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from perf_pipeline.analysis.baseline import BaselinePolicy, Diff, DiffStatus, Series, diff
from perf_pipeline.analysis.confirmation import is_confirmed
from perf_pipeline.analysis.environment import suspects_moved, withheld
from perf_pipeline.analysis.family import agreed
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
WHOLE: Final = tuple(
    Series(metric, {"scenario": str(number)}, statistic)
    for metric in _METRICS
    for number in range(5)
    for statistic in ("med", "p(90)", "p(95)")
)[:82]
_SLOPES: Final = (0.3, 0.65, 1.0, 1.25, 1.5)
_FOUND_BY: Final = 3
_KNOWN: Final = 30
_MOST_RUNS: Final = 12
Run = tuple[list[float], Machine | None]
"""The values of a run, one for each series, and what the calibration beside it took."""

_API: Final = tuple(series for series in WHOLE if series.metric.startswith("http_"))


def lognormal(seeded: random.Random, cv: float) -> float:
    """Give a factor around 1 with this coefficient of variation."""
    return math.exp(seeded.gauss(0, math.sqrt(math.log(1 + cv**2))))


def fails(found: Sequence[Diff]) -> bool:
    """Say whether a run, the first, is a regression by its re-runs, the others."""
    again = [comparison.status for comparison in found[1:]]
    return is_confirmed(
        found[0], again, [comparison.effect.change for comparison in found[1:] if comparison.effect]
    )


@dataclass(frozen=True, slots=True)
class System:
    """Describe a system and its machine.

    Attributes:
        machine: factor of the machine's slowness.
        database: factor of the database's slowness.
        probe_cv: noise of the calibration; None without one.
        together: share of its noise that a series has in common with those of its operation.
        series: what is measured.
        slopes: how much of the machine's factor operations take on, as exponents, in turn.
        mixed: share of runs on the slower machine, also in the history; None: all of the new runs.
        cv: coefficient of variation of a series.
    """

    machine: float = 1.0
    database: float = 1.0
    probe_cv: float | None = None
    together: float = 0.0
    series: tuple[Series, ...] = WHOLE
    slopes: tuple[float, ...] = (1.0,)
    mixed: float | None = None
    cv: float = 0.1

    @property
    def before(self) -> "System":
        """Give the system of the history: no slower database, and the usual machine."""
        return replace(self, machine=1.0 if self.mixed is None else self.machine, database=1.0)

    def run(self, seeded: random.Random) -> Run:
        """Give the values of a run, and what the calibration beside it took."""
        is_slow = self.mixed is None or seeded.random() < self.mixed
        machine, sd = self.machine if is_slow else 1.0, math.sqrt(math.log(1 + self.cv**2))
        common = [seeded.gauss(0, 1) for _ in self.series]
        values = []
        for number, series in enumerate(self.series):
            own = math.sqrt(1 - self.together**2) * seeded.gauss(0, 1)
            noise = self.together * common[number // 3] + own
            tier = self.database if series.metric.startswith("db_") else 1.0
            takes_on = machine ** self.slopes[number // 3 % len(self.slopes)]
            values.append(800 * takes_on * tier * math.exp(sd * noise))
        cv = self.probe_cv
        if cv is None:
            return values, None
        parts = [0.1 * machine * lognormal(seeded, cv) for _ in range(3)]
        return values, Machine(*parts)


def judge_all(
    series: Sequence[Series], past: Sequence[Run], new: Sequence[Run]
) -> list[list[Diff]]:
    """Judge each new run by those before it; one list of diffs for each of them.

    Series after series, so that what the walks over one history have in common is remembered.
    """
    runs = [*past, *new]
    by_series = [
        [_judged(name, n, runs[:end]) for end in range(len(past) + 1, len(runs) + 1)]
        for n, name in enumerate(series)
    ]
    return [list(diffs) for diffs in zip(*by_series, strict=True)]


def _judged(series: Series, n: int, runs: Sequence[Run]) -> Diff:
    """Judge the last of these runs by the n-th of their values."""
    values, machines = [values[n] for values, _ in runs], [machine for _, machine in runs]
    known = machines[:-1] if machines[-1] is not None else ()
    return diff(series, values[-1], values[:-1], _POLICY, machine=machines[-1], machines=known)


def gated_all(judged: Sequence[Sequence[Diff]]) -> Iterator[tuple[Diff, ...]]:
    """Let families and the environment decide about one run after the other."""
    before: frozenset[int] = frozenset()
    for found in judged:
        together = agreed([("all", comparison) for comparison in found])
        suspects = frozenset(
            n for n, comparison in enumerate(together) if comparison.status in WORSE
        )
        yield withheld(together, moved=suspects_moved(suspects, before))
        before = suspects


@dataclass(frozen=True, slots=True)
class Share:
    """Hold shares of whole runs.

    Attributes:
        judged: how many runs that was.
        failed: runs that failed for what did not change, without re-runs.
        confirmed: the same after two independent re-runs of what was out of line.
        again: runs of which something is run again for nothing.
        found: databases that were called slower by run 3, without re-runs.
    """

    judged: int
    failed: int
    confirmed: int
    again: int
    found: float


def whole_runs(system: System, repeats: int, seed: int, runs_after: int = 3) -> Share:
    """Judge runs after each of many histories of 30."""
    seeded, counts, found = random.Random(seed), Counter[str](), 0
    for _ in range(repeats):
        past = [system.before.run(seeded) for _ in range(_KNOWN)]
        new = [system.run(seeded) for _ in range(runs_after)]
        judged = list(gated_all(judge_all(system.series, past, new)))
        for number, diffs in enumerate(judged):
            reruns = [system.run(seeded), system.run(seeded)]
            counts.update(_counted(system, diffs, [*past, *new[: number + 1], *reruns]))
        found += any(
            comparison.status is DiffStatus.REGRESSED and _is_slowed(comparison, system)
            for diffs in judged[:_FOUND_BY]
            for comparison in diffs
        )
    failed, confirmed, again = (counts[name] for name in ("failed", "confirmed", "again"))
    return Share(repeats * runs_after, failed, confirmed, again, found / repeats)


def _counted(system: System, diffs: Sequence[Diff], runs: Sequence[Run]) -> Iterator[str]:
    """Say what a run does for nothing; the last two of the runs are its re-runs."""
    out = [
        n
        for n, comparison in enumerate(diffs)
        if comparison.status in WORSE and not _is_slowed(comparison, system)
    ]
    if out:
        yield "again"
    if any(diffs[n].status is DiffStatus.REGRESSED for n in out):
        yield "failed"
    if any(_still_out(diffs[n], n, runs) for n in out):
        yield "confirmed"


def _is_slowed(one: Diff, system: System) -> bool:
    return system.database > 1 and one.series.metric.startswith("db_")


def _still_out(one: Diff, n: int, runs: Sequence[Run]) -> bool:
    """Say whether the n-th series fails with its re-runs, the last two runs."""
    return fails([one, _judged(one.series, n, runs[:-1]), _judged(one.series, n, runs)])


def after_a_change(factor: float, repeats: int, seed: int) -> tuple[float, float]:
    """Give the runs until a slower machine is the baseline, and the share of 2x found after it."""
    seeded, took, found = random.Random(seed), 0, 0
    quiet, slower = System(), System(machine=factor)
    planted = replace(slower, database=2.0)
    for _ in range(repeats):
        past = [quiet.run(seeded) for _ in range(_KNOWN)]
        new = [slower.run(seeded) for _ in range(_MOST_RUNS)]
        shifts = [
            shared_slowdown([shift for comparison in diffs if (shift := shift_of(comparison))])
            for diffs in gated_all(judge_all(WHOLE, past, new))
        ]
        until = next((n for n in range(1, _MOST_RUNS) if lasts(shifts[:n])), _MOST_RUNS)
        took += until
        runs = [planted.run(seeded) for _ in range(_FOUND_BY)]
        found += any(
            comparison.status is DiffStatus.REGRESSED and comparison.series.metric.startswith("db_")
            for diffs in gated_all(judge_all(WHOLE, new[until - 5 : until], runs))
            for comparison in diffs
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
    *(
        (f"{text}, probe of CV {100 * probe_cv:.0f} %", replace(system, probe_cv=probe_cv))
        for probe_cv in (0.02, 0.08)
        for text, system in (
            ("nothing changed", System()),
            ("machine x1.4", System(1.4)),
            ("machine x1.4 and database x1.5", System(1.4, 1.5)),
        )
    ),
    *(
        (f"{text}, slopes 0.3 to 1.5", replace(system, slopes=_SLOPES, probe_cv=0.04))
        for text, system in (
            ("machine x1.2", System(1.2)),
            ("machine x1.4", System(1.4)),
            ("machine x1.4, CV 3 %", System(1.4, cv=0.03)),
            ("machine x1.4 and database x1.5", System(1.4, 1.5)),
            ("API alone, machine x1.4", System(1.4, series=_API)),
            ("30 % of runs on x1.4", System(1.4, mixed=0.3)),
            ("30 % of runs on x1.4, CV 3 %", System(1.4, mixed=0.3, cv=0.03)),
            ("30 % of runs on x1.4, database x1.5", System(1.4, 1.5, mixed=0.3)),
        )
    ),
    (
        "30 % of runs on x1.4, slopes 0.3 to 1.5, probe of CV 8 %",
        System(1.4, 1.0, 0.08, slopes=_SLOPES, mixed=0.3),
    ),
)
