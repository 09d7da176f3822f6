"""k6's shortcuts: `vus`, `duration`, `iterations` or `stages` of a benchmark define one scenario.

    vus, duration             constant-vus
    vus, iterations, duration shared-iterations, with duration as maxDuration vus, stages
    ramping-vus, with vus as startVUs

The scenario is called `default`, as in k6. Source: grafana/k6
lib/executor/execution_config_shortcuts.go. k6 ignores vus alone with a
warning; here it is a mistake, because nobody who writes it wants a single iteration.

Add here: another short spelling of a scenario. Keep out: what the executors' keys mean.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from perf_pipeline.config.executors.constant_vus import ConstantVUs
from perf_pipeline.config.executors.kinds import Executor
from perf_pipeline.config.executors.per_vu_iterations import PerVUIterations
from perf_pipeline.config.executors.ramping_vus import RampingVUs
from perf_pipeline.config.executors.registry import name_of
from perf_pipeline.config.executors.shared_iterations import SharedIterations
from perf_pipeline.config.frozen import keys_of
from perf_pipeline.config.scenario import Scenario

DEFAULT_SCENARIO: Final = "default"
_SHORTCUTS: Final = ("iterations", "duration", "stages", "vus")
# `step` and `ceiling` relate scenarios to one another, and a shortcut has only one scenario.
_BESIDE: Final = tuple(key for key in keys_of(Scenario) if key not in {"plan", "step", "ceiling"})
_EXECUTORS: Final[Mapping[str, type[Executor]]] = MappingProxyType(
    {"iterations": SharedIterations, "duration": ConstantVUs, "stages": RampingVUs}
)
_KEYS: Final[Mapping[tuple[type[Executor], str], str]] = MappingProxyType(
    {(RampingVUs, "vus"): "startVUs", (SharedIterations, "duration"): "maxDuration"}
)


def expand_shortcuts(raw: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Replace the shortcuts of a raw profile by scenarios; return it, and mistakes in shortcuts.

    A shortcut with a mistake becomes a valid scenario, so that it is reported only once.
    """
    benchmarks = raw.get("benchmarks")
    if not isinstance(benchmarks, Mapping):
        return dict(raw), []
    expanded, mistakes = {}, []
    for name, config in benchmarks.items():
        given = [key for key in _SHORTCUTS if isinstance(config, Mapping) and key in config]
        if not given:
            expanded[name] = config
            continue
        found = list(_mistakes(given, config))
        mistakes += [f"benchmarks.{name}: {mistake}" for mistake in found]
        expanded[name] = _expanded(config, given)
    return {**raw, "benchmarks": expanded}, mistakes


def _mistakes(given: list[str], config: Mapping[str, Any]) -> Iterator[str]:
    if "scenarios" in config:
        yield (
            f"the shortcut {given[0]} and scenarios can't be used together; write {given[0]} "
            "into one of the scenarios"
        )
    elif given == ["vus"]:
        yield "vus alone does not say how long to run; add duration, iterations or stages"
    elif "stages" in given and given[0] != "stages":
        yield f"the shortcuts {given[0]} and stages can't be used together; leave one of them out"


def _expanded(config: Mapping[str, Any], given: list[str]) -> dict[str, Any]:
    rest = {k: v for k, v in config.items() if k not in given and k not in _BESIDE}
    if "scenarios" in rest:
        return rest
    executor, *_ = [_EXECUTORS[key] for key in given if key in _EXECUTORS] or [PerVUIterations]
    scenario = {"executor": name_of(executor)}
    for key in given:
        if key != "stages" or executor is RampingVUs:
            scenario[_KEYS.get((executor, key), key)] = config[key]
    scenario |= {key: config[key] for key in _BESIDE if key in config}
    return {**rest, "scenarios": {DEFAULT_SCENARIO: scenario}}
