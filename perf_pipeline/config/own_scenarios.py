"""Rules about own scenarios as a whole: where they may run, and what they must not share.

Add here: another such rule. Keep out: steps (http_step_rules.py), files (own_files.py).
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from perf_pipeline.benchmarks.registry import NAMES, is_shipped, record_of
from perf_pipeline.config.data_sets import DataSet
from perf_pipeline.config.http_step_rules import step_mistakes
from perf_pipeline.config.http_steps import OwnHttpParameters
from perf_pipeline.config.parameters import (
    HTTP_STEPS,
    ITERATIONS,
    PRODUCE,
    SQL,
    is_own,
    iteration_kind,
)
from perf_pipeline.config.produce_rules import produce_mistakes
from perf_pipeline.config.profile import BenchmarkConfig, Profile
from perf_pipeline.config.python_parameters import PythonParameters
from perf_pipeline.config.sql_rules import sql_mistakes
from perf_pipeline.config.templated import MakesOperations, Templated
from perf_pipeline.metrics.sample import MOST_OPERATIONS
from perf_pipeline.spelling import meant

_RULES: Final[Mapping[str, Callable[[Mapping[str, Any], Collection[str]], Iterator[str]]]] = (
    MappingProxyType({HTTP_STEPS: step_mistakes, SQL: sql_mistakes, PRODUCE: produce_mistakes})
)
_OWN_EXECS: Final = ", ".join(repr(name) for name, kind in ITERATIONS.items() if kind.is_own)
_UNSURE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "enable.ssl.certificate.verification": "false",
        "ssl.endpoint.identification.algorithm": "none",
    }
)
_BENCHMARK: Final = re.compile(r"[a-z][a-z0-9_]{0,60}")


def benchmarks_in(raw: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Return the benchmarks of a raw profile that are tables."""
    yield from _tables(raw.get("benchmarks"))


