"""A component with the benchmarks of profiles: a few lines of YAML in any Dagster project.

Add here: an attribute of the YAML. Keep out: making definitions from it (graph.py). Dagster
concept: components, https://docs.dagster.io/guides/build/components
"""

from datetime import timedelta
from typing import Any, Final

import dagster as dg
from dagster.components.component_scaffolding import scaffold_component
from pydantic import Field

from perf_pipeline.config.alerts import read_alerts
from perf_pipeline.config.given_profiles import GivenProfile, given_profiles
from perf_pipeline.defs.benchmarks import OWNERS
from perf_pipeline.defs.freshness import freshness_of
from perf_pipeline.defs.graph import Labels, definitions_of
from perf_pipeline.defs.jobs import Job
from perf_pipeline.defs.resources import DEFAULT, PerfRun
from perf_pipeline.defs.schedules import schedule_of
from perf_pipeline.defs.sensors import sensors_of
from perf_pipeline.errors import ProfileError

_MOST_DAYS: Final = 36_500


class PerfSchedule(dg.Model, dg.Resolvable):
    """Define the schedule on which a profile runs automatically."""

    cron: str = Field(description="five cron fields, or a word such as @daily")
    timezone: str = Field(
        default="UTC", description="a name of the IANA database, such as Europe/Berlin"
    )
    profile: str = Field(
        default="", description="the profile's name; if it is empty, the first profile"
    )
    running: bool = Field(
        default=False,
        description=(
            "whether the schedule is on from the start; off by default, so that no load starts by "
            "surprise"
        ),
    )


class PerfPipelineScaffolder(dg.Scaffolder[Any]):
    """Write a YAML file that works unchanged: it measures the reference system on this machine."""

    def scaffold(self, request: dg.ScaffoldRequest[Any]) -> None:
        """Write the component's file."""
        scaffold_component(request, {"profiles": [DEFAULT]})


@dg.scaffold_with(PerfPipelineScaffolder)
class PerfPipeline(dg.Component, dg.Model, dg.Resolvable):
    """Measure a system by profiles, judge the figures, and compare them with earlier runs.

    Every benchmark of the profiles becomes an asset and each of its thresholds an asset check;
    each profile becomes a job of its enabled benchmarks.
    """

    profiles: list[str] = Field(
        default=[DEFAULT],
        description="shipped profiles (quick, ci, full, weekly, soak, resilience), .toml files, "
        "and folders of such files; relative paths start from the folder of this YAML file",
    )
    target: str = Field(
        default="",
        description=(
            "one of the profiles' targets; if it is empty, the target that each profile names"
        ),
    )
    state: str = Field(
        default="",
        description="the folder of history and reports; if it is empty, PERF_STATE or .perf",
    )
    schedule: PerfSchedule | None = Field(
        default=None, description="the schedule on which a profile runs by itself"
    )
    schedules: list[PerfSchedule] = Field(
        default_factory=list,
        description="one for each profile that runs by itself, each in its own time zone",
    )
    owners: list[str] = Field(
        default=list(OWNERS), description="owners of all assets: e-mail addresses, or team:name"
    )
    tags: dict[str, str] = Field(default_factory=dict, description="of all assets")
    alerts: dict[str, Any] = Field(
        default_factory=dict,
        description=(
            "who receives an alert about a run that did not pass, with the keys of [alerts] in a "
            "profile; in place of what the profiles say"
        ),
    )
    fresh_within_days: float = Field(
        default=0.0,
        ge=0,
        le=_MOST_DAYS,
        description=(
            "how old the last valid run may be before the check `fresh` of `report` fails; 0 for "
            "no such check"
        ),
    )
    measure_new_versions: bool = Field(
        default=False,
        description=(
            "whether a new version of a profile's target starts a run from the start; off by "
            "default, so that no load starts by surprise"
        ),
    )
    in_process: bool = Field(
        default=True,
        description=(
            "run assets that are materialised by hand in one process, as the jobs do; set it to "
            "false if the project has its own executor, and then use only the jobs"
        ),
    )

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Make the definitions.

        Raises:
            ProfileError: a profile has mistakes, or a schedule names a profile that is not among
                them.
        """
        overrides = {"target": self.target} if self.target else None
        given = given_profiles(self.profiles, overrides, folder=context.path)
        ours = definitions_of(
            given,
            perf_run=PerfRun(target=self.target, state=self.state),
            labels=Labels(self.owners, self.tags),
        )
        fresh = [self._freshness()] if self.fresh_within_days else []
        return dg.Definitions.merge(ours, self._automation(given, list(ours.jobs or ())), *fresh)

    def _freshness(self) -> dg.Definitions:
        """Make the check of the last valid run's age."""
        return freshness_of(
            PerfRun(state=self.state).state_folder, timedelta(days=self.fresh_within_days)
        )

    def _automation(self, given: list[GivenProfile], jobs: list[Job]) -> dg.Definitions:
        """Make schedules and sensors, and say how runs by hand are executed."""
        whens = [*([self.schedule] if self.schedule else []), *self.schedules]
        _require_one_each([when.profile or given[0].profile.name for when in whens])
        alerts = read_alerts("alerts of the component", self.alerts) if self.alerts else None
        return dg.Definitions(
            schedules=[_schedule(when, given, jobs) for when in whens],
            sensors=sensors_of(given, jobs, alerts=alerts, new_versions=self.measure_new_versions),
            executor=dg.in_process_executor if self.in_process else None,
        )


def _require_one_each(names: list[str]) -> None:
    """Refuse two schedules of one profile, which would have the same name.

    Raises:
        ProfileError: a profile has two.
    """
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise ProfileError(
            "schedules",
            [f"the profile {twice[0]} has several; give it one, or a copy another name"],
        )


def _schedule(
    when: PerfSchedule, given: list[GivenProfile], jobs: list[Job]
) -> dg.ScheduleDefinition:
    names = [entry.profile.name for entry in given]
    name = when.profile or names[0]
    if name not in names:
        there = ", ".join(names)
        raise ProfileError("schedule.profile", [f"is {name!r}; the profiles are {there}"])
    return schedule_of(
        jobs[names.index(name)].name,
        when.cron,
        when.timezone,
        is_on=when.running,
        description=f"The profile {name} by {when.cron}, {when.timezone}.",
    )
