"""Store, judge and report one large run in a process of its own: seconds, and memory.

Run with: python -m perf_pipeline_tests.benchmarks.large_run SAMPLES [operations]

It is a part of `bench_history`, which prints its rows as a table.
Add here: another step of the end of a large run. Keep out: long histories (bench_history.py).
"""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from time import perf_counter, process_time
from typing import Final

from perf_pipeline.judging.compare import compare_run
from perf_pipeline.judging.judge import judge_run
from perf_pipeline.judging.publish import publish
from perf_pipeline.store.records import RunKey, ScenarioCounts
from perf_pipeline.store.state import State
from perf_pipeline_tests.benchmarks.drawn_spool import write_drawn
from perf_pipeline_tests.benchmarks.spooled_run import write_beside

_RUN: Final = "20260101-000000-large1"
_BENCHMARK: Final = "mixed_operations"
_SCENARIO: Final = "mixed"
_KIB: Final = 1 << 10
_MIB: Final = 1 << 20


def main() -> None:
    """Print a row of the table."""
    samples = int(sys.argv[1])
    operations = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory() as folder:
        state = State(Path(folder))
        _write_spool(state.spool / _RUN, samples, operations)
        steps = (_ingested(state), _summarised(state), _judged(state), _reported(state))
        with _peak_memory() as peak:
            taken = [_seconds(step) for step in steps]
        spool = sum(file.stat().st_size for file in state.spool.rglob("*") if file.is_file())
    cells = [f"{wall_s:.1f} s ({cpu_s:.1f} s)" for wall_s, cpu_s in taken]
    cells += [f"{max(peak) / _KIB:,.0f} MiB", f"{spool / _MIB:,.0f} MiB"]
    print(f"| {samples:,} | {operations} | {' | '.join(cells)} |")


@contextmanager
def _peak_memory() -> Iterator[list[int]]:
    """Look every 20 ms at what the process has for itself, in KiB, without the spool's own pages.

    The spool is read as the pages of its files, which the system takes back when it needs them.
    """
    seen, is_over = [0], Event()

    def look() -> None:
        while not is_over.wait(0.02):
            status = Path("/proc/self/status").read_text(encoding="ascii")
            seen.append(int(status.partition("RssAnon:")[2].split()[0]))

    looking = Thread(target=look, daemon=True)
    looking.start()
    try:
        yield seen
    finally:
        is_over.set()
        looking.join()


def _seconds(step: Callable[[], object]) -> tuple[float, float]:
    """Return how long a step took by the clock, and how much CPU it used."""
    began_s, used_s = perf_counter(), process_time()
    step()
    return perf_counter() - began_s, process_time() - used_s


def _ingested(state: State) -> Callable[[], object]:
    def step() -> None:
        with state.history() as history:
            history.ingest(state.spool / _RUN, _BENCHMARK)

    return step


def _summarised(state: State) -> Callable[[], object]:
    def step() -> None:
        with state.history() as history:
            history.summarise(RunKey(_RUN, _BENCHMARK))

    return step


def _judged(state: State) -> Callable[[], object]:
    def step() -> None:
        judge_run(state, _RUN)
        compare_run(state, _RUN)

    return step


def _reported(state: State) -> Callable[[], object]:
    return lambda: publish(state, _RUN)


def _write_spool(run: Path, samples: int, operations: int) -> None:
    folder = run / _BENCHMARK
    folder.mkdir(parents=True)
    names = [(_SCENARIO, f"operation_{n}") for n in range(operations)]
    write_drawn(folder, names, samples, seed=1)
    counts = ScenarioCounts(_SCENARIO, samples, 0, 0, samples, 0, samples * 1_000)
    write_beside(run, _BENCHMARK, samples / 1_000, counts)


if __name__ == "__main__":
    main()
