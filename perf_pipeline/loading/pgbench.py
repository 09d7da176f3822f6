"""Measure with pgbench for comparison if our own client was the limit.

Readers of "the load generator was the limit" want to know how far the server would have gone.
Add here: another tool of the field for another tier. Keep out: judging; the run stays INVALID.
"""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from perf_pipeline.config.parameters import SelectParameters
from perf_pipeline.engine.job import GeneratorHealth, LoadOutcome
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.loading.needs import prepare_step
from perf_pipeline.loading.session import Session
from perf_pipeline.metrics.sample import Figure
from perf_pipeline.stack.parts import ServiceInfo
from perf_pipeline.stack.postgres_pgbench import find_pgbench, pgbench_rate
from perf_pipeline.workloads.postgres.users import SelectUsers, select_script

SECONDS: Final = 3


@dataclass(frozen=True, slots=True)
class Beside:
    """Hold what pgbench reached: a sentence for people, and the figure.

    Attributes:
        told: the sentence, which names the scenario.
        figure: the figure of the same scenario and operation as ours; None where pgbench gave none.
    """

    told: str
    figure: Figure | None


def pgbench_beside(
    session: Session,
    benchmark: str,
    outcomes: Sequence[LoadOutcome],
    unfit: Container[int] = (),
) -> Iterator[Beside]:
    """Measure what pgbench reaches in steps where our client was the limit, once per select.

    Call it when the benchmark is over and nothing is read any more, because it loads the server for
    3 s per step. It is only for selects, which leave the data unchanged, and only for the embedded
    stack, because a user's server gets no load that its profile does not ask for.

    Args:
        session: the session of the run.
        benchmark: the benchmark that was measured.
        outcomes: the outcomes of its steps, in order; fewer than there are when it ended early.
        unfit: steps that were not measured, and have no outcome.
    """
    if session.stop.is_set() or not any(map(_is_ours, session.services)):
        return
    planned = session.profile.benchmarks[benchmark].load_steps
    steps = [(step, scenarios) for step, scenarios in planned if step not in unfit]
    for (step, scenarios), outcome in zip(steps, outcomes, strict=False):
        for name, scenario in scenarios.items():
            if isinstance(scenario.parameters, SelectParameters) and _was_limit(outcome.health):
                script = select_script(scenario.parameters.limit)
                yield _beside(session, (benchmark, step, name), script, scenario.plan.most_vus)


def _is_ours(service: ServiceInfo) -> bool:
    return service.name == "postgres" and not service.is_external


def _was_limit(health: GeneratorHealth) -> bool:
    return any(reason.startswith("worker") for reason in health.reasons) or bool(health.notes)


def _beside(session: Session, where: tuple[str, int, str], script: str, connections: int) -> Beside:
    (benchmark, step, scenario), program = where, find_pgbench()
    if program is None:
        return Beside(
            f"{scenario}: pgbench is not on PATH, so there is no figure to compare this client "
            "with",
            None,
        )
    dsn = session.target.postgres_dsn or ""
    try:
        prepare_step(session, benchmark, step)  # with its index, or without one
        per_s = pgbench_rate(program, dsn, script, connections=connections, seconds=SECONDS)
    except TargetUnavailableError as error:
        told = (
            f"{scenario}: there is no pgbench figure to compare this client with: {error.sentence}"
        )
        return Beside(told, None)
    return Beside(
        f"{scenario}: pgbench reached {per_s:,.0f} records/s after the benchmark, with the same "
        f"statement and {connections} connections for {SECONDS} s",
        Figure("db_records_per_s_pgbench", per_s, scenario, SelectUsers.operation),
    )
