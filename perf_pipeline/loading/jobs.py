"""Turn a profile's scenarios into what the engine is told to run.

Add here: where a workload's parameter comes from. Keep out: what a workload does with it.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from perf_pipeline.config.kafka_client import bootstrap_servers
from perf_pipeline.config.own_files import environment_names
from perf_pipeline.config.parameters import is_own
from perf_pipeline.config.profile import BenchmarkConfig, Scenario
from perf_pipeline.engine.job import JSON, LoadJob, ScenarioJob
from perf_pipeline.loading.seeding import ids_file, require_brokers
from perf_pipeline.loading.session import Session
from perf_pipeline.secrecy.addresses import secrets_in
from perf_pipeline.workloads.http.parameters import ENV_PREFIX
from perf_pipeline.workloads.kafka.brokers import BROKERS
from perf_pipeline.workloads.registry import workload_of

CEILING_SUFFIX: Final = "-ceiling"

_IDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "read_user": "api_reads",
        "delete_user": "api_deletes",
        "update_users": "database_updates",
        "soft_delete_users": "database_deletes",
    }
)


def load_job(session: Session, benchmark: str, step: int, folder: Path) -> LoadJob:
    """Say what the workers do in one step of a benchmark."""
    config = session.profile.benchmarks[benchmark]
    scenarios = dict(config.steps)[step]
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


def secrets_of(session: Session) -> dict[str, str]:
    """Give what workers need and no file may hold."""
    target = session.target
    found = {
        "postgres_dsn": target.postgres_dsn,
        "redis_url": target.redis_url,
        BROKERS: target.brokers if secrets_in(target.brokers or "") else None,
    }
    for name in _own_environment(session):
        found[f"{ENV_PREFIX}{name}"] = os.environ.get(name)
    return {name: secret for name, secret in found.items() if secret}


def _own_environment(session: Session) -> Iterator[str]:
    """Give the environment variables that own scenarios may read, and no other."""
    for config in session.profile.benchmarks.values():
        for scenario in config.scenarios.values():
            yield from environment_names(scenario)


def run_of(session: Session, benchmark: str) -> str:
    """Name this benchmark of this run in emails and message ids: two benchmarks never share one."""
    return f"{session.run_id}/{benchmark}"


def _scenario_job(
    session: Session, benchmark: str, config: BenchmarkConfig, name: str, scenario: Scenario
) -> ScenarioJob:
    if is_own(scenario.exec):
        return _own_job(session, benchmark, name, scenario)
    own = scenario.parameters.model_dump(mode="python")
    workload = workload_of(scenario.exec)
    addresses = _ADDRESSES[workload.partition(":")[0].rpartition(".")[2]]
    parameters: dict[str, JSON] = {
        "run": run_of(session, benchmark),
        **{key: list(value) if isinstance(value, tuple) else value for key, value in own.items()},
        **addresses(session, config),
    }
    if scenario.exec in _IDS:
        parameters["ids_file"] = str(ids_file(session, _IDS[scenario.exec]))
    if scenario.exec in {"produce_ceiling", "consume_ceiling"}:
        parameters["topic"] = f"{config.topic}{CEILING_SUFFIX}"
        parameters["group"] = f"{config.group}{CEILING_SUFFIX}"
    if scenario.exec in {"produce_messages", "produce_transactions"}:
        parameters["ledger"] = True
    return ScenarioJob(
        name=name,
        executor=scenario.plan,
        workload=workload,
        parameters=parameters,
        warm_up_us=scenario.warm_up_us,
        is_ceiling=scenario.ceiling,
    )


def _own_job(session: Session, benchmark: str, name: str, scenario: Scenario) -> ScenarioJob:
    """Give an own scenario its parameters as the profile writes them, and where to find files."""
    return ScenarioJob(
        name=name,
        executor=scenario.plan,
        workload=workload_of(scenario.exec),
        parameters={
            "run": run_of(session, benchmark),
            **_http_addresses(session, session.profile.benchmarks[benchmark]),
            "exec": scenario.exec,
            "folder": str(Path(session.profile.folder).resolve()),
            "env": dict(scenario.env),
            "own": scenario.parameters.model_dump(mode="json", by_alias=True),
            "ids_files": {
                kind: str(ids_file(session, f"api_{kind}")) for kind in ("reads", "deletes")
            },
        },
        warm_up_us=scenario.warm_up_us,
        is_ceiling=scenario.ceiling,
    )


def _http_addresses(session: Session, _: BenchmarkConfig) -> dict[str, Any]:
    return {"base_url": session.target.base_url, "allowed": list(session.target.allowed)}


def _postgres_addresses(_: Session, __: BenchmarkConfig) -> dict[str, Any]:
    return {}


def _kafka_addresses(session: Session, config: BenchmarkConfig) -> dict[str, Any]:
    return {
        "brokers": bootstrap_servers(require_brokers(session)),
        "allowed": list(session.target.allowed),
        "topic": config.topic,
        "partitions": config.partitions,
        "group": config.group,
    }


_ADDRESSES: Final[Mapping[str, Callable[[Session, BenchmarkConfig], dict[str, Any]]]] = (
    MappingProxyType(
        {
            "http_users": _http_addresses,
            "postgres_users": _postgres_addresses,
            "kafka_produce": _kafka_addresses,
            "kafka_consume": _kafka_addresses,
            "kafka_consume_ceiling": _kafka_addresses,
        }
    )
)
