"""Apache Kafka as one real broker: KRaft, combined mode, loopback, from locked Maven artifacts.

Also where every Kafka client of the stack lives (readiness of brokers, given ones included).
Add here: another question to a broker. Keep out: the broker's settings (kafka_configuration.py),
groups (kafka_group.py), topics (the reference system's own) and the emulator (see `noida`).
"""

import re
import secrets
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from perf_pipeline.config.kafka_client import (
    bootstrap_servers,
    kafka_settings,
    with_credentials,
)
from perf_pipeline.config.kafka_listeners import broker_release, require_listeners
from perf_pipeline.narration import Say
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline.stack.class_archive import archive_of, lasting_path
from perf_pipeline.stack.jars import ensure_jars, jars_folder, missing_jars
from perf_pipeline.stack.java import HINT, Java, find_java
from perf_pipeline.stack.kafka_configuration import ONE_BROKER, RECOVERY, USER, configure
from perf_pipeline.stack.kafka_lock import Lock, read_lock
from perf_pipeline.stack.kafka_storage import format_storage
from perf_pipeline.stack.link_routes import Link
from perf_pipeline.stack.parts import EXTERNAL, CannotBeHadError, Launched, PartFinding, ServiceInfo
from perf_pipeline.stack.places import plain_path, require_utf8
from perf_pipeline.stack.service import (
    BEHIND_THE_LOAD,
    LOOPBACK,
    Command,
    Service,
    free_port,
    is_listening,
    run_once,
    spawn,
)

HEAP = "256m"
READY_S = 120.0  # ready in 2 s here, in 60 s where 20 processes wait for each CPU
REPORTED_VERSION = re.compile(r"Kafka version: (\S+)")
# C1 only and the serial collector: few compiler and collector threads beside a short measurement
# on few cores, at the price of a lower ceiling. Stated in the fingerprint.
JVM = (
    "-Xms128m",
    f"-Xmx{HEAP}",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Djava.awt.headless=true",
)
# Java resolves links, and under LC_ALL=C it takes a letter outside ASCII for a question mark.
UTF8 = {"LC_ALL": "C.UTF-8"}


def launch_kafka(
    folder: Path, cache: Path, *, say: Say, lock: Lock | None = None, links: Iterable[Link] = ()
) -> Launched:
    """Start the broker on free ports; data in `kafka/` of the folder.

    Args:
        folder: of the stack.
        cache: of downloaded jars.
        say: is told what starts.
        lock: names the jars; that of this package by default.
        links: to the broker that go through a proxy.

    Raises:
        CannotBeHadError: no Java >= 17, or the jars cannot be fetched.
        StackError: a jar is not what the lock names, or the storage cannot be formatted.
    """
    java = find_java()
    if java is None:
        raise CannotBeHadError(
            "Apache Kafka needs Java 17 or newer, but there is none here", hint=HINT
        )
    wanted = read_lock() if lock is None else lock
    require_utf8(folder, cache)
    jars = lasting_path(ensure_jars(wanted, cache, say=say))
    say(f"starting Apache Kafka {wanted.version} on Java {java.version} ({java.source}) ...")
    port, controller_port = free_port(), free_port()
    password = secrets.token_urlsafe(24)
    configure(folder, port, controller_port, password, links)
    data = folder / "kafka" / "data"
    format_storage(data, jars, partial(_format, folder, java, jars))
    service = start_broker(folder, java, jars)
    endpoint = with_credentials(f"{LOOPBACK}:{port}", USER, password)
    KNOWN.add_address(endpoint)
    config = folder / "kafka" / "server.properties"
    return Launched(endpoint, lambda: _describe(service, endpoint, port, java, config))


