"""Apache Kafka as a company runs it: TLS with its own authority, SASL, certificates of clients.

One broker with four listeners: `plain` (PLAINTEXT), `secured` (SASL_SSL with PLAIN, SCRAM and
OAUTHBEARER), `mutual` (SSL, asks clients for a certificate) and `stale` (SSL with a certificate
that has expired).
Add here: another listener. Keep out: what clients do.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # not in its __all__
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from perf_pipeline.config.kafka_client import kafka_settings
from perf_pipeline.stack.class_archive import archive_of
from perf_pipeline.stack.jars import ensure_jars
from perf_pipeline.stack.java import find_java
from perf_pipeline.stack.kafka import READY_S, UTF8, answers
from perf_pipeline.stack.kafka_configuration import ONE_BROKER
from perf_pipeline.stack.kafka_lock import read_lock
from perf_pipeline.stack.kafka_storage import format_storage
from perf_pipeline.stack.service import free_port
from perf_pipeline_tests.support.commands.command_line import wait_until
from perf_pipeline_tests.support.places import CACHE
from perf_pipeline_tests.support.servers.certificates import authority, signed
from perf_pipeline_tests.support.silent import hush

USER: Final = "order-app"
PASSWORD: Final = "s3cret-of-orders"
_LOGIN: Final = "org.apache.kafka.common.security"
_LISTENERS: Final = ("plain", "secured", "mutual", "stale", "controller")
_PROTOCOLS: Final = "PLAIN:PLAINTEXT,SECURED:SASL_SSL,MUTUAL:SSL,STALE:SSL,CONTROLLER:PLAINTEXT"
_ROUNDS: Final = 4096  # the fewest that Kafka takes
_SASL: Final = "listener.name.secured"


@dataclass(frozen=True, slots=True)
class SecuredBroker:
    """Hold where its listeners are, and the folder with all certificates and keys.

    Attributes:
        ports: of each listener, on 127.0.0.1.
        folder: with ca.pem, other-ca.pem, client.pem, client.key, stranger.pem and stranger.key.
    """

    ports: dict[str, int]
    folder: Path

    def at(self, listener: str) -> str:
        """Return the address of a listener."""
        return f"127.0.0.1:{self.ports[listener]}"


@contextmanager
def secured_broker(folder: Path) -> Iterator[SecuredBroker]:
    """Start the broker, and kill it at the end."""
    _write_certificates(folder)
    ports = {name: free_port() for name in _LISTENERS}
    (folder / "server.properties").write_text(_properties(folder, ports), encoding="ascii")
    java = find_java()
    assert java is not None
    jars = ensure_jars(read_lock(), CACHE, say=hush)
    command = [str(java.program), "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
    command += ["-cp", f"{jars}/*"]
    with (folder / "log").open("wb") as log:

        def by_tool(cluster: str) -> None:
            tool = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster}"]
            # The tool loads what a broker loads.
            formatted = [
                *command,
                *archive_of(jars, java).flags(may_write=False),
                *tool,
                "--config=server.properties",
            ]
            subprocess.run(formatted, cwd=folder, stdout=log, stderr=log, check=True, env=UTF8)

        format_storage(folder / "data", jars, by_tool)
        serve = [*command, *archive_of(jars, java).flags(), "kafka.Kafka", "server.properties"]
        with subprocess.Popen(serve, cwd=folder, stdout=log, stderr=log, env=UTF8) as running:
            try:
                broker = SecuredBroker(ports, folder)
                tries = int(READY_S / 2)
                assert any(answers(broker.at("plain")) for _ in range(tries)), folder / "log"
                _add_user(broker.at("plain"))
                yield broker
            finally:
                running.kill()


def _add_user(brokers: str) -> None:
    admin = AdminClient(kafka_settings(brokers))
    mechanisms = (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512)
    added = [
        UserScramCredentialUpsertion(USER, ScramCredentialInfo(it, _ROUNDS), PASSWORD.encode())
        for it in mechanisms
    ]
    # One user's mechanisms may not be in one request.
    for one in added:
        for done in admin.alter_user_scram_credentials([one]).values():
            done.result(READY_S)
    wait_until(lambda: _knows(admin, len(added)), READY_S)


def _knows(admin: AdminClient, mechanisms: int) -> bool:
    told = admin.describe_user_scram_credentials([USER])
    assert isinstance(told, dict)
    with suppress(KafkaException):  # the broker has not heard of this user yet
        return len(told[USER].result(READY_S).scram_credential_infos) == mechanisms
    return False


def _write_certificates(folder: Path) -> None:
    for name in ("ca", "other-ca"):
        authority(folder, name)
    for name, by, days in (
        ("server", "ca", 2),
        ("old", "ca", -1),
        ("client", "ca", 2),
        ("stranger", "other-ca", 2),
    ):
        certificate = signed(folder, name, by, days=days)
        key = certificate.with_suffix(".key").read_text()
        (folder / f"{name}-both.pem").write_text(key + certificate.read_text())


def _properties(folder: Path, ports: dict[str, int]) -> str:
    addresses = {name: f"{name.upper()}://127.0.0.1:{port}" for name, port in ports.items()}
    clients = [address for name, address in addresses.items() if name != "controller"]
    module = f"{_LOGIN}.plain.PlainLoginModule required"
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{ports['controller']}",
        "listeners": ",".join(addresses.values()),
        "advertised.listeners": ",".join(clients),
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAIN",
        "listener.security.protocol.map": _PROTOCOLS,
        "log.dirs": str(folder / "data"),
        **ONE_BROKER,
        "auto.create.topics.enable": "true",  # as many a company's does
        **_tls("secured", folder / "server-both.pem"),
        **_tls("mutual", folder / "server-both.pem"),
        "listener.name.mutual.ssl.client.auth": "required",
        "listener.name.mutual.ssl.truststore.type": "PEM",
        "listener.name.mutual.ssl.truststore.location": str(folder / "ca.pem"),
        **_tls("stale", folder / "old-both.pem"),
        f"{_SASL}.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
        f"{_SASL}.plain.sasl.jaas.config": f'{module} user_{USER}="{PASSWORD}";',
        **{
            f"{_SASL}.{name}.sasl.jaas.config": f"{_LOGIN}.scram.ScramLoginModule required;"
            for name in ("scram-sha-256", "scram-sha-512")
        },
        # Kafka's own validator of tokens that nobody signed: for tests, as its docs say.
        f"{_SASL}.oauthbearer.sasl.jaas.config": (
            f"{_LOGIN}.oauthbearer.OAuthBearerLoginModule required "
            'unsecuredLoginStringClaim_sub="nobody";'
        ),
    }
    return "".join(f"{key}={value}\n" for key, value in settings.items())


def _tls(listener: str, both: Path) -> dict[str, str]:
    prefix = f"listener.name.{listener}.ssl.keystore"
    return {f"{prefix}.type": "PEM", f"{prefix}.location": str(both)}
