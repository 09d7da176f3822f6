"""Define the values that the stack hands out: what to start, what runs, how to reach it.

Add here: a fact about a running part that reports or fingerprints need. Keep out: starting,
stopping, and any third party import.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from perf_pipeline.errors import StackError
from perf_pipeline.stack.link_routes import NO_LINKS, Links

PARTS = frozenset({"postgres", "kafka", "redis", "reference"})
EXTERNAL = "external"
UP = "up"


class CannotBeHadError(StackError):
    """Say that a part cannot be had on this machine, so that an announced substitute may be."""


@dataclass(frozen=True, slots=True)
class StackOptions:
    """Say what is configured instead of embedded, and the sizes.

    Attributes:
        postgres_dsn: a given PostgreSQL; None starts one.
        brokers: given bootstrap servers; None starts a broker.
        redis_url: a given Redis; None starts one where a server binary is found.
        api_processes: processes that share the API's port, at least 1.
        worker_processes: members of the consumer group, at least 1.
        parts: which of `postgres`, `kafka`, `redis`, `reference` are wanted.
        allowed: hosts that given brokers may advertise, beside this machine.
        tables: where `reference` is not wanted, its tables are made in a PostgreSQL that is
            started; a given one is left as it is.
        links: who connects to which server through a proxy, both by their names.
        settings: variables of the reference system's environment that differ from its usual ones.
        small_disks: `postgres`, `broker` or `redis`: which of those that are started have a disk
            that can be filled (small_disk.py).
        broker_count: brokers that are started where none is given; three are a cluster.
    """

    postgres_dsn: str | None = None
    brokers: str | None = None
    redis_url: str | None = None
    api_processes: int = 1
    worker_processes: int = 1
    parts: frozenset[str] = PARTS
    allowed: tuple[str, ...] = ()
    tables: bool = False
    links: tuple[tuple[str, str], ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    small_disks: frozenset[str] = frozenset()
    broker_count: int = 1


@dataclass(frozen=True, slots=True)
class ServiceInfo:
    """Describe one running part for header, fingerprint, status and resource sampling.

    Attributes:
        name: `postgres`, `broker`, `redis`, `api`, `worker` or `relay`.
        kind: `postgresql`, `apache-kafka`, `noida-db (emulator)`, `valkey-server`,
            `redis-server`, `external`, `reference`.
        version: as the running server reports it.
        address: host:port, never with a secret; empty where it does not listen.
        pids: every process of it now, the leader first; empty when external.
        settings: the ones that matter for a measurement.
        log: where it writes; None when external.
    """

    name: str
    kind: str
    version: str
    address: str
    pids: tuple[int, ...]
    settings: Mapping[str, str]
    log: Path | None

    @property
    def is_external(self) -> bool:
        """Say whether somebody else started it."""
        return self.kind == EXTERNAL


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Say how to reach each part; None where there is none. DSN and URL hold secrets."""

    base_url: str | None = None
    postgres_dsn: str | None = None
    brokers: str | None = None
    redis_url: str | None = None


@dataclass(frozen=True, slots=True)
class Stack:
    """Describe a running stack.

    Attributes:
        name: `up` (`UP`) for the persistent one, `run-<pid>-<n>` for one that a run owns.
        endpoints: how to reach it.
        services: what runs, in the order of starting.
        folder: where its logs and state are.
        notices: loud things, such as an emulator in place of Kafka.
        links: that go through its proxy; the stack of `up` has none.
    """

    name: str
    endpoints: Endpoints
    services: tuple[ServiceInfo, ...]
    folder: Path
    notices: tuple[str, ...]
    links: Links = field(default=NO_LINKS, repr=False)

    def throws_away(self, part: str) -> bool:
        """Say whether the data of a part is gone with the stack: a run started both for itself."""
        started = {service.name for service in self.services if not service.is_external}
        return self.name != UP and part in started


def broker_count(stack: Stack) -> int:
    """Return how many brokers a stack has started; 0 where it has none of its own."""
    found = [it for it in stack.services if it.name == "broker" and not it.is_external]
    return int(found[0].settings.get("brokers", "1")) if found else 0


@dataclass(frozen=True, slots=True)
class PartFinding:
    """Say in one sentence where a part of the stack would come from, or what is missing."""

    part: str
    ok: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Launched:
    """Hold a part that was started (or given) and may not be ready yet.

    Attributes:
        endpoint: DSN, bootstrap servers or URL.
        describe: waits until it is ready, then describes it.
        notices: loud things about the choice.
    """

    endpoint: str
    describe: Callable[[], ServiceInfo]
    notices: tuple[str, ...] = ()


def to_document(stack: Stack) -> dict[str, Any]:
    """Return the stack as JSON values; it holds the endpoints' secrets."""
    document = asdict(stack)
    del document["links"]
    document["folder"] = str(stack.folder)
    for service in document["services"]:
        service["settings"] = dict(service["settings"])
        service["log"] = None if service["log"] is None else str(service["log"])
    return document


def from_document(document: dict[str, Any]) -> Stack:
    """Return the stack that `to_document` wrote.

    Raises:
        KeyError, TypeError: the document was written by another version.
    """
    services = tuple(
        ServiceInfo(
            **{
                **service,
                "pids": tuple(service["pids"]),
                "log": None if service["log"] is None else Path(service["log"]),
            }
        )
        for service in document["services"]
    )
    return Stack(
        name=document["name"],
        endpoints=Endpoints(**document["endpoints"]),
        services=services,
        folder=Path(document["folder"]),
        notices=tuple(document["notices"]),
    )