def scenarios_in(raw: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Return the scenarios of a raw profile that are tables, each with its benchmark and name."""
    for benchmark, config in benchmarks_in(raw):
        for name, scenario in _tables(config.get("scenarios")):
            yield benchmark, name, scenario


def raw_scenario_tags(config: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the tags of each scenario of a raw benchmark; tags that are not texts are left out."""
    return {
        name: {tag: text for tag, text in _items(scenario.get("tags")) if isinstance(text, str)}
        for name, scenario in _tables(config.get("scenarios"))
    }


def own_mistakes(raw: Mapping[str, Any]) -> Iterator[str]:
    """Find benchmarks that cannot exist, and own scenarios that cannot run in their benchmark."""
    for name, config in benchmarks_in(raw):
        if not is_shipped(name):
            yield from _own_benchmark_mistakes(name, config)
    for benchmark, name, scenario in scenarios_in(raw):
        path = f"benchmarks.{benchmark}.scenarios.{name}"
        exec_name = scenario.get("exec")
        if not isinstance(exec_name, str) or not is_own(exec_name):
            continue
        if not record_of(benchmark).takes_own_scenarios:
            yield (
                f"{path}.exec: {exec_name!r} can't run in {benchmark}, whose figures are not about "
                "HTTP; put the scenario into a benchmark of your own, under any other name"
            )
        parameters = scenario.get("parameters")
        if exec_name in _RULES and isinstance(parameters, Mapping):
            found = _RULES[exec_name](parameters, dict(_items(scenario.get("env"))))
            yield from (f"{path}.parameters.{mistake}" for mistake in found)


def shared_operation_mistakes(profile: Profile) -> Iterator[str]:
    """Find operations that two scenarios of a benchmark check in different ways.

    Reports count checks by the name of the operation, so an operation has only one list of checks.
    """
    for benchmark, config in profile.benchmarks.items():
        known: dict[str, tuple[str, tuple[str, ...]]] = {}
        for name, scenario in config.scenarios.items():
            parameters = scenario.parameters
            made = parameters.operations if isinstance(parameters, MakesOperations) else ()
            for operation in made:
                other, checks = known.setdefault(operation.name, (name, operation.checks))
                if checks != operation.checks:
                    yield (
                        f"benchmarks.{benchmark}.scenarios.{name}.parameters.{operation.place}: "
                        f"{operation.name!r} has other checks in scenario {other}; give one of the "
                        "two another name or group"
                    )
        if len(known) > MOST_OPERATIONS:
            yield (
                f"benchmarks.{benchmark}: its steps have {len(known):,} different names, but a "
                f"benchmark can have at most {MOST_OPERATIONS:,}; use one name for steps that "
                "differ only by an id"
            )


def draws_seeded_users(config: BenchmarkConfig) -> bool:
    """Say whether steps of a benchmark use ids of users that the run seeds."""
    return any(data.seeded is not None for data in _data_sets(config))


def draws_from_query(config: BenchmarkConfig) -> bool:
    """Say whether scenarios of a benchmark draw rows from a query on the target's PostgreSQL."""
    return any(data.query is not None for data in _data_sets(config))


def _data_sets(config: BenchmarkConfig) -> Iterator[DataSet]:
    for scenario in config.scenarios.values():
        if isinstance(scenario.parameters, Templated):
            yield from scenario.parameters.data.values()


@dataclass(frozen=True, slots=True)
class Trust:
    """Hold which certificates the own scenarios of a profile accept.

    Attributes:
        ca_files: certificates of authorities that are trusted in addition to the system's.
        anybody: whether a scenario accepts any certificate.
    """

    ca_files: tuple[Path, ...] = ()
    anybody: bool = False


def trust_of(profile: Profile) -> Trust:
    """Gather what own scenarios trust, for requests that are not part of the load.

    Benchmarks that are switched off count, because a search for their capacity may load them.
    """
    searched = {config.capacity.of for config in profile.benchmarks.values() if config.capacity}
    own = [
        scenario.parameters
        for name, config in profile.benchmarks.items()
        for scenario in config.scenarios.values()
        if isinstance(scenario.parameters, OwnHttpParameters)
        and (config.enabled or name in searched)
    ]
    files = {Path(profile.folder) / parameters.ca_file for parameters in own if parameters.ca_file}
    return Trust(tuple(sorted(files)), any(parameters.insecure_skip_verify for parameters in own))


def own_notices(profile: Profile) -> list[str]:
    """Return what a reader must know about the figures of own scenarios, in one sentence each."""
    found = list(broker_notices(profile))
    for benchmark, config in profile.benchmarks.items():
        for name, scenario in config.scenarios.items():
            parameters = scenario.parameters
            if not (config.enabled and isinstance(parameters, OwnHttpParameters)):
                continue
            where = f"scenario {name} of {benchmark}"
            if parameters.insecure_skip_verify:
                found.append(
                    f"{where} accepts any certificate (insecureSkipVerify), so nobody can be sure "
                    "that it loads the right target"
                )
            if isinstance(parameters, PythonParameters) and parameters.transport == "httpx":
                found.append(
                    f"{where} uses httpx's own transport, so its figures include time that the "
                    "load generator spends itself"
                )
    return found


def broker_notices(profile: Profile) -> Iterator[str]:
    """Warn if the target's Kafka clients can't be sure whom they talk to."""
    target = profile.targets.get(profile.target)
    for key, unsure in _UNSURE.items():
        if target is not None and str(target.kafka.get(key, "")).lower() == unsure:
            yield (
                f"target {profile.target} accepts any certificate of brokers ({key} is {unsure}), "
                "so nobody can be sure that it loads the right ones"
            )


def _own_benchmark_mistakes(name: str, config: Mapping[str, Any]) -> Iterator[str]:
    built_in = ", ".join(NAMES)
    if not _BENCHMARK.fullmatch(name):
        yield (
            f"benchmarks.{name} is not a valid name; use small letters, digits and _, or one of "
            f"{built_in}"
        )
    if "capacity" in config:
        return  # a search loads another benchmark's scenarios
    execs = [scenario.get("exec") for _, scenario in _tables(config.get("scenarios"))]
    if not execs or not all(map(_may_be_own, execs)):
        yield (
            f"benchmarks.{name} is not a known benchmark; the shipped ones are {built_in}. A "
            "benchmark of any other name needs scenarios that are all your own (exec "
            f"{_OWN_EXECS} or 'module:name'){meant(name, NAMES)}"
        )


def _may_be_own(exec_name: object) -> bool:
    """Say whether an `exec` is the author's own, or an unknown one, which is reported elsewhere."""
    return isinstance(exec_name, str) and (is_own(exec_name) or iteration_kind(exec_name) is None)


def _tables(raw: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from ((name, table) for name, table in _items(raw) if isinstance(table, Mapping))


def _items(raw: object) -> Iterator[tuple[str, object]]:
    if isinstance(raw, Mapping):
        yield from ((str(name), value) for name, value in raw.items())
