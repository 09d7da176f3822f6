"""Turn a profile's scenarios into the jobs of the engine.

Add here: the source of another parameter of a workload. Keep out: what a workload does with it.
"""

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from perf_pipeline.benchmarks.record import Part
from perf_pipeline.config.executors.kinds import Executor
from perf_pipeline.config.executors.replayed_arrivals import ReplayedArrivals
from perf_pipeline.config.kafka_client import bootstrap_servers, client_properties
from perf_pipeline.config.message_sizes import largest_bytes
from perf_pipeline.config.needed_parts import loaded_as
from perf_pipeline.config.own_files import environment_names
from perf_pipeline.config.own_topics import OwnConsumeParameters, OwnProduceParameters
from perf_pipeline.config.parameters import IterationKind, is_own, iteration_kind
from perf_pipeline.config.profile import BenchmarkConfig, Profile
from perf_pipeline.config.scenario import Scenario
from perf_pipeline.engine.job import JSON, LoadJob, ScenarioJob
from perf_pipeline.loading.expiry import noted_ends
from perf_pipeline.loading.own_database import query_files
from perf_pipeline.loading.own_topics import topic_of
from perf_pipeline.loading.seeding import ids_file, require_brokers
from perf_pipeline.loading.session import Session
from perf_pipeline.store.records import RunKey
from perf_pipeline.workloads.http.parameters import ENV_PREFIX
from perf_pipeline.workloads.kafka.brokers import BROKERS

CEILING_SUFFIX: Final = "-ceiling"

_WORKLOADS: Final = "perf_pipeline.workloads"


def load_job(session: Session, benchmark: str, step: int, folder: Path) -> LoadJob:
    """Make the job of the workers for one step of a benchmark."""
    config = session.profile.benchmarks[benchmark]
    scenarios = dict(config.load_steps)[step]
    return LoadJob(
        run_id=session.run_id,
        benchmark=benchmark,
        step=str(step),
        folder=folder,
        seed=session.profile.seed,
        workers=session.profile.workers,
        scenarios=tuple(
            _scenario_job(session, benchmark, config, name, scenario)
            for name, scenario in scenarios.items()
        ),
    )


def workload_modules(profile: Profile, benchmarks: Collection[str] = ()) -> list[str]:
    """Name the modules that workers import for these benchmarks; for all if none are named."""
    loaded = {loaded_as(profile, benchmark) for benchmark in benchmarks}
    return sorted(
        {
            f"{_WORKLOADS}.{_kind_of(scenario).workload}".partition(":")[0]
            for name, config in profile.benchmarks.items()
            if name in loaded or not loaded
            for scenario in config.scenarios.values()
        }
    )


def secrets_of(session: Session) -> dict[str, str]:
    """Return the secrets that workers need and that no file may hold."""
    target = session.target
    brokers = session.as_load_sees("broker", target.brokers)
    found = {
        "postgres_dsn": session.as_load_sees("postgres", target.postgres_dsn),
        "redis_url": target.redis_url,
        BROKERS: brokers if client_properties(brokers or "") else None,
    }
    for name in _own_environment(session):
        found[f"{ENV_PREFIX}{name}"] = os.environ.get(name)
    return {name: secret for name, secret in found.items() if secret}


def _own_environment(session: Session) -> Iterator[str]:
    """Return the environment variables that own scenarios may read, and no others."""
    for config in session.profile.benchmarks.values():
        for scenario in config.scenarios.values():
            yield from environment_names(scenario)


def run_of(session: Session, benchmark: str) -> str:
    """Return the name of this benchmark in emails and message ids, which no other benchmark has."""
    return RunKey(session.run_id, benchmark).in_ids


def _scenario_job(
    session: Session, benchmark: str, config: BenchmarkConfig, name: str, scenario: Scenario
) -> ScenarioJob:
    if is_own(scenario.exec):
        return _own_job(session, benchmark, name, scenario)
    own = scenario.parameters.model_dump(mode="python")
    kind = _kind_of(scenario)
    parameters: dict[str, JSON] = {
        "run": run_of(session, benchmark),
        **{key: list(value) if isinstance(value, tuple) else value for key, value in own.items()},
        **_ADDRESSES[kind.part](session, config),
    }
    if kind.ids:
        parameters["ids_file"] = str(ids_file(session, kind.ids))
    if kind.is_apart:
        parameters["topic"] = f"{config.topic}{CEILING_SUFFIX}"
        parameters["group"] = f"{config.group}{CEILING_SUFFIX}"
    if kind.has_ledger:
        parameters["ledger"] = True
    return ScenarioJob(
        name=name,
        executor=_plan_of(session, scenario),
        workload=f"{_WORKLOADS}.{kind.workload}",
        parameters=parameters,
        warm_up_us=scenario.warm_up_us,
        is_ceiling=scenario.ceiling,
    )


