"""What the embedded broker is told: its settings, its listeners, its one user and its log.

Add here: a broker setting, with its reason. Keep out: starting it (kafka.py).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from perf_pipeline.stack.link_routes import Link
from perf_pipeline.stack.places import plain_path, written
from perf_pipeline.stack.service import LOOPBACK

USER: Final = "birthday"
# Kafka's 9 s cost 12.6 s after kill -9, because the old registration must expire first; with 4 s
# the broker is back in 5.7 s (docs/decisions/0001).
RECOVERY = {"broker.session.timeout.ms": "4000", "broker.heartbeat.interval.ms": "1000"}
ONE_BROKER = {
    "num.partitions": "1",
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # Members that start together join together: with 0 the first one gets everything at once, and
    # the second one waits for its next heartbeat, 3 s later.
    "group.initial.rebalance.delay.ms": "250",
    "auto.create.topics.enable": "false",
    "log.cleaner.dedupe.buffer.size": "16777216",
    # A controller that nobody asks anything writes that nothing has happened; twice a second, it
    # takes a third of what an idle broker takes of a processor.
    "metadata.max.idle.interval.ms": "5000",
}
LOGGING = """status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %c: %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
logger.version.name = org.apache.kafka.common.utils.AppInfoParser
logger.version.level = info
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = info
"""


@dataclass(frozen=True, slots=True)
class _Listener:
    """Name a listener, where it listens, and where its clients are told to go."""

    name: str
    port: int
    advertised: int


def configure(
    folder: Path, port: int, controller_port: int, password: str, links: Iterable[Link] = ()
) -> None:
    """Write what the broker of a folder reads when it starts.

    Args:
        folder: of the stack.
        port: for clients.
        controller_port: for the broker itself.
        password: of the one user.
        links: to the broker that go through a proxy; each has a listener, which tells its clients
            the proxy's port, as they go where the broker says.
    """
    home = plain_path(folder) / "kafka"
    clients = (
        _Listener("CLIENTS", port, port),
        *(
            _Listener(f"{link.client.upper()}LINK", link.upstream, link.port)
            for link in links
            if link.server == "broker"
        ),
    )
    names = tuple(listener.name for listener in clients)
    controller = f"{LOOPBACK}:{controller_port}"
    listeners = [f"{one.name}://{LOOPBACK}:{one.port}" for one in clients]
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{controller}",
        "listeners": ",".join([*listeners, f"CONTROLLER://{controller}"]),
        "advertised.listeners": ",".join(
            f"{one.name}://{LOOPBACK}:{one.advertised}" for one in clients
        ),
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "CLIENTS",
        "listener.security.protocol.map": ",".join(
            f"{name}:SASL_PLAINTEXT" for name in ("CONTROLLER", *names)
        ),
        **_credentials(password, names),
        "log.dirs": str(home / "data"),
        **ONE_BROKER,
        **RECOVERY,
    }
    lines = "".join(f"{key}={value}\n" for key, value in settings.items())
    with written(folder):
        home.mkdir(parents=True)
        (home / "server.properties").touch(mode=0o600)  # it holds the password
        (home / "server.properties").write_text(lines, encoding="ascii")
        (home / "log4j2.properties").write_text(LOGGING, encoding="ascii")


def _credentials(password: str, listeners: Sequence[str]) -> dict[str, str]:
    """Return the settings by which all listeners ask for the one user's password.

    The controller's as well: whoever may talk to it may change everything.
    """
    login = (
        "org.apache.kafka.common.security.plain.PlainLoginModule required "
        f'username="{USER}" password="{password}" user_{USER}="{password}";'
    )
    names = (*map(str.lower, listeners), "controller")
    return {
        "sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "sasl.mechanism.controller.protocol": "PLAIN",
        **{f"listener.name.{name}.sasl.enabled.mechanisms": "PLAIN" for name in names},
        **{f"listener.name.{name}.plain.sasl.jaas.config": login for name in names},
    }
