"""The system under test: where its parts are, and which hosts may be loaded.

Add here: another part of a system. Keep out: connecting to it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from pydantic import Field

from perf_pipeline.config.executors import Frozen
from perf_pipeline.errors import ProfileError
from perf_pipeline.secrecy.addresses import has_torn_password, mask_address
from perf_pipeline.secrecy.known import KNOWN

_TORN: Final = (
    "holds @, /, ? or # in its password, where a host or a path would begin; "
    "percent-encode them (%40, %2F, %3F, %23)"
)


class TargetConfig(Frozen):
    """Describe a system in a profile; secrets are named by environment variable, never written.

    Attributes:
        base_url: of the HTTP API.
        postgres_dsn_env: name of the variable that holds the DSN; redis_url_env alike.
        brokers: Kafka bootstrap servers, comma separated.
        topic: that the system publishes to.
        group: of its workers.
        containers: names for the Docker API's resource figures.
        allowed: hosts that may be loaded although they are not this machine.
    """

    base_url: str | None = Field(default=None, alias="baseUrl")
    postgres_dsn_env: str = Field(default="PERF_POSTGRES_DSN", alias="postgresDsnEnv")
    redis_url_env: str = Field(default="PERF_REDIS_URL", alias="redisUrlEnv")
    brokers: str | None = None
    topic: str = "birthday-messages"
    group: str = "birthday-workers"
    containers: tuple[str, ...] = Field(default=(), strict=False)
    allowed: tuple[str, ...] = Field(default=(), strict=False)


@dataclass(frozen=True, slots=True)
class Target:
    """Hold a system's addresses, secrets included: never print it, print `masked`.

    Attributes:
        name: in the profile.
        base_url: None = not configured, so a reference system is started.
        postgres_dsn: libpq connection string or URI.
        brokers: bootstrap servers.
        topic: that the system publishes to.
        group: of its workers.
        redis_url: None = not configured.
        containers: names for the Docker API.
        allowed: hosts beside loopback.
    """

    name: str
    base_url: str | None
    postgres_dsn: str | None
    brokers: str | None
    topic: str
    group: str
    redis_url: str | None
    containers: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Target({self.masked})"

    @property
    def masked(self) -> str:
        """Describe it for logs, reports and the history, without any secret."""
        parts = {
            "api": self.base_url,
            "postgres": self.postgres_dsn,
            "brokers": self.brokers,
            "redis": self.redis_url,
        }
        return f"{self.name}: " + ", ".join(
            f"{part} {mask_address(address)}" for part, address in parts.items() if address
        )


def resolve_target(
    name: str, config: TargetConfig | None, environment: Mapping[str, str]
) -> Target:
    """Join a profile's target with the environment, which wins.

    Args:
        name: of the target.
        config: the profile's `[targets.name]`; None for the local one.
        environment: PERF_BASE_URL, PERF_POSTGRES_DSN, PERF_KAFKA_BROKERS, PERF_REDIS_URL,
            PERF_ALLOWED_HOSTS (comma separated).
    """
    written = config or TargetConfig()
    extra = environment.get("PERF_ALLOWED_HOSTS", "")
    target = Target(
        name=name,
        base_url=environment.get("PERF_BASE_URL") or written.base_url,
        postgres_dsn=environment.get(written.postgres_dsn_env) or None,
        brokers=environment.get("PERF_KAFKA_BROKERS") or written.brokers,
        topic=written.topic,
        group=written.group,
        redis_url=environment.get(written.redis_url_env) or None,
        containers=written.containers,
        allowed=(*written.allowed, *(host.strip() for host in extra.split(",") if host.strip())),
    )
    for address in (target.base_url, target.postgres_dsn, target.brokers, target.redis_url):
        KNOWN.add_address(address)
    KNOWN.add_environment(environment)
    return target


def hosts_of(target: Target) -> dict[str, list[str]]:
    """Give every host that the target names, by the key that names it.

    Raises:
        ProfileError: an address has no host that could be checked.
    """
    found: dict[str, list[str]] = {}
    _refuse_torn_passwords(target)
    if target.base_url:
        found["baseUrl"] = [_url_host("baseUrl", target.base_url)]
    if target.postgres_dsn:
        found["PostgreSQL DSN"] = _dsn_hosts(target.postgres_dsn)
    if target.brokers:
        found["brokers"] = [_broker_host(broker) for broker in target.brokers.split(",")]
    if target.redis_url:
        found["Redis URL"] = [_url_host("Redis URL", target.redis_url)]
    return found


def _refuse_torn_passwords(target: Target) -> None:
    addresses = {
        "baseUrl": target.base_url,
        "PostgreSQL DSN": target.postgres_dsn,
        "Redis URL": target.redis_url,
    }
    for key, address in addresses.items():
        if address and has_torn_password(address):
            raise ProfileError(key, [f"{mask_address(address)!r} {_TORN}"])


def _url_host(key: str, url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return parts.path
    if not parts.hostname:
        raise ProfileError(key, [f"{mask_address(url)!r} names no host; write scheme://host:port"])
    return parts.hostname


def _broker_host(broker: str) -> str:
    host = broker.strip().rsplit("://", 1)[-1].rpartition(":")[0].strip("[]")
    if not host:
        raise ProfileError("brokers", [f"{broker!r} is not host:port"])
    return host


def _dsn_hosts(dsn: str) -> list[str]:
    if "://" in dsn:
        authority = urlsplit(dsn).netloc.rpartition("@")[2]
        hosts = [re.sub(r":\d+$", "", part).strip("[]") for part in authority.split(",")]
        hosts += re.findall(r"[?&]host(?:addr)?=([^&]+)", dsn)
        hosts = [host for host in hosts if host]
    else:
        pairs = re.findall(r"\bhost(?:addr)?\s*=\s*'?([^'\s]+)", dsn)
        hosts = [host for pair in pairs for host in pair.split(",")]
    if not hosts:
        sentence = f"{mask_address(dsn)!r} names no host; name it, so that it can be checked"
        raise ProfileError("PostgreSQL DSN", [sentence])
    return hosts
