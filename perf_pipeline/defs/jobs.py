"""The jobs: every asset, with one of the shipped profiles, in one process.

Add here: what every job shares. Keep out: profile numbers (profiles/*.toml).
Dagster concept: asset jobs, https://docs.dagster.io/guides/build/jobs/asset-jobs
"""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from perf_pipeline.config.profile import Profile
from perf_pipeline.defs.resources import PerfRun


def job(profile: Profile) -> UnresolvedAssetJobDefinition:
    """Make the job that runs the whole graph with a shipped profile, and has its name.

    In one process: the load runs in worker processes of its own, and steps must never overlap.
    """
    return dg.define_asset_job(
        name=profile.name,
        selection=dg.AssetSelection.all(),
        description=f"The whole graph with the profile `{profile.name}`. {profile.description}",
        config=dg.RunConfig(resources={"perf_run": PerfRun(profile=profile.name)}),
        executor_def=dg.in_process_executor,
    )
