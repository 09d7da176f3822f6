"""The jobs: every asset, with one of the shipped profiles, in one process.

Add here: a job for a profile. Keep out: profile numbers (profiles/*.toml).
Dagster concept: asset jobs, https://docs.dagster.io/guides/build/jobs/asset-jobs
"""

from typing import Any, Final

import dagster as dg

from perf_pipeline.defs.resources import PerfRun

JOBS: Final = ("quick", "ci", "full", "weekly")


def job(profile: str) -> Any:
    """Make the job that runs the whole graph with a profile.

    In one process: the load runs in worker processes of its own, and steps must never overlap.
    """
    return dg.define_asset_job(
        name=profile,
        selection=dg.AssetSelection.all(),
        description=f"The whole graph with the profile {profile}.",
        config=dg.RunConfig(resources={"perf_run": PerfRun(profile=profile)}),
        executor_def=dg.in_process_executor,
    )
