"""Make the jobs, each with a profile's enabled benchmarks and the judging assets, in one process.

Add here: something that all jobs share. Keep out: profile numbers (profiles/*.toml). Dagster
concept: asset jobs, https://docs.dagster.io/guides/build/jobs/asset-jobs
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
    """Make the job with a profile's name, which measures what the profile enables and judges it.

    It runs in one process, because steps must never overlap; the load has its own worker processes.

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
    """Return a profile's name in characters that Dagster accepts, distinct from names of assets.

    In Dagster, jobs and the steps of assets share one set of names.
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
