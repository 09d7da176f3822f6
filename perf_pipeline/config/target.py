"""The system under test: where its parts are, and which hosts may be loaded.

Add here: another part of a system. Keep out: connecting to it.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Final, Self

from pydantic import BeforeValidator, Field, model_validator

from perf_pipeline.benchmarks.record import Part
from perf_pipeline.config.allowed import AllowedHosts, entries_in
from perf_pipeline.config.base_url import read_base_url
from perf_pipeline.config.broker_address import read_brokers
from perf_pipeline.config.durations import Duration
from perf_pipeline.config.frozen import Frozen, equals, is_empty
from perf_pipeline.config.health_question import HealthCheck, HealthQuestion, written_question
from perf_pipeline.config.hosts import Address
from perf_pipeline.config.http_keys import Path, Statuses
from perf_pipeline.config.kafka_client import shown_brokers, with_properties
from perf_pipeline.config.kafka_properties import filled, flattened
from perf_pipeline.config.postgres_address import read_dsn
from perf_pipeline.config.redis_address import read_redis_url
from perf_pipeline.config.tiers import TierConfig, TierName
from perf_pipeline.config.tracing import TracePage
from perf_pipeline.config.version_question import VersionQuestion
from perf_pipeline.errors import AddressError
from perf_pipeline.secrecy.addresses import has_torn_password, mask_address
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline.units import US_PER_S

LOCAL: Final = "local"
"""The target of this machine, which no profile has to describe."""
GONE_AFTER_US: Final = 5 * US_PER_S
"""How long nobody may have answered until a load is ended, where no profile says it."""
_TORN: Final = (
    "has @, /, ? or # in its password, where a host or a path would begin; write them "
    "percent-encoded (%40, %2F, %3F, %23)"
)
_KEYS: Final = MappingProxyType(
    {
        "base_url": "baseUrl",
        "postgres_dsn": "PostgreSQL DSN",
        "brokers": "brokers",
        "redis_url": "Redis URL",
    }
)
_LIBPQ: Final = "PG"  # all of libpq's environment variables begin with it


class TargetConfig(Frozen):
    """Describe a system in a profile; environment variables hold its secrets.

    Attributes:
        base_url: URL of the HTTP API.
        health_path: the path that is requested with GET before the load, such as `/ready?full=1`.
            Without any health key, benchmarks of your own only need a connection, and the shipped
            ones expect 200 for `GET /health`.
        health_status: the status, or a list of them, that a healthy API answers with; 200 by
            default.
        health_check: `http`, `tcp` for a connection instead of a request, or `none`.
        postgres_dsn_env: name of the environment variable that holds the DSN of PostgreSQL.
        redis_url_env: name of the environment variable that holds the URL of Redis.
        brokers: comma-separated bootstrap servers of Kafka.
        kafka: properties of librdkafka, such as `security.protocol`, for every Kafka client;
            secrets stay in environment variables and are written `"${env.KAFKA_PASSWORD}"`.
        topic: the topic that the system publishes to.
        group: the consumer group of its workers.
        gone_after_us: a benchmark is ended when none of its operations got an answer for this long;
            if you measure a failover, choose more than it takes.
        containers: names of containers whose resource use is read through the Docker API.
        allowed: hosts that may be loaded although they are not this machine.
        tiers: tier -> how it is watched. The checklist of bottlenecks uses the names `database` and
            `worker`.
        prometheus: URL of the Prometheus server that answers the queries of tiers. The variable
            PERF_PROMETHEUS_URL replaces it; PERF_PROMETHEUS_TOKEN may hold a bearer token.
        jolokia: URLs of the Jolokia agents of Kafka's brokers, one per broker, such as
            `http://127.0.0.1:8778/jolokia`; PERF_JOLOKIA_LOGIN may hold `user:password`.
        version: where the system reports its version, which is stored with each run; the variable
            PERF_TARGET_VERSION overrides it.
        trace_url: the address of a trace in your tracing system, with `{trace_id}` in it, such as
            `https://traces.example/trace/{trace_id}`; reports link the slowest requests to it.
    """

    base_url: str | None = Field(default=None, alias="baseUrl")
    health_path: Path = Field(default="", alias="healthPath", exclude_if=is_empty)
    health_status: Statuses = Field(default=(), alias="healthStatus", exclude_if=is_empty)
    health_check: HealthCheck | None = Field(
        default=None, alias="healthCheck", exclude_if=equals(None)
    )
    postgres_dsn_env: str = Field(default="PERF_POSTGRES_DSN", alias="postgresDsnEnv")
    redis_url_env: str = Field(default="PERF_REDIS_URL", alias="redisUrlEnv")
    brokers: str | None = None
    kafka: Annotated[dict[str, object], BeforeValidator(flattened)] = Field(
        default_factory=dict, exclude_if=is_empty
    )
    topic: str = "birthday-messages"
    group: str = "birthday-workers"
    gone_after_us: Duration = Field(
        default=GONE_AFTER_US, alias="goneAfter", ge=US_PER_S, exclude_if=equals(GONE_AFTER_US)
    )
    containers: tuple[str, ...] = Field(default=(), strict=False)
    allowed: tuple[str, ...] = Field(default=(), strict=False)
    version: VersionQuestion | None = Field(default=None, exclude_if=equals(None))
    tiers: dict[TierName, TierConfig] = Field(default_factory=dict, exclude_if=is_empty)
    prometheus: str | None = Field(default=None, exclude_if=equals(None))
    jolokia: tuple[str, ...] = Field(default=(), strict=False, exclude_if=is_empty)
    trace_url: TracePage | None = Field(default=None, alias="traceUrl", exclude_if=equals(None))

    @model_validator(mode="after")
    def _health_keys_agree(self) -> Self:
        self.health_question()
        return self

    def health_question(self) -> HealthQuestion | None:
        """Return how the API is checked before its load; None if the profile does not say."""
        return written_question(self.health_check, self.health_path, self.health_status)


@dataclass(frozen=True, slots=True)
class Target:
    """Hold a system's addresses, secrets included; print `masked`, never the target itself.

    Attributes:
        name: its name in the profile.
        base_url: URL of the HTTP API; None if there is none, so that a reference system is started.
        postgres_dsn: connection string of libpq, as keywords or a URI.
        brokers: bootstrap servers of Kafka, with the login (kafka_client.py).
        topic: the topic that the system publishes to.
        group: the consumer group of its workers.
        redis_url: URL of Redis; None if there is none.
        containers: names of containers for the Docker API.
        allowed: hosts other than loopback that may be loaded.
        named_by: the variable or key that each address was read from, by the name of its field.
        libpq: environment variables that libpq reads by itself, such as PGHOSTADDR.
        health: how the API is checked before its load; None if the profile does not say.
        version: where it reports its version; None if the profile does not say.
        tiers: how each of its tiers is watched.
        prometheus: URL of the server that answers the queries of tiers; None if there is none.
        jolokia: URLs of the agents that report how long the brokers' requests take.
        gone_after_us: the target counts as gone after this long without any answer.
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
    named_by: tuple[tuple[str, str], ...] = ()
    libpq: tuple[tuple[str, str], ...] = ()
    health: HealthQuestion | None = None
    version: VersionQuestion | None = None
    tiers: tuple[tuple[str, TierConfig], ...] = ()
    prometheus: str | None = None
    jolokia: tuple[str, ...] = ()
    gone_after_us: int = GONE_AFTER_US

    def key_of(self, part: str) -> str:
        """Return the variable or key that holds an address, for messages."""
        return dict(self.named_by).get(part, _KEYS[part])

    def place_of(self, part: str) -> str:
        """Say what an address is, and which variable holds it, if any."""
        key = self.key_of(part)
        return f"({_KEYS[part]})" if key.startswith(_KEYS[part]) else f"({_KEYS[part]}) of {key}"

    def __repr__(self) -> str:
        return f"Target({self.masked})"

    @property
    def masked(self) -> str:
        """Describe the target for logs, reports and the history, without any secret."""
        return f"{self.name}: " + ", ".join(
            f"{part} {mask_address(shown_brokers(address))}"
            for part, address in self.addresses.items()
            if address
        )

    @property
    def addresses(self) -> Mapping[Part, str | None]:
        """Return the address of each part, with its secrets; None if there is no such part."""
        return {
            Part.API: self.base_url,
            Part.POSTGRES: self.postgres_dsn,
            Part.BROKERS: self.brokers,
            Part.REDIS: self.redis_url,
        }


