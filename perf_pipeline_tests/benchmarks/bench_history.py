"""Measure what a long history costs: compare, judge, report, backtest and the end of a run.

Run with: python -m perf_pipeline_tests.benchmarks.bench_history [state] [runs ...]

It prints both tables of docs/performance.md: of long histories, and of large runs (large_run.py).

`make run` comes before: the newest run of the state folder (.perf) is copied that often, each time
with other noise, so that every row of a real run is there, all but samples and what only they have;
and sealed, so that whoever reads it proves it.
Whole commands in new processes, medians of three, the histories taking turns; the end of a run
without its start-up. Seconds on the clock, and of CPU, which a machine in use stretches less.
Add here: a command that reads the history. Keep out: assertions; the machine decides the figures.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from statistics import median
from time import perf_counter
from typing import Final

from perf_pipeline.judging.compare import compare_run
from perf_pipeline.judging.publish import publish
from perf_pipeline.store.history import History
from perf_pipeline.store.proof import seal
from perf_pipeline.store.records import RunKey
from perf_pipeline.store.sample_tables import SAMPLE_TABLES
from perf_pipeline.store.state import State

SIZES: Final = (100, 1_000, 3_000)
LARGE_RUNS: Final = ((1_000_000, 3), (10_000_000, 3), (200_000, 500))
ROUNDS: Final = 3
TOOL: Final = str(Path(sys.executable).with_name("perf-pipeline"))
_MIB: Final = 1 << 20
_AT_ONCE: Final = 250
_OF_RUNS: Final = (
    "runs",
    "benchmarks",
    "scenarios",
    "checks",
    "figures",
    "summaries",
    "verdicts",
    "diffs",
    "lineage",
    "histograms",
)
_FIGURES: Final = ("minimum", "average", "median", "p90", "p95", "p99", "p99_9", "maximum", "last")
# About 3 % of noise for each row of each run: the sum of three uniform numbers is nearly normal.
_NOISE: Final = "exp(0.06 * (random() + random() + random() - 1.5))"
_CHANGED: Final = {
    "runs": "copy.id as run_id, copy.number as made_as, "
    "one.began_at - to_hours({runs} - copy.number) as began_at",
    "benchmarks": "copy.id as run_id, false as raw_kept, "
    "one.began_at - to_hours({runs} - copy.number) as began_at",
    "summaries": "copy.id as run_id, "
    + ", ".join(f"{name} * {_NOISE} as {name}" for name in _FIGURES)
    + ", if(kind = 'rate', rate, rate * {_NOISE}) as rate".replace("{_NOISE}", _NOISE),
}


def main() -> None:
    """Print the table of docs/performance.md."""
    state = State(Path(sys.argv[1] if len(sys.argv) > 1 else ".perf"))
    sizes = [int(argument) for argument in sys.argv[2:]] or list(SIZES)
    with tempfile.TemporaryDirectory() as folder:
        histories = []
        for runs in sizes:
            made = State(Path(folder) / str(runs))
            histories.append(_History(runs, made, make_history(state, made, runs)))
        _run(histories[0].state, ("report", histories[0].run_id))  # compiles the modules
        for _ in range(ROUNDS):
            for history in histories:
                history.measure()
        _print(histories)
    _print_large_runs()


@dataclass(frozen=True, slots=True)
class _History:
    """Hold a made history, and for each command the seconds that it took: on the clock, of CPU."""

    runs: int
    state: State
    run_id: str
    taken: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def measure(self) -> None:
        """Run each command once, and what follows the last load of a run."""
        commands = (("compare", self.run_id), ("judge", self.run_id), ("report", self.run_id))
        for command in (*commands, ("backtest",)):
            call = partial(_run, self.state, command)
            self.taken.setdefault(command[0], []).append(_seconds(call))
        call = partial(_end_of_a_run, self.state, self.run_id)
        self.taken.setdefault("end of a run", []).append(_seconds(call))


def _print_large_runs() -> None:
    """Let each large run be a process of its own, whose memory is that of nothing else."""
    print("| samples | operations | ingest | summaries | judge | report | memory | spool |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    for samples, operations in LARGE_RUNS:
        command = [sys.executable, "-m", "perf_pipeline_tests.benchmarks.large_run"]
        subprocess.run([*command, str(samples), str(operations)], check=True)


def _print(histories: Sequence[_History]) -> None:
    names = list(histories[0].taken)
    print(f"| runs | history | {' | '.join(names)} |")
    print(f"| --- | --- |{' --- |' * len(names)}")
    for history in histories:
        size = history.state.history_file.stat().st_size / _MIB
        cells = []
        for name in names:
            wall_s, cpu_s = (median(figures) for figures in zip(*history.taken[name], strict=True))
            cells.append(f"{wall_s:.2f} s ({cpu_s:.2f} s)")
        print(f"| {history.runs:,} | {size:,.0f} MiB | {' | '.join(cells)} |")


def make_history(source: State, made: State, runs: int) -> str:
    """Copy the newest run so often that there are so many; give its id."""
    made.folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(source.history_file, made.history_file)
    with made.history() as history:
        run_id = history.runs(1, measured=True)[0].run_id
        for table in _OF_RUNS:
            history.connection.execute(f"delete from {table} where run_id <> ?", [run_id])
        for table in (*SAMPLE_TABLES, "iterations", "ledger", "readings", "digests"):
            history.connection.execute(f"delete from {table} where run_id <> ?", [run_id])
        history.connection.execute("update runs set made_as = ?", [runs])
        for first in range(1, runs, _AT_ONCE):
            _copy(history, run_id, range(first, min(first + _AT_ONCE, runs)), runs)
        seal(history.connection, _copied(history), [name for name in _OF_RUNS if name != "runs"])
    return run_id


def _copied(history: History) -> list[RunKey]:
    rows = history.connection.execute(
        "select run_id, benchmark from benchmarks where not raw_kept"
    ).fetchall()
    return [RunKey(*row) for row in rows]


def _copy(history: History, run_id: str, numbers: range, runs: int) -> None:
    for table in _OF_RUNS:
        changed = _CHANGED.get(table, "copy.id as run_id").format(runs=runs)
        history.connection.execute(
            f"insert into {table} by name select one.* replace ({changed}) "
            f"from (select * from {table} where run_id = $run_id) as one, "
            "(select n as number, strftime(began_at - to_hours($runs - n), '%Y%m%d-%H%M%S-') "
            "|| lpad(n::varchar, 6, '0') as id "
            "from range($first, $end) as numbers(n), runs where runs.run_id = $run_id) as copy "
            "order by copy.number",
            {"run_id": run_id, "first": numbers.start, "end": numbers.stop, "runs": runs},
        )


def _run(state: State, command: tuple[str, ...]) -> None:
    # A gate that fails has done its work. Whoever uses the tool has its modules compiled already.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(
        [TOOL, "--state", str(state.folder), *command],
        check=False,
        stdout=subprocess.DEVNULL,
        env={**kept, "PYTHONPYCACHEPREFIX": str(state.folder.parent / "modules")},
    )


def _end_of_a_run(state: State, run_id: str) -> None:
    """Do what a run does after its last load: what is suspect, verdicts, comparison, reports."""
    compare_run(state, run_id)
    publish(state, run_id, judges=True)


def _seconds(call: Callable[[], None]) -> tuple[float, float]:
    began_s, used_s = perf_counter(), _cpu_s()
    call()
    return perf_counter() - began_s, _cpu_s() - used_s


def _cpu_s() -> float:
    """Give the CPU seconds of this process and of the commands that have ended."""
    used = (getrusage(RUSAGE_SELF), getrusage(RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


if __name__ == "__main__":
    main()
