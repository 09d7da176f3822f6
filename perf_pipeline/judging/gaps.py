"""Find benchmarks that a run did not measure completely, and which therefore prove nothing.

Add here: another way in which a measurement is incomplete. Keep out: judging by thresholds
(judge.py).
"""

from collections.abc import Iterator

from perf_pipeline.judging.expected import missing_of
from perf_pipeline.judging.series import MeasuredBenchmark, failed_on_failures, measured_of
from perf_pipeline.store.history import History
from perf_pipeline.store.state import State


def gaps_of(history: History, state: State, run_id: str) -> list[str]:
    """Name each benchmark of a run that is missing, cut short or invalid, in one sentence each.

    Args:
        history: the open history.
        state: folder of the spool.
        run_id: the id of a run in the history.

    Raises:
        RequestError: there is no such run.
    """
    return [
        *(
            f"{name} of run {run_id} is missing: {missing.remedy or missing.reason}"
            for name, missing in missing_of(history, state, run_id).items()
        ),
        *(told for measured in measured_of(history, run_id) for told in faults_of(measured)),
    ]


def outside_baselines(state: State, run_id: str) -> list[str]:
    """Name what no baseline takes from a stored run, in one sentence each.

    That is what `gaps_of` names, and each benchmark that failed a threshold on failures.

    Raises:
        RequestError: there is no such run.
        StoreBusyError: the history is open elsewhere.
    """
    with state.history() as history:
        failed = failed_on_failures(history, run_id)
        return [
            *gaps_of(history, state, run_id),
            *(
                f"{name} of run {run_id} failed {', '.join(keys)}, and figures of a target that "
                "fails are no baseline"
                for name, keys in failed.items()
            ),
        ]


def faults_of(measured: MeasuredBenchmark) -> Iterator[str]:
    """Say why a benchmark is not a complete measurement; yield nothing if it is."""
    outcome = measured.outcome
    if not measured.comparable:
        ended = outcome.status if outcome.status != "complete" else "invalid"
        why = "; ".join([ended, *outcome.invalid_reasons, *outcome.problems])
        yield f"{outcome.benchmark} of run {measured.run.run_id} was not measured completely: {why}"