def resolve_target(
    name: str, config: TargetConfig | None, environment: Mapping[str, str], folder: str = "."
) -> Target:
    """Combine a target of a profile with environment variables, which win.

    Args:
        name: the name of the target.
        config: the profile's `[targets.name]`; None for the local target.
        environment: PERF_BASE_URL, PERF_POSTGRES_DSN, PERF_KAFKA_BROKERS, PERF_REDIS_URL,
            PERF_ALLOWED_HOSTS (comma separated), and those that `kafka` names.
        folder: the folder from which relative paths in `kafka` start.

    Raises:
        AddressError: a variable that `kafka` names is not set.
    """
    written = config or TargetConfig()
    keys = {
        "base_url": _key_of("PERF_BASE_URL", "baseUrl", name, environment),
        "postgres_dsn": written.postgres_dsn_env,
        "brokers": _key_of("PERF_KAFKA_BROKERS", "brokers", name, environment),
        "redis_url": written.redis_url_env,
    }
    brokers = environment.get("PERF_KAFKA_BROKERS") or written.brokers
    if brokers and written.kafka:
        brokers = with_properties(brokers, filled(written.kafka, environment, folder, name))
    target = Target(
        name=name,
        base_url=environment.get("PERF_BASE_URL") or written.base_url,
        postgres_dsn=environment.get(written.postgres_dsn_env) or None,
        brokers=brokers,
        topic=written.topic,
        group=written.group,
        redis_url=environment.get(written.redis_url_env) or None,
        containers=written.containers,
        allowed=(*written.allowed, *entries_in(environment.get("PERF_ALLOWED_HOSTS", ""))),
        named_by=tuple(keys.items()),
        libpq=tuple((key, environment[key]) for key in environment if key.startswith(_LIBPQ)),
        health=written.health_question(),
        version=written.version,
        tiers=tuple(written.tiers.items()),
        prometheus=environment.get("PERF_PROMETHEUS_URL") or written.prometheus,
        jolokia=written.jolokia,
        gone_after_us=written.gone_after_us,
    )
    for address in target.addresses.values():
        KNOWN.add_address(address)
    KNOWN.add_environment(environment)
    return target


