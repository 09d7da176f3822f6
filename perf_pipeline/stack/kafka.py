"""Run Apache Kafka as one or three brokers: KRaft, combined mode, loopback, from Maven artifacts.

It also contains the stack's Kafka clients (readiness of brokers, including given ones).
Add here: another request to a broker. Keep out: the broker's settings (kafka_configuration.py),
groups (kafka_group.py), topics, which the reference system creates, and the emulator (see `noida`).
"""

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
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
from perf_pipeline.stack.kafka_configuration import (
    ONE_BROKER,
    RECOVERY,
    REPLICATED,
    USER,
    BrokerNode,
    configure,
)
from perf_pipeline.stack.kafka_lock import Lock, read_lock
from perf_pipeline.stack.kafka_storage import format_storage, new_id
from perf_pipeline.stack.link_routes import Link, different_ports
from perf_pipeline.stack.parts import EXTERNAL, CannotBeHadError, Launched, PartFinding, ServiceInfo
from perf_pipeline.stack.places import plain_path, require_utf8
from perf_pipeline.stack.service import (
    BEHIND_THE_LOAD,
    LOOPBACK,
    Command,
    Service,
    is_listening,
    run_once,
    spawn,
)
from perf_pipeline.stack.small_disk import ON_DISK, disk_of, on_new_disk, small_disk_notice

HEAP = "256m"
READY_S = 120.0  # normally ready in 2 s, or in 60 s if 20 processes wait for each CPU
_GRACE_S = 15.0
# If all brokers end at once, the last one waits for a controller that no longer exists.
_GRACE_OF_SEVERAL_S = 6.0
REPORTED_VERSION = re.compile(r"Kafka version: (\S+)")
# Only C1 and the serial collector: few compiler and collector threads during a short measurement on
# few cores, at the price of a lower ceiling. The fingerprint says so.
JVM = (
    "-Xms128m",
    f"-Xmx{HEAP}",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Djava.awt.headless=true",
)
# Java resolves links, and under LC_ALL=C it reads letters outside ASCII as question marks.
UTF8 = {"LC_ALL": "C.UTF-8"}


def launch_kafka(
    folder: Path,
    cache: Path,
    *,
    say: Say,
    lock: Lock | None = None,
    links: Iterable[Link] = (),
    brokers: int = 1,
    has_small_disk: bool = False,
) -> Launched:
    """Start the broker, or a cluster, on free ports; data in `kafka/` of the folder.

    Args:
        folder: the folder of the stack.
        cache: the cache of downloaded jars.
        say: is told what starts.
        lock: the lock with the jars; by default that of this package.
        links: the connections to brokers that go through a proxy.
        brokers: the number of brokers; three keep each message on all of them.
        has_small_disk: whether the log of each is on a disk that can be filled (small_disk.py).

    Raises:
        CannotBeHadError: no Java >= 17, or the jars cannot be fetched.
        StackError: a jar differs from the lock, the storage can't be formatted, or no such disk can
            be created.
    """
    java = find_java()
    if java is None:
        raise CannotBeHadError(
            "Apache Kafka needs Java 17 or newer, but there is none here", hint=HINT
        )
    wanted = read_lock() if lock is None else lock
    require_utf8(folder, cache)
    jars = lasting_path(ensure_jars(wanted, cache, say=say))
    what = f"{brokers} brokers of Apache Kafka" if brokers > 1 else "Apache Kafka"
    say(f"starting {what} {wanted.version} on Java {java.version} ({java.source}) ...")
    ports = different_ports(port for link in links for port in (link.port, link.upstream))
    nodes = [BrokerNode(it, next(ports), next(ports)) for it in range(1, brokers + 1)]
    password, cluster = secrets.token_urlsafe(24), new_id()
    configure(folder, nodes, password, links)
    for node in nodes:
        by_tool = partial(_format, folder, java, jars, node)
        data = node.data_in(folder / "kafka")
        format_storage(data, jars, by_tool, cluster=cluster, node=node.number)
    start = partial(_start_broker, folder, java, jars, has_small_disk=has_small_disk)
    services = [start(it, is_alone=brokers == 1) for it in nodes]
    servers = ",".join(f"{LOOPBACK}:{node.port}" for node in nodes)
    endpoint = with_credentials(servers, USER, password)
    KNOWN.add_address(endpoint)
    config = nodes[0].settings_in(folder / "kafka")
    more = ON_DISK if has_small_disk else {}
    notices = (small_disk_notice("the log of each broker is"),) if has_small_disk else ()
    return Launched(
        endpoint, lambda: _describe(services, endpoint, nodes, java, config, more), notices
    )


