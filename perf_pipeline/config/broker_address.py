"""Kafka's bootstrap servers, read as librdkafka reads them.

Add here: another form of a bootstrap server. Keep out: the listeners that brokers advertise, which
only a client learns (safety.py, `require_allowed_brokers`).
"""

from typing import Final

from perf_pipeline.config.hosts import LOCALHOST, Address, Place, bracketed, read_host, read_port
from perf_pipeline.config.kafka_client import at_servers, bootstrap_servers, client_properties
from perf_pipeline.config.kafka_properties import named_mistakes
from perf_pipeline.quoting import shown
from perf_pipeline.secrecy.addresses import MASK

_PLAINTEXT: Final = "plaintext"
_SPOKEN: Final = frozenset({"ssl", "sasl_ssl", "sasl_plaintext"})


def read_brokers(text: str, loopback: tuple[str, ...]) -> Address:
    """Read a comma-separated list of `host:port`, where each may begin with `PLAINTEXT://`.

    The whole list may begin with `SASL_PLAINTEXT://user:password@`, or end with the properties of a
    target (kafka_client.py).

    Args:
        text: the list as it was written.
        loopback: the addresses that replace localhost; if there are none, the client resolves the
            name.

    Raises:
        ValueError: an entry is not a bootstrap server; the sentence continues after the name of its
            key.
    """
    if mistakes := list(named_mistakes(client_properties(text))):
        raise ValueError(f"holds a property that {mistakes[0]}")
    places = tuple(_read(broker.strip()) for broker in bootstrap_servers(text).split(","))
    found = (
        f"{bracketed(host)}:{place.port}"
        for place in places
        for host in (loopback if place.host == LOCALHOST and loopback else (place.host,))
    )
    return Address(at_servers(text.strip(), ",".join(found)), places)


def _read(broker: str) -> Place:
    protocol, _, rest = broker.rpartition("://")
    if protocol.lower() in _SPOKEN:
        raise ValueError(
            f"begins with {protocol}://; write host:port, and security.protocol = "
            f'"{protocol.upper()}" into [targets.NAME.kafka], or SASL_PLAINTEXT://host:port with '
            "user:password@ in front of the host"
        )
    if protocol and protocol.lower() != _PLAINTEXT:
        raise ValueError(f"contains {_shown(broker)}, which is not host:port")
    host, colon, port = rest.rpartition(":")
    if not (host and colon) or (":" in host and not host.startswith("[")):
        hint = "; put an IPv6 address into brackets" if ":" in host else ""
        raise ValueError(f"contains {_shown(broker)}, which is not host:port{hint}")
    try:
        return Place(read_host(host), read_port(port))
    except ValueError as error:
        raise ValueError(f"contains {_shown(broker)}, which {error}") from None


def _shown(broker: str) -> str:
    """Quote a broker without anything before an @, which may be part of a password."""
    hidden, at, rest = broker.rpartition("@")
    return shown(f"{MASK}@{rest}" if at and hidden else broker, 100)
