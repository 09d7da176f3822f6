"""The decisions of people and of the gate about baselines: pins, acceptances, dated changes.

Rows of `baselines` are only ever added: who decided what, when and why stays readable.
Add here: another decision about a baseline. Keep out: what follows from it (judging/, analysis/).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from itertools import takewhile
from typing import Final, Literal

from perf_pipeline.store.comparison_rows import DiffRow
from perf_pipeline.store.history import History
from perf_pipeline.store.ingest import transaction
from perf_pipeline.store.order import OLDEST_FIRST, MadeRun
from perf_pipeline.store.records import RunRecord
from perf_pipeline.store.rerun_ids import rerun_of

Action = Literal["pinned", "unpinned", "accepted"]
FoundBy = Literal["gate", "accepted", "machine", "history"]
CONFIRMED: Final[tuple[FoundBy, ...]] = ("gate", "accepted", "machine")
"""Changes that a new baseline starts at; those of the history pass only warn."""


@dataclass(frozen=True, slots=True)
class BaselineRow:
    """Hold a decision about a baseline.

    Attributes:
        made_at: UTC, ISO 8601.
        action: pinned and unpinned: a release; accepted: a new normal.
        name: the name of the release; empty for an acceptance.
        run_id: the run that is pinned, or that the new normal starts with.
        metric: that was accepted, as in a profile; empty for all of the run.
        made_by: user name.
        reason: why.
    """

    made_at: str
    action: Action
    name: str
    run_id: str
    metric: str
    made_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """Name a series of a benchmark; `tags` is what `tags_text` writes."""

    benchmark: str
    metric: str
    tags: str
    statistic: str


@dataclass(frozen=True, slots=True)
class ChangePointRow:
    """Hold a dated change of level.

    Attributes:
        run_id: first run of the new level.
        series: what changed.
        found_by: gate (most runs), accepted (by a person), machine (the load machine
            changed for good), history (looking back; only warns).
        before: median of the level before, in the metric's unit.
        after: median from then on; the value of the run where a person or the gate decided.
        p_value: the p value of the history pass; None otherwise.
    """

    run_id: str
    series: SeriesKey
    found_by: FoundBy
    before: float | None
    after: float | None
    p_value: float | None = None


_COLUMNS: Final = ", ".join(field.name for field in fields(BaselineRow))
_INSERT: Final = f"insert into baselines ({_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?)"
# In the order of deciding: a clock that was set back must not bring an old decision back.
_SELECT: Final = f"select {_COLUMNS} from baselines order by rowid"
_INSERT_CHANGE: Final = """
insert or replace into change_points (run_id, benchmark, metric, tags, statistic, found_by, before,
    after, p_value, found_at)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_CHANGES: Final = f"""
select run_id, benchmark, metric, tags, statistic, found_by, before, after, p_value
from change_points join runs using (run_id)
order by {OLDEST_FIRST}, benchmark, metric, tags, statistic, found_by
"""
_FORGET: Final = """
delete from change_points
where run_id = ? and benchmark = ? and metric = ? and tags = ? and statistic = ? and found_by = ?
"""
# By the load of each of its benchmarks; the most of these.
_LIKES: Final = """
select coalesce(max(likes), 0) from (
    select count(*) as likes
    from (select benchmark, load_hash from benchmarks where run_id = $run_id)
        join benchmarks using (benchmark, load_hash) join runs using (run_id)
    where run_id <> $run_id and profile = $profile and environment_id = $environment
    group by benchmark, load_hash
)
"""
_GATES: Final = """
select run_id, bool_or(status = 'ENVIRONMENT_CHANGED') from diffs
where list_contains(?::varchar[], run_id) group by run_id
"""
_ENDED_AS: Final = """
select run_id, count(*) from diffs
where status = ? and list_contains(?::varchar[], run_id) group by run_id
"""
_MOST_WITHHELD: Final = 100
_CONFIRMS: Final = "confirm"


def decide(history: History, row: BaselineRow) -> None:
    """Add a decision."""
    moment = datetime.fromisoformat(row.made_at).astimezone(UTC).replace(tzinfo=None)
    history.connection.execute(_INSERT, [moment, *astuple(row)[1:]])


def decisions(history: History) -> list[BaselineRow]:
    """List every decision, oldest first."""
    return [
        BaselineRow(made_at.replace(tzinfo=UTC).isoformat(), *rest)
        for made_at, *rest in history.connection.execute(_SELECT).fetchall()
    ]


def releases(history: History) -> list[BaselineRow]:
    """List the pinned releases that hold: the newest decision of each name, in order of pinning."""
    newest: dict[str, BaselineRow] = {}
    for row in decisions(history):
        if row.action != "accepted":
            newest.pop(row.name, None)
            newest[row.name] = row
    return [row for row in newest.values() if row.action == "pinned"]


