"""Run what is suspect again, at once and alone, so that the verdict is that of 2 of 3 runs.

A re-run is a run of its own: `<run>-c1`, `<run>-c2`, started by `confirm`, stored and compared like
any other. What it says about the first one is in reruns.py.
Add here: what a benchmark needs to be run again alone. Keep out: the decision (analysis/).
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from perf_pipeline.analysis.baseline import Diff, DiffStatus
from perf_pipeline.errors import StoreBusyError, TargetUnavailableError
from perf_pipeline.runs.compare import compare_run
from perf_pipeline.runs.ingest import ingest_benchmark
from perf_pipeline.runs.judge import judge_run
from perf_pipeline.runs.measure import measure
from perf_pipeline.runs.prepare import write_run
from perf_pipeline.runs.reruns import TRIGGER
from perf_pipeline.runs.session import Session
from perf_pipeline.store.records import RunKey

# What a benchmark consumes must be produced again, or its re-run is another load.
_NEEDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"queue_consume": ("queue_produce",)}
)


def confirm_suspects(session: Session, *, at_most: int) -> list[str]:
    """Run the suspect benchmarks of a stored run again until each is settled.

    Inside the run's open session, so that stack, data and machine are the same. A target or a
    history that can no longer be reached ends it: what is suspect then stays suspect.

    Args:
        session: of the run; all of its benchmarks are in the history.
        at_most: re-runs; two make three runs of it.

    Returns:
        The ids of the re-runs.

    Raises:
        GeneratorLimitError: a load worker could not do its work at all.
    """
    reruns: list[str] = []
    try:
        for number in range(1, at_most + 1):
            names = _suspect(compare_run(session.state, session.run_id, profile=session.profile))
            if not names or session.stop.is_set():
                break
            session.say(f"out of line: {', '.join(names)}; run again ({number} of {at_most})")
            rerun = replace(
                session,
                run_id=f"{session.run_id}-c{number}",
                trigger=TRIGGER,
                began_at=datetime.now(UTC),
            )
            reruns.append(rerun.run_id)
            _run_again(rerun, names)
    except (TargetUnavailableError, StoreBusyError) as error:
        session.say(f"what is suspect stays suspect: {error.sentence}")
    return reruns


def _suspect(diffs: Iterable[tuple[str, Diff]]) -> list[str]:
    suspects = (
        name for name, one in diffs if one.status is DiffStatus.SUSPECT and one.pinned is None
    )
    return list(dict.fromkeys(suspects))


def _run_again(rerun: Session, names: Iterable[str]) -> None:
    write_run(rerun)
    wanted = [one for name in names for one in (*_NEEDS.get(name, ()), name)]
    for name in dict.fromkeys(wanted):
        rerun.say(f"{name} …")
        measure(rerun, name)
        ingest_benchmark(rerun.state, RunKey(rerun.run_id, name), profile=rerun.profile)
    judge_run(rerun.state, rerun.run_id, profile=rerun.profile)
    compare_run(rerun.state, rerun.run_id, profile=rerun.profile)