def _own_job(session: Session, benchmark: str, name: str, scenario: Scenario) -> ScenarioJob:
    """Return an own scenario's parameters as the profile writes them, and its folder."""
    return ScenarioJob(
        name=name,
        executor=_plan_of(session, scenario),
        workload=f"{_WORKLOADS}.{_kind_of(scenario).workload}",
        parameters={
            "run": run_of(session, benchmark),
            **_ADDRESSES[_kind_of(scenario).part](session, session.profile.benchmarks[benchmark]),
            **_messages_of(session, benchmark, scenario),
            **_replay_of(session, scenario),
            "exec": scenario.exec,
            "folder": str(Path(session.profile.folder).resolve()),
            "env": dict(scenario.env),
            "own": scenario.parameters.model_dump(mode="json", by_alias=True),
            "ids_files": {
                kind: str(ids_file(session, f"api_{kind}")) for kind in ("reads", "deletes")
            },
            "query_files": {
                data: str(path) for data, path in query_files(session, benchmark, name).items()
            },
        },
        warm_up_us=scenario.warm_up_us,
        is_ceiling=scenario.ceiling,
    )


def _plan_of(session: Session, scenario: Scenario) -> Executor:
    """Return a scenario's executor, with the absolute path of the file that it reads."""
    plan = scenario.plan
    if not isinstance(plan, ReplayedArrivals):
        return plan
    return plan.model_copy(update={"log": str(Path(session.profile.folder).resolve() / plan.log)})


def _replay_of(session: Session, scenario: Scenario) -> dict[str, JSON]:
    """Return the file of requests that a scenario replays; nothing for other scenarios."""
    plan = _plan_of(session, scenario)
    if not isinstance(plan, ReplayedArrivals):
        return {}
    return {"replay": {"log": plan.log, "methods": list(plan.methods)}}


def _messages_of(session: Session, benchmark: str, scenario: Scenario) -> dict[str, JSON]:
    """Return where own messages go, and how large they may become; nothing for other scenarios."""
    own = scenario.parameters
    if isinstance(own, OwnConsumeParameters):
        topic, given = topic_of(session, own), {"group": own.group} if own.group else {}
        ends: dict[str, JSON] = {**noted_ends(session, benchmark).get(topic, {})}
        return {"topic": topic, "ends": ends, **given}
    if not isinstance(own, OwnProduceParameters):
        return {}
    folder = Path(session.profile.folder)
    return {
        "topic": topic_of(session, own),
        "largest_bytes": largest_bytes(own, scenario.env, folder),
    }


def _kind_of(scenario: Scenario) -> IterationKind:
    kind = iteration_kind(scenario.exec)
    assert kind is not None, scenario.exec  # the profile was checked before
    return kind


def _http_addresses(session: Session, _: BenchmarkConfig) -> dict[str, Any]:
    target = session.target
    through = _through(session, "api")
    return {"base_url": target.base_url, "allowed": list(target.allowed), **through}


def _redis_addresses(session: Session, _: BenchmarkConfig) -> dict[str, Any]:
    """Return where connections go instead of to the server, whose URL is a secret."""
    return _through(session, "redis")


def _through(session: Session, server: str) -> dict[str, Any]:
    port = session.proxy_port(server)
    return {"proxy_port": port} if port else {}


def _no_addresses(_: Session, __: BenchmarkConfig) -> dict[str, Any]:
    """Return no addresses, because the only one is a secret, which travels outside the job."""
    return {}


def _kafka_addresses(session: Session, config: BenchmarkConfig) -> dict[str, Any]:
    brokers = session.as_load_sees("broker", require_brokers(session)) or ""
    return {
        "brokers": bootstrap_servers(brokers),
        "allowed": list(session.target.allowed),
        "topic": config.topic,
        "partitions": config.partitions,
        "group": config.group,
    }


_ADDRESSES: Final[Mapping[Part, Callable[[Session, BenchmarkConfig], dict[str, Any]]]] = (
    MappingProxyType(
        {
            Part.API: _http_addresses,
            Part.POSTGRES: _no_addresses,
            Part.BROKERS: _kafka_addresses,
            Part.REDIS: _redis_addresses,
        }
    )
)
