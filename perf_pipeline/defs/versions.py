"""Start one run for each new version of the target.

Add here: another event that starts a run automatically. Keep out: asking for a version
(loading/revision.py), and the clock (schedules.py). Dagster concept: sensors and run keys,
https://docs.dagster.io/guides/automate/sensors
"""

import os
from collections.abc import Iterator, Sequence
from typing import Final

import dagster as dg

from perf_pipeline.config.given_profiles import GivenProfile
from perf_pipeline.config.profile import Profile
from perf_pipeline.defs.jobs import Job
from perf_pipeline.defs.resources import run_tags
from perf_pipeline.errors import PerfPipelineError

EVERY_S: Final = 60


def version_sensors(
    given: Sequence[GivenProfile], jobs: Sequence[Job], *, is_on: bool
) -> Iterator[dg.SensorDefinition]:
    """Make a sensor for each profile whose target says where to find its version.

    Args:
        given: the profiles.
        jobs: their jobs, in the same order.
        is_on: whether they are on from the start; otherwise somebody switches them on in the UI.
    """
    for entry, job in zip(given, jobs, strict=True):
        target = entry.profile.targets.get(entry.profile.target)
        if target is not None and target.version is not None:
            yield version_sensor(entry.profile, job.name, is_on=is_on)


def version_sensor(profile: Profile, job: str, *, is_on: bool) -> dg.SensorDefinition:
    """Make the sensor that runs a job once for each version of its target.

    The version is the run key, so that Dagster starts only one run for it.
    """
    status = dg.DefaultSensorStatus.RUNNING if is_on else dg.DefaultSensorStatus.STOPPED

    @dg.sensor(
        name=f"{job}_new_version",
        job_name=job,
        minimum_interval_seconds=EVERY_S,
        default_status=status,
        description=f"Runs {job} when {profile.target} reports a version that is not measured yet.",
    )
    def look() -> dg.SensorResult | dg.SkipReason:
        return asked(profile)

    return look


def asked(profile: Profile) -> dg.SensorResult | dg.SkipReason:
    """Ask the target once; if there is no version, start nothing and say why."""
    from perf_pipeline.loading.prepare import find_target
    from perf_pipeline.loading.revision import told_version

    try:
        target = find_target(profile, os.environ)
        version = told_version(profile, target, os.environ)
    except PerfPipelineError as error:
        return dg.SkipReason(f"the version is not known: {error.sentence}")
    if not version:
        return dg.SkipReason("the version is not known: its answer is empty")
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=version, tags=run_tags({"version": version}))]
    )
