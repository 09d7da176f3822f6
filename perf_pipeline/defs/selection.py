"""Which benchmarks a Dagster run was asked for, and which runs it stands for.

A run that re-executes another one was asked for what that one was asked for as well: the half that
failed, measured again alone, is no verdict of the whole.
Add here: another thing that Dagster knows of a run before it starts. Keep out: what of it a profile
runs (judging/expected.py).
Dagster concept: runs, https://docs.dagster.io/guides/build/jobs
"""

import dagster as dg

from perf_pipeline.benchmarks.registry import NAMES


def asked_for(run: dg.DagsterRun | None, instance: dg.DagsterInstance | None) -> list[str]:
    """Give the benchmarks of a run and of those that it re-executes; none when it only judges."""
    if run is None or not _benchmarks(run):
        return []
    return [
        name
        for name in NAMES
        if any(name in _benchmarks(one) for one in _with_ancestors(run, instance))
    ]


def stands_for(run: dg.DagsterRun | None, instance: dg.DagsterInstance | None) -> list[str]:
    """Give the ids of a run and of those that it re-executes, the nearest first."""
    return [] if run is None else [one.run_id for one in _with_ancestors(run, instance)]


def _with_ancestors(run: dg.DagsterRun, instance: dg.DagsterInstance | None) -> list[dg.DagsterRun]:
    found = [run]
    while instance is not None and (parent_id := found[-1].parent_run_id):
        parent = instance.get_run_by_id(parent_id)
        if parent is None:
            break
        found.append(parent)
    return found


def _benchmarks(run: dg.DagsterRun) -> set[str]:
    return set(run.step_keys_to_execute or ()) & set(NAMES)
