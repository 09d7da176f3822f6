"""Everything about steps that can be worked out once, before the load.

Add here: what a step needs ready. Keep out: running it (scenario.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from perf_pipeline.config.http_steps import HttpStep, HttpStepsParameters, is_header_text
from perf_pipeline.config.own_files import variables_in_headers
from perf_pipeline.config.step_paths import link_variable
from perf_pipeline.config.templates import Source
from perf_pipeline.engine.ports import WorkerContext
from perf_pipeline.workloads.http.origin import HttpOrigin
from perf_pipeline.workloads.http.parameters import OwnHttpSettings
from perf_pipeline.workloads.steps.checks import Expectation, Fits, expectation_of
from perf_pipeline.workloads.steps.data import surroundings_of
from perf_pipeline.workloads.steps.following_links import link_target
from perf_pipeline.workloads.steps.promising import ReadIds, ids_reader
from perf_pipeline.workloads.steps.writing import RequestWriter, writer_of


@dataclass(frozen=True, slots=True)
class PreparedStep:
    """Hold a step as it is performed again and again.

    Attributes:
        operation: names its samples.
        writer: the writer of its requests.
        is_head: they are HEADs.
        expectation: the expectation of its responses.
        stops_at: statuses that it expects by name; such a redirect is not followed.
        timeout_us: the timeout of each request.
        think_time_us: shortest and longest pause after it.
        message_ids: gives the messages that a right answer promises; None where it promises none.
    """

    operation: str
    writer: RequestWriter
    is_head: bool
    expectation: Expectation
    stops_at: frozenset[int]
    timeout_us: int
    think_time_us: tuple[int, int]
    message_ids: ReadIds | None = None


def prepared_steps(
    parameters: HttpStepsParameters, settings: OwnHttpSettings, context: WorkerContext
) -> tuple[PreparedStep, ...]:
    """Prepare all steps of a scenario.

    Raises:
        ProfileError: a file changed since the profile was checked.
        TargetUnavailableError: there are too few seeded users.
    """
    around = surroundings_of(parameters, context)
    fits = _fits(parameters, settings.origin)

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
                fits,
                parameters.kept_body_bytes,
                note,
            ),
            stops_at=frozenset(step.expect.statuses),
            timeout_us=step.timeout_us or parameters.timeout_us,
            think_time_us=step.think_time_us,
            message_ids=None if step.message is None else ids_reader(step.message, around),
        )

    return tuple(prepared(step) for step in parameters.steps)


def _fits(parameters: HttpStepsParameters, origin: HttpOrigin) -> Mapping[str, Fits]:
    """Say of saved values what they must be for the headers, or as the links, that they become."""
    in_headers = {
        variable.arguments[0]
        for variable in variables_in_headers(parameters)
        if variable.source is Source.SAVED
    }
    links = {link.arguments[0] for step in parameters.steps if (link := link_variable(step.path))}

    def is_link(text: str) -> bool:
        return link_target(origin, text) is not None

    return {
        **dict.fromkeys(in_headers, is_header_text),
        **dict.fromkeys(links, is_link),
        **dict.fromkeys(in_headers & links, lambda text: is_header_text(text) and is_link(text)),
    }
