"""Set pgbench's figure beside our own where our own client was the limit.

Who reads "the load generator was the limit" wants to know how far the server would have gone.
Add here: another tool of the field for another tier. Keep out: judging; the run stays INVALID.
"""

from collections.abc import Iterator
from typing import Final

from perf_pipeline.config.profile import Scenario
from perf_pipeline.engine.job import LoadOutcome
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.runs.session import Session
from perf_pipeline.stack.postgres_pgbench import find_pgbench, pgbench_rate
from perf_pipeline.workloads.postgres_users import LIMIT_ROWS, select_script

SECONDS: Final = 3


def pgbench_beside(
    session: Session, benchmark: str, step: int, outcome: LoadOutcome
) -> Iterator[str]:
    """Tell what pgbench reaches with a step's statement and connections, one sentence a scenario.

    Only for selects, because they leave the data as it is, and only where the client was the
    limit. It loads the server for 3 s.
    """
    dsn = session.target.postgres_dsn
    health = outcome.health
    if dsn is None or session.stop.is_set() or (health.valid and not health.notes):
        return
    for name, scenario in session.profile.benchmarks[benchmark].scenarios.items():
        if scenario.step == step and scenario.exec == "select_users":
            yield f"{name}: {_told(dsn, scenario)}"


def _told(dsn: str, scenario: Scenario) -> str:
    program = find_pgbench()
    if program is None:
        return "no pgbench is on PATH to be set beside this client"
    connections = scenario.plan.most_vus
    limit = int(getattr(scenario.parameters, "limit", LIMIT_ROWS))
    try:
        per_s = pgbench_rate(
            program, dsn, select_script(limit), connections=connections, seconds=SECONDS
        )
    except TargetUnavailableError as error:
        return f"no figure of pgbench beside this client: {error.sentence}"
    return (
        f"pgbench reached {per_s:,.0f} records/s right afterwards, with the same statement and "
        f"{connections} connections for {SECONDS} s"
    )
