"""Measure what a correction for many series would buy and cost: false alarms of a run, power.

Run with: PYTHONPATH=. python perf_pipeline_tests/benchmarks/bench_series.py [repeats]

Series are independent, which is the worst case: those of one benchmark mostly move together.
Add here: another correction. Keep out: the gate itself (analysis/).
"""

import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from scipy.special import stdtr

from perf_pipeline.analysis.suspicion import BaselinePolicy, suspicion
from perf_pipeline.analysis.window import unsuspicious
from perf_pipeline_tests.benchmarks.bench_detector import Noise

SERIES: Final = 67
_SEED: Final = 20_261_125
_KNOWN: Final = 30
_RUNS: Final = 6
_POLICY: Final = BaselinePolicy()
Chosen = Callable[[Sequence[float]], frozenset[int]]
"""Which of a run's series, by their two-sided p-values (1: in line), are first suspects."""


@dataclass(frozen=True, slots=True)
class Row:
    """Hold the p-values of one run and of the two before, each against the same baseline."""

    p_values: tuple[tuple[float, ...], ...]


def at_level(alpha: float) -> Chosen:
    """Take every series below a level of its own."""
    return lambda found: frozenset(n for n, p in enumerate(found) if p < alpha)


def holm(alpha: float) -> Chosen:
    """Keep the chance of any false suspect of a run below alpha (Holm 1979)."""

    def chosen(found: Sequence[float]) -> frozenset[int]:
        ordered = sorted(range(len(found)), key=found.__getitem__)
        kept: list[int] = []
        for rank, n in enumerate(ordered):
            if found[n] > alpha / (len(found) - rank):
                break
            kept.append(n)
        return frozenset(kept)

    return chosen


def benjamini_hochberg(rate: float) -> Chosen:
    """Keep the expected share of false ones among the suspects below a rate (1995)."""

    def chosen(found: Sequence[float]) -> frozenset[int]:
        ordered = sorted(range(len(found)), key=found.__getitem__)
        below = [k for k, n in enumerate(ordered, 1) if found[n] <= rate * k / len(found)]
        return frozenset(ordered[: max(below, default=0)])

    return chosen


CORRECTIONS: Final[tuple[tuple[str, Chosen], ...]] = (
    ("none (alpha 0.02)", at_level(0.02)),
    ("alpha 0.01", at_level(0.01)),
    ("alpha 0.005", at_level(0.005)),
    ("Benjamini-Hochberg 0.2", benjamini_hochberg(0.2)),
    ("Benjamini-Hochberg 0.1", benjamini_hochberg(0.1)),
    ("Holm 0.05", holm(0.05)),
)


def _p_value(value: float, baseline: Sequence[float]) -> float:
    """Give the p-value of a run that is worse by the minimum effect, else 1."""
    one = suspicion(value, baseline, _POLICY, "lower")
    large = one.effect is not None and one.effect.change >= _POLICY.minimum_effect
    return 2 * float(stdtr(len(baseline) - 1, -(one.z or 0.0))) if large else 1.0


def _runs(cv: float, seeded: random.Random, slower: float) -> list[Row]:
    """Give the next runs after a history; the first series is slower from the first one on."""
    sources = [Noise(cv).runs(seeded) for _ in range(SERIES)]
    histories = [[next(source) for _ in range(_KNOWN)] for source in sources]
    rows = []
    for _ in range(_RUNS):
        columns = []
        for n, (source, history) in enumerate(zip(sources, histories, strict=True)):
            value = next(source) * (slower if n == 0 else 1.0)
            baseline = unsuspicious(history, _POLICY)
            columns.append([_p_value(run, baseline) for run in (*history[-2:], value)])
            history.append(value)
        rows.append(Row(tuple(zip(*columns, strict=True))))
    return rows


def _alarms(row: Row, chosen: Chosen) -> frozenset[int]:
    first, second, now = (chosen(found) for found in row.p_values)
    return now & (first | second)


def _measure(cv: float, slower: float, repeats: int) -> list[tuple[float, float, float]]:
    """Give for each correction: suspects of a run, share of runs with alarms, found by run 3."""
    seeded = random.Random(_SEED)
    counts = [[0.0, 0.0, 0.0] for _ in CORRECTIONS]
    for _ in range(repeats):
        rows = _runs(cv, seeded, slower)
        for (_, chosen), count in zip(CORRECTIONS, counts, strict=True):
            count[0] += sum(len(chosen(row.p_values[-1]) - {0}) for row in rows)
            count[1] += sum(bool(_alarms(row, chosen) - {0}) for row in rows)
            count[2] += any(0 in _alarms(row, chosen) for row in rows[:3])
    runs = repeats * _RUNS
    return [(a / runs, b / runs, c / repeats) for a, b, c in counts]


def main() -> None:
    """Print the table of docs/decisions/0006-no-correction-for-many-series.md."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    by_cv = {0.10: _measure(0.10, 1.5, repeats), 0.03: _measure(0.03, 1.1, repeats)}
    print("| correction | suspects a run | runs with an alarm | +50 % at 10 % | +10 % at 3 % |")
    print("|---|---|---|---|---|")
    for n, (name, _) in enumerate(CORRECTIONS):
        suspects, alarm, found = by_cv[0.10][n]
        other = by_cv[0.03][n][2]
        shares = (f"{100 * alarm:.1f} %", f"{100 * found:.0f} %", f"{100 * other:.0f} %")
        print(f"| {name} | {suspects:.2f} | {' | '.join(shares)} |")


if __name__ == "__main__":
    main()
