"""Rules about promised messages and about the place that shows their deliveries.

Add here: a rule about `deliveries` that needs the whole benchmark. Keep out: the keys
(own_deliveries.py).
"""

from collections.abc import Iterator
from typing import Final

from perf_pipeline.benchmarks.record import LedgerKind, Part
from perf_pipeline.benchmarks.registry import record_of
from perf_pipeline.config.http_steps import HttpStepsParameters
from perf_pipeline.config.own_deliveries import Deliveries
from perf_pipeline.config.own_topics import OwnConsumeParameters, OwnProduceParameters
from perf_pipeline.config.parameters import iteration_kind
from perf_pipeline.config.profile import BenchmarkConfig, Profile
from perf_pipeline.config.scenario import Scenario
from perf_pipeline.config.templates import parse_template, variables_of

_PARTS: Final = {"postgres": Part.POSTGRES, "broker": Part.BROKERS, "api": Part.API}


def delivery_mistakes(profile: Profile) -> Iterator[str]:
    """Find promises that nothing follows, deliveries that nobody promised, and ids that repeat."""
    for name, config in profile.benchmarks.items():
        path = f"benchmarks.{name}"
        steps = list(_promising_steps(config))
        if config.deliveries is not None and not any(map(promises, config.scenarios.values())):
            yield (
                f"{path}.deliveries: no scenario promises a message; write message into the step "
                'whose answer promises it, such as message = "${order}", or messageId into the '
                'parameters of exec = "produce"'
            )
        if steps and config.deliveries is None and record_of(name).ledger is LedgerKind.NONE:
            yield (
                f"{path}.{steps[0][0]}: promises a message, but the benchmark does not say where "
                f"deliveries show; write [{path}.deliveries]"
            )
        for where, text in steps:
            if not _may_differ(text):
                yield f"{path}.{where}: {text!r} has no variable, so all messages would be one"
        if config.deliveries is not None or record_of(name).ledger is not LedgerKind.NONE:
            yield from _second_completions(path, config)


def _second_completions(path: str, config: BenchmarkConfig) -> Iterator[str]:
    """Refuse consumers that would complete messages which are followed to another place."""
    for name, scenario in config.scenarios.items():
        consumed = scenario.parameters
        if isinstance(consumed, OwnConsumeParameters) and consumed.message_id is not None:
            yield (
                f"{path}.scenarios.{name}.parameters.messageId: messages of this benchmark are "
                "followed to where their deliveries show, and what this consumer takes would count "
                "as delivered, too; leave messageId out here"
            )


def delivery_parts(deliveries: Deliveries | None) -> Iterator[Part]:
    """Return the parts of the target that are asked for deliveries and for the time."""
    if deliveries is None:
        return
    yield Part.BROKERS if deliveries.topic else Part.API if deliveries.path else Part.POSTGRES
    if deliveries.of_clock is not None:
        yield _PARTS[deliveries.of_clock]


def _promising_steps(config: BenchmarkConfig) -> Iterator[tuple[str, str]]:
    for name, scenario in config.scenarios.items():
        if isinstance(scenario.parameters, HttpStepsParameters):
            for number, step in enumerate(scenario.parameters.steps):
                if step.message is not None:
                    yield f"scenarios.{name}.parameters.steps[{number}].message", step.message


def _may_differ(text: str) -> bool:
    """Say whether a message id has a variable; a text that can't be read is reported elsewhere."""
    try:
        return bool(variables_of(parse_template(text)))
    except ValueError:
        return True


def promises(scenario: Scenario) -> bool:
    """Say whether the messages of a scenario are promised by id, so that they can be followed."""
    parameters = scenario.parameters
    if isinstance(parameters, OwnProduceParameters):
        return parameters.message_id is not None
    if isinstance(parameters, HttpStepsParameters):
        return any(step.message is not None for step in parameters.steps)
    kind = iteration_kind(scenario.exec)
    return (kind is not None and kind.has_ledger) or bool(getattr(parameters, "ledger", False))
