"""Keep the ports that clients get in place of brokers' addresses, and addresses that fit none.

Add here: another fact to note about connections to brokers. Keep out: the protocol
(link_brokers.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from perf_pipeline.config.hosts import LOCALHOST

HERE: Final = "127.0.0.1"
Broker = tuple[str, int]
"""A host as `spelled` gives it, and a port."""


def spelled(host: str) -> str:
    """Return a host as it is compared here: names of this machine alike, and without capitals.

    >>> spelled("localhost"), spelled("Kafka-1.Example")
    ('127.0.0.1', 'kafka-1.example')
    """
    lower = host.lower()
    return HERE if lower == LOCALHOST else lower


@dataclass(slots=True)
class ToldPorts:
    """Hold the ports that clients get in place of the brokers' addresses.

    Attributes:
        ports: the ports of the proxy, by the broker's own place.
        unknown: what brokers named that the proxy does not stand before, for people.
        strangers: connections that never spoke Kafka's protocol.
    """

    ports: Mapping[Broker, int]
    unknown: set[str] = field(default_factory=set)
    strangers: int = 0

    def instead_of(self, host: str, port: int) -> Broker:
        """Return where a client is to go for a broker; to the broker itself if it is unknown."""
        if port <= 0:  # as of a coordinator that there is not
            return host, port
        instead = self.ports.get((spelled(host), port))
        if instead is None:
            self.unknown.add(f"{host}:{port}")
            return host, port
        return HERE, instead
