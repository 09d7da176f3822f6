"""The settings with which every Kafka client here reaches the brokers, credentials included.

Brokers are written as one text, like a DSN: a comma-separated list of `host:port`, with
`SASL_PLAINTEXT://user:password@` in front where the brokers ask for a password.
Add here: another way to log in, as settings of librdkafka. Keep out: what a client
does, and which hosts may be reached (safety.py).
"""

import re
from typing import Final
from urllib.parse import quote, unquote

_WITH_CREDENTIALS: Final = re.compile(
    r"SASL_PLAINTEXT://(?P<user>[^:@/\s]+):(?P<password>[^:@/\s]+)@(?P<servers>.+)", re.IGNORECASE
)


def kafka_settings(brokers: str) -> dict[str, str | int | float | bool]:
    """Return the settings of librdkafka that lead to the brokers.

    >>> kafka_settings("127.0.0.1:9092")
    {'bootstrap.servers': '127.0.0.1:9092'}
    >>> sorted(kafka_settings("SASL_PLAINTEXT://me:p%40ss@127.0.0.1:9092").values())
    ['127.0.0.1:9092', 'PLAIN', 'SASL_PLAINTEXT', 'me', 'p@ss']
    """
    found = _WITH_CREDENTIALS.fullmatch(brokers.strip())
    if found is None:
        return {"bootstrap.servers": brokers}
    return {
        "bootstrap.servers": found["servers"],
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": unquote(found["user"]),
        "sasl.password": unquote(found["password"]),
    }


def onlooker_settings(brokers: str, group: str) -> dict[str, str | int | float | bool]:
    """Return the settings of a consumer that knows a group and never joins it, for its offsets.

    Not of an AdminClient: its `list_consumer_group_offsets` ends the process with a segmentation
    fault where the group's coordinator is moving or new (librdkafka 2.16, its issue 5040).
    """
    return {
        **kafka_settings(brokers),
        "group.id": group,
        "enable.auto.commit": False,
        "log_level": 0,
    }


def login_of(brokers: str) -> tuple[str, str] | None:
    """Return the user and the password in the text; None where there are none."""
    settings = kafka_settings(brokers)
    if "sasl.password" not in settings:
        return None
    return str(settings["sasl.username"]), str(settings["sasl.password"])


def bootstrap_servers(brokers: str) -> str:
    """Return the addresses of the brokers, without credentials."""
    return str(kafka_settings(brokers)["bootstrap.servers"])


def with_credentials(servers: str, user: str, password: str) -> str:
    """Join addresses and credentials into one text."""
    return f"SASL_PLAINTEXT://{quote(user, safe='')}:{quote(password, safe='')}@{servers}"


def at_servers(brokers: str, servers: str) -> str:
    """Put a text's credentials, if it has any, in front of addresses that were read."""
    return brokers[: len(brokers) - len(bootstrap_servers(brokers))] + servers
