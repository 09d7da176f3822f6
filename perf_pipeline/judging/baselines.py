"""Decisions of people about baselines: pin a release, unpin it, accept a new normal.

Every decision is a row that says who decided, when and why; nothing is ever overwritten.
Add here: another kind of decision. Keep out: its consequences (compare.py, releases.py).
"""

import getpass
import os
from datetime import UTC, datetime

from perf_pipeline.errors import RequestError
from perf_pipeline.judging.ingest import profile_of
from perf_pipeline.judging.series import (
    MeasuredBenchmark,
    failed_on_failures,
    measured_of,
    series_in,
)
from perf_pipeline.metrics.naming import metric_key
from perf_pipeline.report.revisions import revision_name
from perf_pipeline.store.baselines import (
    Action,
    BaselineRow,
    ChangePointRow,
    changes,
    decide,
    decisions,
    diffs_with_history,
    releases,
    store_changes,
)
from perf_pipeline.store.history import History
from perf_pipeline.store.run_rows import revisions
from perf_pipeline.store.state import State


def pin(state: State, run_id: str, *, name: str, reason: str) -> BaselineRow:
    """Pin a run as a release that every later run of its kind is compared with.

    A name that is already pinned moves to this run.

    Raises:
        RequestError: there is no such run, or it measured nothing whole and valid, or failed.
        StoreBusyError: the history is open elsewhere.
    """
    with state.history() as history:
        comparable_benchmarks(history, run_id)
        row = _row("pinned", run_id, reason, name=name)
        decide(history, row)
        return row


def unpin(state: State, *, name: str, reason: str) -> BaselineRow:
    """End the comparison with a pinned release.

    Raises:
        RequestError: no release of this name is pinned.
        StoreBusyError: the history is open elsewhere.
    """
    with state.history() as history:
        pinned = {row.name: row for row in releases(history)}
        if name not in pinned:
            known = ", ".join(pinned) or "none"
            raise RequestError(
                f"there is no pinned release {name!r}", hint=f"the pinned releases are: {known}"
            )
        row = _row("unpinned", pinned[name].run_id, reason, name=name)
        decide(history, row)
        return row


def accept(
    state: State, run_id: str, *, reason: str, metric: str = ""
) -> tuple[BaselineRow, list[ChangePointRow]]:
    """Accept a run's level as the new normal: later runs are compared from this run on.

    Args:
        state: folder of the history.
        run_id: the id of the first run of the new normal.
        reason: the reason for accepting it.
        metric: only this metric, with its tag filter or without; empty for every metric.

    Returns:
        The decision, and the change point of each series that it is about.

    Raises:
        RequestError: there is no such run, it measured nothing whole and valid, it failed a
            threshold on failures, or it is not compared by this metric.
        StoreBusyError: the history is open elsewhere.
    """
    with state.history() as history:
        known = _change_points(history, run_id)
        wanted = [row for row in known if not metric or metric in _names(row)]
        if not wanted:
            names = ", ".join(sorted({row.series.metric for row in known}))
            raise RequestError(
                f"run {run_id} was not compared by {metric!r}", hint=f"it was compared by {names}"
            )
        row = _row("accepted", run_id, reason, metric=metric)
        decide(history, row)
        store_changes(history, wanted)
        return row, wanted


def all_decisions(state: State) -> list[tuple[BaselineRow, bool]]:
    """List every decision, oldest first, as (decision, whether it still holds).

    Raises:
        StoreBusyError: the history is open elsewhere.
    """
    with state.history() as history:
        holding = releases(history)
        return [(row, row.action == "accepted" or row in holding) for row in decisions(history)]


def all_changes(state: State) -> list[tuple[ChangePointRow, str]]:
    """List every dated change of level, oldest first, with the version with which it began.

    The version, or the commit, is empty if the run does not know it.

    Raises:
        StoreBusyError: the history is open elsewhere.
    """
    with state.history() as history:
        known = revisions(history.connection)
        return [(row, revision_name(known.get(row.run_id, {}))) for row in changes(history)]


def comparable_benchmarks(history: History, run_id: str) -> list[MeasuredBenchmark]:
    """Return the benchmarks of a run whose figures may be part of a baseline.

    Raises:
        RequestError: there is no such run, it has no such benchmark, or it is of a pull request.
    """
    whole = [measured for measured in measured_of(history, run_id) if measured.comparable]
    if not whole:
        raise RequestError(
            f"run {run_id} has no benchmark that was completed and is valid",
            hint="a baseline needs at least one; `perf-pipeline report` says what went wrong",
        )
    if number := history.run(run_id).revision.get("pull_request"):
        raise RequestError(
            f"run {run_id} is of pull request {number}, whose runs are in nobody's baseline",
            hint="name a run of the branch, made after the pull request is merged",
        )
    broken = failed_on_failures(history, run_id)
    found = [measured for measured in whole if measured.outcome.benchmark not in broken]
    if not found:
        failed = ", ".join(sorted({key for keys in broken.values() for key in keys}))
        raise RequestError(
            f"run {run_id} failed {failed}, and figures of a target that fails are no baseline",
            hint="name a run in which the target did what it was asked to",
        )
    return found


def _change_points(history: History, run_id: str) -> list[ChangePointRow]:
    profile = profile_of(history, run_id)
    before = diffs_with_history(history, run_id)
    found = []
    for measured in comparable_benchmarks(history, run_id):
        for series in series_in(profile, measured):
            value, key = measured.value(series), measured.key(series)
            if value is None:
                continue
            level = before[key].baseline_median if key in before else None
            found.append(ChangePointRow(run_id, key, "accepted", level, value))
    return found


def _names(row: ChangePointRow) -> set[str]:
    metric, tags = row.series.metric, row.series.tags
    return {metric, metric_key(metric, tags)}


def _row(
    action: Action, run_id: str, reason: str, *, name: str = "", metric: str = ""
) -> BaselineRow:
    now = datetime.now(UTC).isoformat()
    return BaselineRow(now, action, name, run_id, metric, _user(), reason)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name; Python >= 3.13 raises OSError
        return f"uid {os.getuid()}"
