"""The value types of the stack: what to start, what runs, how to reach it.

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
    """Say that a part is not available on this machine, but a substitute may be."""


@dataclass(frozen=True, slots=True)
class StackOptions:
    """Say which parts are given instead of embedded, and the sizes of the others.

    Attributes:
        postgres_dsn: a given PostgreSQL; None starts one.
        brokers: given bootstrap servers; None starts a broker.
        redis_url: a given Redis; None starts one if a server binary is found.
        api_processes: processes that share the API's port, at least 1.
        worker_processes: members of the consumer group, at least 1.
        parts: which of `postgres`, `kafka`, `redis`, `reference` are wanted.
        allowed: hosts other than this machine that given brokers may advertise.
        tables: whether to create the tables of `reference` in a started PostgreSQL if `reference`
            itself is not wanted; a given PostgreSQL is left unchanged.
        links: the names of clients and servers that are connected through a proxy.
        settings: environment variables of the reference system that differ from the usual ones.
        small_disks: which started servers (`postgres`, `broker` or `redis`) have a disk that can be
            filled (small_disk.py).
        broker_count: how many brokers are started if none is given; three are a cluster.
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
        version: the version that the running server reports.
        address: host:port, never with a secret; empty if it does not listen.
        pids: all its current processes, the leader first; empty if external.
        settings: the settings that matter for a measurement.
        log: the path of its log; None if external.
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
    """Hold the address of each part; None if there is none. DSN and URL contain secrets."""

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
        services: the running parts, in the order of starting.
        folder: the folder of its logs and state.
        notices: important notices, such as an emulator instead of Kafka.
        links: the connections that go through its proxy; the stack of `up` has none.
    """

    name: str
    endpoints: Endpoints
    services: tuple[ServiceInfo, ...]
    folder: Path
    notices: tuple[str, ...]
    links: Links = field(default=NO_LINKS, repr=False)

    def throws_away(self, part: str) -> bool:
        """Say whether a part's data disappears with the stack, since a run started both."""
        started = {service.name for service in self.services if not service.is_external}
        return self.name != UP and part in started


def broker_count(stack: Stack) -> int:
    """Return how many brokers a stack has started; 0 if it has none of its own."""
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
        notices: important notices about the choice.
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
