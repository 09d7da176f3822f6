"""The environment variables of the reference system, read once and checked before anything runs.

Add here: a variable, with its default, its check and its line in docs/reference-system.md.
Keep out: opening connections, and values in messages (a DSN holds a password).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import parse_qsl, unquote, urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}")
_SEND_MS = re.compile(r"(\d+(?:\.\d+)?)\.\.(\d+(?:\.\d+)?)")
_BROKER = re.compile(r"[^\s,:]+:\d{1,5}|\[[0-9A-Fa-f:]+\]:\d{1,5}")
_LOGIN = re.compile(r"SASL_PLAINTEXT://([^:@/\s]+):([^:@/\s]+)@(.+)")
_PROPERTIES = re.compile(r"kafka://([^?]*)\?(.*)", re.DOTALL)
_EXAMPLES = MappingProxyType(
    {
        "POSTGRES_DSN": "write postgresql://host:5432/database, with user:password@ in front of "
        "the host",
        "BROKERS": "write host:port, several separated by commas; or, where they ask for a "
        "password, SASL_PLAINTEXT://host:port with user:password@ in front of the host; or "
        "kafka://host:port?security.protocol=SSL with any property of librdkafka",
    }
)


class SettingsError(Exception):
    """Say in one sentence which variable is missing or malformed and what would be right."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Hold the configuration of one process of the reference system.

    Attributes:
        postgres_dsn: connection string of PostgreSQL, a secret.
        brokers: `host:port`, comma separated; empty for the API, which needs none.
        properties: the properties of librdkafka, with the password that the brokers ask for, a
            secret.
        redis_url: a secret; None means that there is no cache.
        topic: the topic of the birthday messages.
        group: the consumer group of the workers.
        partitions: partitions of the topic when `migrate` creates it.
        worker_concurrency: messages that one worker process sends at the same time.
        send_ms: bounds (ms) of the uniformly distributed, simulated sending time.
        pool_size: PostgreSQL connections of one API process.
        worker_id: group.instance.id of a worker with static membership, else None.
    """

    postgres_dsn: str
    brokers: str
    properties: tuple[tuple[str, str], ...]
    redis_url: str | None
    topic: str
    group: str
    partitions: int
    worker_concurrency: int
    send_ms: tuple[float, float]
    pool_size: int
    worker_id: str | None

    @property
    def kafka(self) -> dict[str, str | int | bool]:
        """Return the settings by which Kafka clients reach the brokers; they hold the password."""
        return {"bootstrap.servers": self.brokers, **dict(self.properties)}

    @property
    def database(self) -> str:
        """Return the name of the database, which is no secret."""
        parts = conninfo_to_dict(self.postgres_dsn)
        return str(parts.get("dbname") or parts.get("user") or "")


def read_settings(environ: Mapping[str, str], *, needs_brokers: bool) -> Settings:
    """Read and check the `BIRTHDAY_*` variables; an empty variable counts as missing.

    Args:
        environ: the environment, or any mapping in its place.
        needs_brokers: False for the API, which never talks to a broker.

    Raises:
        SettingsError: a variable is missing or malformed; the first one is named.
    """

    def text(name: str, default: str | None = None) -> str:
        value = environ.get(f"BIRTHDAY_{name}", "") or default
        if value is None:
            raise SettingsError(f"BIRTHDAY_{name} is not set; {_EXAMPLES[name]}")
        return value

    def whole(name: str, default: int, most: int) -> int:
        value = text(name, str(default))
        if not (value.isascii() and value.isdigit() and 1 <= int(value) <= most):
            raise SettingsError(
                f"BIRTHDAY_{name} is {value!r}; it must be a whole number from 1 to {most:,}"
            )
        return int(value)

    brokers, properties = _brokers(text("BROKERS")) if needs_brokers else ("", ())
    return Settings(
        postgres_dsn=_postgres_dsn(text("POSTGRES_DSN")),
        brokers=brokers,
        properties=properties,
        redis_url=_redis_url(text("REDIS_URL", "")),
        topic=_name("TOPIC", text("TOPIC", "birthday-messages")),
        group=_name("GROUP", text("GROUP", "birthday-workers")),
        partitions=whole("PARTITIONS", 6, 10_000),
        worker_concurrency=whole("WORKER_CONCURRENCY", 10, 10_000),
        send_ms=_send_ms(text("SEND_MS", "0..10")),
        pool_size=whole("POOL_SIZE", 20, 1_000),
        worker_id=_name("WORKER_ID", text("WORKER_ID", ""))
        if environ.get("BIRTHDAY_WORKER_ID")
        else None,
    )


def _postgres_dsn(value: str) -> str:
    try:
        conninfo_to_dict(value)
    except psycopg.ProgrammingError:
        # libpq's own message repeats the text, and with it the password.
        raise SettingsError(
            f"BIRTHDAY_POSTGRES_DSN is not a connection string; {_EXAMPLES['POSTGRES_DSN']}"
        ) from None
    return value


def _brokers(value: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    servers, properties = _taken_apart(value)
    wrong = [broker for broker in servers.split(",") if not _BROKER.fullmatch(broker.strip())]
    if wrong:
        # What is in front of an @ may be a password.
        shown = wrong[0].rpartition("@")[2]
        raise SettingsError(f"BIRTHDAY_BROKERS holds {shown!r}; {_EXAMPLES['BROKERS']}")
    return servers, properties


def _taken_apart(value: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    if found := _PROPERTIES.fullmatch(value):
        return found[1], tuple(parse_qsl(found[2], keep_blank_values=True))
    if found := _LOGIN.fullmatch(value):
        return found[3], (
            ("security.protocol", "SASL_PLAINTEXT"),
            ("sasl.mechanism", "PLAIN"),
            ("sasl.username", unquote(found[1])),
            ("sasl.password", unquote(found[2])),
        )
    return value, ()


def _redis_url(value: str) -> str | None:
    if value and urlsplit(value).scheme not in {"redis", "rediss", "unix"}:
        raise SettingsError("BIRTHDAY_REDIS_URL is not a Redis URL; write redis://host:6379/0")
    return value or None


def _name(name: str, value: str) -> str:
    if not _NAME.fullmatch(value):
        raise SettingsError(
            f"BIRTHDAY_{name} is {value!r}; it may hold 1 to 249 letters, digits, '.', '_' and '-'"
        )
    return value


def _send_ms(value: str) -> tuple[float, float]:
    match = _SEND_MS.fullmatch(value)
    if match is None or float(match[1]) > float(match[2]):
        raise SettingsError(
            f"BIRTHDAY_SEND_MS is {value!r}; write the least and the most milliseconds, as in 0..10"
        )
    return float(match[1]), float(match[2])
