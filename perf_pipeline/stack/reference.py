"""The reference system's processes: migrate once, then the API, the workers and the relay.

Add here: another process of the reference system. Keep out: importing it; it is started as what
it is, a system of its own that is configured by its environment.
"""

import http.client
import importlib.metadata
import importlib.util
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from perf_pipeline.errors import StackError
from perf_pipeline.narration import Say
from perf_pipeline.stack.kafka_group import group_is_settled
from perf_pipeline.stack.link_routes import NO_LINKS, Links
from perf_pipeline.stack.parts import Endpoints, PartFinding, ServiceInfo, StackOptions
from perf_pipeline.stack.service import (
    BEHIND_THE_LOAD,
    LOOPBACK,
    Command,
    Service,
    free_port,
    log_path,
    run_once,
    spawn,
)

PACKAGE = "perf_pipeline.reference_system"
KIND = "reference"
TOPIC = "birthday-messages"
GROUP = "birthday-workers"
PARTITIONS = 6
READY_S = 60.0
MIGRATE_S = 60.0
SETTLED_POLL_S = 0.1
IDENTITY = "BIRTHDAY_WORKER_ID"
_OURS = "BIRTHDAY_"
_LISTENS = b" api INFO listening on "
_SERVES = b" api INFO ready\n"


def require_servers(options: StackOptions) -> None:
    """Refuse a reference system whose servers are neither given nor wanted.

    Raises:
        StackError: PostgreSQL or the broker is missing.
    """
    given = {"postgres": options.postgres_dsn, "kafka": options.brokers}
    if any(endpoint is None and part not in options.parts for part, endpoint in given.items()):
        raise StackError(
            "the reference system needs PostgreSQL and a broker",
            hint=(
                "add the parts postgres and kafka, or set PERF_POSTGRES_DSN and PERF_KAFKA_BROKERS"
            ),
        )


@dataclass(frozen=True, slots=True)
class StartedApi:
    """Hold an API that was started, and the settings of the rest of the reference system."""

    folder: Path
    endpoints: Endpoints
    options: StackOptions
    links: Links
    service: Service
    port: int


def start_api(
    folder: Path, endpoints: Endpoints, options: StackOptions, links: Links, *, say: Say
) -> StartedApi:
    """Start the API, which needs no broker, and leave it to get ready."""
    say(
        f"starting the reference system ({options.api_processes} API, "
        f"{options.worker_processes} worker) ..."
    )
    port = links.upstream_of("api") or free_port()
    serve = ("--host", LOOPBACK, "--port", str(port), "--processes", str(options.api_processes))
    environment = {**_environment(endpoints, links, "api"), **dict(options.settings)}
    service = spawn(folder, _command("api", environment, *serve))
    return StartedApi(folder, endpoints, options, links, service, port)


def complete_reference(api: StartedApi, brokers: str) -> tuple[str, tuple[ServiceInfo, ...]]:
    """Start the rest of the system, wait until it works, and return its base URL and parts.

    It works when GET /health gives 200 and every worker has its share of the partitions.

    Raises:
        StackError: a part does not start.
    """
    endpoints = replace(api.endpoints, brokers=brokers)
    migration = spawn(api.folder, _command("migrate", _environment(endpoints)))
    # They wait for their topic by themselves, and take half a second to import what they need.
    workers = [
        spawn(
            api.folder,
            _worker(number, _environment(endpoints, api.links, "worker"), api.options),
        )
        for number in range(1, api.options.worker_processes + 1)
    ]
    migration.await_end(MIGRATE_S)
    relay = spawn(api.folder, _command("relay", _environment(endpoints, api.links, "relay")))
    processes = api.options.api_processes
    api.service.await_ready(lambda: all_serve(api.folder, api.port, processes), READY_S)
    _await_group(brokers, relay, workers)
    address = f"{LOOPBACK}:{api.port}"
    version = _version(health(api.port) or {})
    api_settings = {"processes": str(api.options.api_processes)}
    worker_settings = {"processes": str(len(workers)), "group": GROUP, "topic": TOPIC}
    return f"http://{address}", (
        ServiceInfo("api", KIND, version, address, (), api_settings, api.service.log),
        ServiceInfo("worker", KIND, version, "", (), worker_settings, workers[0].log),
        ServiceInfo("relay", KIND, version, "", (), {"topic": TOPIC}, relay.log),
    )


