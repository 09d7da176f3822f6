"""The jobs: the enabled benchmarks of a profile and what judges them, in one process.

Add here: what every job shares. Keep out: profile numbers (profiles/*.toml).
Dagster concept: asset jobs, https://docs.dagster.io/guides/build/jobs/asset-jobs
"""

from collections.abc import Iterator

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from perf_pipeline.config.given_profiles import GivenProfile
from perf_pipeline.config.needed_parts import draws_users
from perf_pipeline.config.profile import Profile
from perf_pipeline.defs.benchmarks import SEEDED
from perf_pipeline.defs.resources import run_tags
from perf_pipeline.defs.verdicts import JUDGEMENT
from perf_pipeline.judging.expected import enabled_in


def job_of(given: GivenProfile) -> UnresolvedAssetJobDefinition:
    """Make the job that measures what a profile enables, judges it, and has the profile's name.

    In one process: the load runs in worker processes of its own, and steps must never overlap.
    """
    profile = given.profile
    return dg.define_asset_job(
        name=job_name(profile),
        selection=dg.AssetSelection.assets(*_selected(profile)),
        description=(
            f"Runs everything that the profile `{profile.name}` enables. {profile.description}"
        ),
        config={"resources": {"perf_run": {"config": {"profile": given.source}}}},
        tags=run_tags({"profile": profile.name}),
        executor_def=dg.in_process_executor,
    )


def job_name(profile: Profile) -> str:
    """Return a profile's name with the signs that Dagster takes."""
    return profile.name.replace("-", "_")


def _selected(profile: Profile) -> Iterator[str]:
    enabled = enabled_in(profile)
    if any(draws_users(profile, name) for name in enabled):
        yield SEEDED
    yield from enabled
    yield from JUDGEMENT
