"""Everything about steps that can be worked out once, before the load.

Add here: what a step needs ready. Keep out: running it (scenario.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from perf_pipeline.config.data_sets import DataSet, Rows
from perf_pipeline.config.http_steps import HttpStep, HttpStepsParameters
from perf_pipeline.config.own_files import columns_used, rows_of, variables_in_headers
from perf_pipeline.config.templates import Source
from perf_pipeline.engine.ports import WorkerContext
from perf_pipeline.errors import ProfileError, TargetUnavailableError
from perf_pipeline.workloads.http.parameters import OwnHttpSettings
from perf_pipeline.workloads.steps.checks import Expectation, expectation_of
from perf_pipeline.workloads.steps.values import DataCursor, Surroundings
from perf_pipeline.workloads.steps.writing import RequestWriter, writer_of


@dataclass(frozen=True, slots=True)
class PreparedStep:
    """Hold a step as it is performed again and again.

    Attributes:
        operation: names its samples.
        writer: of its requests.
        is_head: they are HEADs.
        expectation: of its responses.
        stops_at: statuses that it expects by name; such a redirect is not followed.
        timeout_us: of each request.
        think_time_us: shortest and longest pause after it.
    """

    operation: str
    writer: RequestWriter
    is_head: bool
    expectation: Expectation
    stops_at: frozenset[int]
    timeout_us: int
    think_time_us: tuple[int, int]


def prepared_steps(
    parameters: HttpStepsParameters, settings: OwnHttpSettings, context: WorkerContext
) -> tuple[PreparedStep, ...]:
    """Prepare all steps of a scenario.

    Raises:
        ProfileError: a file changed since the profile was checked.
        TargetUnavailableError: there are too few seeded users.
    """
    try:
        cursors = dict(_cursors(parameters, context))
    except ValueError as error:
        raise ProfileError("of the run", [str(error)]) from error
    run = str(context.parameters["run"]).partition("/")[0]
    around = Surroundings(run, {**settings.secrets, **settings.env}, cursors)
    in_headers = frozenset(
        variable.arguments[0]
        for variable in variables_in_headers(parameters)
        if variable.source is Source.SAVED
    )

    def note(sentence: str) -> None:
        context.recorder.note(sentence)

    def prepared(step: HttpStep) -> PreparedStep:
        return PreparedStep(
            operation=step.operation,
            writer=writer_of(
                step, settings.origin, parameters.headers, settings.authorization, around
            ),
            is_head=step.method == "HEAD",
            expectation=expectation_of(
                step,
                around,
                in_headers,
                parameters.kept_body_bytes,
                note,
            ),
            stops_at=frozenset(step.expect.statuses),
            timeout_us=step.timeout_us or parameters.timeout_us,
            think_time_us=step.think_time_us,
        )

    return tuple(prepared(step) for step in parameters.steps)


def _cursors(
    parameters: HttpStepsParameters, context: WorkerContext
) -> Iterator[tuple[str, DataCursor]]:
    folder = Path(context.parameters["folder"])
    for name, data in parameters.data.items():
        columns = columns_used(parameters, name)
        if data.seeded is None:
            rows = rows_of(name, data, columns, folder)
        else:
            rows = _seeded_rows(data, context)
        stripe = (context.worker, context.workers)
        yield name, DataCursor(name, columns, rows, data.pick, stripe)


def _seeded_rows(data: DataSet, context: WorkerContext) -> Rows:
    path = Path(context.parameters["ids_files"][data.seeded])
    rows = tuple((line,) for line in path.read_text("utf-8").split())
    needed = context.vus * context.workers if data.pick == "unique per vu" else context.workers
    if len(rows) < needed:
        raise TargetUnavailableError(
            f"{path.name} has {len(rows)} ids, too few: {needed} are needed",
            hint="seed more users (key seeding.users)",
        )
    return rows
