"""The run as a resource: its profile is typed run config, and its stack lives as long as it does.

Under `in_process_executor` a resource is set up and torn down once per run, even if an asset raises
or the run is cancelled. The stack starts at the first measuring asset, so a run that only judges
again starts nothing.
Add here: a setting of a run. Keep out: what a setting means (config/).
Dagster concept: resources, https://docs.dagster.io/guides/build/external-resources
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, Final

import dagster as dg
from pydantic import Field, PrivateAttr

from perf_pipeline.benchmarks.registry import NAMES, record_of
from perf_pipeline.config.loading import SHIPPED, load_profile, parse_overrides
from perf_pipeline.config.needed_parts import draws_users
from perf_pipeline.config.profile import Profile
from perf_pipeline.config.reruns import RERUNS
from perf_pipeline.defs.narration import LogNarrator
from perf_pipeline.defs.selection import PREFIX, asked_for, require_whole, stands_for
from perf_pipeline.metrics.run_tags import run_tag
from perf_pipeline.narration import Narrator
from perf_pipeline.report.links import report_link
from perf_pipeline.report.revisions import revision_name
from perf_pipeline.secrecy.files import keep_private
from perf_pipeline.store.state import State

if TYPE_CHECKING:
    from perf_pipeline.loading.session import Session

DEFAULT: Final = "quick"
_TAG: Final = "tag."


def run_tags(facts: Mapping[str, str]) -> dict[str, str]:
    """Return facts of a run as Dagster tags, so that runs can be found by them."""
    return {f"{PREFIX}{name}": value for name, value in facts.items()}


def facts_among(dagster_tags: Mapping[str, str]) -> dict[str, str]:
    """Return the facts in a run's Dagster tags, as `run_tags` wrote them."""
    return {
        name.removeprefix(PREFIX): value
        for name, value in dagster_tags.items()
        if name.startswith(PREFIX)
    }


def run_facts(
    profile: str, target: str, revision: Mapping[str, str], tags: Mapping[str, str]
) -> dict[str, str]:
    """Return the main facts of a run by name; tags of people as `tag.NAME`."""
    given = {f"{_TAG}{name}": value for name, value in tags.items()}
    return {"profile": profile, "target": target, **revision, **given}


