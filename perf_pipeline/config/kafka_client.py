"""The settings that every Kafka client here uses to reach the brokers, credentials included.

Brokers are one text, like a DSN, so that their address and their login always travel together: a
comma-separated list of `host:port`; with `SASL_PLAINTEXT://user:password@` in front where they ask
for a password; or `kafka://host:port?property=value&…`, which carries the properties of a target.
Add here: another form of the text. Keep out: which properties there may be (kafka_properties.py),
what a client does, and which hosts may be reached (safety.py).
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, quote, unquote

_WITH_CREDENTIALS: Final = re.compile(
    r"SASL_PLAINTEXT://(?P<user>[^:@/\s]+):(?P<password>[^:@/\s]+)@(?P<servers>.+)", re.IGNORECASE
)
_WITH_PROPERTIES: Final = re.compile(r"kafka://(?P<servers>[^?]*)\?(?P<query>.*)", re.DOTALL)
_SERVERS: Final = "bootstrap.servers"


def kafka_settings(brokers: str) -> dict[str, str | int | float | bool]:
    """Return the settings of librdkafka that lead to the brokers.

    >>> kafka_settings("127.0.0.1:9092")
    {'bootstrap.servers': '127.0.0.1:9092'}
    >>> sorted(kafka_settings("SASL_PLAINTEXT://me:p%40ss@127.0.0.1:9092").values())
    ['127.0.0.1:9092', 'PLAIN', 'SASL_PLAINTEXT', 'me', 'p@ss']
    >>> kafka_settings("kafka://127.0.0.1:9093?security.protocol=SSL")
    {'bootstrap.servers': '127.0.0.1:9093', 'security.protocol': 'SSL'}
    """
    if found := _WITH_PROPERTIES.fullmatch(brokers.strip()):
        return {
            _SERVERS: found["servers"],
            **dict(parse_qsl(found["query"], keep_blank_values=True)),
        }
    if found := _WITH_CREDENTIALS.fullmatch(brokers.strip()):
        return {
            _SERVERS: found["servers"],
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "PLAIN",
            "sasl.username": unquote(found["user"]),
            "sasl.password": unquote(found["password"]),
        }
    return {_SERVERS: brokers}


def onlooker_settings(brokers: str, group: str) -> dict[str, str | int | float | bool]:
    """Return the settings of a consumer that reads a group's offsets and never joins it.

    An AdminClient can't do this: its `list_consumer_group_offsets` ends the process with a
    segmentation fault while the group's coordinator is moving or new (librdkafka 2.16, its issue
    5040).
    """
    return {
        **kafka_settings(brokers),
        "group.id": group,
        "enable.auto.commit": False,
        "log_level": 0,
    }


def client_properties(brokers: str) -> dict[str, str]:
    """Return the settings without the addresses: the login, and the properties of a target."""
    return {key: str(value) for key, value in kafka_settings(brokers).items() if key != _SERVERS}


def is_of_brokers(settings: Mapping[str, str | int | float | bool]) -> bool:
    """Say whether the brokers assign the partitions of a consumer's group (KIP-848)."""
    return str(settings.get("group.protocol", "")).lower() == "consumer"


def bootstrap_servers(brokers: str) -> str:
    """Return the addresses of the brokers, without credentials."""
    return str(kafka_settings(brokers)[_SERVERS])


def shown_brokers(brokers: str) -> str:
    """Return the addresses for people, with the protocol if a target has set properties."""
    if _WITH_PROPERTIES.fullmatch(brokers.strip()) is None:
        return brokers
    protocol = client_properties(brokers).get("security.protocol")
    return f"{protocol}://{bootstrap_servers(brokers)}" if protocol else bootstrap_servers(brokers)


def with_credentials(servers: str, user: str, password: str) -> str:
    """Join addresses and credentials into one text."""
    return f"SASL_PLAINTEXT://{quote(user, safe='')}:{quote(password, safe='')}@{servers}"


def with_properties(brokers: str, properties: Mapping[str, str]) -> str:
    """Join brokers and the properties of a target into one text; properties win.

    >>> with_properties("127.0.0.1:9093", {"security.protocol": "SSL"})
    'kafka://127.0.0.1:9093?security.protocol=SSL'
    """
    if not properties:
        return brokers
    joined = {**client_properties(brokers), **properties}
    query = "&".join(f"{key}={quote(value, safe='')}" for key, value in sorted(joined.items()))
    return f"kafka://{bootstrap_servers(brokers)}?{query}"


def trusting(brokers: str, certificate: str) -> str:
    """Replace the authorities that a text with TLS trusts by a certificate (PEM)."""
    kept = {
        key: value
        for key, value in client_properties(brokers).items()
        if key not in {"ssl.ca.location", "ssl.ca.pem"}
    }
    return with_properties(bootstrap_servers(brokers), {**kept, "ssl.ca.pem": certificate})


def at_servers(brokers: str, servers: str) -> str:
    """Add a text's credentials and properties, if it has any, to addresses that were read."""
    if found := _WITH_PROPERTIES.fullmatch(brokers):
        return f"kafka://{servers}?{found['query']}"
    return brokers[: len(brokers) - len(bootstrap_servers(brokers))] + servers
