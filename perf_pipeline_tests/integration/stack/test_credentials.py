"""Every server of the embedded stack asks for a password, and no process shows one."""

import socket
import struct
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit, urlunsplit

import psutil
import psycopg
import pytest
import redis

from perf_pipeline.config.kafka_client import bootstrap_servers, kafka_settings, with_credentials
from perf_pipeline.config.kafka_listeners import require_listeners
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.stack.kafka import answers
from perf_pipeline.stack.parts import Stack


def without_password(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}@{parts.netloc.split('@')[1]}"))


def passwords(stack: Stack) -> Iterator[str]:
    ends = stack.endpoints
    for url in filter(None, (ends.postgres_dsn, ends.brokers, ends.redis_url)):
        yield unquote(urlsplit(url).password or "")


def test_kafka_answers_nobody_without_the_password(servers: Stack) -> None:
    if not any(service.kind == "apache-kafka" for service in servers.services):
        pytest.skip("only Apache Kafka of the embedded stack asks for a password")
    brokers = servers.endpoints.brokers or ""
    address = bootstrap_servers(brokers)

    assert answers(brokers)
    assert not answers(address)
    assert not answers(with_credentials(address, "birthday", "wrong"))
    assert not answers(with_credentials(address, "stranger", next(passwords(servers))))


def test_who_is_refused_is_told_before_there_is_a_client(servers: Stack) -> None:
    if not any(service.kind == "apache-kafka" for service in servers.services):
        pytest.skip("only Apache Kafka of the embedded stack asks for a password")
    brokers = servers.endpoints.brokers or ""
    address = bootstrap_servers(brokers)

    require_listeners(brokers, ())
    with pytest.raises(TargetUnavailableError, match=r"wants SASL \(PLAIN\)"):
        require_listeners(address, ())
    with pytest.raises(TargetUnavailableError, match="refuses the given user and password"):
        require_listeners(with_credentials(address, "birthday", "wr0ng-one"), ())


def test_the_controller_asks_for_it_as_well(servers: Stack) -> None:
    listening = {
        connection.laddr.port
        for service in servers.services
        if service.kind == "apache-kafka"
        for connection in psutil.Process(service.pids[0]).net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    if not listening:
        pytest.skip("no Apache Kafka of the embedded stack here")
    brokers = servers.endpoints.brokers or ""
    [controller] = listening - {int(bootstrap_servers(brokers).rpartition(":")[2])}
    # DescribeCluster (60) version 1 of the controllers (2), as a client that proved nothing: a
    # listener that asks for credentials closes the connection, another one answers.
    request = struct.pack(">hhihB", 60, 1, 7, -1, 0) + bytes([0, 2, 0])

    with socket.create_connection(("127.0.0.1", controller), timeout=5.0) as client:
        client.sendall(struct.pack(">i", len(request)) + request)
        assert client.recv(100) == b""


def test_postgresql_and_redis_ask_for_theirs(servers: Stack) -> None:
    ends = servers.endpoints
    if any(service.kind == "external" for service in servers.services) or ends.redis_url is None:
        pytest.skip("given servers may ask for nothing")

    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(without_password(ends.postgres_dsn or ""))
    with (
        redis.Redis.from_url(without_password(ends.redis_url)) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()


def test_no_process_shows_a_password_in_its_arguments(servers: Stack) -> None:
    secrets = [password for password in passwords(servers) if password]
    assert all(len(set(secrets)) == len(secrets) for _ in secrets)

    for process in psutil.process_iter():
        try:
            shown = " ".join(process.cmdline())
        except psutil.Error:
            continue
        assert not any(password in shown for password in secrets), process


def test_the_settings_of_a_client_lead_to_where_the_text_says() -> None:
    text = with_credentials("127.0.0.1:1,[::1]:2", "me@x", "p@s:s/w")

    assert kafka_settings(text) == {
        "bootstrap.servers": "127.0.0.1:1,[::1]:2",
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "me@x",
        "sasl.password": "p@s:s/w",
    }
