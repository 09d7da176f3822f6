"""Find the runs of a run's line: those whose code it is based on, and no other branch's.

A history that a team shares has runs of all branches and of pull requests. Runs of unmerged code
are in no other branch's baseline; a branch is compared with itself, and a new one with the branch
it began from.
Add here: another fact that tells lines apart. Keep out: what is alike in them (series.py).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import duckdb

from perf_pipeline.store.order import OLDEST_FIRST
from perf_pipeline.store.rerun_ids import rerun_of

_LINES: Final = f"""
select run_id, coalesce(revision['branch'], ''), coalesce(revision['pull_request'], '') <> '',
    coalesce(revision['base'], ''), made_as, began_at
from runs order by {OLDEST_FIRST}
"""


@dataclass(frozen=True, slots=True)
class _Lined:
    """Hold a run with what CI said of its code; texts are empty where nobody said it."""

    run_id: str
    branch: str
    is_pull_request: bool
    base: str
    made_as: int
    began_at: datetime

    @property
    def order(self) -> tuple[int, datetime, str]:
        """Return its place among the runs, in the order in which they were made."""
        return self.made_as, self.began_at, self.run_id

    @property
    def head(self) -> str:
        """Return the run that it confirms, or its own id."""
        return rerun_of(self.run_id) or self.run_id


def runs_of_other_lines(connection: duckdb.DuckDBPyConnection, run_id: str) -> list[str]:
    """Return the runs that are in no baseline of a run, because their code is of another branch.

    A run of which no branch is known counts for all branches, and is compared with all of them.
    Pull requests count for nobody but their own re-runs, and are compared with their base branch;
    a branch with itself, and until it has runs of its own with the branch that it began from.
    """
    runs = [_Lined(*row) for row in connection.execute(_LINES).fetchall()]
    this = next((run for run in runs if run.run_id == run_id), None)
    if this is None:
        return []
    own = (run.order for run in runs if run.branch == this.branch and not run.is_pull_request)
    begins = min(own, default=this.order)
    return [run.run_id for run in runs if not _counts(run, this, begins)]


def _counts(run: _Lined, this: _Lined, begins: tuple[int, datetime, str]) -> bool:
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
