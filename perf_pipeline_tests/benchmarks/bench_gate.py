"""Measure the gate on the noise that machines have: the table of docs/statistics.md.

Run with: PYTHONPATH=. python perf_pipeline_tests/benchmarks/bench_gate.py [histories per row]

Rows of one series are 30 runs of history and the next ones; rows of whole runs are 82 series in
four tiers with CV 10 %. Add here: another kind of noise. Keep out: assertions (tests have them).
"""

import math
import random
import sys
from collections.abc import Callable, Sequence
from typing import Final

from perf_pipeline.analysis.baseline import BaselinePolicy, Diff, DiffStatus, Series, diff
from perf_pipeline.analysis.machine import Machine
from perf_pipeline.analysis.suspicion import WORSE
from perf_pipeline_tests.benchmarks.bench_whole_runs import (
    SYSTEMS,
    after_a_change,
    fails,
    lognormal,
    whole_runs,
)

SEED: Final = 20_261_128
_POLICY: Final = BaselinePolicy()
_P95: Final = Series("http_req_duration", {}, "p(95)")

Model = Callable[[random.Random], float]


def two_machines(seeded: random.Random) -> float:
    """Give 30 % of runs on a machine that is slower by 1.4."""
    return 800 * lognormal(seeded, 0.03) * (1.4 if seeded.random() < 0.3 else 1.0)


def outliers(seeded: random.Random) -> float:
    """Give 10 % of runs that are multiplied by 2, 3 or 0.5."""
    factor = seeded.choice((2.0, 3.0, 0.5)) if seeded.random() < 0.1 else 1.0
    return 800 * lognormal(seeded, 0.1) * factor


MODELS: Final[tuple[tuple[str, Model, Callable[[float], float], int], ...]] = (
    ("log-normal, CV 10 %", lambda seeded: 800 * lognormal(seeded, 0.1), float, 30),
    ("the same, history of 5", lambda seeded: 800 * lognormal(seeded, 0.1), float, 5),
    ("two machines, 30 % x1.4", two_machines, float, 30),
    ("whole ms around 5", lambda seeded: 5 * lognormal(seeded, 0.1), round, 30),
    ("two digits", lambda seeded: 13 * lognormal(seeded, 0.03), lambda x: float(f"{x:.2g}"), 30),
    ("10 % outliers", outliers, float, 30),
    ("skewed: 400 + exponential 100", lambda s: 400 + 100 * s.expovariate(1), float, 30),
)


def alarms(
    model: Model,
    seen: Callable[[float], float],
    known: int,
    seeded: random.Random,
    *,
    runs: int,
    factor: float = 1.0,
) -> bool:
    """Say whether a regression is called in the next runs after a history."""
    history = [seen(model(seeded)) for _ in range(known)]
    for _ in range(runs):
        history.append(seen(factor * model(seeded)))
        if diff(_P95, history[-1], history[:-1], _POLICY).status is DiffStatus.REGRESSED:
            return True
    return False


def calibrated_alarm(seeded: random.Random, *, runs: int, factor: float) -> bool:
    """Say whether two machines, told apart by a calibration with CV 4 %, raise an alarm."""

    def run() -> tuple[float, Machine]:
        slow = 1.4 if seeded.random() < 0.3 else 1.0
        parts = [0.1 * slow * lognormal(seeded, 0.04) for _ in range(3)]
        return 800 * slow * lognormal(seeded, 0.03), Machine(*parts)

    past = [run() for _ in range(30)]
    for _ in range(runs):
        value, machine = run()
        history, machines = [value for value, _ in past], [machine for _, machine in past]
        past.append((factor * value, machine))
        found = diff(_P95, factor * value, history, _POLICY, machine=machine, machines=machines)
        if found.status is DiffStatus.REGRESSED:
            return True
    return False


def confirmed_alarm(shared: float, seeded: random.Random, *, runs: int, factor: float) -> bool:
    """Say whether a run fails after its re-runs, which have a share of its noise in common."""
    sd = math.sqrt(math.log(1 + 0.1**2))
    history = [800 * math.exp(sd * seeded.gauss(0, 1)) for _ in range(30)]
    for _ in range(runs):
        own = seeded.gauss(0, 1)
        noises = [own]
        noises += [
            math.sqrt(shared) * own + math.sqrt(1 - shared) * seeded.gauss(0, 1) for _ in range(2)
        ]
        values = [800 * factor * math.exp(sd * noise) for noise in noises]
        found = [judge_next(history, value) for value in values]
        if found[0].status in WORSE and fails(found):
            return True
        if found[0].status not in WORSE:
            del history[-2:]
    return False


def judge_next(history: list[float], value: float) -> Diff:
    """Judge a value and add it to the history."""
    found = diff(_P95, value, history, _POLICY)
    history.append(value)
    return found


def _rows(histories: int) -> None:
    print("| one series | any alarm in 20 runs | +50 % found by run 3 |\n|---|---|---|")
    for text, model, seen, known in MODELS:
        seeded = random.Random(SEED)
        alarm = sum(alarms(model, seen, known, seeded, runs=20) for _ in range(histories))
        power = sum(
            alarms(model, seen, known, seeded, runs=3, factor=1.5) for _ in range(histories)
        )
        _row(text, 100 * alarm / histories, 100 * power / histories)
    seeded = random.Random(SEED)
    alarm, power = (
        sum(calibrated_alarm(seeded, runs=runs, factor=factor) for _ in range(histories))
        for runs, factor in ((20, 1.0), (3, 1.5))
    )
    _row("two machines, calibrated", 100 * alarm / histories, 100 * power / histories)
    for shared in (0.0, 0.9):
        seeded = random.Random(SEED)
        alarm, power = (
            sum(confirmed_alarm(shared, seeded, runs=runs, factor=factor) for _ in range(histories))
            for runs, factor in ((20, 1.0), (3, 1.5))
        )
        text = f"log-normal, re-runs share {100 * shared:.0f} % of the noise"
        _row(text, 100 * alarm / histories, 100 * power / histories)


def _whole_rows(repeats: int) -> None:
    print("\n| whole runs of 82 series | runs | failed | failed, confirmed | run again | found |")
    print("|---|---|---|---|---|---|")
    for text, system in SYSTEMS:
        calm = system.machine == system.database == 1.0
        histories = 2 * repeats if calm else repeats
        share = whole_runs(system, histories, SEED, 20 if calm else 3)
        counts = (share.failed, share.confirmed, share.again)
        shares = [100 * count / share.judged for count in counts]
        found = 100 * share.found if system.database > 1 else None
        _row(f"{text} | {share.judged}", *shares, found)


def _row(text: str, *shares: float | None) -> None:
    cells = ["-" if share is None else f"{share:.1f} %" for share in shares]
    print(f"| {' | '.join([text, *cells])} |", flush=True)


def main(arguments: Sequence[str]) -> None:
    """Print the tables."""
    histories = int(arguments[0]) if arguments else 300
    _rows(histories)
    _whole_rows(max(5, histories // 12))
    print("\n| machine slower for good | runs until it is the baseline | 2x found within 3 |")
    print("|---|---|---|")
    for factor in (1.1, 1.2, 1.4):
        took, found = after_a_change(factor, max(5, histories // 12), SEED)
        print(f"| x{factor} | {took:.1f} | {found:.0%} |".replace("%", " %"), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