def start_broker(folder: Path, java: Java, jars: Path) -> Service:
    """Start a broker on the folder's formatted storage; also the way back after kill -9."""
    server = str(plain_path(folder) / "kafka" / "server.properties")
    flags = archive_of(jars, java).flags()
    argv = (*_java_command(folder, java, jars, flags), "kafka.Kafka", server)
    return spawn(
        folder,
        Command(name="broker", argv=argv, environment=UTF8, grace_s=15.0, nice=BEHIND_THE_LOAD),
    )


def answers(brokers: str, timeout_s: float = 2.0) -> bool:
    """Say whether the bootstrap servers give metadata with at least one broker."""
    try:
        client = AdminClient({**kafka_settings(brokers), "log_level": 0})
        return bool(client.list_topics(timeout=timeout_s).brokers)
    except KafkaException:
        return False


def given_kafka(brokers: str, allowed: Sequence[str] = ()) -> Launched:
    """Use given brokers.

    Args:
        brokers: bootstrap servers that were checked.
        allowed: hosts that the target allows by name.

    Raises (when described):
        TargetUnavailableError: they do not answer within 3 s.
        TargetNotAllowedError: one of them advertises a host that may not be loaded.
    """

    def describe() -> ServiceInfo:
        require_listeners(brokers, allowed)
        address = bootstrap_servers(brokers)
        release = broker_release(brokers, allowed) or "unknown"
        return ServiceInfo("broker", EXTERNAL, release, address, (), {}, None)

    return Launched(brokers, describe)


def kafka_finding(cache: Path) -> PartFinding:
    """Say whether Apache Kafka can be started here and what would have to be fetched."""
    java, lock = find_java(), read_lock()
    if java is None:
        return PartFinding("kafka", ok=False, sentence=f"there is no Java 17 or newer: {HINT}")
    count = len(missing_jars(lock, cache))
    where = (
        f"in {jars_folder(lock, cache)}"
        if not count
        else (f"{count} jars will be fetched at first use")
    )
    return PartFinding(
        "kafka",
        ok=True,
        sentence=f"Apache Kafka {lock.version} ({where}) on Java {java.version} ({java.source})",
    )


def _java_command(
    folder: Path, java: Java, jars: Path, archive: tuple[str, ...]
) -> tuple[str, ...]:
    # zstd, lz4 and snappy load native code, and Kafka unmaps with sun.misc.Unsafe: 24+ warns.
    quiet = (
        ("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow")
        if java.major >= 24
        else ()
    )
    place = plain_path(folder)
    return (
        str(java.program),
        *JVM,
        *quiet,
        *archive,
        f"-XX:ErrorFile={place / 'logs' / 'broker-crash.log'}",
        f"-Dlog4j2.configurationFile={place / 'kafka' / 'log4j2.properties'}",
        "-cp",
        f"{plain_path(folder, jars, 'jars')}/*",
    )


def _format(folder: Path, java: Java, jars: Path, cluster: str) -> None:
    server = str(plain_path(folder) / "kafka" / "server.properties")
    tool = ("kafka.tools.StorageTool", "format")
    given = (f"--cluster-id={cluster}", f"--config={server}")
    argv = (*_java_command(folder, java, jars, ()), *tool, *given)
    command = Command(name="broker-format", argv=argv, environment=UTF8)
    run_once(folder, command, timeout_s=READY_S)


def _describe(service: Service, endpoint: str, port: int, java: Java, config: Path) -> ServiceInfo:
    address = f"{LOOPBACK}:{port}"
    service.await_ready(lambda: is_listening(port) and answers(endpoint), READY_S)
    reported = REPORTED_VERSION.search(service.log.read_text(encoding="utf-8", errors="replace"))
    settings = {
        "heap": HEAP,
        "java": f"{java.version} ({java.source})",
        "jvm": " ".join(JVM),
        **{key: ONE_BROKER[key] for key in ("num.partitions", "auto.create.topics.enable")},
        **RECOVERY,
        "sasl": "PLAIN",
        "config": str(config),
    }
    version = reported[1] if reported else "unknown"
    return ServiceInfo("broker", "apache-kafka", version, address, (), settings, service.log)
