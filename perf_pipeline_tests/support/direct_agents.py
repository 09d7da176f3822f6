"""Agents of this machine without an engine: for loads that need no cluster to be real.

Add here: another way in which agents are reached. Keep out: a cluster of Dask (fleets.py), loads
and assertions.
"""

import socket
from collections.abc import Iterator, Mapping, Sequence

from perf_pipeline.config.hosts import Place
from perf_pipeline.fleet.frames import FrameKind
from perf_pipeline.fleet.host import HostFacts, agent_started
from perf_pipeline.fleet.link import HostLink

HOST = "127.0.0.1"


class DirectEngine:
    """Start agents as an engine's worker does, and connect to them; implements `FleetEngine`."""

    def facts(self, _: Sequence[Place]) -> Mapping[str, HostFacts]:
        """Know nothing of the host, which is this machine."""
        return {}

    def links(self, count: int) -> Iterator[tuple[str, HostLink]]:
        """Start so many agents with the variables of now, and connect to each."""
        for _ in range(count):
            agent = agent_started(HOST, None)
            link = HostLink(socket.create_connection((HOST, agent["port"])))
            link.send(FrameKind.HELLO, agent["token"].encode())
            yield HOST, link
