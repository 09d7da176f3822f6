"""The reference system's processes: migrate once, then the API, the workers and the relay.

Add here: another process of the reference system. Keep out: importing it; it is started as what
it is, a system of its own that is configured by its environment.
"""

import http.client
import importlib.metadata
import importlib.util
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from perf_pipeline.errors import StackError
from perf_pipeline.stack.kafka import group_is_settled
from perf_pipeline.stack.parts import Endpoints, Finding, Say, ServiceInfo, StackOptions
from perf_pipeline.stack.service import LOOPBACK, Command, free_port, run_once, spawn

PACKAGE = "perf_pipeline.reference_system"
KIND = "reference"
TOPIC = "birthday-messages"
GROUP = "birthday-workers"
PARTITIONS = 6
READY_S = 60.0
MIGRATE_S = 60.0
SETTLED_POLL_S = 0.2


def start_reference(
    folder: Path, endpoints: Endpoints, options: StackOptions, *, say: Say
) -> tuple[str, tuple[ServiceInfo, ...]]:
    """Start the reference system and wait until it works; return its base URL and parts.

    It works when GET /health gives 200 and every worker has its share of the partitions.

    Raises:
        StackError: PostgreSQL or the broker is missing, or a part does not start.
    """
    brokers = endpoints.brokers
    if endpoints.postgres_dsn is None or brokers is None:
        raise StackError(
            "the reference system needs PostgreSQL and a broker",
            hint="add the parts postgres and kafka, or set PERF_POSTGRES_DSN, PERF_KAFKA_BROKERS",
        )
    say(
        f"starting the reference system ({options.api_processes} API, "
        f"{options.worker_processes} worker) ..."
    )
    environment = _environment(endpoints)
    run_once(folder, _command("migrate", environment), timeout_s=MIGRATE_S)
    port = free_port()
    serve = ("--host", LOOPBACK, "--port", str(port), "--processes", str(options.api_processes))
    api = spawn(folder, _command("api", environment, *serve))
    workers = [
        spawn(folder, _command("worker", environment, name=f"worker-{number}"))
        for number in range(1, options.worker_processes + 1)
    ]
    relay = spawn(folder, _command("relay", environment))
    api.await_ready(lambda: health(port) is not None, READY_S)
    for service in (relay, *workers):
        service.await_ready(
            lambda: group_is_settled(brokers, GROUP, len(workers), PARTITIONS),
            READY_S,
            poll_s=SETTLED_POLL_S,
        )
    address = f"{LOOPBACK}:{port}"
    version = _version(health(port) or {})
    api_settings = {"processes": str(options.api_processes)}
    worker_settings = {"processes": str(len(workers)), "group": GROUP, "topic": TOPIC}
    return f"http://{address}", (
        ServiceInfo("api", KIND, version, address, (), api_settings, api.log),
        ServiceInfo("worker", KIND, version, "", (), worker_settings, workers[0].log),
        ServiceInfo("relay", KIND, version, "", (), {"topic": TOPIC}, relay.log),
    )


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
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def is_healthy(base_url: str) -> bool:
    """Say whether GET /health below the base URL gives 200."""
    parts = urlsplit(base_url)
    return parts.port is not None and health(parts.port, parts.hostname or "") is not None


def reference_finding() -> Finding:
    """Say whether the reference system is installed."""
    if importlib.util.find_spec(PACKAGE) is None:
        return Finding("reference", ok=False, sentence=f"{PACKAGE} is not installed")
    version = importlib.metadata.version("perf_pipeline")
    return Finding("reference", ok=True, sentence=f"the reference system of version {version}")


def _environment(endpoints: Endpoints) -> dict[str, str]:
    environment = {
        "BIRTHDAY_POSTGRES_DSN": endpoints.postgres_dsn or "",
        "BIRTHDAY_BROKERS": endpoints.brokers or "",
        "BIRTHDAY_TOPIC": TOPIC,
        "BIRTHDAY_GROUP": GROUP,
        "BIRTHDAY_PARTITIONS": str(PARTITIONS),
        "BIRTHDAY_REDIS_URL": endpoints.redis_url or "",
        "PYTHONUNBUFFERED": "1",
    }
    return {name: value for name, value in environment.items() if value}


def _command(part: str, environment: Mapping[str, str], *arguments: str, name: str = "") -> Command:
    urls = [environment.get("BIRTHDAY_POSTGRES_DSN", ""), environment.get("BIRTHDAY_REDIS_URL", "")]
    passwords = [urlsplit(url).password or "" for url in urls]
    return Command(
        name=name or part,
        part=part,
        argv=(sys.executable, "-m", f"{PACKAGE}.{part}", *arguments),
        environment=environment,
        secrets=(*urls, *passwords, *map(unquote, passwords)),
        wave=2,
    )


def _version(answer: Mapping[str, object]) -> str:
    return str(answer.get("version") or importlib.metadata.version("perf_pipeline"))
