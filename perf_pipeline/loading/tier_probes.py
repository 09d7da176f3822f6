"""Make the probes that watch a target's tiers as the profile says.

Add here: the probe for another way to watch a tier. Keep out: reading (probes/).
"""

import os
from collections.abc import Iterator, Mapping
from typing import Final

from perf_pipeline.config.safety import require_allowed
from perf_pipeline.config.target import Target, allowed_hosts
from perf_pipeline.config.tiers import TierConfig
from perf_pipeline.config.web_address import WebAddress
from perf_pipeline.errors import AddressError
from perf_pipeline.metrics.sample import Reading
from perf_pipeline.probes.docker import DockerProbe
from perf_pipeline.probes.probe import Probe
from perf_pipeline.probes.prometheus import PrometheusProbe
from perf_pipeline.probes.tiers import CORES, ContainerTiers, LocalTiers
from perf_pipeline.secrecy.known import KNOWN

_TOKEN: Final = "PERF_PROMETHEUS_TOKEN"  # noqa: S105 - the name of a variable
_METRICS: Final = {
    "cpu_percent": "process_cpu_percent",
    "memory_bytes": "process_memory_bytes",
    "io_bytes_per_s": "process_io_bytes_per_s",
    "network_bytes_per_s": "process_network_bytes_per_s",
    "cores": CORES,
}


def require_prometheus(target: Target) -> None:
    """Refuse queries of tiers without a server, or with a server that may not be asked.

    Raises:
        AddressError: there are queries but no server, or its URL can't be read.
        TargetNotAllowedError: the server is neither this machine nor allowed.
    """
    asking = [tier for tier, config in target.tiers if config.queries]
    key = f"prometheus of [targets.{target.name}]"
    if not asking:
        return
    if target.prometheus is None:
        raise AddressError(
            key, f"is missing, and tier {asking[0]} has queries; write it, or PERF_PROMETHEUS_URL"
        )
    try:
        place = WebAddress.read_base(target.prometheus).place
    except ValueError:
        raise AddressError(key, "is not a URL; write one like http://127.0.0.1:9090") from None
    require_allowed(
        place,
        allowed_hosts(target),
        f"target {target.name}: {place.host} ({key})",
        f"add it to allowed of [targets.{target.name}], or to PERF_ALLOWED_HOSTS",
    )


def tier_probes(
    target: Target,
    environment: Mapping[str, str] = os.environ,
    *,
    descriptors: bool = False,
) -> Iterator[Probe]:
    """Yield a probe for each way of watching tiers; none without tiers.

    Args:
        target: the target with its tiers.
        environment: the environment, which says where Docker is.
        descriptors: whether to count open files and sockets of processes on this machine.
    """
    tiers = dict(target.tiers)
    cores = {
        tier: config.fixed_cores for tier, config in tiers.items() if config.fixed_cores is not None
    }
    containers = {tier: config.containers for tier, config in tiers.items() if config.containers}
    if containers:
        names = [name for of_tier in containers.values() for name in of_tier]
        docker = DockerProbe.where_environment_says(names, environment)
        yield ContainerTiers(containers, cores, docker)
    units = {tier: config.units for tier, config in tiers.items() if config.units}
    processes = {tier: config.processes for tier, config in tiers.items() if config.processes}
    if units or processes:
        yield LocalTiers(units, processes, cores, descriptors=descriptors)
    queries = {tier: _by_metric(config) for tier, config in tiers.items() if config.queries}
    if queries and target.prometheus is not None:
        token = environment.get(_TOKEN, "")
        KNOWN.add_all([token])
        given = [Reading(0, tier, CORES, cores[tier]) for tier in queries if tier in cores]
        yield PrometheusProbe(target.prometheus, queries, token=token, given=given)


def _by_metric(config: TierConfig) -> dict[str, str]:
    return {_METRICS[name]: query for name, query in config.queries.items()}