def _start_broker(
    folder: Path, java: Java, jars: Path, node: BrokerNode, *, is_alone: bool, has_small_disk: bool
) -> Service:
    """Start a broker on its formatted storage; the same command restarts it after kill -9."""
    home = plain_path(folder) / "kafka"
    flags = archive_of(jars, java).flags(may_write=is_alone)
    argv = (*_java_command(folder, java, jars, flags), "kafka.Kafka", str(node.settings_in(home)))
    if has_small_disk:
        argv = on_new_disk(disk_of(folder, node.name), home, (node.data_in(home).name,), argv)
    command = Command(
        name=node.name,
        part="broker",
        argv=argv,
        environment=UTF8,
        grace_s=_GRACE_S if is_alone else _GRACE_OF_SEVERAL_S,
        nice=BEHIND_THE_LOAD,
    )
    return spawn(folder, command)


def answers(brokers: str, timeout_s: float = 2.0, *, at_least: int = 1) -> bool:
    """Say whether the bootstrap servers return metadata with at least this many brokers."""
    try:
        client = AdminClient({**kafka_settings(brokers), "log_level": 0})
        return len(client.list_topics(timeout=timeout_s).brokers) >= at_least
    except KafkaException:
        return False


def takes_part(broker: str) -> bool:
    """Say whether a broker answers at its own address and lists itself in its cluster."""
    host, _, port = bootstrap_servers(broker).rpartition(":")
    if not is_listening(int(port), host):
        return False
    try:
        client = AdminClient({**kafka_settings(broker), "log_level": 0})
        found = client.list_topics(timeout=2.0).brokers.values()
    except KafkaException:
        return False
    return bootstrap_servers(broker) in {f"{address.host}:{address.port}" for address in found}


def given_kafka(brokers: str, allowed: Sequence[str] = ()) -> Launched:
    """Use given brokers.

    Args:
        brokers: bootstrap servers that were checked.
        allowed: hosts that the target allows by name.

    Raises (when described):
        TargetUnavailableError: the brokers do not answer within 3 s.
        TargetNotAllowedError: one of them advertises a host that may not be loaded.
    """

    def describe() -> ServiceInfo:
        require_listeners(brokers, allowed)
        address = bootstrap_servers(brokers)
        release = broker_release(brokers, allowed) or "unknown"
        return ServiceInfo("broker", EXTERNAL, release, address, (), {}, None)

    return Launched(brokers, describe)


def kafka_finding(cache: Path) -> PartFinding:
    """Say whether Apache Kafka can be started here, and what would have to be fetched."""
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


def _format(folder: Path, java: Java, jars: Path, node: BrokerNode, cluster: str) -> None:
    server = str(node.settings_in(plain_path(folder) / "kafka"))
    tool = ("kafka.tools.StorageTool", "format")
    given = (f"--cluster-id={cluster}", f"--config={server}")
    argv = (*_java_command(folder, java, jars, ()), *tool, *given)
    command = Command(name="broker-format", argv=argv, environment=UTF8)
    run_once(folder, command, timeout_s=READY_S)


def _describe(
    services: Sequence[Service],
    endpoint: str,
    nodes: Sequence[BrokerNode],
    java: Java,
    config: Path,
    more: Mapping[str, str],
) -> ServiceInfo:
    for service, node in zip(services, nodes, strict=True):
        service.await_ready(partial(is_listening, node.port), READY_S)
    first = services[0]
    first.await_ready(partial(answers, endpoint, at_least=len(nodes)), READY_S)
    reported = REPORTED_VERSION.search(first.log.read_text(encoding="utf-8", errors="replace"))
    settings = {
        "heap": HEAP,
        "java": f"{java.version} ({java.source})",
        "jvm": " ".join(JVM),
        **{key: ONE_BROKER[key] for key in ("num.partitions", "auto.create.topics.enable")},
        **RECOVERY,
        "sasl": "PLAIN",
        "config": str(config),
        **more,
    }
    if len(nodes) > 1:
        shown = ("default.replication.factor", "min.insync.replicas")
        settings |= {"brokers": str(len(nodes)), **{key: REPLICATED[key] for key in shown}}
    version = reported[1] if reported else "unknown"
    address = bootstrap_servers(endpoint)
    return ServiceInfo("broker", "apache-kafka", version, address, (), settings, first.log)
