"""Find the runs of a run's line: those whose code it is based on, and no other branch's.

A history that a team shares has runs of all branches and of pull requests. Runs of unmerged code
are in no other branch's baseline; a branch is compared with itself, and a new one with the branch
it began from.
Add here: another fact that tells lines apart. Keep out: what is alike in them (series.py).
"""

from collections.abc import Sequence
from datetime import datetime

from perf_pipeline.store.order import MadeRun


def runs_of_other_lines(runs: Sequence[MadeRun], run_id: str) -> list[str]:
    """Return the runs that are in no baseline of a run, because their code is of another branch.

    A run of which no branch is known counts for all branches, and is compared with all of them.
    Pull requests count for nobody but their own re-runs, and are compared with their base branch;
    a branch with itself, and until it has runs of its own with the branch that it began from.

    Args:
        runs: all that there are.
        run_id: the one in question; none is of another line where it is not here.
    """
    this = next((run for run in runs if run.run_id == run_id), None)
    if this is None:
        return []
    own = (run.order for run in runs if run.branch == this.branch and not run.is_pull_request)
    begins = min(own, default=this.order)
    return [run.run_id for run in runs if not _counts(run, this, begins)]


def _counts(run: MadeRun, this: MadeRun, begins: tuple[int, datetime, str]) -> bool:
    """Say whether a run is of the line of this one, whose branch has runs since `begins`."""
    if run.head == this.head:
        return True
    if run.is_pull_request:
        return False
    if not (run.branch and this.branch):
        return True
    if this.is_pull_request:
        return run.branch == this.base or not this.base
    if run.branch == this.branch:
        return True
    return run.branch == this.base and run.order < begins
