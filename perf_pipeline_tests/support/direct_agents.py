"""Agents of this machine without an engine: for loads that need no cluster to be real.

Add here: another way in which agents are reached. Keep out: a cluster of Dask (fleets.py), loads
and assertions.
"""

import contextlib
import socket
from collections.abc import Iterator, Mapping, Sequence

from perf_pipeline.config.hosts import Place
from perf_pipeline.fleet.driver_link import DriverLink
from perf_pipeline.fleet.host import HostFacts, agent_started
from perf_pipeline.fleet.link import HostLink
from perf_pipeline_tests.support.cables import Cable, cable

HOST = "127.0.0.1"


class DirectEngine:
    """Start agents as an engine's worker does, and connect to them; implements `FleetEngine`.

    Attributes:
        cables: to each agent, in the order of their start.
    """

    def __init__(self) -> None:
        self.cables: list[Cable] = []

    def facts(self, _: Sequence[Place]) -> Mapping[str, HostFacts]:
        """Know nothing of the host, which is this machine."""
        return {}

    def links(self, count: int) -> Iterator[tuple[str, DriverLink]]:
        """Start so many agents with the variables of now, and connect to each by a cable."""
        with contextlib.ExitStack() as stack:
            for _ in range(count):
                agent = agent_started(HOST, None)
                way = stack.enter_context(cable(agent["port"]))
                self.cables.append(way)
                yield HOST, DriverLink(Connecting(way.port), agent["token"])


class Connecting:
    """Connect to a port of this machine, as often as it is asked."""

    def __init__(self, port: int) -> None:
        self._port = port

    def __call__(self, limit_s: float) -> HostLink:
        """Connect. Raises: OSError."""
        return HostLink(socket.create_connection((HOST, self._port), limit_s))
