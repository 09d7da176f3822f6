"""Find the benchmarks that a Dagster run was asked for, and the runs that it continues.

A run that re-executes another one was also asked for what the other one was: if only the half that
failed is measured again, that is not a verdict on the whole.
Add here: something else that Dagster knows about a run before it starts. Keep out: what a profile
runs of it (judging/expected.py). Dagster concept: runs, https://docs.dagster.io/guides/build/jobs
"""

from collections.abc import Collection, Sequence
from typing import Final

import dagster as dg

from perf_pipeline.errors import ProfileError

PREFIX: Final = "perf_pipeline/"
"""Begins the name of each Dagster tag of ours."""


def asked_for(
    run: dg.DagsterRun | None, instance: dg.DagsterInstance | None, benchmarks: Sequence[str]
) -> list[str]:
    """Return the benchmarks of a run and of runs that it re-executes; none if it only judges.

    Args:
        run: the run in progress.
        instance: where the runs that it re-executes are kept.
        benchmarks: all benchmarks that are assets of the code location; other assets are not ours.
    """
    if run is None or not _steps(run) & set(benchmarks):
        return []
    steps = set[str]().union(*(_steps(record) for record in _with_ancestors(run, instance)))
    return [name for name in benchmarks if name in steps]


def require_whole(
    run: dg.DagsterRun | None,
    asked: Sequence[str],
    enabled: Sequence[str],
    ours: Sequence[str],
    overrides: Collection[str] = (),
) -> str:
    """Refuse a run of a whole profile that would leave out benchmarks that its graph lacks.

    A profile is read again for each run, but the graph is as it was when the code location was
    loaded. People who select some of its assets themselves are only told: they know what they
    leave out. All assets at once, as by "Materialize all", are no such selection.

    Args:
        run: the run in progress.
        asked: the benchmarks that the run was asked for.
        enabled: the enabled benchmarks of the current profile.
        ours: all benchmarks that are assets of the code location.
        overrides: the dotted keys of the profile that the run's config overrides.

    Returns:
        What a run of selected assets leaves out because it is no asset; empty if there is nothing.

    Raises:
        ProfileError: an enabled benchmark would not be measured although nobody chose that.
    """
    absent = [name for name in enabled if name not in asked]
    if run is None or run.parent_run_id or not absent or len(absent) == len(enabled):
        return ""
    is_job = f"{PREFIX}profile" in run.tags and not run.asset_selection
    if not is_job and set(absent) & set(ours):
        return ""
    if run.asset_selection and set(asked) != set(ours):
        return (
            f"not measured, because the loaded code location has no such asset: {', '.join(absent)}"
            " (enabled in the profile; reload the code location if it was edited)"
        )
    raise ProfileError(
        f"for {run.job_name}" if is_job else "of the run",
        [_absence(run, name, ours) for name in absent],
        hint=_remedy(absent, overrides),
    )


def _absence(run: dg.DagsterRun, name: str, ours: Sequence[str]) -> str:
    where = f"in job {run.job_name}" if name in ours else "in the graph of assets"
    return f"benchmarks.{name} is enabled, and is not {where}"


def _remedy(absent: Sequence[str], overrides: Collection[str]) -> str:
    switched = {f"benchmarks.{name}{key}" for name in absent for key in ("", ".enabled")}
    if switched & {key.strip() for key in overrides}:
        return (
            "`overrides` of the run's config enables it, which adds nothing to a job: materialise "
            "selected assets, or enable it in the profile and reload the code location"
        )
    return (
        "reload the code location if the profile was edited; a profile that the run's config "
        "names has a job of its own"
    )


def stands_for(run: dg.DagsterRun | None, instance: dg.DagsterInstance | None) -> list[str]:
    """Return the ids of a run and of the runs that it re-executes, the nearest first."""
    return [] if run is None else [record.run_id for record in _with_ancestors(run, instance)]


def _with_ancestors(run: dg.DagsterRun, instance: dg.DagsterInstance | None) -> list[dg.DagsterRun]:
    found = [run]
    while instance is not None and (parent_id := found[-1].parent_run_id):
        parent = instance.get_run_by_id(parent_id)
        if parent is None:
            break
        found.append(parent)
    return found


def _steps(run: dg.DagsterRun) -> set[str]:
    return set(run.step_keys_to_execute or ())
