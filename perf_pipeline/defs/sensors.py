"""Make all sensors of a code location: those that send alerts, and those that start runs.

Add here: another sensor that every code location has. Keep out: what a sensor does.
Dagster concept: sensors, https://docs.dagster.io/guides/automate/sensors
"""

from collections.abc import Sequence

import dagster as dg

from perf_pipeline.config.alerts import Alerts
from perf_pipeline.config.given_profiles import GivenProfile
from perf_pipeline.defs.alerts import alert_sensor
from perf_pipeline.defs.jobs import Job
from perf_pipeline.defs.versions import version_sensors


def sensors_of(
    given: Sequence[GivenProfile],
    jobs: Sequence[Job],
    *,
    alerts: Alerts | None = None,
    new_versions: bool = False,
) -> list[dg.SensorDefinition]:
    """Make the sensors; none if no profile asks for one.

    Args:
        given: the profiles.
        jobs: their jobs, in the same order.
        alerts: who gets alerts about every job; None leaves it to each profile.
        new_versions: whether the sensors for new versions are on from the start.
    """
    wanted = {
        job.name: told
        for entry, job in zip(given, jobs, strict=True)
        if (told := alerts or entry.profile.alerts) is not None
    }
    return [
        *([alert_sensor(wanted)] if wanted else []),
        *version_sensors(given, jobs, is_on=new_versions),
    ]
