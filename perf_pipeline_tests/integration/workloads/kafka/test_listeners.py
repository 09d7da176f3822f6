"""Listeners that clients must not be sent to, or that want something first, are told before a load.

The broker that others are compared with is a real one; the odd ones answer with bytes by Kafka's
protocol guide.
"""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from perf_pipeline.config.kafka_client import bootstrap_servers, kafka_settings
from perf_pipeline.config.kafka_listeners import broker_release, require_listeners
from perf_pipeline.errors import AddressError, TargetNotAllowedError, TargetUnavailableError
from perf_pipeline.loading.broker_watch import BrokerWatch
from perf_pipeline.stack.parts import Stack
from perf_pipeline_tests.support.elsewhere.brokers import (
    listener,
    sends_elsewhere,
    wants_login,
    wants_sasl,
)
from perf_pipeline_tests.support.servers.certificates import self_signed


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Give a certificate and its key."""
    folder = self_signed(tmp_path_factory.mktemp("tls"))
    return folder / "cert.pem", folder / "key.pem"


@contextmanager
def tls_listener(certificate: tuple[Path, Path], *, asks_back: bool) -> Iterator[int]:
    """Speak TLS; ask clients for a certificate as well, or not."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    if asks_back:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certificate[0])

    def serve(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                with (
                    connection,
                    suppress(OSError),
                    context.wrap_socket(connection, server_side=True) as secured,
                ):
                    secured.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        yield server.getsockname()[1]


def test_a_real_broker_is_where_it_says_and_a_silent_one_beside_it_changes_nothing(
    brokers: str,
) -> None:
    """librdkafka, asked for the cluster's brokers, names those that were asked."""
    known = AdminClient(dict(kafka_settings(brokers))).list_topics(timeout=10).brokers.values()

    assert {f"{broker.host}:{broker.port}" for broker in known} <= set(
        bootstrap_servers(brokers).split(",")
    )
    require_listeners(brokers, ())
    require_listeners(f"{brokers},127.0.0.1:1", ())


def test_a_broker_tells_the_release_that_its_own_log_names(servers: Stack) -> None:
    brokers = servers.endpoints.brokers
    assert brokers is not None
    (told,) = (service.version for service in servers.services if service.name == "broker")
    release = broker_release(brokers, ())

    # 4.1.0 in the log is the release 4.1; a given broker is described by this very answer.
    is_given = any(service.name == "broker" and service.is_external for service in servers.services)
    expected = told if is_given else f"Apache Kafka {'.'.join(told.split('.')[:2])}"
    assert release == expected


def test_a_broker_that_sends_its_clients_elsewhere_is_refused_by_the_place() -> None:
    with listener(sends_elsewhere("10.9.8.7", 9092)) as port:
        with pytest.raises(TargetNotAllowedError, match=r"advertise 10\.9\.8\.7:9092, where"):
            require_listeners(f"127.0.0.1:{port}", ())
        with pytest.raises(TargetNotAllowedError):
            require_listeners(f"127.0.0.1:{port}", ("10.9.8.7:9093",))


def test_every_bootstrap_server_is_asked_and_every_broker_that_they_name() -> None:
    with (
        listener(sends_elsewhere("10.9.8.7", 9092)) as third,
        listener(sends_elsewhere("127.0.0.1", third)) as second,
        listener(sends_elsewhere("localhost", second)) as first,
        pytest.raises(TargetNotAllowedError, match=r"advertise 10\.9\.8\.7:9092, where"),
    ):
        require_listeners(f"127.0.0.1:{first}", ())


@pytest.mark.parametrize("asks_back", [False, True], ids=["TLS", "mutual TLS"])
def test_a_listener_that_speaks_tls_is_told(
    certificate: tuple[Path, Path], *, asks_back: bool
) -> None:
    with (
        tls_listener(certificate, asks_back=asks_back) as port,
        pytest.raises(
            TargetUnavailableError,
            match=f"127.0.0.1:{port} wants TLS, but security.protocol is PLAINTEXT",
        ),
    ):
        require_listeners(f"127.0.0.1:{port}", (), must_answer=False)


def test_a_listener_that_wants_sasl_is_told_with_its_mechanisms() -> None:
    with (
        listener(wants_sasl) as port,
        pytest.raises(TargetUnavailableError, match=r"wants SASL \(PLAIN, SCRAM-SHA-512\), but"),
    ):
        require_listeners(f"127.0.0.1:{port}", (), must_answer=False)


def test_a_broker_that_asks_for_a_password_is_told_it_and_then_asked() -> None:
    with (
        listener(wants_login("me", "p@ss", sends_elsewhere("10.9.8.7", 9092))) as port,
        pytest.raises(TargetNotAllowedError, match=r"advertise 10\.9\.8\.7:9092") as refusal,
    ):
        require_listeners(f"SASL_PLAINTEXT://me:p%40ss@127.0.0.1:{port}", ())

    assert "p%40ss" not in str(refusal.value)
    assert f"the brokers 127.0.0.1:{port} advertise" in str(refusal.value)


def test_a_broker_that_is_silent_after_the_login_is_not_told_to_want_another_protocol() -> None:
    with listener(wants_login("me", "p@ss", lambda *_: None)) as port:
        brokers = f"SASL_PLAINTEXT://me:p%40ss@127.0.0.1:{port}"

        require_listeners(brokers, (), must_answer=False)
        with pytest.raises(TargetUnavailableError, match="no broker at .* answered a metadata"):
            require_listeners(brokers, ())


def test_silence_is_an_error_only_for_who_needs_an_answer() -> None:
    require_listeners("127.0.0.1:1", (), must_answer=False)
    with pytest.raises(TargetUnavailableError, match=r"no broker at 127\.0\.0\.1:1 answered"):
        require_listeners("127.0.0.1:1", ())


def test_a_protocol_that_is_not_spoken_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(AddressError, match="PERF_KAFKA_BROKERS begins with SASL_SSL://"):
        require_listeners("SASL_SSL://127.0.0.1:1", ())


def test_a_broker_that_leads_elsewhere_later_is_seen_while_load_runs() -> None:
    places = [("127.0.0.1", 1)]

    def answer(key: int, version: int, body: bytes = b"") -> bytes | None:
        return sends_elsewhere(*places[-1])(key, version, body)

    with listener(answer) as port, BrokerWatch(f"127.0.0.1:{port}", (), 0.02) as watch:
        time.sleep(0.2)
        before = watch.problem
        places.append(("10.9.8.7", 9092))
        until_s = time.monotonic() + 10
        while watch.problem is None and time.monotonic() < until_s:
            time.sleep(0.02)

    assert before is None
    assert watch.problem is not None
    assert "advertise 10.9.8.7:9092, where clients would connect" in watch.problem
