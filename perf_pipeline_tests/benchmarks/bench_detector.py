"""Measure the gate and the history pass on seeded synthetic histories: false alarms, power, time.

Run with: python perf_pipeline_tests/benchmarks/bench_detector.py [histories per row]

Runs are log-normal around 800 ms. The first four rows are what is required of the gate.
Add here: another property of a history that could deceive the gate. Keep out: assertions (tests
have them).
"""

import math
import random
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Final

from perf_pipeline.analysis.baseline import Diff, DiffStatus, Series, diff, release_diff
from perf_pipeline.analysis.change_point import change_points
from perf_pipeline.analysis.suspicion import BaselinePolicy
from perf_pipeline.metrics.catalog import Kind

SEED: Final = 20_261_101
_SERIES: Final = Series("http_req_duration", {}, "p(95)")
_POLICY: Final = BaselinePolicy()
_CENTRE_MS: Final = 800.0
_NEXT_RUNS: Final = 20
_BY_RUN: Final = 3
_OUTLIERS: Final = (2.0, 3.0, 0.5)
_DATED_WITHIN_RUNS: Final = 2


@dataclass(frozen=True, slots=True)
class Noise:
    """Describe how runs scatter.

    Attributes:
        cv: coefficient of variation of a run.
        outliers: share of runs that are multiplied by 2, 3 or 0.5.
        autocorrelation: of a run with the one before (AR(1) of the logarithms).
        drift: growth per run, 0.002 = 0.2 %.
    """

    cv: float
    outliers: float = 0.0
    autocorrelation: float = 0.0
    drift: float = 0.0

    def runs(self, seeded: random.Random) -> Iterator[float]:
        """Give runs without end."""
        sd = math.sqrt(math.log(1 + self.cv**2))
        rho, number = self.autocorrelation, 0
        state = seeded.gauss(0, sd)
        while True:
            factor = seeded.choice(_OUTLIERS) if seeded.random() < self.outliers else 1.0
            yield _CENTRE_MS * factor * math.exp(state + number * math.log1p(self.drift))
            state = rho * state + math.sqrt(1 - rho**2) * seeded.gauss(0, sd)
            number += 1


Judge = Callable[[float, list[float]], Diff]


def _by_history(value: float, history: list[float]) -> Diff:
    return diff(_SERIES, value, history, _POLICY)


def _by_release_of(release: list[float]) -> Judge:
    def judge(value: float, history: list[float]) -> Diff:
        since = history[len(release) :]
        return release_diff(_SERIES, value, release, since, against="v1", policy=_POLICY)

    return judge


def _alarms(
    noise: Noise, known: int, seeded: random.Random, *, runs: int, factor: float, pinned: bool
) -> int:
    """Count the regressions called in the next runs after a history of `known`."""
    source = noise.runs(seeded)
    history = [next(source) for _ in range(known)]
    judge = _by_release_of(list(history)) if pinned else _by_history
    alarms = 0
    for _ in range(runs):
        value = factor * next(source)
        alarms += judge(value, history).status is DiffStatus.REGRESSED
        history.append(value)
    return alarms


def _false_alarms(
    text: str, noise: Noise, known: int, histories: int, limit: str = "", *, pinned: bool = False
) -> None:
    seeded = random.Random(SEED)
    counts = [
        _alarms(noise, known, seeded, runs=_NEXT_RUNS, factor=1.0, pinned=pinned)
        for _ in range(histories)
    ]
    in_any = sum(count > 0 for count in counts) / histories
    per_run = sum(counts) / histories / _NEXT_RUNS
    _row(text, known, f"{in_any:.1%}", f"{per_run:.2%}", limit)


def _power(noise: Noise, known: int, factor: float, histories: int, limit: str = "") -> None:
    seeded = random.Random(SEED + 1)
    found = sum(
        _alarms(noise, known, seeded, runs=_BY_RUN, factor=factor, pinned=False) > 0
        for _ in range(histories)
    )
    share = found / histories
    _row(f"{factor - 1:+.0%}", f"{noise.cv:.0%}", known, f"{share:.0%}", limit)


