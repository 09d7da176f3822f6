"""Check before the load that thresholds on growth name parts that are watched.

A soak test takes hours, and a threshold on an unwatched part would end as NO_DATA only then.
Add here: the parts of another metric of growth. Keep out: watching (watching.py), and slopes
(growth_figures.py).
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from perf_pipeline.config.producible import operations_of
from perf_pipeline.config.profile import BenchmarkConfig
from perf_pipeline.errors import ProfileError, TargetUnavailableError
from perf_pipeline.loading.session import Session
from perf_pipeline.metrics.growth import (
    GENERATOR,
    LATENCY_GROWTH,
    MEMORY_GROWTH,
    OF_READINGS,
    part_of,
)
from perf_pipeline.metrics.threshold import Threshold
from perf_pipeline.probes.postgres import SOURCE as POSTGRES
from perf_pipeline.probes.postgres_relations import tables_of
from perf_pipeline.probes.probe import ProbeError
from perf_pipeline.quoting import first_few
from perf_pipeline.spelling import meant
from perf_pipeline.store.ledger_sql import STAGES

_MOST_NAMED: Final = 20
_DESCRIPTORS: Final = OF_READINGS["process_descriptors"]
_CONNECTIONS: Final = OF_READINGS["db_connections"]
_SERVERS: Final[Mapping[str, str]] = MappingProxyType(
    {"redis_memory_bytes": "redis", "redis_latency_ms": "redis", "broker_request_ms": "broker"}
)


def parts_named(config: BenchmarkConfig) -> list[Threshold]:
    """Return the thresholds of a benchmark on the growth of a single part."""
    if config.growth is None:
        return []
    metrics = {*OF_READINGS.values(), LATENCY_GROWTH}
    return [
        threshold
        for threshold in config.parsed_thresholds()
        if threshold.metric in metrics and "part" in threshold.tags
    ]


def require_growth_parts(session: Session, benchmark: str) -> None:
    """Refuse thresholds on the growth of a part that nothing of this run watches.

    Raises:
        ProfileError: there are such thresholds; the message names each, and the parts that exist.
        TargetUnavailableError: the database can't be asked for its tables.
    """
    config = session.profile.benchmarks[benchmark]
    mistakes = []
    for threshold in parts_named(config):
        part, known = threshold.tags["part"], _watched(session, config, threshold.metric)
        if known is not None and part not in known:
            there = first_few(known, _MOST_NAMED) if known else "none at all in this run"
            mistakes.append(
                f"benchmarks.{benchmark}.thresholds.{threshold.key}: no part {part!r} is watched; "
                f"there are {there}{meant(part, known)}"
            )
    if mistakes:
        raise ProfileError(session.profile.name, mistakes)


def _watched(session: Session, config: BenchmarkConfig, metric: str) -> list[str] | None:
    """Return the parts that a metric can have; None if a scenario may make any operation."""
    if metric == LATENCY_GROWTH:
        operations = operations_of(config.scenarios.values())
        servers = list(_of_servers(session, metric))
        return None if operations is None else [*dict.fromkeys(operations), *servers, *STAGES]
    if metric in {MEMORY_GROWTH, _DESCRIPTORS}:
        return list(dict.fromkeys((*_processes(session, metric), *_of_servers(session, metric))))
    dsn = session.target.postgres_dsn
    if dsn is None:
        return []
    return [POSTGRES] if metric == _CONNECTIONS else _tables(dsn)


def _processes(session: Session, metric: str) -> Iterator[str]:
    """Yield the parts whose memory or open files are read; containers and queries have no files."""
    yield from (service.name for service in session.services if service.pids)
    for tier, config in session.target.tiers:
        tells_memory = config.containers or "memory_bytes" in config.queries
        if config.units or config.processes or (metric == MEMORY_GROWTH and tells_memory):
            yield tier
    if metric == MEMORY_GROWTH:
        yield from session.target.containers
    yield GENERATOR


def _of_servers(session: Session, metric: str) -> Iterator[str]:
    """Yield the parts that are a figure of a server, such as `redis ping`."""
    there = {"redis": session.target.redis_url, "broker": session.target.brokers}
    for reading, server in _SERVERS.items():
        if OF_READINGS[reading] == metric and there[server]:
            yield part_of(reading, server)


def _tables(dsn: str) -> list[str]:
    try:
        return tables_of(dsn)
    except ProbeError as error:
        raise TargetUnavailableError(error.sentence, hint=error.hint) from error
