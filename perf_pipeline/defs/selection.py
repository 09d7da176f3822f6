"""Find the benchmarks that a Dagster run was asked for, and the runs that it stands for.

A run that re-executes another one was asked for what that one was asked for as well: the half that
failed, measured again alone, is no verdict of the whole.
Add here: another thing that Dagster knows of a run before it starts. Keep out: what of it a profile
runs (judging/expected.py).
Dagster concept: runs, https://docs.dagster.io/guides/build/jobs
"""

from collections.abc import Sequence

import dagster as dg


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