def _await_group(brokers: str, relay: Service, workers: Sequence[Service]) -> None:
    """Wait until each worker has its share of the partitions, and the relay runs.

    Raises:
        StackError: one of them ended, or the group was not settled in time.
    """

    def is_settled() -> bool:
        for worker in workers:
            worker.require_alive()
        return group_is_settled(brokers, GROUP, len(workers), PARTITIONS)

    relay.await_ready(is_settled, READY_S, poll_s=SETTLED_POLL_S)


def all_serve(folder: Path, port: int, processes: int) -> bool:
    """Say whether each of an API's processes accepts requests, as GET /health and its log say.

    One that answers has written where it listens, so that what was written of an earlier API ends
    there.
    """
    if health(port) is None:
        return False
    try:
        written = log_path(folder, "api").read_bytes()
    except OSError:
        return False
    return written.rpartition(_LISTENS)[2].count(_SERVES) >= processes


def make_tables(folder: Path, postgres_dsn: str) -> None:
    """Make the reference system's tables in a database, for who needs nothing else of it.

    Raises:
        StackError: PostgreSQL refuses.
    """
    environment = _environment(Endpoints(postgres_dsn=postgres_dsn))
    alone = _command("migrate", environment, "--database-alone")
    run_once(folder, alone, timeout_s=MIGRATE_S)


def health(port: int, host: str = LOOPBACK) -> Mapping[str, object] | None:
    """Return what GET /health says with status 200, an empty mapping for no JSON, else None."""
    connection = http.client.HTTPConnection(host, port, timeout=2.0)
    try:
        connection.request("GET", "/health")
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    if response.status != 200:
        return None
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def is_healthy(base_url: str) -> bool:
    """Say whether GET /health below the base URL gives 200."""
    parts = urlsplit(base_url)
    return parts.port is not None and health(parts.port, parts.hostname or "") is not None


def reference_finding() -> PartFinding:
    """Say whether the reference system is installed."""
    if importlib.util.find_spec(PACKAGE) is None:
        return PartFinding("reference", ok=False, sentence=f"{PACKAGE} is not installed")
    version = importlib.metadata.version("perf_pipeline")
    return PartFinding("reference", ok=True, sentence=f"the reference system of version {version}")


def _environment(endpoints: Endpoints, links: Links = NO_LINKS, client: str = "") -> dict[str, str]:
    """Return the settings of a part; servers that it reaches through a proxy have the proxy's port.

    What the caller's environment says to it as well is kept with its command, so that a process
    that another run starts in its place, or beside it, is as it is.
    """
    environment = {
        **{name: value for name, value in os.environ.items() if name.startswith(_OURS)},
        "BIRTHDAY_POSTGRES_DSN": links.seen_by(client, "postgres", endpoints.postgres_dsn) or "",
        "BIRTHDAY_BROKERS": links.seen_by(client, "broker", endpoints.brokers) or "",
        "BIRTHDAY_TOPIC": TOPIC,
        "BIRTHDAY_GROUP": GROUP,
        "BIRTHDAY_PARTITIONS": str(PARTITIONS),
        "BIRTHDAY_REDIS_URL": links.seen_by(client, "redis", endpoints.redis_url) or "",
        "PYTHONUNBUFFERED": "1",
    }
    return {name: value for name, value in environment.items() if value}


def _command(part: str, environment: Mapping[str, str], *arguments: str, name: str = "") -> Command:
    names = ("BIRTHDAY_POSTGRES_DSN", "BIRTHDAY_BROKERS", "BIRTHDAY_REDIS_URL")
    urls = [environment.get(name, "") for name in names]
    passwords = [urlsplit(url).password or "" for url in urls]
    return Command(
        name=name or part,
        part=part,
        argv=(sys.executable, "-P", "-m", f"{PACKAGE}.{part}", *arguments),
        environment=environment,
        secrets=(*urls, *passwords, *map(unquote, passwords)),
        wave=2,
        nice=BEHIND_THE_LOAD,
    )


def _worker(number: int, environment: Mapping[str, str], options: StackOptions) -> Command:
    """Return a worker that has its partitions back at once when it is started again.

    The broker would keep them for a killed member until its session times out, after 30 s. On a
    given broker a later stack with fewer workers would wait for those of this one as long.
    """
    name = f"worker-{number}"
    identity = {} if options.brokers is not None else {IDENTITY: name}
    given = {**environment, **identity, **dict(options.settings)}
    return _command("worker", given, name=name)


def _version(answer: Mapping[str, object]) -> str:
    return str(answer.get("version") or importlib.metadata.version("perf_pipeline"))
