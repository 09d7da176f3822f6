"""Scripts of pgbench run by our workers, beside pgbench itself on the same scripts and server.

Run by hand: `python -m perf_pipeline_tests.benchmarks.bench_scripts [DSN]`. Without a DSN it starts
the embedded PostgreSQL and makes pgbench's tables in it. Interleaved rounds, medians, ratios; needs
three minutes and a quiet machine. Add here: another script. Keep out: assertions.
"""

import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perf_pipeline.config.executors.registry import read_executor
from perf_pipeline.config.parameters import ITERATIONS, PGBENCH
from perf_pipeline.config.pgbench.parameters import BUILT_IN, PgbenchParameters
from perf_pipeline.engine.job import JSON, LoadJob, ScenarioJob
from perf_pipeline.engine.processes import run_load
from perf_pipeline.metrics.catalog import TRANSACTIONS
from perf_pipeline.stack.embedded import running_stack
from perf_pipeline.stack.parts import StackOptions
from perf_pipeline.stack.postgres_pgbench import find_pgbench, pgbench_rate
from perf_pipeline.store.spool_figures import span_figures

ROUNDS = 3
SECONDS = 8
SCALE = 10
ZIPF = """\\set aid random_zipfian(1, 100000 * :scale, 1.07)
select abalance from pgbench_accounts where aid = :aid;
"""
# Script, protocol, connections, workers.
CASES = (
    ("tpcb-like", "simple", 10, 1),
    ("tpcb-like", "prepared", 10, 1),
    ("simple-update", "prepared", 10, 1),
    ("select-only", "simple", 10, 2),
    ("select-only", "prepared", 10, 1),
    ("select-only", "prepared", 10, 2),
    ("zipf.sql", "prepared", 10, 1),
)
Case = tuple[str, str, int, int]


def ours(dsn: str, folder: Path, case: Case) -> float:
    """Run a script on our workers and give its transactions per second over their span."""
    script, protocol, connections, workers = case
    plan = {"executor": "constant-vus", "vus": connections, "duration": f"{SECONDS}s"}
    own = PgbenchParameters.model_validate(
        {"scripts": [script], "protocol": protocol, "scale": SCALE}
    )
    parameters: dict[str, JSON] = {
        "run": "bench",
        "folder": str(folder),
        "own": own.model_dump(mode="json", by_alias=True),
    }
    workload = f"perf_pipeline.workloads.{ITERATIONS[PGBENCH].workload}"
    scenario = ScenarioJob("bench", read_executor(plan), workload, parameters)
    with tempfile.TemporaryDirectory() as spool:
        job = LoadJob("bench", "bench", "1", Path(spool), 1, workers, (scenario,))
        secrets = {"postgres_dsn": dsn}
        run_load(job, secrets=secrets, origin_ns=time.monotonic_ns(), stop=threading.Event())
        (span,) = (
            figure for figure in span_figures(Path(spool)) if figure.protocol == TRANSACTIONS
        )
    assert span.failed == 0, span
    return span.records_per_s or 0.0


def theirs(dsn: str, case: Case) -> float:
    """Run a script with pgbench and give its transactions per second."""
    script, protocol, connections, _ = case
    program = find_pgbench()
    assert program is not None
    text = BUILT_IN.get(script, ZIPF).replace(":scale", str(SCALE))
    return pgbench_rate(
        program, dsn, text, connections=connections, seconds=SECONDS, protocol=protocol
    )


@contextmanager
def database() -> Iterator[str]:
    """Give the DSN of a database with pgbench's tables."""
    if len(sys.argv) > 1:
        yield sys.argv[1]
        return
    program, options = find_pgbench(), StackOptions(parts=frozenset({"postgres"}))
    with running_stack(Path(".perf").absolute(), options, say=lambda _: None) as stack:
        dsn = stack.endpoints.postgres_dsn
        assert dsn is not None
        assert program is not None
        subprocess.run([program, "-i", "-q", "-s", str(SCALE), dsn], check=True)
        yield dsn


def main() -> None:
    """Print the table."""
    found: dict[Case, tuple[list[float], list[float]]] = {case: ([], []) for case in CASES}
    with database() as dsn, tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "zipf.sql").write_text(ZIPF, encoding="utf-8")
        for number in range(ROUNDS):
            for case in CASES:
                # Who is second meets the other's dead rows and caches: they take turns.
                for side in (0, 1) if number % 2 == 0 else (1, 0):
                    rate = theirs(dsn, case) if side else ours(dsn, Path(folder), case)
                    found[case][side].append(rate)
    print(f"{'script, protocol, VUs, workers':34}{'ours /s':>10}{'pgbench /s':>12}{'ratio':>7}")
    for case, (mine, tool) in found.items():
        ratios = [own / other for own, other in zip(mine, tool, strict=True)]
        print(
            f"{', '.join(map(str, case)):34}{statistics.median(mine):10,.0f}"
            f"{statistics.median(tool):12,.0f}{statistics.median(ratios):7.2f}"
            f"   {', '.join(f'{ratio:.2f}' for ratio in ratios)}"
        )


if __name__ == "__main__":
    main()
