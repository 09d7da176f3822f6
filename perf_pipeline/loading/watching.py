"""Choose the probes that watch each benchmark.

Add here: another probe for benchmarks. Keep out: the readings of a probe (probes/).
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from perf_pipeline.benchmarks.record import Lag, Part
from perf_pipeline.benchmarks.registry import record_of
from perf_pipeline.config.needed_parts import parts_of
from perf_pipeline.config.profile import BenchmarkConfig
from perf_pipeline.loading.growth_parts import parts_named
from perf_pipeline.loading.own_topics import own_groups_of, own_topics_of, watched_group
from perf_pipeline.loading.session import Session
from perf_pipeline.loading.tier_probes import tier_probes
from perf_pipeline.probes.docker import DockerProbe
from perf_pipeline.probes.host import HostProbe
from perf_pipeline.probes.kafka import BrokerProbe, LagProbe
from perf_pipeline.probes.postgres import PostgresProbe
from perf_pipeline.probes.postgres_relations import RelationsProbe
from perf_pipeline.probes.probe import Probe
from perf_pipeline.probes.processes import Pids, ProcessProbe
from perf_pipeline.probes.sampler import Sampler
from perf_pipeline.stack.part_faults import leaders_of


def sampler(session: Session, benchmark: str, folder: Path, origin_ns: int) -> Sampler:
    """Make the sampler of a benchmark: host, processes, and every configured server."""
    config = session.profile.benchmarks[benchmark]
    growth = config.growth is not None
    probes: list[Probe] = [
        HostProbe(),
        ProcessProbe(_parts(session, config), descriptors=growth),
    ]
    probes += _servers(session, benchmark, config)
    probes += [made(folder) for made in session.probes]
    return Sampler([(probe, config.interval_us) for probe in probes], folder, origin_ns)


def _parts(session: Session, config: BenchmarkConfig) -> Mapping[str, Pids]:
    """Return the processes of each part; the load generator is this process and its workers.

    They are the current processes, since an earlier benchmark may have ended some and started
    others. If faults do that during the load, they are looked up at each reading.
    """
    parts: dict[str, Pids] = {
        service.name: service.pids for service in session.services if service.pids
    }
    if session.stack is not None:
        for name in parts:
            now = partial(leaders_of, session.stack.folder, name)
            parts[name] = now if config.faults else now()
    parts["generator"] = (os.getpid(),)
    return parts


def _servers(session: Session, benchmark: str, config: BenchmarkConfig) -> list[Probe]:
    target, probes = session.target, list[Probe]()
    if target.postgres_dsn:
        probes.append(PostgresProbe(target.postgres_dsn))
        if config.growth is not None:
            named = [threshold.tags["part"] for threshold in parts_named(config)]
            probes.append(RelationsProbe(target.postgres_dsn, named))
    if target.redis_url:
        # redis-py takes 100 ms to import, so only runs with a Redis import it.
        from perf_pipeline.probes.redis import RedisProbe  # noqa: PLC0415

        probes.append(RedisProbe(target.redis_url))
    if target.brokers:
        watched = list(_watched(session, benchmark, config))
        if watched or Part.BROKERS in parts_of(session.profile, benchmark):
            probes.append(BrokerProbe(target.brokers, allowed=target.allowed))
        probes += _lag_probes(target.brokers, target.allowed, watched)
    if target.containers:
        probes.append(DockerProbe.where_environment_says(target.containers, os.environ))
    return [*probes, *tier_probes(target, descriptors=config.growth is not None)]


def _lag_probes(
    brokers: str, allowed: Sequence[str], watched: Sequence[tuple[str, Sequence[str]]]
) -> Iterator[LagProbe]:
    """Yield a probe for each group; the partitions of a topic are read for its first group only."""
    seen = set[str]()
    for number, (group, topics) in enumerate(watched, 1):
        name = "consumer_lag" if number == 1 else f"consumer_lag-{number}"
        only_total = not seen.isdisjoint(topics)
        yield LagProbe(brokers, group, topics, allowed=allowed, name=name, only_total=only_total)
        seen.update(topics)


def _watched(
    session: Session, benchmark: str, config: BenchmarkConfig
) -> Iterator[tuple[str, list[str]]]:
    """Yield the groups and topics whose lag matters: the benchmark's own, or the system's."""
    match record_of(benchmark).lag:
        case Lag.OWN:
            yield config.group, [config.topic]
        case Lag.SYSTEM if topics := own_topics_of(session, config):
            group = watched_group(session)
            if group is not None:
                yield group, topics
            for own, topic in own_groups_of(session, benchmark).items():
                # Two groups on the same partition would give one reading.
                if group is None or topic not in topics:
                    yield own, [topic]
        case Lag.SYSTEM:
            yield session.target.group, [session.target.topic]
        case Lag.NOBODY:
            return
