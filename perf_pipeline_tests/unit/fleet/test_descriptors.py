"""How many connections the driver of a fleet may have."""

import resource
from collections.abc import Iterator, Mapping, Sequence

from perf_pipeline.config.hosts import Place
from perf_pipeline.fleet.driver_link import DriverLink
from perf_pipeline.fleet.fleet import Fleet
from perf_pipeline.fleet.host import HostFacts


class NoHosts:
    """Have no hosts."""

    def facts(self, _: Sequence[Place]) -> Mapping[str, HostFacts]:
        return {}

    def links(self, _: int) -> Iterator[tuple[str, DriverLink]]:
        return iter(())


def test_a_driver_of_many_hosts_takes_as_many_descriptors_as_it_may() -> None:
    usual, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most - 1, most))
    try:
        with Fleet(NoHosts(), {}).workers(0):
            allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (usual, most))

    assert allowed == most
