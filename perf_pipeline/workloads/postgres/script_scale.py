"""The scale of pgbench's tables, which its built-in scripts draw their numbers by.

Add here: another way to know it. Keep out: scripts (scripts.py), and making tables (pgbench -i).
"""

from dataclasses import replace
from typing import Final

from perf_pipeline.config.pgbench.parameters import PgbenchParameters
from perf_pipeline.engine.ports import WorkerContext
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.units import US_PER_S
from perf_pipeline.workloads.postgres.clients import Clients

_BRANCHES: Final = (
    b"select case when to_regclass('pgbench_branches') is not null then 'pgbench_branches' end"
)
_COUNT: Final = b"select count(*) from pgbench_branches"


async def counted_scale(context: WorkerContext, own: PgbenchParameters) -> int:
    """Count the branches where all scripts are built in, as pgbench does; else it is 1.

    Raises:
        TargetUnavailableError: PostgreSQL refuses, or has no such table.
    """
    if not own.are_built_in:
        return 1
    limit_s = own.timeout_us / US_PER_S
    clients = await Clients.open(replace(context, vus=1), [])
    try:
        session = clients.take().session
        assert session is not None
        found = await session.ask(_BRANCHES, limit_s)
        if found.get_value(0, 0) is None:
            raise TargetUnavailableError(
                "the target has no table pgbench_branches, which the built-in scripts need",
                hint="create pgbench's tables (pgbench -i), or correct the DSN",
            )
        counted = await session.ask(_COUNT, limit_s)
        return int(counted.get_value(0, 0) or 1)
    finally:
        await clients.close()