def store_changes(history: History, rows: Iterable[ChangePointRow]) -> None:
    """Store dated changes; a change that is stored already is replaced."""
    now = datetime.now(UTC).replace(tzinfo=None)
    for row in rows:
        history.asked.forget_compared()
        where = (row.run_id, *astuple(row.series), row.found_by)
        levels = (row.before, row.after, row.p_value)
        history.connection.execute(_INSERT_CHANGE, [*where, *levels, now])


def forget_changes(history: History, rows: Sequence[ChangePointRow]) -> None:
    """Delete dated changes; those that are not stored are left out."""
    if rows:
        history.asked.forget_compared()
    for row in rows:
        history.connection.execute(_FORGET, [row.run_id, *astuple(row.series), row.found_by])


def replace_dated(
    history: History, looked_at: Mapping[SeriesKey, Collection[str]], rows: Sequence[ChangePointRow]
) -> None:
    """Replace what earlier history passes found; what is found again is not written again.

    Args:
        history: open.
        looked_at: for each series the ids of the runs that were looked at.
        rows: all changes that are there.
    """
    known = {
        row
        for row in changes(history)
        if row.found_by == "history" and row.run_id in looked_at.get(row.series, ())
    }
    gone, new = known - set(rows), [row for row in rows if row not in known]
    if gone or new:
        history.asked.forget_compared()
        with transaction(history.connection):
            forget_changes(history, [*gone])
            store_changes(history, new)


def changes(history: History) -> list[ChangePointRow]:
    """List every dated change, in the order in which their runs were made."""
    return [
        ChangePointRow(run_id, SeriesKey(*row[:4]), *row[4:])
        for run_id, *row in history.asked.rows(_CHANGES, [])
    ]


def confirmed_runs(history: History) -> dict[SeriesKey, list[tuple[str, FoundBy]]]:
    """Return the runs with which confirmed changes of level began, by series and oldest first."""
    found: dict[SeriesKey, list[tuple[str, FoundBy]]] = {}
    for row in changes(history):
        if row.found_by in CONFIRMED:
            found.setdefault(row.series, []).append((row.run_id, row.found_by))
    return found


def previous_run(history: History, run_id: str) -> RunRecord | None:
    """Return the run of the same profile and line that was measured before, on any machine."""
    found = [run.run_id for run in _made_before(history, run_id) if run.is_measured]
    return history.run(found[-1]) if found else None


def _made_before(history: History, run_id: str) -> list[MadeRun]:
    """List the runs of the same profile and line that were made before, without any re-run."""
    profile, others = history.run(run_id).profile, {*history.asked.runs_of_other_lines(run_id)}
    before = takewhile(lambda run: run.run_id != run_id, history.asked.made_runs())
    return [
        run
        for run in before
        if run.profile == profile and run.trigger != _CONFIRMS and run.run_id not in others
    ]


def most_like_runs(history: History, run_id: str) -> int:
    """Count the other runs of a run's profile and environment that have a load of it.

    Of the load that most of them have; those that are of no use for a comparison are counted, too.
    The rows are not proven here, but where they are compared.

    Raises:
        RequestError: there is no such run.
    """
    run = history.run(run_id)
    given = {"run_id": run_id, "profile": run.profile, "environment": run.environment_id}
    row = history.connection.execute(_LIKES, given).fetchone()
    return int(row[0]) if row else 0


def withheld_before(history: History, run_id: str) -> list[str]:
    """List the compared runs right before this one whose gate was withheld, the newest first."""
    environment_id = history.run(run_id).environment_id
    before = [
        run.run_id for run in _made_before(history, run_id) if run.environment_id == environment_id
    ][-_MOST_WITHHELD:]
    gates = dict(history.connection.execute(_GATES, [before]).fetchall()) if before else {}
    compared = [name for name in reversed(before) if name in gates]
    return list(takewhile(lambda name: gates[name], compared))


def diffs_with_history(history: History, run_id: str) -> dict[SeriesKey, DiffRow]:
    """Return a run's stored comparisons with its history, and none with pinned figures."""
    return {
        SeriesKey(benchmark, row.metric, row.tags, row.statistic): row
        for benchmark, row in history.diffs(run_id)
        if row.baseline_kind == "history"
    }


def compared_as(history: History, run_ids: Collection[str], status: str) -> dict[str, int]:
    """Count the comparisons of some runs that ended with a status; a run without one is left out.

    Raises:
        StoreError: comparisons of these runs are not those that were written.
    """
    history.proof.require_rows(run_ids, "diffs")
    return dict(history.connection.execute(_ENDED_AS, [status, [*run_ids]]).fetchall())


def confirmations(history: History, run_id: str) -> list[str]:
    """List the re-runs that were made to confirm what a run showed, oldest first."""
    return [
        run.run_id
        for run in history.asked.made_runs()
        if run.trigger == _CONFIRMS and rerun_of(run.run_id) == run_id
    ]
