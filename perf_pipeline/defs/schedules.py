"""Schedules of runs that start automatically.

Add here: a schedule. Keep out: what it runs (jobs.py).
Dagster concept: schedules, https://docs.dagster.io/guides/automate/schedules
"""

import os
from collections.abc import Mapping
from typing import Final

import dagster as dg

WEEKLY: Final = "weekly"
WEEKLY_CRON: Final = "0 0 * * 0"
TIME_ZONE: Final = "UTC"
SWITCH: Final = "PERF_WEEKLY_SCHEDULE"


def weekly_schedule(environment: Mapping[str, str] = os.environ) -> dg.ScheduleDefinition:
    """Run the job `weekly` on Sunday at 00:00 UTC.

    It is switched off at first, because a load that starts by itself on somebody's laptop is a
    surprise; a deployment sets PERF_WEEKLY_SCHEDULE=running.
    """
    return schedule_of(
        WEEKLY,
        WEEKLY_CRON,
        TIME_ZONE,
        is_on=environment.get(SWITCH, "").lower() == "running",
        description=f"Sunday, 00:00 UTC. Off until switched on, here or by {SWITCH}=running.",
    )


def schedule_of(
    job: str, cron: str, time_zone: str, *, is_on: bool, description: str
) -> dg.ScheduleDefinition:
    """Start a job by a cron expression.

    Args:
        job: the name of the job; the schedule is called `<job>_schedule`.
        cron: five fields, or a shortcut such as @daily (crontab(5)).
        time_zone: its name in the IANA database, such as Europe/Berlin.
        is_on: whether it is on from the start; otherwise somebody switches it on in the UI.
        description: one sentence.
    """
    status = dg.DefaultScheduleStatus.RUNNING if is_on else dg.DefaultScheduleStatus.STOPPED
    return dg.ScheduleDefinition(
        name=f"{job}_schedule",
        job_name=job,
        description=description,
        cron_schedule=cron,
        execution_timezone=time_zone,
        default_status=status,
    )
