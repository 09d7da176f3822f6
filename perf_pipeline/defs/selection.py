"""Find the benchmarks that a Dagster run was asked for, and the runs that it continues.

A run that re-executes another one was also asked for what the other one was: if only the half that
failed is measured again, that is not a verdict on the whole.
Add here: something else that Dagster knows about a run before it starts. Keep out: what a profile
runs of it (judging/expected.py). Dagster concept: runs, https://docs.dagster.io/guides/build/jobs
"""

from collections.abc import Sequence
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
    run: dg.DagsterRun | None, planned: Sequence[str], enabled: Sequence[str], ours: Sequence[str]
) -> None:
    """Refuse a run of a whole profile that would leave out benchmarks that its graph lacks.

    A profile is read again for each run, but the graph is as it was when the code location was
    loaded. People who select assets themselves know what they leave out.

    Args:
        run: the run in progress.
        planned: the benchmarks that the run does.
        enabled: the enabled benchmarks of the current profile.
        ours: all benchmarks that are assets of the code location.

    Raises:
        ProfileError: an enabled benchmark would not be measured although nobody chose that.
    """
    if not planned or run is None or run.parent_run_id:
        return
    known = [name for name in enabled if name in ours]
    is_job = f"{PREFIX}profile" in run.tags and not run.asset_selection
    absent = [name for name in enabled if name not in planned]
    if absent and (is_job or (len(known) < len(enabled) and set(known) == set(planned))):
        raise ProfileError(
            f"for {run.job_name}" if is_job else "of the run",
            [f"benchmarks.{name} is enabled, and is not in the graph of assets" for name in absent],
            hint="reload the code location, whose graph is of an earlier or another profile",
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
