"""Find the benchmarks that a Dagster run was asked for, and the runs that it stands for.

A run that re-executes another one was asked for what that one was asked for as well: the half that
failed, measured again alone, is no verdict of the whole.
Add here: another thing that Dagster knows of a run before it starts. Keep out: what of it a profile
runs (judging/expected.py).
Dagster concept: runs, https://docs.dagster.io/guides/build/jobs
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
    """Return the benchmarks of a run and of those that it re-executes; none when it only judges.

    Args:
        run: under way.
        instance: where the runs that it re-executes are kept.
        benchmarks: all that are assets of the code location; other assets are none of ours.
    """
    if run is None or not _steps(run) & set(benchmarks):
        return []
    steps = set[str]().union(*(_steps(record) for record in _with_ancestors(run, instance)))
    return [name for name in benchmarks if name in steps]


def require_whole(
    run: dg.DagsterRun | None, planned: Sequence[str], enabled: Sequence[str], ours: Sequence[str]
) -> None:
    """Refuse a run of a whole profile that would leave out what its graph does not know yet.

    A profile is read again for each run, and the graph is what it was when the code location was
    loaded. Whoever selects assets himself knows what he leaves out.

    Args:
        run: under way.
        planned: the benchmarks that it does.
        enabled: those of the profile, as it is now.
        ours: all that are assets of the code location.

    Raises:
        ProfileError: an enabled benchmark would not be measured, and nobody chose that.
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
    """Return the ids of a run and of those that it re-executes, the nearest first."""
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
