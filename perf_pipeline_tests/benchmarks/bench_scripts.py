"""Scripts of pgbench run by our workers, beside pgbench itself on the same scripts and server.

Run by hand: `python -m perf_pipeline_tests.benchmarks.bench_scripts [DSN [seconds]]`. Without a DSN
it starts the embedded PostgreSQL and makes pgbench's tables in it. Each script runs as it is
(`pgbench`), and two of them as statements of a profile (`sql`). Both sides have as many
connections, speak the same protocol over the same socket, and pgbench has as many threads as we
have workers. Interleaved rounds, medians, ratios, and the CPU of both load generators; needs five
minutes and a quiet machine.
Add here: another script. Keep out: assertions.
"""

import resource
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from perf_pipeline.config.executors.registry import read_executor
from perf_pipeline.config.parameters import ITERATIONS, PGBENCH, SQL
from perf_pipeline.config.pgbench.parameters import BUILT_IN, PgbenchParameters
from perf_pipeline.config.sql_statements import SqlParameters
from perf_pipeline.engine.job import JSON, LoadJob, ScenarioJob
from perf_pipeline.engine.processes import run_load
from perf_pipeline.engine.progress import Progress
from perf_pipeline.metrics.catalog import TRANSACTIONS
from perf_pipeline.stack.embedded import running_stack
from perf_pipeline.stack.parts import StackOptions
from perf_pipeline.stack.postgres_pgbench import find_pgbench, pgbench_rate
from perf_pipeline.store.spool_figures import span_figures
from perf_pipeline_tests.benchmarks.two_sides import in_turns
from perf_pipeline_tests.support.commands.pgbench import run_pgbench

ROUNDS = 3
SECONDS = 8
SCALE = 10
ZIPF = """\\set aid random_zipfian(1, 100000 * :scale, 1.07)
select abalance from pgbench_accounts where aid = :aid;
"""
AID, DELTA = f"${{random.int(1,{SCALE}00000)}}", "${random.int(-5000,5000)}"
TID, BID = f"${{random.int(1,{SCALE}0)}}", f"${{random.int(1,{SCALE})}}"
SELECT = {"name": "select", "sql": f"select abalance from pgbench_accounts where aid = {AID}"}
# The statements of the built-in scripts, as a profile writes them.
STATEMENTS: dict[str, dict[str, Any]] = {
    "select-only": {"statements": [SELECT]},
    "tpcb-like": {
        "transaction": "tpcb",
        "statements": [
            {
                "name": "account",
                "sql": f"update pgbench_accounts set abalance = abalance + {DELTA}::int "
                f"where aid = {AID}",
            },
            SELECT,
            {
                "name": "teller",
                "sql": f"update pgbench_tellers set tbalance = tbalance + {DELTA}::int "
                f"where tid = {TID}",
            },
            {
                "name": "branch",
                "sql": f"update pgbench_branches set bbalance = bbalance + {DELTA}::int "
                f"where bid = {BID}",
            },
            {
                "name": "history",
                "sql": "insert into pgbench_history (tid, bid, aid, delta, mtime) "
                f"values ({TID}, {BID}, {AID}, {DELTA}, current_timestamp)",
            },
        ],
    },
}
SQL_ALONE = "sql"
# Script, protocol (or `sql`: the same statements by a profile, prepared), connections, workers.
CASES = (
    ("select-only", "prepared", 10, 1),
    ("select-only", "prepared", 10, 2),
    ("select-only", "simple", 10, 1),
    ("simple-update", "prepared", 10, 1),
    ("tpcb-like", "prepared", 10, 1),
    ("tpcb-like", "prepared", 10, 2),
    ("tpcb-like", "simple", 10, 1),
    ("zipf.sql", "prepared", 10, 1),
    ("select-only", SQL_ALONE, 10, 1),
    ("tpcb-like", SQL_ALONE, 10, 1),
)
Case = tuple[str, str, int, int]


@dataclass
class OwnCpu:
    """Hold what the processes of a load have used, between its first and its last progress."""

    first: tuple[float, float] | None = None
    last: tuple[float, float] = (0.0, 0.0)

    def look(self, _: Progress) -> None:
        """Add up the CPU of all workers."""
        used_s = 0.0
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                # Workers alone: the embedded server is a child as well.
                if not process.name().startswith("postgres"):
                    times = process.cpu_times()
                    used_s += times.user + times.system
        self.last = (time.monotonic(), used_s)
        self.first = self.first or self.last

    def us_each(self, per_s: float) -> float:
        """Give µs for each of so many transactions a second."""
        assert self.first is not None
        (since_s, before_s), (until_s, after_s) = self.first, self.last
        return (after_s - before_s) / (until_s - since_s) / per_s * 1e6