def tags_among(dagster_tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags that people gave a run in Dagster, as `perf_pipeline/tag.NAME`.

    Raises:
        ValueError: a name or a value is accepted by Dagster but is not a valid tag of a run.
    """
    given = facts_among(dagster_tags).items()
    return dict(
        run_tag(f"{name.removeprefix(_TAG)}={value}")
        for name, value in given
        if name.startswith(_TAG)
    )


class PerfRun(dg.ConfigurableResource["PerfRun"]):
    """Hold the settings of a run, and hand its session to the assets."""

    profile: str = Field(
        default="",
        description=(
            f"{', '.join(SHIPPED)}, or a .toml file. If it is empty, a new run uses the default "
            "profile, and a stored run is judged by its own."
        ),
    )
    usual_profile: str = Field(
        default=DEFAULT, description="the profile of a new run when `profile` is empty"
    )
    target: str = Field(
        default="",
        description=(
            "one of the profile's targets; if it is empty, the target that the profile names"
        ),
    )
    benchmarks: list[str] = Field(
        default=list(NAMES),
        description=(
            "the benchmarks that are assets of this code location; set by the code location itself"
        ),
    )
    overrides: dict[str, str] = Field(
        default_factory=dict,
        description=(
            "dotted keys of the profile with TOML values, as for `--set` on the command line, e.g. "
            '{"seeding.users": "500"}'
        ),
    )
    state: str = Field(
        default="",
        description="the folder of history and spool; if it is empty, PERF_STATE or .perf",
    )

    confirm: int = Field(
        default=RERUNS,
        ge=0,
        le=RERUNS,
        description=(
            "how often a suspect benchmark is run again at most, within the same run; the majority "
            "of all runs decides. With 0 a suspect stays suspect."
        ),
    )

    _until_the_end: ExitStack = PrivateAttr()
    _profile: Profile = PrivateAttr()
    _run_id: str = PrivateAttr()
    _stands_for: list[str] = PrivateAttr(default_factory=list)
    _planned: list[str] = PrivateAttr(default_factory=list)
    _tags: dict[str, str] = PrivateAttr(default_factory=dict)
    _log: dg.DagsterLogManager = PrivateAttr()
    _instance: dg.DagsterInstance | None = PrivateAttr(default=None)
    _session: "Session | None" = PrivateAttr(default=None)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["PerfRun"]:
        """Check the profile before anything is loaded; stop whatever the run started."""
        from perf_pipeline.judging.expected import selected_in
        from perf_pipeline.loading.stopping import hangup_as_termination

        assert context.log is not None
        keep_private(self.state_folder.folder, os.environ)
        self._profile = load_profile(self.profile or self.usual_profile, self._laid_over)
        self._run_id = context.run.run_id if context.run else ""
        self._stands_for = stands_for(context.run, context.instance)
        asked = asked_for(context.run, context.instance, self.benchmarks)
        self._planned = selected_in(self._profile, asked)
        enabled = self._profile.enabled_names
        self._log = context.log
        if told := require_whole(context.run, asked, enabled, self.benchmarks, self.overrides):
            self._log.warning(told)
        self._tags = tags_among(context.run.tags) if context.run else {}
        self._instance = context.instance
        self._tag()
        with hangup_as_termination(), ExitStack() as self._until_the_end:
            yield self

    def _tag(self) -> None:
        """Show the facts as tags of the run, at its start and when the target has reported more."""
        if self._instance and self._run_id:
            self._instance.add_run_tags(self._run_id, run_tags(self.facts))

    @property
    def _laid_over(self) -> dict[str, Any]:
        """Return what overrides the profile: the target, and each override."""
        target = {"target": self.target} if self.target else {}
        return {**target, **parse_overrides(self.overrides)}

    @property
    def state_folder(self) -> State:
        """Return the folder that all runs of this machine share."""
        return State(Path(self.state or os.environ.get("PERF_STATE", ".perf")))

    def report_link(self, run_id: str) -> str:
        """Return the address of a run's report; empty if reports are not served."""
        return report_link(os.environ, run_id)

    @property
    def judging_profile(self) -> Profile | None:
        """Return the profile to judge by; None for the one that the judged run was made with."""
        return self._profile if self.profile or self.overrides else None

    @property
    def judged_run_id(self) -> str:
        """Return this run, else a run that it re-executes, else the last run that was made.

        Raises:
            RequestError: there is none.
        """
        from perf_pipeline.judging.asked import run_to_judge

        return run_to_judge(self.state_folder, *self._stands_for)

    def judged_run_of(self, benchmark: str) -> str:
        """Return the run whose verdicts on a benchmark count: this one, or the last with it."""
        from perf_pipeline.judging.stored import last_run_with

        run_id = self.judged_run_id
        if run_id in self._stands_for:
            return run_id
        return last_run_with(self.state_folder, benchmark, run_id)

    def left_out(self, benchmark: str) -> str:
        """Say why this run does not measure a benchmark; empty if it does, or only judges."""
        from perf_pipeline.judging.expected import why_left_out

        if not self._planned:
            return ""
        if benchmark in self._planned and record_of(benchmark).is_optional:
            return self.session().left_out.get(benchmark, "")
        return why_left_out(self._profile, benchmark)

    def users_left_out(self) -> str:
        """Say why this run seeds no users; empty if it does."""
        drawing = [name for name in self._planned if draws_users(self._profile, name)]
        if not self._planned:
            return ""
        if not drawing:
            return "no benchmark of this run reads, changes or deletes users, so none are seeded"
        unmet = self.session().unmet
        return unmet[drawing[0]] if all(name in unmet for name in drawing) else ""

    @property
    def used_profile(self) -> Profile:
        """Return the profile that this run measures by."""
        return self._profile

    @property
    def facts(self) -> dict[str, str]:
        """Return the main facts of a run: profile, target, and what was measured.

        The latter are the version of the target, and commit, branch, pull request and build from
        CI, as far as they are known; and the tags of the run.
        """
        from perf_pipeline.loading.revision import given_revision

        known = given_revision(os.environ) if self._session is None else self._session.revision
        return run_facts(self._profile.name, self._profile.target, known, self._tags)

    @property
    def data_version(self) -> str:
        """Return what identifies this run's figures: the version that was measured, and the run."""
        return "+".join(filter(None, (revision_name(self.facts), self._run_id)))

    @property
    def open_session(self) -> "Session | None":
        """Return the session of a run that has measured something; None if it only judges."""
        return self._session

    def _opened(self, narrator: Narrator) -> "AbstractContextManager[Session]":
        from perf_pipeline.loading.prepare import open_session

        return open_session(
            self._profile,
            state=self.state_folder,
            trigger="dagster",
            narrator=narrator,
            run_id=self._run_id,
            planned=self._planned,
            tags=self._tags,
        )

    def session(self) -> "Session":
        """Return the session; the first call starts the parts that the target does not have."""
        from perf_pipeline.runs.outputs import with_outputs

        if self._session is None:
            self._session = self._until_the_end.enter_context(
                with_outputs(self._profile, LogNarrator(self._log), self._opened)
            )
            self._tag()
            self._log.info(how_to_follow(self.state_folder))
        return self._session


def how_to_follow(state: State) -> str:
    """Say where, or how, the run can be followed while it is in progress."""
    from perf_pipeline.following.announcement import page_of

    if address := page_of(state):
        return f"this run can be followed at {address}"
    folder = quote(str(state.folder.resolve()))
    return (
        f"this run can be followed in a browser: `perf-pipeline --state {folder} watch`, on the "
        "machine that runs it, prints the address"
    )
