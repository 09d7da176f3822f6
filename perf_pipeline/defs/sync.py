"""Report stored runs to Dagster's instance: each once, oldest first, at the time they began.

It is a separate program, so that a command without Dagster never imports it, and an instance that
hangs can be given up. It prints a sentence for each run and ends with 0; if it could not go on, the
last sentence says why, and it ends with 97.
Add here: the choice of runs. Keep out: what they show (stored_runs.py). Dagster concept: external
assets, https://docs.dagster.io/guides/build/assets/external-assets
"""

import os
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

import dagster as dg
from dagster._core.events import StepMaterializationData
from filelock import FileLock

from perf_pipeline.defs.stored_runs import (
    REPORT,
    RUN_TAG,
    AssetEvents,
    events_of,
)
from perf_pipeline.errors import ExitCode, PerfPipelineError
from perf_pipeline.judging.publish import report_of, written_forms
from perf_pipeline.judging.reruns import TRIGGER
from perf_pipeline.narration import Say
from perf_pipeline.quoting import on_one_line
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline.store.records import RunRecord
from perf_pipeline.store.state import State

BEGUN: Final = "."
"""The first line of the program, when all is imported: from now on silence is the instance's."""
_LOCK: Final = "dagster_sync.lock"
_ALL: Final = 1_000_000
_MOST_AT_ONCE: Final = 100
_LONGEST: Final = 400
_RUNLESS: Final = ""  # how Dagster marks events that belong to none of its runs


def bring_in(
    instance: dg.DagsterInstance, state: State, wanted: Collection[str], *, say: Say
) -> int:
    """Report stored runs to an instance, and return how many were new to it.

    A run that the instance made itself, or that was reported before, is left alone. A report that
    was cut off in the middle is completed.

    Args:
        instance: Dagster's instance.
        state: folder of the history.
        wanted: the ids of runs; empty for all stored runs.
        say: is told a line about each run.

    Raises:
        StoreBusyError: the history is open elsewhere.
    """
    with FileLock(state.folder / _LOCK):
        new = [run for run in _stored(state, wanted) if not _is_known(instance, run)]
        for number, run in enumerate(new, 1):
            _report(instance, state, run)
            say(f"run {run.run_id} is in Dagster ({number} of {len(new)})")
    return len(new)


def _stored(state: State, wanted: Collection[str]) -> list[RunRecord]:
    with state.history() as history:
        runs = [run for run in history.runs(limit=_ALL) if run.trigger != TRIGGER]
    return [run for run in reversed(runs) if not wanted or run.run_id in wanted]


def _is_known(instance: dg.DagsterInstance, run: RunRecord, asset: str = REPORT) -> bool:
    """Check the asset's few events at the time when the run began."""
    if instance.get_run_by_id(run.run_id) is not None:
        return True
    began_s = _began_s(run)
    moment = dg.AssetRecordsFilter(
        dg.AssetKey(asset), after_timestamp=began_s - 1, before_timestamp=began_s + 1
    )
    found = instance.fetch_materializations(moment, limit=_MOST_AT_ONCE).records
    shown = [record.asset_materialization for record in found]
    return any(made and (made.tags or {}).get(RUN_TAG) == run.run_id for made in shown)


def _began_s(run: RunRecord) -> float:
    return datetime.fromisoformat(run.began_at).timestamp()


def _report(instance: dg.DagsterInstance, state: State, run: RunRecord) -> None:
    report = replace(
        report_of(state, run.run_id),
        paths=written_forms(state, run.run_id),
        history_path=str(state.history_file),
    )
    for events in events_of(report, os.environ):
        if not _is_known(instance, run, events[0].asset_key.to_user_string()):
            for event in runless(events):
                instance.report_dagster_event(event, run_id=_RUNLESS, timestamp=_began_s(run))


def runless(events: AssetEvents) -> Iterator[dg.DagsterEvent]:
    """Write events as `report_runless_asset_event` does, with the materialisation last as the mark.

    That method (1.13.27) does not accept a time: a run of last month would look new in plots and to
    everyone who wants to know how old the last run is.
    """
    materialization, evaluations = events
    for evaluation in evaluations:
        yield _event(dg.DagsterEventType.ASSET_CHECK_EVALUATION, evaluation)
    yield _event(
        dg.DagsterEventType.ASSET_MATERIALIZATION, StepMaterializationData(materialization)
    )


def _event(
    kind: dg.DagsterEventType, content: dg.AssetCheckEvaluation | StepMaterializationData
) -> dg.DagsterEvent:
    return dg.DagsterEvent(
        event_type_value=kind.value, event_specific_data=content, job_name=_RUNLESS
    )


def main(arguments: Sequence[str]) -> int:
    """Report the runs of a state folder to the instance of DAGSTER_HOME.

    Args:
        arguments: the folder, and ids of runs; all runs without ids.
    """
    state, *wanted = arguments
    KNOWN.add_environment(os.environ)
    _say(BEGUN)
    try:
        with dg.DagsterInstance.get() as instance:
            count = bring_in(instance, State(Path(state)), wanted, say=_say)
    except PerfPipelineError as error:
        _say(error.sentence)
        return ExitCode.NOT_MEASURED
    except Exception as error:  # noqa: BLE001 - a storage raises whatever its driver raises
        _say(_first_cause(error))
        return ExitCode.NOT_MEASURED
    if not wanted:
        _say(f"{count} runs were new to Dagster" if count != 1 else "1 run was new to Dagster")
    return ExitCode.OK


def _first_cause(error: BaseException) -> str:
    """Return the driver's message; Dagster's own error only says that it tried repeatedly."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"


def _say(sentence: str) -> None:
    print(on_one_line(KNOWN.mask(sentence), _LONGEST), flush=True)  # noqa: T201 - its only output


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
