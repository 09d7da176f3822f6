"""Gather what readers of a comparison must know, such as a changed environment or a set clock.

Add here: another fact about a run that readers must not miss. Keep out: layout (report/).
"""

from collections.abc import Iterator
from typing import Final

from perf_pipeline.analysis.environment import changed_facts
from perf_pipeline.analysis.suspicion import WORSE
from perf_pipeline.judging.past import is_like
from perf_pipeline.judging.series import failed_on_failures
from perf_pipeline.judging.unaccepted import unaccepted_levels
from perf_pipeline.metrics.naming import series_label
from perf_pipeline.quoting import first_few
from perf_pipeline.report.wording import moment, plural
from perf_pipeline.store.baselines import (
    BaselineRow,
    ChangePointRow,
    changes,
    confirmations,
    previous_run,
    releases,
)
from perf_pipeline.store.history import History
from perf_pipeline.store.lineage import judged, profiles_resting_on
from perf_pipeline.store.order import began_before_it, ended_after_it
from perf_pipeline.store.records import RunRecord

_CLOCK: Final = "somebody changed a clock, so runs are listed in the order in which they were made"
_MOST_FACTS: Final = 6
_MOST_SERIES: Final = 3
_RECENT_RUNS: Final = 10


def notices_of(history: History, run_id: str) -> list[str]:
    """Return the notices of a compared run, in one sentence each.

    Raises:
        RequestError: there is no such run.
    """
    run = history.run(run_id)
    return [
        *clock_notices(history, run_id),
        *_environment(history, run),
        *_reruns(history, run_id),
        *unaccepted_levels(history, run),
        *_releases(history, run_id),
        *_missed_releases(history, run),
        *_dated(history, run),
    ]


def clock_notices(history: History, run_id: str) -> list[str]:
    """Say where the dates of runs contradict the order in which they were made."""
    told = []
    before, after = ended_after_it(history, run_id), began_before_it(history, run_id)
    if before is not None:
        dated = moment(before.ended_at)
        told.append(
            f"this run is dated before the end of run {before.run_id} ({dated}), which was made "
            f"before it: {_CLOCK}"
        )
    if after is not None:
        dated = moment(after.began_at)
        told.append(
            f"run {after.run_id} was made after this run and is dated before it ({dated}): {_CLOCK}"
        )
    return told


def _environment(history: History, run: RunRecord) -> Iterator[str]:
    before = previous_run(history, run.run_id)
    if before is None:
        return
    if before.environment_id == run.environment_id:
        yield from _other_machine(before, run)
        return
    facts = changed_facts(before.environment, run.environment)
    told = first_few(facts, _MOST_FACTS, "; ")
    yield (
        f"the environment changed since run {before.run_id} ({told}); figures are compared only "
        "within one environment, so a new history starts unless it had runs before"
    )


def _other_machine(before: RunRecord, run: RunRecord) -> Iterator[str]:
    """Say if another machine of a declared class made this run, and what differs."""
    runner_class = run.environment.get("runner_class")
    facts = changed_facts(before.machine, run.machine) if before.machine and run.machine else []
    if runner_class and facts:
        yield (
            f"another machine of runner class {runner_class} made this run than run "
            f"{before.run_id} ({first_few(facts, _MOST_FACTS, '; ')}); figures are compared within "
            "the class"
        )


def _reruns(history: History, run_id: str) -> Iterator[str]:
    reruns = confirmations(history, run_id)
    if reruns:
        yield (
            f"suspect benchmarks were run again {plural(len(reruns), 'time')} "
            f"({', '.join(reruns)}); the majority of all runs decides"
        )
    for rerun in reruns:
        for benchmark, keys in failed_on_failures(history, rerun).items():
            yield (
                f"re-run {rerun} of {benchmark} failed {', '.join(keys)}, so that it settles "
                "nothing where it is in line: a target that fails may be quick"
            )


def _releases(history: History, run_id: str) -> Iterator[str]:
    by_release: dict[str, list[str]] = {}
    for _, diff, lineage in judged(history, run_id):
        if diff.baseline_kind == "release":
            by_release.setdefault(lineage.reference, []).append(diff.status)
    for name, statuses in by_release.items():
        worse = sum(status in WORSE for status in statuses)
        yield (
            f"pinned release {name}: {plural(len(statuses), 'series', 'series')} compared, "
            f"{worse or 'none'} worse"
        )


def _missed_releases(history: History, run: RunRecord) -> Iterator[str]:
    """Name the pinned releases that should be compared with this run, and cannot be.

    Their run is not here, or it is like this one and of another line, or failed.
    """
    run_ids, others = history.run_ids(), set(history.asked.runs_of_other_lines(run.run_id))
    for pin in releases(history):
        if pin.run_id not in run_ids:
            yield from _absent_release(history, run, pin)
        elif is_like(run, pinned := history.run(pin.run_id)):
            if pin.run_id in others:
                branch = pinned.revision.get("branch", "")
                yield (
                    f"pinned release {pin.name} is run {pin.run_id} of branch {branch}, which is "
                    "of no baseline of this run's branch, so NOTHING was compared with it"
                )
            elif pin.run_id != run.run_id:
                yield from _failed_release(history, run, pin)


def _absent_release(history: History, run: RunRecord, pin: BaselineRow) -> Iterator[str]:
    """Name a release whose run is not here, unless it is known to be of another profile."""
    profiles = profiles_resting_on(history, pin.run_id)
    if profiles and run.profile not in profiles:
        return
    condition = "" if profiles else f" (which matters if it is of profile {run.profile})"
    yield (
        f"pinned release {pin.name} is run {pin.run_id}, which is not in this history, so "
        f"NOTHING was compared with it{condition}; `perf-pipeline pull --run {pin.run_id}` "
        "brings it"
    )


def _failed_release(history: History, run: RunRecord, pin: BaselineRow) -> Iterator[str]:
    """Name the benchmarks of a run that failed in the run of a release; no series has these."""
    measured = {outcome.benchmark for outcome in history.outcomes(run.run_id)}
    for benchmark, keys in failed_on_failures(history, pin.run_id).items():
        if benchmark in measured:
            yield (
                f"pinned release {pin.name} is run {pin.run_id}, whose {benchmark} failed "
                f"{', '.join(keys)}, so NOTHING of {benchmark} was compared with it"
            )


def _dated(history: History, run: RunRecord) -> Iterator[str]:
    """Name the newest changes that the history pass dated but nobody has confirmed."""
    benchmarks = {outcome.benchmark for outcome in history.outcomes(run.run_id)}
    rows = [row for row in changes(history) if row.series.benchmark in benchmarks]
    recent = history.runs(_RECENT_RUNS) if rows else []
    likes = {other.run_id for other in recent if is_like(other, run)}
    rows = [row for row in rows if row.run_id in likes]
    confirmed = {(row.run_id, row.series) for row in rows if row.found_by != "history"}
    by_run: dict[str, list[ChangePointRow]] = {}
    for row in rows:
        if row.found_by == "history" and (row.run_id, row.series) not in confirmed:
            by_run.setdefault(row.run_id, []).append(row)
    for first, found in by_run.items():
        listed = first_few([_change(row) for row in found], _MOST_SERIES)
        yield f"looking back, a new level began with run {first}: {listed}"


def _change(row: ChangePointRow) -> str:
    series = row.series
    name = series_label(series.metric, series.tags, series.statistic)
    ratio = f" ({row.after / row.before - 1:+.0%})" if row.before and row.after else ""
    return f"{series.benchmark} {name}{ratio}"
