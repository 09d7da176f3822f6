"""The asset of the seeded users, whose ids every benchmark reads, changes and deletes.

Add here: nothing but its labels. Keep out: how rows are made (workloads/people.py).
Dagster concept: assets, https://docs.dagster.io/guides/build/assets
"""

from typing import Final

import dagster as dg

from perf_pipeline.defs.benchmarks import SEEDED, labels
from perf_pipeline.defs.left_out import left_out_asset
from perf_pipeline.defs.resources import PerfRun
from perf_pipeline.secrecy.exceptions import masked_exceptions

FIRST: Final = 1_000_000
"""This asset runs before every benchmark that is ready at the same time."""


@dg.asset(name=SEEDED, **labels("data", "postgres", priority=FIRST))
@masked_exceptions()
def seeded_users(perf_run: PerfRun) -> dg.MaterializeResult:
    """Load this run's reproducible users with COPY after removing those of earlier runs.

    The same seed gives the same people. Their ids are divided among reads, updates and deletes
    without overlap, so that no read asks for a deleted user.
    """
    from perf_pipeline.defs.metadata.benchmarks import seeded_metadata
    from perf_pipeline.loading.seeding import seed_users

    if why := perf_run.users_left_out():
        return left_out_asset(why)
    return dg.MaterializeResult(metadata=seeded_metadata(seed_users(perf_run.session())))
