"""When runs start by themselves.

Add here: a schedule. Keep out: what it runs (jobs.py).
Dagster concept: schedules, https://docs.dagster.io/guides/automate/schedules
"""

import os
from typing import Final

import dagster as dg

WEEKLY_CRON: Final = "0 0 * * 0"
TIME_ZONE: Final = "UTC"
SWITCH: Final = "PERF_WEEKLY_SCHEDULE"


def weekly_schedule() -> dg.ScheduleDefinition:
    """Run the weekly job on Sunday at 00:00 UTC.

    It begins switched off, because a load that starts by itself on somebody's laptop is a surprise;
    a deployment sets PERF_WEEKLY_SCHEDULE=running.
    """
    is_on = os.environ.get(SWITCH, "").lower() == "running"
    return dg.ScheduleDefinition(
        name="weekly_schedule",
        job_name="weekly",
        description=f"Sunday, 00:00 UTC. Off until switched on, here or by {SWITCH}=running.",
        cron_schedule=WEEKLY_CRON,
        execution_timezone=TIME_ZONE,
        default_status=dg.DefaultScheduleStatus.RUNNING
        if is_on
        else dg.DefaultScheduleStatus.STOPPED,
    )
