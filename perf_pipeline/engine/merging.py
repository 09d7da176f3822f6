"""Add up the workers' shares to one outcome per scenario.

Add here: another figure that is a sum over workers. Keep out: talking to workers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from perf_pipeline.engine.distant import HostAccount
from perf_pipeline.engine.job import LoadJob, ScenarioJob, ScenarioOutcome
from perf_pipeline.engine.progress import PartProgress
from perf_pipeline.engine.worker_process import WorkerProcess
from perf_pipeline.plan.iterations import intended_iterations
from perf_pipeline.plan.phases import measured_window


def merge_outcomes(
    job: LoadJob, workers: Sequence[WorkerProcess], start_us: int, ended_us: int
) -> tuple[ScenarioOutcome, ...]:
    """Return an outcome for each scenario of the job, with the last counts of workers that died."""
    return tuple(_merge(scenario, workers, start_us, ended_us) for scenario in job.scenarios)


def merge_checks(workers: Sequence[WorkerProcess]) -> Mapping[str, tuple[str, ...]]:
    """Return the names of the checks of each operation."""
    return {
        operation: tuple(names)
        for worker in workers
        if worker.done is not None
        for operation, names in worker.done["checks"].items()
    }


def accounts_of(workers: Sequence[WorkerProcess]) -> dict[int, HostAccount]:
    """Return what is known about the hosts of workers on other machines, by worker."""
    accounts = {worker.number: worker.account() for worker in workers}
    return {number: account for number, account in accounts.items() if account is not None}


def busiest(hosts: Mapping[int, HostAccount]) -> dict[str, float]:
    """Return the largest share of each kind that others used of a host; empty without hosts."""
    shares = [account.machine for account in hosts.values()]
    return {name: max(its.get(name, 0.0) for its in shares) for its in shares for name in its}


def _merge(
    scenario: ScenarioJob, workers: Sequence[WorkerProcess], start_us: int, ended_us: int
) -> ScenarioOutcome:
    merged: ScenarioOutcome | None = None
    for worker in workers:
        for outcome in worker.outcomes():
            if outcome.name == scenario.name:
                merged = outcome if merged is None else merged.plus(outcome)
    if merged is None:
        merged = _nothing(scenario, start_us, ended_us)
    for worker in workers:
        if worker.done is None and scenario.name in worker.parts:
            merged = merged.plus(_last_seen(worker.parts[scenario.name], merged))
    # This is the number of the whole plan, so that the share of a worker without a report is
    # missing.
    return replace(merged, intended_iterations=intended_iterations(scenario.executor))


def _nothing(scenario: ScenarioJob, start_us: int, ended_us: int) -> ScenarioOutcome:
    window = measured_window(scenario.executor, scenario.warm_up_us).moved(start_us)
    until_us = max(window.start_us, min(window.end_us, ended_us))
    return ScenarioOutcome(scenario.name, 0, 0, 0, window.start_us, until_us, 0)


def _last_seen(part: PartProgress, others: ScenarioOutcome) -> ScenarioOutcome:
    return ScenarioOutcome(
        name=part.name,
        iterations=part.iterations,
        dropped_iterations=part.dropped,
        interrupted_iterations=part.interrupted,
        measured_from_us=others.measured_from_us,
        measured_until_us=others.measured_until_us,
        intended_iterations=0,
        measured_iterations=part.measured_iterations,
        measured_dropped_iterations=part.measured_dropped,
    )
