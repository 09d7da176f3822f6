"""Say which connections between parts of a system go through its proxy, and at which ports.

Add here: a fact about a link. Keep out: the proxy (link_proxy.py), its commands (links.py), and who
connects to whom (config/fault_keys.py).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from perf_pipeline.config.hosts import Place
from perf_pipeline.config.kafka_client import at_servers, trusting
from perf_pipeline.config.postgres_address import dsn_at_port, dsn_port_here
from perf_pipeline.config.redis_address import redis_at_port, redis_port_here
from perf_pipeline.stack.service import LOOPBACK, free_port

_ADDRESS: Final = re.compile(re.escape(LOOPBACK) + r":\d+")
_AT_PORT: Final[Mapping[str, Callable[[str, int], str]]] = MappingProxyType(
    {"postgres": dsn_at_port, "redis": redis_at_port}
)
_PORT_HERE: Final[Mapping[str, Callable[[str], int | None]]] = MappingProxyType(
    {"postgres": dsn_port_here, "redis": redis_port_here}
)


@dataclass(frozen=True, slots=True)
class Link:
    """Name the connections of one part to another, and where they go through.

    Attributes:
        client: who connects, such as `api`, or `load`.
        server: to whom.
        port: the port of the proxy, on loopback, where the client connects.
        upstream: port of the server; 0 as long as nobody knows it.
        number: which of several servers of this name it leads to, counted from 1.
        tells: its server tells clients where brokers are, and the proxy tells them its own ports.
        host: the host of the server, as it is checked in its certificate.
    """

    client: str
    server: str
    port: int
    upstream: int = 0
    number: int = 1
    tells: bool = False
    host: str = LOOPBACK

    @property
    def name(self) -> str:
        """Return both ends."""
        name = f"{self.client}-{self.server}"
        return f"{name}-{self.number}" if self.number > 1 else name


@dataclass(frozen=True, slots=True)
class Links:
    """Hold the links of a stack, and how its proxy is reached.

    Attributes:
        links: that go through the proxy.
        control: port of the proxy that takes rules; 0 where there is no proxy.
        token: a secret, without which it takes none.
        certificate: that clients of its brokers have to trust (PEM); empty without TLS.
    """

    links: tuple[Link, ...] = ()
    control: int = 0
    token: str = ""
    certificate: str = ""

    def seen_by(self, client: str, server: str, address: str | None) -> str | None:
        """Return the address by which a client reaches a server: the proxy's where there is one.

        Args:
            client: who connects.
            server: to whom.
            address: the address of the server itself, with its user and its options, or those of
                several, in the order of their numbers; None without one.
        """
        found = [link for link in self.links if (link.client, link.server) == (client, server)]
        ports = [link.port for link in found]
        if address is None or not ports:
            return address
        if found[0].tells:
            there = at_servers(address.strip(), ",".join(f"{LOOPBACK}:{port}" for port in ports))
            return trusting(there, self.certificate) if self.certificate else there
        if server in _AT_PORT:
            return _AT_PORT[server](address, ports[0])
        left = iter(ports)
        return _ADDRESS.sub(lambda _: f"{LOOPBACK}:{next(left)}", address, count=len(ports))

    def port_of(self, client: str, server: str) -> int:
        """Return the proxy's port for the connections of a client to a server; 0 without one."""
        found = (link for link in self.links if (link.client, link.server) == (client, server))
        return next((link.port for link in found), 0)

    def upstream_of(self, server: str) -> int | None:
        """Return the port that a server was given before it started; None where it has none."""
        return next((link.upstream for link in self.links if link.server == server), None)


NO_LINKS: Final = Links()


def planned_links(pairs: Iterable[tuple[str, str]], brokers: int = 1) -> Links:
    """Choose the ports of the proxy, and those of servers that have to know theirs beforehand.

    A broker tells its clients where they reach it, so that each link to it needs a listener of its
    own behind the proxy.

    Args:
        pairs: client and server of each link.
        brokers: how many there are; a link to them is one to each.
    """
    ports = different_ports()
    api = next(ports)

    def upstream_of(server: str) -> int:
        if server == "broker":
            return next(ports)
        return api if server == "api" else 0

    return Links(
        tuple(
            Link(client, server, next(ports), upstream_of(server), number)
            for client, server in sorted(pairs)
            for number in range(1, (brokers if server == "broker" else 1) + 1)
        )
    )


def links_before(places: Mapping[str, Sequence[Place]]) -> Links:
    """Choose the ports of a proxy before servers that run already, for the load alone.

    Args:
        places: where each server is; of `broker` those of all brokers.
    """
    free = different_ports(it.port or 0 for several in places.values() for it in several)
    return Links(
        tuple(
            Link("load", name, next(free), it.port or 0, number, name == "broker", it.host)
            for name, several in places.items()
            for number, it in enumerate(several, 1)
        )
    )


def different_ports(taken: Iterable[int] = ()) -> Iterator[int]:
    """Yield ports that are free now, none twice: nobody listens at one that is planned only.

    Args:
        taken: planned before.
    """
    planned = set(taken)
    while True:
        port = free_port()
        if port not in planned:
            planned.add(port)
            yield port


def port_in(server: str, address: str) -> int:
    """Return the port of a server's address on loopback.

    Raises:
        ValueError: it names no port on loopback.
    """
    if server in _PORT_HERE:
        port = _PORT_HERE[server](address)
    else:
        found = _ADDRESS.search(address)
        port = None if found is None else int(found[0].rpartition(":")[2])
    if port is None:
        raise ValueError("the address is not on loopback")
    return port
