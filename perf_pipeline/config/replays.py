"""Files that say when iterations start: what a profile keeps of them, and their mistakes.

Add here: another rule about a replay. Keep out: how logs and curves are read (request_log.py,
curves.py), and the keys of the executor (executors/replayed_arrivals.py).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from perf_pipeline.config.curves import CURVE, as_stages, has_curve
from perf_pipeline.config.executors.ramping_arrival_rate import RampingArrivalRate
from perf_pipeline.config.executors.registry import name_of
from perf_pipeline.config.executors.replayed_arrivals import ReplayedArrivals, recorded_of
from perf_pipeline.config.http_keys import REPLAYED_PATH
from perf_pipeline.config.http_steps import HttpStepsParameters
from perf_pipeline.config.own_scenarios import benchmarks_in, scenarios_in
from perf_pipeline.config.request_log import read_request_log
from perf_pipeline.config.scenario import Scenario
from perf_pipeline.config.templates import Variable

_RAMPING: Final = name_of(RampingArrivalRate)
_REPLAY: Final = name_of(ReplayedArrivals)


def with_recordings(raw: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Replace references to files by what they say about starts; return also mistakes in curves.

    A curve becomes stages. Of a log, a profile keeps the numbers; a log that can't be read is a
    mistake only for a run (`replay_mistakes`).
    """
    folder, mistakes = Path(str(raw.get("folder", "."))), list[str]()
    written: dict[str, dict[str, Any]] = {}
    for benchmark, name, scenario in scenarios_in(raw):
        if has_curve(scenario):
            try:
                known = as_stages(scenario, folder)
            except ValueError as error:
                mistakes.append(f"benchmarks.{benchmark}.scenarios.{name}.{CURVE}: {error}")
                known = _steady(scenario)
        elif scenario.get("executor") == _REPLAY:
            known = _recorded(scenario, folder)
        else:
            continue
        written.setdefault(benchmark, {})[name] = known
    if not written:
        return dict(raw), mistakes
    changed = {
        name: {**config, "scenarios": {**config["scenarios"], **written[name]}}
        for name, config in benchmarks_in(raw)
        if name in written
    }
    return {**raw, "benchmarks": {**raw["benchmarks"], **changed}}, mistakes


def _steady(scenario: Mapping[str, Any]) -> dict[str, Any]:
    """Replace a wrong curve by any valid stages, because its mistake is reported already."""
    rest = {key: value for key, value in scenario.items() if key != CURVE}
    is_its_own = rest.get("executor") == _RAMPING
    return {"stages": [{"duration": "1s", "target": 1}], **rest} if is_its_own else rest


def _recorded(scenario: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    rest = {key: value for key, value in scenario.items() if key != "recorded"}
    log, methods = rest.get("log"), rest.get("methods", ())
    if not isinstance(log, str) or not isinstance(methods, list | tuple):
        return rest
    try:
        return {**rest, "recorded": recorded_of(folder / log, tuple(map(str, methods)))}
    except ValueError:
        return rest  # reported when a run needs it: `replay_mistakes`


def replay_mistakes(
    scenario: Scenario, used: Sequence[Variable], folder: Path
) -> Iterator[tuple[str, str]]:
    """Find what is wrong with a replay, or with its use, as (key, sentence).

    Args:
        scenario: a scenario that may replay a log.
        used: the variables in its texts that stand for a request of a log.
        folder: the folder of the profile.
    """
    plan = scenario.plan
    if not isinstance(plan, ReplayedArrivals):
        if used:
            yield (
                "parameters",
                (
                    f"${{{used[0].written}}} needs a log to replay; it is known with the executor "
                    f"{_REPLAY} only"
                ),
            )
        return
    try:
        log = read_request_log(folder / plan.log, plan.methods)
    except ValueError as error:
        yield "log", str(error)
        return
    if isinstance(scenario.parameters, HttpStepsParameters):
        yield from _method_mistakes(scenario.parameters, Counter(row[0] for row in log.rows), plan)


def _method_mistakes(
    parameters: HttpStepsParameters, methods: Counter[str], plan: ReplayedArrivals
) -> Iterator[tuple[str, str]]:
    """Refuse to send a POST of the log as a GET."""
    for number, step in enumerate(parameters.steps):
        others = methods.total() - methods[step.method]
        if step.path == REPLAYED_PATH and others:
            yield (
                f"parameters.steps[{number}].path",
                (
                    f"would send as {step.method} what {plan.log} has with other methods "
                    f"({others:,} of {methods.total():,} requests); write "
                    f'methods = ["{step.method}"] into the scenario to leave them out'
                ),
            )