def job_parameters(script: str, protocol: str, folder: Path) -> dict[str, JSON]:
    """Give a worker what it needs to run a script."""
    own: PgbenchParameters | SqlParameters
    if protocol == SQL_ALONE:
        own = SqlParameters.model_validate(STATEMENTS[script])
    else:
        given = {"scripts": [script], "protocol": protocol, "scale": SCALE}
        own = PgbenchParameters.model_validate(given)
    return {
        "run": "bench",
        "folder": str(folder),
        "own": own.model_dump(mode="json", by_alias=True),
        "env": {},
        "query_files": {},
    }


def workload_of(protocol: str) -> str:
    """Name the class that runs a script by a protocol."""
    kind = SQL if protocol == SQL_ALONE else PGBENCH
    return f"perf_pipeline.workloads.{ITERATIONS[kind].workload}"


def ours(dsn: str, folder: Path, case: Case, seconds: int, cpu_us: list[float]) -> float:
    """Run a script on our workers and give its transactions per second over their span."""
    script, protocol, connections, workers = case
    plan = {"executor": "constant-vus", "vus": connections, "duration": f"{seconds}s"}
    parameters = job_parameters(script, protocol, folder)
    scenario = ScenarioJob("bench", read_executor(plan), workload_of(protocol), parameters)
    with tempfile.TemporaryDirectory() as spool:
        job = LoadJob("bench", "bench", "1", Path(spool), 1, workers, (scenario,))
        secrets = {"postgres_dsn": dsn}
        cpu = OwnCpu()
        run_load(
            job,
            secrets=secrets,
            origin_ns=time.monotonic_ns(),
            stop=threading.Event(),
            on_progress=cpu.look,
        )
        spans = span_figures(Path(spool))
    # A statement without a transaction around it is one of its own.
    (span,) = [span for span in spans if span.protocol == TRANSACTIONS] or spans
    assert span.failed == 0, span
    assert span.records_per_s
    cpu_us.append(cpu.us_each(span.records_per_s))
    return span.records_per_s


def theirs(dsn: str, case: Case, seconds: int, cpu_us: list[float]) -> float:
    """Run a script with pgbench and give its transactions per second."""
    script, protocol, connections, workers = case
    protocol = "prepared" if protocol == SQL_ALONE else protocol
    program = find_pgbench()
    assert program is not None
    text = BUILT_IN.get(script, ZIPF).replace(":scale", str(SCALE))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    per_s = pgbench_rate(
        program,
        dsn,
        text,
        connections=connections,
        seconds=seconds,
        protocol=protocol,
        threads=workers,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    cpu_us.append(used_s / (per_s * seconds) * 1e6)
    return per_s


@contextmanager
def database() -> Iterator[str]:
    """Give the DSN of a database with pgbench's tables."""
    if len(sys.argv) > 1:
        yield sys.argv[1]
        return
    options = StackOptions(parts=frozenset({"postgres"}))
    with running_stack(Path(".perf").absolute(), options, say=lambda _: None) as stack:
        dsn = stack.endpoints.postgres_dsn
        assert dsn is not None
        run_pgbench(dsn, "-i", "-q", "-s", str(SCALE))
        yield dsn


def main() -> None:
    """Print the table."""
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else SECONDS
    cpu_us: dict[Case, tuple[list[float], list[float]]] = {case: ([], []) for case in CASES}
    with database() as dsn, tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "zipf.sql").write_text(ZIPF, encoding="utf-8")
        sides = {
            case: (
                partial(ours, dsn, Path(folder), case, seconds, cpu_us[case][0]),
                partial(theirs, dsn, case, seconds, cpu_us[case][1]),
            )
            for case in CASES
        }
        found = in_turns(sides, ROUNDS)
    print(f"{'script, protocol, VUs, workers':34}{'ours /s':>9}{'pgbench':>9}{'ratio':>7}{'µs':>6}")
    for case, (mine, tool) in found.items():
        ratios = [own / other for own, other in zip(mine, tool, strict=True)]
        own_us, tool_us = (statistics.median(side) for side in cpu_us[case])
        print(
            f"{', '.join(map(str, case)):34}{statistics.median(mine):9,.0f}"
            f"{statistics.median(tool):9,.0f}{statistics.median(ratios):7.2f}"
            f"{own_us:6.0f}{tool_us:5.0f}   {', '.join(f'{ratio:.2f}' for ratio in ratios)}"
        )


if __name__ == "__main__":
    main()
