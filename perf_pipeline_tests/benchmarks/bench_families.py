"""Measure rules for figures that are one question: re-runs for nothing, and slowdowns found.

Run with: PYTHONPATH=. python perf_pipeline_tests/benchmarks/bench_families.py [histories]

Prints the table of docs/decisions/0024. Runs are those of bench_whole_runs.py, three statistics to
an operation. Add here: another rule. Keep out: the gate itself (analysis/).
"""

import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from scipy.special import stdtr

from perf_pipeline.analysis.baseline import BaselinePolicy, Diff, DiffStatus
from perf_pipeline.analysis.family import simes
from perf_pipeline.analysis.suspicion import WORSE
from perf_pipeline_tests.benchmarks.bench_whole_runs import WHOLE, Run, System, fails, judge_all

SEED: Final = 11
_LEVEL: Final = BaselinePolicy().alpha / 2
_KNOWN: Final = 30
_CALM_RUNS: Final = 20
_SLOWER: Final[Mapping[str, Callable[[int], float]]] = {
    "one p(95) +50 %": lambda n: 1.5 if n == 2 else 1.0,
    "one median +50 %": lambda n: 1.5 if n == 0 else 1.0,
    "one p(95) +30 %": lambda n: 1.3 if n == 2 else 1.0,
    "one operation +30 %": lambda n: 1.3 if n < 3 else 1.0,
}
Chosen = AbstractSet[int]


def _chance(one: Diff) -> float:
    if one.effect is None or not one.error:
        return 1.0
    return float(stdtr(one.noise.n - 1, -one.effect.distance / one.error))


def _families(diffs: Sequence[Diff]) -> Iterator[range]:
    for first in range(0, len(diffs), 3):
        yield range(first, min(first + 3, len(diffs)))


def alone(diffs: Sequence[Diff]) -> Chosen:
    """Take every series by itself."""
    return {n for n, diff in enumerate(diffs) if diff.status in WORSE}


def by_simes(diffs: Sequence[Diff]) -> Chosen:
    """Take what a family agrees on."""
    agreeing = {
        n
        for family in _families(diffs)
        if simes([_chance(diffs[n]) for n in family]) <= _LEVEL
        for n in family
    }
    return (alone(diffs) & agreeing) | _shown_twice(diffs)


def by_holm(diffs: Sequence[Diff]) -> Chosen:
    """Take what is out of line although it is one of several (Holm, 1979)."""
    found = set()
    for family in _families(diffs):
        for place, n in enumerate(sorted(family, key=lambda position: _chance(diffs[position]))):
            if _chance(diffs[n]) > _LEVEL / (len(family) - place):
                break
            found.add(n)
    return (alone(diffs) & found) | _shown_twice(diffs)


def by_p95(diffs: Sequence[Diff]) -> Chosen:
    """Take the p(95) for its family."""
    return {n for n in alone(diffs) if diffs[n].series.statistic == "p(95)"}


def by_tiers(diffs: Sequence[Diff]) -> Chosen:
    """Take what a family agrees on, in a metric whose families agree."""
    chances: dict[str, list[float]] = {}
    for family in _families(diffs):
        together = simes([_chance(diffs[n]) for n in family])
        chances.setdefault(diffs[family[0]].series.metric, []).append(together)
    agreeing = {metric for metric, of_metric in chances.items() if simes(of_metric) <= _LEVEL}
    kept = {n for n in by_simes(diffs) if diffs[n].series.metric in agreeing}
    return kept | _shown_twice(diffs)


def _shown_twice(diffs: Sequence[Diff]) -> Chosen:
    return {n for n, diff in enumerate(diffs) if diff.status is DiffStatus.REGRESSED}


RULES: Final[Mapping[str, Callable[[Sequence[Diff]], Chosen]]] = {
    "each series by itself": alone,
    "Simes inside": by_simes,
    "Holm inside": by_holm,
    "the p(95) for its family": by_p95,
    "Simes over families, then inside": by_tiers,
}


def run_again(together: float, histories: int) -> dict[str, float]:
    """Give for each rule the share of runs of which something is run again for nothing."""
    seeded, counts = random.Random(SEED), dict.fromkeys(RULES, 0)
    system = System(together=together)
    for _ in range(histories):
        past, new = _made(system, seeded, _KNOWN), _made(system, seeded, _CALM_RUNS)
        for diffs in judge_all(system.series, past, new):
            for name, rule in RULES.items():
                counts[name] += bool(rule(diffs))
    return {name: count / histories / _CALM_RUNS for name, count in counts.items()}


def found(slower: Callable[[int], float], histories: int) -> dict[str, float]:
    """Give for each rule how often a slowdown is a regression by run 3, after two re-runs."""
    seeded, counts = random.Random(SEED), dict.fromkeys(RULES, 0)
    system = System(series=WHOLE[:9])
    for _ in range(histories):
        past = _made(system, seeded, _KNOWN)
        caught: set[str] = set()
        new: list[Run] = []
        for _ in range(3):
            new += _made(system, seeded, 1, slower)
            again = _made(system, seeded, 2, slower)
            *_, diffs, first, second = judge_all(system.series, past, [*new, *again])
            for name, rule in RULES.items():
                if any(
                    slower(n) > 1 and fails([diffs[n], first[n], second[n]]) for n in rule(diffs)
                ):
                    caught.add(name)
        for name in caught:
            counts[name] += 1
    return {name: count / histories for name, count in counts.items()}


def _made(
    system: System,
    seeded: random.Random,
    runs: int,
    slower: Callable[[int], float] = lambda _: 1.0,
) -> list[Run]:
    made = (system.run(seeded) for _ in range(runs))
    return [([slower(n) * value for n, value in enumerate(values)], m) for values, m in made]


def main() -> None:
    """Print the table."""
    histories = int(sys.argv[1]) if len(sys.argv) > 1 else 32
    columns = {
        "run again for nothing, independent": run_again(0.0, histories),
        "run again for nothing, 90 % in common": run_again(0.9, histories),
        **{text: found(slower, 6 * histories) for text, slower in _SLOWER.items()},
    }
    print(f"| rule | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for name in RULES:
        cells = (f"{100 * column[name]:.0f} %" for column in columns.values())
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
