"""Write the configuration of the embedded brokers: settings, listeners, the one user and logs.

Add here: a broker setting, with its reason. Keep out: starting brokers (kafka.py).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from perf_pipeline.stack.link_routes import Link
from perf_pipeline.stack.places import plain_path, written
from perf_pipeline.stack.service import LOOPBACK

USER: Final = "birthday"
# With Kafka's default of 9 s, a broker is back 12.6 s after kill -9, because the old registration
# must expire first; with 4 s it is back in 5.7 s (docs/decisions/0001).
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
    # Members that start together join together: with 0 the first member gets everything at once,
    # and the second waits for its next heartbeat, 3 s later.
    "group.initial.rebalance.delay.ms": "250",
    "auto.create.topics.enable": "false",
    "log.cleaner.dedupe.buffer.size": "16777216",
    # An idle controller writes that nothing has happened; twice a second, that is a third of the
    # CPU use of an idle broker.
    "metadata.max.idle.interval.ms": "5000",
}
# No message is lost with one of several brokers: each is on all three, acknowledged by two.
REPLICATED = {
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "share.coordinator.state.topic.replication.factor": "3",
    "share.coordinator.state.topic.min.isr": "2",
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


def name_of(number: int) -> str:
    """Return the name of a broker's process.

    >>> name_of(1), name_of(2)
    ('broker', 'broker-2')
    """
    return f"broker-{number}" if number > 1 else "broker"


def number_of(name: str) -> int:
    """Return the number of the broker that a process is.

    >>> number_of("broker"), number_of("broker-2")
    (1, 2)
    """
    return int(name.rpartition("-")[2]) if "-" in name else 1


@dataclass(frozen=True, slots=True)
class BrokerNode:
    """Hold a broker of the stack, which is also a controller of its cluster.

    Attributes:
        number: its number in the cluster, counted from 1.
        port: the port for clients and for other brokers.
        controller_port: the port for controllers.
    """

    number: int
    port: int
    controller_port: int

    @property
    def name(self) -> str:
        """Return the name of its process."""
        return name_of(self.number)

    def settings_in(self, home: Path) -> Path:
        """Return the path of its settings file."""
        return home / f"server{self._suffix}.properties"

    def data_in(self, home: Path) -> Path:
        """Return the folder of its log."""
        return home / f"data{self._suffix}"

    @property
    def _suffix(self) -> str:
        return f"-{self.number}" if self.number > 1 else ""


@dataclass(frozen=True, slots=True)
class _Listener:
    """Hold a listener, its port, and the port that it advertises."""

    name: str
    port: int
    advertised: int


def configure(
    folder: Path, nodes: Sequence[BrokerNode], password: str, links: Iterable[Link] = ()
) -> None:
    """Write the files that the brokers of a folder read at their start.

    Args:
        folder: the folder of the stack.
        nodes: all brokers of the cluster.
        password: the password of the one user.
        links: the connections to brokers that go through a proxy; each has a listener, which
            advertises the proxy's port, because clients connect to what brokers advertise.
    """
    home = plain_path(folder) / "kafka"
    voters = ",".join(f"{node.number}@{LOOPBACK}:{node.controller_port}" for node in nodes)
    hindered = [link for link in links if link.server == "broker"]
    with written(folder):
        home.mkdir(parents=True)
        for node in nodes:
            settings = {
                "process.roles": "broker,controller",
                "node.id": str(node.number),
                "controller.quorum.voters": voters,
                **_listeners(node, [it for it in hindered if it.number == node.number], password),
                "log.dirs": str(node.data_in(home)),
                **ONE_BROKER,
                **(REPLICATED if len(nodes) > 1 else {}),
                **RECOVERY,
            }
            lines = "".join(f"{key}={value}\n" for key, value in settings.items())
            node.settings_in(home).touch(mode=0o600)  # it contains the password
            node.settings_in(home).write_text(lines, encoding="ascii")
        (home / "log4j2.properties").write_text(LOGGING, encoding="ascii")


def _listeners(node: BrokerNode, links: Sequence[Link], password: str) -> dict[str, str]:
    """Return where a broker listens, the addresses that it advertises, and how clients log in."""
    clients = (
        _Listener("CLIENTS", node.port, node.port),
        *(_Listener(f"{link.client.upper()}LINK", link.upstream, link.port) for link in links),
    )
    names = tuple(listener.name for listener in clients)
    listeners = [f"{listener.name}://{LOOPBACK}:{listener.port}" for listener in clients]
    return {
        "listeners": ",".join([*listeners, f"CONTROLLER://{LOOPBACK}:{node.controller_port}"]),
        "advertised.listeners": ",".join(
            f"{listener.name}://{LOOPBACK}:{listener.advertised}" for listener in clients
        ),
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "CLIENTS",
        "listener.security.protocol.map": ",".join(
            f"{name}:SASL_PLAINTEXT" for name in ("CONTROLLER", *names)
        ),
        **_credentials(password, names),
    }


def _credentials(password: str, listeners: Sequence[str]) -> dict[str, str]:
    """Return the settings with which all listeners require the one user's password.

    This includes the controller's listener, because whoever may talk to it may change everything.
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