def _dating(cv: float, runs: int, factor: float, histories: int) -> None:
    """Print how often a history with one step of this size (1: none) is dated, and how well."""
    seeded = random.Random(SEED + 2)
    step, dated, right = runs * 2 // 3, 0, 0
    for _ in range(histories):
        source = Noise(cv).runs(seeded)
        values = [next(source) * (factor if n >= step else 1.0) for n in range(runs)]
        found = change_points(values, Kind.TREND, _POLICY)
        dated += bool(found)
        right += any(abs(point.index - step) <= _DATED_WITHIN_RUNS for point in found)
    exact = f"{right / histories:.0%}" if factor > 1 else "-"
    _row(f"{factor - 1:+.0%}", f"{cv:.0%}", runs, f"{dated / histories:.1%}", exact)


def _row(*cells: object) -> None:
    """Print a row; a per cent sign stands apart from its number, as in the reports."""
    text = " | ".join(str(cell) for cell in cells)
    print(f"| {re.sub(r'(?<=[0-9])%', ' %', text)} |", flush=True)


def _times() -> None:
    source = Noise(0.05).runs(random.Random(SEED))
    values = [next(source) for _ in range(300)]
    steps = [value * (1.2 if 100 <= n < 200 else 1.0) for n, value in enumerate(values)]
    tasks: dict[str, Callable[[], object]] = {
        "change points of 300 runs, no change": lambda: change_points(values, Kind.TREND),
        "change points of 300 runs, two changes": lambda: change_points(steps, Kind.TREND),
        "one run against 30": lambda: diff(_SERIES, values[-1], values[:30], _POLICY),
        "one run against 60": lambda: diff(_SERIES, values[-1], values[:60], _POLICY),
    }
    for name, task in tasks.items():
        task()
        took = []
        for _ in range(9):
            began = perf_counter()
            task()
            took.append(perf_counter() - began)
        _row(name, f"{1e3 * median(took):.1f}")


def main() -> None:
    """Print the tables of docs/statistics.md."""
    histories = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    print("| identical runs | history | any alarm in 20 runs | alarms per run | required |")
    print("|---|---|---|---|---|")
    _false_alarms("CV 10 %", Noise(0.10), 30, histories, "any alarm at most 3 %")
    _false_alarms(
        "CV 10 %, 5 % outliers", Noise(0.10, outliers=0.05), 30, histories, "per run at most 1.5 %"
    )
    for cv, known in ((0.03, 30), (0.20, 30), (0.10, 10), (0.10, 5)):
        _false_alarms(f"CV {cv:.0%}", Noise(cv), known, histories)
    for rho in (0.3, 0.6):
        noise = Noise(0.10, autocorrelation=rho)
        _false_alarms(f"CV 10 %, autocorrelation {rho}", noise, 30, histories)
    _false_alarms("CV 10 %, pinned release", Noise(0.10), 30, histories, pinned=True)
    _false_alarms("CV 10 %, pinned release of one run", Noise(0.10), 1, histories, pinned=True)
    drifting = Noise(0.03, drift=0.01)
    _false_alarms("CV 3 %, drift +1 % a run (is a change)", drifting, 10, histories)
    _false_alarms("the same, pinned release", drifting, 10, histories, pinned=True)
    print("\n| slowdown | CV | history | found by run 3 | required |\n|---|---|---|---|---|")
    _power(Noise(0.10), 30, 1.5, histories, "at least 90 %")
    _power(Noise(0.03), 30, 1.1, histories, "at least 55 %")
    for cv in (0.03, 0.10, 0.20):
        for factor in (1.1, 1.25, 1.5):
            for known in (5, 10, 30):
                _power(Noise(cv), known, factor, histories)
    print("\n| step | CV | runs | dated | within 2 runs |\n|---|---|---|---|---|")
    for factor in (1.0, 1.1, 1.25):
        for cv in (0.03, 0.10):
            for runs in (12, 30, 100):
                _dating(cv, runs, factor, histories)
    print("\n| task | ms |\n|---|---|")
    _times()


if __name__ == "__main__":
    main()
