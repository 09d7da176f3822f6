"""The jobs: the enabled benchmarks of a profile and what judges them, in one process.

Add here: what every job shares. Keep out: profile numbers (profiles/*.toml).
Dagster concept: asset jobs, https://docs.dagster.io/guides/build/jobs/asset-jobs
"""

from collections.abc import Collection, Iterator, Sequence

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from perf_pipeline.config.given_profiles import GivenProfile
from perf_pipeline.config.needed_parts import draws_users
from perf_pipeline.config.profile import Profile
from perf_pipeline.defs.benchmarks import SEEDED
from perf_pipeline.defs.resources import run_tags
from perf_pipeline.defs.verdicts import JUDGEMENT
from perf_pipeline.errors import ProfileError

Job = dg.JobDefinition | UnresolvedAssetJobDefinition


def job_of(given: GivenProfile, benchmarks: Collection[str]) -> UnresolvedAssetJobDefinition:
    """Make the job that measures what a profile enables, judges it, and has the profile's name.

    In one process: the load runs in worker processes of its own, and steps must never overlap.

    Args:
        given: the profile.
        benchmarks: names of all that are assets of the code location.
    """
    profile = given.profile
    return dg.define_asset_job(
        name=_job_name(profile, benchmarks),
        selection=dg.AssetSelection.assets(*_selected(profile)),
        description=(
            f"Runs everything that the profile `{profile.name}` enables. {profile.description}"
        ),
        config={"resources": {"perf_run": {"config": {"profile": given.source}}}},
        tags=run_tags({"profile": profile.name}),
        executor_def=dg.in_process_executor,
    )


def require_own_names(given: Sequence[GivenProfile], benchmarks: Collection[str]) -> None:
    """Refuse benchmarks with the name of another asset, and profiles whose jobs share a name.

    Raises:
        ProfileError: there is such a profile.
    """
    jobs: dict[str, GivenProfile] = {}
    for entry in given:
        taken = [name for name in (SEEDED, *JUDGEMENT) if name in entry.profile.benchmarks]
        if taken:
            raise ProfileError(
                entry.source,
                [f"benchmarks.{name} has the name of another asset in Dagster" for name in taken],
                hint="give the benchmark another name",
            )
        first = jobs.setdefault(_job_name(entry.profile, benchmarks), entry)
        if first is not entry:
            other = f"{first.profile.name} in {first.source}"
            raise ProfileError(
                entry.source,
                [f"name is {entry.profile.name}; as a job it has the same name as {other}"],
                hint="Dagster takes no - in names; give one of the profiles another name",
            )


def _job_name(profile: Profile, benchmarks: Collection[str]) -> str:
    """Return a profile's name with the signs that Dagster takes, and apart from those of assets.

    Dagster has one set of names for jobs and for the steps of assets.
    """
    name = profile.name.replace("-", "_")
    while name in {SEEDED, *benchmarks, *JUDGEMENT}:
        name += "_job"
    return name


def _selected(profile: Profile) -> Iterator[str]:
    enabled = profile.enabled_names
    if any(draws_users(profile, name) for name in enabled):
        yield SEEDED
    yield from enabled
    yield from JUDGEMENT
