"""The order in which runs were made, by a number for each run, because a clock can be set.

A run that begins gets the next number, whatever date it has. A run that is only found, in the
spool of another version or machine, is placed by its date among the runs whose date can be true.
Add here: another question to the order of runs. Keep out: what follows from it (judging/).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING, Final

import duckdb

from perf_pipeline.store.imports.foreign import TRIGGER
from perf_pipeline.store.rerun_ids import rerun_of

if TYPE_CHECKING:
    from perf_pipeline.store.history import History

OLDEST_FIRST: Final = "runs.made_as, runs.began_at, runs.run_id"
NEWEST_FIRST: Final = "runs.made_as desc, runs.began_at desc, runs.run_id desc"
MEASURED: Final = "exists (from benchmarks where benchmarks.run_id = runs.run_id)"
"""SQL that is true for runs of which something was stored, and not for those killed at once."""

_KNOWN: Final = "select made_as from runs where run_id = ?"
_NEXT: Final = "select coalesce(max(made_as), 0) + 1 from runs"
# A stored run that is dated after this moment cannot say what comes after what.
_BY_DATE: Final = """
select case when count(*) filter (where began_at > $began_at and began_at <= $now) = 0
    then coalesce(max(made_as), 0) + 1
    else coalesce(max(made_as) filter (where began_at <= $began_at), 0) end
from runs
"""
_MADE: Final = f"""
select run_id, profile, environment_id, triggered_by, coalesce(revision['branch'], ''),
    coalesce(revision['pull_request'], '') <> '', coalesce(revision['base'], ''),
    run_id in (select run_id from benchmarks), made_as, began_at
from runs order by {OLDEST_FIRST}
"""
_SET_BACK: Final = timedelta(seconds=1)
_ENDS: Final = """
select run_id, max(began_at + to_microseconds((wall_s * 1e6)::bigint)) as ended_at
from benchmarks where began_at is not null and wall_s is not null group by run_id
"""


@dataclass(frozen=True, slots=True)
class MadeRun:
    """Hold what decides which runs a run is beside, and which came before it.

    Attributes:
        run_id: its id.
        profile: that it was made with.
        environment_id: what it was measured in.
        trigger: who started it.
        branch: the branch of its code, as CI said it; empty where nobody said it, as `base`.
        is_pull_request: whether its code was not merged yet.
        base: the branch that its code began from.
        is_measured: whether something of it was stored; not so if it was killed at once.
        made_as: its number in the order; two runs may share one.
        began_at: UTC, by a clock that may have been set.
    """

    run_id: str
    profile: str
    environment_id: str
    trigger: str
    branch: str
    is_pull_request: bool
    base: str
    is_measured: bool
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


@dataclass(frozen=True, slots=True)
class OutOfOrder:
    """Hold a run whose date contradicts the order in which runs were made; times are UTC."""

    run_id: str
    began_at: datetime
    ended_at: datetime


def place_of(
    connection: duckdb.DuckDBPyConnection,
    run_id: str,
    began_at: datetime | None,
    *,
    begins_now: bool,
) -> int:
    """Return a run's number: the stored one, else the next one, or one that its date asks for.

    Two runs may share a number when one is found late; their dates decide between them.
    """
    known = connection.execute(_KNOWN, [run_id]).fetchone()
    if known is not None:
        return int(known[0])
    if begins_now or began_at is None:
        found = connection.execute(_NEXT).fetchone()
    else:
        now = datetime.now(UTC).replace(tzinfo=None)
        found = connection.execute(_BY_DATE, {"began_at": began_at, "now": now}).fetchone()
    return int((found or (1,))[0])


def made_runs(connection: duckdb.DuckDBPyConnection) -> list[MadeRun]:
    """List all runs in the order in which they were made."""
    return [MadeRun(*row) for row in connection.execute(_MADE).fetchall()]


def places_of(history: "History") -> dict[str, int]:
    """Number all runs in the order in which they were made, from 1."""
    return {run.run_id: place for place, run in enumerate(history.asked.made_runs(), start=1)}


def ended_after_it(history: "History", run_id: str) -> OutOfOrder | None:
    """Return the run that was made before this one and, by the clock, ended after it began."""
    ends = dict(history.connection.execute(_ENDS).fetchall())
    late = [
        OutOfOrder(other.run_id, _utc(other.began_at), _utc(ended_at))
        for this, other in _beside(history, run_id)
        if other.made_as < this.made_as
        and (ended_at := max(other.began_at, ends.get(other.run_id, other.began_at)))
        > this.began_at + _SET_BACK
    ]
    return max(late, key=lambda run: run.ended_at, default=None)


def began_before_it(history: "History", run_id: str) -> OutOfOrder | None:
    """Return the first run that was made after this one and is dated before it."""
    early = (
        OutOfOrder(other.run_id, _utc(other.began_at), _utc(other.began_at))
        for this, other in _beside(history, run_id)
        if other.made_as > this.made_as and other.began_at < this.began_at - _SET_BACK
    )
    return next(early, None)


def _beside(history: "History", run_id: str) -> Iterator[tuple[MadeRun, MadeRun]]:
    """Pair a run with each, in the order in which they were made.

    What another tool measured may have run at any time, also beside a run of our own.
    """
    runs = [run for run in history.asked.made_runs() if run.trigger != TRIGGER]
    return product([run for run in runs if run.run_id == run_id], runs)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)
