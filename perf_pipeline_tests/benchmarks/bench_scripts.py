"""Scripts of pgbench run by our workers, beside pgbench itself on the same scripts and server.

Run by hand: `python -m perf_pipeline_tests.benchmarks.bench_scripts [DSN]`. Without a DSN it starts
the embedded PostgreSQL and makes pgbench's tables in it. Each script runs as it is (`pgbench`), and
two of them as statements of a profile (`sql`). Interleaved rounds, medians, ratios; needs four
minutes and a quiet machine.
Add here: another script. Keep out: assertions.
"""

import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from perf_pipeline.config.executors.registry import read_executor
from perf_pipeline.config.parameters import ITERATIONS, PGBENCH, SQL
from perf_pipeline.config.pgbench.parameters import BUILT_IN, PgbenchParameters
from perf_pipeline.config.sql_statements import SqlParameters
from perf_pipeline.engine.job import JSON, LoadJob, ScenarioJob
from perf_pipeline.engine.processes import run_load
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
    ("tpcb-like", SQL_ALONE, 10, 1),
    ("select-only", SQL_ALONE, 10, 1),
    ("tpcb-like", "simple", 10, 1),
    ("tpcb-like", "prepared", 10, 1),
    ("simple-update", "prepared", 10, 1),
    ("select-only", "simple", 10, 2),
    ("select-only", "prepared", 10, 1),
    ("select-only", "prepared", 10, 2),
    ("zipf.sql", "prepared", 10, 1),
)
Case = tuple[str, str, int, int]


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


def ours(dsn: str, folder: Path, case: Case) -> float:
    """Run a script on our workers and give its transactions per second over their span."""
    script, protocol, connections, workers = case
    plan = {"executor": "constant-vus", "vus": connections, "duration": f"{SECONDS}s"}
    parameters = job_parameters(script, protocol, folder)
    scenario = ScenarioJob("bench", read_executor(plan), workload_of(protocol), parameters)
    with tempfile.TemporaryDirectory() as spool:
        job = LoadJob("bench", "bench", "1", Path(spool), 1, workers, (scenario,))
        secrets = {"postgres_dsn": dsn}
        run_load(job, secrets=secrets, origin_ns=time.monotonic_ns(), stop=threading.Event())
        spans = span_figures(Path(spool))
    # A statement without a transaction around it is one of its own.
    (span,) = [span for span in spans if span.protocol == TRANSACTIONS] or spans
    assert span.failed == 0, span
    return span.records_per_s or 0.0


def theirs(dsn: str, case: Case) -> float:
    """Run a script with pgbench and give its transactions per second."""
    script, protocol, connections, _ = case
    protocol = "prepared" if protocol == SQL_ALONE else protocol
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
    options = StackOptions(parts=frozenset({"postgres"}))
    with running_stack(Path(".perf").absolute(), options, say=lambda _: None) as stack:
        dsn = stack.endpoints.postgres_dsn
        assert dsn is not None
        run_pgbench(dsn, "-i", "-q", "-s", str(SCALE))
        yield dsn


def main() -> None:
    """Print the table."""
    with database() as dsn, tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "zipf.sql").write_text(ZIPF, encoding="utf-8")
        sides = {
            case: (partial(ours, dsn, Path(folder), case), partial(theirs, dsn, case))
            for case in CASES
        }
        found = in_turns(sides, ROUNDS)
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