def read_addresses(target: Target, loopback: tuple[str, ...] = ()) -> dict[str, Address]:
    """Read every address of a target with the parser of its kind; return them by field of `Target`.

    Args:
        target: the target as it was written.
        loopback: the addresses that clients get instead of the name localhost, if they accept them.

    Raises:
        AddressError: an address cannot be read, or names no host that could be checked.
    """
    # libpq reads the environment of this process, whatever the source of the target.
    libpq = {**os.environ, **dict(target.libpq)}
    readers: dict[str, Callable[[str], Address]] = {
        "base_url": read_base_url,
        "postgres_dsn": lambda text: read_dsn(text, libpq, loopback),
        "brokers": lambda text: read_brokers(text, loopback),
        "redis_url": lambda text: read_redis_url(text, loopback),
    }
    found: dict[str, Address] = {}
    for part, read in readers.items():
        if text := getattr(target, part):
            if part != "brokers" and has_torn_password(text):
                raise AddressError(target.key_of(part), f"is {mask_address(text)!r}; it {_TORN}")
            try:
                found[part] = read(text)
            except ValueError as error:
                raise AddressError(target.key_of(part), str(error)) from None
    return found


def allowed_hosts(target: Target) -> AllowedHosts:
    """Return the hosts other than this machine that may be loaded.

    Raises:
        AddressError: an entry is not a host.
    """
    try:
        return AllowedHosts.read(target.allowed)
    except ValueError as error:
        key = f"allowed of [targets.{target.name}], or PERF_ALLOWED_HOSTS,"
        raise AddressError(key, f"holds {error}") from None


def _key_of(variable: str, key: str, name: str, environment: Mapping[str, str]) -> str:
    return variable if environment.get(variable) else f"{key} of [targets.{name}]"
